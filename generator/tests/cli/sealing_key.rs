//! `knarr sealing-key`, with the keys of the tests.

use crate::home::{Home, KEYS};
use std::fs;

const SMALL: &str = "SHA256:na1tutzLpnNwHCED3piwKsfjVHCuXIFJ3sCNXYMF+RU";
const LARGE: &str = "SHA256:jgwbGGBq3am7FbhvZqeMroe99/ePyjdesiFOu7AyiWA";

/// The example with a key that was kept elsewhere: the small one, with its certificate.
fn home() -> Home {
    let home = Home::with_example();
    let pem = ["key", "crt"].map(|end| fs::read_to_string(format!("{KEYS}/sealing-2048.{end}")).unwrap());
    home.write("kept.pem", &pem.concat());
    let said = home.knarr("harbor", &["sealing-key", "import", "../kept.pem"]);
    assert_eq!(said, format!("added {SMALL}\n ✓ 1 key added; {SMALL} seals from now on; next: knarr ship\n"));
    home
}

/// Adds the large key by its certificate, which is later.
fn add_large(home: &Home) {
    let pem = ["key", "crt"].map(|end| fs::read_to_string(format!("{KEYS}/sealing-4096.{end}")).unwrap());
    home.write("later.pem", &pem.concat());
    let said = home.knarr("harbor", &["sealing-key", "import", "../later.pem"]);
    assert!(said.ends_with("next: knarr ship\n"), "{said}");
}

fn seal(home: &Home, name: &str) {
    let args = ["seal", name, "--namespace", "shop", "--from-literal", "password=hunter2"];
    assert!(home.knarr("harbor", &args).contains("wrote"), "sealed");
}

fn commit(home: &Home, message: &str) {
    home.git("harbor", &["add", "--all"]);
    home.git("harbor", &["commit", "--quiet", "--no-verify", "-m", message]);
}

#[test]
fn keys_are_listed_by_their_certificates_and_need_no_identity() {
    let home = home();
    seal(&home, "db");
    add_large(&home);
    seal(&home, "web");
    let mut list = home.command("harbor", env!("CARGO_BIN_EXE_knarr"));
    let output =
        list.env("KNARR_IDENTITY", "/nowhere").args(["sealing-key", "list", "--output", "json"]).output();
    let rows: serde_json::Value = serde_json::from_slice(&output.unwrap().stdout).unwrap();
    let rows = rows.as_array().unwrap().iter();
    let rows: Vec<_> = rows.map(|row| ["key", "state", "files"].map(|key| row[key].to_string())).collect();
    let row = |key: &str, state: &str| [format!("\"{key}\""), format!("\"{state}\""), "1".to_owned()];
    assert_eq!(rows, [row(LARGE, "seals"), row(SMALL, "retired")]);
}

#[test]
fn what_is_exported_is_imported_elsewhere_as_the_same_keys() {
    let home = home();
    add_large(&home);
    for args in [&["sealing-key", "export"][..], &["sealing-key", "export", "--pem"]] {
        let keys = home.knarr("harbor", args);
        let other = Home::with_example();
        other.write("keys", &keys);
        let said = other.knarr("harbor", &["sealing-key", "import", "../keys"]);
        assert!(said.contains("2 keys added"), "{said}");
        let list = |home: &Home| home.knarr("harbor", &["sealing-key", "list", "--output", "json"]);
        assert_eq!(list(&other), list(&home));
        let again = other.knarr("harbor", &["sealing-key", "import", "../keys"]);
        assert_eq!(again, " ✓ every key of it is here already\n");
    }
    let one = home.knarr("harbor", &["sealing-key", "export", "na1tu"]);
    let list: serde_json::Value = serde_json::from_str(&one).unwrap();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
}

#[test]
fn what_is_no_key_is_not_imported_and_says_where_keys_are() {
    let home = Home::with_example();
    home.write("none", "kind: ConfigMap\n");
    let said = home.knarr("harbor", &["sealing-key", "import", "../none"]);
    let help = "help: kubectl -n kube-system get secret -l sealedsecrets.bitnami.com/sealed-secrets-key -o json | knarr sealing-key import -";
    assert_eq!(said, format!("error: cannot import `../none`: no sealing key is in it\n{help}\nexit 1\n"));
    assert!(!home.path("harbor/secrets/sealing.crt").exists());
}

