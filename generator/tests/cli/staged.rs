//! `knarr check --staged`, as the hook of real commits calls it.

use crate::home::{Home, KEYS};
use std::path::Path;

const PLAIN: &str = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\n  namespace: shop\nstringData:\n  password: hunter2\n";

/// The example with a key, a sealed Secret in sealed/shop, and all of that committed.
fn home() -> Home {
    let home = Home::with_example();
    add_key(&home, "2048");
    seal(&home, "db");
    let said = commit(&home, &[]);
    assert!(said.ends_with("committed\n"), "{said}");
    home
}

/// Adds a key, whose certificate is later the more bits it has.
fn add_key(home: &Home, bits: &str) {
    let read = |end| std::fs::read_to_string(format!("{KEYS}/sealing-{bits}.{end}")).unwrap();
    home.write("kept.pem", &["key", "crt"].map(read).concat());
    let said = home.knarr("harbor", &["sealing-key", "import", "../kept.pem"]);
    assert!(said.contains("1 key added"), "{said}");
}

fn seal(home: &Home, name: &str) {
    let args = ["seal", name, "--namespace", "shop", "--from-literal", "password=hunter2"];
    assert!(home.knarr("harbor", &args).contains("wrote"), "sealed");
}

/// Stages all and commits, with knarr in PATH; returns what is said on standard error, and whether a commit was made.
fn commit(home: &Home, args: &[&str]) -> String {
    home.git("harbor", &["add", "--all"]);
    commit_staged(home, args)
}

fn commit_staged(home: &Home, args: &[&str]) -> String {
    let head = || home.git("harbor", &["rev-parse", "HEAD"]);
    let (before, knarr) = (head(), Path::new(env!("CARGO_BIN_EXE_knarr")).parent().unwrap());
    let path = format!("{}:{}", knarr.display(), std::env::var("PATH").unwrap());
    let mut git = home.command("harbor", "git");
    let output = git.env("PATH", path).args(["commit", "--quiet", "-m", "more"]).args(args).output().unwrap();
    assert_eq!(output.status.success(), head() != before);
    let end = if output.status.success() { "committed\n" } else { "refused\n" };
    String::from_utf8(output.stderr).unwrap() + end
}

#[test]
fn a_secret_in_the_clear_is_refused_wherever_it_lies_and_nothing_is_committed() {
    for path in ["apps/shop/db.yaml", "sealed/shop/plain.yaml", "host/db.yaml", "charts/x/db.yml", "db.json"]
    {
        let home = home();
        home.write(&format!("harbor/{path}"), PLAIN);
        let said = commit(&home, &[]);
        assert!(said.contains("error[KN0321]") && said.contains(&format!("{path}:2:7")), "{said}");
        let way_out = "nothing was committed; git commit --no-verify does it nevertheless\nrefused\n";
        assert!(said.ends_with(way_out) && !said.contains("hunter2"), "{said}");
    }
}

#[test]
fn git_has_its_own_way_around() {
    let home = home();
    home.write("harbor/apps/shop/db.yaml", PLAIN);
    assert_eq!(commit(&home, &["--no-verify"]), "committed\n");
    home.write("harbor/host/motd", "Ahoy.\n");
    assert_eq!(commit(&home, &[]), "committed\n", "what was committed before holds nobody up");
}

#[test]
fn a_value_under_another_name_is_refused() {
    let home = home();
    home.git("harbor", &["mv", "sealed/shop/db.sealed.yaml", "sealed/shop/web.sealed.yaml"]);
    home.replace("harbor/sealed/shop/web.sealed.yaml", "name: db", "name: web");
    let said = commit(&home, &[]);
    assert!(said.contains("error[KN0329]") && said.contains("shop/db and opens nowhere else"), "{said}");
}

#[test]
fn a_file_that_moves_is_not_two() {
    let home = home();
    home.git("harbor", &["mv", "sealed/shop/db.sealed.yaml", "sealed/shop/other.yaml"]);
    assert_eq!(commit_staged(&home, &[]), "committed\n");
}

