//! `knarr kubeseal-link`, and the program by that name.

use crate::home::{Home, KEYS};
use std::fs;
use std::os::unix::fs::symlink;

const SECRET: &str =
    r#"{"kind":"Secret","metadata":{"name":"db","namespace":"shop"},"stringData":{"a":"hunter2"}}"#;

#[test]
fn by_the_name_of_kubeseal_the_program_takes_its_command_line() {
    let home = Home::empty();
    fs::create_dir(home.path("bin")).unwrap();
    let said = home.knarr(".", &["kubeseal-link", "bin"]);
    assert!(said.starts_with(" ✓ ~/bin/kubeseal leads to /"), "{said}");
    assert!(said.ends_with("To use it: export PATH=~/bin:$PATH\n"), "{said}");
    let kubeseal = |words: &[&str]| {
        home.command(".", home.path("bin/kubeseal")).args(words).write_stdin(SECRET).assert()
    };
    let sealed =
        kubeseal(&["--cert", &format!("{KEYS}/sealing-2048.crt")]).code(0).get_output().stdout.clone();
    fs::write(home.path("db.json"), sealed).unwrap();
    let key = format!("{KEYS}/sealing-2048.key");
    let opened = home.knarr(".", &["unseal", "db.json", "a", "--recovery-private-key", &key]);
    assert_eq!(opened, "hunter2");
    kubeseal(&["--server", "https://192.0.2.1"]).code(2);
    for missing in ["missing", "http://127.0.0.1:1/sealing.crt"] {
        let said = kubeseal(&["--cert", missing]).code(1).get_output().stderr.clone();
        let said = String::from_utf8(said).unwrap();
        assert!(said.ends_with("help: name another one: --cert FILE|URL\n"), "{said}");
    }
    let again = home.knarr(".", &["kubeseal-link", "bin", "--output", "json"]);
    assert!(again.contains("\"link\": \"~/bin/kubeseal\""), "{again}");
}

#[test]
fn only_a_link_to_knarr_is_replaced() {
    let home = Home::empty();
    fs::create_dir(home.path("bin")).unwrap();
    let link = home.path("bin/kubeseal");
    symlink("/opt/old/knarr", &link).unwrap();
    assert!(home.knarr(".", &["kubeseal-link", "bin"]).starts_with(" ✓ "));
    assert_ne!(fs::read_link(&link).unwrap().to_str(), Some("/opt/old/knarr"));
    for other in ["link", "file"] {
        fs::remove_file(&link).unwrap();
        if other == "link" {
            symlink("/opt/kubeseal", &link).unwrap();
        } else {
            fs::write(&link, "theirs").unwrap();
        }
        let said = home.knarr(".", &["kubeseal-link", "bin"]);
        assert!(
            said.contains("is there, and is no link to knarr\nhelp: ") && said.ends_with("exit 1\n"),
            "{said}"
        );
    }
    assert_eq!(fs::read_to_string(&link).unwrap(), "theirs");
    let said = home.knarr(".", &["kubeseal-link", "missing"]);
    assert!(said.contains("cannot write `") && said.ends_with("exit 1\n"), "{said}");
}

#[test]
fn a_controller_is_asked_only_with_a_kubeconfig_that_is_known() {
    let home = Home::with_example();
    let said = home.knarr("harbor", &["validate", "--controller"]);
    assert!(
        said.contains("no kubeconfig says where the cluster is\nhelp: name one: --kubeconfig FILE"),
        "{said}"
    );
    home.write("config", "{current-context: a, contexts: [{name: a, context: {cluster: a, user: a}}], clusters: [{name: a, cluster: {server: 'https://127.0.0.1:1'}}], users: [{name: a, user: {exec: {command: aws}}}]}");
    let said =
        home.knarr("harbor", &["validate", "--controller=kube-system/mine", "--kubeconfig", "../config"]);
    assert!(said.contains("says `exec`, which is not known here") && said.ends_with("exit 1\n"), "{said}");
    home.replace("config", "exec: {command: aws}", "token: hunter2");
    let said = home.knarr("harbor", &["validate", "--controller", "--kubeconfig", "../config"]);
    assert!(said.contains("cannot ask https://127.0.0.1:1") && said.ends_with("exit 3\n"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}
