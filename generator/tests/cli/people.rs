//! ship, approve, mend and node on real git repositories with a bare origin: judged by git itself.

use crate::home::Home;
use std::fs;

/// A cluster without machines, its commits at a bare origin.
pub(crate) fn shipped() -> Home {
    let home = Home::empty();
    home.git(".", &["init", "-q", "--bare", "--initial-branch=main", "origin.git"]);
    let origin = home.path("origin.git").display().to_string();
    home.knarr(".", &["new", "harbor", "--origin", &origin, "--recovery", "kit"]);
    let said = home.knarr("harbor", &["ship", "-y", "--no-follow"]);
    assert!(said.contains("$ git push -u origin HEAD:main") && said.contains("pushed "), "{said}");
    home
}

/// Another clone, whose commits nobody signs: a browser, or a bot.
pub(crate) fn bot(home: &Home) {
    home.git(".", &["clone", "-q", "origin.git", "bot"]);
    for (key, value) in [("user.name", "bot"), ("user.email", "bot@example.org"), ("commit.gpgsign", "false")]
    {
        home.git("bot", &["config", key, value]);
    }
}

fn bot_pushes(home: &Home, message: &str) {
    home.git("bot", &["add", "--all"]);
    home.git("bot", &["commit", "-q", "-m", message]);
    home.git("bot", &["push", "-q"]);
}

pub(crate) fn rev(home: &Home, folder: &str, name: &str) -> String {
    home.git(folder, &["rev-parse", name]).trim().to_owned()
}

fn first_parents(home: &Home) -> String {
    home.git("origin.git", &["rev-list", "--first-parent", "main"])
}

pub(crate) fn verifies(home: &Home) -> bool {
    home.git_ends("harbor", &["verify-commit", "HEAD"]).status.success()
}

#[test]
fn ship_commits_signed_pushes_and_says_when_there_is_nothing_to_do() {
    let home = shipped();
    home.write("harbor/host/motd", "Ahoy.\n");
    let said = home.knarr("harbor", &["ship", "-y", "-m", "say ahoy"]);
    assert!(
        said.contains("$ git add --all && git commit -S -m \"say ahoy\" && git push -u origin HEAD:main"),
        "{said}"
    );
    assert!(said.contains("no machines yet: knarr node add NAME=USER@HOST"), "{said}");
    assert!(verifies(&home));
    assert_eq!(rev(&home, "origin.git", "main"), rev(&home, "harbor", "HEAD"));
    assert!(home.knarr("harbor", &["ship"]).starts_with("nothing to commit or to push"));
}

#[test]
fn ship_asks_for_a_message_and_an_answer_and_commits_nothing_without_them() {
    let home = shipped();
    let before = rev(&home, "harbor", "HEAD");
    home.write("harbor/host/motd", "Ahoy.\n");
    let said = home.knarr("harbor", &["ship", "-y"]);
    assert!(
        said.ends_with(
            "error: the commit needs a message\nhelp: knarr ship -m \"what it is about\"\nexit 1\n"
        ),
        "{said}"
    );
    let said = home.knarr("harbor", &["ship", "-m", "ahoy"]);
    assert!(said.contains("nobody can answer") && said.ends_with("exit 1\n"), "{said}");
    assert_eq!(rev(&home, "harbor", "HEAD"), before);
    assert_eq!(rev(&home, "origin.git", "main"), before);
}

#[test]
fn ship_refuses_what_machines_would_not_follow_and_approve_heals_it() {
    let home = shipped();
    let accepted = rev(&home, "harbor", "HEAD");
    bot(&home);
    home.write("bot/people/ana.yaml", "email: ana@example.org\nkeys: []\n");
    bot_pushes(&home, "browser: merge");
    let said = home.knarr("harbor", &["ship", "-y"]);
    assert!(said.contains("the origin has commits that are not here"), "{said}");
    home.git("harbor", &["pull", "-q", "--ff-only"]);
    let unsigned = rev(&home, "harbor", "HEAD");
    let said = home.knarr("harbor", &["ship", "-y", "-m", "x"]);
    assert!(said.contains("it is not signed") && said.ends_with("help: knarr approve\nexit 1\n"), "{said}");
    let said = home.knarr("harbor", &["approve", "-y", "--push"]);
    assert!(
        said.contains("bot <bot@example.org>  browser: merge") && said.contains("+email: ana@example.org"),
        "{said}"
    );
    assert!(verifies(&home));
    assert_eq!(rev(&home, "harbor", "HEAD^"), unsigned);
    let trailer = home.git("harbor", &["show", "-s", "--format=%(trailers:key=Approves,valueonly)"]);
    assert_eq!(trailer.trim(), accepted);
    assert_eq!(rev(&home, "origin.git", "main"), rev(&home, "harbor", "HEAD"));
    assert!(home.knarr("harbor", &["approve"]).starts_with("nothing to approve"));
    assert!(home.knarr("harbor", &["ship"]).starts_with("nothing to commit or to push"));
}

