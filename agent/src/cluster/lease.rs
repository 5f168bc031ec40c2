//! Who makes the cluster's objects: the holder of the Lease `knarr`. Another server takes it when it is not renewed.

use super::api::{Api, ApiError};
use super::key::Key;
use crate::listener::Place;
use jiff::Timestamp;
use knarr_node::mesh::Role;
use knarr_node::name::NodeName;
use serde_json::{Value, json};

/// So long a Lease is held without being renewed, in seconds.
///
/// It is judged by the reader's clock: of servers whose clocks differ by more, the one that is ahead keeps it.
const HELD_SECS: i64 = 120;

/// Who has it after a pass asked for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    /// This server.
    Here,
    /// Another one.
    Other(String),
}

/// What to do about a Lease as it is.
#[derive(Debug, PartialEq)]
enum Claim {
    Write(Value),
    Leave(String),
}

/// Takes or renews the Lease if no other server holds it. One that is removed, or no server any more, holds nothing.
pub(super) async fn hold(api: &Api, place: &Place, now: Timestamp) -> Result<Holder, ApiError> {
    let key = key();
    let nodes = &place.directory.nodes;
    let is_server =
        |name: &str| nodes.iter().any(|(node, of)| node.as_str() == name && of.role == Role::Server);
    let lease = api.get(&key).await?;
    let free = !is_server(holder(lease.as_ref()));
    let lease = match claim(lease, free, &place.node, now) {
        Claim::Leave(other) => return Ok(Holder::Other(other)),
        Claim::Write(lease) => lease,
    };
    match api.write(&key, &lease).await {
        Ok(()) => Ok(Holder::Here),
        Err(error) if error.is_conflict() => Ok(Holder::Other("another server".to_owned())),
        Err(error) => Err(error),
    }
}

fn key() -> Key {
    Key::new("coordination.k8s.io/v1", "Lease", Some("kube-system"), "knarr")
}

fn spec<'a>(lease: Option<&'a Value>, name: &str) -> &'a str {
    lease.and_then(|lease| lease["spec"][name].as_str()).unwrap_or_default()
}

fn holder(lease: Option<&Value>) -> &str {
    spec(lease, "holderIdentity")
}

/// Says what to do about the Lease; `free` is one whose holder can be none.
fn claim(lease: Option<Value>, free: bool, me: &NodeName, now: Timestamp) -> Claim {
    let spec = |name: &str| spec(lease.as_ref(), name);
    let holder = holder(lease.as_ref()).to_owned();
    let renewed: Option<Timestamp> = spec("renewTime").parse().ok();
    let fresh = renewed.is_some_and(|renewed| now.as_second() - renewed.as_second() < HELD_SECS);
    if !free && !holder.is_empty() && holder != me.as_str() && fresh {
        return Claim::Leave(holder);
    }
    let acquired = spec("acquireTime").to_owned();
    let moves = lease.as_ref().and_then(|lease| lease["spec"]["leaseTransitions"].as_i64());
    let mut lease = lease.unwrap_or_else(empty);
    let micro = format!("{now:.6}");
    let stays = holder == me.as_str() && !acquired.is_empty();
    lease["spec"] = json!({
        "holderIdentity": me.as_str(),
        "leaseDurationSeconds": HELD_SECS,
        "renewTime": micro,
        "acquireTime": if stays { acquired } else { micro.clone() },
        "leaseTransitions": moves.map_or(0, |moves| moves + i64::from(!stays)),
    });
    Claim::Write(lease)
}

fn empty() -> Value {
    let Key { api_version, kind, namespace, name } = key();
    json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": namespace}})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: &str) -> Timestamp {
        format!("2026-11-21T{time}Z").parse().unwrap()
    }

    fn claimed(lease: Option<Value>, me: &str, time: &str) -> Claim {
        claim(lease, false, &me.parse().unwrap(), at(time))
    }

    fn taken(claim: Claim) -> Value {
        match claim {
            Claim::Write(lease) => lease,
            Claim::Leave(other) => panic!("left to {other}"),
        }
    }

    #[test]
    fn a_lease_is_taken_renewed_and_left_to_who_renews_it() {
        let first = taken(claimed(None, "edge", "10:00:00"));
        assert_eq!(first["spec"]["renewTime"], "2026-11-21T10:00:00.000000Z");
        let again = taken(claimed(Some(first), "edge", "10:01:00"));
        assert_eq!(again["spec"]["acquireTime"], "2026-11-21T10:00:00.000000Z");
        assert_eq!(again["spec"]["leaseTransitions"], 0);
        assert_eq!(claimed(Some(again), "worker", "10:02:59"), Claim::Leave("edge".into()));
    }

    #[test]
    fn a_lease_that_nobody_renews_is_taken_over_as_the_same_object() {
        let mut lease = taken(claimed(None, "edge", "10:00:00"));
        lease["metadata"]["resourceVersion"] = json!("7");
        let over = taken(claimed(Some(lease), "worker", "10:02:00"));
        assert_eq!(over["spec"]["holderIdentity"], "worker");
        assert_eq!(over["spec"]["leaseTransitions"], 1);
        assert_eq!(over["metadata"]["resourceVersion"], "7");
    }

    #[test]
    fn a_lease_of_who_is_no_server_is_taken_at_once() {
        let lease = taken(claimed(None, "edge", "10:00:00"));
        let over = taken(claim(Some(lease), true, &"worker".parse().unwrap(), at("10:00:01")));
        assert_eq!(over["spec"]["holderIdentity"], "worker");
    }

    #[test]
    fn a_lease_without_holder_is_free() {
        let lease = json!({"spec": {"holderIdentity": "", "renewTime": "2026-11-21T10:00:00.000000Z"}});
        assert_eq!(taken(claimed(Some(lease), "edge", "10:00:01"))["spec"]["holderIdentity"], "edge");
    }
}
