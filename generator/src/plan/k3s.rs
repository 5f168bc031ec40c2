//! What a plan says of K3s as a whole: from which version to which, and whether that comes back. Pure.

use super::World;
use super::world::Machine;
use crate::k3s::{BadStep, Version};
use knarr_node::Item;
use std::collections::BTreeSet;

/// Returns a sentence for each step from one version to another.
pub(super) fn notes(old: &World, new: &World) -> Vec<String> {
    let step = |(name, machine)| Some((version(old.machines.get(name)?)?, version(machine)?));
    let steps: BTreeSet<(Version, Version)> = new.machines.iter().filter_map(step).collect();
    let alone = new.servers().len() == 1;
    steps.into_iter().filter(|(from, to)| from != to).map(|(from, to)| note(from, to, alone)).collect()
}

/// Returns the oldest version of K3s that a machine runs.
pub fn oldest(world: &World) -> Option<Version> {
    world.machines.values().filter_map(version).min()
}

fn note(from: Version, to: Version, alone: bool) -> String {
    let turns = if alone {
        "the only server first, whose API is away meanwhile, then agents; containers live on"
    } else {
        "servers one after the other, then agents; containers live on"
    };
    let way_back = match from.step(to) {
        Err(bad @ BadStep::Back { .. }) => {
            format!(". {bad}: servers refuse it until a snapshot is restored (docs/reliability.md#going-back-to-a-snapshot)")
        }
        Err(bad @ BadStep::Skips { .. }) => format!(". {bad}"),
        Ok(()) if from.minor == to.minor => String::new(),
        Ok(()) => ". This cannot be undone: Kubernetes' data do not go back to the minor version before. Each server takes \
            a snapshot first, in /var/lib/knarr/snapshots"
            .to_owned(),
    };
    format!("K3s goes from {from} to {to}: {turns}{way_back}")
}

/// Returns the version of K3s that a machine runs, as the address of the program says it.
fn version(machine: &Machine) -> Option<Version> {
    let artifact = machine.state.items.iter().find_map(|item| {
        let Item::Artifact(artifact) = item else { return None };
        (artifact.name.as_str() == "k3s").then_some(artifact)
    })?;
    let named = |place: String| place.replace("%2B", "+").split('/').find_map(|part| part.parse().ok());
    artifact.from.iter().find_map(|source| named(source.to_string()))
}
