//! rendered/access/ssh_config and known_hosts, as the system's ssh and ssh-keygen read them.

use crate::home::Home;
use expect_test::expect;
use std::fs;

const CONFIG: &str = "rendered/access/ssh_config";
const KNOWN_HOSTS: &str = "rendered/access/known_hosts";

/// Returns what ssh makes of a name, as far as the file says anything.
fn resolved(home: &Home, name: &str) -> String {
    let ssh = home.command("harbor", "ssh").args(["-G", "-F", CONFIG, name]).output().unwrap();
    assert!(ssh.status.success(), "{ssh:?}");
    let said = ["hostname", "user", "port", "proxyjump", "hostkeyalias", "stricthostkeychecking"];
    let text = String::from_utf8(ssh.stdout).unwrap();
    let lines = text.lines().filter_map(|line| line.split_once(' '));
    lines.filter(|(key, _)| said.contains(key)).map(|(_, value)| value).collect::<Vec<_>>().join(" ")
}

#[test]
fn ssh_finds_each_machine_by_both_its_names() {
    let home = Home::with_example();
    home.replace("harbor/nodes/worker.yaml", "ssh: debian@198.51.100.4", "ssh: the-office:2222");
    home.knarr("harbor", &["render"]);
    let names = ["edge", "edge.mesh.harbor.example", "worker", "attic"];
    let all: String = names.map(|name| format!("{name}: {}\n", resolved(&home, name))).concat();
    let jo = home.command(".", "id").arg("-un").output().unwrap();
    let all = all.replace(&format!(": {} 198", String::from_utf8(jo.stdout).unwrap().trim()), ": ME 198");
    expect![[r#"
        edge: root 203.0.113.7 22 true edge.mesh.harbor.example
        edge.mesh.harbor.example: root 203.0.113.7 22 true edge.mesh.harbor.example
        worker: ME 198.51.100.4 2222 true worker.mesh.harbor.example
        attic: pi 10.210.38.122 22 true attic.mesh.harbor.example edge.mesh.harbor.example
    "#]]
    .assert_eq(&all);
}

#[test]
fn a_host_key_counts_for_ssh_and_for_reports() {
    let home = Home::with_example();
    let public = fs::read_to_string(home.path(".ssh/id_ed25519.pub")).unwrap();
    let key = public.rsplit_once(' ').unwrap().0;
    let there = fs::read_to_string(home.path("harbor/nodes/edge.yaml")).unwrap();
    let ssh = there.lines().find(|line| line.starts_with("  ssh: ")).unwrap().to_owned();
    home.replace("harbor/nodes/edge.yaml", &ssh, &format!("  ssh: {key}"));
    home.knarr("harbor", &["render"]);
    for name in ["edge", "edge.mesh.harbor.example"] {
        let found =
            home.command("harbor", "ssh-keygen").args(["-F", name, "-f", KNOWN_HOSTS]).output().unwrap();
        assert!(String::from_utf8(found.stdout).unwrap().contains(key), "{name}");
    }
    home.write("report", "all is well");
    let sign = ["-q", "-Y", "sign", "-n", "knarr-report", "-f", ".ssh/id_ed25519", "report"];
    home.command(".", "ssh-keygen").args(sign).assert().success();
    let known_hosts = format!("harbor/{KNOWN_HOSTS}");
    let by = |name| {
        let verify =
            ["-Y", "verify", "-f", &known_hosts, "-I", name, "-n", "knarr-report", "-s", "report.sig"];
        home.command(".", "ssh-keygen")
            .args(verify)
            .write_stdin("all is well")
            .output()
            .unwrap()
            .status
            .success()
    };
    assert!(by("edge") && !by("worker"));
}

#[test]
fn a_removed_machine_is_left_out_and_one_that_nothing_leads_to_is_said() {
    let home = Home::with_example();
    home.replace("harbor/nodes/worker.yaml", "keys:", "removed: true\nkeys:");
    home.replace("harbor/nodes/edge.yaml", "address: 203.0.113.7", "nat: true");
    home.replace("harbor/nodes/edge.yaml", "ssh: root@203.0.113.7", "ssh: root@192.168.1.1");
    home.replace("harbor/nodes/attic.yaml", "nat: true\nrelay: edge", "removed: true");
    home.knarr("harbor", &["render"]);
    let config = fs::read_to_string(home.path("harbor").join(CONFIG)).unwrap();
    assert!(config.ends_with("known_hosts\n# edge: nothing in the repository leads to it\n"), "{config}");
    let known_hosts = fs::read_to_string(home.path("harbor").join(KNOWN_HOSTS)).unwrap();
    assert!(known_hosts.contains("\nedge,edge.mesh.harbor.example ssh-ed25519 "), "{known_hosts}");
    assert_eq!(known_hosts.lines().count(), 2, "{known_hosts}");
}
