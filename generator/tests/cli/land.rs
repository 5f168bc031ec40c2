//! land: the merge button, on real git repositories with a bare origin, and branches that mean no good.

use crate::home::{Home, files};
use crate::people::{bot, rev, shipped, verifies};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

/// Pushes what a bot has written as a branch.
fn branch(home: &Home, name: &str) {
    home.git("bot", &["checkout", "-q", "-B", name]);
    home.git("bot", &["add", "--all", "--force"]);
    home.git("bot", &["commit", "-q", "-m", &format!("bot: {name}")]);
    home.git("bot", &["push", "-q", "-f", "origin", &format!("{name}:{name}")]);
}

/// A cluster, and a bot's branch that changes what machines get.
fn with_branch() -> Home {
    let home = shipped();
    bot(&home);
    home.write("bot/host/motd", "Ahoy.\n");
    home.write("bot/README.md", "ours\n");
    branch(&home, "motd");
    home
}

/// Everything of a clone that a person sees, and what git would say of it.
fn state(home: &Home) -> (Vec<(std::path::PathBuf, Vec<u8>)>, [String; 4]) {
    let seen = files(&home.path("harbor"));
    let seen = seen.into_iter().filter(|(path, _)| !path.starts_with(home.path("harbor/.git"))).collect();
    let git = |args: &[&str]| home.git("harbor", args);
    let says = [
        git(&["status", "--porcelain", "--branch"]).replace(" [behind 1]", ""),
        git(&["for-each-ref", "refs/heads"]),
        git(&["worktree", "list"]),
        rev(home, "origin.git", "main"),
    ];
    (seen, says)
}

/// Lands, which must fail, and proves that all is as before.
fn refused(home: &Home, args: &[&str]) -> String {
    let before = state(home);
    let said = home.knarr("harbor", &[&["land", "-y"], args].concat());
    assert!(said.ends_with("exit 1\n") || said.ends_with("exit 3\n"), "{said}");
    assert!(state(home) == before, "a refusal changed something: {said}");
    assert!(!home.path("harbor/.git/knarr-land").exists());
    said
}

#[test]
fn a_branch_of_the_origin_becomes_one_signed_commit_that_machines_follow() {
    let home = with_branch();
    let before = rev(&home, "harbor", "HEAD");
    let said = home.knarr("harbor", &["land", "motd", "-y"]);
    assert!(
        said.contains("motd brings 1 commit:") && said.contains("bot <bot@example.org>  bot: motd"),
        "{said}"
    );
    assert!(
        said.contains(" host/motd") && said.contains("signed, pushed") && !said.contains("exit"),
        "{said}"
    );
    assert!(verifies(&home));
    let parents = [rev(&home, "harbor", "HEAD^1"), rev(&home, "harbor", "HEAD^2")];
    assert_eq!(parents, [before, rev(&home, "bot", "motd")]);
    assert_eq!(rev(&home, "origin.git", "main"), rev(&home, "harbor", "HEAD"));
    assert_eq!(home.git("harbor", &["log", "-1", "--format=%s"]), "land motd\n");
    assert!(home.git("harbor", &["status", "--porcelain"]).is_empty());
    assert!(home.knarr("harbor", &["approve"]).starts_with("nothing to approve"));
    assert!(home.knarr("harbor", &["land", "origin/motd"]).starts_with("nothing to land"));
}

#[test]
fn pull_requests_and_branches_of_this_clone_land_too() {
    let home = with_branch();
    home.git("bot", &["push", "-q", "origin", "motd:refs/pull/7/head", ":motd"]);
    let said = home.knarr("harbor", &["land", "refs/pull/7/head", "-y", "-m", "motd (#7)"]);
    assert!(said.contains("lands refs/pull/7/head"), "{said}");
    assert_eq!(home.git("harbor", &["log", "-1", "--format=%s"]), "motd (#7)\n");
    home.git("harbor", &["checkout", "-q", "-b", "mine"]);
    home.write("harbor/host/issue", "x\n");
    home.git("harbor", &["add", "--all"]);
    home.git("harbor", &["commit", "-q", "-m", "mine"]);
    let said = refused(&home, &["mine"]);
    assert!(said.contains("not on `main`") && said.contains("help: git switch main"), "{said}");
    home.git("harbor", &["checkout", "-q", "main"]);
    assert!(home.knarr("harbor", &["land", "mine", "-y", "--no-follow"]).contains("lands mine"));
}

