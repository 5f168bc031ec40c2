//! The keys of K3s's config.yaml: who reads each, what it takes, and which are Knarr's own.
//!
//! Source: K3s documentation, cli/server.md and cli/agent.md, v1.36.

/// What a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// True or false.
    Flag,
    /// One value.
    Text,
    /// Several values.
    List,
}

/// Who reads a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reader {
    /// Servers and agents.
    Both,
    /// Servers only.
    Server,
}

/// A key of K3s.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// Who reads it.
    pub reader: Reader,
}

/// Returns a key by its name.
pub fn find(name: &str) -> Option<Key> {
    all().find(|key| key.name == name)
}

/// Returns all keys that people may set.
pub fn all() -> impl Iterator<Item = Key> {
    let of = |names: &'static [&'static str], kind, reader| {
        names.iter().map(move |name| Key { name, kind, reader })
    };
    of(FLAGS, Kind::Flag, Reader::Both)
        .chain(of(TEXTS, Kind::Text, Reader::Both))
        .chain(of(LISTS, Kind::List, Reader::Both))
        .chain(of(SERVER_FLAGS, Kind::Flag, Reader::Server))
        .chain(of(SERVER_TEXTS, Kind::Text, Reader::Server))
        .chain(of(SERVER_LISTS, Kind::List, Reader::Server))
}

/// Returns why a key is Knarr's own, and where to say it instead; none for a key that people may set.
pub fn owned(name: &str) -> Option<&'static str> {
    OWNED.iter().find(|(names, _)| names.contains(&name)).map(|(_, instead)| *instead)
}

const FLAGS: &[&str] = &[
    "debug",
    "alsologtostderr",
    "selinux",
    "protect-kernel-defaults",
    "prefer-bundled-bin",
    "disable-apiserver-lb",
    "disable-default-registry-endpoint",
    "nonroot-devices",
    "enable-pprof",
];
const TEXTS: &[&str] = &[
    "v",
    "vmodule",
    "log",
    "resolv-conf",
    "private-registry",
    "lb-server-port",
    "snapshotter",
    "pause-image",
    "default-runtime",
    "image-credential-provider-bin-dir",
    "image-credential-provider-config",
    "flannel-conf",
    "flannel-cni-conf",
];
const LISTS: &[&str] = &["kubelet-arg", "kube-proxy-arg", "node-internal-dns", "node-external-dns"];
const SERVER_FLAGS: &[&str] = &[
    "tls-san-security",
    "flannel-ipv6-masq",
    "kine-tls",
    "etcd-snapshot-compress",
    "etcd-disable-snapshots",
    "etcd-expose-metrics",
    "etcd-s3",
    "etcd-s3-skip-ssl-verify",
    "etcd-s3-insecure",
    "disable-cloud-controller",
    "disable-network-policy",
    "disable-helm-controller",
    "embedded-registry",
    "supervisor-metrics",
    "enable-lease-based-election",
];
const SERVER_TEXTS: &[&str] = &[
    "cluster-domain",
    "service-node-port-range",
    "egress-selector-mode",
    "servicelb-namespace",
    "write-kubeconfig",
    "write-kubeconfig-mode",
    "write-kubeconfig-group",
    "helm-job-image",
    "etcd-snapshot-name",
    "etcd-snapshot-schedule-cron",
    "etcd-snapshot-retention",
    "etcd-snapshot-dir",
    "etcd-snapshot-reconcile-interval",
    "etcd-s3-endpoint",
    "etcd-s3-endpoint-ca",
    "etcd-s3-bucket",
    "etcd-s3-bucket-lookup-type",
    "etcd-s3-region",
    "etcd-s3-folder",
    "etcd-s3-proxy",
    "etcd-s3-config-secret",
    "etcd-s3-timeout",
    "etcd-s3-retention",
    "secrets-encryption-provider",
    "default-local-storage-path",
    "system-default-registry",
];
const SERVER_LISTS: &[&str] = &[
    "tls-san",
    "cluster-dns",
    "disable",
    "etcd-arg",
    "kube-apiserver-arg",
    "kube-controller-manager-arg",
    "kube-scheduler-arg",
    "kube-cloud-controller-manager-arg",
];

/// Keys that Knarr sets itself or relies on, each group with what to do instead.
const OWNED: &[(&[&str], &str)] = &[
    (&["node-name"], "take it out: a machine is called as its file in nodes/"),
    (&["node-label"], "write `labels` in nodes/NAME.yaml"),
    (&["node-taint"], "write `taints` in nodes/NAME.yaml"),
    (&["cluster-cidr"], "write `network: {pods: …}` in cluster.yaml"),
    (&["service-cidr"], "write `network: {services: …}` in cluster.yaml"),
    (&["secrets-encryption"], "write `birth: {secrets-encryption: …}` in cluster.yaml"),
    (
        &["server", "cluster-init", "cluster-reset", "cluster-reset-restore-path"],
        "take it out: `roles` in nodes/ and `birth.founded` say who founds and who joins",
    ),
    (
        &["token", "token-file", "agent-token", "agent-token-file"],
        "take it out: the tokens are secrets/k3s-token.age and secrets/k3s-agent-token.age",
    ),
    (
        &[
            "node-ip",
            "node-external-ip",
            "advertise-address",
            "advertise-port",
            "bind-address",
            "https-listen-port",
            "flannel-iface",
            "flannel-backend",
            "flannel-external-ip",
            "vpn-auth",
            "vpn-auth-file",
        ],
        "take it out: Kubernetes talks over the mesh",
    ),
    (
        &["etcd-s3-access-key", "etcd-s3-secret-key", "etcd-s3-session-token"],
        "name a Secret of kube-system instead, `etcd-s3-config-secret: NAME`: here everybody would read it",
    ),
    (
        &[
            "config",
            "data-dir",
            "with-node-id",
            "rootless",
            "docker",
            "container-runtime-endpoint",
            "image-service-endpoint",
            "datastore-endpoint",
            "datastore-cafile",
            "datastore-certfile",
            "datastore-keyfile",
            "disable-agent",
            "disable-apiserver",
            "disable-controller-manager",
            "disable-etcd",
            "disable-scheduler",
            "disable-kube-proxy",
        ],
        "take it out: Knarr relies on its default",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_key_is_there_once_and_none_is_owned_too() {
        let names: Vec<&str> = all().map(|key| key.name).collect();
        let owned_names: Vec<&str> = OWNED.iter().flat_map(|(names, _)| *names).copied().collect();
        let once: BTreeSet<&str> = names.iter().chain(&owned_names).copied().collect();
        assert_eq!(once.len(), names.len() + owned_names.len());
        assert!(find("node-ip").is_none() && owned("tls-san").is_none());
    }
}
