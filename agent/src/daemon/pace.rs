//! How long until the next pass, when nothing calls for one earlier.

use std::time::Duration;

/// Between two passes of a small cluster's machine.
const SMALL: Duration = Duration::from_secs(30);
/// In a larger one each machine adds so much, so that the git host is asked equally often by all together.
const EACH: Duration = Duration::from_secs(3);
/// While something else comes first, which may be ready any moment.
const SOON: Duration = Duration::from_secs(5);
/// While nothing can be fetched the time doubles up to this.
const MOST: Duration = Duration::from_mins(5);

/// The pace of passes.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    fixed: Option<Duration>,
    failures: u32,
}

impl Pace {
    /// Makes one of a `fixed` time between passes, or else of what the number of nodes gives.
    pub fn new(fixed: Option<Duration>) -> Self {
        Self { fixed, failures: 0 }
    }

    /// Returns the time until the next pass when something else comes first.
    pub fn soon(&mut self, nodes: usize, fetched: bool) -> Duration {
        if fetched { self.next(nodes, true).min(SOON) } else { self.next(nodes, false) }
    }

    /// Returns the time until the next pass, after one that could fetch or could not.
    pub fn next(&mut self, nodes: usize, fetched: bool) -> Duration {
        self.failures = if fetched { 0 } else { self.failures.saturating_add(1) };
        let large = EACH.saturating_mul(u32::try_from(nodes).unwrap_or(u32::MAX));
        let every = self.fixed.unwrap_or(SMALL.max(large));
        let doubled = every.saturating_mul(2_u32.saturating_pow(self.failures.saturating_sub(1)));
        doubled.min(MOST.max(every))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(pace: &mut Pace, nodes: usize, fetched: bool) -> u64 {
        pace.next(nodes, fetched).as_secs()
    }

    #[test]
    fn a_large_cluster_asks_the_git_host_no_more_often_than_a_small_one() {
        for (nodes, every) in [(1, 30), (10, 30), (11, 33), (50, 150), (1000, 3000)] {
            assert_eq!(secs(&mut Pace::default(), nodes, true), every, "{nodes} nodes");
        }
    }

    #[test]
    fn passes_that_cannot_fetch_come_less_and_less_often_until_one_can() {
        let mut pace = Pace::default();
        let failing: Vec<u64> = (0..6).map(|_| secs(&mut pace, 3, false)).collect();
        assert_eq!(failing, [30, 60, 120, 240, 300, 300]);
        assert_eq!(secs(&mut pace, 3, true), 30);
        for _ in 0..100 {
            assert!(secs(&mut pace, 1000, false) >= 3000, "never more often than when all is well");
        }
    }

    #[test]
    fn what_waits_for_others_is_tried_soon_unless_nothing_can_be_fetched() {
        let mut pace = Pace::default();
        let soon: Vec<u64> = [true, false, false, true].map(|fetched| pace.soon(3, fetched).as_secs()).into();
        assert_eq!(soon, [5, 30, 60, 5]);
        assert_eq!(Pace::new(Some(Duration::from_secs(2))).soon(3, true).as_secs(), 2);
    }

    #[test]
    fn a_fixed_time_counts_instead_of_the_number_of_nodes() {
        let mut pace = Pace::new(Some(Duration::from_secs(2)));
        assert_eq!(
            [secs(&mut pace, 50, true), secs(&mut pace, 50, false), secs(&mut pace, 50, false)],
            [2, 2, 4]
        );
    }
}
