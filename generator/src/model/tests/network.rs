//! One mistake of the network, one finding; and what the directory says.

use super::{Slip, check, differs, example, line_of, path};
use crate::finding::{self, Findings};
use crate::model::{cut, expired, names};
use crate::spec::Spec;
use knarr_node::mesh::Listing;

const KEY: &str = "  wireguard: AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

#[test]
fn each_single_mistake_is_one_finding_at_its_place() {
    let key: &str = line_of("nodes/edge.yaml", "wireguard").trim().replace("wireguard: ", "key: ").leak();
    let cases: Vec<(Slip, &str)> = vec![
        (Slip("cluster.yaml", "mesh: 10.210.0.0/16", "mesh: 10.210.0.1/16"), "KN0109"),
        (Slip("cluster.yaml", "pods: 10.42.0.0/16", "pods: 10.42.0.0/25"), "KN0109"),
        (Slip("cluster.yaml", "pods: 10.42.0.0/16", "pods: 10.43.7.0/24"), "KN0508"),
        (Slip("cluster.yaml", "mtu: 1380", "mtu: 1200"), "KN0109"),
        (Slip("cluster.yaml", "mtu: 1380", "mtu: 70000"), "KN0109"),
        (Slip("cluster.yaml", "ssh: anywhere", "ssh: everywhere"), "KN0104"),
        (Slip("cluster.yaml", "ssh: anywhere", "ssh: [192.0.2.0/33]"), "KN0109"),
        (Slip("cluster.yaml", "ssh: anywhere", "ssh: []"), "KN0524"),
        (Slip("nodes/edge.yaml", "roles: [server]\n", ""), "KN0501"),
        (Slip("nodes/edge.yaml", "[server]", "[master]"), "KN0104"),
        (Slip("nodes/edge.yaml", "[server]", "[server, agent]"), "KN0502"),
        (Slip("nodes/edge.yaml", "[server]", "[agent]"), "KN0503"),
        (Slip("nodes/worker.yaml", "[agent]", "[server]"), "KN0504"),
        (Slip("nodes/edge.yaml", "mesh: 10.210.83.168\n", ""), "KN0505 `mesh: 10.210.83.168`"),
        (Slip("nodes/edge.yaml", "10.210.83.168", "10.210.83"), "KN0109"),
        (Slip("nodes/edge.yaml", "10.210.83.168", "10.211.0.1"), "KN0506 `mesh: 10.210.83.168`"),
        (Slip("nodes/edge.yaml", "10.210.83.168", "10.210.0.0"), "KN0506"),
        (Slip("nodes/worker.yaml", "10.210.55.72", "10.210.83.168"), "KN0507 `mesh: 10.210.55.72`"),
        (Slip("peers/x1.yaml", "10.210.217.3", "10.210.83.168"), "KN0507 `mesh: 10.210.217.3`"),
        (Slip("nodes/worker.yaml", "[agent]", "[agent]\nnat: true"), "KN0509"),
        (Slip("nodes/edge.yaml", "address: 203.0.113.7\n", ""), "KN0510"),
        (Slip("nodes/worker.yaml", "address: 198.51.100.4", "address: 10.42.0.9"), "KN0511"),
        (Slip("nodes/worker.yaml", "address: 198.51.100.4", "address: \"::ffff:10.42.0.9\""), "KN0511"),
        (Slip("nodes/attic.yaml", "relay: edge", "relay: attic"), "KN0512 `relay: edge`"),
        (Slip("nodes/attic.yaml", "relay: edge", "relay: egde"), "KN0209 did you mean `edge`?"),
        (Slip("nodes/worker.yaml", "[agent]", "[agent]\nrelay: edge"), "KN0515"),
        (Slip("nodes/edge.yaml", "[80, 443]", "[80, udp/8472]"), "KN0516"),
        (Slip("nodes/edge.yaml", "[80, 443]", "[80, sctp/9]"), "KN0109"),
        (Slip("nodes/edge.yaml", "[80, 443]", "[0]"), "KN0109"),
        (Slip("peers/x1.yml", "", "x"), "KN0113"),
        (Slip("peers/x1.yaml", "owner: me", "owner: mee"), "KN0207 did you mean `me`?"),
        (Slip("peers/x1.yaml", line_of("peers/x1.yaml", "key:"), key), "KN0205"),
        (Slip("peers/x1.yaml", "key: ", "key: A"), "KN0109"),
        (Slip("peers/x1.yaml", "via: edge", "via: attic"), "KN0522"),
        (Slip("peers/x1.yaml", "via: edge", "via: egde"), "KN0209"),
        (Slip("peers/x1.yaml", "[api,", "[apis,"), "KN0109"),
        (Slip("peers/x1.yaml", "worker:5432", "walker:5432"), "KN0209 did you mean `worker`?"),
        (Slip("peers/x1.yaml", "2099-12-31", "2099-13-01"), "KN0109"),
    ];
    let wrong: Vec<String> = cases.iter().filter_map(|(slip, expected)| differs(slip, expected)).collect();
    assert!(wrong.is_empty(), "{}", wrong.concat());
}

fn found(slips: &[Slip]) -> Vec<(&'static str, String)> {
    let mut inputs = example();
    for slip in slips {
        slip.make(&mut inputs);
    }
    let rows = finding::rows(&check(&inputs).0, &inputs);
    rows.into_iter().map(|row| (row.code, row.file)).collect()
}

