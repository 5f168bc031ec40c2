//! What objects may be called, by their kinds.

use super::{Mistake, What};
use crate::spec::{At, Tree};
use knarr_node::name::{BadName, ObjectName};

/// What a name must be beside an [`ObjectName`]: whether dots may be in it, its length, and the rule for people.
type Rule = (bool, usize, &'static str);

const NAME: Rule = (true, 253, "labels of a-z, 0-9 and -, joined by dots, at most 253 characters");
const LABEL: Rule = (false, 63, "1 to 63 of a-z, 0-9 and -, beginning and ending with a letter or digit");
const CRON: Rule =
    (true, 52, "labels of a-z, 0-9 and -, joined by dots, at most 52 characters: its Jobs get longer ones");

/// Kinds and their rules; of other kinds, any name is taken.
/// Source: k8s.io/kubernetes v1.36.3, validation.go of pkg/apis/{core,apps,batch,networking,autoscaling,policy,storage,scheduling};
/// a Service's may begin with a digit since v1.36.
const RULES: &[(&str, &[&str], Rule)] = &[
    (
        "v1",
        &[
            "ConfigMap",
            "Endpoints",
            "LimitRange",
            "PersistentVolume",
            "PersistentVolumeClaim",
            "Pod",
            "ReplicationController",
            "ResourceQuota",
            "Secret",
            "ServiceAccount",
        ],
        NAME,
    ),
    ("v1", &["Namespace", "Service"], LABEL),
    ("apps/v1", &["DaemonSet", "Deployment", "ReplicaSet"], NAME),
    ("apps/v1", &["StatefulSet"], LABEL),
    ("batch/v1", &["Job"], NAME),
    ("batch/v1", &["CronJob"], CRON),
    ("networking.k8s.io/v1", &["Ingress", "IngressClass", "NetworkPolicy"], NAME),
    ("autoscaling/v2", &["HorizontalPodAutoscaler"], NAME),
    ("policy/v1", &["PodDisruptionBudget"], NAME),
    ("storage.k8s.io/v1", &["StorageClass"], NAME),
    ("scheduling.k8s.io/v1", &["PriorityClass"], NAME),
];

/// Returns what is wrong with the name of an object; none when its kind takes it.
pub fn bad_name(api: &str, kind: &str, object: &At<Tree>) -> Option<Mistake> {
    let (.., (dots, most, rule)) = RULES.iter().find(|row| row.0 == api && row.1.contains(&kind))?;
    let at = object.get("metadata")?.get("name")?;
    let text = at.text()?;
    let fits = text.parse::<ObjectName>().is_ok() && text.len() <= *most && (*dots || !text.contains('.'));
    let bad = || BadName { what: "an object's name", text: text.to_owned(), rule };
    let (pointer, span) = ("/metadata/name".to_owned(), at.span.clone());
    (!fits).then(|| Mistake { pointer, span, what: What::Bad(bad()) })
}
