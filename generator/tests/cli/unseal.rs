//! `knarr unseal`, `reseal`, `validate`, and single keys by `knarr seal set`, `remove` and `list`: with keys of the tests, old and new.

use crate::home::{Home, KEYS, files};
use crate::seal::{DB, KEY, home, open, seal, values};
use std::fs;

const OLD: &str = "SHA256:na1tutzLpnNwHCED3piwKsfjVHCuXIFJ3sCNXYMF+RU";

fn both() -> [String; 4] {
    let key = |bits: u32| format!("{KEYS}/sealing-{bits}.key");
    ["--recovery-private-key".to_owned(), key(2048), "--recovery-private-key".to_owned(), key(4096)]
}

/// Runs a command that opens with both keys; returns all that it said.
fn run(home: &Home, args: &[&str]) -> String {
    let keys = both();
    home.knarr("harbor", &[args, &keys.each_ref().map(String::as_str)[..]].concat())
}

/// Makes a key the one that seals.
fn rotate(home: &Home, bits: u32) {
    fs::copy(format!("{KEYS}/sealing-{bits}.crt"), home.path("harbor/secrets/sealing.crt")).unwrap();
}

#[test]
fn a_secret_opens_with_the_key_that_the_repository_keeps() {
    let home = Home::with_example();
    home.knarr("harbor", &["sealing-key", "new"]);
    seal(
        &home,
        &["db", "-n", "shop", "--from-literal", "password=hunter2", "--from-literal", "user=me"],
        b"",
    );
    let before = files(&home.path("."));
    let shown = home.knarr("harbor", &["unseal", "shop/db"]);
    assert!(shown.starts_with("---\napiVersion: v1\nkind: Secret\n"), "{shown}");
    assert!(shown.ends_with("data:\n  password: \"aHVudGVyMg==\"\n  user: \"bWU=\"\n"), "{shown}");
    let json: serde_json::Value =
        serde_json::from_str(&home.knarr("harbor", &["unseal", "db", "--output", "json"])).unwrap();
    assert_eq!((&json["data"]["user"], &json["metadata"]["name"]), (&"bWU=".into(), &"db".into()));
    assert_eq!(home.knarr("harbor", &["unseal", "db", "password"]), "hunter2");
    let script = "printf '%s by %s' \"$password\" \"$user\"";
    assert_eq!(home.knarr("harbor", &["unseal", "db", "--exec", "sh", "-c", script]), "hunter2 by me");
    assert_eq!(files(&home.path(".")), before, "opening writes nothing");
    let said = home.knarr("harbor", &["validate"]);
    assert_eq!(said, " ✓ 2 values in 1 file: the known keys open all\n");
}

#[test]
fn a_value_does_not_become_a_variable_that_runs_code() {
    let home = home();
    for key in ["LD_PRELOAD", "PATH", "BASH_ENV"] {
        seal(&home, &["db", "-n", "shop", "--from-literal", &format!("{key}=hunter2"), "--force"], b"");
        let keys = both();
        let args = ["unseal", "db", "--recovery-private-key", &keys[3], "--exec", "true"];
        let said = home.knarr("harbor", &args);
        assert!(
            said.contains(&format!("`{key}` cannot become a variable")) && !said.contains("hunter2"),
            "{said}"
        );
    }
}

#[test]
fn a_file_opens_outside_of_a_repository_and_what_does_not_open_is_told() {
    let home = home();
    seal(&home, &["db", "-n", "shop", "--from-literal", "a=1"], b"");
    fs::copy(home.path(DB), home.path("db.yaml")).unwrap();
    assert!(home.knarr(".", &["unseal", "db.yaml"]).contains("there is no cluster.yaml"));
    assert_eq!(home.knarr(".", &["unseal", "db.yaml", "a", "--recovery-private-key", &both()[3]]), "1");
    let said = home.knarr(".", &["unseal", "db.yaml", "--recovery-private-key", &both()[1]]);
    assert!(said.starts_with("error: cannot open shop/db: `a` was sealed to another key"), "{said}");
    for (args, message) in [
        (&["unseal", "other"][..], "there is no sealed Secret `other`"),
        (&["unseal", "db", "b"], "shop/db has no key `b`\nhelp: it has a\n"),
    ] {
        let said = run(&home, args);
        assert!(said.contains(message) && said.ends_with("exit 1\n"), "{said}");
    }
}

