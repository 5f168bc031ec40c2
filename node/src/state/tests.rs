use super::*;
use crate::item::{Body, Id};

const STATE: &str = r#"
knarr: {format: 1, version: 1.0.0, later: true}
node: worker
git: {remotes: ["git@host:me/harbor.git"], branch: main}
items:
- sysctl: {net.ipv4.ip_forward: "1"}
- file:
    path: /etc/ssh/sshd_config.d/10-knarr.conf
    check: sshd
    text: |
      PasswordAuthentication no
- unit: {name: ssh.service, reads: [/etc/ssh/sshd_config.d/10-knarr.conf]}
- account: {name: me, sudo: true, keys: ["ssh-ed25519 AAAAC3"]}
- file: {path: /var/lib/knarr/k3s-token, mode: "0600", secret: k3s-agent-token}
- link: {path: /usr/local/bin/x, to: /opt/x}
- dir: {path: /etc/rancher/k3s/config.yaml.d, only: [10-mine.yaml]}
- unit:
    name: k3s-agent.service
    text: |
      [Install]
    waits:
    - url: {at: ["https://10.210.0.1:6443/cacerts"], ca: "sha256:1111111111111111111111111111111111111111111111111111111111111111"}
    - settled: edge
    - data: /var/lib/rancher/k3s/server/db
"#;

fn state() -> NodeState {
    serde_saphyr::from_str(STATE).unwrap()
}

#[test]
fn a_state_with_one_thing_twice_is_refused() {
    let twice = format!("{STATE}- file: {{path: /etc/ssh/sshd_config.d/10-knarr.conf, text: other}}\n");
    let said = serde_saphyr::from_str::<NodeState>(&twice).unwrap_err().to_string();
    assert!(said.contains("path /etc/ssh/sshd_config.d/10-knarr.conf is there twice"), "{said}");
}

#[test]
fn a_state_reads_as_formats_md_has_it() {
    let ids: Vec<String> = state().items.iter().map(|item| item.id().to_string()).collect();
    assert_eq!(
        ids,
        [
            "sysctl net.ipv4.ip_forward",
            "path /etc/ssh/sshd_config.d/10-knarr.conf",
            "unit ssh.service",
            "account me",
            "path /var/lib/knarr/k3s-token",
            "path /usr/local/bin/x",
            "dir /etc/rancher/k3s/config.yaml.d",
            "unit k3s-agent.service"
        ]
    );
    assert!(ids.iter().all(|id| id.parse::<Id>().unwrap().to_string() == *id));
}

#[test]
fn a_state_survives_writing_and_reading() {
    let text = serde_saphyr::to_string(&state()).unwrap();
    assert_eq!(serde_saphyr::from_str::<NodeState>(&text).unwrap(), state());
}

#[test]
fn a_file_has_exactly_one_body() {
    for body in ["", ", text: a, secret: b"] {
        assert!(serde_saphyr::from_str::<Item>(&format!("file: {{path: /a{body}}}")).is_err());
    }
    let Item::File(file) = serde_saphyr::from_str::<Item>("file: {path: /a, secret: b}").unwrap() else {
        panic!()
    };
    assert_eq!(file.body, Body::Secret("b".parse().unwrap()));
}

#[test]
fn an_unknown_key_in_an_item_is_refused_but_not_in_the_envelope() {
    assert!(serde_saphyr::from_str::<Item>("link: {path: /a, to: /b, mode: x}").is_err());
    assert!(serde_saphyr::from_str::<Sealed>(STATE).is_ok());
}
