//! Answers that break off, by a server that counts what it is asked; the API itself is the matter of `cluster/tests.rs`.

use super::{Api, ApiError, Key};
use serde_json::json;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

/// Takes so many requests, each on a connection of its own, and no more; of those whose turn is in `cut` the answer breaks off.
fn server(requests: usize, cut: &'static [usize]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = format!("http://{}", listener.local_addr().unwrap());
    let answer = move |turn: usize| {
        let (mut stream, _) = listener.accept().unwrap();
        let path = asked(&stream);
        let told = match path.as_str() {
            "/api/v1" => json!({"groupVersion": "v1", "resources": [
                {"name": "configmaps", "singularName": "", "kind": "ConfigMap", "namespaced": true, "verbs": ["get"]}
            ]}),
            _ => json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "told"}}),
        };
        let told = told.to_string();
        let end = if cut.contains(&turn) { "" } else { "\r\n0\r\n\r\n" };
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nTransfer-Encoding: chunked";
        write!(stream, "{head}\r\n\r\n{:x}\r\n{told}{end}", told.len()).unwrap();
    };
    thread::spawn(move || (0..requests).for_each(answer));
    at
}

/// Reads a request without a body, and returns its path.
fn asked(stream: &TcpStream) -> String {
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
    let first = lines.next().unwrap();
    lines.take_while(|line| !line.is_empty()).for_each(drop);
    first.split(' ').nth(1).unwrap().to_owned()
}

fn get(requests: usize, cut: &'static [usize]) -> Result<bool, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    let config = json!({
        "clusters": [{"name": "it", "cluster": {"server": server(requests, cut)}}],
        "users": [{"name": "it", "user": {}}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        "current-context": "it",
    });
    std::fs::write(&file, config.to_string()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let key = Key::new("v1", "ConfigMap", Some("default"), "told");
    let found = runtime.block_on(async { Api::connect(&file).await?.get(&key).await });
    found.map(|found| found.is_some()).map_err(|error: ApiError| error.to_string())
}

#[test]
fn an_answer_that_breaks_off_is_asked_for_once_more() {
    assert_eq!(get(2, &[]), Ok(true));
    assert_eq!(get(3, &[0]), Ok(true), "of the kind");
    assert_eq!(get(3, &[1]), Ok(true), "of the object");
}

#[test]
fn one_that_breaks_off_twice_is_unknown() {
    let said = get(3, &[1, 2]).unwrap_err();
    assert!(said.starts_with("the API does not answer: "), "{said}");
}
