//! Which format is written of all that machines read, which are States and the mesh: never one that a knarrd on a
//! machine cannot read yet. Pure.
//!
//! A newer format comes by two commits: the first asks for a knarrd that reads it, in the old format, which the knarrd
//! that is there reads; the second is written in the new one.

use crate::binary::Version;
use knarr_node::state::FORMAT;

/// Each format with the first knarrd that reads it, oldest first. A new one adds its row.
const READ_SINCE: [(u32, [u32; 3]); 1] = [(FORMAT, [0, 1, 0])];

/// What the last commit asks machines to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// There is no commit yet, and no machine has read anything.
    Nothing,
    /// A knarrd that no lock names: it may be any.
    Any,
    /// This one.
    Version(Version),
}

/// Returns the format to write: the newest that the knarrd reads which the last commit asks for.
pub fn written(asked: Asked) -> u32 {
    newest(&READ_SINCE, asked)
}

/// Returns the formats before and after a commit that asks for a knarrd, where they differ: then it takes two commits.
pub fn step(asked: Asked, wanted: Version) -> Option<(u32, u32)> {
    between(&READ_SINCE, asked, wanted)
}

fn between(table: &[(u32, [u32; 3])], asked: Asked, wanted: Version) -> Option<(u32, u32)> {
    let (before, after) = (newest(table, asked), newest(table, Asked::Version(wanted)));
    (before < after).then_some((before, after))
}

fn newest(table: &[(u32, [u32; 3])], asked: Asked) -> u32 {
    let reads = |since: Version| match asked {
        Asked::Nothing => true,
        Asked::Any => false,
        Asked::Version(version) => since <= version,
    };
    let known = table.iter().rev().find(|(_, since)| reads(Version::from(*since))).or(table.first());
    known.map_or(FORMAT, |(format, _)| *format)
}

#[cfg(test)]
mod tests {
    use super::*;

    const THREE: [(u32, [u32; 3]); 3] = [(1, [0, 1, 0]), (2, [0, 4, 0]), (3, [1, 0, 0])];

    #[test]
    fn a_format_is_written_once_a_commit_has_asked_for_a_knarrd_that_reads_it() {
        let of = |text: &str| newest(&THREE, Asked::Version(text.parse().unwrap()));
        let asked = ["0.1.0", "0.3.9", "0.4.0", "0.10.0", "1.0.0", "2.0.0"];
        assert_eq!(asked.map(of), [1, 1, 2, 2, 3, 3]);
    }

    #[test]
    fn what_nobody_has_read_yet_is_new_and_what_anybody_may_read_is_old() {
        assert_eq!((newest(&THREE, Asked::Nothing), newest(&THREE, Asked::Any)), (3, 1));
        assert_eq!(of_older_than_all(), 1);
    }

    fn of_older_than_all() -> u32 {
        newest(&THREE, Asked::Version("0.0.9".parse().unwrap()))
    }

    #[test]
    fn a_newer_format_takes_a_second_commit_and_a_newer_knarrd_alone_does_not() {
        let step = |asked: Asked, wanted: &str| between(&THREE, asked, wanted.parse().unwrap());
        let version = |text: &str| Asked::Version(text.parse().unwrap());
        assert_eq!(step(version("0.3.0"), "0.3.9"), None);
        assert_eq!(step(version("0.3.9"), "0.4.0"), Some((1, 2)));
        assert_eq!(step(version("0.4.0"), "1.0.0"), Some((2, 3)));
        assert_eq!(step(Asked::Any, "1.0.0"), Some((1, 3)), "machines may run any knarrd");
        assert_eq!(step(Asked::Nothing, "1.0.0"), None, "no machine has read anything");
    }

    #[test]
    fn this_knarr_reads_and_writes_the_newest_format_of_the_table() {
        assert_eq!(READ_SINCE.last().map(|(format, _)| *format), Some(FORMAT));
        assert_eq!(written(Asked::Version(Version::own())), FORMAT);
    }
}