#[test]
fn a_second_file_for_a_secret_that_is_committed_is_refused() {
    let home = home();
    let there = std::fs::read_to_string(home.path("harbor/sealed/shop/db.sealed.yaml")).unwrap();
    home.write("harbor/apps/shop/again.yaml", &there);
    let said = commit(&home, &[]);
    assert!(said.contains("error[KN0330]") && said.contains("apps/shop/again.yaml"), "{said}");
    assert!(said.contains("also in sealed/shop/db.sealed.yaml:2"), "{said}");
}

#[test]
fn two_staged_files_for_one_secret_are_refused_once() {
    let home = home();
    seal(&home, "web");
    let there = std::fs::read_to_string(home.path("harbor/sealed/shop/web.sealed.yaml")).unwrap();
    home.write("harbor/sealed/shop/again.yaml", &there);
    let said = commit(&home, &[]);
    assert_eq!(said.matches("error[KN0330]").count(), 1, "{said}");
}

#[test]
fn a_retired_key_is_warned_of_and_an_unknown_one_is_refused() {
    let home = home();
    add_key(&home, "4096");
    home.replace("harbor/sealed/shop/db.sealed.yaml", "metadata:", "# mine\nmetadata:");
    let said = commit(&home, &[]);
    assert!(said.contains("warning[KN0326]") && said.ends_with("committed\n"), "{said}");
    home.replace(
        "harbor/sealed/shop/db.sealed.yaml",
        "knarr/sealing-key: SHA256:",
        "knarr/sealing-key: SHA256:x",
    );
    let said = commit(&home, &[]);
    assert!(said.contains("error[KN0327]") && said.ends_with("refused\n"), "{said}");
}

#[test]
fn the_index_counts_and_not_the_work_tree() {
    let home = home();
    home.write("harbor/apps/shop/db.yaml", PLAIN);
    home.write("harbor/host/motd", "Ahoy.\n");
    home.git("harbor", &["add", "host/motd"]);
    assert_eq!(commit_staged(&home, &[]), "committed\n", "what is not staged holds nothing up");
    home.write("harbor/sealed/shop/web.yaml", "kind: Se");
    home.git("harbor", &["add", "apps/shop/db.yaml"]);
    home.write("harbor/apps/shop/db.yaml", "kind: ConfigMap\n");
    let said = commit_staged(&home, &[]);
    assert!(said.contains("error[KN0321]") && said.contains("1 error"), "what is staged counts: {said}");
}

/// As git-crypt does: in the work tree it is in the clear, and as long.
#[test]
fn what_a_filter_of_git_encrypts_is_judged_as_it_is_committed() {
    let home = home();
    home.git("harbor", &["config", "filter.hide.clean", "tr a-z n-za-m"]);
    home.write("harbor/.gitattributes", "hidden.yaml filter=hide\n");
    home.write("harbor/hidden.yaml", PLAIN);
    let said = commit(&home, &[]);
    assert!(said.ends_with("committed\n"), "{said}");
    assert!(home.git("harbor", &["show", "HEAD:hidden.yaml"]).contains("xvaq: Srperg"));
}

#[test]
fn a_commit_of_some_files_is_judged_by_these() {
    let home = home();
    home.write("harbor/apps/shop/db.yaml", PLAIN);
    home.write("harbor/host/motd", "Ahoy.\n");
    home.git("harbor", &["add", "--all"]);
    assert_eq!(commit_staged(&home, &["--", "host/motd"]), "committed\n");
    home.write("harbor/sealed/shop/db.sealed.yaml", PLAIN);
    home.git("harbor", &["rm", "--quiet", "--cached", "apps/shop/db.yaml"]);
    let said = commit_staged(&home, &["--all"]);
    assert!(said.contains("error[KN0321]") && said.contains("sealed/shop/db.sealed.yaml"), "{said}");
}

