//! knarr explain, in no repository at all.

use crate::home::Home;
use expect_test::expect;

#[test]
fn a_finding_is_explained_anywhere() {
    let home = Home::empty();
    expect![[r#"
        KN0507: Two with one address.

          WireGuard gives an address to one key only, so one of the two would be cut off.

          says    ‹the other file› has the same mesh address ‹the address›
          help    ‹which one is free›
          weight  error: nothing is rendered or shipped while it is there
    "#]]
    .assert_eq(&home.knarr(".", &["explain", "kn0507"]));
}

#[test]
fn a_key_is_explained_with_all_that_stands_below_it() {
    let home = Home::empty();
    expect![[r#"
        network in cluster.yaml: a map; `{mesh: 10.210.0.0/16, pods: 10.42.0.0/16, services: 10.43.0.0/16}` when nothing is said

          The addresses of machines, pods and Services. Which addresses are whose; the three must not overlap, nor contain an address of the machines' own links.

          network.mesh      Machines and devices: one WireGuard mesh, udp 51821.
          network.pods      Pods.
          network.services  Services.

          network: {mesh: 10.210.0.0/16, pods: 10.42.0.0/16, services: 10.43.0.0/16}

        Also:
          knarr explain cluster.yaml birth.founded.network
    "#]].assert_eq(&home.knarr(".", &["explain", "cluster.yaml", "network"]));
    expect![[r#"
        roles in nodes/<name>.yaml: a list, each `server` or `agent`; may be left out

          What it is to K3s: `[server]`, which runs pods too, or `[agent]`.

          server  It runs the API and etcd, and pods too.
          agent   It runs pods only.

          roles: [server]
    "#]]
    .assert_eq(&home.knarr(".", &["explain", "nodes.roles"]));
}

#[test]
fn programs_get_the_same_and_a_slip_is_an_error() {
    let home = Home::empty();
    let json = |args: &[&str]| -> serde_json::Value {
        serde_json::from_str(&home.knarr(".", &[&["explain", "--output", "json"], args].concat())).unwrap()
    };
    assert_eq!(json(&["mesh"])["keys"][1]["files"][0], "peers/<name>.yaml");
    assert_eq!(json(&["KN0210"])["findings"][0]["severity"], "warning");
    let all = json(&[]);
    assert!(all["findings"].as_array().unwrap().len() > 80 && all["keys"].as_array().unwrap().len() > 80);
    let listed = home.knarr(".", &["explain"]);
    assert!(listed.contains("\n KN0101   error    ") && listed.contains("\n cluster.yaml  "), "{listed}");
    expect![[r#"
        error: there is no finding and no key `netwrok.mesh`
        help: did you mean `network.mesh`?
        exit 1
    "#]]
    .assert_eq(&home.knarr(".", &["explain", "netwrok.mesh"]));
}
