//! One Secret sealed, as a process: ours with the repository's certificate, kubeseal with the same one; and ours by its name.

use crate::figure::{Figure, Target};
use crate::peers::Peers;
use crate::repository::Repository;
use std::cell::Cell;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

const SECRET: &str = r#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"db","namespace":"shop"},"data":{"password":"aHVzaA=="}}"#;

pub(crate) fn measure(peers: &Peers) -> Vec<Figure> {
    let repository = Repository::new();
    let home = repository.home();
    let [value, secret] = ["value", "secret.json"].map(|name| home.join(name));
    fs::write(&value, "hush").unwrap();
    fs::write(&secret, SECRET).unwrap();
    repository.knarr(&["kubeseal-link", &home.display().to_string()], Path::new("/dev/null"));
    let certificate = repository.clone().join("secrets/sealing.crt");
    let count = Cell::new(0);
    let fresh = || format!("db-{}", count.replace(count.get() + 1));
    let ours = || repository.knarr(&["seal", &fresh(), "--namespace", "shop", "password", "-"], &value);
    let as_kubeseal = |program: &Path| kubeseal(program, &certificate, &secret, &home.join(fresh()));
    let figure = |what, ours: &dyn Fn()| {
        let peer = peers.kubeseal.as_deref().map(|program| ("kubeseal v0.27.1", || as_kubeseal(program)));
        Figure::beside(what, Target::TimesFaster(8.0), ours, peer)
    };
    vec![
        figure("one Secret sealed into a new file, as a process: `knarr seal`", &ours),
        figure("the same by the name and command line of kubeseal", &|| as_kubeseal(&home.join("kubeseal"))),
    ]
}

pub(crate) fn kubeseal(program: &Path, certificate: &Path, secret: &Path, file: &Path) {
    let mut command = Command::new(program);
    command.args(["--format", "yaml", "--cert"]).arg(certificate).stdin(File::open(secret).unwrap());
    command.arg("--sealed-secret-file").arg(file).stdout(Stdio::null());
    assert!(command.status().unwrap().success(), "kubeseal fails");
}
