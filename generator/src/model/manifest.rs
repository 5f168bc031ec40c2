//! Kubernetes objects as people wrote them: each is whole, and what it leaves to its app is filled in.

use super::check::Check;
use crate::finding::{Fault, Place};
use crate::spec::{At, parse_all, parse_objects};
use knarr_node::name::{Namespace, RepoPath};
use serde::Deserialize;
use serde_json::{Map, Value};

/// One object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object(pub Value);

/// What tells an object apart from all others of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectId {
    /// Its group; empty for the core.
    pub group: String,
    /// Its kind.
    pub kind: String,
    /// Its namespace; empty when it has none.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl std::fmt::Display for ObjectId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { kind, namespace, name, .. } = self;
        if namespace.is_empty() { write!(f, "{kind} {name}") } else { write!(f, "{kind} {namespace}/{name}") }
    }
}

/// Kinds of Kubernetes itself that belong to no namespace. Source: k8s.io/api v0.36, `+genclient:nonNamespaced`.
const CLUSTER_WIDE: [&str; 30] = [
    "APIService",
    "CSIDriver",
    "CSINode",
    "CertificateSigningRequest",
    "ClusterRole",
    "ClusterRoleBinding",
    "ClusterTrustBundle",
    "ComponentStatus",
    "CustomResourceDefinition",
    "DeviceClass",
    "DeviceTaintRule",
    "FlowSchema",
    "IPAddress",
    "IngressClass",
    "MutatingAdmissionPolicy",
    "MutatingAdmissionPolicyBinding",
    "MutatingWebhookConfiguration",
    "Namespace",
    "Node",
    "PersistentVolume",
    "PriorityClass",
    "PriorityLevelConfiguration",
    "ResourceSlice",
    "RuntimeClass",
    "ServiceCIDR",
    "StorageClass",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "ValidatingWebhookConfiguration",
    "VolumeAttributesClass",
];

/// Groups whose other kinds all belong to a namespace.
const GROUPS: [&str; 11] = [
    "",
    "apps",
    "autoscaling",
    "batch",
    "bitnami.com",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "networking.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
];

impl Object {
    fn text(&self, pointer: &str) -> &str {
        self.0.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// Returns what tells it apart.
    pub fn id(&self) -> ObjectId {
        let [kind, namespace, name] =
            ["/kind", "/metadata/namespace", "/metadata/name"].map(|pointer| self.text(pointer).to_owned());
        let group = self.text("/apiVersion").rsplit_once('/').map_or("", |(group, _)| group).to_owned();
        ObjectId { group, kind, namespace, name }
    }

    /// Fills in the namespace where it has none and belongs to one. What a kind of others belongs to, only the API
    /// knows: Argo CD gives those the namespace of the app too.
    fn fill_namespace(&mut self, namespace: &Namespace) {
        let id = self.id();
        let wants = GROUPS.contains(&id.group.as_str()) && !CLUSTER_WIDE.contains(&id.kind.as_str());
        if let Some(metadata) = self.0.get_mut("metadata").and_then(Value::as_object_mut)
            && wants
            && id.namespace.is_empty()
        {
            metadata.insert("namespace".to_owned(), namespace.as_str().into());
        }
    }

    /// Lets a volume stay when its claim leaves the repository, unless a person says otherwise.
    /// Source: Argo CD v3.2, user-guide/sync-options.md, "No Prune Resources", "No Resource Deletion".
    fn keep_volume(&mut self) {
        let is_claim = self.id().kind == "PersistentVolumeClaim";
        let metadata = self.0.get_mut("metadata").and_then(Value::as_object_mut);
        if let Some(metadata) = metadata.filter(|_| is_claim) {
            let annotations = metadata.entry("annotations").or_insert_with(|| Value::Object(Map::new()));
            if let Some(annotations) = annotations.as_object_mut() {
                let options = annotations.entry("argocd.argoproj.io/sync-options");
                options.or_insert_with(|| "Prune=false,Delete=false".into());
            }
        }
    }

    /// Fills in the host of Ingress rules that have none.
    fn fill_host(&mut self, host: &str) {
        let ObjectId { group, kind, .. } = self.id();
        let rules = self.0.pointer_mut("/spec/rules").and_then(Value::as_array_mut);
        if (group.as_str(), kind.as_str()) != ("networking.k8s.io", "Ingress") {
            return;
        }
        for rule in rules.into_iter().flatten().filter_map(Value::as_object_mut) {
            rule.entry("host").or_insert_with(|| host.into());
        }
    }
}

/// As much of an object as tells where a mistake stands.
#[derive(Debug, Default, Deserialize)]
struct Seen {
    #[serde(default, rename = "apiVersion")]
    api_version: At<String>,
    #[serde(default)]
    kind: At<String>,
    #[serde(default)]
    metadata: SeenMetadata,
    #[serde(default)]
    items: Vec<Seen>,
}

#[derive(Debug, Default, Deserialize)]
struct SeenMetadata {
    #[serde(default)]
    name: At<String>,
    #[serde(default)]
    namespace: At<String>,
}

/// What an app gives to its objects.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gives<'a> {
    pub(super) namespace: &'a Namespace,
    pub(super) host: Option<&'a str>,
}

impl Check<'_> {
    /// Reads all objects of a file, each with its place; lists are taken apart.
    pub(super) fn manifest(&mut self, path: &RepoPath, gives: Gives<'_>) -> Vec<(Object, Place)> {
        let bytes = &self.inputs.files[path];
        let read = parse_all::<Seen>(path, bytes)
            .and_then(|seen| parse_objects(path, bytes).map(|values| (seen, values)));
        match read {
            Ok((seen, values)) => {
                let both = seen.into_iter().zip(values).flat_map(apart);
                both.filter_map(|(seen, value)| self.object(path, &seen, value, gives)).collect()
            }
            Err(finding) => {
                if !self.findings.iter().any(|there| *there == finding) {
                    self.findings.push(finding); // what is said of sealed Secrets may have been said already
                }
                Vec::new()
            }
        }
    }

    fn object(
        &mut self,
        path: &RepoPath,
        seen: &Seen,
        value: Value,
        gives: Gives<'_>,
    ) -> Option<(Object, Place)> {
        let place = if seen.kind.span.is_some() { Place::of(path, &seen.kind) } else { Place::file(path) };
        let parts =
            [("apiVersion", &seen.api_version), ("kind", &seen.kind), ("metadata.name", &seen.metadata.name)];
        if let Some((key, _)) = parts.iter().find(|(_, word)| word.is_empty()) {
            self.findings.add(place, Fault::NoObject { key });
            return None;
        }
        let named = &seen.metadata.namespace;
        if !named.is_empty() {
            self.word::<Namespace>(path, named)?;
            self.not_argocds(path, named);
        }
        let mut object = Object(value);
        object.fill_namespace(gives.namespace);
        object.keep_volume();
        if let Some(host) = gives.host {
            object.fill_host(host);
        }
        Some((object, place))
    }

    /// Reports the namespace in which every object can command Argo CD, which may do everything.
    pub(super) fn not_argocds(&mut self, path: &RepoPath, word: &At<String>) {
        if word.as_str() == super::ARGOCD {
            self.findings.add(Place::of(path, word), Fault::OwnNamespace {});
        }
    }
}

/// Takes a `kind: List` apart.
fn apart((seen, value): (Seen, Value)) -> Vec<(Seen, Value)> {
    if !seen.kind.ends_with("List") || seen.items.is_empty() {
        return vec![(seen, value)];
    }
    let items = value.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
    seen.items.into_iter().zip(items).flat_map(apart).collect()
}
