//! Whole passes over real git repositories, signed by real ssh-keygen keys; only the machine is simulated.

mod others;

use super::*;
use crate::child::Limits;
use crate::fetch::{FetchError, fetch};
use crate::lock::take;
use crate::repo::Repo;
use aws_lc_rs::digest::{SHA256, digest};
use knarr_node::causes::chain;
use knarr_node::item::{Before, Unit};
use knarr_node::name::{AbsPath, Digest, HttpsUrl, KeptName, RepoPath};
use knarr_node::trust::SIGNERS;
use knarr_node::{ActError, Change, Id, Item, Look, Seen, SweepError, Why};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A machine that holds items and nothing else.
#[derive(Clone, Default)]
struct Machine(Arc<Mutex<BTreeMap<Id, Item>>>);

impl Look for Machine {
    fn see(&self, id: &Id, _: Option<&Item>) -> Seen {
        self.0.lock().unwrap().get(id).cloned().map_or(Seen::Absent, Seen::Is)
    }
    fn names(&self, _: &AbsPath) -> Result<BTreeSet<String>, Why> {
        Ok([].into())
    }
    fn digest_at(&self, url: &HttpsUrl) -> Result<Digest, Why> {
        Err(Why(format!("{url} does not answer")))
    }
}

impl Act for Machine {
    fn keep(&mut self, id: &Id, _: &KeptName) -> Result<Option<Item>, ActError> {
        Ok(self.0.lock().unwrap().get(id).cloned())
    }
    fn act(&mut self, change: &Change) -> Result<(), ActError> {
        let mut items = self.0.lock().unwrap();
        match change.wanted() {
            Some(item) => items.insert(change.id().clone(), item.clone()),
            None => items.remove(change.id()),
        };
        Ok(())
    }
    fn save(&mut self, _: &Unit, _: &Before) -> Result<Option<AbsPath>, ActError> {
        Ok(None)
    }
    fn sweep(&mut self, _: &BTreeSet<KeptName>) -> Result<(), SweepError> {
        Ok(())
    }
    fn tidy(&mut self, _: &Id) -> Result<(), SweepError> {
        Ok(())
    }
}

/// A person's clone, the origin and one machine, all in one folder.
struct World {
    folder: tempfile::TempDir,
    machine: Machine,
}

const ITEM: &str = "- file: {path: /etc/motd, text: TEXT}";

