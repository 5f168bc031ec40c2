//! Who says so: what a machine does not follow, and what heals it without a forced push or a hand on a machine.

use super::Story;
use super::hands::{NODES, PATIENCE, applied, converged, harbor, me, me_refused, on, outcome};
use crate::{Lab, wait_seen};

/// What machines follow, and four ways to be untrusted.
pub(super) fn play(story: &mut Story<'_>) {
    story.step("an unsigned commit waits, approve heals", an_unsigned_commit_waits_for_approve);
    story
        .step("knarr land: a branch that nobody signed becomes a merge that machines follow", a_branch_lands);
    story.step("an unknown signer is not followed", an_unknown_signer_is_not_followed);
    story.step("a rewritten history is not followed, mend heals", a_rewritten_history_is_mended);
    story.step("a half-merged rendered/ is not followed", a_half_merged_render_is_not_followed);
}

/// Asserts that edge does not follow the origin's tip and names the line to type.
fn not_followed(lab: &Lab, way_out: &str) {
    let tip = harbor(lab, "git ls-remote origin main | cut -f1");
    let said = outcome(lab, "edge");
    assert!(said.contains(way_out), "`{way_out}` is what to type: {said}");
    assert_ne!(applied(lab, "edge"), tip.trim(), "the tip must not be applied");
    assert_ne!(on(lab, "edge", "cat /etc/motd"), "not signed");
}

/// Makes the clone of a colleague.
fn other_clone(lab: &Lab) {
    me(lab, "rm -rf ~/other && git clone -q git@203.0.113.2:harbor.git ~/other");
}

/// Pushes a commit that changes the motd as a person with this git configuration.
fn push_as(lab: &Lab, config: &str) {
    other_clone(lab);
    me(
        lab,
        &format!(
            "cd ~/other && echo 'not signed' > host/motd && KNARR_IDENTITY=~/.config/knarr/harbor.txt knarr render >/dev/null \
         && git add -A && git {config} commit -qm 'words of another' && git push -q origin HEAD:main"
        ),
    );
}

/// An unsigned commit is not followed; `knarr approve` shows and signs it.
fn an_unsigned_commit_waits_for_approve(lab: &Lab) {
    push_as(lab, "-c commit.gpgsign=false");
    not_followed(lab, "knarr approve");
    let shown = harbor(lab, "git pull -q --ff-only && knarr approve -y --push");
    assert!(shown.contains("not signed"), "the whole diff is shown: {shown}");
    converged(lab, "edge");
    assert_eq!(on(lab, "edge", "cat /etc/motd"), "not signed");
    harbor(lab, "echo 'be welcome' > host/motd && knarr ship -y -m 'back to welcome'");
}

/// A colleague's branch has no signature and no render; `knarr land` makes both, and machines follow the merge.
fn a_branch_lands(lab: &Lab) {
    other_clone(lab);
    me(
        lab,
        "cd ~/other && git switch -qc words && echo 'words of a colleague' > host/motd \
         && git -c commit.gpgsign=false commit -qam 'words' && git push -q origin words",
    );
    let said = harbor(lab, "knarr land words --yes");
    assert!(said.contains("words brings 1 commit:") && said.contains("signed, pushed"), "{said}");
    let parents = harbor(lab, "git verify-commit HEAD && git log -1 --format=%p");
    assert_eq!(parents.lines().last().unwrap_or_default().split(' ').count(), 2, "it is a merge: {parents}");
    let head = harbor(lab, "git rev-parse HEAD");
    for node in NODES {
        assert_eq!(applied(lab, node), head, "land has followed {node}");
        assert_eq!(on(lab, node, "cat /etc/motd"), "words of a colleague");
    }
    let tells = |said: &str, node: &str| {
        let line = said.lines().find(|line| line.trim_start().starts_with(node)).unwrap_or_default();
        line.contains(&head[..7]) && line.contains("converged")
    };
    // One machine tells of the others by their reports, which come to it within a while.
    let tells_of_all = |said: &str| NODES.iter().all(|node| tells(said, node));
    let ask = || harbor(lab, "knarr status || true");
    wait_seen("knarr status says that all are at the merge", PATIENCE, tells_of_all, ask);
    harbor(lab, "echo 'be welcome' > host/motd && knarr ship -y -m 'back to welcome'");
}

/// A commit that a stranger signed is not followed either.
fn an_unknown_signer_is_not_followed(lab: &Lab) {
    me(lab, "test -f ~/stranger || ssh-keygen -q -t ed25519 -N '' -f ~/stranger");
    push_as(lab, "-c gpg.format=ssh -c user.signingkey=$HOME/stranger.pub -c commit.gpgsign=true");
    not_followed(lab, "knarr approve");
    harbor(lab, "git pull -q --ff-only && git revert --no-edit HEAD >/dev/null && knarr approve -y --push");
    converged(lab, "edge");
    assert_eq!(on(lab, "edge", "cat /etc/motd"), "be welcome");
}

/// A rewritten history is not followed; `knarr mend` puts it on top, and a plain push does.
fn a_rewritten_history_is_mended(lab: &Lab) {
    harbor(
        lab,
        "echo 'not signed' > host/motd && knarr render && git add -A && git commit -q --amend -m 'rewritten'",
    );
    let refused = me_refused(lab, "cd ~/harbor && git push -f");
    assert!(refused.contains("knarr mend"), "the hook says what to type: {refused}");
    harbor(lab, "git push -q -f --no-verify");
    not_followed(lab, "knarr mend");
    harbor(lab, "knarr mend -y && git push -q");
    converged(lab, "edge");
    assert_eq!(on(lab, "edge", "cat /etc/motd"), "not signed");
    harbor(lab, "echo 'be welcome' > host/motd && knarr ship -y -m 'back to welcome'");
}

/// A half-merged rendered/ is not followed, though it is signed.
fn a_half_merged_render_is_not_followed(lab: &Lab) {
    harbor(
        lab,
        "sed -i 's/be welcome/not signed/' rendered/nodes/edge.yaml && git commit -qam 'half a merge' && git push -q",
    );
    not_followed(lab, "knarr render");
    harbor(lab, "git revert --no-edit HEAD >/dev/null && knarr ship -y");
    converged(lab, "edge");
}
