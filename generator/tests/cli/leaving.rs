//! `knarr people`: who leaves may nothing any more, and what they could read stays open until it has changed.

use crate::home::{Home, KEYS, files};
use ::knarr::secrets::{Identities, new_identity};
use serde_json::Value;
use std::fs;

const BASE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/cases/base");
const ANA: &str = "harbor/people/ana.yaml";

/// Adds Ana, who opens secrets with the identity in `ana`, to a clone.
fn with_ana(home: Home) -> Home {
    let (secret, recipient) = new_identity();
    home.write("ana", &secret);
    home.write(ANA, &format!("email: ana@example.org\ngroups: [guests]\ndecrypt: [{recipient}]\n"));
    home.knarr("harbor", &["secret", "rekey"]);
    home
}

fn remove(home: &Home, name: &str) -> String {
    home.knarr("harbor", &["people", "remove", name, "-y"])
}

fn set(home: &Home, value: &'static str) -> String {
    let mut set = home.command("harbor", env!("CARGO_BIN_EXE_knarr"));
    let output = set.args(["secret", "set", "--force", "greeting"]).write_stdin(value).output().unwrap();
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

fn unchanged(home: &Home) -> Vec<String> {
    let text = fs::read_to_string(home.path(ANA)).unwrap();
    let file: Value = serde_saphyr::from_str(&text).unwrap();
    assert_eq!((&file["email"], &file["removed"]), (&"ana@example.org".into(), &true.into()));
    file["unchanged"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

#[test]
fn who_leaves_is_in_no_list_and_opens_nothing_any_more() {
    let home = with_ana(Home::with_example());
    home.replace("harbor/cluster.yaml", "signers: [me]", "signers: [me, ana] # both");
    home.replace(
        ANA,
        "groups:",
        "keys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDTMi3+vR7JrVEOqx/XlJk8lshNmLhAwkfOHMSKSCAb7]\ngroups:",
    );
    home.replace("harbor/cluster.yaml", "trust:", "secrets: {greeting: [me, guests, ana]} # few\ntrust:");
    home.replace("harbor/peers/x1.yaml", "owner: me", "owner: ana");
    let said = remove(&home, "ana");
    assert!(said.contains("deletes peers/x1.yaml") && !said.contains("exit"), "{said}");
    let cluster = fs::read_to_string(home.path("harbor/cluster.yaml")).unwrap();
    assert!(cluster.contains("secrets: {greeting: [me]} # few\n"), "{cluster}");
    assert!(cluster.contains("signers: [me] # both\n"), "{cluster}");
    assert!(!home.path("harbor/peers/x1.yaml").exists());
    let greeting = fs::read(home.path("harbor/secrets/greeting.age")).unwrap();
    let opens = |file: &str| Identities::read(file.as_ref()).unwrap().open("greeting", &greeting).is_ok();
    assert!(opens(&format!("{KEYS}/me.txt")) && !opens(home.path("ana").to_str().unwrap()));
    assert!(!home.knarr("harbor", &["render"]).contains("error"));
    assert!(remove(&home, "ana").contains("`ana` left already"));
}

#[test]
fn a_secret_stays_open_until_it_has_a_new_value() {
    let home = with_ana(Home::with_example());
    remove(&home, "ana");
    assert_eq!(unchanged(&home), ["greeting"]);
    let found = || home.knarr("harbor", &["check"]);
    assert!(found().contains("warning[KN0331]") && found().contains("help: knarr secret set greeting;"));
    home.knarr("harbor", &["secret", "rekey"]);
    assert_eq!(unchanged(&home), ["greeting"]);
    let said = set(&home, "new");
    assert!(said.contains("all that ana could read has changed: deleted people/ana.yaml"), "{said}");
    assert!(!home.path(ANA).exists() && !found().contains("KN0331"));
}

#[test]
fn an_edited_value_is_a_new_one_and_others_stay_open() {
    let home = Home::with_example();
    let mut token = home.command("harbor", env!("CARGO_BIN_EXE_knarr"));
    token.args(["secret", "set", "token"]).write_stdin("x").assert().success();
    let home = with_ana(home);
    remove(&home, "ana");
    let mut edit = home.command("harbor", env!("CARGO_BIN_EXE_knarr"));
    edit.args(["secret", "edit", "token"]).env("EDITOR", "sh -c 'echo y > $0'").assert().success();
    assert_eq!(unchanged(&home), ["greeting"]);
}

#[test]
fn sealed_values_are_open_while_the_key_that_seals_them_is() {
    let home = with_ana(Home::with(BASE));
    let said = remove(&home, "ana");
    assert!(said.ends_with("in the order above: knarr sealing-key rotate\n"), "{said}");
    let open = unchanged(&home);
    assert_eq!(open[..3], ["sealing-keys", "greeting", "mail/smtp#password"]);
    assert!(open[3..].iter().all(|name| name.starts_with("k3s-")) && open.len() == 11, "{open:?}");
    let seal = || home.knarr("harbor", &["seal", "set", "mail/smtp", "--from-literal", "password=new"]);
    let said = seal();
    assert!(said.contains("ana has the key that sealed this: knarr sealing-key rotate"), "{said}");
    assert_eq!(unchanged(&home), open);
    home.knarr("harbor", &["sealing-key", "rotate"]);
    assert_eq!(unchanged(&home), open[1..]);
    home.knarr("harbor", &["reseal", "--all"]);
    assert_eq!(unchanged(&home), open[1..]);
    seal();
    assert!(!unchanged(&home).contains(&"mail/smtp#password".to_owned()));
}

#[test]
fn each_way_to_seal_a_value_takes_it_away() {
    let home = Home::with(BASE);
    let all = ["mail/smtp#password", "mail/smtp#user", "mail/smtp#old", "mail/other#key"];
    let forget = || {
        let text =
            format!("email: ana@example.org\nremoved: true\nunchanged: [\"{}\"]\n", all.join("\", \""));
        home.write(ANA, &text);
    };
    let set = ["seal", "set", "mail/smtp", "--from-literal", "user=a", "--from-literal", "old=b"];
    home.write("harbor/s.json", r#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"smtp","namespace":"mail"},"stringData":{"user":"c"}}"#);
    let mut wrong = Vec::new();
    for (args, open) in [
        (&set[..], &[all[0], all[3]][..]),
        (&["seal", "remove", "mail/smtp", "old"], &[all[0], all[1], all[3]]),
        (
            &["seal", "-f", "s.json", "--merge-into", "sealed/mail/smtp.sealed.yaml"],
            &[all[0], all[2], all[3]],
        ),
        (&["seal", "-f", "s.json", "-o", "../elsewhere.yaml"], &all),
        (&["seal", "-f", "s.json", "--force", "-o", "sealed/mail/smtp.sealed.yaml"], &all[3..]),
        (&["seal", "-f", "s.json"], &all[3..]),
        (&["seal", "smtp", "-n", "mail", "--from-literal", "user=d"], &all[3..]),
    ] {
        forget();
        let said = home.knarr("harbor", args);
        if said.contains("exit") || unchanged(&home) != open {
            wrong.push(format!("{args:?}: {said}{:?}", unchanged(&home)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_sealed_value_that_was_edited_is_a_new_one() {
    let home = Home::with(BASE);
    home.write(
        ANA,
        "email: ana@example.org\nremoved: true\nunchanged: [\"mail/smtp#password\", \"mail/smtp#user\"]\n",
    );
    let mut edit = home.command("harbor", env!("CARGO_BIN_EXE_knarr"));
    edit.args(["seal", "edit", "mail/smtp"]).env("EDITOR", "sh -c 'echo y > $0'").assert().success();
    assert_eq!(unchanged(&home), ["mail/smtp#user"]);
}

#[test]
fn what_a_login_could_read_on_a_machine_is_open_too() {
    let home = Home::with_example();
    home.replace("harbor/people/ada.yaml", "[worker, attic]", "[worker, edge]");
    let mut removal = home.command("harbor", env!("CARGO_BIN_EXE_knarr"));
    let output = removal.args(["people", "remove", "ada", "-y", "--output", "json"]);
    let output = output.env("KNARR_IDENTITY", "/nowhere").output().unwrap();
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said["unchanged"][0]["secret"], "greeting");
    assert_eq!(said["unchanged"][0]["change_by"], "knarr secret set greeting");
    assert_eq!(said["written"], serde_json::json!(["people/ada.yaml"]));
}

#[test]
fn who_could_read_nothing_leaves_nothing_behind() {
    let home = Home::with_example();
    let said = remove(&home, "ada");
    assert!(said.contains("deletes people/ada.yaml") && !said.contains("writes"), "{said}");
    assert!(!home.path("harbor/people/ada.yaml").exists());
}

#[test]
fn nothing_is_written_when_somebody_is_needed_or_nobody_answers() {
    let home = with_ana(Home::with_example());
    let before = files(&home.path("harbor"));
    let refused = |args: &[&str], why: &str| {
        let said = home.knarr("harbor", args);
        assert!(said.contains(why) && said.ends_with("exit 1\n"), "{said}");
    };
    refused(&["people", "remove", "me", "-y"], "error: me is the only one who signs");
    refused(&["people", "remove", "anna", "-y"], "help: did you mean `ana`?");
    refused(&["people", "remove", "ana"], "error: nobody can answer: Remove ana?");
    assert!(files(&home.path("harbor")) == before);
    home.replace("harbor/cluster.yaml", "trust:", "secrets: {greeting: [guests]}\ntrust:");
    let before = files(&home.path("harbor"));
    refused(&["people", "remove", "ana", "-y"], "error: without ana, nobody could open the secret greeting");
    assert!(files(&home.path("harbor")) == before);
}

#[test]
fn the_list_says_who_is_here_and_who_left() {
    let home = with_ana(Home::with_example());
    let list = || home.knarr("harbor", &["people", "list"]);
    assert!(list().contains(" me      yes    yes            all           never\n"), "{}", list());
    assert!(list().contains(" ada     -      -              worker attic  never\n"), "{}", list());
    remove(&home, "ana");
    assert!(
        list().contains(" ana     -      -              -             -      yes, 1 not changed\n"),
        "{}",
        list()
    );
}
