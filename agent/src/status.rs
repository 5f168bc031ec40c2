//! The last report: written at the end of each pass, read by `knarrd status`.

pub mod all;

use crate::identity::write_private;
use crate::paths::Paths;
use knarr_node::Id;
use knarr_node::report::{Outcome, Report, Trouble};
use std::fmt::Write as _;
use std::{fs, io};

const FILE: &str = "report.json";

/// Writes the report durably, mode 0600.
pub fn write(paths: &Paths, report: &Report) -> io::Result<()> {
    write_private(&paths.kept(FILE), &serde_json::to_vec_pretty(report)?)
}

/// Reads the last report, or nothing before the first pass.
pub fn read(paths: &Paths) -> io::Result<Option<Report>> {
    match fs::read(paths.kept(FILE)) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(other) => Err(other),
    }
}

/// Returns the report for people; `now` is in seconds since 1970.
pub fn text(report: &Report, now: u64) -> String {
    let mut text = format!("{}  {}\n", report.node, report.outcome);
    let mut line = |name: &str, value: String| {
        writeln!(text, "  {name:<9}{value}").expect("a String takes all");
    };
    line("commit", report.applied.as_ref().map_or("none yet".to_owned(), |commit| commit.short().to_owned()));
    if let Some(seen) = report.seen.as_ref().filter(|seen| Some(*seen) != report.applied.as_ref()) {
        line("fetched", seen.short().to_owned());
    }
    line("pass", format!("{} ago, knarrd {}", age(now.saturating_sub(report.at)), report.version));
    if let Some(why) = report.unfetched.as_ref().filter(|_| report.outcome == Outcome::Converged) {
        line("fetch", format!("{why}; other nodes were asked instead"));
    }
    if let Some(cluster) = &report.cluster {
        line("cluster", cluster.to_string());
    }
    if let Some(snapshot) = &report.snapshot {
        line("snapshot", snapshot.to_string());
    }
    if let Some(drift) = &report.drift {
        line(
            "drift",
            format!("{} ago, made as before: {}", age(now.saturating_sub(drift.at)), names(&drift.items)),
        );
    }
    for (id, trouble) in &report.items {
        line("trouble", format!("{id}: {}", in_words(trouble)));
    }
    for one in report.in_quarantine() {
        line("network", format!("what {} changes is not tried again: {}", one.commit.short(), one.why));
    }
    if let Some(way_out) = report.outcome.way_out() {
        line("type", way_out);
    }
    text
}

fn names(items: &[Id]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn in_words(trouble: &Trouble) -> String {
    match trouble {
        Trouble::Unknown(why) | Trouble::Failed(why) => why.clone(),
        Trouble::Needs(id) => format!("left alone, because {id} failed"),
        Trouble::Differs => "it was made, but is different".to_owned(),
        Trouble::Held => "not changed for now".to_owned(),
        Trouble::Strangers(names) => {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            format!("not ours, and never touched: {}", names.join(", "))
        }
    }
}

/// Returns a time span as people say it, e.g. `38 s` or `3 h`.
pub fn age(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_quarantine_is_said_once() {
        let commit = |digit: &str| digit.repeat(40);
        let quarantine = |digit: &str| {
            serde_json::json!({
                "digest": format!("sha256:{}", digit.repeat(64)), "commit": commit(digit), "why": "`attic` is gone"
            })
        };
        let mut report: Report = serde_json::from_value(serde_json::json!({
            "node": "edge", "version": "1", "at": 0, "seen": null, "accepted": commit("1"), "applied": commit("1"),
            "outcome": "converged", "items": {}, "quarantined": [quarantine("2"), quarantine("3")],
        }))
        .unwrap();
        let lines =
            |report: &Report| text(report, 0).lines().filter(|line| line.contains("`attic` is gone")).count();
        assert!(
            text(&report, 0)
                .contains("  network  what 2222222 changes is not tried again: `attic` is gone\n")
        );
        assert_eq!(lines(&report), 2);
        report.outcome = Outcome::Lost(report.quarantined[0].clone());
        assert_eq!(lines(&report), 2, "the outcome tells of one");
        assert_eq!(report.in_quarantine().count(), 1);
    }
}
