//! What the directory says, and which devices a change cuts.

use super::{Slip, check, example, line_of};
use crate::finding::Findings;
use crate::model::{cut, expired, names};
use crate::spec::Spec;
use knarr_node::mesh::Listing;

const KEY: &str = "  wireguard: AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

#[test]
fn a_device_whose_last_day_was_yesterday_is_said_to_be_out() {
    let spec = Spec::of(&example(), &mut Findings::default());
    let codes = |day: &str| {
        let mut findings = Findings::default();
        expired(&spec, None, day.parse().unwrap(), &mut findings);
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
    let ssh = |listing: &Listing, node: &str| listing.nodes[node].ssh.as_ref().unwrap().to_string();
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
    assert_eq!(narrow.nodes["worker"].at[0].to_string(), "[2001:db8::4]:51821");
    assert_eq!(narrow.domain.as_str(), "harbor.internal");
}
