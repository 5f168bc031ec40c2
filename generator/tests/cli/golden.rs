//! upgrade repo: repositories of every format that there was, and of older templates, become today's.

use crate::home::{Home, files};
use knarr::template::{RECORD, Service, record, texts};
use std::fs;
use std::path::PathBuf;

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden");

/// Returns a committed clone of a golden repository.
fn golden(format: &str) -> Home {
    Home::with(&format!("{GOLDEN}/{format}"))
}

fn formats() -> Vec<String> {
    let entries = fs::read_dir(GOLDEN).unwrap().map(|entry| entry.unwrap());
    let folders = entries.filter(|entry| entry.file_type().unwrap().is_dir());
    folders.map(|entry| entry.file_name().into_string().unwrap()).collect()
}

fn read(home: &Home, path: &str) -> String {
    fs::read_to_string(home.path(&format!("harbor/{path}"))).unwrap()
}

fn commit(home: &Home) {
    home.git("harbor", &["add", "--all"]);
    home.git("harbor", &["commit", "-q", "--amend", "-m", "made by an older knarr"]);
}

/// Makes the repository one whose template had other words in these files.
fn from_an_older_template(home: &Home, changes: &[(&str, &str, &str)]) {
    let mut made = texts(Service::Github);
    for (path, now, then) in changes {
        let text = made.get_mut(*path).unwrap();
        assert!(text.contains(now), "{path} has no {now}");
        *text = text.replacen(now, then, 1);
        home.write(&format!("harbor/{path}"), text);
    }
    home.write(&format!("harbor/{RECORD}"), &record(&made));
    commit(home);
}

/// Returns what is said to become of a file.
fn becomes<'a>(said: &'a str, path: &str) -> &'a str {
    let line = said.lines().find_map(|line| line.trim().strip_prefix(path)?.strip_prefix(' '));
    line.map_or("nothing", str::trim)
}

fn everything(home: &Home) -> Vec<(PathBuf, Vec<u8>)> {
    let all = files(&home.path("harbor")).into_iter();
    all.filter(|(path, _)| !path.starts_with(home.path("harbor/.git"))).collect()
}

#[test]
fn a_repository_of_each_format_is_read_rendered_and_upgraded() {
    assert!(formats().contains(&"1".to_owned()));
    for format in formats() {
        let home = golden(&format);
        let said = home.knarr("harbor", &["render"]);
        assert!(!said.contains("exit"), "format {format}: {said}");
        commit(&home);
        let said = home.knarr("harbor", &["upgrade", "repo", "-y"]);
        assert!(!said.contains("exit"), "format {format}: {said}");
        for (path, text) in texts(Service::Github) {
            assert_eq!(read(&home, path.as_str()), text, "format {format}: {path}");
        }
        assert!(!home.path("harbor/.knarr/hooks/pre-push").exists(), "`knarr setup` has it now");
        let said = home.knarr("harbor", &["check"]);
        assert!(said.contains("3 machines: no errors") && !said.contains("exit"), "format {format}: {said}");
        let said = home.knarr("harbor", &["upgrade", "repo"]);
        assert!(said.starts_with("nothing to upgrade"), "format {format}: {said}");
    }
}

#[test]
fn what_was_changed_here_is_kept_and_what_was_deleted_stays_deleted() {
    let home = golden("1");
    let program = ".knarr/ci";
    from_an_older_template(
        &home,
        &[
            ("README.md", "# A Knarr cluster", "# A cluster of Knarr"),
            (program, "#!/bin/sh", "#!/bin/bash"),
            (".github/workflows/knarr.yml", "name: knarr", "name: checks"),
            (".gitignore", "identity.txt\n", ""),
        ],
    );
    home.write("harbor/README.md", &(read(&home, "README.md") + "\nOurs: ask Ana.\n"));
    fs::remove_file(home.path("harbor/.github/workflows/knarr.yml")).unwrap();
    home.write("harbor/.knarr/schema/node.json", "{}\n");
    commit(&home);
    let before = home.git("harbor", &["rev-parse", "HEAD"]);
    let said = home.knarr("harbor", &["upgrade", "repo", "-y"]);
    assert_eq!(becomes(&said, "README.md"), "changed, beside what was changed here", "{said}");
    assert_eq!(becomes(&said, program), "changed", "{said}");
    assert!(said.ends_with("Next: knarr ship\n"), "{said}");
    let readme = read(&home, "README.md");
    assert!(readme.starts_with("# A Knarr cluster\n") && readme.ends_with("Ours: ask Ana.\n"), "{readme}");
    assert!(
        read(&home, ".gitignore").contains("identity.txt")
            && read(&home, ".knarr/schema/node.json").len() > 100
    );
    assert!(!home.path("harbor/.github/workflows/knarr.yml").exists(), "it is not brought back");
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &fs::metadata(home.path("harbor").join(program)).unwrap().permissions(),
    );
    assert_eq!(mode & 0o111, 0o111, "it is a program still");
    assert_eq!(home.git("harbor", &["rev-parse", "HEAD^"]), before, "it is one commit");
    assert!(home.git("harbor", &["cat-file", "commit", "HEAD"]).contains("gpgsig"), "it is signed");
    assert!(home.git("harbor", &["status", "--porcelain"]).is_empty());
    assert!(home.knarr("harbor", &["upgrade", "repo"]).starts_with("nothing to upgrade"));
}

