//! `knarr` killed at each system call that writes: whatever it leaves, each file is the old one or the new one, and the same
//! command, or a render, makes the repository complete.

use crate::repository::{IDENTITY, Repository, all};
use knarr::secrets::Identities;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;

type Files = BTreeMap<PathBuf, Vec<u8>>;

/// What commands that ask for a value read.
const INPUT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/main.rs");

/// The system calls that change a file system.
const CALLS: [&str; 11] = [
    "write",
    "rename",
    "renameat",
    "renameat2",
    "linkat",
    "unlink",
    "unlinkat",
    "mkdir",
    "mkdirat",
    "rmdir",
    "fchmod",
];

/// Runs a command that is killed when it makes its nth system call of this name; whether it came to that.
fn killed(repository: &Repository, args: &[&str], call: &str, nth: usize) -> bool {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={call}")]);
    strace.args(["-e", &format!("inject={call}:signal=KILL:when={nth}")]);
    strace.arg(env!("CARGO_BIN_EXE_knarr")).args(args).current_dir(repository.root());
    strace.stdin(fs::File::open(INPUT).unwrap());
    strace.env("HOME", repository.folder()).env("KNARR_IDENTITY", IDENTITY).env("RUST_BACKTRACE", "0");
    let output = strace.output().expect("strace is there: make setup");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains("ptrace"), "strace may not look on here: {said}");
    assert!(output.status.success() || output.status.signal() == Some(9), "{args:?}, {call} {nth}: {said}");
    output.status.signal().is_some()
}

/// Calls `judge` with what is left after each kill of the command.
fn each_kill(start: &Repository, args: &[&str], judge: impl Fn(&Repository, &str) + Sync) {
    each_kill_at(&CALLS, start, args, judge);
}

/// As [`each_kill`], at these system calls alone.
fn each_kill_at(calls: &[&str], start: &Repository, args: &[&str], judge: impl Fn(&Repository, &str) + Sync) {
    let calls: Vec<PathBuf> = calls.iter().map(PathBuf::from).collect();
    let kills = all(&calls, |call| {
        let call = call.to_str().unwrap();
        let kill = |nth: &usize| {
            let repository = start.copied();
            let was_killed = killed(&repository, args, call, *nth);
            if was_killed {
                judge(&repository, &format!("{args:?} killed at {call} {nth}"));
            }
            was_killed
        };
        (1..10_000).take_while(kill).count()
    });
    assert!(kills.iter().sum::<usize>() >= 3, "{args:?} writes: {kills:?}");
}

/// What a person sees: no temporary files.
fn seen(repository: &Repository) -> Files {
    let temporary = |path: &Path| path.file_name().unwrap().to_str().unwrap().starts_with(".knarr-new-");
    repository.files().into_iter().filter(|(path, _)| !temporary(path)).collect()
}

/// Whether a file is never the same twice: what is encrypted, and the list that has its digest.
fn changes(path: &Path) -> bool {
    let ends = [".age", ".sealed.yaml", "rendered/owned.yaml"];
    ends.iter().any(|end| path.to_str().unwrap().ends_with(end))
}

/// Proves that no file is torn.
fn each_is_old_or_new(seen: &Files, old: &Files, new: &Files, what: &str) {
    for (path, bytes) in seen {
        let is = |files: &Files| files.get(path) == Some(bytes);
        let opens = |identity: &Path| Identities::read(identity).unwrap().open("an.age", bytes).is_ok();
        let whole = if path.ends_with("nodes/edge.age") {
            opens(&Path::new(IDENTITY).with_file_name("edge.txt"))
        } else if path.starts_with("secrets") && changes(path) {
            opens(Path::new(IDENTITY))
        } else {
            changes(path) && new.get(path).is_some_and(|new| new.len() == bytes.len())
        };
        assert!(is(old) || is(new) || whole, "{what}: {} is neither old nor new", path.display());
    }
    let kept = old.keys().filter(|path| new.contains_key(*path));
    let lost: Vec<_> = kept.filter(|path| !seen.contains_key(*path)).collect();
    assert!(lost.is_empty(), "{what}: lost {lost:?}");
}

