//! What runs in a cluster before its apps: namespaces, the controller of sealed Secrets, and how Argo CD finds the commits.

use crate::emit::Tree;
use crate::model::{ARGOCD, Model, Object};
use crate::spec::parse_objects;
use crate::{seal, template};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use knarr_node::name::RepoPath;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The project of all Applications.
pub(super) const PROJECT: &str = "apps";

/// The Service behind which knarrd serves the accepted commits; the holder of Lease `knarr` is its endpoint.
const GIT: &str = "knarr-git";

/// knarrd's listener on the mesh address.
const LISTENER: u16 = 51821;

/// The image of sealed-secrets' controller. Its digest cannot be had offline, so a version names it.
const CONTROLLER: &str = "docker.io/bitnami/sealed-secrets-controller:0.27.1";

/// Namespaces that every cluster has. Source: Kubernetes, "Namespaces", v1.36.
const GIVEN: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];

/// Adds the files of all that is there before apps.
pub(super) fn bootstrap(model: &Model, tree: &mut Tree) {
    tree.objects("rendered/bootstrap/namespaces.yaml", &namespaces(model));
    tree.objects("rendered/bootstrap/sealed-secrets.yaml", &controller(model));
    tree.objects("rendered/bootstrap/projects.yaml", &projects(model));
}

/// Returns where Argo CD finds the accepted commits.
pub(super) fn repository(model: &Model) -> String {
    format!("http://{GIT}.{ARGOCD}.svc/{}.git", model.cluster.name)
}

/// Returns Argo CD's namespace and those of the apps, but for what an app declares itself: each has one owner.
fn namespaces(model: &Model) -> Vec<Object> {
    let ids = || model.apps.values().flat_map(|app| app.objects().map(Object::id));
    let declared: BTreeSet<String> = ids().filter(|id| id.kind == "Namespace").map(|id| id.name).collect();
    let wanted = model.apps.values().map(|app| app.namespace.to_string());
    let all: BTreeSet<String> = wanted.chain(ids().map(|id| id.namespace)).collect();
    let made = all.into_iter().filter(|name| {
        !name.is_empty() && !declared.contains(name) && !GIVEN.contains(&name.as_str()) && name != ARGOCD
    });
    let namespace =
        |name: String| Object(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}));
    std::iter::once(ARGOCD.to_owned()).chain(made).map(namespace).collect()
}

/// Returns the controller; another set of keys is another Pod, for it reads them at its start.
fn controller(model: &Model) -> Vec<Object> {
    let keys: Vec<String> = model.sealing_keys.iter().map(ToString::to_string).collect();
    let words = [("namespace", seal::NAMESPACE), ("image", CONTROLLER), ("keys", &keys.join(" "))];
    let text = template::fill(template::SEALED_SECRETS, &words);
    let path: RepoPath = "templates/sealed-secrets.yaml".parse().expect("it is a path");
    let objects = parse_objects(&path, text.as_bytes()).expect("a template of ours is YAML, a test says so");
    objects.into_iter().map(Object).collect()
}

/// Returns the project of all apps, the Service that leads to the commits, and Argo CD's word for it.
fn projects(model: &Model) -> Vec<Object> {
    let anything = json!([{"group": "*", "kind": "*"}]);
    let repository = repository(model);
    let project = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject",
        "metadata": {"name": PROJECT, "namespace": ARGOCD},
        "spec": {
            "description": "Apps of the repository, at accepted commits",
            "sourceRepos": [repository],
            "destinations": [{"server": "https://kubernetes.default.svc", "namespace": "*"}],
            "clusterResourceWhitelist": anything, "namespaceResourceWhitelist": anything,
        }
    });
    let service = json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": GIT, "namespace": ARGOCD},
        "spec": {"ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": LISTENER}]}
    });
    [project, service, secret(&repository)].map(Object).into()
}

/// Returns what makes an address a repository of Argo CD; nothing in it is secret.
/// Source: Argo CD v3.2, operator-manual/declarative-setup.md, "Repositories".
fn secret(repository: &str) -> Value {
    let encoded = |text: &str| STANDARD.encode(text);
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": {
            "name": GIT, "namespace": ARGOCD,
            "labels": {"argocd.argoproj.io/secret-type": "repository"}
        },
        "data": {"name": encoded(GIT), "project": encoded(PROJECT), "type": encoded("git"), "url": encoded(repository)}
    })
}