#[test]
fn a_conflict_keeps_both_sides_and_commits_nothing() {
    let home = golden("1");
    from_an_older_template(&home, &[("README.md", "# A Knarr cluster", "# A cluster of Knarr")]);
    home.replace("harbor/README.md", "# A cluster of Knarr", "# Harbor");
    commit(&home);
    let (head, before) = (home.git("harbor", &["rev-parse", "HEAD"]), everything(&home));
    let said = home.knarr("harbor", &["upgrade", "repo", "--dry-run"]);
    assert!(
        becomes(&said, "README.md") == "conflict: both sides changed the same lines"
            && said.contains("--dry-run"),
        "{said}"
    );
    let json = home.knarr("harbor", &["upgrade", "repo", "--dry-run", "--output", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&json["files"][0]["becomes"], &json["commit"]),
        (&"conflict".into(), &serde_json::Value::Null)
    );
    assert!(home.knarr("harbor", &["upgrade", "repo"]).contains("nobody can answer"));
    assert!(everything(&home) == before);
    let said = home.knarr("harbor", &["upgrade", "repo", "-y"]);
    assert!(
        said.contains("both sides stand in README.md, and nothing is committed")
            && said.ends_with("exit 1\n"),
        "{said}"
    );
    let readme = read(&home, "README.md");
    assert!(
        readme.starts_with("<<<<<<< this repository\n# Harbor\n=======\n# A Knarr cluster\n>>>>>>> knarr "),
        "{readme}"
    );
    assert_eq!(home.git("harbor", &["rev-parse", "HEAD"]), head);
    assert!(home.knarr("harbor", &["upgrade", "repo"]).contains("not committed"));
    home.git("harbor", &["restore", "."]);
    assert!(everything(&home) == before, "the way back that was said");
}

#[test]
fn a_repository_from_before_the_record_is_known_by_its_first_commit() {
    let home = golden("1");
    fs::remove_file(home.path("harbor").join(RECORD)).unwrap();
    fs::remove_dir_all(home.path("harbor/.github")).unwrap();
    fs::remove_file(home.path("harbor/.knarr/ci")).unwrap();
    home.replace("harbor/README.md", "# A Knarr cluster", "# A cluster of Knarr");
    commit(&home);
    home.write("harbor/README.md", &(read(&home, "README.md") + "\nOurs.\n"));
    home.git("harbor", &["commit", "-q", "--all", "-m", "ours"]);
    let said = home.knarr("harbor", &["upgrade", "repo", "-y"]);
    assert_eq!(becomes(&said, ".github/workflows/knarr.yml"), "new", "{said}");
    let readme = read(&home, "README.md");
    assert!(readme.starts_with("# A Knarr cluster\n") && readme.ends_with("\nOurs.\n"), "{readme}");
    assert!(home.knarr("harbor", &["upgrade", "repo"]).starts_with("nothing to upgrade"));
}

#[test]
fn a_repository_says_which_knarr_it_needs() {
    let home = golden("1");
    let pinned =
        read(&home, "knarr.lock").lines().find(|line| line.starts_with("knarrd ")).unwrap().to_owned();
    let with =
        |text: &str| home.write("harbor/knarr.lock", &read(&home, "knarr.lock").replace(&pinned, text));
    let before = everything(&home);
    with("knarrd 99.1.0: {}");
    for command in [&["render"][..], &["ship", "-y", "-m", "x"], &["upgrade", "repo", "-y"], &["plan"]] {
        let said = home.knarr("harbor", command);
        let refused = said.contains("error[KN0341]: this repository needs knarr 99.1.0, and this is knarr ")
            || said.contains("not committed");
        assert!(refused && said.ends_with("exit 1\n"), "{command:?}: {said}");
    }
    home.write("harbor/knarr.lock", &read(&home, "knarr.lock").replace("knarrd 99.1.0: {}", &pinned));
    assert!(everything(&home) == before, "nothing was written");
    with("knarrd 0.0.1: {}");
    assert!(!home.knarr("harbor", &["render"]).contains("exit"), "a newer knarr is fine");
    home.write("harbor/knarr.lock", &read(&home, "knarr.lock").replace("knarrd 0.0.1: {}\n", ""));
    assert!(!home.knarr("harbor", &["render"]).contains("exit"), "without a line nothing is refused");
}
