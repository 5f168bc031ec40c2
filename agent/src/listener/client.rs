//! Asks other nodes, at the listener's port of their mesh addresses. It never retries.

use http_body_util::{BodyExt as _, Full, Limited};
pub use hyper::Method;
use hyper::body::Bytes;
use hyper::client::conn::http1::handshake;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use knarr_node::net::{MeshIp, Port};
use serde::Serialize;
use std::io;
use std::net::{SocketAddr, SocketAddrV4};
use std::time::Duration;
use tokio::net::TcpSocket;

/// No answer may be longer, in bytes.
const ANSWER: usize = 16 * 1024 * 1024;

/// A node did not answer as it should.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// There is no way to it, or it does not listen.
    #[error("cannot reach {to}")]
    Reach {
        /// Its mesh address.
        to: MeshIp,
        /// Why not.
        source: io::Error,
    },
    /// It did not answer in time.
    #[error("{to} did not answer within {} s", .patience.as_secs_f32())]
    Late {
        /// Its mesh address.
        to: MeshIp,
        /// How long it was waited for.
        patience: Duration,
    },
    /// What came is no answer.
    #[error("{to} broke off")]
    Broken {
        /// Its mesh address.
        to: MeshIp,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It said no.
    #[error("{to} refused: {said} ({status})")]
    Refused {
        /// Its mesh address.
        to: MeshIp,
        /// HTTP's number for it.
        status: StatusCode,
        /// Its own words.
        said: String,
    },
}

impl AskError {
    /// Says what to type.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Reach { .. } | Self::Late { .. } => "wg show knarr0, here and there",
            Self::Broken { .. } => "systemctl status knarrd, there",
            Self::Refused { .. } => "knarrd status, here and there: both must follow the same commit",
        }
    }
}

/// Asks in the name of one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    from: MeshIp,
    port: Port,
}

impl Client {
    /// Makes one that asks from the mesh address `from`, by which others know this node.
    pub fn new(from: MeshIp, port: Port) -> Self {
        Self { from, port }
    }

    /// Asks the node at `to` and blocks until its answer is here; never call it in asynchronous code.
    ///
    /// # Errors
    /// [`AskError`] for everything but an answer of success.
    pub fn ask(
        &self,
        to: MeshIp,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
        patience: Duration,
    ) -> Result<Vec<u8>, AskError> {
        let reach = |source| AskError::Reach { to, source };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(reach)?;
        runtime.block_on(self.send(to, method, path, body, patience))
    }

    /// Asks the node at `to`.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub async fn send(
        &self,
        to: MeshIp,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
        patience: Duration,
    ) -> Result<Vec<u8>, AskError> {
        let text =
            body.map(|body| serde_json::to_vec(body).expect("what nodes tell each other is plain data"));
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, SocketAddrV4::new(to.addr(), self.port.number()).to_string())
            .header(CONTENT_TYPE, "application/json")
            .body(Full::from(text.unwrap_or_default()))
            .expect("the path is one of ours");
        let answer = tokio::time::timeout(patience, self.exchange(to, request));
        answer.await.unwrap_or(Err(AskError::Late { to, patience }))
    }

    async fn exchange(&self, to: MeshIp, request: Request<Full<Bytes>>) -> Result<Vec<u8>, AskError> {
        let socket = TcpSocket::new_v4().map_err(|source| AskError::Reach { to, source })?;
        let connected = async {
            socket.bind(SocketAddr::from((self.from.addr(), 0)))?;
            socket.connect(SocketAddr::from((to.addr(), self.port.number()))).await
        };
        let stream = connected.await.map_err(|source| AskError::Reach { to, source })?;
        let broken = |source| AskError::Broken { to, source };
        let (mut sender, connection) =
            handshake(TokioIo::new(stream)).await.map_err(|error| broken(error.into()))?;
        let answer = async {
            let answer = sender.send_request(request).await.map_err(|error| broken(error.into()))?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), ANSWER).collect().await.map_err(broken)?;
            Ok((status, body.to_bytes().to_vec()))
        };
        tokio::pin!(connection);
        let (status, body) = tokio::select! {
            biased;
            answer = answer => answer?,
            // The connection may end right after the answer came in; then nothing more will.
            Err(error) = &mut connection => return Err(broken(error.into())),
        };
        if status.is_success() { Ok(body) } else { Err(refusal(to, status, &body)) }
    }
}

fn refusal(to: MeshIp, status: StatusCode, body: &[u8]) -> AskError {
    let line = String::from_utf8_lossy(body);
    let said = line.trim().chars().filter(|c| !c.is_control()).take(200).collect();
    AskError::Refused { to, status, said }
}
