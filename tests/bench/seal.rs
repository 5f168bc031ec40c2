//! One Secret sealed, as a process: ours with the repository's certificate, kubeseal with the same one; and ours by its name.

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
    let ours =
        Values::times_after(31, || away(&file, repository.home()), || repository.knarr(&words, &value));
    repository.knarr(&["kubeseal-link", &repository.home().display().to_string()], Path::new("/dev/null"));
    let by_name = by_name(&repository.home().join("kubeseal"), &repository);
    let figure = |what, ours| {
        let peer = |program: &Path| ("kubeseal v0.27.1".to_owned(), self::by_name(program, &repository));
        let peer = peers.kubeseal.as_deref().map(peer);
        Figure { what, ours, target: Target::TimesFaster(8.0), peer }
    };
    vec![
        figure("one Secret sealed into a new file, as a process: `knarr seal`", ours),
        figure("the same by the name and command line of kubeseal", by_name),
    ]
}

/// Seals a Secret by kubeseal's command line.
fn by_name(program: &Path, repository: &Repository) -> Values {
    let certificate = repository.clone().join("secrets/sealing.crt");
    let [secret, file] = ["secret.json", "sealed.yaml"].map(|name| repository.home().join(name));
    std::fs::write(&secret, SECRET).unwrap();
    let seal = || kubeseal(program, &certificate, &secret, &file);
    Values::times_after(31, || away(&file, repository.home()), seal)
}

/// Puts aside what the last run wrote: to replace a file costs a file system more than to make one. It is not removed: see
/// `Fleet::unrender`.
fn away(file: &Path, home: &Path) {
    let aside = tempfile::tempdir_in(home).unwrap().keep();
    std::fs::rename(file, aside.join("sealed.yaml")).unwrap();
}

pub(crate) fn kubeseal(program: &Path, certificate: &Path, secret: &Path, file: &Path) {
    let mut command = Command::new(program);
    command.args(["--format", "yaml", "--cert"]).arg(certificate).stdin(File::open(secret).unwrap());
    command.arg("--sealed-secret-file").arg(file).stdout(Stdio::null());
    assert!(command.status().unwrap().success(), "kubeseal fails");
}
