//! Runs a program as a confined child: bounded in time, memory, file size and output, with an environment of its own.

use rustix::process::{Pid, Signal, kill_process_group};
use std::io::{self, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// How much a child may use.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Time until it and all its children are killed.
    pub time: Duration,
    /// Address space, in bytes.
    pub memory: u64,
    /// Length of any file that it writes, in bytes.
    pub file: u64,
}

/// How many bytes of each output are read; the rest is refused.
const OUTPUT: u64 = 64 * 1024;

/// What a child said.
#[derive(Clone, Debug)]
pub struct Said {
    /// Whether it succeeded.
    pub success: bool,
    /// Its standard output, at most 64 KiB.
    pub out: String,
    /// Its standard error, at most 64 KiB.
    pub err: String,
}

/// A child that could not do its work at all.
#[derive(Debug, thiserror::Error)]
pub enum ChildError {
    /// It could not be started.
    #[error("cannot run `{program}`")]
    Start {
        /// The program.
        program: String,
        /// Why not.
        source: io::Error,
    },
    /// It took too long and was killed.
    #[error("`{program}` was stopped after {} s", .after.as_secs())]
    TooSlow {
        /// The program.
        program: String,
        /// How long it had.
        after: Duration,
    },
    /// It was ended by a signal, which is what happens above the limits of memory and file size.
    #[error("`{program}` was ended by signal {signal}: it wanted more memory or disk than it may have")]
    Killed {
        /// The program.
        program: String,
        /// The signal's number.
        signal: i32,
    },
}

/// A program to run, with nothing of our own environment but `PATH`.
#[derive(Debug)]
pub struct Confined {
    program: &'static str,
    command: Command,
    limits: Limits,
}

impl Confined {
    /// Prepares `program`, whose home is the folder `home`.
    pub fn new(program: &'static str, home: &Path, limits: Limits) -> Self {
        let mut command = Command::new("prlimit");
        command.args([format!("--as={}", limits.memory), format!("--fsize={}", limits.file)]);
        command.args(["--core=0", "--", program]).env_clear().current_dir(home);
        command.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        command.env("HOME", home).env("LC_ALL", "C").process_group(0);
        Self { program, command, limits }
    }

    /// Returns the command, to add arguments and environment.
    pub fn command(&mut self) -> &mut Command {
        &mut self.command
    }

    /// Returns the command to be run by somebody else, who bounds its time: end its whole process group.
    pub fn into_command(self) -> Command {
        self.command
    }

    /// Runs it with `input` on its standard input, and waits for its end, or ends it.
    pub fn run(mut self, input: Vec<u8>) -> Result<Said, ChildError> {
        let pipes = self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let start = |source| ChildError::Start { program: self.program.to_owned(), source };
        let child = pipes.spawn().map_err(start)?;
        let group = Pid::from_child(&child);
        match watch(child, input).recv_timeout(self.limits.time) {
            Ok(ended) => self.judge(ended.map_err(start)?),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                // The group may have ended just now, which is as good.
                let _ = kill_process_group(group, Signal::KILL);
                Err(ChildError::TooSlow { program: self.program.to_owned(), after: self.limits.time })
            }
        }
    }

    fn judge(&self, (status, out, err): (ExitStatus, Vec<u8>, Vec<u8>)) -> Result<Said, ChildError> {
        let program = self.program.to_owned();
        match (status.signal(), status.code()) {
            (Some(signal), _) => Err(ChildError::Killed { program, signal }),
            // Source: prlimit(1) of util-linux 2.38 exits with 127 when the program is not found.
            (None, Some(127)) => Err(ChildError::Start { program, source: io::ErrorKind::NotFound.into() }),
            (None, _) => Ok(Said { success: status.success(), out: text(&out), err: text(&err) }),
        }
    }
}

type Ended = io::Result<(ExitStatus, Vec<u8>, Vec<u8>)>;

/// Feeds and reads the child in threads of their own, which end with it.
fn watch(mut child: Child, input: Vec<u8>) -> Receiver<Ended> {
    let (send, ended) = channel();
    let stdin = child.stdin.take();
    let (out, err) = (gather(child.stdout.take()), gather(child.stderr.take()));
    thread::spawn(move || {
        // A child that does not want its input says so by its exit code.
        let _ = stdin.map(|mut pipe| pipe.write_all(&input));
        let output = (out.recv().unwrap_or_default(), err.recv().unwrap_or_default());
        let _ = send.send(child.wait().map(|status| (status, output.0, output.1)));
    });
    ended
}

/// Reads at most [`OUTPUT`] bytes, then closes the pipe.
fn gather(pipe: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    let (send, bytes) = channel();
    thread::spawn(move || {
        let mut read = Vec::new();
        // What came before an error is what there is.
        let _ = pipe.map(|pipe| pipe.take(OUTPUT).read_to_end(&mut read));
        let _ = send.send(read);
    });
    bytes
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    fn shell(script: &str, limits: Limits) -> Result<Said, ChildError> {
        let mut child = Confined::new("sh", Path::new("/"), limits);
        child.command().args(["-c", script]);
        child.run(b"input".to_vec())
    }
    const LIMITS: Limits = Limits { time: Duration::from_secs(20), memory: 1 << 30, file: 1 << 20 };

    #[test]
    fn a_child_reads_speaks_and_sees_nothing_of_our_environment() {
        let said = shell("cat; echo oops >&2; env | cut -d= -f1 | sort | tr '\\n' ' '", LIMITS).unwrap();
        assert_eq!((said.success, said.err.as_str()), (true, "oops"));
        assert_eq!(said.out, "inputHOME LC_ALL OLDPWD PATH PWD".replace("OLDPWD ", ""));
    }

    #[test]
    fn a_child_that_hangs_is_killed_with_its_children() {
        let began = Instant::now();
        let short = Limits { time: Duration::from_millis(200), ..LIMITS };
        assert!(matches!(shell("sleep 60 & wait", short), Err(ChildError::TooSlow { .. })));
        assert!(began.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn a_child_above_its_limits_fails() {
        assert!(
            !matches!(shell("exec head -c 3M /dev/zero > /tmp/knarr-limit-$$", LIMITS), Ok(said) if said.success)
        );
        assert!(!matches!(shell("x=$(head -c 3G /dev/zero | tr '\\0' x)", LIMITS), Ok(said) if said.success));
    }

    #[test]
    fn endless_output_is_cut() {
        let length = shell("yes", LIMITS).map_or(0, |said| said.out.len());
        assert!(length < 65 * 1024, "{length}");
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = Confined::new("no-such-program", Path::new("/"), LIMITS).run(Vec::new()).unwrap_err();
        assert_eq!(error.to_string(), "cannot run `no-such-program`");
    }
}
