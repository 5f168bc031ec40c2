//! Who makes the cluster's objects: the holder of the Lease `knarr`. Another server takes it when it is not renewed.

use super::api::{Api, ApiError};
use super::key::Key;
use jiff::Timestamp;
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

/// Takes or renews the Lease if nobody else holds it.
pub(super) async fn hold(api: &Api, me: &NodeName, now: Timestamp) -> Result<Holder, ApiError> {
    let key = key();
    let lease = match claim(api.get(&key).await?, me, now) {
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

fn claim(lease: Option<Value>, me: &NodeName, now: Timestamp) -> Claim {
    let spec = |name: &str| lease.as_ref().and_then(|lease| lease["spec"][name].as_str()).unwrap_or_default();
    let holder = spec("holderIdentity").to_owned();
    let renewed: Option<Timestamp> = spec("renewTime").parse().ok();
    let fresh = renewed.is_some_and(|renewed| now.as_second() - renewed.as_second() < HELD_SECS);
    if !holder.is_empty() && holder != me.as_str() && fresh {
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
        claim(lease, &me.parse().unwrap(), at(time))
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
    fn a_lease_without_holder_is_free() {
        let lease = json!({"spec": {"holderIdentity": "", "renewTime": "2026-11-21T10:00:00.000000Z"}});
        assert_eq!(taken(claimed(Some(lease), "edge", "10:00:01"))["spec"]["holderIdentity"], "edge");
    }
}
