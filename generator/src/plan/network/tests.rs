//! Over random fleets: what a plan says is what knarrd's comparison of all that two States are says.

use crate::git::Side;
use crate::lower::MESH;
use crate::plan::{Step, World, between};
use knarr_node::mesh::{Directory, Listing, MeshDevice, MeshNode, Reach, Role};
use knarr_node::name::{AbsPath, NodeName};
use knarr_node::net::{MeshIp, Port, WgKey};
use knarr_node::{Have, NodeState, plan};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// The most machines of a fleet.
const MACHINES: usize = 6;
const DEVICES: usize = 3;

#[derive(Clone, Debug)]
struct Machine {
    there: bool,
    public: bool,
    relay: usize,
    ip: u8,
    key: u8,
    server: bool,
    port: Option<u16>,
    firewall: &'static str,
    device: &'static str,
}

fn machine() -> impl Strategy<Value = Machine> {
    let firewall = prop::sample::select(vec!["{ssh: anywhere}", "{ssh: mesh, open: [80]}"]);
    let device = prop_oneof![9 => Just("knarr0"), 1 => Just("knarr1")];
    let port = prop::option::weighted(0.3, prop::sample::select(vec![22, 2222]));
    let flags = (prop::bool::weighted(0.9), prop::bool::weighted(0.6), prop::bool::weighted(0.3));
    (flags, any::<usize>(), 1..9_u8, 1..9_u8, port, firewall, device).prop_map(
        |((there, public, server), relay, ip, key, port, firewall, device)| Machine {
            there,
            public,
            relay,
            ip,
            key,
            server,
            port,
            firewall,
            device,
        },
    )
}

#[derive(Clone, Debug)]
struct Device {
    there: bool,
    via: usize,
    ip: u8,
    reach: &'static [&'static str],
}

fn device() -> impl Strategy<Value = Device> {
    let reach = prop::sample::select(vec![&["ssh"] as &[&str], &["api", "n1:5432"], &["nodes"]]);
    (any::<bool>(), any::<usize>(), 1..9_u8, reach).prop_map(|(there, via, ip, reach)| Device {
        there,
        via,
        ip,
        reach,
    })
}

/// Two values, mostly the same.
fn twice<T: Clone + std::fmt::Debug>(
    of: impl Strategy<Value = T>,
    other: impl Strategy<Value = T>,
) -> impl Strategy<Value = [T; 2]> {
    (of, prop::option::weighted(0.2, other)).prop_map(|(old, new)| [old.clone(), new.unwrap_or(old)])
}

fn fleets() -> impl Strategy<Value = [(Vec<Machine>, Vec<Device>); 2]> {
    let machines = prop::collection::vec(twice(machine(), machine()), 2..=MACHINES);
    let devices = prop::collection::vec(twice(device(), device()), 0..=DEVICES);
    (machines, devices).prop_map(|(machines, devices)| {
        [0, 1].map(|side| {
            let machines = machines.iter().map(|pair| pair[side].clone()).collect();
            (machines, devices.iter().map(|pair| pair[side].clone()).collect())
        })
    })
}

/// Returns the number, or the next that nobody has: numbers are swapped between machines now and then.
fn free(taken: &mut BTreeSet<u8>, wanted: u8) -> u8 {
    let number = (wanted..=u8::MAX).find(|number| !taken.contains(number)).unwrap();
    taken.insert(number);
    number
}

fn name(at: usize) -> NodeName {
    format!("n{at}").parse().unwrap()
}