#[test]
fn approve_brings_what_the_origin_has_and_renders_what_nobody_rendered() {
    let home = shipped();
    bot(&home);
    let keygen = ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", "ana"];
    home.command(".", "ssh-keygen").args(keygen).assert().success();
    let ana = fs::read_to_string(home.path("ana.pub")).unwrap();
    home.write("bot/people/ana.yaml", &format!("email: ana@example.org\nkeys: [\"{}\"]\n", ana.trim()));
    home.replace("bot/cluster.yaml", "signers: [", "signers: [ana, ");
    bot_pushes(&home, "ana signs too");
    let said = home.knarr("harbor", &["approve", "-y", "--push"]);
    assert!(said.contains("who may sign changes"), "{said}");
    assert_eq!(home.knarr("harbor", &["render", "--check"]), "rendered/ is up to date\n");
    let touched = home.git("harbor", &["show", "--name-only", "--format=", "HEAD"]);
    assert!(touched.contains("rendered/access/signers"), "{touched}");
}

#[test]
fn approve_shows_every_line_whatever_attributes_and_escapes_say() {
    let home = shipped();
    bot(&home);
    home.write("bot/.gitattributes", "* -diff\n");
    home.write("bot/host/motd", "harmless\u{1b}[2K\u{1b}[1A\n");
    bot_pushes(&home, "nothing to see \u{1b}[8m");
    let said = home.knarr("harbor", &["approve"]);
    assert!(said.contains("+harmless·[2K·[1A") && said.contains("+* -diff"), "{said}");
    assert!(!said.contains('\u{1b}') && said.ends_with("exit 1\n"), "{said}");
}

#[test]
fn an_approval_by_a_key_that_may_not_sign_is_taken_back() {
    let home = shipped();
    bot(&home);
    home.write("bot/host/motd", "x\n");
    bot_pushes(&home, "merge");
    home.git("harbor", &["pull", "-q", "--ff-only"]);
    let before = rev(&home, "harbor", "HEAD");
    let keygen = ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", "other"];
    home.command(".", "ssh-keygen").args(keygen).assert().success();
    home.git("harbor", &["config", "user.signingkey", home.path("other").to_str().unwrap()]);
    let said = home.knarr("harbor", &["approve", "-y", "--push"]);
    assert!(said.contains("machines would not follow your approval"), "{said}");
    assert_eq!(rev(&home, "harbor", "HEAD"), before);
    assert_eq!(rev(&home, "origin.git", "main"), before);
}

#[test]
fn mend_puts_an_amended_commit_on_top_so_that_a_plain_push_does() {
    let home = shipped();
    home.write("harbor/host/motd", "one\n");
    home.knarr("harbor", &["ship", "-y", "-m", "motd"]);
    let accepted = rev(&home, "harbor", "HEAD");
    home.write("harbor/host/motd", "two\n");
    home.git("harbor", &["commit", "-q", "--amend", "-a", "-S", "-m", "motd, better"]);
    let (old, tree) = (rev(&home, "harbor", "HEAD"), rev(&home, "harbor", "HEAD^{tree}"));
    let said = home.knarr("harbor", &["ship", "-y"]);
    assert!(said.contains("help: knarr mend"), "{said}");
    let said = home.knarr("harbor", &["mend", "-y"]);
    assert!(said.contains(&format!("your old tip stays as {old}")), "{said}");
    assert_eq!(
        home.git("harbor", &["rev-list", "--parents", "-1", "HEAD"]).trim().split(' ').nth(1),
        Some(accepted.as_str())
    );
    assert_eq!(rev(&home, "harbor", "HEAD^{tree}"), tree);
    assert!(verifies(&home) && home.git("harbor", &["status", "--porcelain"]).is_empty());
    home.git("harbor", &["push", "-q", "origin", "HEAD:main"]);
    assert!(first_parents(&home).contains(&accepted));
    assert!(home.knarr("harbor", &["mend"]).starts_with("nothing to mend"));
}

