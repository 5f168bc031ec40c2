//! Machines as network namespaces of their own, gone when the test ends. Nothing outside of them is touched.

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsFd;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A network namespace under a name that nobody else has.
pub(crate) struct Machine(String);

/// How a dial ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Somebody answered.
    Open,
    /// Nobody answered within the patience: what a drop looks like.
    Silent,
}

impl Machine {
    pub(crate) fn new() -> Self {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let machine = Self(format!("knarr-{}-{count}", std::process::id()));
        feed("ip", &["netns", "add", &machine.0], "");
        machine.ip("link set lo up");
        machine
    }

    /// Runs lines of ip(8) inside.
    pub(crate) fn ip(&self, lines: &str) {
        feed("ip", &["-n", &self.0, "-batch", "-"], lines);
    }

    /// Runs a program inside with `input` and returns what it printed.
    pub(crate) fn run(&self, command: &[&str], input: &str) -> String {
        feed("ip", &[&["netns", "exec", &self.0], command].concat(), input)
    }

    /// Makes a cable from a new device here to a new device there.
    pub(crate) fn cable(&self, here: &str, to: &Self, there: &str) {
        self.ip(&format!("link add {here} type veth peer name {there} netns {}\nlink set {here} up", to.0));
        to.ip(&format!("link set {there} up"));
    }

    /// Does something on a thread that lives inside; sockets made there stay inside.
    pub(crate) fn within<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let enter = || {
            let place = File::open(format!("/run/netns/{}", self.0)).unwrap();
            move_into_link_name_space(place.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
            work()
        };
        thread::scope(|scope| scope.spawn(enter).join().unwrap())
    }

    /// Listens on all addresses; the kernel answers dials from now on.
    pub(crate) fn listen(&self, ports: &[u16]) -> Vec<TcpListener> {
        self.within(|| ports.iter().map(|port| TcpListener::bind(("::", *port)).unwrap()).collect())
    }

    pub(crate) fn socket(&self, at: (&str, u16)) -> UdpSocket {
        self.within(|| UdpSocket::bind(at).unwrap())
    }

    /// Dials an address and waits for an answer as long as `patience`.
    pub(crate) fn dial(&self, to: SocketAddr, patience: Duration) -> Answer {
        match self.within(|| TcpStream::connect_timeout(&to, patience)) {
            Ok(_) => Answer::Open,
            Err(error) if error.kind() == ErrorKind::TimedOut => Answer::Silent,
            Err(error) => panic!("{to}: {error}"),
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        feed("ip", &["netns", "del", &self.0], "");
    }
}

fn feed(program: &str, args: &[&str], input: &str) -> String {
    let mut child =
        Command::new(program).args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{program} {args:?} with {input}");
    String::from_utf8(output.stdout).unwrap()
}
