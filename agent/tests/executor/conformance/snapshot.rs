//! Snapshots of a unit's data.

use super::{Outside, at, bring, service, unit};
use knarr_node::item::{Before, Snapshot, Unit};
use knarr_node::{Act, Item};

const UNIT: &str = "knarr-test.service";

fn saved(ways: &[Snapshot]) -> Unit {
    let Item::Unit(plain) = unit(UNIT, Some(&service("one")), &[]) else { unreachable!("it is a unit") };
    Unit { snapshot: ways.to_vec(), ..plain }
}

fn way(of: &[&str], by: &[&str]) -> Snapshot {
    let of = of.iter().map(|name| at(name).parse().unwrap()).collect();
    Snapshot { of, by: by.iter().map(|&word| word.to_owned()).collect() }
}

fn before(second: u8) -> Before {
    Before { floor: "v1.37".parse().unwrap(), at: format!("20261121T1424{second:02}Z").parse().unwrap() }
}

pub(super) fn copied(host: &mut dyn Act, outside: &dyn Outside) {
    let unit = saved(&[way(&["none"], &["/bin/false"]), way(&["db", "token", "nothing"], &[])]);
    outside.plant(&at("db/state"), "old\n", 0o640);
    outside.plant(&at("db/deep/log"), "log\n", 0o600);
    outside.plant(&at("token"), "hush\n", 0o600);
    bring(host, 1, &Item::Unit(unit.clone()));
    let place = host.save(&unit, &before(1)).unwrap().unwrap();
    assert_eq!(place.as_str(), format!("/var/lib/knarr/snapshots/{UNIT}/before-v1.37-20261121T142401Z"));
    assert!(!outside.is_active(UNIT), "it is stopped");
    let kept = |name: &str| outside.text(&format!("{place}/{name}"));
    assert_eq!(
        [kept("db/state"), kept("db/deep/log"), kept("token")].map(Option::unwrap),
        ["old\n", "log\n", "hush\n"]
    );
    assert_eq!(outside.mode(&format!("{place}/db/state")), Some(0o640));
    assert_eq!(outside.mode(place.as_str()), Some(0o700));
    outside.plant(&at("db/state"), "new\n", 0o640);
    assert_eq!(host.save(&unit, &before(1)).unwrap().as_ref(), Some(&place));
    assert_eq!(kept("db/state").as_deref(), Some("old\n"), "once a pass");
    for second in 2..=4 {
        host.save(&unit, &before(second)).unwrap().unwrap();
    }
    assert_eq!(kept("db/state"), None);
    assert_eq!(host.names(&format!("/var/lib/knarr/snapshots/{UNIT}").parse().unwrap()).unwrap().len(), 3);
}

pub(super) fn by_program(host: &mut dyn Act, outside: &dyn Outside) {
    let state = at("db/state");
    let unit = saved(&[way(&["db/state"], &["/bin/cp", &state]), way(&["db"], &[])]);
    bring(host, 1, &Item::Unit(unit.clone()));
    assert_eq!(host.save(&unit, &before(1)).unwrap(), None);
    outside.plant(&state, "old\n", 0o600);
    let place = host.save(&unit, &before(1)).unwrap().unwrap();
    assert_eq!(outside.text(&format!("{place}/state")).as_deref(), Some("old\n"));
    assert!(outside.is_active(UNIT), "it runs on");
    let fails = saved(&[way(&["db"], &["/bin/false", &state])]);
    let error = host.save(&fails, &before(2)).unwrap_err();
    assert!(error.why.contains("`/bin/false` failed") || error.to_string().contains("/bin/false"), "{error}");
    assert_eq!(
        host.names(&format!("/var/lib/knarr/snapshots/{UNIT}").parse().unwrap()).unwrap().len(),
        2,
        "{error}"
    );
}
