//! What is proven here: on real repositories, with real keys, git and node's walk agree on what machines follow.

use super::*;
use crate::testing::Clone;

fn whys(found: &Accepted) -> Vec<&str> {
    found.pending.iter().map(|pending| pending.why.as_str()).collect()
}

#[test]
fn signed_commits_are_accepted_from_the_first_on() {
    let clone = Clone::founded();
    let tip = clone.commit("two", "me");
    let found = accepted(&clone.git, &tip, &[]).unwrap();
    assert_eq!((found.last, found.pending), (tip, vec![]));
}

#[test]
fn unsigned_and_foreign_commits_wait_and_what_lies_on_them_too() {
    let clone = Clone::founded();
    let first = clone.head();
    clone.unsigned("browser merge");
    clone.commit("stranger", "stranger");
    let tip = clone.commit("mine, on top", "me");
    let found = accepted(&clone.git, &tip, &[]).unwrap();
    assert_eq!(found.last, first);
    let on_top = format!("it lies on commits that nobody approved since {}", first.short());
    assert_eq!(
        whys(&found),
        ["it is not signed", "its signature is of nobody who may sign", on_top.as_str()]
    );
}

#[test]
fn an_approval_counts_for_exactly_the_last_accepted_commit() {
    let clone = Clone::founded();
    let first = clone.head();
    let between = clone.unsigned("merge");
    let wrong = clone.commit(&format!("approve\n\nApproves: {between}"), "me");
    assert_eq!(accepted(&clone.git, &wrong, &[]).unwrap().last, first);
    let right = clone.commit(&format!("approve\n\nApproves: {first}"), "me");
    assert_eq!(accepted(&clone.git, &right, &[]).unwrap().last, right);
}

#[test]
fn new_signers_need_an_old_one_and_the_recovery_signer_only_changes_trust() {
    let clone = Clone::founded();
    clone.signers(&[("me@example.org", "me"), ("ana@example.org", "stranger")]);
    let by_new = clone.commit("i add myself", "stranger");
    assert_ne!(accepted(&clone.git, &by_new, &[]).unwrap().last, by_new);
    clone.git.run(&["reset", "-q", "--hard", "HEAD~1"]).unwrap();
    clone.signers(&[("ana@example.org", "stranger"), ("recovery", "recovery")]);
    let by_recovery = clone.commit("me lost the key", "recovery");
    assert_eq!(accepted(&clone.git, &by_recovery, &[]).unwrap().last, by_recovery);
    clone.write("motd", "hello");
    let more = clone.commit("and more", "recovery");
    assert_eq!(
        whys(&accepted(&clone.git, &more, &[]).unwrap()),
        ["the recovery signer may change only `trust`"]
    );
}

#[test]
fn the_users_own_settings_decide_nothing() {
    let clone = Clone::founded();
    let first = clone.head();
    let all = clone.folder.path().join("all-signers");
    std::fs::write(&all, clone.line("me@example.org", "stranger")).unwrap();
    clone.git.set_config("gpg.ssh.allowedSignersFile", all.to_str().unwrap()).unwrap();
    clone.git.set_config("gpg.program", "/bin/true").unwrap();
    clone.git.set_config("log.showSignature", "true").unwrap();
    let tip = clone.commit("stranger", "stranger");
    assert_eq!(accepted(&clone.git, &tip, &[]).unwrap().last, first);
}

#[test]
fn a_history_without_a_believable_commit_is_refused() {
    let clone = Clone::empty();
    clone.write("x", "1");
    let tip = clone.commit("no signers at all", "me");
    assert!(matches!(accepted(&clone.git, &tip, &[]), Err(AcceptError::NoBeginning(_))));
}

#[test]
fn what_machines_say_counts_when_it_lies_below() {
    let clone = Clone::founded();
    let unsigned = clone.unsigned("they accepted this, long ago");
    let tip = clone.commit("next", "me");
    assert_eq!(accepted(&clone.git, &tip, &[unsigned]).unwrap().last, tip);
}
