//! What two renders make of mesh and firewall on each machine, as far as that differs. Pure.
//!
//! The directory is one file, and all machines read it: what its changed lines mean is found once for all of them, so that a
//! plan takes as long as there are machines, and not the square of that.

use super::world::Machine;
use knarr_node::Item;
use knarr_node::firewall::{FirewallPart, table};
use knarr_node::item::NftTable;
use knarr_node::mesh::{Difference, Directory, Mesh, MeshNode, Role};
use knarr_node::name::DeviceName;
use knarr_node::net::Port;
use std::rc::Rc;

/// What was found for one machine and holds for others.
#[derive(Default)]
pub(super) struct Networks<'a> {
    differences: Vec<([&'a Directory; 2], Rc<Difference<'a>>)>,
    tables: Vec<(&'a Directory, Alike<'a>, Rc<NftTable>)>,
}

/// All of a machine that its table depends on beside the directory.
#[derive(PartialEq)]
struct Alike<'a> {
    part: &'a FirewallPart,
    device: &'a DeviceName,
    role: Role,
    ssh: Port,
}

impl<'a> Networks<'a> {
    /// Returns what the machine has and what it wants of mesh and firewall, without what stays as it is: that is no part of a
    /// plan.
    pub(super) fn of(&mut self, old: Option<&'a Machine>, new: &'a Machine) -> (Vec<Item>, Vec<Item>) {
        let whole = || (old.map(Machine::network).unwrap_or_default(), new.network());
        let Some(old) = old.filter(|old| old.state.mesh == new.state.mesh) else { return whole() };
        let (Some(had), Some(has)) = (&old.directory, &new.directory) else { return whole() };
        if same(had, has) && old.state.firewall == new.state.firewall {
            return Default::default();
        }
        let Some([part, new_part]) = self.difference(had, has).around(&new.state.node) else {
            return whole();
        };
        let (old_table, new_table) = (self.table(old), self.table(new));
        let differ = old_table != new_table;
        let table =
            |table: Option<Rc<NftTable>>| table.filter(|_| differ).map(|it| Item::Table((*it).clone()));
        let all = |at, items| table(at).into_iter().chain(items).collect();
        (all(old_table, old.mesh_in(&part)), all(new_table, new.mesh_in(&new_part)))
    }

    fn difference(&mut self, old: &'a Directory, new: &'a Directory) -> Rc<Difference<'a>> {
        let known = self.differences.iter().find(|([one, two], _)| same(one, old) && same(two, new));
        if let Some((_, difference)) = known {
            return Rc::clone(difference);
        }
        let difference = Rc::new(Difference::between(old, new));
        self.differences.push(([old, new], Rc::clone(&difference)));
        difference
    }

    /// Returns the table of a machine, which knows all addresses of the mesh.
    fn table(&mut self, machine: &'a Machine) -> Option<Rc<NftTable>> {
        let (directory, part) = (machine.directory.as_deref()?, machine.state.firewall.as_ref()?);
        let device = &machine.state.mesh.as_ref()?.device;
        let mesh = Mesh::new(directory, &machine.state.node, device).ok()?;
        let me = directory.nodes.get(&machine.state.node)?;
        let alike = Alike { part, device, role: me.role, ssh: MeshNode::ssh_port(me) };
        let known = self.tables.iter().find(|(of, who, _)| same(of, directory) && *who == alike);
        if let Some((_, _, table)) = known {
            return Some(Rc::clone(table));
        }
        let table = Rc::new(table(part, &mesh));
        self.tables.push((directory, alike, Rc::clone(&table)));
        Some(table)
    }
}

/// Whether both are one in memory: renders that have the same directory share it.
fn same(one: &Directory, other: &Directory) -> bool {
    std::ptr::eq(one, other)
}

#[cfg(test)]
mod tests;
