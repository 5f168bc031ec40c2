//! Two people at once: whatever git makes of rendered/, one render heals it, and what a person did there is kept.

use crate::home::{Home, files};
use knarr::address::{Kind, proposed};
use knarr_node::name::RepoPath;
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

const BASE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/cases/base");

/// A repository with everything at an origin, and two clones of it.
fn two_clones(driver: Driver) -> Home {
    let home = Home::with(BASE);
    home.knarr("harbor", &["render"]);
    home.git("harbor", &["add", "--all"]);
    home.git("harbor", &["commit", "-q", "-m", "rendered"]);
    home.git(".", &["clone", "-q", "--bare", "harbor", "origin.git"]);
    for clone in ["ann", "ben"] {
        home.git(".", &["clone", "-q", "origin.git", clone]);
        home.knarr(clone, &["setup"]);
        if driver == Driver::Without {
            home.git(clone, &["config", "--remove-section", "merge.knarr"]);
        }
    }
    home
}

/// Whether `knarr setup` said how rendered/ is merged.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Driver {
    With,
    Without,
}

/// Writes a machine of that name, with keys of its own.
fn node(home: &Home, clone: &str, name: &str, mesh: &str) {
    let (_, age) = knarr::secrets::new_identity();
    let key = home.path(&format!("{name}.key"));
    let keygen = ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"];
    home.command(".", "ssh-keygen").args(keygen).arg(&key).assert().success();
    let ssh = fs::read_to_string(key.with_extension("key.pub")).unwrap();
    let (machine, wireguard) = (digest(name), wireguard(name));
    let text = format!(
        "roles: [agent]\nnat: true\nrelay: edge\nssh: root@{name}\nmesh: {mesh}\nkeys:\n  machine: {machine}\n  age: {age}\n  \
         wireguard: {wireguard}\n  ssh: {}\nhost: {{files: {{/etc/own: {{secret: {name}}}}}}}\n",
        ssh.trim()
    );
    home.write(&format!("{clone}/nodes/{name}.yaml"), &text);
}

fn digest(name: &str) -> String {
    knarr::secrets::digest(name.as_bytes()).hex().as_str().to_owned()
}

/// Returns 32 bytes in base64, of which the name decides the first.
fn wireguard(name: &str) -> String {
    format!("{:A<43}=", name.replace('-', "x"))
}

fn address(kind: Kind, name: &str) -> String {
    proposed(kind, name, "10.210.0.0/16".parse().unwrap(), &BTreeSet::new()).unwrap().to_string()
}

/// Adds a machine, a device, a secret and an app, all called after somebody; renders and commits.
fn work(home: &Home, clone: &str) {
    let [machine, device, app] = ["box", "phone", "shop"].map(|what| format!("{clone}-{what}"));
    secret(home, clone, &machine);
    node(home, clone, &machine, &address(Kind::Node, &machine));
    home.knarr(clone, &["peer", "add", &device, "--key", &wireguard(&device), "--until", "never"]);
    home.knarr(clone, &["app", "add", &app, "--image", "registry.example/shop:1", "--port", "8080"]);
    let everywhere = format!("{clone}-all");
    secret(home, clone, &everywhere);
    // Both change all machines, and what edge can open: one in its own file, the other for all.
    if clone == "ann" {
        home.replace("ann/nodes/edge.yaml", "  files:\n", "  files:\n    /etc/ann: {secret: ann-all}\n");
        home.replace("ann/cluster.yaml", "vm.swappiness: \"10\"", "vm.swappiness: \"20\"");
    } else {
        home.replace("ben/cluster.yaml", "/etc/motd: {from: host/motd}", "/etc/ben: {secret: ben-all}");
    }
    let said = home.knarr(clone, &["render"]);
    assert!(said.contains("wrote") && !said.contains("exit"), "{said}");
    commit(home, clone, clone);
}

