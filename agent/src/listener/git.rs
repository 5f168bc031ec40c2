//! Serves the accepted commits, read only, by git's own smart HTTP: to nodes when the git host is down, and to Argo CD.
//!
//! Protocol version 2 is not offered on purpose: there `upload-pack` gives any object whose id is named, so also
//! commits that nobody accepted. In version 0 it walks the history of what it shows.
//! Source: git 2.39, upload-pack.c: `upload_pack_v2` never calls `check_non_tip`.

use super::Listener;
use super::caller::{Caller, Refused, refused};
use crate::child::{Confined, Limits};
use crate::paths::Paths;
use crate::repo::NAMESPACE;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Extension, Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use hyper::body::Frame;
use rustix::process::{Pid, Signal, kill_process_group};
use std::io;
use std::pin::Pin;
use std::process::Stdio;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWriteExt as _, BufReader, ReadBuf};
use tokio::process::{Child, ChildStdout};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Sleep, sleep, timeout};

/// One child for each clone or fetch.
const LIMITS: Limits = Limits { time: Duration::from_mins(5), memory: 2 << 30, file: 256 << 20 };
/// No more children at a time.
pub(super) const MOST: usize = 8;
/// A child's turn must come by then.
const TURN: Duration = Duration::from_secs(30);
/// What git says before its answer is shorter, in bytes.
const HEAD: usize = 4096;

/// Which of git's two services is meant; the other one writes.
const READ: &str = "service=git-upload-pack";

/// `GET /git/<cluster>.git/info/refs?service=git-upload-pack`
pub(super) async fn refs(
    State(listener): State<Arc<Listener>>,
    Extension(_): Extension<Caller>,
    Path(name): Path<String>,
    uri: Uri,
) -> Result<Response, Refused> {
    if uri.query() != Some(READ) {
        return Err(refused(
            StatusCode::FORBIDDEN,
            "this is for reading only: commits come from the git host",
        ));
    }
    let ask = Ask { method: "GET", path: "info/refs", query: READ, ..Ask::default() };
    serve(&listener, &name, ask).await
}

/// `POST /git/<cluster>.git/git-upload-pack`
pub(super) async fn pack(
    State(listener): State<Arc<Listener>>,
    Extension(_): Extension<Caller>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refused> {
    // git itself unpacks what it packed.
    let packed = headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding == "gzip");
    serve(&listener, &name, Ask { method: "POST", path: "git-upload-pack", query: "", packed, body }).await
}

/// What `git http-backend` is asked.
#[derive(Debug, Default)]
struct Ask {
    method: &'static str,
    path: &'static str,
    query: &'static str,
    packed: bool,
    body: Bytes,
}

async fn serve(listener: &Listener, name: &str, ask: Ask) -> Result<Response, Refused> {
    let ours = listener.place().is_some_and(|place| name == format!("{}.git", place.cluster));
    if !ours {
        return Err(refused(StatusCode::NOT_FOUND, "there is no such repository here"));
    }
    let busy = || refused(StatusCode::SERVICE_UNAVAILABLE, "too many are reading; try again");
    let turn = timeout(TURN, listener.readers.clone().acquire_owned()).await;
    let turn = turn.ok().and_then(Result::ok).ok_or_else(busy)?;
    let broken = |error: io::Error| {
        tracing::warn!(%error, "git cannot serve the commits");
        refused(StatusCode::INTERNAL_SERVER_ERROR, "git cannot serve the commits")
    };
    answer(&listener.paths, ask, turn).await.map_err(broken)
}

/// Starts git, and hands on what it says.
async fn answer(paths: &Paths, ask: Ask, turn: OwnedSemaphorePermit) -> io::Result<Response> {
    let mut backend = tokio::process::Command::from(command(paths, &ask));
    let pipes = backend.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = pipes.spawn()?;
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let running = Running { group: child.id().and_then(|id| Pid::from_raw(id.cast_signed())), child, turn };
    // In a task of its own: git may answer before it has read all.
    tokio::spawn(async move {
        let mut stdin = stdin?;
        // A git that does not want all of it says so in its answer.
        stdin.write_all(&ask.body).await.ok()
    });
    let mut out = BufReader::new(stdout.ok_or_else(|| io::Error::other("git has no output"))?);
    let (status, content) = head(&mut out).await?;
    let body = Streamed { out, running, late: Box::pin(sleep(LIMITS.time)) };
    let answer = Response::builder().status(status).header(CONTENT_TYPE, content);
    answer.header(CACHE_CONTROL, "no-cache").body(Body::new(body)).map_err(io::Error::other)
}

