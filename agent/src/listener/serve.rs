//! Takes connections at the mesh address, bounded in number, size and time, and hands their requests to the routes.

use super::caller::{Caller, Refused, refused};
use super::{Listener, Place, dial, git, metrics, report, word};
use axum::extract::{DefaultBodyLimit, Extension, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Router, serve::ListenerExt as _};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustix::net::{AddressFamily, SocketType, bind, listen, socket, sockopt};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;

/// No body that is sent to us may be longer, in bytes.
const BODY: usize = 256 * 1024;
/// A request's head must be here by then.
const HEAD: Duration = Duration::from_secs(10);
/// An answer must begin by then.
const ANSWER: Duration = Duration::from_mins(1);
/// No connection lives longer: the time for the largest clone.
const CONNECTION: Duration = Duration::from_mins(10);
/// Connections of nodes at a time.
const NODES: usize = 256;
/// Connections of pods at a time, so that they cannot keep nodes out.
const PODS: usize = 32;
/// After a failure to listen it is tried again.
const AGAIN: Duration = Duration::from_secs(2);

/// Listens wherever the machine stands, for ever.
pub(super) async fn serve(listener: Arc<Listener>) {
    let mut places = listener.place.subscribe();
    let doors = Doors::default();
    loop {
        let at = places.borrow_and_update().as_ref().map(|place| place.address());
        tokio::select! {
            () = moved(&mut places, at) => {}
            () = accept(&listener, at, &doors) => {}
        }
    }
}

/// Waits until the address is another one.
async fn moved(places: &mut watch::Receiver<Option<Arc<Place>>>, at: Option<SocketAddrV4>) {
    let other = |place: &Option<Arc<Place>>| place.as_ref().map(|place| place.address()) != at;
    if places.wait_for(other).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// How many more may come in.
struct Doors {
    nodes: Arc<Semaphore>,
    pods: Arc<Semaphore>,
}

impl Default for Doors {
    fn default() -> Self {
        let [nodes, pods] = [NODES, PODS].map(|most| Arc::new(Semaphore::new(most)));
        Self { nodes, pods }
    }
}

impl Doors {
    /// Strangers, who only hear that they are refused, stand in line with pods.
    fn enter(&self, caller: Option<&Caller>) -> Option<OwnedSemaphorePermit> {
        let door = if matches!(caller, Some(Caller::Node(_))) { &self.nodes } else { &self.pods };
        door.clone().try_acquire_owned().ok()
    }
}

/// Takes connections until listening fails.
async fn accept(listener: &Arc<Listener>, at: Option<SocketAddrV4>, doors: &Doors) {
    let Some(at) = at else { return std::future::pending().await };
    let socket = match open(at) {
        Ok(socket) => socket,
        Err(error) => {
            tracing::warn!(%error, "cannot listen at {at}; it is tried again");
            return tokio::time::sleep(AGAIN).await;
        }
    };
    tracing::info!("listening at {at}");
    let mut socket = socket.tap_io(|stream| drop(stream.set_nodelay(true)));
    let routes = routes(listener);
    loop {
        // axum's accept waits by itself when there are no more file descriptors.
        let (stream, from) = axum::serve::Listener::accept(&mut socket).await;
        let SocketAddr::V4(from) = from else { continue };
        let caller = listener.place().and_then(|place| place.caller(*from.ip()));
        let Some(permit) = doors.enter(caller.as_ref()) else {
            tracing::warn!("too many connections: {from} is turned away");
            continue;
        };
        tokio::spawn(talk(stream, routes.clone().layer(Extension(*from.ip())), permit));
    }
}

/// Binds also before the address is there: the mesh may come up later than knarrd.
fn open(at: SocketAddrV4) -> io::Result<TcpListener> {
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None)?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    sockopt::set_ip_freebind(&socket, true)?;
    bind(&socket, &at)?;
    listen(&socket, 128)?;
    let socket = std::net::TcpListener::from(socket);
    socket.set_nonblocking(true)?;
    TcpListener::from_std(socket)
}

/// Answers what one connection asks.
async fn talk(stream: TcpStream, routes: Router, permit: OwnedSemaphorePermit) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(64 * 1024);
    let connection = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes));
    match timeout(CONNECTION, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a connection broke"),
        Err(_) => tracing::warn!("a connection took longer than {} s", CONNECTION.as_secs()),
    }
    drop(permit);
}

/// Lists what can be asked. A route says by its arguments who may: [`super::caller::ByNode`], or any [`Caller`].
fn routes(listener: &Arc<Listener>) -> Router {
    Router::new()
        .route("/v1/word", get(word::say).post(word::hear))
        .route("/v1/dial", post(dial::dial))
        .route("/v1/echo", post(dial::echo))
        .route("/v1/undone", post(dial::undone))
        .route("/metrics", get(metrics::show))
        .route("/v1/report", get(report::own).post(report::hear))
        .route("/v1/reports", get(report::known))
        .route("/git/{name}/info/refs", get(git::refs))
        .route("/git/{name}/git-upload-pack", post(git::pack))
        // Argo CD knows the repository by a Service's name alone.
        .route("/{name}/info/refs", get(git::refs))
        .route("/{name}/git-upload-pack", post(git::pack))
        .layer(DefaultBodyLimit::max(BODY))
        .layer(from_fn_with_state(listener.clone(), admit))
        .with_state(listener.clone())
}

/// Lets in whom the place knows, for a while.
async fn admit(
    State(listener): State<Arc<Listener>>,
    Extension(from): Extension<Ipv4Addr>,
    mut request: Request,
    next: Next,
) -> Result<Response, Refused> {
    let caller = listener.place().and_then(|place| place.caller(from));
    let stranger = || refused(StatusCode::FORBIDDEN, "you are no machine of this cluster");
    request.extensions_mut().insert(caller.ok_or_else(stranger)?);
    let late = |_| refused(StatusCode::GATEWAY_TIMEOUT, "it took too long");
    timeout(ANSWER, next.run(request)).await.map_err(late)
}