fn secret(home: &Home, clone: &str, name: &str) {
    let mut set = home.command(clone, env!("CARGO_BIN_EXE_knarr"));
    set.args(["secret", "set", name]).write_stdin(format!("of {name}")).assert().success();
}

fn commit(home: &Home, clone: &str, message: &str) {
    home.git(clone, &["add", "--all"]);
    home.git(clone, &["commit", "-q", "-m", message]);
}

/// Brings what is at the origin together with what is in the clone, rendering anew wherever git stops.
fn bring(home: &Home, clone: &str, how: &[&str], goes_on: &[&str]) {
    home.git(clone, &["fetch", "-q"]);
    let mut ended = home.git_ends(clone, how);
    for _ in 0..5 {
        if ended.status.success() {
            return;
        }
        let said = home.knarr(clone, &["render"]);
        assert!(!said.contains("exit"), "{said}");
        home.git(clone, &["add", "--all"]);
        ended = home.git_ends(clone, &[&["-c", "core.editor=true"], goes_on].concat());
    }
    panic!("{how:?} does not end: {ended:?}");
}

/// Renders, and proves that nothing but that is missing.
fn is_whole_after_one_render(home: &Home, clone: &str) {
    let said = home.knarr(clone, &["render"]);
    assert!(!said.contains("exit"), "{said}");
    let said = home.knarr(clone, &["check"]);
    assert!(said.contains("harbor with 5 machines: no errors") && !said.contains("exit"), "{said}");
    let merged = rendered(home, clone);
    fs::remove_dir_all(home.path(&format!("{clone}/rendered"))).unwrap();
    home.knarr(clone, &["render"]);
    assert_eq!(merged, rendered(home, clone), "it is what a render from nothing gives");
    for name in ["ann-box", "ben-box"] {
        assert!(merged.iter().any(|(path, _)| path.ends_with(format!("nodes/{name}.age"))), "{name}");
    }
}

/// Returns the outputs; of encrypted ones, which are never the same twice, only that they are there.
fn rendered(home: &Home, clone: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let changes =
        |path: &PathBuf| path.ends_with("owned.yaml") || path.extension().is_some_and(|it| it == "age");
    let files = files(&home.path(&format!("{clone}/rendered")));
    files
        .into_iter()
        .map(|(path, bytes)| if changes(&path) { (path, Vec::new()) } else { (path, bytes) })
        .collect()
}

fn both_work(driver: Driver, how: &[&str], goes_on: &[&str]) {
    let home = two_clones(driver);
    work(&home, "ann");
    home.git("ann", &["push", "-q"]);
    work(&home, "ben");
    bring(&home, "ben", how, goes_on);
    is_whole_after_one_render(&home, "ben");
}

#[test]
fn a_merge_is_whole_after_one_render() {
    for driver in [Driver::With, Driver::Without] {
        both_work(driver, &["merge", "-q", "-m", "both", "origin/main"], &["merge", "--continue"]);
    }
}

#[test]
fn a_rebase_is_whole_after_one_render() {
    for driver in [Driver::With, Driver::Without] {
        both_work(driver, &["rebase", "-q", "origin/main"], &["rebase", "--continue"]);
    }
}

#[test]
fn a_cherry_pick_is_whole_after_one_render() {
    for driver in [Driver::With, Driver::Without] {
        both_work(driver, &["cherry-pick", "origin/main"], &["cherry-pick", "--continue"]);
    }
}

#[test]
fn a_rebase_of_several_commits_is_whole_after_one_render() {
    let home = two_clones(Driver::With);
    work(&home, "ann");
    home.git("ann", &["push", "-q"]);
    home.write("ben/host/motd", "one\n");
    home.knarr("ben", &["render"]);
    commit(&home, "ben", "one");
    work(&home, "ben");
    home.replace("ben/nodes/edge.yaml", "This is edge.", "This is edge, indeed.");
    home.knarr("ben", &["render"]);
    commit(&home, "ben", "two");
    bring(&home, "ben", &["rebase", "-q", "origin/main"], &["rebase", "--continue"]);
    is_whole_after_one_render(&home, "ben");
}

