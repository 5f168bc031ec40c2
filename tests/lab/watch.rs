//! What everybody on a host can see of its processes, or root can: their command lines and environments, again and again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::Pid;

/// Between two looks: few programs live for a shorter time.
const PAUSE: Duration = Duration::from_millis(2);

/// In so many looks after its first one a process may become another program; the rest is looked at now and then.
const YOUNG: u32 = 50;

/// The most texts that are kept.
const MOST: usize = 200_000;

/// Eyes on the processes of a host; they close when it is dropped.
#[derive(Debug)]
pub struct Watch {
    end: Arc<AtomicBool>,
    eyes: Option<JoinHandle<BTreeSet<Vec<u8>>>>,
}

impl Watch {
    /// Begins; `first` is process 1 of the host.
    pub(crate) fn of(first: Pid) -> Self {
        let end = Arc::new(AtomicBool::new(false));
        let host = namespace(Path::new(&format!("/proc/{first}")));
        let ended = Arc::clone(&end);
        let eyes = std::thread::spawn(move || {
            let (mut ages, mut seen) = (Ages::new(), BTreeSet::new());
            while !ended.load(Ordering::Relaxed) {
                look(host.as_deref(), &mut ages, &mut seen);
                std::thread::sleep(PAUSE);
            }
            seen
        });
        Self { end, eyes: Some(eyes) }
    }

    /// Ends, and returns each command line and each environment that was seen.
    pub fn seen(mut self) -> BTreeSet<Vec<u8>> {
        self.end.store(true, Ordering::Relaxed);
        let eyes = self.eyes.take().expect("they are open until now");
        eyes.join().expect("looking does not panic")
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
    }
}

/// How often each process was looked at; none for those of others.
type Ages = BTreeMap<PathBuf, Option<u32>>;

/// Looks once. A process that ends meanwhile has nothing more to show.
fn look(host: Option<&Path>, ages: &mut Ages, seen: &mut BTreeSet<Vec<u8>>) {
    let there = fs::read_dir("/proc").into_iter().flatten().flatten().map(|entry| entry.path());
    let of_host = |process: &Path| host.is_some() && namespace(process).as_deref() == host;
    let mut now = Ages::new();
    for process in there {
        let age = ages.remove(&process).unwrap_or_else(|| of_host(&process).then_some(0));
        if age.is_some_and(|looks| looks < YOUNG || looks.is_multiple_of(YOUNG)) {
            for file in ["cmdline", "environ"] {
                seen.extend(fs::read(process.join(file)));
            }
        }
        now.insert(process, age.map(|looks| looks.saturating_add(1)));
    }
    *ages = now;
    assert!(seen.len() < MOST, "too much was seen to remember it");
}

/// The PID namespace of a process.
fn namespace(process: &Path) -> Option<PathBuf> {
    fs::read_link(process.join("ns/pid")).ok()
}
