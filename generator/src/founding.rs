//! What `knarr ship` records when a cluster was founded: from then on no machine founds it again. Pure.

use crate::lower::founder;
use crate::model::Model;
use crate::spec::{Datastore, Founded, Network};
use knarr_node::name::NodeName;

/// Returns who founds the cluster, and what is recorded when it has; none without K3s, or when that was recorded.
pub fn record(model: &Model) -> Option<(&NodeName, Founded)> {
    let cluster = &model.cluster;
    let k3s = cluster.k3s.as_ref().filter(|_| cluster.birth.founded.is_none())?;
    let server = founder(model)?;
    let text = |network: ipnet::Ipv4Net| network.to_string().as_str().into();
    let network = Network {
        mesh: text(cluster.network.mesh),
        pods: text(cluster.network.pods),
        services: text(cluster.network.services),
    };
    let founded = Founded {
        server: server.as_str().into(),
        ca: k3s.ca().to_string().as_str().into(),
        datastore: if model.servers().len() > 1 { Datastore::Etcd } else { Datastore::Sqlite },
        domain: cluster.domain.clone(),
        network,
        secrets_encryption: cluster.birth.secrets_encryption,
        mtu: u16::from(cluster.network.mtu).into(),
    };
    Some((server, founded))
}
