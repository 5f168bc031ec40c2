//! Names of machines in /etc/hosts: a marked block, the rest of the file is others'.

use crate::name::DomainName;
use crate::net::MeshIp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

const BEGIN: &str = "# knarr: begin, written by knarrd";
const END: &str = "# knarr: end";

/// The names in Knarr's block of /etc/hosts. In YAML a map: `{10.210.0.1: edge.mesh.harbor.example}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HostsBlock(pub BTreeMap<MeshIp, DomainName>);

impl HostsBlock {
    /// Returns `file` with this block in it: where the old one was, else at the end. An empty block leaves no trace.
    pub fn put_into(&self, file: &str) -> String {
        let (before, after) = around(file);
        let gap = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
        if self.0.is_empty() {
            format!("{before}{after}")
        } else {
            format!("{before}{gap}{}{after}", self.block())
        }
    }

    /// Returns the names in the block of `file`, if it has one; lines that are none of ours do not count.
    pub fn of(file: &str) -> Option<Self> {
        let (before, after) = around(file);
        let block = file.get(before.len()..file.len() - after.len()).filter(|block| !block.is_empty())?;
        let entry = |line: &str| {
            let (ip, name) = line.split_once(' ')?;
            Some((ip.parse::<Ipv4Addr>().ok()?.into(), name.parse().ok()?))
        };
        Some(Self(block.lines().filter_map(entry).collect()))
    }

    fn block(&self) -> String {
        let names: Vec<String> = self.0.iter().map(|(ip, name)| format!("{ip} {name}\n")).collect();
        format!("{BEGIN}\n{}{END}\n", names.concat())
    }
}

/// Returns what stands before and after the block. A block without end is only its first line: what follows is others'.
fn around(file: &str) -> (&str, &str) {
    let Some(begin) = line(file, BEGIN) else { return (file, "") };
    let rest = &file[begin..];
    let length = line(rest, END).map_or(BEGIN.len(), |end| end + END.len());
    let after = &rest[length..];
    (&file[..begin], after.strip_prefix('\n').unwrap_or(after))
}

/// Returns where the line `wanted` begins.
fn line(file: &str, wanted: &str) -> Option<usize> {
    let starts = std::iter::once(0).chain(file.match_indices('\n').map(|(at, _)| at + 1));
    starts.into_iter().find(|at| file[*at..].split('\n').next() == Some(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn block(names: &[(u8, &str)]) -> HostsBlock {
        let entry = |(last, name): &(u8, &str)| {
            (MeshIp::from(std::net::Ipv4Addr::new(10, 210, 0, *last)), name.parse().unwrap())
        };
        HostsBlock(names.iter().map(entry).collect())
    }

    #[test]
    fn a_block_stands_where_it_stood() {
        let file = block(&[(1, "edge.mesh.x")]).put_into("127.0.0.1 localhost\n");
        let file = format!("{file}192.0.2.1 other\n");
        assert_eq!(
            block(&[(1, "edge.mesh.x"), (2, "worker.mesh.x")]).put_into(&file),
            "127.0.0.1 localhost\n# knarr: begin, written by knarrd\n10.210.0.1 edge.mesh.x\n10.210.0.2 worker.mesh.x\n# knarr: end\n192.0.2.1 other\n"
        );
    }

    #[test]
    fn a_block_whose_end_was_cut_off_takes_nobodys_lines() {
        let file = format!("a\n{BEGIN}\n192.0.2.1 mine\n");
        assert_eq!(HostsBlock::default().put_into(&file), "a\n192.0.2.1 mine\n");
        assert_eq!((HostsBlock::of(&file), HostsBlock::of("a\n")), (Some(block(&[])), None));
    }

    proptest! {
        #[test]
        fn putting_it_twice_is_putting_it_once_and_an_empty_one_takes_it_away(file in "([a-c #]{0,5}\n){0,4}[a-c]{0,2}") {
            let names = block(&[(1, "edge.mesh.x")]);
            let once = names.put_into(&file);
            prop_assert_eq!(names.put_into(&once), once.clone());
            prop_assert_eq!(HostsBlock::of(&once), Some(names));
            let gone = HostsBlock::default().put_into(&once);
            prop_assert_eq!(gone.trim_end_matches('\n'), file.trim_end_matches('\n'));
        }
    }
}