#[test]
fn two_branches_with_one_address_are_told_both_files_and_a_free_one() {
    let home = two_clones(Driver::With);
    for clone in ["ann", "ben"] {
        let machine = format!("{clone}-box");
        secret(&home, clone, &machine);
        node(&home, clone, &machine, "10.210.7.7");
        home.knarr(clone, &["render"]);
        commit(&home, clone, clone);
    }
    home.git("ann", &["push", "-q"]);
    home.git("ben", &["fetch", "-q"]);
    home.git("ben", &["merge", "-q", "-m", "both", "origin/main"]);
    let said = home.knarr("ben", &["render"]);
    let free = address(Kind::Node, "ben-box");
    assert!(
        said.contains("error[KN0507]: nodes/ann-box.yaml has the same mesh address 10.210.7.7"),
        "{said}"
    );
    assert!(
        said.contains("--> nodes/ben-box.yaml:5:7") && said.contains(&format!("write `mesh: {free}`")),
        "{said}"
    );
    home.replace("ben/nodes/ben-box.yaml", "10.210.7.7", &free);
    is_whole_after_one_render(&home, "ben");
}

/// Puts marks of a conflict around the whole of a file, as git does.
fn conflict(home: &Home, path: &str) {
    let text = fs::read_to_string(home.path(path)).unwrap();
    home.write(path, &format!("<<<<<<< HEAD\n{text}=======\n{text}# other\n>>>>>>> other\n"));
}

#[test]
fn marks_of_a_conflict_in_any_output_are_rendered_away() {
    let home = two_clones(Driver::With);
    let before = files(&home.path("ann/rendered"));
    for path in ["owned.yaml", "mesh.yaml", "nodes/edge.yaml", "cluster.yaml", "argocd/applications.yaml"] {
        conflict(&home, &format!("ann/rendered/{path}"));
    }
    let said = home.knarr("ann", &["render"]);
    assert!(said.contains("wrote rendered/owned.yaml") && !said.contains("exit"), "{said}");
    assert!(files(&home.path("ann/rendered")) == before);
}

/// Writes an output as another version of knarr would have, with its line in the list.
fn rendered_otherwise(home: &Home, path: &str, from: &str, to: &str) {
    let hex = |text: &str| knarr::secrets::digest(text.as_bytes()).hex().as_str().to_owned();
    let full = format!("ben/{path}");
    let old = fs::read_to_string(home.path(&full)).unwrap();
    home.replace(&full, from, to);
    let new = fs::read_to_string(home.path(&full)).unwrap();
    home.replace("ben/rendered/owned.yaml", &hex(&old), &hex(&new));
}

const STATE: &str = "rendered/nodes/attic.yaml";
const FIRST: &str = "# Written by `knarr render`: do not edit.\n";

/// Two branches change the first and the last line of one output, which git merges without a word.
fn merged_silently(ours_is_listed: bool) -> (Home, String) {
    let home = two_clones(Driver::Without);
    home.git("ben", &["checkout", "-q", "-b", "other"]);
    rendered_otherwise(&home, STATE, "vm.swappiness = 10", "vm.swappiness = 10 # theirs");
    commit(&home, "ben", "other");
    home.git("ben", &["checkout", "-q", "main"]);
    if ours_is_listed {
        rendered_otherwise(&home, STATE, FIRST, "# ours\n");
    } else {
        home.replace(&format!("ben/{STATE}"), FIRST, "# ours\n");
    }
    commit(&home, "ben", "main");
    let _ = home.git_ends("ben", &["merge", "-q", "-m", "both", "other"]);
    let text = fs::read_to_string(home.path(&format!("ben/{STATE}"))).unwrap();
    assert!(text.contains("# ours") && text.contains("# theirs") && !text.contains("<<<<"), "{text}");
    let said = home.knarr("ben", &["render"]);
    (home, said)
}

