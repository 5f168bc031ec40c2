//! What becomes of an object that leaves the repository, and what is lost with it. Pure.

use crate::model::ObjectId;
use serde::Serialize;
use serde_json::Value;

/// What becomes of an object that leaves the repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Left {
    /// It is deleted.
    Deleted,
    /// It stays in the cluster, and nobody follows it any more.
    Stays,
    /// It stays until a person has Argo CD sync the app.
    Waits,
}

/// What Argo CD is told of one object. Source: Argo CD v3.2, user-guide/sync-options.md.
const OPTIONS: &str = "/metadata/annotations/argocd.argoproj.io~1sync-options";

/// Returns what becomes of an object without an app.
pub(super) fn of_ours(kept: bool) -> Left {
    if kept { Left::Stays } else { Left::Deleted }
}

/// Returns what becomes of an app's object: without the app Argo CD follows nothing, and the Application has no finalizer.
/// Source: Argo CD v3.2, user-guide/auto_sync.md, "Automatic Pruning", and sync-options.md, "No Prune Resources".
pub(super) fn of_an_app(object: &Value, application: Option<&Value>) -> Left {
    let Some(application) = application else { return Left::Stays };
    if has_option(object, "Prune=false") {
        return Left::Stays;
    }
    if prunes(application) && !has_option(object, "Prune=confirm") { Left::Deleted } else { Left::Waits }
}

fn prunes(application: &Value) -> bool {
    application.pointer("/spec/syncPolicy/automated/prune").and_then(Value::as_bool).unwrap_or_default()
}

fn has_option(object: &Value, option: &str) -> bool {
    let options = object.pointer(OPTIONS).and_then(Value::as_str).unwrap_or_default();
    options.split(',').any(|one| one.trim() == option)
}

/// Returns what is lost when an object is deleted. What an operator does when its own objects go, nobody here knows.
/// Source: Kubernetes v1.36, "Namespaces", "Persistent Volumes" (reclaiming), "StatefulSets" (claim retention), "Extend
/// the Kubernetes API with CustomResourceDefinitions" (deleting).
pub(super) fn with(id: &ObjectId, object: &Value) -> Option<&'static str> {
    match (id.group.as_str(), id.kind.as_str()) {
        ("", "Namespace") => Some("is deleted, and all that is in it, volumes too"),
        ("", "PersistentVolumeClaim") => {
            Some("is deleted, and its volume too, unless the volume is to be retained")
        }
        ("", "PersistentVolume") if text(object, "/spec/persistentVolumeReclaimPolicy") == "Delete" => {
            Some("is deleted, and what is stored there, if its driver can")
        }
        ("apiextensions.k8s.io", "CustomResourceDefinition") => {
            Some("is deleted, and all objects of its kind, in every namespace")
        }
        ("apps", "StatefulSet") if text(object, &format!("{RETENTION}/whenDeleted")) == "Delete" => {
            Some("is deleted, and the volumes of its Pods")
        }
        _ => None,
    }
}

const RETENTION: &str = "/spec/persistentVolumeClaimRetentionPolicy";

/// Returns what is lost when an object becomes another: one that is made anew was deleted before.
/// Source: Argo CD v3.2, user-guide/sync-options.md, "Force Sync", "Replace Resource Instead Of Applying Changes".
pub(super) fn by_change(
    id: &ObjectId,
    before: &Value,
    after: &Value,
    application: Option<&Value>,
) -> Option<&'static str> {
    if application.is_none_or(|application| application.pointer("/spec/syncPolicy/automated").is_none()) {
        return None;
    }
    if has_option(after, "Force=true") && has_option(after, "Replace=true") {
        return with(id, before);
    }
    let shrinks = replicas(after) < replicas(before);
    let deletes = text(after, &format!("{RETENTION}/whenScaled")) == "Delete";
    let is_set = id.group == "apps" && id.kind == "StatefulSet";
    (is_set && shrinks && deletes).then_some("becomes smaller, and the volumes of Pods that go are deleted")
}

fn replicas(object: &Value) -> u64 {
    object.pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(1)
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Object;
    use serde_json::json;

    fn object(api_version: &str, kind: &str) -> Value {
        json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "db", "annotations": {}}})
    }

    fn option(mut object: Value, options: &str) -> Value {
        object["metadata"]["annotations"]["argocd.argoproj.io/sync-options"] = options.into();
        object
    }

    fn lost(object: &Value) -> bool {
        with(&Object(object.clone()).id(), object).is_some()
    }

    #[test]
    fn what_leaves_is_deleted_only_where_argo_cd_prunes() {
        let auto = json!({"spec": {"syncPolicy": {"automated": {"prune": true}}}});
        let manual = json!({"spec": {"syncPolicy": {}}});
        let claim = object("v1", "PersistentVolumeClaim");
        assert_eq!(of_an_app(&claim, Some(&auto)), Left::Deleted);
        assert_eq!(of_an_app(&claim, Some(&manual)), Left::Waits);
        assert_eq!(of_an_app(&claim, None), Left::Stays);
        for (options, left) in [
            ("Prune=false,Delete=false", Left::Stays),
            ("Validate=false, Prune=false", Left::Stays),
            ("Prune=confirm", Left::Waits),
            ("Delete=false", Left::Deleted),
        ] {
            assert_eq!(of_an_app(&option(claim.clone(), options), Some(&auto)), left, "{options}");
        }
    }

    #[test]
    fn only_what_holds_data_takes_data_along() {
        let kinds = ["Namespace", "PersistentVolumeClaim"].map(|kind| object("v1", kind));
        assert!(
            kinds.iter().all(lost) && lost(&object("apiextensions.k8s.io/v1", "CustomResourceDefinition"))
        );
        assert!(!lost(&object("v1", "Service")) && !lost(&object("example.org/v1", "Namespace")));
        let mut volume = object("v1", "PersistentVolume");
        assert!(!lost(&volume));
        volume["spec"]["persistentVolumeReclaimPolicy"] = "Delete".into();
        assert!(lost(&volume));
        let mut set = object("apps/v1", "StatefulSet");
        assert!(!lost(&set));
        set["spec"]["persistentVolumeClaimRetentionPolicy"]["whenDeleted"] = "Delete".into();
        assert!(lost(&set));
    }

    #[test]
    fn a_change_loses_data_only_when_it_makes_anew_or_scales_volumes_away() {
        let auto = json!({"spec": {"syncPolicy": {"automated": {}}}});
        let id = |object: &Value| Object(object.clone()).id();
        let claim = object("v1", "PersistentVolumeClaim");
        let anew = option(claim.clone(), "Force=true,Replace=true");
        assert!(by_change(&id(&claim), &claim, &anew, Some(&auto)).is_some());
        assert!(by_change(&id(&claim), &claim, &anew, None).is_none());
        assert!(
            by_change(&id(&claim), &claim, &option(claim.clone(), "Replace=true"), Some(&auto)).is_none()
        );
        let (mut three, mut one) = (object("apps/v1", "StatefulSet"), object("apps/v1", "StatefulSet"));
        three["spec"]["replicas"] = 3.into();
        assert!(by_change(&id(&one), &three, &one, Some(&auto)).is_none());
        one["spec"]["persistentVolumeClaimRetentionPolicy"]["whenScaled"] = "Delete".into();
        assert!(by_change(&id(&one), &three, &one, Some(&auto)).is_some());
        assert!(by_change(&id(&one), &one, &three, Some(&auto)).is_none());
    }
}
