//! A program that runs on in a host while the scenario does something else.

use std::io::{Read, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use crate::shell::{self, poll};

/// A running program; dropped, it is killed with all its children.
#[derive(Debug)]
pub struct Child {
    name: String,
    process: std::process::Child,
    stdin: Option<ChildStdin>,
    said: Arc<Mutex<String>>,
    ears: [JoinHandle<()>; 2],
}

impl Child {
    pub(crate) fn start(name: String, mut command: Command) -> Self {
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap_or_else(|fault| panic!("cannot start {name}: {fault}"));
        let said = Arc::new(Mutex::new(String::new()));
        let stdout = process.stdout.take().expect("standard output is a pipe");
        let stderr = process.stderr.take().expect("standard error is a pipe");
        let ears = [listen(stdout, &said), listen(stderr, &said)];
        let stdin = process.stdin.take();
        Self { name, process, stdin, said, ears }
    }

    /// Everything said so far, standard output and error as they came.
    pub fn said(&self) -> String {
        self.said.lock().expect("no holder of this lock panics").clone()
    }

    /// Waits until the program has said `needle`.
    pub fn wait_says(&self, needle: &str, bound: Duration) {
        let said = poll(bound, || self.said().contains(needle).then_some(()));
        assert!(
            said.is_some(),
            "`{needle}` was not said within {} s by {}\n{}",
            bound.as_secs(),
            self.name,
            self.said()
        );
    }

    /// Types a line.
    pub fn type_line(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("standard input is open until the end is awaited");
        writeln!(stdin, "{line}").unwrap_or_else(|fault| panic!("{} does not read: {fault}", self.name));
    }

    /// True when the program has ended.
    pub fn has_ended(&mut self) -> bool {
        self.process.try_wait().expect("our own child can be waited for").is_some()
    }

    /// Closes standard input, waits for the end and gives the exit code and everything said.
    pub fn finish(mut self, bound: Duration) -> (i32, String) {
        self.stdin = None;
        let ended = poll(bound, || self.has_ended().then_some(()));
        assert!(ended.is_some(), "no end within {} s of {}\n{}", bound.as_secs(), self.name, self.said());
        // The last words may still be on their way; a daemon left behind may hold the pipes for ever.
        poll(Duration::from_secs(2), || self.ears.iter().all(JoinHandle::is_finished).then_some(()));
        let status = self.process.wait().expect("our own child can be waited for");
        (shell::code(status), self.said())
    }

    /// Kills the program and all its children at once.
    pub fn kill(&mut self) {
        // One that has just ended by itself is as gone as it should be.
        kill_process_group(Pid::from_child(&self.process), Signal::KILL).ok();
        self.process.wait().expect("our own child can be waited for");
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if !self.has_ended() {
            self.kill();
        }
    }
}

/// Appends what comes from `source` until it is closed.
fn listen(mut source: impl Read + Send + 'static, said: &Arc<Mutex<String>>) -> JoinHandle<()> {
    let said = Arc::clone(said);
    std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = source.read(&mut bytes) {
            let text = String::from_utf8_lossy(&bytes[..count]);
            said.lock().expect("no holder of this lock panics").push_str(&text);
        }
    })
}
