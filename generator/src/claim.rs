//! Before a push: machines whose WireGuard key is a new one here are asked which they have.
//!
//! A wrong one would cut them off from all others, and WireGuard says of it nothing but silence.

use crate::finding::{Fault, Findings, Place};
use crate::follow::Follower;
use crate::machine::{Machine, at_once};
use crate::plan::World;
use crate::spec::Spec;
use crate::ssh::{Ssh, SshError, Target};
use knarr_node::name::RepoPath;
use knarr_node::net::WgKey;
use std::time::Duration;

/// So long a machine is waited for; one that does not answer contradicts nothing.
const PATIENCE: Duration = Duration::from_secs(6);

/// Returns a warning for each machine that has another key than `new`, where `old` did not have that key already.
///
/// # Errors
/// When ssh cannot be started here.
pub fn contradictions(
    spec: &Spec,
    followers: &[Follower],
    old: &World,
    new: &World,
) -> Result<Findings, SshError> {
    let ssh = Ssh::new()?;
    let ask = |target: &Target| Machine { ssh: &ssh, target }.wireguard_key(PATIENCE).ok();
    Ok(compare(spec, followers, old, new, ask))
}

fn compare(
    spec: &Spec,
    followers: &[Follower],
    old: &World,
    new: &World,
    ask: impl Fn(&Target) -> Option<WgKey> + Sync,
) -> Findings {
    let changed = |follower| Some((follower, new_key(follower, old, new)?));
    let asked: Vec<(&Follower, WgKey)> = followers.iter().filter_map(changed).collect();
    let said = at_once(&asked, |(follower, _)| ask(&follower.target));
    let mut findings = Findings::default();
    for ((Follower { node, .. }, key), says) in asked.iter().zip(said) {
        if let Some(says) = says.filter(|says| says != key) {
            let path: RepoPath =
                format!("nodes/{node}.yaml").parse().expect("a node's name is a file's name");
            let file = spec.nodes.get(node.as_str());
            let place =
                file.map_or_else(|| Place::file(&path), |file| Place::of(&path, &file.keys.wireguard));
            findings.add(place, Fault::OtherKey { node: node.clone(), says });
        }
    }
    findings
}

fn new_key(follower: &Follower, old: &World, new: &World) -> Option<WgKey> {
    new.key(&follower.node).filter(|key| old.key(&follower.node) != Some(*key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::Repo;
    use crate::follow::followers;
    use crate::render::prepare;
    use crate::ui::{Format, Ui};

    #[test]
    fn only_a_machine_that_says_another_key_than_a_new_one_is_a_finding() {
        let repo = Repo::at(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/three-machines"));
        let prepared = prepare(&repo, &Ui::new(Format::Text, false)).unwrap();
        let new = World::of_prepared(&prepared);
        let (nodes, other) = (followers(&prepared.model), WgKey::from([7; 32]));
        let names: Vec<&str> = nodes.iter().map(|follower| follower.node.as_str()).collect();
        let says = |target: &Target| {
            let follower = nodes.iter().find(|follower| follower.target == *target).unwrap();
            match follower.node.as_str() {
                "edge" => Some(other),
                "worker" => new.key(&follower.node),
                _ => None,
            }
        };
        assert!(names.contains(&"edge") && names.contains(&"worker"), "{names:?}");
        let found = compare(&prepared.spec, &nodes, &World::default(), &new, says);
        let found: Vec<_> = found.iter().map(|it| (it.fault.code(), it.place.path.as_str())).collect();
        assert_eq!(found, [("KN0231", "nodes/edge.yaml")]);
        assert!(compare(&prepared.spec, &nodes, &new, &new, says).is_empty(), "no key is a new one");
    }
}
