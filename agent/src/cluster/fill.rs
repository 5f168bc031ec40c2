//! What only the machine knows of the objects: which commit an Application follows, and where commits are served. Pure.

use super::documents::{Document, KNARR, MANAGED_BY};
use super::key::Key;
use knarr_node::name::{ClusterName, Oid};
use serde_json::{Value, json};
use std::net::SocketAddrV4;

/// The Service through which Argo CD reads the accepted commits from the server that holds the Lease.
const SERVICE: &str = "knarr-git";

/// Where Argo CD reads the commits of a cluster.
pub(super) fn address(cluster: &ClusterName) -> String {
    format!("http://{SERVICE}.argocd.svc/{cluster}.git")
}

/// Returns the path that an Application follows when the repository leaves the commit to us.
pub(super) fn path_to_fill<'a>(object: &'a Value, address: &str) -> Option<&'a str> {
    let source = &object["spec"]["source"];
    let is_ours = object["kind"] == "Application" && source["repoURL"] == address;
    source["path"].as_str().filter(|_| is_ours && source["targetRevision"].is_null())
}

/// Returns the commit that a live Application follows.
pub(super) fn followed(live: &Value) -> Option<Oid> {
    live["spec"]["source"]["targetRevision"].as_str()?.parse().ok()
}

/// Makes an Application follow the commit.
pub(super) fn follow(object: &mut Value, commit: &Oid) {
    object["spec"]["source"]["targetRevision"] = json!(commit.as_str());
}

/// Returns the slice that leads a Service of ours without selector to the listener at `to`.
/// Source: Kubernetes, "EndpointSlices", v1.36: ports are matched by the names of the Service's ports.
pub(super) fn slice(document: &Document, to: SocketAddrV4) -> Option<Document> {
    let Document { key, object } = document;
    let spec = &object["spec"];
    if key.kind != "Service" || key.name != SERVICE || !spec["selector"].is_null() {
        return None;
    }
    let port = |port: &Value| json!({"name": port["name"].as_str().unwrap_or_default(), "port": to.port(), "protocol": "TCP"});
    let ports: Vec<Value> = spec["ports"].as_array()?.iter().map(port).collect();
    let key = Key::new("discovery.k8s.io/v1", "EndpointSlice", key.namespace.as_deref(), SERVICE);
    let labels = json!({
        "kubernetes.io/service-name": SERVICE,
        "endpointslice.kubernetes.io/managed-by": KNARR,
        MANAGED_BY: KNARR,
    });
    let object = json!({
        "apiVersion": key.api_version,
        "kind": key.kind,
        "metadata": {"name": key.name, "namespace": key.namespace, "labels": labels},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [to.ip().to_string()], "conditions": {"ready": true}}],
        "ports": ports,
    });
    Some(Document { key, object })
}

#[cfg(test)]
mod tests {
    use super::super::documents::documents;
    use super::*;

    const OBJECTS: &str = "
apiVersion: v1
kind: Service
metadata: {name: knarr-git, namespace: argocd}
spec: {ports: [{name: http, port: 80}]}
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop, namespace: argocd}
spec:
  source: {repoURL: http://knarr-git.argocd.svc/harbor.git, path: rendered/apps/shop}
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: other, namespace: argocd}
spec:
  source: {repoURL: https://host/other.git, path: rendered/apps/other}
";

    #[test]
    fn an_application_of_the_repository_follows_a_commit_and_no_other_does() {
        let mut documents = documents(OBJECTS).unwrap();
        let address = address(&"harbor".parse().unwrap());
        let path = |document: &Document| path_to_fill(&document.object, &address).map(str::to_owned);
        let paths: Vec<_> = documents.iter().map(path).collect();
        assert_eq!(paths, [None, Some("rendered/apps/shop".into()), None]);
        let commit: Oid = "1".repeat(40).parse().unwrap();
        follow(&mut documents[1].object, &commit);
        assert_eq!(followed(&documents[1].object), Some(commit));
        assert_eq!(path(&documents[1]), None, "who says which commit is believed");
    }

    #[test]
    fn the_service_leads_to_the_listener() {
        let documents = documents(OBJECTS).unwrap();
        let to = "10.210.0.1:51821".parse().unwrap();
        let slice = slice(&documents[0], to).unwrap();
        assert_eq!(slice.key.to_string(), "EndpointSlice argocd/knarr-git");
        assert_eq!(slice.object["endpoints"][0]["addresses"], json!(["10.210.0.1"]));
        assert_eq!(slice.object["ports"], json!([{"name": "http", "port": 51821, "protocol": "TCP"}]));
        assert!(super::slice(&documents[1], to).is_none());
    }
}