#[test]
fn a_dry_run_shows_all_and_changes_nothing() {
    let home = with_branch();
    let before = state(&home);
    let said = home.knarr("harbor", &["land", "motd", "--dry-run"]);
    assert!(said.contains("motd brings") && said.ends_with("nothing was changed: --dry-run\n"), "{said}");
    let json = home.knarr("harbor", &["land", "motd", "--dry-run", "--output", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["review"]["branch"], &json["landed"]), (&"motd".into(), &serde_json::Value::Null));
    let said = home.knarr("harbor", &["land", "motd"]);
    assert!(said.contains("nobody can answer: Merge, sign, push?"), "{said}");
    assert!(state(&home) == before);
}

#[test]
fn a_clone_that_is_behind_comes_along() {
    let home = with_branch();
    home.git(".", &["clone", "-q", "origin.git", "other"]);
    home.knarr("other", &["setup"]);
    home.git("other", &["config", "user.email", "jo-doe@example.org"]);
    home.git("other", &["config", "user.name", "jo"]);
    home.knarr("other", &["land", "motd", "-y"]);
    home.git("bot", &["checkout", "-q", "main"]);
    home.write("bot/host/issue", "x\n");
    branch(&home, "issue");
    let said = home.knarr("harbor", &["land", "issue", "-y"]);
    assert!(said.contains("lands issue") && home.path("harbor/host/motd").exists(), "{said}");
    assert_eq!(rev(&home, "harbor", "HEAD^1"), rev(&home, "other", "HEAD"));
}

#[test]
fn what_is_not_ready_is_refused_with_what_to_type() {
    let home = with_branch();
    home.write("harbor/host/issue", "half done\n");
    assert!(refused(&home, &["motd"]).contains("not committed"));
    fs::remove_file(home.path("harbor/host/issue")).unwrap();
    assert!(refused(&home, &["nowhere"]).contains("has a branch `nowhere`"));
    assert!(refused(&home, &["refs/pull/8/head"]).contains("refs/pull/NUMBER/head"));
    for name in ["a b", "x..y", "x:y"] {
        assert!(refused(&home, &[name]).contains("cannot be the name of a branch"), "{name}");
    }
    assert!(refused(&home, &["--", "--upload-pack=x"]).contains("branch"));
    home.git("harbor", &["branch", "-q", "motd", "main"]);
    assert!(refused(&home, &["motd"]).contains("knarr land origin/motd"));
    home.git("bot", &["checkout", "-q", "main"]);
    home.write("bot/host/browser", "x\n");
    home.git("bot", &["add", "--all"]);
    home.git("bot", &["commit", "-q", "-m", "browser"]);
    home.git("bot", &["push", "-q", "origin", "main"]);
    assert!(refused(&home, &["origin/motd"]).contains("help: knarr approve"));
}

#[test]
fn a_conflict_in_what_people_write_puts_everything_back() {
    let home = with_branch();
    home.write("harbor/host/motd", "Mine.\n");
    home.knarr("harbor", &["ship", "-y", "-m", "mine"]);
    let said = refused(&home, &["motd"]);
    assert!(
        said.contains("error: git cannot merge what people wrote on both sides:\n  host/motd\n"),
        "{said}"
    );
    assert!(said.contains("git merge --no-commit origin/motd"), "{said}");
}

#[test]
fn a_branch_with_a_mistake_is_told_it_and_puts_everything_back() {
    let home = with_branch();
    home.replace("bot/cluster.yaml", "signers: [", "signers: [nobody-else, ");
    branch(&home, "motd");
    let said = refused(&home, &["motd"]);
    assert!(said.contains("error[KN0207]") && said.contains("nothing was changed here"), "{said}");
}

