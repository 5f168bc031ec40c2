//! render, check, plan, secret and setup on the example.

use crate::home::{Home, KEYS, files};
use expect_test::{Expect, expect};
use std::fs;
use std::path::Path;

fn same(seen: &str, expected: &Expect) {
    expected.assert_eq(seen);
}

#[test]
fn the_example_is_rendered_as_it_stands_there() {
    let home = Home::with_example();
    let before = files(&home.path("harbor/rendered"));
    assert_eq!(home.knarr("harbor", &["render", "--check"]), "rendered/ is up to date\n");
    fs::remove_dir_all(home.path("harbor/rendered")).unwrap();
    home.knarr("harbor", &["render"]);
    let after = files(&home.path("harbor/rendered"));
    // An encrypted file is never the same twice, and its line in the list with it.
    let changing = |path: &Path| path.ends_with("nodes/edge.age") || path.ends_with("owned.yaml");
    for (old, new) in before.iter().zip(&after) {
        assert!(old == new || (old.0 == new.0 && changing(&old.0)), "{}", old.0.display());
    }
    assert_eq!(before.len(), after.len());
}

#[test]
fn rendering_twice_writes_nothing_and_needs_no_identity() {
    let home = Home::with_example();
    let before = files(&home.path("harbor/rendered"));
    let mut render = home.command("harbor/nodes", env!("CARGO_BIN_EXE_knarr"));
    render
        .env("KNARR_IDENTITY", "/nowhere")
        .arg("render")
        .assert()
        .success()
        .stdout("rendered/ is up to date\n");
    assert_eq!(files(&home.path("harbor/rendered")), before);
}

#[test]
fn a_node_opens_its_own_secrets_and_nothing_else_needs_the_key() {
    let home = Home::with_example();
    let sealed = fs::read(home.path("harbor/rendered/nodes/edge.age")).unwrap();
    let [edge, me] = ["edge", "me"]
        .map(|name| knarr::secrets::Identities::read(Path::new(&format!("{KEYS}/{name}.txt"))).unwrap());
    let plain = edge.open("edge.age", &sealed).unwrap();
    let values: std::collections::BTreeMap<String, String> = serde_json::from_slice(&plain).unwrap();
    assert_eq!(values.keys().collect::<Vec<_>>(), ["greeting"]);
    assert!(me.open("edge.age", &sealed).is_err());
}