#[test]
fn resealing_changes_what_older_keys_sealed_and_not_a_byte_more() {
    let home = home();
    seal(&home, &["new", "-n", "shop", "--from-literal", "a=1"], b"");
    rotate(&home, 2048);
    seal(
        &home,
        &["db", "-n", "shop", "--scope", "namespace-wide", "--from-literal", "a=1", "--from-literal", "b=2"],
        b"",
    );
    home.replace(DB, "  encryptedData:\n", "  # ours\n  encryptedData:\n");
    rotate(&home, 4096);
    let (old, stays) = (
        fs::read_to_string(home.path(DB)).unwrap(),
        fs::read(home.path("harbor/sealed/shop/new.sealed.yaml")).unwrap(),
    );
    let said = run(&home, &["reseal", "--all"]);
    let expected = format!(
        " ✓ re-sealed sealed/shop/db.sealed.yaml   2 of 2 values\n \
         ✓ 3 values in 2 files: 2 re-sealed, 1 as they were; all open with key {KEY}\n"
    );
    assert_eq!(said, expected);
    assert_eq!(open(&home, DB), values([("a", "1"), ("b", "2")]));
    let new = fs::read_to_string(home.path(DB)).unwrap();
    let differ: Vec<&str> = new
        .lines()
        .zip(old.lines())
        .filter(|(new, old)| new != old)
        .map(|(new, _)| new.trim_start())
        .collect();
    assert!(differ.len() == 3 && differ.iter().any(|line| line.contains(KEY)), "{differ:?}");
    assert_eq!(fs::read(home.path("harbor/sealed/shop/new.sealed.yaml")).unwrap(), stays);
    run(&home, &["reseal", "--all"]);
    assert_eq!(fs::read_to_string(home.path(DB)).unwrap(), new);
}

#[test]
fn resealing_writes_nothing_when_one_value_does_not_open() {
    let home = home();
    rotate(&home, 2048);
    seal(&home, &["db", "-n", "shop", "--from-literal", "a=1"], b"");
    seal(&home, &["api", "-n", "shop", "--from-literal", "a=1"], b"");
    home.replace("harbor/sealed/shop/api.sealed.yaml", "name: api", "name: api2");
    rotate(&home, 4096);
    let before = fs::read(home.path(DB)).unwrap();
    let said = run(&home, &["reseal", "--all"]);
    assert!(
        said.contains(" ✗ sealed/shop/api.sealed.yaml, document 1 (shop/api2): `a` was sealed"),
        "{said}"
    );
    assert!(said.contains("error: 1 mistake: nothing was written\n") && said.ends_with("exit 1\n"), "{said}");
    assert_eq!(fs::read(home.path(DB)).unwrap(), before);
    let said = run(&home, &["reseal", "sealed/shop/db.sealed.yaml"]);
    assert!(said.contains("re-sealed sealed/shop/db.sealed.yaml"), "{said}");
}

#[test]
fn validating_says_which_value_is_wrong_and_why() {
    let home = home();
    seal(&home, &["db", "-n", "shop", "--from-literal", "a=1"], b"");
    seal(&home, &["api", "-n", "shop", "--from-literal", "a=1", "--from-literal", "b=2"], b"");
    let ok = run(&home, &["validate"]);
    assert_eq!(ok, " ✓ 3 values in 2 files: the known keys open all\n");
    let text = fs::read_to_string(home.path(DB)).unwrap();
    let line = text.lines().find(|line| line.trim_start().starts_with("a:")).unwrap();
    let api = "harbor/sealed/shop/api.sealed.yaml";
    let there = fs::read_to_string(home.path(api)).unwrap();
    let own = there.lines().find(|line| line.trim_start().starts_with("a:")).unwrap();
    home.replace(api, own, line);
    let said = run(&home, &["validate"]);
    let expected = " ✗ sealed/shop/api.sealed.yaml, document 1 (shop/api), key `a`: it was sealed for shop/db\n\
                    error: 1 of 3 values do not open\nhelp: seal them again: knarr seal set NAME KEY -\nexit 1\n";
    assert_eq!(said, expected);
    assert!(run(&home, &["validate", "sealed/shop/db.sealed.yaml"]).contains("1 value in 1 file"));
    let said = run(&home, &["validate", "--output", "json"]);
    let report: serde_json::Value = serde_json::from_str(said.split("\nerror:").next().unwrap()).unwrap();
    assert_eq!((&report["values"], &report["wrong"][0]["key"]), (&3.into(), &"a".into()));
}

