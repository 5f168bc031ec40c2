//! Removes a lab when the program that booted it is gone, however it ended: the janitor is a shell of its own process
//! group which reads from a pipe that nobody writes to. The kernel closes the pipe, the janitor sets to work.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, test_kill_process};

const TEARDOWN: &str = include_str!("teardown.sh");

/// Removes the lab when dropped.
#[derive(Debug)]
pub(crate) struct Janitor(Child);

impl Janitor {
    /// Hires a janitor for the lab in `folder`.
    pub(crate) fn hire(folder: &Path) -> Self {
        fs::write(folder.join("pid"), std::process::id().to_string())
            .expect("the lab's folder can be written");
        let mut command = Command::new("sh");
        command.args(["-c", &format!("cat; {TEARDOWN}"), "janitor"]).arg(folder);
        let child =
            command.current_dir("/").process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).spawn();
        Self(child.expect("sh can be started"))
    }

    /// Sends the janitor away: the lab stays.
    pub(crate) fn dismiss(mut self) {
        self.0.kill().expect("our own child can be killed");
    }
}

impl Drop for Janitor {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        self.0.wait().expect("our own child can be waited for");
    }
}

/// Removes the labs in `labs` whose program is gone; those that were kept on purpose only when told so.
pub(crate) fn sweep(labs: &Path, kept_too: bool) {
    let Ok(entries) = fs::read_dir(labs) else { return };
    for folder in entries.flatten().map(|entry| entry.path()) {
        let kept = folder.join("kept").exists();
        if !is_alive(&folder) && (kept_too || !kept) {
            println!("removing what {} left", folder.display());
            remove(&folder);
        }
    }
}

fn remove(folder: &Path) {
    let done = Command::new("sh").args(["-c", TEARDOWN, "janitor"]).arg(folder).current_dir("/").status();
    assert!(done.is_ok_and(|status| status.success()), "{} cannot be removed", folder.display());
}

/// True while the program that booted the lab runs. A lab without its pid is being made at this moment.
fn is_alive(folder: &Path) -> bool {
    let Ok(text) = fs::read_to_string(folder.join("pid")) else { return true };
    let pid = text.parse().ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| test_kill_process(pid).is_ok())
}
