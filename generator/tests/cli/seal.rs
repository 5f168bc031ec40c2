//! `knarr seal` and `knarr sealing-key`, with a key of the tests.

use crate::home::{Home, KEYS, files};
use knarr::seal::{SealedSecret, SealingKey};
use std::collections::BTreeMap;
use std::fs;

pub(crate) const DB: &str = "harbor/sealed/shop/db.sealed.yaml";
pub(crate) const KEY: &str = "SHA256:jgwbGGBq3am7FbhvZqeMroe99/ePyjdesiFOu7AyiWA";

/// The example with a sealing certificate.
pub(crate) fn home() -> Home {
    let home = Home::with_example();
    fs::copy(format!("{KEYS}/sealing-4096.crt"), home.path("harbor/secrets/sealing.crt")).unwrap();
    home
}

/// Runs `knarr seal` with something on standard input; returns what it said, and the exit code when it is not 0.
pub(crate) fn seal(home: &Home, args: &[&str], input: &[u8]) -> String {
    let mut command = home.command("harbor", env!("CARGO_BIN_EXE_knarr"));
    let output = command.arg("seal").args(args).write_stdin(input).output().unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    if output.status.success() { text } else { format!("{text}exit {}\n", output.status.code().unwrap()) }
}

/// Opens a sealed file: keys and values.
pub(crate) fn open(home: &Home, path: &str) -> BTreeMap<String, Vec<u8>> {
    let sealed: SealedSecret = serde_saphyr::from_str(&fs::read_to_string(home.path(path)).unwrap()).unwrap();
    let key = SealingKey::read(&fs::read_to_string(format!("{KEYS}/sealing-4096.key")).unwrap()).unwrap();
    let open = key.open(&sealed).unwrap().into_iter();
    open.map(|(key, value)| (key.to_string(), value.0.to_vec())).collect()
}

pub(crate) fn values<const N: usize>(all: [(&str, &str); N]) -> BTreeMap<String, Vec<u8>> {
    all.into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect()
}

#[test]
fn seals_what_is_piped_and_only_the_key_opens_it() {
    let home = home();
    let said = seal(&home, &["db", "--namespace", "shop", "password", "-"], b"hunter2");
    let wrote = "wrote sealed/shop/db.sealed.yaml   Secret shop/db, strict, 1 key, opens with key";
    assert_eq!(said, format!(" ✓ {wrote} {KEY}\n"));
    assert_eq!(open(&home, DB), values([("password", "hunter2")]));
    assert_eq!(home.knarr("harbor", &["check"]).lines().last(), Some(" ✓ harbor with 3 machines: no errors"));
    let holds = |(_, bytes): &(_, Vec<u8>)| bytes.windows(7).any(|window| window == b"hunter2");
    let leaked: Vec<_> = files(&home.path(".")).into_iter().filter(holds).map(|(path, _)| path).collect();
    assert!(leaked.is_empty(), "the value lies in {leaked:?}");
}

#[test]
fn takes_values_from_files_and_the_command_line_too() {
    let home = home();
    home.write("harbor/tls.crt", "certificate\n");
    home.write("private.pem", "key\n");
    let args = ["db", "-n", "shop", "--from-file", "tls.crt", "--from-file", "tls.key=../private.pem"];
    let said =
        seal(&home, &[&args[..], &["--from-literal", "user=a=b", "--from-literal", "empty="]].concat(), b"");
    assert!(said.contains("4 keys"), "{said}");
    let expected =
        values([("empty", ""), ("tls.crt", "certificate\n"), ("tls.key", "key\n"), ("user", "a=b")]);
    assert_eq!(open(&home, DB), expected);
}

#[test]
fn the_words_of_the_first_hour_work() {
    let home = home();
    let said = seal(&home, &["db", "--namespace", "shop", "--from-literal", "password", "-"], b"hunter2\n");
    assert!(said.contains("note: the value of `password` ends with a line feed"), "{said}");
    assert_eq!(open(&home, DB), values([("password", "hunter2\n")]));
}

#[test]
fn sealing_again_says_what_would_vanish() {
    let home = home();
    seal(&home, &["db", "-n", "shop", "--from-literal", "a=1", "--from-literal", "b=2"], b"");
    let before = fs::read(home.path(DB)).unwrap();
    let said = seal(&home, &["db", "-n", "shop", "--from-literal", "b=3"], b"");
    let refused = "error: shop/db loses what is not given now: a\n\
                   help: give these keys too, or add --force to drop them\nexit 1\n";
    assert_eq!(said, refused);
    assert_eq!(fs::read(home.path(DB)).unwrap(), before);
    seal(&home, &["db", "-n", "shop", "--from-literal", "b=3", "--force"], b"");
    assert_eq!(open(&home, DB), values([("b", "3")]));
    seal(&home, &["db", "-n", "shop", "--from-literal", "b=4", "--from-literal", "c=5"], b"");
    assert_eq!(open(&home, DB), values([("b", "4"), ("c", "5")]));
}

