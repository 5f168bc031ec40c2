//! `knarr secret`: who opens what, and values in an editor.

use crate::home::{Home, KEYS, files};
use ::knarr::secrets::Identities;
use serde_json::Value;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::Duration;

const GREETING: &str = "harbor/secrets/greeting.age";

fn identities(who: &str) -> Identities {
    Identities::read(Path::new(&format!("{KEYS}/{who}.txt"))).unwrap()
}

fn recipient(who: &str) -> String {
    identities(who).recipients().into_iter().next().unwrap()
}

fn value(home: &Home) -> String {
    let plain = identities("me").open(GREETING, &fs::read(home.path(GREETING)).unwrap()).unwrap();
    String::from_utf8(plain.to_vec()).unwrap()
}

fn set(home: &Home, value: &str) {
    let mut set = home.command("harbor", env!("CARGO_BIN_EXE_knarr"));
    set.args(["secret", "set", "--force", "greeting"]).write_stdin(value).assert().success();
}

/// Edits the greeting and returns what a terminal would show.
fn edit(home: &Home, editor: &str) -> String {
    let mut edit = home.command("harbor", env!("CARGO_BIN_EXE_knarr"));
    let output = edit.args(["secret", "edit", "greeting"]).env("EDITOR", editor).output().unwrap();
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

fn who(home: &Home) -> Vec<(Value, Value, Value)> {
    let said = home.knarr("harbor", &["secret", "who", "greeting", "--output", "json"]);
    let rows: Value = serde_json::from_str(&said).unwrap();
    let all = rows[0]["identities"].as_array().unwrap().iter();
    all.map(|it| (it["person"].clone(), it["recipient"].clone(), it["opens"].clone())).collect()
}

#[test]
fn who_says_whose_identities_open_a_secret_and_which_machines_get_it() {
    let home = Home::with_example();
    set(&home, "hunter2");
    let said = home.knarr("harbor", &["secret", "who"]);
    let first = format!(" greeting  me          {}  yes       edge\n", recipient("me"));
    assert!(said.contains(&first) && said.contains("\n           me (spare)  age1"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
    let said = home.knarr("harbor", &["secret", "who", "greting"]);
    assert!(said.contains("help: did you mean `greeting`?") && said.ends_with("exit 1\n"), "{said}");
}

#[test]
fn who_names_an_identity_that_is_nobodys_any_more_and_one_that_is_to_come() {
    let home = Home::with_example();
    let (edge, worker) = (recipient("edge"), ::knarr::secrets::new_identity().1);
    home.replace("harbor/people/me.yaml", "decrypt:", &format!("decrypt:\n  - {edge}"));
    set(&home, "hunter2");
    home.replace("harbor/people/me.yaml", &edge, &worker);
    let all = who(&home);
    assert!(all.contains(&(Value::Null, edge.into(), true.into())), "{all:?}");
    assert!(all.contains(&("me".into(), worker.into(), false.into())), "{all:?}");
    let said = home.knarr("harbor", &["secret", "who"]);
    assert!(
        said.contains("nobody any more") && said.contains("not yet: knarr secret rekey greeting"),
        "{said}"
    );
    let said = home.knarr("harbor", &["check"]);
    assert!(
        said.contains(
            "these secrets open for 3, 1 of them others, and people/ and cluster.yaml name 3: greeting"
        ),
        "{said}"
    );
    home.knarr("harbor", &["secret", "rekey"]);
    assert!(!home.knarr("harbor", &["check"]).contains("KN0312"));
}

#[test]
fn of_a_file_that_does_not_say_whom_it_opens_for_the_number_is_told() {
    let home = Home::with_example();
    let to = [recipient("me").parse::<age::x25519::Recipient>().unwrap()];
    let encryptor = age::Encryptor::with_recipients(to.iter().map(|to| to as &dyn age::Recipient)).unwrap();
    let mut sealed = Vec::new();
    encryptor.wrap_output(&mut sealed).unwrap().finish().unwrap();
    fs::write(home.path(GREETING), sealed).unwrap();
    assert!(home.knarr("harbor", &["secret", "who"]).contains("  one of 1, not said  edge\n"));
}

/// Adds Ana, whose identity lies in `ana`, and keeps the greeting for the group that only `me` is in.
fn with_ana() -> Home {
    let home = Home::with_example();
    let (secret, recipient) = ::knarr::secrets::new_identity();
    home.write("ana", &secret);
    home.write(
        "harbor/people/ana.yaml",
        &format!("email: ana@example.org\nkeys: []\ndecrypt: [{recipient}]\n"),
    );
    home.replace("harbor/people/me.yaml", "decrypt:", "groups: [ops]\ndecrypt:");
    home.replace("harbor/cluster.yaml", "trust:", "secrets: {greeting: [ops]}\ntrust:");
    home
}

/// Runs knarr as Ana.
fn ana(home: &Home, args: &[&str]) -> String {
    let mut ana = home.command("harbor", env!("CARGO_BIN_EXE_knarr"));
    let output = ana.args(args).env("KNARR_IDENTITY", home.path("ana")).output().unwrap();
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

#[test]
fn a_secret_that_is_for_a_group_opens_for_nobody_else() {
    let home = with_ana();
    set(&home, "hunter2");
    assert!(who(&home).iter().all(|(person, ..)| person == "me"));
    let mut other = home.command("harbor", env!("CARGO_BIN_EXE_knarr"));
    other.args(["secret", "set", "token"]).write_stdin("x").assert().success();
    let said = home.knarr("harbor", &["secret", "rekey"]);
    assert!(said.ends_with(" ✓ 2 secrets, which 3 identities can open; next: knarr render\n"), "{said}");
    let anas = Identities::read(&home.path("ana")).unwrap();
    let opens =
        |name: &str| anas.open(name, &fs::read(home.path(&format!("harbor/secrets/{name}.age"))).unwrap());
    assert!(opens("token").is_ok() && opens("greeting").is_err());
    assert!(!home.knarr("harbor", &["check"]).contains("KN0312"));
}

#[test]
fn a_file_that_opens_for_other_people_than_it_is_for_is_found_though_their_number_is_right() {
    let home = with_ana();
    set(&home, "hunter2");
    home.replace("harbor/cluster.yaml", "secrets: {greeting: [ops]}", "secrets: {greeting: [ana]}");
    let said = home.knarr("harbor", &["check"]);
    let found = "these secrets open for 2, 2 of them others, and people/ and cluster.yaml name 1: greeting";
    assert!(said.contains(&format!("warning[KN0312]: {found}")), "{said}");
}

#[test]
fn whoever_cannot_open_a_secret_is_told_whom_to_ask() {
    let home = with_ana();
    set(&home, "hunter2");
    let before = files(&home.path("harbor"));
    for args in [&["render"][..], &["secret", "edit", "greeting"], &["secret", "rekey"]] {
        let said = ana(&home, args);
        let expected = "error: your age identity does not open `secrets/greeting.age`\nhelp: ask me to type the same, or";
        assert!(said.contains(expected), "{said}");
    }
    assert_eq!(files(&home.path("harbor")), before);
}

#[test]
fn an_edited_value_is_written_exactly_and_opens_for_the_same_people() {
    let home = Home::with_example();
    set(&home, "one");
    let said = edit(&home, "sed -i 's/one/two/'");
    assert_eq!(said, " ✓ wrote secrets/greeting.age, which 2 identities can open; next: knarr render\n");
    assert_eq!(value(&home), "two");
    assert!(who(&home).iter().all(|(.., opens)| *opens == true));
}

#[test]
fn nothing_is_written_when_nothing_changed_or_the_editor_fails() {
    let home = Home::with_example();
    set(&home, "one");
    let before = fs::read(home.path(GREETING)).unwrap();
    assert_eq!(edit(&home, "true"), "nothing changed, nothing was written\n");
    let fails = "sh -c 'sed -i s/one/two/ \"$1\"; exit 5' sh";
    let said = edit(&home, fails);
    assert!(said.contains(&format!("error: the editor `{fails}` failed: exit status: 5\n")), "{said}");
    assert!(edit(&home, "truncate -s 0").starts_with("error: the value is empty\n"));
    assert_eq!(fs::read(home.path(GREETING)).unwrap(), before);
    let said = home.knarr("harbor", &["secret", "edit", "greting"]);
    assert!(said.contains("did you mean `greeting`?"), "{said}");
}

#[test]
fn a_value_that_was_changed_meanwhile_is_not_overwritten() {
    let home = Home::with_example();
    set(&home, "one");
    let said = edit(&home, "cp host/motd secrets/greeting.age; echo >>");
    assert_eq!(said, "nothing changed, nothing was written\n");
    home.git("harbor", &["checkout", "-q", "secrets"]);
    let said = edit(&home, "cp host/motd secrets/greeting.age; echo two >>");
    assert!(said.contains("`secrets/greeting.age` was changed meanwhile; yours was not written"), "{said}");
    assert_eq!(fs::read(home.path(GREETING)).unwrap(), fs::read(home.path("harbor/host/motd")).unwrap());
}

/// vim, told by its settings to keep swap file, undo, backup and registers in the home folder.
#[test]
fn vim_keeps_nothing_of_a_value_whatever_its_settings_say() {
    let home = Home::with_example();
    set(&home, "hunter2\n");
    let keep = home.path("keep").display().to_string();
    fs::create_dir(home.path("keep")).unwrap();
    home.write(
        ".vimrc",
        &format!("set nocp undofile backup undodir={keep} backupdir={keep} dir={keep} viminfo='9,<99,n{keep}/info updatecount=1\n"),
    );
    let said = edit(&home, "vim -u ~/.vimrc -es -c 'normal yyp' -c 'normal ohunter3' -c 'wq' </dev/null");
    assert!(said.contains("wrote secrets/greeting.age"), "{said}");
    assert_eq!(value(&home), "hunter2\nhunter2\nhunter3\n");
    assert_eq!(files(&home.path("keep")), []);
    let clear = |(_, bytes): &(_, Vec<u8>)| bytes.windows(6).any(|window| window == b"hunter");
    assert!(!files(&home.path(".")).iter().any(clear));
}

/// Waits for something that takes a moment.
fn until(is_so: impl Fn() -> bool) {
    let is_so = (0..6000).any(|_| {
        is_so() || {
            sleep(Duration::from_millis(10));
            false
        }
    });
    assert!(is_so, "it did not come in a minute");
}

/// Starts an edit whose editor waits until its file is gone; returns it with the folder of the value. Shells have programs in
/// the background ignore Ctrl-C, these tests among them: not so this one.
fn waiting(home: &Home) -> (Child, std::path::PathBuf) {
    let told = home.path("told");
    home.write("wait", "pwd >told.new; printf %s \"$1\" >told.new; mv told.new ~/told; while [ -e \"$1\" ]; do sleep 0.05; done\n");
    let mut edit = Command::new("env");
    edit.args(["--default-signal=INT", env!("CARGO_BIN_EXE_knarr"), "secret", "edit", "greeting"]);
    edit.current_dir(home.path("harbor")).process_group(0);
    edit.env("HOME", home.path(".")).env("KNARR_IDENTITY", format!("{KEYS}/me.txt"));
    let child = edit.env("EDITOR", "sh ~/wait").spawn().unwrap();
    until(|| told.exists());
    let file = fs::read_to_string(&told).unwrap();
    (child, Path::new(&file).parent().unwrap().to_owned())
}

#[test]
fn the_value_is_gone_from_memory_however_the_edit_ends() {
    // Ctrl-C reaches all processes of the terminal's foreground; the other kills knarr alone, and nobody can catch it.
    for (signal, all) in [("-INT", "-"), ("-KILL", "")] {
        let home = Home::with_example();
        set(&home, "hunter2");
        let (mut child, folder) = waiting(&home);
        assert_eq!(fs::read_to_string(folder.join("greeting")).unwrap(), "hunter2");
        let kill = Command::new("kill").args([signal, "--", &format!("{all}{}", child.id())]).status();
        assert!(kill.unwrap().success() && !child.wait().unwrap().success());
        until(|| !folder.exists());
        assert_eq!(value(&home), "hunter2");
    }
}
