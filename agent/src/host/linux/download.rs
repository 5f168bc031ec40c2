//! Downloads into a file that may hold the beginning already, and digests of what an address gives.

use crate::host::Fault;
use aws_lc_rs::digest::{SHA256, digest};
use knarr_node::item::Source;
use knarr_node::name::{Digest, HttpsUrl};
use reqwest::header::RANGE;
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::time::Duration;

/// A place that says nothing for so long has failed.
const SILENCE: Duration = Duration::from_secs(30);
/// More than any artifact: what is bigger would only fill the disk.
const LARGEST: u64 = 2 << 30;

/// How long something that should be up may take for its whole answer.
const ANSWER: Duration = Duration::from_secs(5);
/// No such answer is longer, in bytes.
const MOST: usize = 1 << 20;

/// Returns the digest of what an address gives. No certificate is checked: the digest tells who gave it.
pub(super) async fn digest_at(url: &HttpsUrl) -> Result<Digest, Fault> {
    let silent = |why: String| Fault::Silent { url: url.clone(), why };
    let client = Client::builder().timeout(ANSWER).danger_accept_invalid_certs(true);
    let client = client.redirect(Policy::none()).no_proxy().build();
    let asked = client.map_err(|error| silent(why(&error)))?.get(url.as_str()).send().await;
    let mut response = asked.and_then(Response::error_for_status).map_err(|error| silent(why(&error)))?;
    let mut body = Vec::new();
    while let Some(bytes) = response.chunk().await.map_err(|error| silent(why(&error)))? {
        body.extend_from_slice(&bytes);
        if body.len() > MOST {
            return Err(silent(format!("it sends more than {MOST} bytes")));
        }
    }
    Ok(Digest::of_sha256(digest(&SHA256, &body).as_ref()))
}

/// Adds to the file `to` what is missing; the caller judges the bytes.
pub(super) async fn fetch(from: &Source, to: &str) -> Result<(), Fault> {
    match from {
        Source::Url(url) => download(url, to).await,
        Source::Path(path) => copy(path.as_str(), to),
        Source::Kept(_) => Err(Fault::Place { place: from.to_string(), why: "it is a kept file".to_owned() }),
    }
}

fn copy(from: &str, to: &str) -> Result<(), Fault> {
    let mut source = File::open(from).map_err(Fault::io(from))?;
    let mut file = open(to, false).map_err(Fault::io(to))?;
    io::copy(&mut source, &mut file).map(drop).map_err(Fault::io(to))
}

async fn download(url: &str, to: &str) -> Result<(), Fault> {
    let failed = |error: reqwest::Error| Fault::Place { place: url.to_owned(), why: why(&error) };
    let client = Client::builder().connect_timeout(SILENCE).read_timeout(SILENCE).build().map_err(failed)?;
    let have = std::fs::metadata(to).map_or(0, |meta| meta.len());
    let asked = client.get(url).header(RANGE, format!("bytes={have}-")).send().await.map_err(failed)?;
    let resumes = asked.status() == StatusCode::PARTIAL_CONTENT;
    if asked.status() == StatusCode::RANGE_NOT_SATISFIABLE && have > 0 {
        return Ok(()); // nothing is missing
    }
    let response = asked.error_for_status().map_err(failed)?;
    let file = open(to, resumes).map_err(Fault::io(to))?;
    write(response, file, url, to).await
}

async fn write(mut response: Response, mut file: File, url: &str, to: &str) -> Result<(), Fault> {
    let place = |why: String| Fault::Place { place: url.to_owned(), why };
    let mut length = 0;
    while let Some(bytes) = response.chunk().await.map_err(|error| place(why(&error)))? {
        length += bytes.len() as u64;
        if length > LARGEST {
            return Err(place(format!("it sends more than {LARGEST} bytes")));
        }
        file.write_all(&bytes).map_err(Fault::io(to))?;
    }
    Ok(())
}

/// Everybody may run what is in the store.
fn open(path: &str, append: bool) -> io::Result<File> {
    OpenOptions::new().create(true).write(true).append(append).truncate(!append).mode(0o755).open(path)
}

/// Says why without the address, which the caller names.
fn why(error: &reqwest::Error) -> String {
    let status = error.status().map(|status| format!("it answers {status}"));
    let deepest = || {
        let mut cause: &dyn std::error::Error = error;
        while let Some(next) = cause.source() {
            cause = next;
        }
        cause.to_string()
    };
    status.unwrap_or_else(deepest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead as _, BufReader};
    use std::net::TcpListener;
    use std::thread::{self, JoinHandle};

    const BYTES: &[u8] = b"all the bytes of k3s";

    /// Serves `BYTES` to so many callers, from where they ask on, and hangs up on each after `most` bytes.
    fn serve(callers: usize, most: usize, ranges: bool) -> (String, JoinHandle<Vec<usize>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/k3s", listener.local_addr().unwrap());
        let answer = move || {
            let (mut stream, _) = listener.accept().unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines().map(Result::unwrap);
            let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
            let range = head.iter().find_map(|line| line.strip_prefix("range: bytes=")?.strip_suffix('-'));
            let from = range.filter(|_| ranges).map_or(0, |from| from.parse().unwrap());
            let rest = &BYTES[from..];
            let status = if ranges { "206 Partial Content" } else { "200 OK" };
            write!(
                stream,
                "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                rest.len()
            )
            .unwrap();
            stream.write_all(&rest[..rest.len().min(most)]).unwrap();
            from
        };
        (url, thread::spawn(move || (0..callers).map(|_| answer()).collect()))
    }

    fn get(url: &str, to: &std::path::Path) -> Result<(), Fault> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(fetch(&url.parse().unwrap(), to.to_str().unwrap()))
    }

    #[test]
    fn a_download_goes_on_where_it_was_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("k3s.part");
        let (url, asked) = serve(2, 12, true);
        assert!(get(&url, &to).is_err());
        assert_eq!(std::fs::read(&to).unwrap(), BYTES[..12]);
        get(&url, &to).unwrap();
        assert_eq!((std::fs::read(&to).unwrap(), asked.join().unwrap()), (BYTES.to_vec(), vec![0, 12]));
    }

    #[test]
    fn a_place_that_knows_no_ranges_is_asked_for_all_of_it_again() {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("k3s.part");
        std::fs::write(&to, "all the").unwrap();
        let (url, _) = serve(1, BYTES.len(), false);
        get(&url, &to).unwrap();
        assert_eq!(std::fs::read(&to).unwrap(), BYTES);
    }

    #[test]
    fn a_place_where_nobody_listens_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let why = get(&format!("http://{closed}/k3s"), &folder.path().join("x")).unwrap_err().to_string();
        assert!(why.contains("does not give it") && why.contains("refused"), "{why}");
    }
}