#[test]
fn the_scope_stays_until_another_is_said() {
    let home = home();
    let said = seal(&home, &["db", "-n", "shop", "--from-literal", "a=1", "--scope", "namespace-wide"], b"");
    assert!(said.contains("namespace-wide"), "{said}");
    assert!(seal(&home, &["db", "-n", "shop", "--from-literal", "a=2"], b"").contains("namespace-wide"));
    assert_eq!(open(&home, DB), values([("a", "2")]));
    seal(&home, &["db", "-n", "shop", "--from-literal", "a=3", "--scope", "strict"], b"");
    assert!(!fs::read_to_string(home.path(DB)).unwrap().contains("namespace-wide"));
    assert_eq!(open(&home, DB), values([("a", "3")]));
}

#[test]
fn programs_get_json() {
    let home = home();
    let said = seal(&home, &["db", "-n", "shop", "--from-literal", "a=1", "--output", "json"], b"");
    let row: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(row["path"], "sealed/shop/db.sealed.yaml");
    assert_eq!(
        (&row["scope"], &row["keys"][0], &row["opens_with"]),
        (&"strict".into(), &"a".into(), &KEY.into())
    );
}

#[test]
fn a_file_of_lines_gives_values_and_one_raw_value_is_all_that_is_printed() {
    let home = home();
    home.write("harbor/db.env", "# none\nuser=me\npassword=a=b\n");
    seal(&home, &["db", "-n", "shop", "--from-env-file", "db.env"], b"");
    assert_eq!(open(&home, DB), values([("password", "a=b"), ("user", "me")]));
    let raw = seal(&home, &["db", "-n", "shop", "--raw", "password", "-"], b"hunter2");
    assert!(raw.starts_with("Ag") && raw.lines().count() == 1, "{raw}");
    let file = fs::read_to_string(home.path(DB)).unwrap();
    let there = file.lines().find(|line| line.trim_start().starts_with("password:")).unwrap();
    home.replace(DB, there, &format!("    password: {raw}"));
    assert_eq!(open(&home, DB), values([("password", "hunter2"), ("user", "me")]));
    let two = seal(&home, &["db", "-n", "shop", "--raw", "--from-env-file", "db.env"], b"");
    assert!(two.contains("--raw seals one value, and 2 are given"), "{two}");
}

#[test]
fn a_secret_may_be_written_elsewhere() {
    let home = home();
    let args = ["db", "-n", "shop", "--from-literal", "a=1", "-o"];
    let said = seal(&home, &[&args[..], &["../db.json"]].concat(), b"");
    assert!(said.contains("wrote ../db.json") && !home.path(DB).exists(), "{said}");
    assert_eq!(open(&home, "db.json"), values([("a", "1")]));
    assert!(fs::read_to_string(home.path("db.json")).unwrap().starts_with('{'));
    let again = seal(&home, &[&args[..], &["../db.json"]].concat(), b"");
    assert!(again.contains("`../db.json` is there already"), "{again}");
    home.write("db.yaml", &seal(&home, &[&args[..], &["-"]].concat(), b""));
    assert_eq!(open(&home, "db.yaml"), values([("a", "1")]));
}

#[test]
fn what_cannot_be_sealed_is_refused_and_nothing_is_written() {
    let home = home();
    home.write("big", &"x".repeat(1 << 20));
    home.write("harbor/sealed/shop/mine.sealed.yaml", "kind: ConfigMap\n");
    let cases: [(&[&str], &[u8], &str); 6] = [
        (&["db", "-n", "shop"], b"", "there is nothing to seal"),
        (&["db", "-n", "shop", "a", "-"], b"", "the value of `a` is empty"),
        (
            &["db", "-n", "shop", "a", "-", "b", "-"],
            b"1",
            "standard input holds one value, and 2 keys want it",
        ),
        (&["db", "-n", "shop", "--from-file", "a=../big", "--from-literal", "b=1"], b"", "1048576"),
        (&["db", "-n", "shop", "hunter2"], b"", "a key has no `-` behind it"),
        (&["mine", "-n", "shop", "a", "-"], b"1", "is not the sealed Secret shop/mine"),
    ];
    for (args, input, message) in cases {
        let said = seal(&home, args, input);
        assert!(said.contains(message) && said.contains("\nhelp: ") && said.ends_with("exit 1\n"), "{said}");
        assert!(!said.contains("hunter2") && !home.path(DB).exists(), "{said}");
    }
}

