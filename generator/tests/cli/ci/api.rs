//! As much of a git service as a job talks to: the comments of one pull request, over real HTTP.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What the service has, and what it was asked.
#[derive(Default)]
pub(crate) struct There {
    pub(crate) comments: Vec<Value>,
    /// Method, address and the header that proves who asks.
    pub(crate) asked: Vec<(String, String, String)>,
    /// Whether the job's token may not write, as that of a pull request from a fork.
    pub(crate) read_only: bool,
    /// Whether it gives all comments at once, whatever page is asked for.
    pub(crate) whole: bool,
}

#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) there: Arc<Mutex<There>>,
    pub(crate) address: String,
}

/// Who the job is, as GitHub, Forgejo and GitLab would say.
fn job() -> Value {
    json!({"login": "github-actions[bot]", "id": -2})
}

impl Api {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let api = Self { there: Arc::default(), address };
        let served = api.clone();
        std::thread::spawn(move || listener.incoming().for_each(|stream| served.serve(stream.unwrap())));
        api
    }

    /// Lets somebody else comment.
    pub(crate) fn stranger_says(&self, body: &str) {
        let stranger = json!({"login": "octocat", "id": 1});
        self.there.lock().unwrap().add(body, &stranger, 1);
    }

    /// Returns what the job has commented.
    pub(crate) fn own(&self) -> Vec<String> {
        let there = self.there.lock().unwrap();
        let own = there.comments.iter().filter(|comment| comment["user"] == job());
        own.map(|comment| comment["body"].as_str().unwrap().to_owned()).collect()
    }

    fn serve(&self, mut stream: TcpStream) {
        let mut lines = BufReader::new(stream.try_clone().unwrap());
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            lines.read_line(&mut line).unwrap();
            if line.trim().is_empty() {
                break;
            }
            head.push(line.trim().to_owned());
        }
        let header = |name: &str| {
            let found = head
                .iter()
                .find_map(|line| line.split_once(": ").filter(|(key, _)| key.eq_ignore_ascii_case(name)));
            found.map(|(_, value)| value.to_owned()).unwrap_or_default()
        };
        let mut body = vec![0; header("content-length").parse().unwrap_or(0)];
        lines.read_exact(&mut body).unwrap();
        let mut words = head[0].split(' ').map(str::to_owned);
        let (method, address) = (words.next().unwrap(), words.next().unwrap());
        let proof = header("authorization") + &header("private-token");
        let (status, answer) = self.there.lock().unwrap().answer(&method, &address, proof, &body);
        let text = answer.to_string();
        write!(
            stream,
            "HTTP/1.1 {status} x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{text}",
            text.len()
        )
        .unwrap();
    }
}

impl There {
    fn add(&mut self, body: &str, user: &Value, author: i64) {
        let id = self.comments.len() + 1;
        self.comments.push(json!({"id": id, "body": body, "user": user, "author": {"id": author}}));
    }

    fn answer(&mut self, method: &str, address: &str, proof: String, body: &[u8]) -> (u16, Value) {
        self.asked.push((method.to_owned(), address.to_owned(), proof));
        let said = serde_json::from_slice::<Value>(body).unwrap_or_default();
        let said = said["body"].as_str().unwrap_or_default();
        match method {
            "GET" if address.ends_with("/user") => (200, json!({"id": 7})),
            "GET" => {
                let page: usize = address.rsplit_once("&page=").unwrap().1.parse().unwrap();
                let (page, size) = if self.whole { (1, usize::MAX) } else { (page, 100) };
                (200, self.comments.iter().skip((page - 1) * size).take(size).cloned().collect())
            }
            _ if self.read_only => (403, json!({})),
            "POST" => {
                self.add(said, &job(), 7);
                (201, json!({}))
            }
            _ => {
                let id: usize = address.rsplit('/').next().unwrap().parse().unwrap();
                self.comments[id - 1]["body"] = said.into();
                (200, json!({}))
            }
        }
    }
}
