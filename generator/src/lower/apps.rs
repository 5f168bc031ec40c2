//! Apps as Argo CD takes them: plain manifests, and an Application for each.

use super::bootstrap::{self, PROJECT};
use crate::emit::Tree;
use crate::model::{ARGOCD, App, Model, Object};
use crate::spec::Sync;
use knarr_node::name::{AppName, RepoPath};
use serde_json::{Value, json};

/// Where the manifests of all apps are rendered.
pub const FOLDER: &str = "rendered/apps/";

/// Adds the manifests of all apps, and their Applications.
pub(super) fn apps(model: &Model, tree: &mut Tree) {
    for (name, app) in &model.apps {
        for (file, objects) in &app.files {
            tree.objects(&format!("{FOLDER}{name}/{}", rendered(file)), objects);
        }
    }
    let applications: Vec<Object> =
        model.apps.iter().map(|(name, app)| application(model, name, app)).collect();
    tree.objects("rendered/argocd/applications.yaml", &applications);
}

/// Returns a file's name as Argo CD reads it; JSON becomes YAML.
fn rendered(file: &RepoPath) -> String {
    let json = file.as_str().strip_suffix(".json").map(|_| format!("{file}.yaml"));
    json.unwrap_or_else(|| file.to_string())
}

/// Returns the Application of an app. It has no finalizer: leaving the repository never deletes volumes. knarrd fills in
/// `targetRevision`.
fn application(model: &Model, name: &AppName, app: &App) -> Object {
    let mut source = json!({"repoURL": bootstrap::repository(model), "path": format!("{FOLDER}{name}")});
    if app.files.keys().any(|file| file.as_str().contains('/')) {
        source["directory"] = json!({"recurse": true});
    }
    Object(json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {"name": name, "namespace": ARGOCD},
        "spec": {
            "project": PROJECT,
            "source": source,
            "destination": {"server": "https://kubernetes.default.svc", "namespace": app.namespace},
            "syncPolicy": policy(app.sync),
        }
    }))
}

/// Argo CD tries a commit again, for ever: without `retry` one failure, as of an API that starts, would be its last.
/// Source: Argo CD v3.2, user-guide/auto_sync.md, "Automated Sync Semantics".
fn policy(sync: Sync) -> Value {
    let retry = json!({"limit": -1, "backoff": {"duration": "5s", "factor": 2, "maxDuration": "3m"}});
    let mut policy = json!({"retry": retry, "syncOptions": ["ServerSideApply=true"]});
    if sync == Sync::Auto {
        policy["automated"] = json!({"prune": true, "selfHeal": true});
    }
    policy
}