#[test]
fn a_plan_says_what_each_machine_would_do() {
    let home = Home::with_example();
    same(&home.knarr("harbor", &["plan"]), &expect!["nothing changes on any machine\n"]);
    home.write("harbor/host/motd", "Ahoy.\n");
    home.replace("harbor/nodes/edge.yaml", "mode: \"0640\"", "mode: \"0600\"");
    home.replace("harbor/nodes/attic.yaml", "nat: true", "nat: true\nremoved: true");
    home.replace("harbor/people/ada.yaml", "[worker, attic]", "[worker]");
    same(
        &home.knarr("harbor", &["plan"]),
        &expect![[r#"
             NODE    CHANGE                                                       IMPACT
             attic   leaves the cluster, keeps its data
             edge    change firewall: who is in the mesh, and what devices reach  live, guarded
                     change names in /etc/hosts                                   live
                     change path /etc/hello.conf                                  live
                     restart unit hello.service                                   service restart
                     remove mesh peer attic                                       live, guarded
             worker  change firewall: who is in the mesh, and what devices reach  live, guarded
                     change names in /etc/hosts                                   live
                     change path /etc/motd                                        live
                     remove mesh peer attic                                       live, guarded
            exit 2
        "#]],
    );
    home.knarr("harbor", &["render"]);
    home.git("harbor", &["commit", "--quiet", "--all", "-m", "ahoy"]);
    same(&home.knarr("harbor", &["plan", "HEAD..HEAD"]), &expect!["nothing changes on any machine\n"]);
    let json: serde_json::Value = serde_json::from_str(
        home.knarr("harbor", &["plan", "HEAD~1..HEAD", "--output", "json"]).trim_end_matches("exit 2\n"),
    )
    .unwrap();
    let changes = json["nodes"][1]["changes"].as_array().unwrap();
    assert!(changes.iter().any(|change| change["impact"] == "service-restart"), "{changes:?}");
}

/// Sets a secret from standard input, and says whether it was done.
fn set(home: &Home, args: &[&str]) -> bool {
    let mut set = home.command("harbor", env!("CARGO_BIN_EXE_knarr"));
    set.args(["secret", "set"]).args(args).write_stdin("GREETING=hunter2\n");
    set.output().unwrap().status.success()
}

#[test]
fn a_plan_says_what_opens_and_which_devices_are_cut() {
    let home = Home::with_example();
    home.replace("harbor/nodes/edge.yaml", "[80, 443]", "[80, udp/53]");
    home.replace("harbor/nodes/edge.yaml", "address: 203.0.113.7", "address: 203.0.113.8");
    let said = home.knarr("harbor", &["plan"]);
    same(
        &said[said.find(" NODE").unwrap()..],
        &expect![[r#"
         NODE    CHANGE                                         IMPACT
         attic   change mesh peer edge                          live, guarded
         edge    change firewall: opens udp/53; closes tcp/443  live, guarded
         worker  change mesh peer edge                          live, guarded
        note: devices find `edge` no more until they get their configuration anew (knarr peer show NAME): x1
        warning[KN0523]: devices dial this machine by what their configuration says, and that is not true any more: x1
        --> nodes/edge.yaml
         |
        help: give each its configuration anew when this is shipped: knarr peer show NAME

        1 warning

        exit 2
    "#]],
    );
    let json = home.knarr("harbor", &["plan", "--output", "json"]);
    let json: serde_json::Value = serde_json::from_str(json.trim_end_matches("exit 2\n")).unwrap();
    assert_eq!(json["nodes"][1]["changes"][0]["what"], "table knarr");
    assert_eq!(json["nodes"][1]["lines"][0]["guarded"], true);
}

#[test]
fn a_new_value_of_a_secret_restarts_what_reads_it() {
    let home = Home::with_example();
    let before = fs::read(home.path("harbor/secrets/greeting.age")).unwrap();
    assert!(!set(&home, &["greeting"]), "it has a value, and nobody can be asked");
    assert_eq!(fs::read(home.path("harbor/secrets/greeting.age")).unwrap(), before);
    assert!(set(&home, &["--force", "greeting"]));
    same(
        &home.knarr("harbor", &["plan"]),
        &expect![[r#"
             NODE  CHANGE                       IMPACT
             edge  change path /etc/hello.conf  live
                   restart unit hello.service   service restart
                   secrets: ~ greeting
            exit 2
        "#]],
    );
    home.knarr("harbor", &["render"]);
    assert_eq!(home.knarr("harbor", &["check"]), " ✓ harbor with 3 machines: no errors\n");
    let clear = files(&home.path("harbor"))
        .into_iter()
        .any(|(_, bytes)| bytes.windows(7).any(|window| window == b"hunter2"));
    assert!(!clear);
    assert_eq!(home.knarr("harbor", &["secret", "list"]), " SECRET    USED BY\n greeting  edge\n");
}

#[test]
fn secrets_are_encrypted_anew_to_whom_people_names_now_and_keep_their_values() {
    let home = Home::with_example();
    let path = home.path("harbor/secrets/greeting.age");
    let opens = |who: &str| {
        let identities = knarr::secrets::Identities::read(Path::new(&format!("{KEYS}/{who}.txt"))).unwrap();
        identities.open("greeting.age", &fs::read(&path).unwrap()).map(|value| value.to_vec()).ok()
    };
    let value = opens("me").unwrap();
    assert_eq!(opens("edge"), None);
    let edge = knarr::secrets::Identities::read(Path::new(&format!("{KEYS}/edge.txt"))).unwrap();
    let newcomer = edge.recipients().into_iter().next().unwrap();
    home.replace("harbor/people/me.yaml", "decrypt:", &format!("decrypt:\n  - {newcomer}"));
    assert!(home.knarr("harbor", &["check"]).contains("KN0312"));
    let said = home.knarr("harbor", &["secret", "rekey"]);
    same(
        &said,
        &expect![[r#"
        wrote secrets/greeting.age
         ✓ 1 secret, which 3 identities can open; next: knarr render
    "#]],
    );
    assert_eq!(opens("edge"), Some(value.clone()));
    assert_eq!(opens("me"), Some(value));
    home.knarr("harbor", &["render"]);
    assert_eq!(home.knarr("harbor", &["check"]), " ✓ harbor with 3 machines: no errors\n");
}

#[test]
fn a_secret_that_the_identity_does_not_open_stops_a_rekey_before_anything_is_written() {
    let home = Home::with_example();
    let folder = home.path("harbor/secrets");
    let strange = knarr::secrets::seal(&[knarr::secrets::new_identity().1].into(), b"x").unwrap();
    fs::write(folder.join("zebra.age"), strange).unwrap();
    let before = files(&folder);
    let said = home.knarr("harbor", &["secret", "rekey"]);
    assert!(said.contains("your age identity does not open `secrets/zebra.age`"), "{said}");
    assert_eq!(files(&folder), before);
    let said = home.knarr("harbor", &["secret", "rekey", "greting"]);
    assert!(
        said.contains("there is no secrets/greting.age") && said.contains("did you mean `greeting`?"),
        "{said}"
    );
}

#[test]
fn keys_of_a_person_with_a_last_day_are_refused_by_sshd_from_the_day_after() {
    let home = Home::with_example();
    home.replace("harbor/people/me.yaml", "access:", "until: 2099-12-31\naccess:");
    home.knarr("harbor", &["render"]);
    let state = fs::read_to_string(home.path("harbor/rendered/nodes/edge.yaml")).unwrap();
    assert!(state.contains(r#"expiry-time="21000101" ssh-ed25519 "#), "{state}");
}

#[test]
fn a_machine_whose_keys_are_gone_does_not_leave_without_a_word() {
    let home = Home::with_example();
    home.replace("harbor/people/ada.yaml", "[worker, attic]", "[attic]"); // nothing else names it
    home.replace("harbor/peers/x1.yaml", ", worker:5432", "");
    home.knarr("harbor", &["render"]);
    let file = home.path("harbor/nodes/worker.yaml");
    let text = fs::read_to_string(&file).unwrap();
    let before = files(&home.path("harbor/rendered"));
    for less in [&text[..text.find("keys:").unwrap()], ""] {
        fs::write(&file, less).unwrap();
        let said = home.knarr("harbor", &["render"]);
        assert!(
            said.contains("error[KN0535]: `worker` was enrolled") && said.ends_with("exit 1\n"),
            "{said}"
        );
        assert_eq!(files(&home.path("harbor/rendered")), before);
    }
}

#[test]
fn bad_input_is_told_all_at_once_and_nothing_is_written() {
    let home = Home::with_example();
    home.replace("harbor/cluster.yaml", "signers: [me]", "signers: [mee]");
    home.replace("harbor/nodes/edge.yaml", "secret: greeting", "secret: greting");
    home.write("harbor/host/motd", "Ahoy.\n");
    let before = files(&home.path("harbor/rendered"));
    same(
        &home.knarr("harbor", &["render"]),
        &expect![[r#"
            error[KN0207]: there is no people/mee.yaml
             --> cluster.yaml:9:13
              |
            9 |   signers: [mee]
              |             ^^^
              |
            help: did you mean `me`?

            error[KN0308]: there is no secrets/greting.age
              --> nodes/edge.yaml:15:31
               |
            15 |     /etc/hello.conf: {secret: greting, mode: "0640"}
               |                               ^^^^^^^
               |
            help: did you mean `greeting`?

            2 errors

            exit 1
        "#]],
    );
    let json = home.knarr("harbor", &["check", "--output", "json"]);
    let json: serde_json::Value = serde_json::from_str(json.trim_end_matches("exit 1\n")).unwrap();
    assert_eq!((&json["findings"][0]["code"], &json["findings"][0]["line"]), (&"KN0207".into(), &9.into()));
    assert_eq!(files(&home.path("harbor/rendered")), before);
    same(
        &home.knarr(".", &["render"]),
        &expect![[r#"
            error: there is no cluster.yaml in `~` or above it
            help: cd into a cluster repository, or make one with `knarr new NAME`
            exit 1
        "#]],
    );
}

#[test]
fn an_edited_output_is_never_overwritten() {
    let home = Home::with_example();
    home.replace("harbor/rendered/nodes/edge.yaml", "node: edge", "node: edge # mine");
    home.write("harbor/rendered/notes.txt", "mine\n");
    home.write("harbor/host/motd", "Ahoy.\n");
    same(
        &home.knarr("harbor", &["render"]),
        &expect![[r#"
            error[KN0401]: somebody edited this file, which `knarr render` writes:
                           -node: edge
                           +node: edge # mine
            --> rendered/nodes/edge.yaml
             |
            help: to keep the edit, say it in nodes/edge.yaml, or in cluster.yaml for all machines; then, or to drop it: knarr render --discard rendered/nodes/edge.yaml

            error[KN0402]: no render wrote this file
            --> rendered/notes.txt
             |
            help: move it out of rendered/, or delete it: knarr render --discard rendered/notes.txt

            2 errors

            exit 1
        "#]],
    );
    fs::remove_file(home.path("harbor/rendered/nodes/edge.yaml")).unwrap();
    fs::remove_file(home.path("harbor/rendered/notes.txt")).unwrap();
    assert!(home.knarr("harbor", &["render"]).contains("wrote rendered/nodes/edge.yaml"));
    same(&home.knarr("harbor", &["render", "--check"]), &expect!["rendered/ is up to date\n"]);
}

#[test]
fn a_new_device_is_one_line_of_one_file_and_no_state() {
    let home = Home::with_example();
    let x1 = fs::read_to_string(home.path("harbor/peers/x1.yaml")).unwrap();
    let line = |key: &str| x1.lines().find(|line| line.starts_with(key)).unwrap().to_owned();
    let x2 = x1
        .replace(&line("key:"), "key: AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=")
        .replace(&line("mesh:"), "mesh: 10.210.217.4");
    home.write("harbor/peers/x2.yaml", &x2);
    home.knarr("harbor", &["render"]);
    same(
        &home.git("harbor", &["diff", "--numstat"]),
        &expect![[r#"
            1	0	rendered/mesh.yaml
            1	1	rendered/owned.yaml
        "#]],
    );
}

/// Two people work at once: whatever a merge makes of rendered/, one render heals it.
fn merged(with_driver: bool) {
    let home = Home::with_example();
    home.git("harbor", &["checkout", "--quiet", "-b", "other"]);
    home.write("harbor/host/motd", "Ahoy from other.\n");
    home.knarr("harbor", &["render"]);
    home.git("harbor", &["commit", "--quiet", "--all", "-m", "other"]);
    home.git("harbor", &["checkout", "--quiet", "main"]);
    home.replace("harbor/cluster.yaml", "vm.swappiness: \"10\"", "vm.swappiness: \"20\"");
    home.knarr("harbor", &["render"]);
    home.git("harbor", &["commit", "--quiet", "--all", "-m", "main"]);
    if !with_driver {
        home.git("harbor", &["config", "--remove-section", "merge.knarr"]);
    }
    let _ = home.command("harbor", "git").args(["merge", "--quiet", "-m", "both", "other"]).output().unwrap();
    let rendered = home.knarr("harbor", &["render"]);
    assert!(rendered.contains("wrote rendered/owned.yaml") && !rendered.contains("exit"), "{rendered}");
    assert!(home.knarr("harbor", &["render", "--check"]).contains("up to date"));
    let state = fs::read_to_string(home.path("harbor/rendered/nodes/attic.yaml")).unwrap();
    assert!(state.contains("Ahoy from other.") && state.contains("vm.swappiness = 20"), "{state}");
}

#[test]
fn a_merge_with_the_driver_is_rendered_anew() {
    merged(true);
}

#[test]
fn a_conflicted_merge_without_the_driver_is_rendered_anew() {
    merged(false);
}

#[test]
fn a_removed_machine_becomes_a_tombstone() {
    let home = Home::with_example();
    home.replace("harbor/nodes/edge.yaml", "keys:", "removed: true\nkeys:");
    home.replace("harbor/nodes/worker.yaml", "[agent]", "[server]");
    home.replace("harbor/nodes/attic.yaml", "relay: edge", "relay: worker");
    home.replace("harbor/peers/x1.yaml", "via: edge", "via: worker");
    let said = home.knarr("harbor", &["render"]);
    assert!(said.contains("warning[KN0523]") && said.contains("any more: x1"), "{said}");
    assert!(
        !home.path("harbor/rendered/nodes/edge.yaml").exists()
            && !home.path("harbor/rendered/nodes/edge.age").exists()
    );
    let cluster = fs::read_to_string(home.path("harbor/rendered/cluster.yaml")).unwrap();
    assert!(cluster.contains("- tombstone: {node: edge, keys: {age: age1"), "{cluster}");
}

#[test]
fn a_clone_without_setup_is_told() {
    let home = Home::with_example();
    home.git(".", &["clone", "--quiet", "harbor", "clone"]);
    assert!(home.knarr("clone", &["check"]).contains("note: this clone is not set up: type `knarr setup`"));
    assert!(home.knarr("clone", &["setup"]).contains("commits are signed with SHA256:"));
    assert_eq!(home.knarr("clone", &["check"]), " ✓ harbor with 3 machines: no errors\n");
}

#[test]
fn a_link_that_leads_out_of_rendered_is_refused() {
    let home = Home::with_example();
    fs::remove_dir_all(home.path("harbor/rendered/nodes")).unwrap();
    fs::create_dir_all(home.path("outside")).unwrap();
    std::os::unix::fs::symlink(home.path("outside"), home.path("harbor/rendered/nodes")).unwrap();
    assert!(home.knarr("harbor", &["render"]).contains("error[KN0107]"));
    assert_eq!(fs::read_dir(home.path("outside")).unwrap().count(), 0);
}

#[test]
fn a_mistyped_command_is_no_change() {
    let home = Home::with_example();
    assert!(home.knarr("harbor", &["plann"]).ends_with("exit 1\n"));
    assert!(!home.knarr("harbor", &["plan", "--help"]).contains("exit"));
    let unknown = home.knarr("harbor", &["plan", "nowhere..HEAD"]);
    assert!(unknown.contains("there is no commit `nowhere`") && !unknown.contains("exit 2"), "{unknown}");
}

#[test]
fn a_missing_identity_is_told_before_anything_is_written() {
    let home = Home::with_example();
    fs::remove_file(home.path("harbor/rendered/nodes/edge.age")).unwrap();
    home.write("harbor/host/motd", "Ahoy.\n");
    let before = files(&home.path("harbor/rendered"));
    let mut render = home.command("harbor", env!("CARGO_BIN_EXE_knarr"));
    let ended = render.env("KNARR_IDENTITY", "/nowhere").arg("render").output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(said.contains("cannot read your age identity `/nowhere`") && said.contains("help: "), "{said}");
    assert_eq!(files(&home.path("harbor/rendered")), before);
}