#[test]
fn mend_heals_a_force_push_without_another_one() {
    let home = shipped();
    home.write("harbor/host/motd", "one\n");
    home.knarr("harbor", &["ship", "-y", "-m", "motd"]);
    let accepted = rev(&home, "harbor", "HEAD");
    home.git("harbor", &["commit", "-q", "--amend", "-S", "-m", "motd, other words"]);
    let refused = home.git_ends("harbor", &["push", "-q", "-f", "origin", "main"]);
    assert!(!refused.status.success(), "the pre-push hook says: knarr mend");
    home.git("harbor", &["push", "-q", "-f", "--no-verify", "origin", "main"]);
    let rewritten = rev(&home, "harbor", "HEAD");
    home.knarr("harbor", &["mend", "-y"]);
    let parents = home.git("harbor", &["rev-list", "--parents", "-1", "HEAD"]);
    assert_eq!(parents.trim().split(' ').skip(1).collect::<Vec<_>>(), [accepted.as_str(), &rewritten]);
    let said = home.knarr("harbor", &["ship", "-y", "--no-follow"]);
    assert!(said.contains("pushed "), "{said}");
    assert!(first_parents(&home).contains(&accepted) && !first_parents(&home).contains(&rewritten));
}

#[test]
fn what_is_not_committed_is_mixed_into_nothing() {
    let home = shipped();
    home.write("harbor/host/motd", "half done\n");
    for command in ["approve", "mend"] {
        let said = home.knarr("harbor", &[command, "-y"]);
        assert!(said.contains("not committed") && said.ends_with("exit 1\n"), "{said}");
    }
}

#[test]
fn no_machine_is_added_before_there_is_something_to_follow() {
    let home = Home::empty();
    home.knarr(".", &["new", "harbor", "--recovery", "kit"]);
    let add = ["node", "add", "edge=root@127.0.0.1:1", "-y"];
    let said = home.knarr("harbor", &add);
    assert!(said.contains("there is no origin") && said.contains("git remote add origin URL"), "{said}");
    home.git(".", &["init", "-q", "--bare", "--initial-branch=main", "origin.git"]);
    let origin = home.path("origin.git").display().to_string();
    home.replace("harbor/cluster.yaml", "remotes: []", &format!("remotes: [{origin}]"));
    assert!(home.knarr("harbor", &add).contains(&"help: git remote add origin ~/origin.git".to_owned()));
    home.git("harbor", &["remote", "add", "origin", &origin]);
    assert!(home.knarr("harbor", &add).contains("help: git push -u origin HEAD:main"));
    home.knarr("harbor", &["ship", "-y", "-m", "origin"]);
    let said = home.knarr("harbor", &add);
    assert!(said.contains("✗ edge: cannot reach `root@127.0.0.1:1`"), "{said}");
    assert!(said.ends_with("Nothing was done on any machine.\nexit 1\n"), "{said}");
    assert!(!home.path("harbor/nodes/edge.yaml").exists());
}

#[test]
fn a_tip_that_nobody_signed_is_never_pinned() {
    let home = shipped();
    bot(&home);
    home.write("bot/host/motd", "x\n");
    bot_pushes(&home, "merge");
    let said = home.knarr("harbor", &["node", "add", "edge=root@127.0.0.1:1", "-y"]);
    assert!(said.contains("it is not signed") && said.contains("help: knarr approve"), "{said}");
}

#[test]
fn machines_are_typed_as_name_and_place_each_once() {
    let home = shipped();
    for wrong in ["edge", "Edge=x", "edge=-oProxyCommand=x", "edge=a b"] {
        assert!(home.knarr("harbor", &["node", "add", wrong]).ends_with("exit 1\n"), "{wrong}");
    }
    let said = home.knarr("harbor", &["node", "add", "edge=a", "edge=b"]);
    assert!(said.contains("`edge` is there twice"), "{said}");
    for option in [["--open", "worker:80"], ["--server", "worker"]] {
        let said = home.knarr("harbor", &[&["node", "add", "edge=a"], option.as_slice()].concat());
        assert!(said.contains("`worker` is none of the machines to add"), "{said}");
    }
    assert!(home.knarr("harbor", &["node", "add", "edge=a", "--open", "edge:ssh"]).ends_with("exit 1\n"));
}