#[test]
fn conflicts_and_edits_under_rendered_are_rendered_away_and_said() {
    let home = with_branch();
    let key = fs::read_to_string(home.path("bot/rendered/access/signers")).unwrap();
    home.write("bot/rendered/access/signers", &format!("{key}mallory@example.org ssh-ed25519 AAAA\n"));
    home.write("bot/rendered/nodes/evil.yaml", "node: evil\n");
    branch(&home, "motd");
    home.replace("harbor/cluster.yaml", "name: harbor", "name: harbor\ndomain: harbor.example");
    home.knarr("harbor", &["ship", "-y", "-m", "domain"]);
    let said = home.knarr("harbor", &["land", "motd", "-y"]);
    assert!(
        said.contains("look at rendered/access/signers: the branch has it otherwise than a render"),
        "{said}"
    );
    assert!(said.contains("look at rendered/nodes/evil.yaml:") && said.contains("lands motd"), "{said}");
    assert_eq!(fs::read_to_string(home.path("harbor/rendered/access/signers")).unwrap(), key);
    assert!(!home.path("harbor/rendered/nodes/evil.yaml").exists());
    assert_eq!(home.knarr("harbor", &["render", "--check"]), "rendered/ is up to date\n");
}

#[test]
fn what_decides_who_may_do_what_is_pointed_at() {
    let home = with_branch();
    let me = fs::read_dir(home.path("bot/people")).unwrap().next().unwrap().unwrap().path();
    let text = fs::read_to_string(&me).unwrap();
    fs::write(&me, format!("{text}# and more\n")).unwrap();
    home.write("bot/.github/workflows/ci.yaml", "on: push\n");
    home.write("bot/.knarr/hooks/post-checkout", "#!/bin/sh\n");
    home.replace("bot/cluster.yaml", "trust:", "# whom\ntrust:");
    let recovery = fs::read_to_string(home.path("bot/cluster.yaml")).unwrap();
    let line = recovery.lines().find(|line| line.contains("recovery:")).unwrap().to_owned();
    home.replace("bot/cluster.yaml", &format!("{line}\n"), "");
    branch(&home, "motd");
    let said = home.knarr("harbor", &["land", "motd", "--dry-run"]);
    for look in [
        "people/jo-doe.yaml: who logs in",
        ".github/workflows/ci.yaml: what the git host runs",
        ".knarr/hooks/post-checkout: a program that git runs",
        "cluster.yaml: trust: who may sign",
    ] {
        assert!(said.contains(&format!("look at {look}")), "{look}: {said}");
    }
}

/// A program that leaves a file where it ran.
fn trap(home: &Home, path: &str) -> String {
    let mark = home.path("ran").display().to_string();
    home.write(path, &format!("#!/bin/sh\necho \"$0\" >> {mark}\ncat\n"));
    fs::set_permissions(home.path(path), fs::Permissions::from_mode(0o755)).unwrap();
    mark
}

#[test]
fn nothing_of_a_branch_runs_before_somebody_said_yes_nor_while_it_lands() {
    let home = with_branch();
    for hook in [
        "post-checkout",
        "pre-merge-commit",
        "prepare-commit-msg",
        "commit-msg",
        "post-merge",
        "post-commit",
        "pre-commit",
        "pre-push",
        "reference-transaction",
        "post-index-change",
    ] {
        trap(&home, &format!("bot/.knarr/hooks/{hook}"));
    }
    home.write("bot/.gitattributes", "* filter=evil merge=evil diff=evil -text\n");
    home.write("bot/.gitconfig", "[filter \"evil\"]\n clean = touch ~/ran\n");
    home.write("bot/.gitmodules", "[submodule \"x\"]\n path = x\n url = ext::touch ~/ran\n");
    branch(&home, "motd");
    let said = home.knarr("harbor", &["land", "motd", "-y"]);
    assert!(said.contains("lands motd") && said.contains("look at .gitattributes"), "{said}");
    assert!(!home.path("ran").exists(), "{}", fs::read_to_string(home.path("ran")).unwrap());
}

