//! Kubernetes objects as people wrote them: each is whole, and what it leaves to its app is filled in.

use super::check::Check;
use crate::finding::{Fault, Finding, Place};
use crate::spec::{At, Tree};
use knarr_node::name::{Namespace, RepoPath};
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

impl ObjectId {
    /// Returns how people call it among those of its kind: `shop/db`.
    pub fn title(&self) -> String {
        let Self { namespace, name, .. } = self;
        if namespace.is_empty() { name.clone() } else { format!("{namespace}/{name}") }
    }
}

impl std::fmt::Display for ObjectId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.kind, self.title())
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
    fn text(&self, keys: &[&str]) -> &str {
        let value = keys.iter().try_fold(&self.0, |value, key| value.get(key));
        value.and_then(Value::as_str).unwrap_or_default()
    }

    /// Returns what tells it apart.
    pub fn id(&self) -> ObjectId {
        let [kind, namespace, name] =
            [&["kind"] as &[&str], &["metadata", "namespace"], &["metadata", "name"]]
                .map(|keys| self.text(keys).to_owned());
        let group = self.text(&["apiVersion"]).rsplit_once('/').map_or("", |(group, _)| group).to_owned();
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

/// An object as it will be, and as it stands in its file.
#[derive(Clone, Debug)]
pub(super) struct Written<'a> {
    pub(super) object: Object,
    pub(super) place: Place,
    pub(super) tree: &'a At<Tree>,
}

/// What an app gives to its objects.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gives<'a> {
    pub(super) namespace: &'a Namespace,
    pub(super) host: Option<&'a str>,
}

impl Check<'_> {
    /// Reads all objects of a file, each with its place; lists are taken apart.
    pub(super) fn manifest<'a>(
        &mut self,
        path: &RepoPath,
        read: Result<&'a [At<Tree>], &Finding>,
        gives: Gives<'_>,
    ) -> Vec<Written<'a>> {
        match read {
            Ok(trees) => {
                let trees = trees.iter().flat_map(apart);
                trees.filter_map(|tree| self.object(path, tree, gives)).collect()
            }
            Err(finding) => {
                if !self.findings.has(finding) {
                    self.findings.push(finding.clone()); // what is said of sealed Secrets may have been said already
                }
                Vec::new()
            }
        }
    }

    fn object<'a>(&mut self, path: &RepoPath, tree: &'a At<Tree>, gives: Gives<'_>) -> Option<Written<'a>> {
        let kind = tree.word(&["kind"]);
        let place = if kind.span.is_some() { Place::of(path, &kind) } else { Place::file(path) };
        let parts = [
            ("apiVersion", tree.word(&["apiVersion"])),
            ("kind", kind),
            ("metadata.name", tree.word(&["metadata", "name"])),
        ];
        if let Some((key, _)) = parts.iter().find(|(_, word)| word.is_empty()) {
            self.findings.add(place, Fault::NoObject { key });
            return None;
        }
        let named = tree.word(&["metadata", "namespace"]);
        if !named.is_empty() {
            self.word::<Namespace>(path, &named)?;
            self.not_argocds(path, &named);
        }
        let mut object = Object(tree.to_value());
        object.fill_namespace(gives.namespace);
        object.keep_volume();
        if let Some(host) = gives.host {
            object.fill_host(host);
        }
        Some(Written { object, place, tree })
    }

    /// Reports the namespace in which every object can command Argo CD, which may do everything.
    pub(super) fn not_argocds(&mut self, path: &RepoPath, word: &At<String>) {
        if word.as_str() == super::ARGOCD {
            self.findings.add(Place::of(path, word), Fault::OwnNamespace {});
        }
    }
}

/// Takes a `kind: List` apart.
fn apart(tree: &At<Tree>) -> Vec<&At<Tree>> {
    let items = tree.get("items").map_or(&[][..], |items| items.elements());
    if !tree.word(&["kind"]).ends_with("List") || items.is_empty() {
        return vec![tree];
    }
    items.iter().flat_map(apart).collect()
}
