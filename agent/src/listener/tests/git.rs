//! The accepted commits, read by the real git.

use super::*;
use std::process::{Command, Output};

/// A node that accepted `two`, and has fetched `three` besides, which nobody signed.
struct Served {
    mesh: Mesh,
    ids: [Oid; 3],
}

impl Served {
    fn new(guests: Guests) -> Self {
        let mesh = Mesh::with(1, guests);
        let work = mesh.folder.path().join("work");
        git(mesh.folder.path(), &["init", "-q", "-b", "main", "work"]);
        let ids = ["one", "two", "three"].map(|text| {
            std::fs::write(work.join("file"), text).unwrap();
            git(&work, &["add", "file"]);
            git(&work, &["commit", "-q", "-m", text]);
            oid(&git(&work, &["rev-parse", "HEAD"]))
        });
        git(&work, &["push", "-q", mesh.repo(1).to_str().unwrap(), "HEAD:refs/knarr/seen"]);
        let repo = Repo::open(&mesh.repo(1)).unwrap();
        repo.note(ACCEPTED, &ids[1]).unwrap();
        repo.show("main", &ids[1]).unwrap();
        Self { mesh, ids }
    }

    fn url(&self) -> String {
        format!("http://{}:51821/git/harbor.git", self.mesh.ip(1))
    }
}

/// Fetches into an empty repository, and returns whether that succeeded.
fn fetches(url: &str, what: &str, version: &str) -> bool {
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "-q"]);
    let version = format!("protocol.version={version}");
    output(folder.path(), &["-c", &version, "fetch", "-q", url, what]).status.success()
}

fn output(folder: &std::path::Path, args: &[&str]) -> Output {
    let mut git = Command::new("git");
    git.args(args).current_dir(folder).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_TERMINAL_PROMPT", "0");
    for who in ["AUTHOR", "COMMITTER"] {
        git.env(format!("GIT_{who}_NAME"), "me").env(format!("GIT_{who}_EMAIL"), "me@example.org");
    }
    git.output().unwrap()
}

fn git(folder: &std::path::Path, args: &[&str]) -> String {
    let output = output(folder, args);
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn a_clone_is_the_accepted_commit_and_nothing_else() {
    let served = Served::new(Guests::AreNodes);
    let (folder, two) = (tempfile::tempdir().unwrap(), &served.ids[1]);
    git(folder.path(), &["clone", "-q", &served.url(), "copy"]);
    let copy = folder.path().join("copy");
    assert_eq!(git(&copy, &["rev-parse", "main"]), two.as_str());
    assert_eq!(std::fs::read_to_string(copy.join("file")).unwrap(), "two");
    assert_eq!(git(&copy, &["fsck", "--no-dangling"]), "");
    let refs = git(&copy, &["ls-remote", "-q"]);
    assert_eq!(refs, format!("{two}\tHEAD\n{two}\trefs/heads/main"));
    assert_eq!(git(&copy, &["ls-remote", "-q", &served.url().replace("/git/", "/")]), refs, "for Argo CD");
}

#[test]
fn what_was_accepted_before_can_be_asked_for_and_what_was_not_cannot() {
    let served = Served::new(Guests::AreNodes);
    let [one, two, three] = served.ids.each_ref().map(Oid::as_str);
    for version in ["0", "1", "2"] {
        let gets = |what| fetches(&served.url(), what, version);
        assert!(gets(one) && gets(two) && gets("main"), "version {version}");
        assert!(!gets(three), "the commit that nobody signed, version {version}");
        assert!(!gets("refs/knarr/seen"), "version {version}");
    }
}

#[test]
fn a_later_fetch_brings_what_was_accepted_since_then() {
    let served = Served::new(Guests::AreNodes);
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["clone", "-q", &served.url(), "copy"]);
    let copy = folder.path().join("copy");
    for n in 0..100 {
        git(
            &copy,
            &["commit", "-q", "--allow-empty", "-m", &format!("so much to say that git packs it, {n}")],
        );
    }
    Repo::open(&served.mesh.repo(1)).unwrap().show("trunk", &served.ids[2]).unwrap();
    git(&copy, &["fetch", "-q", "--prune", "origin"]);
    assert_eq!(git(&copy, &["rev-parse", "origin/trunk"]), served.ids[2].as_str());
    assert!(!output(&copy, &["rev-parse", "--verify", "origin/main"]).status.success(), "the branch moved");
}

#[test]
fn nobody_can_push_and_strangers_and_other_names_get_nothing() {
    let served = Served::new(Guests::AreNodes);
    let work = served.mesh.folder.path().join("work");
    assert!(!output(&work, &["push", "-q", &served.url(), "HEAD:refs/heads/main"]).status.success());
    assert!(!fetches(&served.url().replace("harbor", "other"), "main", "2"));
    assert!(!fetches(&served.url().replace("harbor.git", "..%2frepo.git"), "main", "2"));
    let closed = Served::new(Guests::AreStrangers);
    let refused = output(&work, &["ls-remote", &closed.url()]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("403"), "{refused:?}");
}

#[test]
fn a_large_history_streams_and_many_read_at_once() {
    let served = Served::new(Guests::AreNodes);
    let work = served.mesh.folder.path().join("work");
    let mut noise = vec![0; 3 << 20];
    aws_lc_rs::rand::fill(&mut noise).unwrap();
    std::fs::write(work.join("noise"), &noise).unwrap();
    git(&work, &["add", "noise"]);
    git(&work, &["commit", "-q", "-m", "noise"]);
    git(&work, &["push", "-q", served.mesh.repo(1).to_str().unwrap(), "HEAD:refs/knarr/seen"]);
    let tip = oid(&git(&work, &["rev-parse", "HEAD"]));
    Repo::open(&served.mesh.repo(1)).unwrap().show("main", &tip).unwrap();
    std::thread::scope(|scope| {
        let clones: Vec<_> = (0..12).map(|_| scope.spawn(|| fetches(&served.url(), "main", "2"))).collect();
        assert!(clones.into_iter().all(|clone| clone.join().unwrap()), "more than may run at a time wait");
    });
}