#[test]
fn a_repository_without_a_key_gets_one() {
    let home = Home::with_example();
    let said = seal(&home, &["db", "-n", "shop", "a", "-"], b"1");
    let help = "there is no `secrets/sealing.crt` to seal with\nhelp: knarr sealing-key new\nexit 1\n";
    assert!(said.ends_with(help), "{said}");
    let said = home.knarr("harbor", &["sealing-key", "new"]);
    assert!(said.contains("wrote secrets/sealing.crt and secrets/sealing-keys.age: key SHA256:"), "{said}");
    let id = said.split("key SHA256:").nth(1).unwrap().split(',').next().unwrap();
    assert!(seal(&home, &["db", "-n", "shop", "a", "-"], b"1").contains(id));
    let certificate = fs::read(home.path("harbor/secrets/sealing.crt")).unwrap();
    fs::remove_file(home.path("harbor/secrets/sealing.crt")).unwrap(); // as if killed between the two
    home.knarr("harbor", &["sealing-key", "new"]);
    assert_eq!(fs::read(home.path("harbor/secrets/sealing.crt")).unwrap(), certificate);
    let said = home.knarr("harbor", &["sealing-key", "new"]);
    assert!(said.contains("`secrets/sealing.crt` is there already") && said.ends_with("exit 1\n"), "{said}");
}

#[test]
fn a_secret_in_the_clear_stops_the_render() {
    let home = home();
    home.write("harbor/apps/shop/db.yaml", "kind: Secret\nmetadata: {name: db}\nstringData: {a: b}\n");
    let said = home.knarr("harbor", &["render"]);
    assert!(
        said.contains("KN0321") && said.contains("knarr seal db") && said.ends_with("exit 1\n"),
        "{said}"
    );
}

#[test]
fn a_secret_in_the_clear_is_found_wherever_git_would_take_it() {
    let home = home();
    home.git("harbor", &["init", "-q"]);
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {a: b}\n";
    let says = |places: &[&'static str]| {
        let said = home.knarr("harbor", &["check", "--output", "json"]);
        let found: Vec<_> = places.iter().filter(|place| said.contains(**place)).copied().collect();
        assert_eq!(found.is_empty(), !said.contains("KN0321"), "{said}");
        found
    };
    home.write("harbor/.gitignore", "*.key\n/scratch/\n/kept.yaml\n");
    let left_out = ["scratch/db.yaml", "other/db.yaml", ".git/db.yaml", "docs/binary.yaml"];
    for place in left_out {
        home.write(&format!("harbor/{place}"), secret);
    }
    home.git("harbor/other", &["init", "-q"]);
    home.write("harbor/docs/binary.yaml", &format!("{secret}---\na: \"\0\"\n"));
    assert_eq!(says(&left_out), [""; 0]);
    home.write("harbor/kept.yaml", secret);
    assert_eq!(says(&["kept.yaml"]), [""; 0]);
    home.git("harbor", &["add", "--force", "kept.yaml", "scratch/db.yaml"]);
    home.write("harbor/docs/a/b/db.YML", secret);
    assert_eq!(
        says(&["kept.yaml", "scratch/db.yaml", "docs/a/b/db.YML", "docs/binary"]),
        ["kept.yaml", "scratch/db.yaml", "docs/a/b/db.YML"]
    );
}

/// Runs `knarr seal edit` with an editor; returns what it said.
fn edit(home: &Home, editor: &str, args: &[&str]) -> String {
    let mut command = home.command("harbor", env!("CARGO_BIN_EXE_knarr"));
    command.args(["seal", "edit"]).args(args).env("EDITOR", editor).env_remove("VISUAL");
    let output = command.output().unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    if output.status.success() { text } else { format!("{text}exit {}\n", output.status.code().unwrap()) }
}

/// The example with a key of its own, and a Secret with two values.
fn with_key() -> Home {
    let home = Home::with_example();
    home.knarr("harbor", &["sealing-key", "new"]);
    let values = ["--from-literal", "password=hunter2", "--from-literal", "user=me"];
    seal(&home, &[&["db", "-n", "shop"][..], &values].concat(), b"");
    home
}

