//! The same work for many things, on all cores: what RSA and parsers take their time for.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// As much stack as the first thread of a program has, in bytes: what is nested deeply is read here too.
const STACK: usize = 8 << 20;

/// Does `work` with each item; returns what came of them in their order.
pub(crate) fn each<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    each_with(items, || (), |(), item| work(item))
}

/// Does the same with something that `make` makes for each thread.
pub(crate) fn each_with<T: Sync, R: Send, M>(
    items: &[T],
    make: impl Fn() -> M + Sync,
    work: impl Fn(&M, &T) -> R + Sync,
) -> Vec<R> {
    let threads = match items.len() {
        0 => return Vec::new(),
        1 => 1, // nobody has to be asked, which takes Rust a dozen files of Linux
        many => thread::available_parallelism().map_or(1, usize::from).min(many),
    };
    let next = AtomicUsize::new(0);
    let some = || {
        let (with, mut done) = (make(), Vec::new());
        while let Some((index, item)) = claim(items, &next) {
            done.push((index, work(&with, item)));
        }
        done
    };
    let mut done: Vec<(usize, R)> = thread::scope(|scope| {
        let other = |_| thread::Builder::new().stack_size(STACK).spawn_scoped(scope, some).ok(); // else there are fewer
        let others: Vec<_> = (1..threads).filter_map(other).collect();
        let mut done = some();
        for other in others {
            done.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        done
    });
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

fn claim<'a, T>(items: &'a [T], next: &AtomicUsize) -> Option<(usize, &'a T)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    Some((index, items.get(index)?))
}

#[cfg(test)]
mod tests {
    use super::each;

    #[test]
    fn results_are_in_the_order_of_the_items() {
        for count in [0, 1, 2, 1000] {
            let items: Vec<usize> = (0..count).collect();
            let expected: Vec<usize> = items.iter().map(|item| item * 2).collect();
            assert_eq!(each(&items, |item| item * 2), expected);
        }
    }
}