impl World {
    /// Makes a cluster whose one signer is `me`, with a machine that is enrolled but not named yet.
    fn new() -> Self {
        let world = Self { folder: tempfile::tempdir().unwrap(), machine: Machine::default() };
        for key in ["me", "you", "thief", "recovery"] {
            world.run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-C", key, "-f", key]);
        }
        world.run("git", &["init", "-q", "--bare", "-b", "main", "origin.git"]);
        world.run("git", &["init", "-q", "-b", "main", "clone"]);
        world.git(&["remote", "add", "origin", &world.origin()]);
        world.signers(&["me"]);
        world.render();
        world.commit(Some("me"), "new");
        world.enrol();
        world
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }
    fn origin(&self) -> String {
        self.at("origin.git").to_string_lossy().into_owned()
    }
    fn paths(&self) -> Paths {
        Paths::below(self.at("root"))
    }
    fn run(&self, program: &str, args: &[&str]) -> String {
        let mut command = Command::new(program);
        command.args(args).current_dir(self.folder.path()).env("GIT_CONFIG_GLOBAL", "/dev/null");
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "me").env(format!("GIT_{who}_EMAIL"), "me@example.org");
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
    fn git(&self, args: &[&str]) -> String {
        self.run("git", &[&["-C", "clone"], args].concat())
    }
    fn write(&self, path: &str, text: &str) {
        let path = self.at("clone").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    fn public(&self, key: &str) -> String {
        std::fs::read_to_string(self.at(&format!("{key}.pub"))).unwrap()
    }
    fn signers(&self, names: &[&str]) {
        let line = |name: &&str| {
            let principal =
                if **name == *"recovery" { "recovery".to_owned() } else { format!("{name}@example.org") };
            format!("{principal} namespaces=\"git\" {}", self.public(name))
        };
        self.write(SIGNERS, &names.iter().map(line).collect::<String>());
    }
    /// Writes rendered/owned.yaml as `knarr render` would.
    fn render(&self) {
        let files = self.run("sh", &["-c", "cd clone && find rendered -type f ! -name owned.yaml | sort"]);
        let line = |path: &str| {
            let bytes = std::fs::read(self.at("clone").join(path)).unwrap();
            format!("{path}: sha256:{}\n", knarr_node::name::hex(digest(&SHA256, &bytes).as_ref()))
        };
        self.write("rendered/owned.yaml", &files.lines().map(line).collect::<String>());
    }
    fn state(&self, text: &str) {
        let head = "knarr: {format: 1, version: 1.0.0}\nnode: edge";
        let origin = self.origin();
        let item = ITEM.replace("TEXT", text);
        self.write(
            "rendered/nodes/edge.yaml",
            &format!("{head}\ngit: {{remotes: ['{origin}'], branch: main}}\nitems:\n{item}\n"),
        );
        self.render();
    }
    fn commit(&self, key: Option<&str>, message: &str) -> Oid {
        let key = key.map(|key| self.at(key).to_string_lossy().into_owned());
        self.git(&["add", "-A"]);
        let signing = format!("user.signingKey={}", key.clone().unwrap_or_default());
        let sign = format!("commit.gpgSign={}", key.is_some());
        self.git(&[
            "-c",
            "gpg.format=ssh",
            "-c",
            &signing,
            "-c",
            &sign,
            "commit",
            "-q",
            "--allow-empty",
            "-m",
            message,
        ]);
        self.git(&["push", "-q", "-f", "origin", "main"]);
        self.head()
    }
    fn head(&self) -> Oid {
        self.git(&["rev-parse", "HEAD"]).parse().unwrap()
    }
    /// Commits a new text for the machine's only file.
    fn ship(&self, key: Option<&str>, text: &str) -> Oid {
        self.state(text);
        self.commit(key, text)
    }
    fn enrolment(&self) -> knarr_node::enrol::Enrolment {
        knarr_node::enrol::Enrolment {
            cluster: "harbor".parse().unwrap(),
            node: "edge".parse().unwrap(),
            git: knarr_node::state::Git { remotes: vec![self.origin()], branch: "main".into() },
            known_hosts: String::new(),
            deploy_key: knarr_node::enrol::Hidden("deploy-key-bytes".into()),
            signers: std::fs::read_to_string(self.at("clone").join(SIGNERS)).unwrap(),
            floor: self.head(),
        }
    }
    fn enrol(&self) {
        std::fs::create_dir_all(self.at("root/etc/ssh")).unwrap();
        std::fs::write(self.at("root/etc/machine-id"), "0123456789abcdef\n").unwrap();
        std::fs::write(self.at("root/etc/ssh/ssh_host_ed25519_key.pub"), self.public("me")).unwrap();
        crate::enroll::enroll(&self.enrolment(), &self.paths()).unwrap();
    }
    fn ground(&self) -> Ground {
        let machine = self.machine.clone();
        let lock = take(&self.paths(), Duration::from_secs(5), || ()).unwrap();
        let open = Box::new(move |_| Ok(Box::new(machine.clone()) as Box<dyn Act>));
        let listener = Arc::new(Listener::new(self.paths()));
        // Nothing of these passes is guarded, so nobody is asked.
        let look_around = Box::new(|around| -> Box<dyn Outside> {
            Box::new(contact::Network::new(around, "/usr/bin/knarrd".parse().unwrap()))
        });
        Ground { lock, paths: self.paths(), bounds: Bounds::default(), open, look_around, listener, now: 7 }
    }
    fn pass(&self) -> Report {
        self.ground().pass().unwrap()
    }
    /// Returns the text of the machine's only file.
    fn motd(&self) -> Option<String> {
        let items = self.machine.0.lock().unwrap();
        let Item::File(file) = items.values().next()? else { panic!("{items:?}") };
        let knarr_node::Body::Text(text) = &file.body else { panic!("{file:?}") };
        Some(text.clone())
    }
}

fn ends(report: &Report, part: &str, way_out: Option<&str>) {
    assert!(report.outcome.to_string().contains(part), "{}", report.outcome);
    assert_eq!(report.outcome.way_out().as_deref(), way_out);
}

#[test]
fn a_machine_waits_until_it_is_named_and_then_follows_signed_commits() {
    let world = World::new();
    ends(&world.pass(), "does not name this machine yet", Some("knarr ship"));
    let one = world.ship(Some("me"), "one");
    let report = world.pass();
    assert_eq!((report.outcome, report.applied), (Outcome::Converged, Some(one)));
    assert_eq!(world.motd().as_deref(), Some("one"));
    world.ship(Some("me"), "two");
    assert_eq!(world.pass().outcome, Outcome::Converged);
    assert_eq!(world.motd().as_deref(), Some("two"));
}

#[test]
fn after_a_boot_the_machine_is_kept_before_anybody_is_asked() {
    let world = World::new();
    assert_eq!(world.ground().keep().unwrap(), None, "nothing was applied yet");
    let one = world.ship(Some("me"), "one");
    world.pass();
    world.ship(Some("me"), "two");
    world.machine.0.lock().unwrap().clear();
    let report = world.ground().keep().unwrap().unwrap();
    assert_eq!((report.outcome, report.applied), (Outcome::Converged, Some(one)));
    assert_eq!(world.motd().as_deref(), Some("one"));
}

#[test]
fn what_was_mended_without_a_commit_is_reported_until_the_next_one() {
    let world = World::new();
    world.ship(Some("me"), "one");
    assert_eq!(world.pass().drift, None, "what a commit brings is no drift");
    world.machine.0.lock().unwrap().clear();
    let drift = world.pass().drift.expect("something was gone");
    assert_eq!((drift.at, drift.items), (7, vec!["path /etc/motd".parse().unwrap()]));
    assert!(world.pass().drift.is_some(), "a pass that changes nothing remembers it");
    world.ship(Some("me"), "two");
    assert_eq!(world.pass().drift, None);
}

#[test]
fn unsigned_and_strange_commits_wait_until_somebody_approves_them() {
    let world = World::new();
    let good = world.ship(Some("me"), "good");
    world.pass();
    world.ship(None, "unsigned");
    ends(&world.pass(), "1 commit ahead is not followed", Some("knarr approve"));
    world.ship(Some("thief"), "stolen");
    ends(&world.pass(), "2 commits ahead are not followed", Some("knarr approve"));
    world.ship(Some("me"), "on top without approval");
    ends(&world.pass(), "3 commits ahead", Some("knarr approve"));
    assert_eq!(world.motd().as_deref(), Some("good"));
    let approval = world.commit(Some("me"), &format!("approve\n\nApproves: {good}"));
    let report = world.pass();
    assert_eq!((report.applied, report.outcome), (Some(approval), Outcome::Converged));
    assert_eq!(world.motd().as_deref(), Some("on top without approval"));
}

#[test]
fn a_signature_for_something_else_is_refused() {
    let world = World::new();
    world.ship(Some("me"), "good");
    world.pass();
    let signed = world.git(&["cat-file", "commit", "HEAD"]);
    world.state("forged");
    world.git(&["add", "-A"]);
    let tree = world.git(&["write-tree"]);
    let (_, rest) = signed.split_once('\n').unwrap();
    let forged = rest.lines().map(|line| {
        if line.starts_with("parent ") { format!("parent {}", world.head()) } else { line.to_owned() }
    });
    std::fs::write(world.at("forged"), format!("tree {tree}\n{}\n", forged.collect::<Vec<_>>().join("\n")))
        .unwrap();
    let forged = world.git(&["hash-object", "-t", "commit", "-w", "../forged"]);
    world.git(&["reset", "-q", "--hard", &forged]);
    world.git(&["push", "-q", "origin", "main"]);
    ends(&world.pass(), "its signature does not fit", Some("knarr approve"));
    assert_eq!(world.motd().as_deref(), Some("good"));
}

#[test]
fn rewritten_history_and_a_branch_set_back_stall_but_the_machine_is_kept() {
    let world = World::new();
    let one = world.ship(Some("me"), "one");
    world.ship(Some("me"), "two");
    world.pass();
    world.git(&["reset", "-q", "--hard", one.as_str()]);
    world.git(&["push", "-q", "-f", "origin", "main"]);
    ends(&world.pass(), "set back", Some("knarr mend"));
    world.ship(Some("me"), "other two");
    ends(&world.pass(), "rewritten", Some("knarr mend"));
    world.machine.0.lock().unwrap().clear();
    world.pass();
    assert_eq!(world.motd().as_deref(), Some("two"), "drift is corrected all the same");
}

#[test]
fn signers_change_by_the_old_set_and_recovery_changes_only_trust() {
    let world = World::new();
    world.signers(&["me", "recovery"]);
    world.ship(Some("me"), "one");
    assert_eq!(world.pass().outcome, Outcome::Converged);
    world.ship(Some("recovery"), "taken over");
    ends(&world.pass(), "may change only `trust`", Some("knarr approve"));
    world.git(&["reset", "-q", "--hard", "HEAD~1"]);
    world.signers(&["you", "recovery"]);
    world.render();
    world.commit(Some("recovery"), "me lost the key");
    assert_eq!(world.pass().outcome, Outcome::Converged);
    world.ship(Some("me"), "too late");
    ends(&world.pass(), "may not sign", Some("knarr approve"));
    world.git(&["reset", "-q", "--hard", "HEAD~1"]);
    world.ship(Some("you"), "new hands");
    assert_eq!(world.pass().outcome, Outcome::Converged);
    assert_eq!(world.motd().as_deref(), Some("new hands"));
}

#[test]
fn a_mix_of_two_renders_is_accepted_but_not_applied() {
    let world = World::new();
    world.ship(Some("me"), "one");
    world.pass();
    world.state("half");
    world.git(&["checkout", "-q", "HEAD", "--", "rendered/owned.yaml"]);
    world.commit(Some("me"), "merged in haste");
    ends(&world.pass(), "rendered/nodes/edge.yaml was changed", Some("knarr render"));
    assert_eq!(world.motd().as_deref(), Some("one"));
    world.ship(Some("me"), "whole");
    assert_eq!(world.pass().outcome, Outcome::Converged);
    assert_eq!(world.motd().as_deref(), Some("whole"));
}

#[test]
fn a_machine_that_is_named_no_more_keeps_its_last_state_and_a_tombstone_stops_it() {
    let world = World::new();
    world.ship(Some("me"), "one");
    world.pass();
    std::fs::remove_file(world.at("clone/rendered/nodes/edge.yaml")).unwrap();
    world.render();
    world.commit(Some("me"), "edge is gone");
    let report = world.pass();
    assert!(report.outcome.to_string().contains("does not name this machine"), "{}", report.outcome);
    world.machine.0.lock().unwrap().clear();
    world.pass();
    assert_eq!(world.motd().as_deref(), Some("one"));
    let age = crate::secrets::identity(&world.paths().kept("age.key")).unwrap().to_public();
    let tombstone = format!("- tombstone: {{node: edge, keys: {{age: {age}}}}}");
    world.write(
        "rendered/cluster.yaml",
        &format!("knarr: {{format: 1, version: 1.0.0}}\nitems:\n{tombstone}\n"),
    );
    world.render();
    world.commit(Some("me"), "remove edge");
    world.machine.0.lock().unwrap().clear();
    assert!(world.pass().outcome.to_string().contains("removes this machine"));
    assert_eq!(world.motd(), None, "nothing is changed any more");
}

#[test]
fn a_newer_format_names_the_version_that_reads_it() {
    let world = World::new();
    world.ship(Some("me"), "one");
    world.pass();
    world.write("rendered/nodes/edge.yaml", "knarr: {format: 2, version: 2.0.0}\nsomething: else\n");
    world.render();
    world.commit(Some("me"), "format 2");
    ends(&world.pass(), "format 2, which needs knarrd 2.0.0", Some("install knarrd 2.0.0 here"));
    assert_eq!(world.motd().as_deref(), Some("one"));
}

#[test]
fn without_the_git_host_the_machine_is_kept_and_it_is_tried_again() {
    let world = World::new();
    world.ship(Some("me"), "one");
    world.pass();
    std::fs::rename(world.at("origin.git"), world.at("away.git")).unwrap();
    world.machine.0.lock().unwrap().clear();
    let report = world.pass();
    assert!(
        matches!(&report.outcome, Outcome::Retry { why } if why.contains("origin.git")),
        "{}",
        report.outcome
    );
    assert_eq!(world.motd().as_deref(), Some("one"));
}

#[test]
fn an_undo_holds_until_the_next_commit_or_a_retry() {
    let world = World::new();
    world.ship(Some("me"), "one");
    world.pass();
    world.ship(Some("me"), "two");
    world.pass();
    ends(&world.ground().undo().unwrap(), "undone", Some("knarrd retry"));
    ends(&world.pass(), "undone", Some("knarrd retry"));
    assert_eq!(world.motd().as_deref(), Some("one"));
    world.ground().release().unwrap();
    assert_eq!(world.pass().outcome, Outcome::Converged);
    assert_eq!(world.motd().as_deref(), Some("two"));
    world.ground().undo().unwrap();
    world.ship(Some("me"), "three");
    assert_eq!(world.pass().outcome, Outcome::Converged);
    assert_eq!(world.motd().as_deref(), Some("three"));
}

#[test]
fn a_plan_changes_nothing_and_raises_no_floor() {
    let world = World::new();
    world.ship(Some("me"), "one");
    let before = Identity::read(&world.paths()).unwrap();
    let (plan, outcome) = world.ground().plan().unwrap();
    assert_eq!((plan.changes().count(), outcome), (1, Outcome::Converged));
    assert_eq!(Identity::read(&world.paths()).unwrap(), before);
    assert_eq!(world.motd(), None);
}

#[test]
fn secrets_are_opened_and_never_shown() {
    let world = World::new();
    let key = crate::secrets::identity(&world.paths().kept("age.key")).unwrap();
    let json = br#"{"token":"aHVzaC1odXNo"}"#;
    let sealed = age::encrypt(&key.to_public(), json).unwrap();
    let secrets = crate::secrets::open("rendered/nodes/edge.age", &sealed, &key).unwrap();
    assert_eq!(secrets.values().next().unwrap().as_slice(), b"hush-hush");
    for wrong in [&b"hush-hush"[..], br#"{"token": "hush hush"}"#, br#"{"token": 3}"#] {
        let sealed = age::encrypt(&key.to_public(), wrong).unwrap();
        let error = crate::secrets::open("x.age", &sealed, &key).err().unwrap();
        assert!(!format!("{error:?} {}", chain(&error)).contains("hush"), "{error:?}");
    }
    let stranger = age::x25519::Identity::generate();
    assert!(matches!(
        crate::secrets::open("x.age", &sealed, &stranger),
        Err(crate::secrets::SecretsError::Closed(_))
    ));
    assert!(!format!("{:?}", world.enrolment()).contains("deploy-key-bytes"));
}

#[test]
fn a_missing_secret_is_named_before_anything_is_changed() {
    let world = World::new();
    let item = "- file: {path: /etc/token, secret: token}";
    let head = format!(
        "knarr: {{format: 1, version: 1.0.0}}\nnode: edge\ngit: {{remotes: ['{}'], branch: main}}",
        world.origin()
    );
    world.write("rendered/nodes/edge.yaml", &format!("{head}\nitems:\n{item}\n"));
    world.render();
    world.commit(Some("me"), "token");
    ends(&world.pass(), "wants the secret `token`", Some("knarr render"));
}

#[test]
fn enrolling_twice_keeps_keys_and_another_cluster_or_machine_is_refused() {
    let world = World::new();
    let again = || crate::enroll::enroll(&world.enrolment(), &world.paths());
    let first = again().unwrap();
    let wireguard = std::fs::read_to_string(world.paths().kept("wireguard.key")).unwrap();
    let judged = world.run("sh", &["-c", &format!("echo {} | wg pubkey", wireguard.trim())]);
    assert_eq!(judged, first.wireguard, "wg derives the same public key");
    world.ship(Some("me"), "one");
    world.pass();
    let floor = Identity::read(&world.paths()).unwrap().floor;
    assert_eq!(again().unwrap(), first);
    assert_eq!(Identity::read(&world.paths()).unwrap().floor, floor, "the floor never falls");
    let other = knarr_node::enrol::Enrolment { cluster: "other".parse().unwrap(), ..world.enrolment() };
    let refused = crate::enroll::enroll(&other, &world.paths()).unwrap_err();
    assert_eq!(refused.to_string(), "this machine is already `edge` of the cluster `harbor`");
    std::fs::write(world.at("root/etc/machine-id"), "another machine\n").unwrap();
    assert!(again().unwrap_err().to_string().starts_with("this disk was copied"));
    assert!(matches!(world.ground().pass(), Err(PassError::Identity(IdentityError::Cloned(_)))));
}

#[test]
fn private_files_are_for_root_alone() {
    let world = World::new();
    world.ship(Some("me"), "one");
    world.pass();
    let open = world.run("sh", &["-c", "find root/var/lib/knarr -maxdepth 1 -type f -perm /077; find root/var/lib/knarr -maxdepth 0 -perm /077"]);
    assert_eq!(open, "");
}

#[test]
fn a_remote_that_hangs_is_left_in_time_and_the_next_one_is_asked() {
    let world = World::new();
    world.ship(Some("me"), "one");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let hangs = format!("https://{}/x.git", listener.local_addr().unwrap());
    let git = |remotes: &[&str]| knarr_node::state::Git {
        remotes: remotes.iter().map(|&r| r.to_owned()).collect(),
        branch: "main".into(),
    };
    let child = Limits { time: Duration::from_secs(1), ..Bounds::default().child };
    let bounds = Bounds { child, ..Bounds::default() };
    drop(Repo::open(&world.paths().kept("repo.git")).unwrap());
    let began = Instant::now();
    let error = fetch(&[&git(&[&hangs])], &world.paths(), &bounds).unwrap_err();
    assert!(chain(&error).contains("was stopped after 1 s"), "{}", chain(&error));
    assert!(began.elapsed() < Duration::from_secs(20));
    assert_eq!(fetch(&[&git(&[&hangs, &world.origin()])], &world.paths(), &bounds).unwrap(), Fetched::Branch);
}

#[test]
fn a_repository_that_is_too_large_leaves_nothing_behind() {
    let world = World::new();
    world.run("sh", &["-c", "head -c 3000000 /dev/urandom > clone/large"]);
    world.ship(Some("me"), "large");
    drop(Repo::open(&world.paths().kept("repo.git")).unwrap());
    let git = world.enrolment().git;
    let child = Limits { file: 1 << 20, ..Bounds::default().child };
    let error = fetch(&[&git], &world.paths(), &Bounds { child, ..Bounds::default() }).unwrap_err();
    assert!(matches!(error, FetchError::Refused { .. } | FetchError::Child { .. }), "{error:?}");
    let left = world.run("sh", &["-c", "find root/var/lib/knarr/repo.git/objects -type f -size +100k"]);
    assert_eq!(left, "");
    let error = fetch(&[&git], &world.paths(), &Bounds { total: 1 << 20, ..Bounds::default() }).unwrap_err();
    assert!(matches!(error, FetchError::TooLarge { .. }), "{error:?}");
}

#[test]
fn nothing_but_ssh_https_and_files_is_fetched() {
    let world = World::new();
    drop(Repo::open(&world.paths().kept("repo.git")).unwrap());
    let touched = world.at("touched");
    let ext = format!("ext::touch {}", touched.display());
    for remote in [ext.as_str(), "http://127.0.0.1:1/x.git", "git://127.0.0.1:1/x.git", "--upload-pack=touch"]
    {
        let git = knarr_node::state::Git { remotes: vec![remote.to_owned()], branch: "main".into() };
        assert!(fetch(&[&git], &world.paths(), &Bounds::default()).is_err(), "{remote}");
    }
    let git = knarr_node::state::Git { remotes: vec![world.origin()], branch: "main:refs/heads/x".into() };
    assert!(matches!(fetch(&[&git], &world.paths(), &Bounds::default()), Err(FetchError::Branch(_))));
    assert!(!Path::new(&touched).exists());
}

#[test]
fn a_link_or_an_odd_name_under_rendered_is_a_stray() {
    let world = World::new();
    world.ship(Some("me"), "one");
    world.pass();
    std::os::unix::fs::symlink("/etc/shadow", world.at("clone/rendered/link")).unwrap();
    world.commit(Some("me"), "a link");
    ends(&world.pass(), "rendered/link is not in the list", Some("knarr render"));
    let path: RepoPath = "rendered/link".parse().unwrap();
    let repo = Repo::open(&world.paths().kept("repo.git")).unwrap();
    assert!(repo.rendered(&world.head()).unwrap().contains_key(&path));
}

const MESH: &str = "format: 1
domain: harbor.example
network: 10.210.0.0/16
pods: 10.42.0.0/16
services: 10.43.0.0/16
port: 51821
mtu: 1380
nodes:
  edge: {ip: 10.210.0.1, key: AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=, at: [\"203.0.113.7:51821\"]}
  attic: {ip: 10.210.0.3, key: AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=}
peers:
  x1: {ip: 10.210.255.1, key: AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=, via: edge, reach: [api], until: 1970-01-01}
  x2: {ip: 10.210.255.2, key: BAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ=, via: edge, reach: [api], until: 1969-12-31}
";

#[test]
fn the_mesh_is_lowered_from_the_directory_without_devices_whose_time_is_over() {
    let world = World::new();
    world.state("one");
    let state = std::fs::read_to_string(world.at("clone/rendered/nodes/edge.yaml")).unwrap();
    world.write("rendered/nodes/edge.yaml", &state.replace("items:", "mesh: {device: knarr0}\nitems:"));
    world.render();
    world.commit(Some("me"), "no directory");
    ends(&world.pass(), "`rendered/mesh.yaml` of commit", Some("knarr render"));
    world.write("rendered/mesh.yaml", &MESH.replace("10.210.0.3", "10.210.0.1"));
    world.render();
    world.commit(Some("me"), "two machines with one address");
    let report = world.pass();
    assert!(report.outcome.to_string().contains("both have mesh address 10.210.0.1"), "{}", report.outcome);
    assert_eq!(report.outcome.way_out().as_deref(), Some("delete `mesh` of `edge` to get another"));
    world.write("rendered/mesh.yaml", MESH);
    world.render();
    world.commit(Some("me"), "a mesh");
    let (plan, outcome) = world.ground().plan().unwrap();
    assert_eq!(outcome, Outcome::Converged);
    let ids: Vec<String> = plan.changes().map(|change| change.id().to_string()).collect();
    let peers: Vec<&str> = ids.iter().filter_map(|id| id.strip_prefix("peer knarr0 ")).collect();
    assert_eq!(
        peers,
        ["AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=", "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM="]
    );
    assert!(ids.contains(&"device knarr0".to_owned()) && ids.contains(&"hosts names".to_owned()), "{ids:?}");
}
