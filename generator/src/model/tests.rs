//! One valid example, one mutation, one finding.

use crate::disk::{Inputs, Repo};
use crate::finding::{self, Findings};
use crate::model::Model;
use crate::spec::Spec;
use knarr_node::name::RepoPath;

mod apps;
mod k3s;
mod network;

fn example() -> Inputs {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/three-machines");
    Repo::at(root).inputs().unwrap()
}

fn check(inputs: &Inputs) -> (Findings, Option<Model>) {
    let mut findings = Findings::default();
    let spec = Spec::of(inputs, &mut findings);
    let model = Model::of(&spec, inputs, &mut findings);
    (findings, model)
}

fn path(text: &str) -> RepoPath {
    text.parse().unwrap()
}

/// A mistake: in this file, this text becomes that one.
struct Slip(&'static str, &'static str, &'static str);

impl Slip {
    fn make(&self, inputs: &mut Inputs) {
        let Self(file, from, to) = self;
        let text = inputs.text(file).unwrap_or_default();
        assert!(text.contains(from), "{file} has no {from:?}");
        let text = if from.is_empty() { (*to).to_owned() } else { text.replacen(from, to, 1) };
        inputs.files.insert(path(file), text.into_bytes());
    }
}

#[test]
fn the_example_has_no_finding() {
    let (findings, model) = check(&example());
    assert_eq!(finding::text(&findings, &example(), false), "\n");
    assert_eq!(model.unwrap().nodes.len(), 3);
}

#[test]
fn each_single_mistake_is_one_finding_at_its_place() {
    let edge = |key: &str| line_of("nodes/edge.yaml", key);
    let cases: Vec<(Slip, &str)> = vec![
        (Slip("cluster.yaml", "name: harbor\n", "name: 'harbor\n"), "KN0101"),
        (Slip("cluster.yaml", "signers:", "signer:"), "KN0102 did you mean `signers`?"),
        (Slip("nodes/edge.yaml", "host:\n", "hots:\n"), "KN0102 did you mean `host`?"),
        (Slip("people/me.yaml", "email: me@example.org\n", ""), "KN0103"),
        (Slip("nodes/attic.yaml", "nat: true", "nat: yes"), "KN0104"),
        (Slip("people/me.yaml", "nodes: all", "nodes: some"), "KN0104"),
        (Slip("nodes/attic.yaml", "arch: arm64", "arch: arm"), "KN0104"),
        (Slip("nodes/attic.yaml", "nat: true", "nat: true\nnat: true"), "KN0105"),
        (Slip("cluster.yaml", "format: 1", "format: 2"), "KN0108"),
        (Slip("cluster.yaml", "name: harbor\n", "name: Harbor\n"), "KN0109"),
        (Slip("cluster.yaml", "harbor.example", "harbor..example"), "KN0109"),
        (Slip("cluster.yaml", "branch: main", "branch: -x"), "KN0109"),
        (Slip("cluster.yaml", "\"git@git.example:me/harbor.git\"", "\"ext::sh -c x\""), "KN0109"),
        (Slip("cluster.yaml", "\"git@git.example:me/harbor.git\"", "/srv/knarr/harbor.git"), "KN0731"),
        (Slip("cluster.yaml", "vm.swappiness", "swappiness"), "KN0109"),
        (Slip("cluster.yaml", "/etc/motd:", "etc/motd:"), "KN0109"),
        (Slip("nodes/edge.yaml", "203.0.113.7", "203.0.113.700"), "KN0109"),
        (Slip("nodes/edge.yaml", "ssh: root@", "ssh: -oProxyCommand=x@"), "KN0109"),
        (Slip("nodes/edge.yaml", "\"0640\"", "\"640\""), "KN0109"),
        (Slip("nodes/edge.yaml", "hello.service:", "hello:"), "KN0109"),
        (Slip("people/me.yaml", "me@example.org", "me@example.org,*"), "KN0109"),
        (Slip("people/ada.yaml", "as: ada", "as: Ada"), "KN0109"),
        (Slip("nodes/Edge.yaml", "", "keys: {}"), "KN0103"),
        (Slip("nodes/edge.yml", "", "x"), "KN0113"),
        (Slip("secrets/plain.txt", "", "x"), "KN0113"),
        (Slip("people/me.yaml", "ssh-ed25519 AAAA", "ssh-ed25519 BBBB"), "KN0201"),
        (
            Slip("people/me.yaml", "- ssh-ed25519 AAAA", "- -----BEGIN OPENSSH PRIVATE KEY----- AAAA"),
            "KN0201",
        ),
        (Slip("cluster.yaml", "recovery: ssh-ed25519", "recovery: ssh-dss"), "KN0201"),
        (Slip("nodes/edge.yaml", "age: age1", "age: age2"), "KN0202"),
        (Slip("people/me.yaml", "- age1", "- AGE1"), "KN0202"),
        (Slip("nodes/edge.yaml", "wireguard: ", "wireguard: A"), "KN0203"),
        (Slip("nodes/edge.yaml", "machine: ", "machine: x"), "KN0204"),
        (Slip("nodes/worker.yaml", line_of("nodes/worker.yaml", "age: "), edge("age: ")), "KN0205"),
        (Slip("nodes/worker.yaml", line_of("nodes/worker.yaml", "ssh: ssh"), edge("ssh: ssh")), "KN0205"),
        (Slip("nodes/worker.yaml", line_of("nodes/worker.yaml", "wireguard"), edge("wireguard")), "KN0205"),
        (Slip("nodes/worker.yaml", line_of("nodes/worker.yaml", "machine"), edge("machine")), "KN0205"),
        (Slip("cluster.yaml", "signers: [me]", "signers: []"), "KN0206"),
        (Slip("cluster.yaml", "signers: [me]", "signers: [me, eve]"), "KN0207"),
        (Slip("cluster.yaml", "signers: [me]", "signers: [me, adda]"), "KN0207 did you mean `ada`?"),
        (Slip("people/ada.yaml", "nodes: [worker,", "nodes: [walker,"), "KN0209 did you mean `worker`?"),
        (Slip("people/me.yaml", line_of("people/me.yaml", "- age1"), "\n"), "KN0210"),
        (Slip("cluster.yaml", line_of("cluster.yaml", "recovery:"), "\n"), "KN0211"),
        (Slip("people/me.yaml", "me@example.org", "ada@example.org"), "KN0212"),
        (
            Slip("people/me.yaml", line_of("people/me.yaml", "- ssh"), line_of("people/ada.yaml", "- ssh")),
            "KN0213",
        ),
        (Slip("nodes/edge.yaml", "{secret: greeting, mode", "{mode"), "KN0301"),
        (Slip("nodes/edge.yaml", "{secret: greeting,", "{secret: greeting, text: x,"), "KN0301"),
        (Slip("cluster.yaml", "from: host/motd", "from: host/mtod"), "KN0302 did you mean `host/motd`?"),
        (Slip("cluster.yaml", "from: host/motd", "from: people/me.yaml"), "KN0304"),
        (Slip("cluster.yaml", "from: host/motd", "from: host/../people/me.yaml"), "KN0304"),
        (Slip("nodes/edge.yaml", "/usr/local/bin/hi:", "/etc/motd:"), "KN0305"),
        (Slip("nodes/edge.yaml", "/usr/local/bin/hi:", "/etc/systemd/system/hello.service:"), "KN0305"),
        (Slip("nodes/edge.yaml", "/usr/local/bin/hi:", "/var/lib/knarr/hi:"), "KN0306"),
        (Slip("nodes/edge.yaml", "/usr/local/bin/hi:", "/etc/ssh/sshd_config.d/10-knarr.conf:"), "KN0306"),
        (Slip("nodes/edge.yaml", "hello.service:", "knarrd.service:"), "KN0306"),
        (
            Slip("nodes/edge.yaml", "/usr/local/bin/hi:", "/etc/systemd/system/ssh.service.d/knarr.conf:"),
            "KN0306",
        ),
        (Slip("nodes/edge.yaml", "reads: [/etc/hello.conf]", "reads: [/etc/helo.conf]"), "KN0307"),
        (Slip("nodes/edge.yaml", "secret: greeting", "secret: greetings"), "KN0308 did you mean `greeting`?"),
        (Slip("nodes/edge.yaml", "from: host/hello.service", "from: host/hello.service, text: x"), "KN0309"),
        (Slip("nodes/edge.yaml", "/usr/local/bin/hi:", "/etc/motd/hi:"), "KN0310"),
        (Slip("secrets/extra.age", "", "hunter2"), "KN0311"),
        (Slip("knarr.lock", "knarrd 0.1.0: {}", "knarrd: {}"), "KN0109"),
        (Slip("knarr.lock", "{}", "{sha256: \"0\"}"), "KN0109"),
        (Slip("knarr.lock", "{}", "{amd64: {sha256: \"0\"}, from: [/srv/k3s]}"), "KN0601"),
        (Slip("cluster.yaml", "format: 1", "format: 1\nmirrors: [srv/mirror]"), "KN0109"),
        (Slip("nodes/attic.yaml", "nat: true", "nat: true\nlabels: {a/b/c: d}"), "KN0109"),
        (Slip("nodes/attic.yaml", "nat: true", "nat: true\nlabels: {disk: a b}"), "KN0109"),
        (Slip("nodes/attic.yaml", "nat: true", "nat: true\ntaints: [spot]"), "KN0109"),
        (Slip("nodes/attic.yaml", "nat: true", "nat: true\nlabels: {kubernetes.io/os: x}"), "KN0721"),
        (
            Slip(
                "nodes/attic.yaml",
                "nat: true",
                "nat: true\ntaints: [\"a=b:NoExecute\", \"a=c:NoExecute\"]",
            ),
            "KN0722",
        ),
        (Slip("cluster.yaml", "vm.swappiness: \"10\"", "net.ipv4.ip_forward: \"0\""), "KN0525"),
    ];
    let wrong: Vec<String> = cases.iter().filter_map(|(slip, expected)| differs(slip, expected)).collect();
    assert!(wrong.is_empty(), "{}", wrong.concat());
}

/// Returns what was found instead of exactly the expected finding in the file of the slip.
fn differs(slip: &Slip, expected: &str) -> Option<String> {
    differs_from(example(), slip, expected)
}

fn differs_from(mut inputs: Inputs, slip: &Slip, expected: &str) -> Option<String> {
    slip.make(&mut inputs);
    let (findings, _) = check(&inputs);
    let rows = finding::rows(&findings, &inputs);
    let (code, help) = expected.split_once(' ').unwrap_or((expected, ""));
    let about_all = ["KN0210", "KN0211", "KN0503", "KN0504"].contains(&code); // told of cluster.yaml, wherever the cause stands
    let fits = matches!(rows.as_slice(), [row] if row.code == code && row.help.contains(help) && (about_all || row.file == slip.0));
    (!fits).then(|| {
        format!("{} {:?}: not {expected}:\n{}", slip.0, slip.2, finding::text(&findings, &inputs, false))
    })
}

/// Returns the whole line of a file that has `key`, without its line feed.
fn line_of(file: &str, key: &str) -> &'static str {
    let inputs = example();
    let line = inputs.text(file).unwrap().lines().find(|line| line.contains(key)).unwrap().to_owned();
    line.leak()
}

