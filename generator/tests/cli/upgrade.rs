//! `knarr upgrade k3s`, and `knarr new` with K3s: digests from a folder laid out like the release address.

use crate::home::Home;
use std::fs;

/// A mirror with these versions for both architectures.
fn mirror(home: &Home, versions: &[&str]) -> String {
    for version in versions {
        for (arch, file) in [("amd64", "k3s"), ("arm64", "k3s-arm64")] {
            let sum = if version.contains("36") { "36" } else { "37" }.repeat(32);
            let place = format!("mirror/k3s-io/k3s/releases/download/{version}/sha256sum-{arch}.txt");
            home.write(&place, &format!("{sum}  {file}\n"));
        }
    }
    home.path("mirror").to_str().unwrap().to_owned()
}

/// The example with a mirror and Argo CD.
fn with_mirror(versions: &[&str]) -> Home {
    let home = Home::with_example();
    let mirror = mirror(&home, versions);
    let mirrors = format!("format: 1 # ours\nmirrors: [\"{mirror}\"]\n");
    home.replace("harbor/cluster.yaml", "format: 1\n", &mirrors);
    let argocd = format!("argocd v3.2.11: {{sha256: {}, from: [/srv/core-install.yaml]}}\n", "ab".repeat(32));
    let lock = fs::read_to_string(home.path("harbor/knarr.lock")).unwrap();
    home.write("harbor/knarr.lock", &(lock + &argocd));
    home
}

fn read(home: &Home, file: &str) -> String {
    fs::read_to_string(home.path(file)).unwrap()
}

#[test]
fn the_newest_patch_comes_before_the_next_minor_version() {
    let home = with_mirror(&["v1.36.2+k3s1", "v1.36.4+k3s1", "v1.37.0+k3s1"]);
    let said = home.knarr("harbor", &["upgrade", "k3s", "v1.36.2+k3s1"]);
    assert!(said.contains("pinned K3s v1.36.2+k3s1 for amd64 and arm64"), "{said}");
    assert!(said.contains("made K3s's authorities and tokens"), "{said}");
    let versions = ["v1.36.4+k3s1", "v1.37.0+k3s1"].map(|version| {
        home.knarr("harbor", &["upgrade", "k3s"]);
        let (cluster, lock) = (read(&home, "harbor/cluster.yaml"), read(&home, "harbor/knarr.lock"));
        assert!(
            cluster.contains(&format!("k3s: {{version: {version}}}\n")) && cluster.contains("# ours"),
            "{cluster}"
        );
        lock.lines().filter(|line| line.starts_with("k3s ")).collect::<Vec<_>>()
            == [format!("k3s {version}:")]
    });
    assert_eq!(versions, [true, true]);
    let said = home.knarr("harbor", &["upgrade", "k3s"]);
    assert!(said.contains("v1.37.0+k3s1 is pinned already, and nothing newer is there"), "{said}");
    home.knarr("harbor", &["render"]);
    let said = home.knarr("harbor", &["check"]);
    assert!(said.contains("no errors"), "{said}");
}

#[test]
fn a_step_that_kubernetes_does_not_survive_is_refused_with_the_one_to_take() {
    let home = with_mirror(&["v1.36.2+k3s1", "v1.38.0+k3s1"]);
    home.knarr("harbor", &["upgrade", "k3s", "v1.36"]);
    let before = read(&home, "harbor/knarr.lock");
    for (version, help) in
        [("v1.38.0+k3s1", "knarr upgrade k3s v1.37, ship it"), ("v1.36.1+k3s1", "restore a snapshot")]
    {
        let said = home.knarr("harbor", &["upgrade", "k3s", version]);
        assert!(said.contains(help) && said.ends_with("exit 1\n"), "{said}");
    }
    assert_eq!(read(&home, "harbor/knarr.lock"), before);
}

