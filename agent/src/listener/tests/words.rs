//! Words of newer commits.

use super::*;
use std::collections::{BTreeMap, BTreeSet};

const NEW: &str = "2222222222222222222222222222222222222222";

fn say(mesh: &Mesh, commit: &Oid) -> StatusCode {
    let word = Word { commit: commit.clone() };
    status(mesh.client(mesh.ip(2)).ask(mesh.ip(1), Method::POST, "/v1/word", Some(&word), SOON))
}

#[test]
fn a_word_calls_for_a_pass_only_when_the_commit_is_not_here() {
    let mesh = Mesh::new(2);
    assert_eq!(say(&mesh, &commit(&mesh.repo(1), "new", &[])), StatusCode::OK);
    assert!(mesh.nodes[0].words.wanted().is_empty());
    assert_eq!(say(&mesh, &oid(NEW)), StatusCode::OK);
    mesh.runtime.block_on(async { tokio::time::timeout(SOON, mesh.nodes[0].words.come()).await.unwrap() });
    assert_eq!(mesh.nodes[0].words.wanted(), BTreeMap::from([(oid(NEW), name(2))]));
}

#[test]
fn who_speaks_of_commits_that_are_nowhere_is_not_heard_for_a_while() {
    let mesh = Mesh::new(3);
    say(&mesh, &oid(NEW));
    let words = &mesh.nodes[0].words;
    words.looked(&words.wanted(), |_| false);
    assert!(words.wanted().is_empty());
    assert_eq!(say(&mesh, &oid(NEW)), StatusCode::TOO_MANY_REQUESTS);
    let word = Word { commit: oid(NEW) };
    let other = mesh.client(mesh.ip(3)).ask(mesh.ip(1), Method::POST, "/v1/word", Some(&word), SOON);
    assert_eq!(status(other), StatusCode::OK, "others are");
}

#[test]
fn an_accepted_commit_is_told_to_all_others_once() {
    let mesh = Mesh::new(4);
    mesh.nodes[1].stand(Some(mesh.place(2, &oid(NEW))));
    for other in [0, 2, 3] {
        let words = &mesh.nodes[other].words;
        wait_until("the word arrives", || words.wanted().get(&oid(NEW)) == Some(&name(2)));
    }
    assert!(mesh.nodes[1].words.wanted().is_empty(), "who tells does not tell itself");
}

#[test]
fn nodes_say_which_commit_they_accepted_when_they_are_asked() {
    let mesh = Mesh::new(3);
    mesh.nodes[2].stand(Some(mesh.place(3, &oid(NEW))));
    let mut said = ask(&mesh.place(1, &mesh.floor));
    said.sort();
    assert_eq!(said, [(name(2), mesh.floor.clone()), (name(3), oid(NEW))]);
}

#[test]
fn in_a_large_cluster_each_tells_few_and_all_hear() {
    let names: Vec<NodeName> = (1..=200).map(name).collect();
    let all = directory([9, 8], 200);
    let place = |node: &NodeName| Place {
        cluster: "harbor".parse().unwrap(),
        node: node.clone(),
        ip: all.nodes[node].ip,
        accepted: oid(NEW),
        branch: "main".to_owned(),
        nodes: String::new(),
        directory: all.clone(),
    };
    let mut heard = BTreeSet::from([all.nodes[&names[0]].ip]);
    let mut steps = 0;
    while heard.len() < names.len() {
        steps += 1;
        let tellers = names.iter().filter(|node| heard.contains(&all.nodes[*node].ip));
        let told: Vec<(NodeName, MeshIp)> = tellers.flat_map(|node| word::listeners(&place(node))).collect();
        heard.extend(told.into_iter().map(|(_, ip)| ip));
        assert!(steps <= 8, "{} heard", heard.len());
    }
    assert_eq!(word::listeners(&place(&names[3])).len(), 8);
}
