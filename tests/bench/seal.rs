//! One Secret sealed, as a process: ours with the repository's certificate, kubeseal with the same one.

use crate::figure::{Figure, Target, Values};
use crate::peers::Peers;
use crate::repository::Repository;
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};

const SECRET: &str = r#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"db","namespace":"shop"},"data":{"password":"aHVzaA=="}}"#;

pub(crate) fn measure(peers: &Peers) -> Vec<Figure> {
    let repository = Repository::new();
    std::fs::write(repository.home().join("value"), "hush").unwrap();
    let words = ["seal", "db", "--namespace", "shop", "password", "-"];
    let ours = Values::times(31, || repository.knarr(&words, &repository.home().join("value")));
    let peer = peers.kubeseal.as_ref().map(|program| {
        let certificate = repository.clone().join("secrets/sealing.crt");
        let secret = repository.home().join("secret.json");
        std::fs::write(&secret, SECRET).unwrap();
        ("kubeseal v0.27.1".to_owned(), Values::times(31, || kubeseal(program, &certificate, &secret)))
    });
    vec![Figure { what: "one Secret sealed, as a process", ours, target: Target::TimesFaster(5.0), peer }]
}

fn kubeseal(program: &Path, certificate: &Path, secret: &Path) {
    let mut command = Command::new(program);
    command.args(["--format", "yaml", "--cert"]).arg(certificate).stdin(File::open(secret).unwrap());
    assert!(command.stdout(Stdio::null()).status().unwrap().success(), "kubeseal fails");
}
