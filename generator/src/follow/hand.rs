//! The person at the machine itself: knarrd there is told of them, and may ask them to log in once more.

use super::Follower;
use crate::machine::Machine;
use crate::ssh::{Ssh, SshError};
use crate::ui::Ui;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{JoinHandle, spawn};
use std::time::Duration;

/// Between two words with knarrd.
const PAUSE: Duration = Duration::from_secs(1);

/// Tells knarrd on this machine that a person is there, until it is dropped.
#[derive(Debug)]
pub struct Hand {
    told: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Hand {
    /// Begins when this program runs on one of the machines, and at a terminal: else nobody could be asked.
    ///
    /// # Errors
    /// When no folder for connections can be made.
    pub fn on(followers: &[Follower], ui: &Ui) -> Result<Self, SshError> {
        let Some(follower) = followers.iter().find(|follower| follower.here && !follower.removed) else {
            return Ok(Self { told: None });
        };
        if !ui.is_interactive() || ui.json() {
            return Ok(Self { told: None });
        }
        let (here, follower, ui) = (Ssh::here()?, follower.clone(), ui.clone());
        // Before anything is pushed, for knarrd may begin at once; an older one asks nobody.
        let _ = Machine { ssh: &here, target: &follower.target }.at_hand();
        let (end, ended) = channel();
        let told = spawn(move || {
            let mut asked = false;
            while ended.recv_timeout(PAUSE) == Err(RecvTimeoutError::Timeout) {
                let wanted = Machine { ssh: &here, target: &follower.target }.at_hand().ok().flatten();
                if let Some(seconds) = wanted.filter(|_| !asked) {
                    ui.note(request(&follower, seconds));
                }
                asked = wanted.is_some();
            }
        });
        Ok(Self { told: Some((end, told)) })
    }
}

fn request(follower: &Follower, seconds: u64) -> String {
    let Follower { node, target, .. } = follower;
    let port = target.port.map(|port| format!(" -p {port}")).unwrap_or_default();
    format!(
        "\n {node}: the network has changed. Open a second SSH login to it now, from another machine:\n   ssh{port} {}\n Within {seconds} s, else the change is taken back.\n",
        target.login()
    )
}

impl Drop for Hand {
    fn drop(&mut self) {
        if let Some((end, told)) = self.told.take() {
            drop(end);
            // It panics nowhere, and says nothing at its end.
            let _ = told.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_person_is_told_what_to_type_and_how_much_time_there_is() {
        let follower = Follower {
            node: "edge".parse().unwrap(),
            target: "root@203.0.113.7:2222".parse().unwrap(),
            removed: false,
            here: true,
        };
        let text = request(&follower, 97);
        assert!(text.contains("ssh -p 2222 root@203.0.113.7") && text.contains("Within 97 s"), "{text}");
    }
}
