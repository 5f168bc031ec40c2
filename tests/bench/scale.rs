//! Large repositories: a thousand machines with a hundred apps, what one machine more costs them, and how it grows.

use crate::figure::{Figure, Target, Unit, Values};
use crate::fleet::Fleet;
use crate::many;
use crate::peers::Peers;

const MACHINES: u16 = 1000;
const APPS: u16 = 100;

/// What is linear takes five times as long for five times as many; so much more is left to the noise of the measurement.
const NOISE: f64 = 1.2;

pub(crate) fn measure(_: &Peers) -> Vec<Figure> {
    let fleet = Fleet::of(MACHINES, APPS);
    let mut figures = render(&fleet);
    figures.extend(plans(&fleet));
    figures.extend(one_more(&fleet));
    drop(fleet);
    figures.extend(growth());
    figures
}

fn figure(what: &'static str, ours: Values, target: Target) -> Figure {
    Figure { what, ours, target, peer: None }
}

fn render(fleet: &Fleet) -> Vec<Figure> {
    let cold = cold(fleet);
    fleet.unrender();
    let peak = Values::new(Unit::MiB, vec![fleet.peak(&["render"])]);
    let again = Values::times(7, || fleet.knarr(&["render"]));
    let check = Values::times(7, || fleet.knarr(&["render", "--check"]));
    let plan = Values::new(Unit::MiB, vec![fleet.peak(&["plan"])]);
    vec![
        figure("1,000 machines, 100 apps: `knarr render` of all", cold, Target::AtMost(1.0)),
        figure("1,000 machines, 100 apps: `knarr render` of all, most memory", peak, Target::AtMost(200.0)),
        figure("1,000 machines, 100 apps: `knarr render`, nothing changed", again, Target::AtMost(1.0)),
        figure("1,000 machines, 100 apps: `knarr render --check`", check, Target::AtMost(1.0)),
        figure("1,000 machines, 100 apps: `knarr plan`, most memory", plan, Target::None),
    ]
}

/// Renders what is not there at all.
fn cold(fleet: &Fleet) -> Values {
    Values::times_after(5, || fleet.unrender(), || fleet.knarr(&["render"]))
}

fn plans(fleet: &Fleet) -> Vec<Figure> {
    let plan = || Values::times(7, || fleet.knarr(&["plan"]));
    let node = "nodes/node-0500.yaml";
    let edited = |old: &str, new: &str| {
        fleet.edit(node, old, new);
        let times = plan();
        fleet.git(&["checkout", "-q", node]);
        times
    };
    let line = edited("roles: [agent]\n", "roles: [agent]\nopen: [80]\n");
    let address = edited("\naddress: 198.18.2.1\n", "\naddress: 198.19.2.1\n");
    let gone = edited("roles: [agent]\n", "roles: [agent]\nremoved: true\n");
    many::machine(&fleet.root(), MACHINES);
    let new = plan();
    fleet.git(&["clean", "-q", "-f", "nodes"]);
    let figure = |what, times| figure(what, times, Target::AtMost(1.0));
    vec![
        figure("1,000 machines, 100 apps: `knarr plan`, one machine opens a port", line),
        figure("1,000 machines, 100 apps: `knarr plan`, one machine has another address", address),
        figure("1,000 machines, 100 apps: `knarr plan`, one machine leaves", gone),
        figure("1,000 machines, 100 apps: `knarr plan`, one machine is new", new),
    ]
}

/// Counts what a machine more changes in the files that are there already.
fn one_more(fleet: &Fleet) -> Vec<Figure> {
    fleet.commit(); // what was rendered anew is encrypted anew
    many::machine(&fleet.root(), MACHINES);
    fleet.knarr(&["render"]);
    let numbers = fleet.git(&["diff", "--numstat", "--diff-filter=M"]);
    let count = |line: &str| -> f64 {
        line.split('\t').take(2).map(|number| number.parse::<f64>().expect("each is text")).sum()
    };
    let lines: Vec<f64> = numbers.lines().map(count).collect();
    let files = u16::try_from(lines.len()).map(f64::from).unwrap();
    let one = |value| Values::new(Unit::Count, vec![value]);
    vec![
        figure("a machine more beside 1,000: existing files that change", one(files), Target::AtMost(5.0)),
        figure("a machine more beside 1,000: their lines", one(lines.iter().sum()), Target::AtMost(20.0)),
    ]
}

/// What one size of a repository takes.
struct Size {
    cold: Values,
    check: Values,
    bytes: f64,
}

impl Size {
    fn of(machines: u16) -> Self {
        let fleet = Fleet::of(machines, APPS);
        let listed = fleet.git(&["ls-tree", "-r", "--long", "HEAD", "rendered"]);
        let size = |line: &str| line.split_whitespace().nth(3).unwrap().parse::<f64>().unwrap();
        let bytes = listed.lines().map(size).sum();
        Self { cold: cold(&fleet), check: Values::times(5, || fleet.knarr(&["render", "--check"])), bytes }
    }
}

fn growth() -> Vec<Figure> {
    let [small, middle, large] = [100, 1000, 5000].map(Size::of);
    let times = |one: f64, other: f64| Values::new(Unit::Times, vec![other / one]);
    let render = times(middle.cold.median(), large.cold.median());
    let check = times(middle.check.median(), large.check.median());
    let bytes = times(middle.bytes, large.bytes);
    let linear = || Target::AtMost(5.0 * NOISE);
    vec![
        figure("100 machines, 100 apps: `knarr render` of all", small.cold, Target::None),
        figure("5,000 machines, 100 apps: `knarr render` of all", large.cold, Target::None),
        figure("5,000 machines against 1,000: `knarr render` of all", render, linear()),
        figure("100 machines, 100 apps: `knarr render --check`", small.check, Target::None),
        figure("5,000 machines, 100 apps: `knarr render --check`", large.check, Target::None),
        figure("5,000 machines against 1,000: `knarr render --check`", check, linear()),
        figure("5,000 machines against 1,000: bytes of rendered/", bytes, linear()),
    ]
}