const EDGE: &str = "\
# the oldest
roles: [server]
address: 203.0.113.7
ssh: root@127.0.0.1:1
mesh: 10.210.83.168
keys:
  machine: 9f2c41a3b5d7e9f1a2b4c6d8e0f1a3b5c7d9e1f2a4b6c8d0e2f4a6b8c0d2e4f6
  age: age1lrzv0a3rjcz6e4vnqqnatx7fdm9pmzwrgmemhr4wx7ekxf6hw9wsg2mmyv
  wireguard: 7JkPw2xBpQ2VgY0c0mC1nq8f3n6cW6f0p3l5b8m2t0U=
  ssh: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKDGaF2NJLi6iqh1F0lJiSM1CJSEJyDEnCLqTR0vrtXJ
";

#[test]
fn a_machine_leaves_by_a_tombstone_and_is_forgotten_after() {
    let home = shipped();
    home.write("harbor/nodes/edge.yaml", EDGE);
    assert!(home.knarr("harbor", &["node", "list"]).contains("root@127.0.0.1:1  203.0.113.7  amd64"));
    let shown = home.knarr("harbor", &["node", "show", "edge", "--output", "json"]);
    assert!(shown.contains("\"host_key\": \"ssh-ed25519 "), "{shown}");
    assert!(home.knarr("harbor", &["node", "forget", "edge"]).contains("help: knarr node remove edge"));
    home.knarr("harbor", &["node", "remove", "edge"]);
    let file = fs::read_to_string(home.path("harbor/nodes/edge.yaml")).unwrap();
    assert_eq!(file, format!("{EDGE}removed: true\n"));
    home.knarr("harbor", &["ship", "-y", "-m", "edge leaves"]);
    assert!(fs::read_to_string(home.path("harbor/rendered/cluster.yaml")).unwrap().contains("tombstone"));
    home.knarr("harbor", &["node", "forget", "edge"]);
    assert!(!home.path("harbor/nodes/edge.yaml").exists());
    assert!(home.knarr("harbor", &["node", "show", "edge"]).contains("known are: no machine yet"));
}

#[test]
fn a_machine_that_is_not_reached_from_here_is_not_asked_and_ship_goes_on() {
    let home = shipped();
    home.write("harbor/nodes/edge.yaml", EDGE);
    let said = home.knarr("harbor", &["ship", "-y", "-m", "edge"]);
    assert!(said.contains("not asked: it follows by itself") && !said.contains("exit"), "{said}");
}

#[test]
fn status_says_who_was_not_heard_of_and_what_this_clone_has_that_machines_do_not() {
    let home = shipped();
    let said = home.knarr("harbor", &["status"]);
    assert!(said.starts_with("no machines yet") && !said.contains("exit"), "{said}");
    home.write("harbor/nodes/edge.yaml", EDGE);
    let said = home.knarr("harbor", &["status"]);
    assert!(said.contains(" edge  -       -     not heard of: cannot reach `root@127.0.0.1:1`"), "{said}");
    assert!(said.contains("not committed: knarr ship") && said.ends_with("exit 3\n"), "{said}");
    let said = home.knarr("harbor", &["status", "--output", "json"]);
    let (told, _) = said.split_once("\nerror: ").unwrap();
    let told: serde_json::Value = serde_json::from_str(told).unwrap();
    assert_eq!((&told["by"], &told["nodes"][0]["converged"]), (&"each".into(), &false.into()));
}

#[test]
fn status_works_in_a_repository_with_mistakes_and_repeats_them() {
    let home = shipped();
    home.write("harbor/nodes/edge.yaml", &EDGE.replace("address: 203.0.113.7", "address: 203.0.113"));
    let said = home.knarr("harbor", &["status"]);
    assert!(said.contains(" edge  -       -     not heard of") && said.contains("error KN"), "{said}");
    assert!(said.contains("nodes/edge.yaml: `203.0.113` is not an IP address"), "{said}");
}
