//! `knarr origin`, and what `knarr up` refuses before it looks at anything.

use crate::home::Home;
use std::fs;

#[test]
fn the_origin_moves_and_the_old_one_stays_known() {
    let home = Home::with_example();
    home.git("harbor", &["remote", "add", "origin", "git@git.example:me/harbor.git"]);
    home.replace("harbor/cluster.yaml", "git: {", "# ours\ngit: {");
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0v6gBYhF5QIHJMherjri2ZvkKcQ6jjlXW31AThKG1Y";
    home.write(".ssh/known_hosts", &format!("forge.example {key}\nother.example {key}\n"));
    let said = home.knarr("harbor", &["origin", "git@forge.example:me/harbor.git"]);
    assert!(said.contains("git's `origin` is git@forge.example:me/harbor.git"), "{said}");
    assert!(said.contains("knarr doctor") && said.contains("git push old-origin HEAD:main"), "{said}");
    let cluster = fs::read_to_string(home.path("harbor/cluster.yaml")).unwrap();
    assert!(
        cluster.contains("# ours\n")
            && cluster.contains("forge.example:me")
            && !cluster.contains("git.example"),
        "{cluster}"
    );
    let hosts = fs::read_to_string(home.path("harbor/.knarr/known_hosts")).unwrap();
    assert!(hosts.contains("forge.example") && !hosts.contains("other.example"), "{hosts}");
    let remote = |name: &str| home.git("harbor", &["config", &format!("remote.{name}.url")]);
    assert_eq!(remote("origin"), "git@forge.example:me/harbor.git\n");
    assert_eq!(remote("old-origin"), "git@git.example:me/harbor.git\n");
    let said = home.knarr("harbor", &["origin", "git@forge.example:me/harbor.git"]);
    assert!(said.contains("is the origin already") && said.ends_with("exit 1\n"), "{said}");
}

#[test]
fn a_place_that_git_does_not_take_changes_nothing() {
    let home = Home::with_example();
    let before = fs::read(home.path("harbor/cluster.yaml")).unwrap();
    let said = home.knarr("harbor", &["origin", "ext::sh -c x"]);
    assert!(said.contains("KN0109") && said.ends_with("exit 1\n"), "{said}");
    assert_eq!(fs::read(home.path("harbor/cluster.yaml")).unwrap(), before);
}

#[test]
fn up_has_its_origin_on_the_machine() {
    let home = Home::empty();
    let said = home.knarr(".", &["up", "harbor", "--origin", "git@git.example:me/harbor.git"]);
    assert!(said.contains("knarr origin URL") && said.ends_with("exit 1\n"), "{said}");
    assert!(!home.path("harbor").exists());
}
