//! K3s: what machines get of it.

use super::{Slip, check, example, path};
use crate::disk::Inputs;
use crate::finding;
use crate::k3s::Material;
use crate::lower::states;
use knarr_node::item::{File, Unit};
use knarr_node::{Body, Item};
use serde_json::json;

const VERSION: &str = "v1.36.2+k3s1";

/// The example with K3s.
pub(super) fn with_k3s() -> Inputs {
    let mut inputs = example();
    Slip("cluster.yaml", "format: 1\n", "format: 1\nk3s: {version: v1.36.2+k3s1}\n").make(&mut inputs);
    let files = ["k3s", "k3s-arm64"].map(|file| {
        let from = format!("https://github.com/k3s-io/k3s/releases/download/v1.36.2%2Bk3s1/{file}");
        format!("{{sha256: {}, from: [\"{from}\"]}}", "ab".repeat(32))
    });
    let pin = format!("k3s {VERSION}: {{amd64: {}, arm64: {}}}\n", files[0], files[1]);
    let from = "https://a.example/core-install.yaml";
    let argocd = format!("argocd v3.2.11: {{sha256: {}, from: [\"{from}\"]}}\n", "ab".repeat(32));
    let lock = format!("{argocd}{pin}{}", inputs.text("knarr.lock").unwrap());
    inputs.files.insert(path("knarr.lock"), lock.into_bytes());
    let made = Material::new(&"harbor".parse().unwrap(), jiff::civil::date(2026, 11, 21)).unwrap();
    for (path, text) in made.certificates {
        inputs.files.insert(path, text.into_bytes());
    }
    for name in Material::names() {
        inputs.files.insert(path(&format!("secrets/{name}.age")), b"age-encryption.org/v1\n".to_vec());
    }
    inputs
}

/// With three servers, edge, west and worker, and one agent.
fn with_servers() -> Inputs {
    let mut inputs = with_k3s();
    Slip("nodes/worker.yaml", "roles: [agent]", "roles: [server]").make(&mut inputs);
    inputs
}

fn items(inputs: &Inputs, node: &str) -> Vec<Item> {
    let (findings, model) = check(inputs);
    let model = model.unwrap_or_else(|| panic!("{}", finding::text(&findings, inputs, false)));
    states(&model)[node].items.clone()
}

fn file(items: &[Item], at: &str) -> String {
    let found = items.iter().find_map(|item| {
        let Item::File(File { path, body: Body::Text(text), .. }) = item else { return None };
        (path.as_str() == at).then_some(text)
    });
    found.unwrap_or_else(|| panic!("{at} is a file of text")).clone()
}

fn unit(items: &[Item]) -> Unit {
    let found = items.iter().find_map(|item| {
        let Item::Unit(unit) = item else { return None };
        unit.name.as_str().starts_with("k3s").then(|| unit.clone())
    });
    found.expect("the machine runs K3s")
}

const CONFIG: &str = "/etc/rancher/k3s/config.yaml";
const FIRST: &str = "/etc/rancher/k3s/config.yaml.d/first-start.yaml";
const FOUNDED: &str = "/var/lib/knarr/k3s-founded";

/// The example was born with this.
fn founded(inputs: &Inputs, server: &str, datastore: &str) -> String {
    let ca = crate::k3s::fingerprint(inputs.get("secrets/server-ca.crt").unwrap());
    format!(
        "mtu: 1380, founded: {{server: {server}, ca: \"{ca}\", datastore: {datastore}, domain: harbor.example, \
         network: {{mesh: 10.210.0.0/16, pods: 10.42.0.0/16, services: 10.43.0.0/16}}, secrets-encryption: true, mtu: 1380}}"
    )
}

fn found(mut inputs: Inputs, server: &str, datastore: &str) -> Inputs {
    let text = founded(&inputs, server, datastore);
    let cluster = inputs.text("cluster.yaml").unwrap().replacen("mtu: 1380", &text, 1);
    inputs.files.insert(path("cluster.yaml"), cluster.into_bytes());
    inputs
}

