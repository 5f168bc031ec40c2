//! What no commit takes back: said beforehand, saved before, and brought back by hand as docs/reliability.md says.

use super::{OLD, all_ready, kubectl, minor, version};
use crate::story::hands::{SLOW, harbor, on};
use crate::{Lab, wait_until};

const DOCS: &str = include_str!("../../../docs/reliability.md");

/// The plan says what has no way back; something is in Kubernetes that is of before.
pub(super) fn promised(lab: &Lab) {
    kubectl(lab, "create configmap before");
    let said = harbor(lab, "knarr plan || test $? = 2");
    assert!(said.contains("snapshot, then restart unit k3s.service"), "{said}");
    assert!(said.contains("cannot be undone") && said.contains("the only server first"), "{said}");
}

pub(super) fn taken(lab: &Lab, new: &str) {
    kubectl(lab, "create configmap after");
    let place = place(lab);
    let start = format!("/var/lib/knarr/snapshots/k3s.service/before-{}-", minor(new));
    assert!(place.starts_with(&start), "{place}");
    assert!(on(lab, "edge", "knarrd history").contains(&format!("snapshot {place}")));
    on(lab, "edge", &format!("test -s {place}/db/state.db && test $(stat -c %a {place}) = 700"));
    let refused = lab.host("edge").refuse("knarrd undo");
    assert!(refused.says("unit k3s.service cannot go back") && refused.says(&place), "{refused:?}");
    assert_eq!(version(lab, "edge"), new);
}

/// Step by step what people are told to type.
pub(super) fn went_back(lab: &Lab, new: &str) {
    let place = place(lab);
    let said = harbor(lab, "git revert --no-edit HEAD && knarr ship -y --no-follow");
    assert!(said.contains("servers refuse it until a snapshot is restored"), "{said}");
    let refusal = format!("its data are of {}, which {} does not read", minor(new), minor(OLD));
    wait_until("the server refuses", SLOW, || lab.host("edge").run("knarrd status").says(&refusal));
    on(lab, "edge", "systemctl is-active k3s && k3s kubectl get configmap after");
    let (_, rest) = DOCS.split_once("## Going back to a snapshot").expect("the procedure has a heading");
    let block = rest.split("```sh").nth(1).and_then(|rest| rest.split("```").next());
    on(lab, "edge", &block.expect("it has a block to type").replace("PLACE", &place));
    all_ready(lab, OLD);
    kubectl(lab, "get configmap before");
    assert!(!lab.host("edge").run("kubectl get configmap after").ok(), "what came later is lost");
    on(lab, "edge", "rm -r /var/lib/rancher/k3s/server/db.later");
}

/// The snapshot that the server names.
fn place(lab: &Lab) -> String {
    on(lab, "edge", "knarrd status | sed -n 's/^ *snapshot *//p'")
}
