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
    let (value, file) =
        (repository.home().join("value"), repository.clone().join("sealed/shop/db.sealed.yaml"));
    let ours = Values::times_after(31, || away(&file), || repository.knarr(&words, &value));
    let peer = peers.kubeseal.as_ref().map(|program| {
        let certificate = repository.clone().join("secrets/sealing.crt");
        let secret = repository.home().join("secret.json");
        std::fs::write(&secret, SECRET).unwrap();
        let file = repository.home().join("sealed.yaml");
        let seal = || kubeseal(program, &certificate, &secret, &file);
        ("kubeseal v0.27.1".to_owned(), Values::times_after(31, || away(&file), seal))
    });
    vec![Figure {
        what: "one Secret sealed into a new file, as a process",
        ours,
        target: Target::TimesFaster(8.0),
        peer,
    }]
}

/// Takes away what the last run wrote: to replace a file costs a file system more than to make one.
fn away(file: &Path) {
    std::fs::remove_file(file).unwrap();
}

pub(crate) fn kubeseal(program: &Path, certificate: &Path, secret: &Path, file: &Path) {
    let mut command = Command::new(program);
    command.args(["--format", "yaml", "--cert"]).arg(certificate).stdin(File::open(secret).unwrap());
    command.arg("--sealed-secret-file").arg(file).stdout(Stdio::null());
    assert!(command.status().unwrap().success(), "kubeseal fails");
}