type Case<'a> = (&'a [Slip], &'a [(&'a str, &'a str)]);

#[test]
fn what_two_files_say_together_is_found() {
    const HIDE: Slip = Slip("nodes/worker.yaml", "address: 198.51.100.4", "nat: true");
    const GO: Slip = Slip("nodes/edge.yaml", "keys:", "removed: true\nkeys:");
    const SERVE: Slip = Slip("nodes/worker.yaml", "[agent]", "[server]");
    const MESH: Slip = Slip("cluster.yaml", "ssh: anywhere", "ssh: mesh");
    let cases: [Case<'_>; 5] = [
        (&[HIDE, Slip("nodes/attic.yaml", "relay: edge\n", "")], &[("KN0513", "nodes/worker.yaml")]),
        (&[HIDE], &[]),
        (&[GO, SERVE], &[("KN0514", "nodes/attic.yaml"), ("KN0514", "peers/x1.yaml")]),
        (&[MESH, Slip("nodes/edge.yaml", "[80, 443]", "[22]")], &[("KN0517", "nodes/edge.yaml")]),
        (&[MESH, Slip("peers/x1.yaml", "ssh, ", "")], &[("KN0518", "cluster.yaml")]),
    ];
    for (slips, expected) in cases {
        let expected: Vec<_> = expected.iter().map(|(code, file)| (*code, (*file).to_owned())).collect();
        assert_eq!(found(slips), expected);
    }
}

#[test]
fn a_device_has_a_name_of_its_own() {
    let mut inputs = example();
    let x1 = inputs.files.remove(&path("peers/x1.yaml")).unwrap();
    inputs.files.insert(path("peers/worker.yaml"), x1);
    let rows = finding::rows(&check(&inputs).0, &inputs);
    let found: Vec<(&str, &str)> = rows.iter().map(|row| (row.code, row.file.as_str())).collect();
    assert_eq!(found, [("KN0520", "peers/worker.yaml")]);
}

#[test]
fn a_device_whose_last_day_was_yesterday_is_said_to_be_out() {
    let spec = Spec::of(&example(), &mut Findings::default());
    let codes = |day: &str| {
        let mut findings = Findings::default();
        expired(&spec, day.parse().unwrap(), &mut findings);
        findings.iter().map(|finding| finding.fault.code()).collect::<Vec<_>>()
    };
    assert_eq!(codes("2099-12-31"), Vec::<&str>::new());
    assert_eq!(codes("2100-01-01"), ["KN0521"]);
}

fn listing(slips: &[Slip]) -> Listing {
    let mut inputs = example();
    for slip in slips {
        slip.make(&mut inputs);
    }
    check(&inputs).1.unwrap().directory.into()
}

#[test]
fn a_device_is_cut_by_what_its_configuration_says_and_by_nothing_else() {
    let before = listing(&[]);
    let cut_by = |file, from, to| {
        let after = listing(&[Slip(file, from, to)]);
        let cut = cut(&before, &after);
        cut.into_iter().map(|(node, cut)| format!("{node}: {}", names(&cut))).collect::<Vec<_>>()
    };
    assert_eq!(cut_by("nodes/edge.yaml", line_of("nodes/edge.yaml", "wireguard"), KEY), ["edge: x1"]);
    assert_eq!(cut_by("nodes/edge.yaml", "address: 203.0.113.7", "address: 203.0.113.8"), ["edge: x1"]);
    assert_eq!(cut_by("peers/x1.yaml", "via: edge", "via: worker"), ["worker: x1"]);
    assert_eq!(cut_by("cluster.yaml", "mesh: 10.210.0.0/16", "mesh: 10.208.0.0/12"), ["edge: x1"]);
    let nothing: [String; 0] = [];
    assert_eq!(cut_by("nodes/worker.yaml", "address: 198.51.100.4", "address: 198.51.100.5"), nothing);
    assert_eq!(cut_by("peers/x1.yaml", "[api, ", "["), nothing);
    assert_eq!(cut_by("cluster.yaml", "pods: 10.42.0.0/16", "pods: 10.44.0.0/16"), nothing);
}

#[test]
fn the_directory_says_where_each_machine_is_found() {
    let ssh = |listing: &Listing, node: &str| {
        listing.nodes[&node.parse().unwrap()].ssh.as_ref().unwrap().to_string()
    };
    let usual = listing(&[]);
    assert_eq!(ssh(&usual, "edge"), "203.0.113.7:22");
    assert_eq!(ssh(&usual, "attic"), "10.210.38.122:22");
    let narrow = listing(&[
        Slip("cluster.yaml", "ssh: anywhere", "ssh: [192.0.2.7, \"2001:db8::/32\"]"),
        Slip("cluster.yaml", "domain: harbor.example\n", ""),
        Slip("nodes/edge.yaml", "ssh: root@203.0.113.7", "ssh: root@203.0.113.7:2222"),
        Slip("nodes/worker.yaml", "address: 198.51.100.4", "address: \"2001:db8::4\""),
    ]);
    assert_eq!(ssh(&narrow, "edge"), "203.0.113.7:2222", "which witnesses may dial it there, they work out");
    assert_eq!(narrow.nodes[&"worker".parse().unwrap()].at[0].to_string(), "[2001:db8::4]:51821");
    assert_eq!(narrow.domain.as_str(), "harbor.internal");
}