fn assert_same(seen: &Files, new: &Files, what: &str) {
    assert_eq!(seen.keys().collect::<Vec<_>>(), new.keys().collect::<Vec<_>>(), "{what}");
    let differs = |(path, bytes): &(&PathBuf, &Vec<u8>)| new[*path] != **bytes && !changes(path);
    let differ: Vec<_> = seen.iter().filter(differs).map(|(path, _)| path).collect();
    assert!(differ.is_empty(), "{what}: {differ:?} differ");
}

/// Returns a rendered repository in which much has changed since: files to write, to remove, and to seal anew.
fn changed() -> Repository {
    let repository = Repository::base();
    let root = repository.root();
    fs::write(root.join("host/motd"), "Ahoy.\n").unwrap();
    fs::remove_file(root.join("apps/shop/service.yaml")).unwrap();
    let node = root.join("nodes/attic.yaml");
    fs::write(&node, fs::read_to_string(&node).unwrap() + "removed: true\n").unwrap();
    // Other bytes of the same secret: machines get it sealed anew.
    let secret = root.join("secrets/greeting.age");
    let identity = Identities::read(Path::new(IDENTITY)).unwrap();
    let value = identity.open("greeting.age", &fs::read(&secret).unwrap()).unwrap();
    let to: Vec<String> = decrypt(&fs::read_to_string(root.join("people/me.yaml")).unwrap());
    fs::write(secret, knarr::secrets::seal(&to.into_iter().collect(), &value).unwrap()).unwrap();
    repository
}

/// Returns the recipients in a person's file.
fn decrypt(person: &str) -> Vec<String> {
    let words = person.split(|c: char| !c.is_ascii_alphanumeric());
    words.filter(|word| word.starts_with("age1")).map(str::to_owned).collect()
}

#[test]
fn a_render_that_is_killed_anywhere_is_healed_by_the_next() {
    let repository = changed();
    let (old, complete) = (seen(&repository), repository.copied());
    assert_eq!(complete.knarr("render").code, 0);
    let new = seen(&complete);
    each_kill(&repository, &["render"], |left, what| {
        each_is_old_or_new(&seen(left), &old, &new, what);
        let said = left.knarr("render");
        assert!(said.code == 0 && !said.text.contains("KN04"), "{what}: {}", said.text);
        assert_same(&left.files(), &new, what);
        let said = left.knarr("check");
        assert!(said.code == 0 && said.text.ends_with("no errors\n"), "{what}: {}", said.text);
    });
}

#[test]
fn a_render_that_was_killed_may_be_followed_by_another_change() {
    let repository = changed();
    each_kill(&repository, &["render"], |left, what| {
        fs::write(left.root().join("host/motd"), "Ahoy again.\n").unwrap();
        assert!(killed(left, &["render"], "renameat", 2), "{what}");
        fs::write(left.root().join("host/motd"), "Ahoy, at last.\n").unwrap();
        let said = left.knarr("render");
        assert!(said.code == 0, "{what}: {}", said.text);
        let said = left.knarr("check");
        assert!(said.code == 0 && said.text.ends_with("no errors\n"), "{what}: {}", said.text);
    });
}

#[test]
fn other_commands_that_are_killed_are_done_or_can_be_done_again() {
    let base = Repository::base();
    let app =
        ["app", "add", "wiki", "--image", "registry.example/wiki:1", "--port", "8080", "--host", "wiki"];
    let key = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
    let device = ["peer", "add", "phone", "--owner", "ada", "--via", "edge", "--key", key];
    for args in [app.as_slice(), &device] {
        let complete = base.copied();
        let said = complete.run(args);
        assert_eq!(said.code, 0, "{}", said.text);
        let (old, new) = (seen(&base), seen(&complete));
        each_kill(&base, args, |left, what| {
            let is_done = seen(left).len() == new.len();
            let said = left.knarr("render");
            assert!(said.code == 0, "{what}: {}", said.text);
            assert!(seen(left).keys().all(|path| !path.ends_with("owned.yaml") || old.contains_key(path)));
            let said = left.run(args);
            assert!(is_done != (said.code == 0), "{what}: {}", said.text);
        });
    }
}