#[test]
fn a_merge_is_judged_by_what_is_in_neither_side() {
    let home = home();
    home.git("harbor", &["checkout", "--quiet", "-b", "theirs"]);
    home.write("harbor/host/motd", "Theirs.\n");
    home.write("harbor/apps/shop/db.yaml", PLAIN);
    commit(&home, &["--no-verify"]);
    home.git("harbor", &["checkout", "--quiet", "main"]);
    home.write("harbor/host/motd", "Ours.\n");
    commit(&home, &[]);
    assert!(!home.git_ends("harbor", &["merge", "--quiet", "theirs"]).status.success(), "a conflict");
    assert_eq!(home.knarr("harbor", &["check", "--staged"]), " ✓ what is staged: no errors in Secrets\n");
    home.write("harbor/host/motd", "Both.\n");
    home.write("harbor/host/db.yaml", PLAIN);
    let said = commit(&home, &[]);
    assert!(said.contains("host/db.yaml") && said.contains("1 error"), "{said}");
    home.git("harbor", &["rm", "--quiet", "-f", "host/db.yaml"]);
    assert_eq!(commit(&home, &[]), "committed\n");
}

#[test]
fn a_laptop_without_knarr_says_so_and_commits() {
    let home = home();
    home.write("harbor/host/motd", "Ahoy.\n");
    home.git("harbor", &["add", "--all"]);
    let git = home.command(".", "sh").args(["-c", "command -v git"]).output().unwrap().stdout;
    let mut git = home.command("harbor", String::from_utf8(git).unwrap().trim());
    let args = ["commit", "--quiet", "--no-gpg-sign", "-m", "more"];
    let output = git.env("PATH", "/nowhere").args(args).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && said.contains("knarr is not in PATH"), "{said}");
}

#[test]
fn an_index_that_only_git_can_read_is_said_and_commits() {
    let home = home();
    home.write("harbor/host/motd", "Ahoy.\n");
    home.git("harbor", &["update-index", "--split-index"]);
    let said = commit(&home, &[]);
    assert!(said.contains("cannot read the index") && said.contains("knarr could not tell"), "{said}");
    assert!(said.ends_with("committed\n"), "{said}");
}

#[test]
fn a_certificate_whose_last_day_is_over_is_told_who_commits_what_is_sealed() {
    let home = home();
    let over = "../tests/cases/invalid/a-sealing-certificate-whose-last-day-is-over/secrets/sealing.crt";
    let over = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(over)).unwrap();
    home.write("harbor/secrets/sealing.crt", &over);
    let said = commit(&home, &[]);
    assert_eq!(said, "committed\n", "nothing that is sealed is staged");
    home.replace("harbor/sealed/shop/db.sealed.yaml", "knarr/sealing-key", "some/note");
    let said = commit(&home, &[]);
    assert!(said.contains("warning[KN0328]") && said.ends_with("committed\n"), "{said}");
}

#[test]
fn findings_are_there_for_programs_with_the_staged_lines() {
    let home = home();
    home.write("harbor/apps/shop/db.yaml", PLAIN);
    home.git("harbor", &["add", "--all"]);
    home.write("harbor/apps/shop/db.yaml", "kind: ConfigMap\n");
    let said = home.knarr("harbor", &["check", "--staged", "--output", "json"]);
    let json: serde_json::Value = serde_json::from_str(said.strip_suffix("exit 1\n").unwrap()).unwrap();
    assert_eq!((&json["findings"][0]["code"], &json["findings"][0]["line"]), (&"KN0321".into(), &2.into()));
}

#[test]
fn a_clone_without_the_hook_is_told_to_set_up() {
    let home = home();
    std::fs::remove_file(home.path("harbor/.git/knarr-hooks/pre-commit")).unwrap();
    assert!(home.knarr("harbor", &["check"]).contains("not set up: type `knarr setup`"));
    home.knarr("harbor", &["setup"]);
    assert!(!home.knarr("harbor", &["check"]).contains("not set up"));
}
