//! tests/cases/invalid: one mistake in each folder, and what `knarr check` says of it.

use crate::repository::{FINDINGS, Repository, all, cases, is_rendered, name};
use similar::TextDiff;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Codes that no folder can show, each with the reason.
const NO_FOLDER: &[(&str, &str)] = &[
    ("KN0111", "by this file knarr knows a repository: src/model/tests.rs has one without it"),
    ("KN0112", "a file over 1 MiB would weigh on every clone: src/model/tests.rs has one"),
    ("KN0116", "a file over 4 MiB would, too: hostile.rs makes one"),
    ("KN0119", "so would 25,000 files: hostile.rs makes more"),
    ("KN0231", "a machine says it, to `knarr ship`: src/claim.rs"),
    ("KN0335", "the cluster says it, to `knarr status`: src/seal/held/tests.rs"),
    (
        "KN0519",
        "the checks before it find everything that the directory refuses: it is there if they ever do not",
    ),
    ("KN0535", "it compares with the last render: tests/cli/repository.rs"),
    ("KN0614", "it compares with an earlier commit: tests/cli/upgrade.rs"),
    ("KN0615", "it compares with an earlier commit: tests/cli/upgrade.rs"),
];

/// Folders whose one mistake has more than one finding, as it must.
const MORE_THAN_ONE: &[&str] = &[
    "a-machine-that-was-described-with-mistakes",
    "devices-cut-by-a-new-address-of-their-node",
    "nobody-left-who-may-log-in-to-a-machine",
    "one-identity-alone-opens-the-secrets",
    "several-mistakes-in-one-repository",
    "two-servers-on-sqlite",
];

/// Runs `knarr check` on a case and returns what it says; proves that neither it nor a refused render writes.
fn check(base: &Repository, case: &Path) -> String {
    let repository = base.with(case);
    let before = repository.files();
    if !is_rendered(case) {
        let refused = repository.knarr("render").code != 0;
        assert!(!refused || repository.files() == before, "{}: a refused render wrote something", name(case));
    }
    let before = repository.files();
    let said = repository.knarr("check");
    assert!(repository.files() == before, "{}: check wrote something", name(case));
    if said.code == 0 { said.text } else { format!("{}exit {}\n", said.text, said.code) }
}

/// Returns the codes of the findings in a text, in order.
pub(crate) fn codes(text: &str) -> Vec<&str> {
    let code = |line: &'_ str| -> Option<usize> {
        let start = ["error[", "warning["].iter().find(|start| line.starts_with(**start))?;
        Some(start.len())
    };
    text.lines().filter_map(|line| line.get(code(line)?..)?.split(']').next()).collect()
}

#[test]
fn each_mistake_is_found_and_said_as_it_is_written_down() {
    let base = Repository::base();
    let cases = cases("invalid");
    let said = all(&cases, |case| check(&base, case));
    let mut wrong = String::new();
    for (case, said) in cases.iter().zip(&said) {
        let file = case.join(FINDINGS);
        let expected = fs::read_to_string(&file).unwrap_or_default();
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&file, said).unwrap();
        } else if expected != *said {
            let diff = TextDiff::from_lines(&expected, said);
            wrong += &diff.unified_diff().header(FINDINGS, name(case)).to_string();
        }
    }
    assert!(wrong.is_empty(), "UPDATE_EXPECT=1 writes what is said now:\n{wrong}");
}

#[test]
fn each_folder_is_one_mistake() {
    let mut seen = BTreeMap::new();
    let mut wrong = Vec::new();
    for case in cases("invalid") {
        let name = name(&case).to_owned();
        let text = fs::read_to_string(case.join(FINDINGS)).unwrap_or_default();
        let count = codes(&text).len();
        if (count > 1) != MORE_THAN_ONE.contains(&name.as_str()) || count == 0 {
            wrong.push(format!("{name} has {count} findings"));
        }
        if let Some(other) = seen.insert(text, name.clone()) {
            wrong.push(format!("{name} proves the same as {other}"));
        }
    }
    assert!(seen.len() >= 60 && wrong.is_empty(), "{} folders: {wrong:#?}", seen.len());
}

#[test]
fn each_code_has_a_folder_or_a_reason() {
    let texts: Vec<String> =
        cases("invalid").iter().filter_map(|case| fs::read_to_string(case.join(FINDINGS)).ok()).collect();
    let shown: BTreeSet<&str> = texts.iter().flat_map(|text| codes(text)).collect();
    let all: BTreeSet<&str> = knarr::finding::entries().iter().map(|entry| entry.code).collect();
    let excused: BTreeSet<&str> = NO_FOLDER.iter().map(|(code, _)| *code).collect();
    let missing: Vec<&&str> = all.difference(&shown).filter(|code| !excused.contains(*code)).collect();
    assert!(all.len() > 90 && missing.is_empty(), "no folder of tests/cases/invalid shows {missing:?}");
    let needless: Vec<&&str> =
        excused.iter().filter(|code| shown.contains(*code) || !all.contains(*code)).collect();
    assert!(needless.is_empty(), "these need no reason: {needless:?}");
}