#[test]
fn what_git_merged_of_two_renders_is_rendered_anew() {
    let (home, said) = merged_silently(true);
    assert!(said.contains(&format!("wrote {STATE}")) && !said.contains("exit"), "{said}");
    assert!(home.knarr("ben", &["check"]).contains("no errors"));
}

#[test]
fn what_a_person_did_to_an_output_is_found_behind_a_merge_too() {
    let (_, said) = merged_silently(false);
    assert!(said.contains("error[KN0401]") && said.ends_with("exit 1\n"), "{said}");
}

#[test]
fn an_output_under_another_name_or_of_an_old_commit_is_nobodys_work() {
    let home = two_clones(Driver::With);
    work(&home, "ann");
    home.git("ann", &["checkout", "-q", "HEAD~1", "--", "rendered/nodes/edge.yaml"]);
    fs::copy(home.path("ann/rendered/mesh.yaml"), home.path("ann/rendered/mesh.yaml~other")).unwrap();
    home.write("ann/rendered/owned.yaml", "");
    let said = home.knarr("ann", &["render"]);
    assert!(!said.contains("exit"), "{said}");
    assert!(!home.path("ann/rendered/mesh.yaml~other").exists());
    assert!(home.knarr("ann", &["check"]).contains("no errors"));
}

#[test]
fn an_edit_of_an_output_is_shown_and_has_two_ways_out() {
    let home = two_clones(Driver::With);
    let path = "ann/rendered/nodes/edge.yaml";
    home.replace(path, "This is edge.", "This is \u{1b}[2Kmine.");
    commit(&home, "ann", "by hand");
    let edited = fs::read(home.path(path)).unwrap();
    let said = home.knarr("ann", &["render"]);
    assert!(said.contains("-    text: \"This is edge.\\n\"") || said.contains("This is edge."), "{said}");
    assert!(said.contains("This is ·[2Kmine.") && said.contains("say it in nodes/edge.yaml"), "{said}");
    assert!(said.contains("knarr render --discard rendered/nodes/edge.yaml"), "{said}");
    assert_eq!(fs::read(home.path(path)).unwrap(), edited);
    // One way: what it says is taken over.
    home.replace("ann/nodes/edge.yaml", "This is edge.", "This is mine.");
    let said = home.knarr("ann", &["render", "--discard", "rendered/nodes/edge.yaml"]);
    assert!(said.contains("wrote rendered/nodes/edge.yaml"), "{said}");
    assert!(fs::read_to_string(home.path(path)).unwrap().contains("This is mine."));
    // The other: it is dropped, with what else lies in the folder.
    home.replace(path, "mine", "theirs");
    home.write("ann/rendered/nodes/notes.txt", "mine\n");
    let said = home.knarr("ann", &["render", "--discard", "rendered/mesh.yaml"]);
    assert!(said.contains("KN0401") && said.contains("KN0402"), "{said}");
    assert!(!home.knarr("ann", &["render", "--discard", "rendered/nodes"]).contains("exit"));
    assert!(!home.path("ann/rendered/nodes/notes.txt").exists());
    let refused = home.knarr("ann", &["render", "--discard", "nodes/edge.yaml"]);
    assert!(refused.contains("`nodes/edge.yaml` is no output") && refused.ends_with("exit 1\n"), "{refused}");
}

#[test]
fn an_edited_list_is_written_anew_and_hides_nothing() {
    let home = two_clones(Driver::With);
    home.replace("ann/rendered/nodes/edge.yaml", "This is edge.", "mine");
    home.write("ann/rendered/owned.yaml", "rendered/nodes/edge.yaml: nonsense\n");
    assert!(home.knarr("ann", &["render"]).contains("error[KN0401]"));
    let path: RepoPath = "rendered/nodes/edge.yaml".parse().unwrap();
    assert!(!home.knarr("ann", &["render", "--discard", path.as_str()]).contains("exit"));
    assert!(home.knarr("ann", &["check"]).contains("no errors"));
}