#[test]
fn a_minor_version_that_was_not_shipped_is_not_left_behind() {
    let home = with_mirror(&["v1.36.2+k3s1", "v1.37.0+k3s1", "v1.38.0+k3s1"]);
    home.knarr("harbor", &["upgrade", "k3s", "v1.36"]);
    home.knarr("harbor", &["render"]);
    home.git("harbor", &["add", "--all"]);
    home.git("harbor", &["commit", "--quiet", "--no-verify", "-m", "k3s"]);
    home.knarr("harbor", &["upgrade", "k3s"]);
    let said = home.knarr("harbor", &["plan"]);
    assert!(said.contains("K3s goes from v1.36.2+k3s1 to v1.37.0+k3s1"), "{said}");
    let said = home.knarr("harbor", &["upgrade", "k3s"]);
    assert!(said.contains("from v1.36.2+k3s1 to v1.38.0+k3s1 skips a minor version"), "{said}");
}

#[test]
fn a_step_that_a_person_wrote_and_kubernetes_does_not_survive_is_found_against_what_was_pushed() {
    let home = with_mirror(&["v1.36.2+k3s1"]);
    home.knarr("harbor", &["upgrade", "k3s", "v1.36"]);
    home.knarr("harbor", &["render"]);
    home.git("harbor", &["add", "--all"]);
    home.git("harbor", &["commit", "--quiet", "--no-verify", "-m", "k3s"]);
    let pin = |version: &str| {
        let old = read(&home, "harbor/cluster.yaml");
        let line = old.lines().find(|line| line.starts_with("k3s: ")).unwrap().to_owned();
        home.replace("harbor/cluster.yaml", &line, &format!("k3s: {{version: {version}}}"));
        let lock = read(&home, "harbor/knarr.lock");
        home.write(
            "harbor/knarr.lock",
            &lock.replace(line["k3s: {version: ".len()..].trim_end_matches('}'), version),
        );
    };
    pin("v1.38.0+k3s1");
    let said = home.knarr("harbor", &["render"]);
    assert!(said.contains("error[KN0614]: from v1.36.2+k3s1 to v1.38.0+k3s1 skips"), "{said}");
    assert!(said.contains("knarr upgrade k3s v1.37"), "{said}");
    pin("v1.35.9+k3s1");
    let said = home.knarr("harbor", &["render"]);
    assert!(said.contains("warning[KN0615]: v1.35.9+k3s1 is older than v1.36.2+k3s1"), "{said}");
    pin("v1.37.0+k3s1");
    let said = home.knarr("harbor", &["render"]);
    assert!(!said.contains("KN061") && said.contains("wrote rendered/nodes/edge.yaml"), "{said}");
}

#[test]
fn a_version_that_a_person_wrote_is_pinned_and_its_machines_are_rendered() {
    let home = with_mirror(&["v1.36.2+k3s1"]);
    home.replace("harbor/cluster.yaml", "network:", "k3s: {version: v1.36.2+k3s1}\nnetwork:");
    assert!(
        home.knarr("harbor", &["check"]).contains("type")
            || home.knarr("harbor", &["check"]).contains("KN0602")
    );
    home.knarr("harbor", &["upgrade", "k3s"]);
    home.knarr("harbor", &["render"]);
    let edge = read(&home, "harbor/rendered/nodes/edge.yaml");
    assert!(edge.contains("k3s server") && edge.contains(&"36".repeat(32)), "{edge}");
    assert!(read(&home, "harbor/rendered/nodes/attic.yaml").contains("/v1.36.2+k3s1/k3s-arm64"));
}

#[test]
fn a_new_cluster_begins_with_the_newest_version_of_its_mirror() {
    let home = Home::empty();
    let mirror = mirror(&home, &["v1.36.2+k3s1", "v1.37.0+k3s1"]);
    home.knarr(".", &["new", "harbor", "--recovery", "kit", "--mirror", &mirror]);
    assert!(read(&home, "harbor/knarr.lock").contains("k3s v1.37.0+k3s1:\n"));
    let cluster = read(&home, "harbor/cluster.yaml");
    assert!(cluster.contains("k3s: {version: v1.37.0+k3s1}\n") && cluster.contains(&mirror), "{cluster}");
    let said = home.knarr("harbor", &["check"]);
    assert!(said.contains("no errors"), "{said}");
    let said =
        home.knarr(".", &["new", "other", "--recovery", "kit2", "--mirror", &mirror, "--k3s", "v1.35"]);
    assert!(!home.path("other").exists() && said.contains("v1.35"), "{said}");
}
