//! Metrics, and what one node knows of all.

use super::*;
use knarr_node::report::{Outcome, Report};

#[test]
fn prometheus_reads_how_the_machine_is() {
    let mesh = Mesh::new(2);
    let listener = &mesh.nodes[0];
    let report = Report {
        node: name(1),
        version: "1.0.0".to_owned(),
        at: 1_700_000_000,
        seen: None,
        accepted: mesh.floor.clone(),
        applied: None,
        outcome: Outcome::Retry { why: "the disk is full".to_owned() },
        unfetched: Some("no route".to_owned()),
        items: [].into(),
        mesh: [].into(),
        quarantined: [].into(),
        snapshot: None,
        drift: None,
        cluster: None,
    };
    crate::status::write(&mesh.paths(1), &report).unwrap();
    listener.took(Duration::from_millis(20));
    let answer = mesh.client(mesh.ip(2)).ask(mesh.ip(1), Method::GET, "/metrics", None::<&()>, SOON);
    let text = String::from_utf8(answer.unwrap()).unwrap();
    let lines = [
        format!("knarr_build_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION")),
        "knarr_outcome{outcome=\"retry\"} 1".to_owned(),
        "knarr_outcome{outcome=\"converged\"} 0".to_owned(),
        format!("knarr_commit{{stage=\"accepted\",commit=\"{}\"}} 1", mesh.floor),
        "knarr_items_troubled 0".to_owned(),
        "knarr_fetched 0".to_owned(),
        "knarr_last_pass_timestamp_seconds 1700000000".to_owned(),
        "knarr_pass_seconds_bucket{le=\"0.03\"} 1".to_owned(),
        "knarr_pass_seconds_count 1".to_owned(),
        "# EOF".to_owned(),
    ];
    for line in lines {
        assert!(text.lines().any(|other| other == line), "{line} is not in:\n{text}");
    }
    let described =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference/metrics.md"))
            .unwrap();
    for metric in text.lines().filter_map(|line| line.strip_prefix("# HELP ")?.split(' ').next()) {
        assert!(
            described.contains(&format!("`{metric}")),
            "docs/reference/metrics.md does not tell of {metric}"
        );
    }
}