#[test]
fn a_lone_server_keeps_its_data_in_sqlite_and_waits_for_nobody() {
    let items = items(&with_k3s(), "edge");
    let expected = "agent-token-file: /var/lib/knarr/k3s-agent-token\ncluster-cidr: 10.42.0.0/16\nflannel-iface: knarr0\n\
        node-ip: \"10.210.83.168\"\nnode-name: edge\nsecrets-encryption: true\nservice-cidr: 10.43.0.0/16\n\
        tls-san: [\"10.210.83.168\", edge.mesh.harbor.example]\ntoken-file: /var/lib/knarr/k3s-token\n";
    assert_eq!(file(&items, CONFIG), expected);
    assert!(!file(&items, FIRST).contains("cluster-init") && unit(&items).waits.is_empty());
}

#[test]
fn a_server_says_below_which_version_its_data_do_not_go_and_how_they_are_saved() {
    let all = with_k3s();
    let server = serde_json::to_value(unit(&items(&all, "edge"))).unwrap();
    let by = ["/usr/local/bin/k3s", "etcd-snapshot", "save", "--name=knarr", "--etcd-snapshot-dir"];
    assert_eq!(server["floor"], "v1.36");
    assert_eq!(server["snapshot"][0], json!({"of": ["/var/lib/rancher/k3s/server/db/etcd"], "by": by}));
    assert_eq!(server["snapshot"][1]["of"][0], "/var/lib/rancher/k3s/server/db");
    let agent = unit(&items(&all, "attic"));
    assert!(agent.floor.is_none() && agent.snapshot.is_empty());
}