#[test]
fn a_link_out_of_the_repository_does_not_get_in() {
    let home = with_branch();
    home.write("outside/known_hosts", "private\n");
    for (path, target) in
        [("host/shadow", "/etc/shadow"), ("apps", "../outside"), ("people/x.yaml", "../.git/config")]
    {
        let at = home.path(&format!("bot/{path}"));
        let _ = fs::create_dir_all(at.parent().unwrap());
        symlink(target, &at).unwrap();
        branch(&home, "motd");
        let said = refused(&home, &["motd"]);
        assert!(said.contains("leads out of the repository") && said.contains(path), "{said}");
        fs::remove_file(at).unwrap();
    }
}

#[test]
fn names_and_messages_that_a_terminal_would_obey_are_shown_as_they_stand() {
    let home = with_branch();
    home.write("bot/host/--help", "x\n");
    home.git("bot", &["config", "user.name", "b\u{1b}[2Kot"]);
    branch(&home, "motd");
    let said = home.knarr("harbor", &["land", "motd", "--dry-run"]);
    assert!(!said.contains('\u{1b}') && said.contains("b·[2Kot") && said.contains("host/--help"), "{said}");
    home.write("bot/host/-n\u{1b}[2K", "x\n");
    branch(&home, "motd");
    let said = refused(&home, &["motd"]);
    assert!(!said.contains('\u{1b}') && said.contains("cannot read `host/-n·[2K`"), "{said}");
}

#[test]
fn outputs_that_an_attribute_would_change_do_not_get_out() {
    let home = with_branch();
    let keygen = ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", "ana"];
    home.command(".", "ssh-keygen").args(keygen).assert().success();
    let ana = fs::read_to_string(home.path("ana.pub")).unwrap();
    home.replace("bot/cluster.yaml", "signers: [", "signers: [ana, ");
    home.write("bot/.gitattributes", "rendered/access/signers working-tree-encoding=UTF-16LE\n");
    let mut all = String::new();
    // Of two lengths one is even, which that encoding takes.
    for email in ["ana@example.org", "anna@example.org"] {
        home.write("bot/people/ana.yaml", &format!("email: {email}\nkeys: [\"{}\"]\n", ana.trim()));
        home.git("bot", &["add", ".gitattributes", "people", "cluster.yaml"]);
        home.git("bot", &["commit", "-q", "-m", "ana"]);
        home.git("bot", &["push", "-q", "origin", "motd"]);
        all += &refused(&home, &["motd"]);
    }
    assert!(
        all.contains("git keeps other bytes under rendered/") && all.contains("failed to encode"),
        "{all}"
    );
}

#[test]
fn a_key_that_may_not_sign_lands_nothing() {
    let home = with_branch();
    let keygen = ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", "other"];
    home.command(".", "ssh-keygen").args(keygen).assert().success();
    home.git("harbor", &["config", "user.signingkey", home.path("other").to_str().unwrap()]);
    assert!(refused(&home, &["motd"]).contains("machines would not follow this merge"));
}

#[test]
fn killed_in_the_middle_the_clone_is_as_before_and_the_next_one_lands() {
    let home = with_branch();
    let before = state(&home);
    // git asks this program for the signature: it kills knarr, its parent's parent, and then git.
    home.write("bin/kill", "#!/bin/sh\nkill -9 $(ps -o ppid= -p $PPID) $PPID\n");
    fs::set_permissions(home.path("bin/kill"), fs::Permissions::from_mode(0o755)).unwrap();
    home.git("harbor", &["config", "gpg.ssh.program", home.path("bin/kill").to_str().unwrap()]);
    let mut land = home.command("harbor", env!("CARGO_BIN_EXE_knarr"));
    let ended = land.args(["land", "motd", "-y"]).output().unwrap();
    assert_eq!(ended.status.code(), None, "{ended:?}");
    assert!(home.path("harbor/.git/knarr-land").exists());
    let after = state(&home);
    assert!(after.0 == before.0 && after.1[..2] == before.1[..2] && after.1[3] == before.1[3]);
    home.git("harbor", &["config", "--unset", "gpg.ssh.program"]);
    assert!(home.knarr("harbor", &["land", "motd", "-y"]).contains("lands motd"));
    assert!(!home.path("harbor/.git/knarr-land").exists());
}