#[test]
fn a_rotation_makes_a_newer_key_and_seals_everything_again_with_it() {
    let home = home();
    seal(&home, "db");
    let before = home.knarr("harbor", &["unseal", "shop/db"]);
    let said = home.knarr("harbor", &["sealing-key", "rotate"]);
    assert!(
        said.contains("re-sealed sealed/shop/db.sealed.yaml") && said.ends_with("next: knarr ship\n"),
        "{said}"
    );
    let list = home.knarr("harbor", &["sealing-key", "list"]);
    let rows: Vec<Vec<&str>> = list.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
    assert_eq!((rows[0][1], rows[0][4]), ("seals", "1"), "{list}");
    assert_eq!((rows[1][0], rows[1][1], rows[1][4]), (SMALL, "retired", "0"), "{list}");
    assert_eq!(home.knarr("harbor", &["unseal", "shop/db"]), before);
    assert_eq!(home.knarr("harbor", &["check"]).lines().last(), Some(" ✓ harbor with 3 machines: no errors"));
}

#[test]
fn a_rotation_that_was_killed_between_its_files_is_finished_and_not_begun_again() {
    let home = home();
    let certificate = fs::read(home.path("harbor/secrets/sealing.crt")).unwrap();
    home.knarr("harbor", &["sealing-key", "rotate"]);
    let complete = fs::read(home.path("harbor/secrets/sealing.crt")).unwrap();
    fs::write(home.path("harbor/secrets/sealing.crt"), certificate).unwrap();
    home.knarr("harbor", &["sealing-key", "rotate"]);
    assert_eq!(fs::read(home.path("harbor/secrets/sealing.crt")).unwrap(), complete);
}

#[test]
fn a_key_is_removed_once_no_value_of_any_branch_needs_it() {
    let home = home();
    seal(&home, "db");
    commit(&home, "sealed");
    let remove = ["sealing-key", "remove", SMALL, "--yes"];
    let said = home.knarr("harbor", &remove);
    assert!(said.contains("is the key that seals") && said.contains("knarr sealing-key rotate"), "{said}");
    let sealed = fs::read(home.path("harbor/sealed/shop/db.sealed.yaml")).unwrap();
    home.knarr("harbor", &["sealing-key", "rotate"]);
    fs::write(home.path("harbor/sealed/shop/db.sealed.yaml"), sealed).unwrap();
    assert!(home.knarr("harbor", &["check"]).contains("warning[KN0326]"));
    let said = home.knarr("harbor", &remove);
    assert!(said.contains("`sealed/shop/db.sealed.yaml` opens with this key only"), "{said}");
    seal(&home, "db");
    home.git("harbor", &["branch", "old"]);
    commit(&home, "sealed anew");
    home.git("harbor", &["checkout", "--quiet", "old"]);
    home.write("harbor/note", "this branch goes on\n");
    home.git("harbor", &["add", "note"]);
    home.git("harbor", &["commit", "--quiet", "--no-verify", "-m", "goes on"]);
    home.git("harbor", &["checkout", "--quiet", "main"]);
    let said = home.knarr("harbor", &remove);
    assert!(said.contains("of branch `old` opens with this key only"), "{said}");
    home.git("harbor", &["branch", "--quiet", "-D", "old"]);
    let said = home.knarr("harbor", &remove);
    let commit = home.git("harbor", &["rev-parse", "HEAD~1"]);
    let expected = format!("last needed in commit {} of ", &commit[..12]);
    assert!(said.contains(&expected) && said.contains("is gone; next: knarr ship"), "{said}");
    let list = home.knarr("harbor", &["sealing-key", "list"]);
    assert!(!list.contains(SMALL) && list.lines().count() == 2, "{list}");
}

#[test]
fn a_key_that_a_value_within_a_list_needs_stays() {
    let home = home();
    seal(&home, "db");
    let sealed = fs::read_to_string(home.path("harbor/sealed/shop/db.sealed.yaml")).unwrap();
    home.knarr("harbor", &["sealing-key", "rotate"]);
    let item = sealed.replace('\n', "\n  ");
    home.write(
        "harbor/apps/shop/all.yaml",
        &format!("apiVersion: v1\nkind: List\nitems:\n- {}\n", item.trim_end()),
    );
    let said = home.knarr("harbor", &["sealing-key", "remove", SMALL, "--yes"]);
    assert!(said.contains("`apps/shop/all.yaml` opens with this key only"), "{said}");
}

#[test]
fn a_retired_certificate_that_was_cut_is_found_too() {
    let home = home();
    add_large(&home);
    let pem = fs::read_to_string(home.path("harbor/secrets/sealing.crt")).unwrap();
    home.write("harbor/secrets/sealing.crt", &pem[..pem.len() - 60]);
    assert!(home.knarr("harbor", &["check"]).contains("error[KN0325]"));
}
