//! One Secret sealed, as a process: ours with the repository's certificate, kubeseal with the same one; and ours by its name.

use crate::figure::{Figure, Target};
use crate::peers::Peers;
use crate::repository::Repository;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const SECRET: &str = r#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"db","namespace":"shop"},"data":{"password":"aHVzaA=="}}"#;

pub(crate) fn measure(peers: &Peers) -> Vec<Figure> {
    let repository = Repository::new();
    let home = repository.home();
    let [value, secret, sealed] = ["value", "secret.json", "sealed.yaml"].map(|name| home.join(name));
    fs::write(&value, "hush").unwrap();
    fs::write(&secret, SECRET).unwrap();
    repository.knarr(&["kubeseal-link", &home.display().to_string()], Path::new("/dev/null"));
    let certificate = repository.clone().join("secrets/sealing.crt");
    let words = ["seal", "db", "--namespace", "shop", "password", "-"];
    let ours = || repository.knarr(&words, &value);
    let by_kubeseals_words = |program: &Path| kubeseal(program, &certificate, &secret, &sealed);
    let written = [repository.clone().join("sealed/shop/db.sealed.yaml"), sealed.clone()];
    let prepare = || away(&written, home);
    let figure = |what, ours: &dyn Fn()| {
        let peer = peers.kubeseal.as_deref();
        let peer = peer.map(|program| ("kubeseal v0.27.1", || by_kubeseals_words(program)));
        Figure::beside(what, Target::TimesFaster(8.0), prepare, ours, peer)
    };
    vec![
        figure("one Secret sealed into a new file, as a process: `knarr seal`", &ours),
        figure("the same by the name and command line of kubeseal", &|| {
            by_kubeseals_words(&home.join("kubeseal"));
        }),
    ]
}

/// Puts aside what the last run wrote: to replace a file costs a file system more than to make one. It is not removed: see
/// `Fleet::unrender`.
fn away(files: &[PathBuf], home: &Path) {
    for file in files.iter().filter(|file| file.exists()) {
        let aside = tempfile::tempdir_in(home).unwrap().keep();
        fs::rename(file, aside.join("sealed.yaml")).unwrap();
    }
}

pub(crate) fn kubeseal(program: &Path, certificate: &Path, secret: &Path, file: &Path) {
    let mut command = Command::new(program);
    command.args(["--format", "yaml", "--cert"]).arg(certificate).stdin(File::open(secret).unwrap());
    command.arg("--sealed-secret-file").arg(file).stdout(Stdio::null());
    assert!(command.status().unwrap().success(), "kubeseal fails");
}