fn directory(machines: &[Machine], devices: &[Device]) -> Directory {
    let there: Vec<usize> = (0..machines.len()).filter(|at| *at == 0 || machines[*at].there).collect();
    let public: Vec<usize> = there.iter().copied().filter(|at| *at == 0 || machines[*at].public).collect();
    let (mut ips, mut keys) = (BTreeSet::new(), BTreeSet::new());
    let ip = |number| MeshIp::from(Ipv4Addr::new(10, 210, 0, number));
    let node = |at: &usize| {
        let (machine, is_public) = (&machines[*at], public.contains(at));
        let of = u8::try_from(*at).unwrap() + 1;
        let node = MeshNode {
            ip: ip(free(&mut ips, machine.ip)),
            key: WgKey::from([free(&mut keys, machine.key); 32]),
            role: if machine.server { Role::Server } else { Role::Agent },
            at: is_public.then(|| format!("192.0.2.{of}:51821").parse().unwrap()).into_iter().collect(),
            ssh: machine.port.map(|port| format!("192.0.2.{of}:{port}").parse().unwrap()),
            relay: (!is_public).then(|| name(public[machine.relay % public.len()])),
        };
        (name(*at), node)
    };
    let nodes: BTreeMap<NodeName, MeshNode> = there.iter().map(node).collect();
    let device = |(at, device): (usize, &Device)| {
        let made = MeshDevice {
            ip: ip(free(&mut ips, device.ip)),
            key: WgKey::from([u8::try_from(at).unwrap() + 100; 32]),
            via: name(there[device.via % there.len()]),
            reach: device.reach.iter().map(|reach| reach.parse::<Reach>().unwrap()).collect(),
            until: None,
        };
        (format!("d{at}").parse().unwrap(), made)
    };
    let peers = devices.iter().enumerate().filter(|(_, device)| device.there).map(device).collect();
    let listing = Listing {
        format: 1,
        domain: "harbor.example".parse().unwrap(),
        network: "10.210.0.0/16".parse().unwrap(),
        pods: "10.42.0.0/16".parse().unwrap(),
        services: "10.43.0.0/16".parse().unwrap(),
        port: Port::try_from(51821).unwrap(),
        mtu: 1380.try_into().unwrap(),
        nodes,
        peers,
    };
    Directory::try_from(listing).unwrap()
}

fn files(machines: &[Machine], directory: &Directory) -> Side {
    let state = |node: &NodeName| {
        let machine = &machines[node.as_str()[1..].parse::<usize>().unwrap()];
        let text = format!(
            "knarr: {{format: 1, version: 1.0.0}}\nnode: {node}\ngit: {{remotes: [], branch: main}}\nmesh: {{device: {}}}\n\
             firewall: {}\nitems:\n- sysctl: {{net.ipv4.ip_forward: \"1\"}}\n",
            machine.device, machine.firewall
        );
        (format!("rendered/nodes/{node}.yaml").parse().unwrap(), text.into_bytes())
    };
    let mesh = serde_saphyr::to_string(directory).unwrap().into_bytes();
    directory.nodes.keys().map(state).chain([(MESH.parse().unwrap(), mesh)]).collect()
}

/// The plan without any of the shortcuts: all that both States are.
fn plainly(old: Option<&NodeState>, new: &NodeState, directories: [&Directory; 2]) -> Vec<Step> {
    let key: AbsPath = "/var/lib/knarr/wireguard.key".parse().unwrap();
    let items = |state: &NodeState, directory| state.lower(directory, &key).unwrap();
    let have = old.map(|old| items(old, directories[0])).unwrap_or_default();
    let plan = plan(&items(new, directories[1]), &Have::of(&have));
    let steps = plan.stages.iter().flat_map(|stage| {
        stage.changes.iter().map(|change| Step::of(change, stage.name.is_guarded())).collect::<Vec<_>>()
    });
    steps.collect()
}

proptest! {
    #[test]
    fn a_plan_is_what_the_comparison_of_everything_says(fleets in fleets()) {
        let directories = fleets.each_ref().map(|(machines, devices)| directory(machines, devices));
        let worlds = [0, 1].map(|side| World::of_files(files(&fleets[side].0, &directories[side])).unwrap());
        let planned = between(&worlds[0], &worlds[1]);
        for (node, new) in &worlds[1].machines {
            let old = worlds[0].machines.get(node).map(|old| &old.state);
            let plain = plainly(old, &new.state, directories.each_ref());
            let row = planned.nodes.iter().find(|row| row.node == *node);
            prop_assert_eq!(row.map(|row| row.changes.clone()).unwrap_or_default(), plain, "{}", node);
        }
    }
}
