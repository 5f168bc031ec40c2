//! knarrd itself: another version by one commit, and one that cannot work.

use super::Story;
use super::hands::{converged, harbor, on};
use crate::{Lab, wait_until};
use std::collections::BTreeSet;
use std::time::Duration;

/// Exchanges knarrd on all machines.
pub(super) fn play(story: &mut Story<'_>) {
    story.step("another knarrd comes by one commit", another_version_comes);
    story.step("a knarrd that does not start is put back, and its commit says so", a_broken_one_is_put_back);
    story.step("a reverted version is no trouble any more", a_revert_heals);
}

/// The other version is this one with a byte more: other digest, same manners.
fn another_version_comes(lab: &Lab) {
    let digest =
        versions(lab, "good", "cp /usr/local/bin/knarrd /srv/knarrd-good && echo >> /srv/knarrd-good");
    harbor(lab, &format!("{} && knarr ship -y -m 'knarrd good'", pin("0.1.1", "good", &digest)));
    for node in followers(lab) {
        wait_until(&format!("{node} runs it, and has proven it"), Duration::from_mins(2), || {
            installed(lab, &node) == digest
                && lab.host(&node).run("test ! -e /var/lib/knarr/own/trial.json").ok()
        });
        converged(lab, &node);
        assert!(
            on(lab, &node, "sha256sum /proc/$(systemctl show -P MainPID knarrd)/exe").starts_with(&digest)
        );
    }
}

/// The machines that follow the repository: three, or four once shed has joined.
fn followers(lab: &Lab) -> Vec<String> {
    harbor(lab, "ls nodes").lines().map(|file| file.trim_end_matches(".yaml").to_owned()).collect()
}

fn a_broken_one_is_put_back(lab: &Lab) {
    let good = installed(lab, "worker");
    let bad = versions(
        lab,
        "bad",
        "cp /bin/false /srv/knarrd-bad && mkdir -p /etc/knarr && echo 10 > /etc/knarr/guard-seconds",
    );
    harbor(
        lab,
        &format!(
            "{} && knarr render && git add -A && git commit -qm bad && git push -q",
            pin("0.1.2", "bad", &bad)
        ),
    );
    for node in followers(lab) {
        let refused = || {
            let said = lab.host(&node).run("knarrd status");
            said.stdout.contains("knarrd 0.1.2 did not finish a pass here")
        };
        wait_until(&format!("{node} refuses it"), Duration::from_mins(3), refused);
        assert_eq!(installed(lab, &node), good);
        on(lab, &node, "systemctl is-active knarrd");
    }
}

fn a_revert_heals(lab: &Lab) {
    harbor(lab, "git revert --no-edit HEAD && knarr ship -y");
    for node in followers(lab) {
        converged(lab, &node);
        on(lab, &node, "rm /etc/knarr/guard-seconds");
    }
}

/// Makes the same file on each machine, and returns its digest.
fn versions(lab: &Lab, name: &str, make: &str) -> String {
    let make = format!("{make} && sha256sum < /srv/knarrd-{name} | cut -c1-64");
    let digests: BTreeSet<String> = followers(lab).iter().map(|node| on(lab, node, &make)).collect();
    assert_eq!(digests.len(), 1, "one program");
    digests.into_iter().collect()
}

/// Pins a version as `knarr upgrade knarr` would, where the machines have it in a folder.
fn pin(version: &str, name: &str, digest: &str) -> String {
    format!(
        "touch knarr.lock && sed -i '/^knarrd /d' knarr.lock && echo 'knarrd {version}: {{amd64: {{sha256: {digest}, from: [/srv/knarrd-{name}]}}}}' >> knarr.lock"
    )
}

fn installed(lab: &Lab, node: &str) -> String {
    on(lab, node, "sha256sum < /usr/local/bin/knarrd | cut -c1-64")
}