#[test]
fn what_is_no_text_is_said_at_its_place() {
    type Mistake = fn(&mut Inputs);
    let cases: [(Mistake, &str); 5] = [
        (|inputs| drop(inputs.files.insert(path("people/eve.yaml"), vec![0xff, 0xfe])), "KN0106"),
        (|inputs| drop(inputs.files.insert(path("host/motd"), vec![0xff])), "KN0303"),
        (|inputs| inputs.links.push(path("nodes/other.yaml")), "KN0107"),
        (|inputs| inputs.large.push((path("host/big"), 2 << 20)), "KN0112"),
        (|inputs| drop(inputs.files.remove(&path("cluster.yaml"))), "KN0111"),
    ];
    for (slip, code) in cases {
        let mut inputs = example();
        slip(&mut inputs);
        let codes: Vec<&str> = check(&inputs).0.iter().map(|finding| finding.fault.code()).collect();
        assert_eq!(codes, [code]);
    }
}

#[test]
fn all_mistakes_are_found_at_once_and_broken_files_hide_nothing_else() {
    let mut inputs = example();
    Slip("nodes/edge.yaml", "age:", "aeg:").make(&mut inputs);
    Slip("people/ada.yaml", "[worker,", "[edge, walker,").make(&mut inputs);
    Slip("cluster.yaml", "format: 1", "format: 3").make(&mut inputs);
    let rows = finding::rows(&check(&inputs).0, &inputs);
    let found: Vec<_> = rows.iter().map(|row| (row.code, row.file.as_str(), row.line)).collect();
    let expected = [
        ("KN0108", "cluster.yaml", Some(2)),
        ("KN0102", "nodes/edge.yaml", Some(9)),
        ("KN0209", "people/ada.yaml", Some(5)),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_node_wins_over_the_cluster_for_the_same_file() {
    let (_, model) = check(&example());
    let states = crate::lower::states(&model.unwrap());
    let motd = |node: &str| {
        let state = &states[&node.parse().unwrap()];
        let text = serde_json::to_string(&state.items).unwrap();
        text.contains("This is edge.")
    };
    assert!(motd("edge") && !motd("worker"));
}

#[test]
fn codes_are_told_apart() {
    let source = include_str!("../finding/fault.rs");
    let codes: Vec<&str> = source
        .lines()
        .filter_map(|line| line.trim().strip_prefix("KN0"))
        .filter_map(|rest| rest.split(' ').next())
        .collect();
    let once: std::collections::BTreeSet<&str> = codes.iter().copied().collect();
    assert!(codes.len() > 35 && once.len() == codes.len());
}