#[test]
fn an_edited_value_is_sealed_anew_and_no_other_line_changes() {
    let home = with_key();
    home.replace(DB, "  encryptedData:\n", "  # ours\n  encryptedData:\n");
    let old = fs::read_to_string(home.path(DB)).unwrap();
    let said = edit(&home, "sed -i s/hunter2/hunter3/", &["shop/db", "password"]);
    let wrote =
        " ✓ wrote sealed/shop/db.sealed.yaml   Secret shop/db: password of 2 keys, opens with key SHA256:";
    assert!(said.starts_with(wrote), "{said}");
    assert_eq!(home.knarr("harbor", &["unseal", "db", "password"]), "hunter3");
    let new = fs::read_to_string(home.path(DB)).unwrap();
    let differ: Vec<&str> = new
        .lines()
        .zip(old.lines())
        .filter(|(new, old)| new != old)
        .map(|(_, old)| old.trim_start())
        .collect();
    assert!(differ.len() == 1 && differ[0].starts_with("password: "), "{differ:?}");
    let holds = |(_, bytes): &(_, Vec<u8>)| bytes.windows(6).any(|window| window == b"hunter");
    let leaked: Vec<_> = files(&home.path(".")).into_iter().filter(holds).map(|(path, _)| path).collect();
    assert!(leaked.is_empty(), "a value lies in {leaked:?}");
}

#[test]
fn a_value_that_is_saved_as_it_was_or_not_at_all_leaves_the_file_as_it_is() {
    let home = with_key();
    let old = fs::read(home.path(DB)).unwrap();
    let file = "sealed/shop/db.sealed.yaml";
    assert_eq!(
        edit(&home, "true", &[file, "user"]),
        " ✓ user of shop/db is as it was: nothing was written\n"
    );
    let said = edit(&home, "sed -i s/me/you/; false", &["db", "user"]);
    assert!(said.contains("failed: exit status: 1") && said.ends_with("exit 1\n"), "{said}");
    assert_eq!(fs::read(home.path(DB)).unwrap(), old);
}

#[test]
fn the_only_key_need_not_be_named_and_of_several_one_must() {
    let home = with_key();
    let old = fs::read(home.path(DB)).unwrap();
    let help = "\nhelp: name one of them: password, user\nexit 1\n";
    assert_eq!(edit(&home, "exit 7;", &["db"]), format!("error: shop/db has several keys{help}"));
    assert_eq!(edit(&home, "exit 7;", &["db", "key"]), format!("error: shop/db has no key `key`{help}"));
    assert_eq!(fs::read(home.path(DB)).unwrap(), old);
    seal(&home, &["api", "-n", "shop", "--from-literal", "token=one"], b"");
    edit(&home, "sed -i s/one/two/", &["api"]);
    assert_eq!(home.knarr("harbor", &["unseal", "api", "token"]), "two");
    let both = fs::read_to_string(home.path(DB)).unwrap()
        + "---\n"
        + &fs::read_to_string(home.path("harbor/sealed/shop/api.sealed.yaml")).unwrap();
    fs::remove_file(home.path("harbor/sealed/shop/api.sealed.yaml")).unwrap();
    home.write(DB, &both);
    let said = edit(&home, "exit 7;", &["sealed/shop/db.sealed.yaml", "token"]);
    assert!(
        said.starts_with("error: there are several in `sealed/shop/db.sealed.yaml`: shop/db, shop/api\n"),
        "{said}"
    );
}

#[test]
fn what_could_not_be_written_is_told_before_the_editor_opens() {
    let home = with_key();
    let by = fs::read_to_string(home.path(DB)).unwrap();
    let note = by.split("knarr/sealing-key: ").nth(1).unwrap().split(['}', '\n']).next().unwrap().to_owned();
    home.replace(DB, &note, "SHA256:another");
    let said = edit(&home, "touch ../opened;", &["db", "user"]);
    assert!(
        said.contains("its values were sealed with key SHA256:another") && said.ends_with("exit 1\n"),
        "{said}"
    );
    assert!(said.contains("knarr reseal sealed/shop/db.sealed.yaml"), "{said}");
    assert!(!home.path("opened").exists());
}

#[test]
fn a_file_that_changed_while_its_value_was_edited_is_left_as_it_is_now() {
    let home = with_key();
    let file = home.path(DB).display().to_string();
    let said = edit(
        &home,
        &format!("sed -i 's/name: db$/name: dc/' {file}; sed -i s/me/you/"),
        &["shop/db", "user"],
    );
    assert!(said.starts_with("error: ") && said.ends_with("exit 1\n"), "{said}");
    let now = fs::read_to_string(&file).unwrap();
    assert!(now.contains("name: dc"), "{now}");
}
