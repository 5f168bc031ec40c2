//! What CI services get of `knarr check`: a folder of tests/annotations/ is laid over the example, and holds what comes of it.

use crate::folder::copy;
use crate::home::Home;
use expect_test::expect_file;
use std::fs;
use std::path::Path;

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/annotations");

/// Returns what stands on standard output, and the exit code.
fn check(home: &Home, output: &str) -> (String, Option<i32>) {
    let mut check = home.command("harbor", env!("CARGO_BIN_EXE_knarr"));
    let ended = check.args(["check", "--output", output]).output().unwrap();
    (String::from_utf8(ended.stdout).unwrap(), ended.status.code())
}

fn plays(case: &Path) {
    let home = Home::with_example();
    if case.join("files").is_dir() {
        copy(&case.join("files"), &home.path("harbor"));
    }
    let (lines, code) = check(&home, "github");
    expect_file![case.join("github.txt")].assert_eq(&lines);
    let (report, same) = check(&home, "gitlab");
    expect_file![case.join("gitlab.json")].assert_eq(&report);
    let issues: serde_json::Value = serde_json::from_str(&report).unwrap();
    let of = |start: &str| lines.lines().filter(|line| line.starts_with(start)).count();
    let (errors, warnings) = (of("::error file="), of("::warning file="));
    assert_eq!(issues.as_array().unwrap().len(), errors + warnings, "{}", case.display());
    assert_eq!((code, same), (Some(i32::from(errors > 0)), code), "{}", case.display());
}

#[test]
fn every_finding_is_an_annotation_and_the_exit_code_stays() {
    let cases: Vec<_> = fs::read_dir(CASES).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!cases.is_empty());
    for case in &cases {
        plays(case);
    }
}

#[test]
fn only_findings_are_annotations() {
    let home = Home::with_example();
    let said = home.knarr("harbor", &["plan", "--output", "gitlab"]);
    assert!(said.contains("use it with `knarr check`") && said.ends_with("exit 1\n"), "{said}");
    assert!(home.knarr("harbor", &["--output", "json", "check"]).starts_with("{\n  \"findings\": []"));
}
