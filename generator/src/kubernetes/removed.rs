//! Kinds that Kubernetes once had under another version: since when not, and what to write now.
//!
//! Source: k8s.io/api v0.36.3, `APILifecycleRemoved` of each type; Kubernetes, "Deprecated API Migration Guide", v1.36, for
//! what the module itself has no more: PodSecurityPolicy, autoscaling/v2beta1 and v2beta2.

/// A kind that is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Removed {
    /// The first minor version without it.
    pub minor: u32,
    /// Its `apiVersion` now; none when nothing took its place.
    pub now: Option<&'static str>,
}

/// Finds a kind among those that are gone.
pub fn removed(api: &str, kind: &str) -> Option<Removed> {
    let row = REMOVED.iter().find(|(there, _, kinds, _)| *there == api && kinds.contains(&kind))?;
    Some(Removed { minor: row.1, now: (!row.3.is_empty()).then_some(row.3) })
}

/// `apiVersion`, the first minor version without it, kinds, and their `apiVersion` now.
pub(super) type Row = (&'static str, u32, &'static [&'static str], &'static str);

pub(super) const REMOVED: &[Row] = &[
    ("apps/v1beta1", 16, &["ControllerRevision", "Deployment", "StatefulSet"], "apps/v1"),
    (
        "apps/v1beta2",
        16,
        &["ControllerRevision", "DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"],
        "apps/v1",
    ),
    ("extensions/v1beta1", 16, &["DaemonSet", "Deployment", "ReplicaSet"], "apps/v1"),
    ("extensions/v1beta1", 16, &["NetworkPolicy"], "networking.k8s.io/v1"),
    ("extensions/v1beta1", 16, &["PodSecurityPolicy"], ""),
    ("extensions/v1beta1", 22, &["Ingress"], "networking.k8s.io/v1"),
    ("networking.k8s.io/v1beta1", 22, &["Ingress", "IngressClass"], "networking.k8s.io/v1"),
    (
        "admissionregistration.k8s.io/v1beta1",
        22,
        &["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"],
        "admissionregistration.k8s.io/v1",
    ),
    ("apiextensions.k8s.io/v1beta1", 22, &["CustomResourceDefinition"], "apiextensions.k8s.io/v1"),
    ("apiregistration.k8s.io/v1beta1", 22, &["APIService"], "apiregistration.k8s.io/v1"),
    ("certificates.k8s.io/v1beta1", 22, &["CertificateSigningRequest"], "certificates.k8s.io/v1"),
    ("coordination.k8s.io/v1beta1", 22, &["Lease"], "coordination.k8s.io/v1"),
    (
        "rbac.authorization.k8s.io/v1beta1",
        22,
        &["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"],
        "rbac.authorization.k8s.io/v1",
    ),
    ("scheduling.k8s.io/v1beta1", 22, &["PriorityClass"], "scheduling.k8s.io/v1"),
    (
        "storage.k8s.io/v1beta1",
        22,
        &["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment"],
        "storage.k8s.io/v1",
    ),
    ("storage.k8s.io/v1alpha1", 24, &["CSIStorageCapacity", "VolumeAttachment"], "storage.k8s.io/v1"),
    ("batch/v1beta1", 25, &["CronJob"], "batch/v1"),
    ("autoscaling/v2beta1", 25, &["HorizontalPodAutoscaler"], "autoscaling/v2"),
    ("discovery.k8s.io/v1beta1", 25, &["EndpointSlice"], "discovery.k8s.io/v1"),
    ("events.k8s.io/v1beta1", 25, &["Event"], "events.k8s.io/v1"),
    ("node.k8s.io/v1beta1", 25, &["RuntimeClass"], "node.k8s.io/v1"),
    ("policy/v1beta1", 25, &["PodDisruptionBudget"], "policy/v1"),
    ("policy/v1beta1", 25, &["PodSecurityPolicy"], ""),
    ("autoscaling/v2beta2", 26, &["HorizontalPodAutoscaler"], "autoscaling/v2"),
    (
        "flowcontrol.apiserver.k8s.io/v1beta1",
        26,
        &["FlowSchema", "PriorityLevelConfiguration"],
        "flowcontrol.apiserver.k8s.io/v1",
    ),
    ("storage.k8s.io/v1beta1", 27, &["CSIStorageCapacity"], "storage.k8s.io/v1"),
    (
        "flowcontrol.apiserver.k8s.io/v1beta2",
        29,
        &["FlowSchema", "PriorityLevelConfiguration"],
        "flowcontrol.apiserver.k8s.io/v1",
    ),
    (
        "flowcontrol.apiserver.k8s.io/v1beta3",
        32,
        &["FlowSchema", "PriorityLevelConfiguration"],
        "flowcontrol.apiserver.k8s.io/v1",
    ),
    (
        "admissionregistration.k8s.io/v1alpha1",
        32,
        &["ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"],
        "admissionregistration.k8s.io/v1",
    ),
    ("networking.k8s.io/v1alpha1", 33, &["IPAddress", "ServiceCIDR"], "networking.k8s.io/v1"),
    (
        "admissionregistration.k8s.io/v1beta1",
        34,
        &["ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"],
        "admissionregistration.k8s.io/v1",
    ),
    ("storage.k8s.io/v1alpha1", 35, &["VolumeAttributesClass"], "storage.k8s.io/v1"),
    ("storagemigration.k8s.io/v1alpha1", 36, &["StorageVersionMigration"], "storagemigration.k8s.io/v1beta1"),
];
