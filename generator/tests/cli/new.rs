//! `knarr new` against a real git and ssh-keygen.

use crate::home::Home;
use ::knarr::seal::{Certificate, Ring};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

fn knarr(home: &Home, folder: &str, args: &[&str]) -> (String, i32) {
    let output = home.command(folder, env!("CARGO_BIN_EXE_knarr")).args(args).output().unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    (text, output.status.code().unwrap())
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn makes_a_signed_repository_that_checks_clean_without_network() {
    let home = Home::empty();
    let (said, code) =
        knarr(&home, ".", &["new", "harbor", "--domain", "harbor.example", "--recovery", "kit"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("git does not know you: commits here are by jo-doe"), "{said}");
    assert!(said.contains("id_ed25519_knarr, made now"), "{said}");
    assert!(home.git_ends("harbor", &["verify-commit", "HEAD"]).status.success());
    assert!(home.git_ends("harbor", &["status", "--porcelain"]).stdout.is_empty());
    assert_eq!(knarr(&home, "harbor", &["check"]), (" ✓ harbor with 0 machines: no errors\n".to_owned(), 0));
    assert_eq!(knarr(&home, "harbor", &["render", "--check"]).1, 0);
}

/// The person whom Debian calls nobody. Source: base-passwd 3.6, passwd.master.
const NOBODY: u32 = 65534;

#[test]
fn a_repository_is_made_by_somebody_to_whom_the_folders_above_do_not_belong() {
    let home = Home::empty();
    let program = home.path("knarr");
    fs::copy(env!("CARGO_BIN_EXE_knarr"), &program).unwrap();
    fs::create_dir(home.path("me")).unwrap();
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    let mut new = home.command("me", if is_root { "setpriv".as_ref() } else { program.as_os_str() });
    if is_root {
        for folder in ["", "me"] {
            std::os::unix::fs::chown(home.path(folder), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let id = NOBODY.to_string();
        new.args(["--reuid", &id, "--regid", &id, "--clear-groups"]).arg(&program);
    }
    new.args(["new", "harbor", "--recovery", "kit"]).assert().success();
    assert!(home.path("me/harbor/rendered/owned.yaml").exists());
}

#[test]
fn private_things_are_private_and_not_in_the_repository() {
    let home = Home::empty();
    knarr(&home, ".", &["new", "harbor", "--recovery", "kit"]);
    assert_eq!(mode(&home.path("kit")), 0o600);
    assert_eq!(mode(&home.path(".config/knarr/harbor.txt")), 0o600);
    let kit = fs::read_to_string(home.path("kit")).unwrap();
    assert!(kit.contains("AGE-SECRET-KEY-1") && kit.contains("BEGIN OPENSSH PRIVATE KEY"));
    let all = home.git_ends("harbor", &["grep", "-E", "AGE-SECRET-KEY|PRIVATE KEY", "HEAD"]);
    assert!(all.stdout.is_empty(), "{}", String::from_utf8_lossy(&all.stdout));
}

#[test]
fn the_recovery_kit_opens_the_secrets_and_its_key_is_ssh_keygens() {
    let home = Home::empty();
    knarr(&home, ".", &["new", "harbor", "--recovery", "kit"]);
    let kit = ::knarr::secrets::Identities::read(&home.path("kit")).unwrap();
    let sealed = fs::read(home.path("harbor/secrets/deploy-key.age")).unwrap();
    let deploy = kit.open("deploy-key", &sealed).unwrap();
    fs::write(home.path("key"), &*deploy).unwrap();
    fs::set_permissions(home.path("key"), PermissionsExt::from_mode(0o600)).unwrap();
    let public = home.command(".", "ssh-keygen").args(["-y", "-f", "key"]).output().unwrap().stdout;
    let there = fs::read_to_string(home.path("harbor/.knarr/deploy.pub")).unwrap();
    assert!(there.starts_with(String::from_utf8(public).unwrap().trim_end()));
}

#[test]
fn the_sealing_key_is_made_with_the_cluster_and_the_recovery_kit_opens_it() {
    let home = Home::empty();
    knarr(&home, ".", &["new", "harbor", "--recovery", "kit"]);
    let kit = ::knarr::secrets::Identities::read(&home.path("kit")).unwrap();
    let keys = fs::read(home.path("harbor/secrets/sealing-keys.age")).unwrap();
    let keys = kit.open("sealing-keys", &keys).unwrap();
    let keys = std::str::from_utf8(&keys).unwrap();
    let ring = Ring::read(keys, &"harbor".parse().unwrap(), jiff::Timestamp::now()).unwrap();
    let certificate = fs::read(home.path("harbor/secrets/sealing.crt")).unwrap();
    assert_eq!(&Certificate::read(&certificate).unwrap().id, ring.newest().id());
    let all = home.git_ends("harbor", &["ls-files", "secrets"]).stdout;
    assert!(
        String::from_utf8(all).unwrap().contains("secrets/sealing-keys.age"),
        "it is in the first commit"
    );
}

#[test]
fn the_authorities_of_kubernetes_are_made_with_the_cluster_and_its_tokens_pin_them() {
    let home = Home::empty();
    knarr(&home, ".", &["new", "harbor", "--recovery", "kit"]);
    let kit = ::knarr::secrets::Identities::read(&home.path("kit")).unwrap();
    let open = |name: &str| {
        let path = format!("secrets/{name}.age");
        let plain = kit.open(&path, &fs::read(home.path("harbor").join(path.as_str())).unwrap()).unwrap();
        String::from_utf8(plain.to_vec()).unwrap()
    };
    let sum = home.command("harbor", "sha256sum").arg("secrets/server-ca.crt").output().unwrap().stdout;
    let sum = String::from_utf8(sum).unwrap()[..64].to_owned();
    assert!(open("k3s-token").starts_with(&format!("K10{sum}::server:")));
    assert!(open("k3s-agent-token").starts_with(&format!("K10{sum}::node:")));
    for key in ["client", "server", "request-header", "etcd-peer", "etcd-server"] {
        assert!(open(&format!("k3s-ca-{key}")).starts_with("-----BEGIN PRIVATE KEY-----\n"), "{key}");
    }
    assert!(open("k3s-service-key").starts_with("-----BEGIN RSA PRIVATE KEY-----\n"));
    let all = String::from_utf8(home.git_ends("harbor", &["ls-files", "secrets"]).stdout).unwrap();
    let count = |end: &str| all.lines().filter(|line| line.ends_with(end)).count();
    assert_eq!((count("-ca.crt"), count(".age")), (5, 10), "{all}");
}

#[test]
fn refuses_a_folder_with_something_in_it_and_a_kit_over_another_file() {
    let home = Home::empty();
    fs::write(home.path("kit"), "mine").unwrap();
    let (said, code) = knarr(&home, ".", &["new", "harbor", "--recovery", "kit"]);
    assert!(code == 1 && said.contains("cannot write `kit`"), "{said}");
    assert_eq!(fs::read_to_string(home.path("kit")).unwrap(), "mine");
    fs::create_dir_all(home.path("full")).unwrap();
    fs::write(home.path("full/x"), "").unwrap();
    let (said, code) = knarr(&home, ".", &["new", "full", "--recovery", "kit2"]);
    assert!(code == 1 && said.contains("`full` is there already"), "{said}");
    let (said, code) = knarr(&home, ".", &["new", "other"]);
    assert!(code == 1 && said.contains("add --recovery FILE") && !home.path("other").exists(), "{said}");
}

#[test]
fn records_the_origin_with_its_pinned_host_keys() {
    let home = Home::empty();
    fs::create_dir_all(home.path(".ssh")).unwrap();
    let keygen = ["-q", "-t", "ed25519", "-N", "", "-C", "host", "-f", "hostkey"];
    home.command(".", "ssh-keygen").args(keygen).assert().success();
    let key = fs::read_to_string(home.path("hostkey.pub")).unwrap();
    fs::write(home.path(".ssh/known_hosts"), format!("other.example {key}[git.example]:2222 {key}")).unwrap();
    home.command(".", "ssh-keygen").args(["-q", "-H", "-f", ".ssh/known_hosts"]).assert().success();
    let origin = "ssh://git@git.example:2222/harbor.git";
    let (said, _) = knarr(&home, ".", &["new", "harbor", "--origin", origin, "--recovery", "kit"]);
    assert!(said.contains("harbor/.knarr/deploy.pub"), "{said}");
    let pinned = fs::read_to_string(home.path("harbor/.knarr/known_hosts")).unwrap();
    assert!(
        pinned.starts_with("[git.example]:2222 ssh-ed25519 AAAA") && pinned.lines().count() == 1,
        "{pinned}"
    );
    let url = home.git_ends("harbor", &["remote", "get-url", "origin"]).stdout;
    assert_eq!(String::from_utf8(url).unwrap().trim(), origin);
}

#[test]
fn uses_the_key_that_git_signs_with_already() {
    let home = Home::empty();
    home.command(".", "ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f", "mine"]).assert().success();
    let config = format!(
        "[user]\n name = Jo\n email = jo@example.org\n signingkey = {}\n[gpg]\n format = ssh\n",
        home.path("mine.pub").display()
    );
    fs::write(home.path(".gitconfig"), config).unwrap();
    let (said, code) = knarr(&home, ".", &["new", "harbor", "--recovery", "kit"]);
    assert!(code == 0 && said.contains("(git's user.signingkey)"), "{said}");
    assert!(!home.path(".ssh").exists());
    assert!(home.git_ends("harbor", &["verify-commit", "HEAD"]).status.success());
}

#[test]
fn a_push_that_drops_commits_is_stopped_before_it_leaves() {
    let home = Home::empty();
    home.git_ends(".", &["init", "--quiet", "--bare", "--initial-branch=main", "origin.git"]);
    let origin = home.path("origin.git").display().to_string();
    knarr(&home, ".", &["new", "harbor", "--origin", &origin, "--recovery", "kit"]);
    assert!(home.git_ends("harbor", &["push", "--quiet", "origin", "main"]).status.success());
    home.git_ends("harbor", &["commit", "--quiet", "--amend", "-S", "-m", "amended"]);
    let push = home.git_ends("harbor", &["push", "--force", "origin", "main"]);
    let said = String::from_utf8_lossy(&push.stderr).into_owned();
    assert!(!push.status.success() && said.contains("`knarr mend`"), "{said}");
    let (said, code) = knarr(&home, "harbor", &["doctor"]);
    assert!(
        code == 1 && said.contains(" ✓ identity decrypts") && said.contains(" ✗ git push dry run"),
        "{said}"
    );
}

#[test]
fn a_branch_of_others_brings_no_hook_into_a_clone() {
    let home = Home::empty();
    knarr(&home, ".", &["new", "harbor", "--recovery", "kit"]);
    let mark = home.path("ran");
    for hook in ["post-checkout", "pre-push", "post-merge"] {
        let path = format!("harbor/.knarr/hooks/{hook}");
        home.write(&path, &format!("#!/bin/sh\ntouch {}\n", mark.display()));
        fs::set_permissions(home.path(&path), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    home.git("harbor", &["checkout", "--quiet", "-b", "theirs"]);
    home.git("harbor", &["checkout", "--quiet", "main"]);
    assert!(!mark.exists());
    // A clone that an older knarr set up would run them, and is told.
    home.git("harbor", &["config", "core.hooksPath", ".knarr/hooks"]);
    let (said, _) = knarr(&home, "harbor", &["check"]);
    assert!(said.contains("this clone is not set up"), "{said}");
    knarr(&home, "harbor", &["setup"]);
    home.git("harbor", &["checkout", "--quiet", "theirs"]);
    assert!(!mark.exists());
}