/// Types a command again, with the same on standard input.
fn again(repository: &Repository, args: &[&str]) -> (Option<i32>, String) {
    let mut knarr = Command::new(env!("CARGO_BIN_EXE_knarr"));
    knarr.args(args).current_dir(repository.root()).stdin(fs::File::open(INPUT).unwrap());
    let output = knarr.env("HOME", repository.folder()).env("KNARR_IDENTITY", IDENTITY).output().unwrap();
    (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

/// Proves that a command that is killed anywhere tears nothing, and is completed by the same command.
fn is_completed_by_itself(start: &Repository, args: &[&str]) {
    let complete = start.copied();
    let (code, said) = again(&complete, args);
    assert_eq!(code, Some(0), "{said}");
    let (old, new) = (seen(start), seen(&complete));
    assert!(old != new, "{args:?} writes nothing");
    each_kill(start, args, |left, what| {
        each_is_old_or_new(&seen(left), &old, &new, what);
        let was_done = seen(left).keys().eq(new.keys());
        let (code, said) = again(left, args);
        assert!(code == Some(0) || was_done && said.contains("already"), "{what}: {said}");
        assert_same(&seen(left), &new, what);
    });
}

#[test]
fn a_secret_that_was_being_written_is_as_before_or_can_be_written_again() {
    let base = Repository::base();
    is_completed_by_itself(&base, &["secret", "set", "token"]);
    is_completed_by_itself(&base, &["secret", "set", "--force", "greeting"]);
    is_completed_by_itself(&base, &["seal", "db", "--app", "shop", "password", "-"]);
}

#[test]
fn an_upgrade_that_was_being_written_is_done_by_typing_it_again() {
    let base = Repository::base();
    let mirror = tempfile::tempdir().unwrap();
    for version in ["v1.36.2+k3s1", "v1.36.4+k3s1"] {
        for (arch, file) in [("amd64", "k3s"), ("arm64", "k3s-arm64")] {
            let place = format!("k3s-io/k3s/releases/download/{version}/sha256sum-{arch}.txt");
            let place = mirror.path().join(place);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(place, format!("{}  {file}\n", "36".repeat(32))).unwrap();
        }
    }
    let cluster = base.root().join("cluster.yaml");
    let mirrors = format!("format: 1\nmirrors: [\"{}\"]\n", mirror.path().display());
    fs::write(&cluster, fs::read_to_string(&cluster).unwrap().replace("format: 1\n", &mirrors)).unwrap();
    is_completed_by_itself(&base, &["upgrade", "k3s"]);
}

/// Proves that one key of the repository opens what its certificate seals.
fn opens_what_it_seals(left: &Repository, what: &str) {
    for args in
        [["seal", "db", "--app", "shop", "password", "-", "--force"].as_slice(), &["unseal", "shop/db"]]
    {
        let (code, said) = again(left, args);
        assert!(code == Some(0), "{what}: {said}");
    }
}

#[test]
fn a_sealing_key_that_was_being_made_is_whole_or_made_again() {
    let base = Repository::base();
    for file in ["sealing.crt", "sealing-keys.age"] {
        fs::remove_file(base.root().join("secrets").join(file)).unwrap();
    }
    each_kill(&base, &["sealing-key", "new"], |left, what| {
        let (code, said) = again(left, &["sealing-key", "new"]);
        assert!(code == Some(0) || said.contains("is there already"), "{what}: {said}");
        opens_what_it_seals(left, what);
    });
}

#[test]
fn a_rotation_that_was_cut_short_opens_what_was_sealed_before_it_and_can_be_done_again() {
    let base = Repository::base();
    opens_what_it_seals(&base, "before");
    // Each try makes two keys of 4096 bits; files come by a rename, as the other tests show.
    each_kill_at(&["renameat"], &base, &["sealing-key", "rotate"], |left, what| {
        let (code, said) = again(left, &["unseal", "shop/db"]);
        assert!(code == Some(0), "{what}: {said}");
        let (code, said) = again(left, &["sealing-key", "rotate"]);
        assert!(code == Some(0), "{what}: {said}");
        let (code, said) = again(left, &["render"]);
        assert!(code == Some(0) && !said.contains("KN032"), "{what}: {said}");
        opens_what_it_seals(left, what);
    });
}