/// Prepares `git http-backend`, which shows one namespace of the repository: the accepted commit as the branch.
/// Source: git-http-backend(1), gitnamespaces(7), git 2.39.
fn command(paths: &Paths, ask: &Ask) -> std::process::Command {
    let mut git = Confined::new("git", &paths.state(), LIMITS);
    let settings = [
        "uploadpack.allowReachableSHA1InWant=true", // Argo CD asks for the commit that last touched an app
        "uploadpack.allowFilter=false",
        "http.uploadpack=true",
        "http.receivepack=false",
        "core.hooksPath=/dev/null",
        "pack.threads=1",
        "core.packedGitWindowSize=32m",
        "core.packedGitLimit=256m",
    ];
    for setting in settings {
        git.command().args(["-c", setting]);
    }
    let root = paths.state().to_string_lossy().into_owned();
    let environment = [
        ("GIT_PROJECT_ROOT", root.as_str()),
        ("GIT_HTTP_EXPORT_ALL", "1"),
        ("GIT_NAMESPACE", NAMESPACE),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("REQUEST_METHOD", ask.method),
        ("QUERY_STRING", ask.query),
        ("CONTENT_TYPE", "application/x-git-upload-pack-request"),
    ];
    git.command().arg("http-backend").envs(environment);
    git.command().env("PATH_INFO", format!("/repo.git/{}", ask.path));
    git.command().env("CONTENT_LENGTH", ask.body.len().to_string());
    if ask.packed {
        git.command().env("HTTP_CONTENT_ENCODING", "gzip");
    }
    git.into_command()
}

/// Reads the lines before the answer. Source: RFC 3875 section 6.3: no Status is 200.
async fn head(out: &mut BufReader<ChildStdout>) -> io::Result<(StatusCode, String)> {
    let (mut status, mut content) = (StatusCode::OK, None);
    let mut length = 0;
    loop {
        let mut line = String::new();
        length += out.read_line(&mut line).await?;
        if line.is_empty() || length > HEAD {
            return Err(io::Error::other("git http-backend gives no answer"));
        }
        match line.trim_end().split_once(": ") {
            Some(("Status", code)) => {
                let code = code.split(' ').next().and_then(|code| code.parse().ok());
                status = code.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            }
            Some(("Content-Type", kind)) => content = Some(kind.to_owned()),
            Some(_) => {}
            None => return Ok((status, content.unwrap_or_else(|| "text/plain".to_owned()))),
        }
    }
}

/// A git that runs; it ends with this, and all its children too.
struct Running {
    group: Option<Pid>,
    #[expect(dead_code, reason = "tokio reaps it some time after it is dropped")]
    child: Child,
    #[expect(dead_code, reason = "another may begin when it is dropped")]
    turn: OwnedSemaphorePermit,
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(group) = self.group {
            // It has ended already, as a rule.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// What git says, as it comes.
struct Streamed {
    out: BufReader<ChildStdout>,
    #[expect(dead_code, reason = "git ends when it is dropped")]
    running: Running,
    late: Pin<Box<Sleep>>,
}

impl HttpBody for Streamed {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.late.as_mut().poll(context).is_ready() {
            return Poll::Ready(Some(Err(io::ErrorKind::TimedOut.into())));
        }
        let mut room = vec![0; 16 * 1024];
        let mut read = ReadBuf::new(&mut room);
        std::task::ready!(Pin::new(&mut self.out).poll_read(context, &mut read))?;
        let length = read.filled().len();
        room.truncate(length);
        Poll::Ready((length > 0).then(|| Ok(Frame::data(room.into()))))
    }
}
