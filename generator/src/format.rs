//! Which format is written of all that machines read, which are States and the mesh: the one that knarr.lock says,
//! which only `knarr upgrade knarr` raises, and never to one that a knarrd on a machine cannot read yet. Pure.
//!
//! A newer format comes by two commits: the first asks for a knarrd that reads it, in the old format, which the knarrd
//! that is there reads; the second says the new one.

use crate::binary::Version;
use crate::spec;
use knarr_node::state::FORMAT;

/// What a line of knarr.lock begins with that says a format: `format 2: {}`. Without one it is the oldest.
pub const FORMAT_LINE: &str = "format";

/// Each format with the first knarrd that reads it, oldest first. A new one adds its row.
const READ_SINCE: [(u32, [u32; 3]); 1] = [(FORMAT, [0, 1, 0])];

/// What machines were asked to run by the commit that they may follow already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// There is no commit yet, and no machine has read anything.
    Nothing,
    /// A knarrd that no lock names: it may be any.
    Any,
    /// This one.
    Version(Version),
}

/// What a commit that asks for a knarrd is written in, and what the one after it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The format that machines read now.
    pub now: u32,
    /// The newer one that they read once they run that knarrd.
    pub then: Option<u32>,
}

/// Returns the format that a lock's version of [`FORMAT_LINE`] says, the oldest without one; none that this program does not write.
pub fn written(said: Option<&str>) -> Option<u32> {
    let said = said.map_or(Ok(READ_SINCE[0].0), str::parse).ok()?;
    READ_SINCE.iter().map(|(format, _)| *format).find(|format| *format == said)
}

/// Returns what may be written when a commit asks for a knarrd, after what machines were asked before.
pub fn step(asked: Asked, wanted: Version) -> Step {
    between(&READ_SINCE, asked, wanted)
}

/// Says a format in a lock; the oldest is not said.
pub fn say(lock: &mut spec::Lock, format: u32) {
    if format != READ_SINCE[0].0 {
        lock.pin(FORMAT_LINE, &format.to_string(), spec::Pinned::default());
    }
}

fn between(table: &[(u32, [u32; 3])], asked: Asked, wanted: Version) -> Step {
    let (now, then) = (newest(table, asked), newest(table, Asked::Version(wanted)));
    Step { now, then: Some(then).filter(|then| *then > now) }
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
        assert_eq!(step(version("0.3.0"), "0.3.9"), Step { now: 1, then: None });
        assert_eq!(step(version("0.3.9"), "0.4.0"), Step { now: 1, then: Some(2) });
        assert_eq!(
            step(version("0.4.0"), "0.4.0"),
            Step { now: 2, then: None },
            "the second of the two commits"
        );
        assert_eq!(step(version("0.4.0"), "1.0.0"), Step { now: 2, then: Some(3) });
        assert_eq!(step(Asked::Any, "1.0.0"), Step { now: 1, then: Some(3) }, "machines may run any knarrd");
        assert_eq!(step(Asked::Nothing, "1.0.0").then, None, "no machine has read anything");
    }

    #[test]
    fn this_knarr_reads_and_writes_the_newest_format_of_the_table() {
        assert_eq!(READ_SINCE.last().map(|(format, _)| *format), Some(FORMAT));
        assert_eq!(step(Asked::Version(Version::own()), Version::own()), Step { now: FORMAT, then: None });
    }

    #[test]
    fn a_lock_that_says_no_format_says_the_oldest_and_an_unknown_one_is_none() {
        assert_eq!(written(None), Some(1));
        assert_eq!(["1", "9", "one"].map(|said| written(Some(said))), [Some(1), None, None]);
    }
}
