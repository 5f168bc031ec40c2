//! knarrd itself: another version by one commit, and one that cannot work.

use super::Story;
use super::hands::{converged, harbor, me_refused, on};
use crate::{Lab, wait_until};
use std::time::Duration;

/// Exchanges knarrd on all machines.
pub(super) fn play(story: &mut Story<'_>) {
    story.step("knarr upgrade refuses an older knarrd, and one that no place has", what_cannot_be_is_refused);
    story.step("another knarrd comes from the laptop by ssh and one commit", another_version_comes);
    story.step("a knarrd that does not start is put back, and its commit says so", a_broken_one_is_put_back);
    story.step("a reverted version is no trouble any more", a_revert_heals);
}

fn what_cannot_be_is_refused(lab: &Lab) {
    let before = harbor(lab, "git status --porcelain; cat knarr.lock || true");
    let older = me_refused(lab, "cd ~/harbor && knarr upgrade knarr 0.0.1");
    assert!(older.contains("0.0.1 is older than"), "{older}");
    let newer = me_refused(lab, "cd ~/harbor && knarr upgrade knarr 9.0.0");
    assert!(newer.contains("install knarr 9.0.0, and type this again with it"), "{newer}");
    assert_eq!(harbor(lab, "git status --porcelain; cat knarr.lock || true"), before);
}

/// The other one is this one with a byte more: other digest, same manners; as somebody has who built it anew.
fn another_version_comes(lab: &Lab) {
    let build = "mkdir -p /srv/built && cd /srv/built && cp /usr/local/bin/knarrd knarrd-amd64 && echo >> knarrd-amd64";
    let digest = on(lab, "laptop", &format!("{build} && sha256sum < knarrd-amd64 | cut -c1-64"));
    let said = harbor(lab, "KNARR_KNARRD_DIR=/srv/built knarr upgrade knarr");
    assert!(said.contains("lies ready on attic, edge") && said.contains("pinned knarrd"), "{said}");
    for node in followers(lab) {
        assert_ne!(installed(lab, &node), digest, "nothing happens before the commit");
    }
    harbor(lab, "knarr ship -y -m 'knarrd, built anew'");
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
    let again = harbor(lab, "KNARR_KNARRD_DIR=/srv/built knarr upgrade knarr");
    assert!(again.contains("is pinned already"), "{again}");
}

/// The machines that follow the repository: three, or four once shed has joined.
fn followers(lab: &Lab) -> Vec<String> {
    harbor(lab, "ls nodes").lines().map(|file| file.trim_end_matches(".yaml").to_owned()).collect()
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Lays a knarrd that cannot work where all machines find this version in a mirror of theirs.
fn broken() -> String {
    let folder = format!("/srv/mirror/knarr/v{VERSION}");
    format!(
        "mkdir -p {folder} && cd {folder} && cp /bin/false knarrd-amd64 && sha256sum knarrd-amd64 > sha256sum-amd64.txt"
    )
}

fn a_broken_one_is_put_back(lab: &Lab) {
    let good = installed(lab, "worker");
    on(lab, "laptop", &broken());
    for node in followers(lab) {
        on(lab, &node, &format!("{}; mkdir -p /etc/knarr && echo 10 > /etc/knarr/guard-seconds", broken()));
    }
    harbor(
        lab,
        &format!(
            "sed -i '/^mirrors:/d' cluster.yaml && echo 'mirrors: [/srv/mirror]' >> cluster.yaml
         knarr upgrade knarr {VERSION} && knarr render && git add -A && git commit -qm bad && git push -q"
        ),
    );
    for node in followers(lab) {
        let refused = || {
            let said = lab.host(&node).run("knarrd status");
            said.stdout.contains(&format!("knarrd {VERSION} did not finish a pass here"))
        };
        wait_until(&format!("{node} refuses it"), Duration::from_mins(3), refused);
        assert_eq!(installed(lab, &node), good);
        let runs = || lab.host(&node).run("systemctl is-active knarrd").ok();
        wait_until(&format!("{node} has a knarrd that runs"), Duration::from_mins(1), runs);
    }
}

fn a_revert_heals(lab: &Lab) {
    harbor(lab, "git revert --no-edit HEAD && knarr ship -y");
    for node in followers(lab) {
        converged(lab, &node);
        on(lab, &node, "rm /etc/knarr/guard-seconds");
    }
}

fn installed(lab: &Lab, node: &str) -> String {
    on(lab, node, "sha256sum < /usr/local/bin/knarrd | cut -c1-64")
}
