//! peer add, list, show and remove on the example; the judge of keys and configurations is wg(8).

use crate::home::{Home, files};
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

fn read(home: &Home, path: &str) -> String {
    fs::read_to_string(home.path(path)).unwrap()
}

fn value<'a>(text: &'a str, key: &str) -> &'a str {
    text.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_else(|| panic!("no {key} in {text}"))
}

fn public_half(private: &str) -> String {
    let mut wg =
        Command::new("wg").arg("pubkey").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    writeln!(wg.stdin.take().unwrap(), "{private}").unwrap();
    String::from_utf8(wg.wait_with_output().unwrap().stdout).unwrap().trim().to_owned()
}

#[test]
fn a_device_gets_keys_an_address_and_a_configuration_that_only_it_has() {
    let home = Home::with_example();
    let said =
        home.knarr("harbor", &["peer", "add", "phone", "--to", "../phone.conf", "--reach", "api,pods"]);
    assert!(said.contains("wrote peers/phone.yaml (public key, 10.210."), "{said}");
    let mode = fs::metadata(home.path("phone.conf")).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    let (conf, file) = (read(&home, "phone.conf"), read(&home, "harbor/peers/phone.yaml"));
    let private = value(&conf, "PrivateKey = ");
    assert_eq!(public_half(private), value(&file, "key: ").trim_matches(['"', '\'']));
    assert!(
        file.contains("owner: me\n") && file.contains("via: edge\n") && file.contains("reach: [api, pods]\n")
    );
    assert_eq!(value(&conf, "Endpoint = "), "203.0.113.7:51821");
    assert_eq!(value(&conf, "AllowedIPs = "), "10.210.0.0/16, 10.42.0.0/16, 10.43.0.0/16");
    home.knarr("harbor", &["render"]);
    let leaks = |(_, bytes): &(_, Vec<u8>)| String::from_utf8_lossy(bytes).contains(private);
    assert!(!files(&home.path("harbor")).iter().any(leaks) && !said.contains(private));
    assert!(read(&home, "harbor/rendered/mesh.yaml").contains("  phone: {ip: "));
    assert!(home.knarr("harbor", &["check"]).contains("no errors"));
}

#[test]
fn a_configuration_is_never_written_over_another_nor_to_what_is_no_terminal() {
    let home = Home::with_example();
    home.write("phone.conf", "mine\n");
    let said = home.knarr("harbor", &["peer", "add", "phone", "--to", "../phone.conf"]);
    assert!(said.contains("cannot write `../phone.conf`") && said.ends_with("exit 1\n"), "{said}");
    let said = home.knarr("harbor", &["peer", "add", "phone"]);
    assert!(
        said.contains("on a terminal only") && said.contains("help: knarr peer add phone --to FILE"),
        "{said}"
    );
    assert!(!said.contains("PrivateKey"));
    assert_eq!(read(&home, "phone.conf"), "mine\n");
    assert!(!home.path("harbor/peers/phone.yaml").exists());
}

#[test]
fn a_device_with_keys_of_its_own_tells_only_the_public_half() {
    let home = Home::with_example();
    let key = public_half("cBhWbEdvH3wvDyCG7LqRzyc1BMLSVX9HNvxBkBtmf0Y=");
    let add = ["peer", "add", "ci", "--key", &key, "--until", "never", "--owner", "ada", "--via", "worker"];
    let said =
        home.knarr("harbor", &[add.as_slice(), &["--reach", "worker:5432", "--output", "json"]].concat());
    let told: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((told["key"].as_str(), told["via"].as_str()), (Some(key.as_str()), Some("worker")));
    let file = read(&home, "harbor/peers/ci.yaml");
    for line in ["owner: ada\n", "via: worker\n", "reach: [worker:5432]\n", "until: never\n"] {
        assert!(file.contains(line), "{file}");
    }
    let shown = home.knarr("harbor", &["peer", "show", "ci"]);
    assert!(
        shown.contains("PrivateKey = (the private key") && shown.contains("198.51.100.4:51821"),
        "{shown}"
    );
    let listed = home.knarr("harbor", &["peer", "list"]);
    let words: Vec<&str> = listed.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(
        (words[0], words[1], &words[3..]),
        ("ci", "ada", ["worker", "worker:5432", "never"].as_slice())
    );
}

#[test]
fn what_a_device_may_not_be_is_told_before_anything_is_written() {
    let home = Home::with_example();
    let before = files(&home.path("harbor/peers"));
    let add =
        |args: &[&str]| home.knarr("harbor", &[&["peer", "add"], args, &["--to", "../new.conf"]].concat());
    for (args, why) in [
        (["x1", "--reach", "ssh"], "there is a device `x1` already"),
        (["phone", "--via", "attic"], "attic"),
        (["phone", "--via", "nobody"], "nobody"),
        (["phone", "--owner", "nobody"], "nobody"),
        (["phone", "--reach", "db:5432"], "db"),
        (["edge", "--reach", "ssh"], "nodes/edge.yaml"),
        (["phone", "--until", "soon"], "2027-11-21"),
        (["phone", "--reach", "everything"], "api, ssh, pods, nodes"),
    ] {
        let said = add(&args);
        assert!(said.contains(why) && said.ends_with("exit 1\n"), "{args:?}: {said}");
    }
    assert_eq!(files(&home.path("harbor/peers")), before);
    assert!(!home.path("new.conf").exists());
}

#[test]
fn a_removed_device_is_gone_from_the_directory() {
    let home = Home::with_example();
    let said = home.knarr("harbor", &["peer", "remove", "x1"]);
    assert!(
        said.contains("deleted peers/x1.yaml") && said.contains("until they have the next commit"),
        "{said}"
    );
    home.knarr("harbor", &["render"]);
    assert!(!read(&home, "harbor/rendered/mesh.yaml").contains("x1"));
    assert!(home.knarr("harbor", &["peer", "remove", "x1"]).contains("known are: no device yet"));
    assert_eq!(home.knarr("harbor", &["peer", "list"]), "no devices yet: knarr peer add NAME\n");
}

#[test]
fn a_device_belongs_to_whom_the_key_signs_for_and_not_to_whom_the_address_says() {
    let home = Home::with_example();
    let key = fs::read_to_string(home.path(".ssh/id_ed25519.pub")).unwrap();
    home.replace("harbor/people/ada.yaml", "keys:", &format!("keys:\n- {}", key.trim()));
    home.knarr("harbor", &["peer", "add", "phone", "--to", "../phone.conf"]);
    assert!(read(&home, "harbor/peers/phone.yaml").contains("owner: ada\n"));
}
