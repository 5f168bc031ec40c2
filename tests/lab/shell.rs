//! Runs programs and says all about those that failed. Knows nothing of hosts.

use std::fmt;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What a program said and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Exit code; 128 + number when a signal ended it
    pub code: i32,
    /// Standard output
    pub stdout: String,
    /// Standard error
    pub stderr: String,
}

impl Output {
    /// True when the exit code is 0.
    pub fn ok(&self) -> bool {
        self.code == 0
    }
    /// Standard output without white space around it.
    pub fn text(&self) -> &str {
        self.stdout.trim()
    }
    /// True when `needle` is in standard output or standard error.
    pub fn says(&self, needle: &str) -> bool {
        self.stdout.contains(needle) || self.stderr.contains(needle)
    }
}

impl fmt::Display for Output {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "exit code {}", self.code)?;
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            for line in text.lines() {
                writeln!(out, "  {name}| {line}")?;
            }
        }
        Ok(())
    }
}

/// Runs `command` to its end with `input` as its standard input.
pub(crate) fn run(command: &mut Command, input: &[u8]) -> Output {
    let done = run_raw(command, input);
    Output { code: code(done.status), stdout: lossy(&done.stdout), stderr: lossy(&done.stderr) }
}

/// As [`run`], with the bytes as they came.
pub(crate) fn run_raw(command: &mut Command, input: &[u8]) -> std::process::Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|fault| panic!("cannot start {command:?}: {fault}"));
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    std::thread::scope(|scope| {
        // A program that ends before it has read everything is judged by its exit code.
        scope.spawn(move || stdin.write_all(input).ok());
        child.wait_with_output().expect("our own child can be waited for")
    })
}

/// Runs shell text on this machine and gives its standard output; panics with everything that it said when it fails.
pub(crate) fn must(text: &str) -> String {
    let output = run(Command::new("sh").args(["-ec", text]), b"");
    assert!(output.ok(), "on this machine: {text}\n{output}");
    output.text().to_owned()
}

pub(crate) fn code(status: std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt as _;
    status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal))
        .expect("a process that ended has a code or a signal")
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Waits until `condition` holds; panics when it does not within `bound`.
pub fn wait_until(awaited: &str, bound: Duration, mut condition: impl FnMut() -> bool) {
    wait_for(awaited, bound, || condition().then_some(()));
}

/// Waits until what `look` sees is `as_wanted`; panics with what it saw last when it is not within `bound`.
pub fn wait_seen(
    awaited: &str,
    bound: Duration,
    as_wanted: impl Fn(&str) -> bool,
    mut look: impl FnMut() -> String,
) {
    let mut seen = String::new();
    let done = poll(bound, || {
        seen = look();
        as_wanted(&seen).then_some(())
    });
    assert!(done.is_some(), "waited {} s in vain: {awaited}; last seen:\n{seen}", bound.as_secs());
}

/// Waits until `look` finds something and gives it back; panics when it does not within `bound`.
pub fn wait_for<T>(awaited: &str, bound: Duration, look: impl FnMut() -> Option<T>) -> T {
    poll(bound, look).unwrap_or_else(|| panic!("waited {} s in vain: {awaited}", bound.as_secs()))
}

/// Looks twenty times a second until `look` finds something or `bound` is over.
pub(crate) fn poll<T>(bound: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        let found = look();
        if found.is_some() || start.elapsed() >= bound {
            return found;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}
