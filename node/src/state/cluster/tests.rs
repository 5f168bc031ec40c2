use super::*;

const CLUSTER: &str = r#"
knarr: {format: 1, version: 1.0.0}
items:
- artifact: {name: argocd, sha256: DIGEST, from: ["https://host/core-install.yaml"]}
- objects: {name: namespaces, file: bootstrap/namespaces.yaml, back: keep}
- objects: {name: sealing-keys, secret: sealing-keys}
- objects: {name: argocd, artifact: argocd, back: keep}
- node-meta: {node: worker, labels: {topology.kubernetes.io/region: nbg}, taints: ["dedicated=db:NoSchedule"]}
- tombstone: {node: old-one, keys: {age: age1x}}
"#;

fn cluster() -> ClusterState {
    serde_saphyr::from_str(&CLUSTER.replace("DIGEST", &"c9".repeat(32))).unwrap()
}

#[test]
fn a_cluster_reads_as_formats_md_has_it() {
    let ClusterState { items, .. } = cluster();
    assert_eq!(items.len(), 6);
    let objects: Vec<_> = items
        .iter()
        .filter_map(|item| if let ClusterItem::Objects(objects) = item { Some(objects) } else { None })
        .map(|objects| (objects.name.as_str(), objects.manifest.clone(), objects.back))
        .collect();
    let file = Manifest::File("bootstrap/namespaces.yaml".parse().unwrap());
    assert_eq!(
        objects,
        [
            ("namespaces", file, Some(Keep::Keep)),
            ("sealing-keys", Manifest::Secret("sealing-keys".parse().unwrap()), None),
            ("argocd", Manifest::Artifact("argocd".parse().unwrap()), Some(Keep::Keep)),
        ]
    );
}

#[test]
fn a_cluster_survives_writing_and_reading() {
    let text = serde_saphyr::to_string(&cluster()).unwrap();
    assert_eq!(serde_saphyr::from_str::<ClusterState>(&text).unwrap(), cluster());
}

#[test]
fn objects_have_exactly_one_manifest_and_no_unknown_key() {
    for odd in ["", ", file: a, secret: b", ", file: a, back: never", ", file: a, text: b"] {
        assert!(
            serde_saphyr::from_str::<ClusterItem>(&format!("objects: {{name: x{odd}}}")).is_err(),
            "{odd}"
        );
    }
    assert!(serde_saphyr::from_str::<ClusterItem>("objects: {name: x, file: a}").is_ok());
}

#[test]
fn the_removed_machines_are_the_tombstones() {
    assert_eq!(cluster().tombstones().map(|it| it.node.as_str().to_owned()).collect::<Vec<_>>(), ["old-one"]);
}
