//! Sealing keys in a living cluster: a newer one, one that somebody made by hand, and a new cluster with all of them.

use super::Story;
use super::hands::{PATIENCE, SLOW, on, ready, uid};
use super::up::{asked, harbor, kubectl};
use crate::{K3S, Lab, wait_until};

/// Plays the steps on the machine of `lone`, with its app `shop`; afterwards its cluster is another one.
pub(super) fn play(story: &mut Story<'_>) {
    story.step("after a rotation the controller opens what either key sealed", rotated);
    story.step("a key that somebody made is told by status, and import heals it", a_stranger_is_imported);
}

/// A new cluster from the same repository.
pub(super) fn anew(story: &mut Story<'_>) {
    story.step("the cluster is lost, and a new one of the same repository opens all", founded_anew);
}

/// Waits until the controller has opened a Secret of the app; none of these is a secret.
fn opens(lab: &Lab, name: &str, value: &str) {
    wait_until(&format!("Secret {name} is opened"), SLOW, || {
        asked(lab, &format!("-n shop get secret {name} -o jsonpath={{.data.word}} | base64 -d")) == value
    });
}

fn controller(lab: &Lab) -> String {
    asked(
        lab,
        "-n kube-system get pod -l app.kubernetes.io/name=sealed-secrets -o jsonpath={.items[*].metadata.uid}",
    )
}

fn rotated(lab: &Lab) {
    let before = controller(lab);
    assert!(!before.is_empty(), "the controller runs");
    harbor(lab, "printf before | knarr seal kept --namespace shop -o /root/kept.yaml word -");
    harbor(lab, "knarr sealing-key rotate && printf after | knarr seal late --app shop word -");
    harbor(lab, "knarr ship -y -m 'a newer key'");
    opens(lab, "late", "after");
    wait_until("the controller was started again", PATIENCE, || {
        let now = controller(lab);
        !now.is_empty() && !now.contains(&before)
    });
    kubectl(lab, "apply -f /root/kept.yaml");
    opens(lab, "kept", "before");
}

/// Makes a key as anybody may who is the administrator.
const BY_HAND: &str = "
cd /root && openssl req -x509 -newkey rsa:2048 -nodes -days 9 -subj /CN=hand -keyout hand.key -out hand.crt 2>/dev/null
kubectl -n kube-system create secret tls by-hand --key hand.key --cert hand.crt >/dev/null
kubectl -n kube-system label secret by-hand sealedsecrets.bitnami.com/sealed-secrets-key=active >/dev/null
knarrd once >/dev/null; ssh-keygen -y -f hand.key > hand.pub; ssh-keygen -l -f hand.pub | cut -d' ' -f2
";

fn a_stranger_is_imported(lab: &Lab) {
    let key = on(lab, "edge", BY_HAND);
    let said = harbor(lab, "knarr status || true; knarr status --output json || true");
    assert!(said.contains("KN0335") && said.contains(&format!("\"{key}\"")), "{said}");
    assert!(harbor(lab, "knarr plan --observed || true").contains("KN0335"));
    let line = said.lines().find_map(|line| line.trim().strip_prefix("kubectl -n kube-system get secret "));
    harbor(lab, &format!("kubectl -n kube-system get secret {}", line.expect("what to type is said")));
    harbor(lab, "knarr reseal --all && knarr ship -y -m 'the key that was made by hand'");
    let said = harbor(lab, "rm /root/hand.*; knarr status || true; knarr sealing-key list");
    assert!(!said.contains("KN0335") && said.contains(&key), "{said}");
}

/// Word by word what docs/reliability.md#a-server-without-data says of the loss of all data.
fn founded_anew(lab: &Lab) {
    let before = uid(lab, "edge");
    on(lab, "edge", "systemctl stop k3s; rm -rf /var/lib/rancher/k3s");
    harbor(lab, "sed -i '/^  founded:/d; /^    /d' cluster.yaml; knarr ship -y -m 'begin anew'");
    ready(lab, "edge", "edge", K3S);
    assert_ne!(uid(lab, "edge"), before, "it is another cluster");
    opens(lab, "late", "after");
    kubectl(lab, "apply -f /root/kept.yaml");
    opens(lab, "kept", "before");
}