#[test]
fn an_agent_joins_the_first_server_when_its_api_answers_and_all_servers_have_settled() {
    let items = items(&with_servers(), "attic");
    let expected = "flannel-iface: knarr0\nnode-ip: \"10.210.38.122\"\nnode-name: attic\n\
        server: https://10.210.83.168:6443\ntoken-file: /var/lib/knarr/k3s-token\n";
    assert_eq!(file(&items, CONFIG), expected);
    let unit = unit(&items);
    assert_eq!(unit.name.as_str(), "k3s-agent.service");
    let text = serde_json::to_string(&unit.waits).unwrap();
    let (url, rest) = text.split_at(text.find("},{").unwrap());
    let edge = r#"[{"url":{"at":["https://10.210.83.168:6443/cacerts","https://"#;
    assert!(url.starts_with(edge) && url.contains("sha256:"), "any server will do: {url}");
    assert_eq!(rest, r#"}},{"settled":"edge"},{"settled":"worker"}]"#.replacen("}}", "}", 1));
}

#[test]
fn only_servers_get_what_commands_the_cluster() {
    let secrets = |node: &str| {
        let items = items(&with_servers(), node);
        let names: Vec<String> = items
            .iter()
            .filter_map(Item::secret)
            .map(ToString::to_string)
            .filter(|name| name.starts_with("k3s"))
            .collect();
        names
    };
    assert_eq!(secrets("attic"), ["k3s-agent-token"]);
    for server in ["edge", "worker"] {
        assert_eq!(secrets(server).len(), 8, "{server}");
    }
}

#[test]
fn k3s_reads_all_that_it_starts_with() {
    for node in ["edge", "attic"] {
        let items = items(&with_k3s(), node);
        let made =
            items.iter().filter_map(|item| if let Item::File(file) = item { Some(&file.path) } else { None });
        let ours = |at: &&knarr_node::name::AbsPath| {
            at.as_str() != FIRST
                && ["/var/lib/", "/etc/rancher/"].iter().any(|begin| at.as_str().starts_with(begin))
        };
        let reads = unit(&items).reads;
        let missed: Vec<_> = made.filter(ours).filter(|at| !reads.contains(*at)).collect();
        assert!(missed.is_empty() && reads.contains("/usr/local/bin/k3s"), "{missed:?}");
    }
}

#[test]
fn servers_change_one_after_the_other_and_only_the_first_founds() {
    let inputs = with_servers();
    let [edge, worker] = ["edge", "worker"].map(|node| items(&inputs, node));
    assert!(file(&edge, FIRST).ends_with("cluster-init: true\n") && unit(&edge).waits.is_empty());
    assert!(!file(&worker, FIRST).contains("cluster-init"));
    assert!(file(&worker, CONFIG).contains("server: https://10.210.83.168:6443\n"));
    assert!(!file(&edge, CONFIG).contains("worker"), "a server that comes or leaves restarts no other");
}

#[test]
fn etcd_of_two_servers_stops_without_either() {
    let stops = |inputs: &Inputs, node: &str| {
        check(inputs).1.expect("the files are good").stops_without(&node.parse().unwrap())
    };
    let two = found(with_servers(), "edge", "etcd");
    assert!(stops(&two, "edge") && stops(&two, "worker") && !stops(&two, "attic"));
    assert!(!stops(&with_servers(), "worker") && !stops(&found(with_k3s(), "edge", "sqlite"), "edge"));
}

#[test]
fn while_a_cluster_is_founded_each_server_waits_for_the_api_of_the_one_before() {
    let waits = |inputs: &Inputs| serde_json::to_string(&unit(&items(inputs, "worker")).waits).unwrap();
    let before = waits(&with_servers());
    assert!(before.starts_with(r#"[{"url":{"at":["https://10.210.83.168:6443/cacerts"],"ca""#), "{before}");
    assert!(before.ends_with(r#"{"settled":"edge"}]"#), "{before}");
    assert_eq!(waits(&found(with_servers(), "edge", "etcd")), r#"[{"settled":"edge"}]"#);
}

#[test]
fn recording_that_a_cluster_was_founded_restarts_nothing_and_lets_nobody_found_again() {
    let (before, after) =
        (items(&with_servers(), "edge"), items(&found(with_servers(), "edge", "etcd"), "edge"));
    let (old, new) = (unit(&before), unit(&after));
    assert!(Item::Unit(old).is_as(&Item::Unit(new.clone())));
    for read in &new.reads {
        let of = |items: &[Item]| {
            items.iter().find(|item| item.id() == knarr_node::Id::Path(read.clone())).cloned()
        };
        let material = read.as_str().starts_with("/var/lib/rancher"); // made anew by each call
        assert!(material || of(&before) == of(&after), "{read}");
    }
    assert!(!file(&after, FIRST).contains("cluster-init") && !file(&after, CONFIG).contains("cluster-init"));
    assert!(file(&after, FOUNDED).starts_with("This cluster was founded"));
    assert_eq!(serde_json::to_string(&new.waits).unwrap(), r#"[{"data":"/var/lib/rancher/k3s/server/db"}]"#);
}

#[test]
fn another_first_server_takes_the_place_of_one_that_lost_its_data() {
    let inputs = found(with_servers(), "worker", "etcd");
    let [edge, worker] = ["edge", "worker"].map(|node| items(&inputs, node));
    assert!(file(&edge, CONFIG).contains("server: https://10.210.55.72:6443\n"));
    assert!(!unit(&edge).text.unwrap().contains("ExecCondition"), "it joins with an empty folder");
    assert!(
        unit(&worker).text.unwrap().contains("ExecCondition") && !file(&worker, CONFIG).contains("server:")
    );
    assert_eq!(serde_json::to_string(&unit(&edge).waits).unwrap(), r#"[{"settled":"worker"}]"#);
}

#[test]
fn a_lone_server_goes_on_with_etcd_when_its_record_says_so() {
    let config = |datastore| file(&items(&found(with_k3s(), "edge", datastore), "edge"), CONFIG);
    assert!(config("etcd").starts_with(
        "agent-token-file: /var/lib/knarr/k3s-agent-token\ncluster-cidr: 10.42.0.0/16\ncluster-init: true\n"
    ));
    assert!(!config("sqlite").contains("cluster-init"));
}

#[test]
fn what_ship_records_is_what_the_files_say_and_is_recorded_once() {
    for (mut inputs, datastore) in [(with_k3s(), "sqlite"), (with_servers(), "etcd")] {
        let (_, model) = check(&inputs);
        let (server, founded) = crate::founding::record(model.as_ref().unwrap()).unwrap();
        assert_eq!((server.as_str(), founded.server.as_str()), ("edge", "edge"));
        let text = inputs.text("cluster.yaml").unwrap();
        let cluster = crate::spec::parse(&path("cluster.yaml"), text.as_bytes()).unwrap();
        let edited = crate::edit::with_founded(&path("cluster.yaml"), text, &cluster, &founded).unwrap();
        assert!(edited.contains(&format!("datastore: {datastore}\n")), "{edited}");
        inputs.files.insert(path("cluster.yaml"), edited.into_bytes());
        let (findings, model) = check(&inputs);
        assert_eq!(findings.count(crate::finding::Severity::Error), 0);
        assert!(crate::founding::record(&model.unwrap()).is_none());
    }
    assert!(crate::founding::record(&check(&example()).1.unwrap()).is_none(), "there is no K3s");
}

#[test]
fn settings_of_people_go_to_those_who_read_them() {
    let mut inputs = with_k3s();
    let config = "version: v1.36.2+k3s1, config: {tls-san: api.example, kubelet-arg: [max-pods=50], selinux: true, \
        write-kubeconfig-mode: \"0644\", disable: [traefik]}";
    Slip("cluster.yaml", "version: v1.36.2+k3s1", config).make(&mut inputs);
    let [edge, attic] = ["edge", "attic"].map(|node| file(&items(&inputs, node), CONFIG));
    assert!(edge.contains("tls-san: [\"10.210.83.168\", edge.mesh.harbor.example, api.example]\n"), "{edge}");
    assert!(
        edge.contains("write-kubeconfig-mode: \"0644\"\n") && edge.contains("disable: [traefik]\n"),
        "{edge}"
    );
    assert!(attic.contains("kubelet-arg: [max-pods=50]\n") && attic.contains("selinux: true\n"), "{attic}");
    assert!(!attic.contains("tls-san") && !attic.contains("disable"), "{attic}");
}

#[test]
fn a_machine_registers_with_its_labels_and_taints_and_no_restart_comes_of_them() {
    let mut inputs = with_k3s();
    let labels = "arch: arm64\nlabels: {disk: fast, node-role.kubernetes.io/db: \"\"}\ntaints: [dedicated=db:NoSchedule]\n";
    let before = items(&inputs, "attic");
    Slip("nodes/attic.yaml", "arch: arm64\n", labels).make(&mut inputs);
    let after = items(&inputs, "attic");
    assert!(
        file(&after, FIRST).ends_with("node-label: [disk=fast]\nnode-taint: [dedicated=db:NoSchedule]\n")
    );
    assert_eq!((file(&before, CONFIG), unit(&before).reads), (file(&after, CONFIG), unit(&after).reads));
    assert!(!unit(&after).reads.contains(FIRST));
}

#[test]
fn machines_try_mirrors_before_the_release_address() {
    let mut inputs = with_k3s();
    Slip("cluster.yaml", "format: 1\n", "format: 1\nmirrors: [/srv/mirror/]\n").make(&mut inputs);
    let text = serde_json::to_string(&items(&inputs, "attic")).unwrap();
    let places = "\"from\":[\"/srv/mirror/k3s-io/k3s/releases/download/v1.36.2+k3s1/k3s-arm64\",\"https://github.com/k3s-io/";
    assert!(text.contains(places), "{text}");
}

#[test]
fn a_machine_for_whose_architecture_nothing_is_pinned_runs_no_k3s() {
    let mut inputs = with_k3s();
    let lock = inputs.text("knarr.lock").unwrap();
    let arm = lock.split_once(", arm64: ").unwrap().1.split_once('}').unwrap().0.to_owned() + "}";
    let lock = lock.replace(&format!(", arm64: {arm}"), "");
    inputs.files.insert(path("knarr.lock"), lock.into_bytes());
    let states = states(&check(&inputs).1.unwrap());
    let runs = |node: &str| states[node].items.iter().any(|item| matches!(item, Item::Artifact(_)));
    assert!(runs("edge") && runs("worker") && !runs("attic"));
}