#[test]
fn single_keys_come_change_and_go_and_the_others_stay_byte_for_byte() {
    let home = home();
    seal(&home, &["db", "-n", "shop", "--from-literal", "a=1", "--from-literal", "b=2"], b"");
    let before = fs::read_to_string(home.path(DB)).unwrap();
    let said = seal(&home, &["set", "db", "b", "-", "--from-literal", "c=4"], b"3");
    let wrote = "wrote sealed/shop/db.sealed.yaml   Secret shop/db: b, c of 3 keys, opens with key";
    assert_eq!(said, format!(" ✓ {wrote} {KEY}\n"));
    assert_eq!(open(&home, DB), values([("a", "1"), ("b", "3"), ("c", "4")]));
    let after = fs::read_to_string(home.path(DB)).unwrap();
    let changed = before.lines().filter(|line| !after.lines().any(|there| there == *line));
    assert_eq!(changed.count(), 1, "only b's line changes");
    assert!(seal(&home, &["remove", "shop/db", "b"], b"").contains("Secret shop/db keeps a, c"));
    assert_eq!(open(&home, DB), values([("a", "1"), ("c", "4")]));
    for (args, message) in [
        (&["remove", "db", "b"][..], "shop/db has no key `b`\nhelp: it has a, c\n"),
        (
            &["remove", "db", "a", "c"],
            "would have no values left\nhelp: to remove all of it: git rm sealed/shop/db.sealed.yaml\n",
        ),
        (&["set", "other", "--from-literal", "a=1"], "there is no sealed Secret `other`"),
    ] {
        let said = seal(&home, args, b"");
        assert!(said.contains(message) && said.ends_with("exit 1\n"), "{said}");
    }
    rotate(&home, 2048);
    let said = seal(&home, &["set", "db", "--from-literal", "a=1"], b"");
    assert!(
        said.contains("help: re-seal the whole file first: knarr reseal sealed/shop/db.sealed.yaml"),
        "{said}"
    );
}

#[test]
fn a_secret_may_have_the_name_of_a_word() {
    let home = home();
    let said = seal(&home, &["-n", "shop", "--", "set", "password", "-"], b"hunter2");
    assert!(said.contains("wrote sealed/shop/set.sealed.yaml   Secret shop/set"), "{said}");
    assert!(
        seal(&home, &["set", "set", "--from-literal", "user=me"], b"")
            .contains("Secret shop/set: user of 2 keys")
    );
    let said = seal(
        &home,
        &["-f", "-", "-o", "-"],
        b"kind: Secret\nmetadata: {name: list, namespace: shop}\nstringData: {a: b}\n",
    );
    assert!(said.contains("name: list"), "{said}");
}

#[test]
fn a_list_says_scope_age_and_key() {
    let home = home();
    home.git("harbor", &["add", "--all"]);
    home.git("harbor", &["commit", "--quiet", "--no-verify", "-m", "key"]);
    seal(&home, &["db", "-n", "shop", "--from-literal", "a=1", "--from-literal", "b=2"], b"");
    home.git("harbor", &["add", "--all"]);
    let date =
        ["-c", "core.hooksPath=/dev/null", "commit", "--quiet", "--date=2026-01-02T00:00:00Z", "-m", "db"];
    home.git("harbor", &date);
    let commit = home.git("harbor", &["rev-parse", "HEAD"]).trim().to_owned();
    seal(&home, &["set", "db", "--from-literal", "b=3"], b"");
    let kubeseals = home.path("harbor/sealed/shop/theirs.yaml");
    let note = format!("annotations: {{knarr/sealing-key: \"{KEY}\"}}");
    let text = fs::read_to_string(home.path(DB)).unwrap();
    assert!(text.contains("knarr/sealing-key"), "{note} {text}");
    fs::write(&kubeseals, text.replace("knarr/sealing-key", "owner")).unwrap();
    rotate(&home, 2048);
    let rows: serde_json::Value =
        serde_json::from_str(&seal(&home, &["list", "--output", "json"], b"")).unwrap();
    let row = |path: &str, key: &str| {
        let all = rows.as_array().unwrap();
        all.iter()
            .find(|row| row["path"].as_str().unwrap().ends_with(path) && row["key"] == key)
            .unwrap()
            .clone()
    };
    let [old, new, theirs] =
        [row("db.sealed.yaml", "a"), row("db.sealed.yaml", "b"), row("theirs.yaml", "a")];
    assert_eq!(
        (&old["commit"], &old["sealed_with"], &old["current"]),
        (&commit.clone().into(), &KEY.into(), &false.into())
    );
    assert_eq!((&new["since"], &new["commit"]), (&serde_json::Value::Null, &serde_json::Value::Null));
    assert_eq!(
        (&theirs["sealed_with"], &theirs["said"]),
        (&KEY.into(), &false.into()),
        "git knows the certificate"
    );
    let table = seal(&home, &["list"], b"");
    assert!(
        table.contains("OLDER KEY") && table.contains("not committed") && !table.contains(OLD),
        "{table}"
    );
}
