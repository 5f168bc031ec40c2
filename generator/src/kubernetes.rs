//! What Kubernetes takes: its kinds and their fields, and what is wrong with an object by them. Pure.
//!
//! The fields are those of one minor version, read where an object names their kind: docs/adr/0017.

mod definition;
mod fits;
mod name;
mod removed;
mod shape;

pub use definition::definitions;
pub use fits::{Mistake, What, mistakes};
pub use name::bad_name;
pub use removed::{Removed, removed};
pub use shape::{Field, Object, Shape, listed};

use crate::finding::did_you_mean;
use std::collections::BTreeMap;

/// The minor version whose fields these are.
pub const MINOR: u32 = 36;

/// One kind or type a line, in order. Source: k8s.io/kubernetes v1.36.3, api/openapi-spec/swagger.json
/// and, for words to choose from, pkg/generated/openapi; `make yaml` proves it, and writes it with `UPDATE_EXPECT=1`.
const TABLE: &str = include_str!("kubernetes/v1_36.txt");

/// Kinds of what comes with a cluster, whose fields nothing here says.
/// Source: K3s v1.36, docs "Helm" and "Packaged components"; argo-cd v3.2.11, manifests/crds; sealed-secrets v0.27.1.
const KNOWN: [(&str, &[&str]); 9] = [
    ("argoproj.io/v1alpha1", &["AppProject", "Application", "ApplicationSet"]),
    ("bitnami.com/v1alpha1", &["SealedSecret"]),
    (
        "gateway.networking.k8s.io/v1",
        &["BackendTLSPolicy", "GRPCRoute", "Gateway", "GatewayClass", "HTTPRoute"],
    ),
    ("gateway.networking.k8s.io/v1beta1", &["Gateway", "GatewayClass", "HTTPRoute", "ReferenceGrant"]),
    ("helm.cattle.io/v1", &["HelmChart", "HelmChartConfig"]),
    ("k3s.cattle.io/v1", &["Addon", "ETCDSnapshotFile"]),
    (
        "traefik.io/v1alpha1",
        &[
            "IngressRoute",
            "IngressRouteTCP",
            "IngressRouteUDP",
            "Middleware",
            "MiddlewareTCP",
            "ServersTransport",
            "ServersTransportTCP",
            "TLSOption",
            "TLSStore",
            "TraefikService",
        ],
    ),
    ("metrics.k8s.io/v1beta1", &["NodeMetrics", "PodMetrics"]),
    ("hub.traefik.io/v1alpha1", &["AccessControlPolicy", "API", "APIAccess", "APIGateway", "APIPortal"]),
];

/// What a kind is to a cluster.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind<'a> {
    /// Its fields are known.
    Fields(&'a Shape),
    /// It is there, and its fields are not known.
    There,
    /// Kubernetes had it, and has it no more.
    Removed(Removed),
    /// Kubernetes has no such kind, though the group is its own; what may have been meant.
    Wrong(String),
    /// Nothing here knows it.
    Unknown,
}

/// All kinds whose fields are known: Kubernetes' own, and those that the repository defines.
#[derive(Debug)]
pub struct Kinds {
    lines: BTreeMap<&'static str, &'static str>,
    shapes: BTreeMap<String, Shape>,
}

impl Kinds {
    /// Returns Kubernetes' own kinds, and those of definitions.
    pub fn with(definitions: BTreeMap<String, Shape>) -> Self {
        let lines: BTreeMap<_, _> = TABLE.lines().filter_map(|line| line.split_once(' ')).collect();
        let own = lines.iter().filter(|(key, _)| key.contains('/'));
        let own = own.map(|(key, name)| ((*key).to_owned(), Shape::Type(name)));
        let shapes = own.chain(definitions).collect();
        Self { lines, shapes }
    }

    /// Finds a kind by its `apiVersion` and `kind`.
    pub fn find(&self, api: &str, kind: &str) -> Kind<'_> {
        if let Some(shape) = self.shapes.get(&format!("{api}/{kind}")) {
            return Kind::Fields(shape);
        }
        if KNOWN.iter().any(|(known, kinds)| *known == api && kinds.contains(&kind)) {
            return Kind::There;
        }
        if let Some(removed) = removed(api, kind) {
            return Kind::Removed(removed);
        }
        if self.own().any(|(there, _)| group(there) == group(api)) {
            return Kind::Wrong(self.meant(api, kind));
        }
        Kind::Unknown
    }

    /// Returns Kubernetes' own kinds, each with its `apiVersion` in front.
    fn own(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.lines.keys().filter_map(|key| key.rsplit_once('/'))
    }

    /// Says what a kind that is not there may have meant: the same kind of another version or group, or one alike.
    fn meant(&self, api: &str, kind: &str) -> String {
        let same = self.own().filter(|(_, there)| *there == kind).map(|(there, _)| there);
        let stable =
            |there: &&str| (group(there) == group(api), !there.contains("alpha"), !there.contains("beta"));
        if let Some(there) = same.max_by_key(stable) {
            return format!("write `apiVersion: {there}`");
        }
        let kinds = self.own().filter(|(there, _)| *there == api).map(|(_, there)| there);
        did_you_mean(kind, kinds).unwrap_or_else(|| "kubectl api-resources lists what there is".to_owned())
    }

    /// Returns the fields of one of Kubernetes' own types.
    fn fields(&self, name: &str) -> Object {
        Object::of_line(self.lines.get(name).copied().unwrap_or_default())
    }
}

/// Returns the group of an `apiVersion`; empty for the core.
fn group(api: &str) -> &str {
    api.rsplit_once('/').map_or("", |(group, _)| group)
}

#[cfg(test)]
mod tests;
