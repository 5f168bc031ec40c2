//! Findings as CI services take them: lines for GitHub and Forgejo, a Code Quality report for GitLab.

use super::{Row, Severity};
use crate::secrets::digest;
use serde::Serialize;
use std::collections::BTreeMap;

/// Returns the line by which a job's log says a finding, and GitHub shows it beside the changed line.
///
/// The place stands in the message too: GitHub shows ten errors and ten warnings of a step beside the lines, others
/// only in the log, as Forgejo does with all. Source: docs.github.com/actions/reference/workflow-commands-for-github-actions
/// (2026-11); actions/toolkit, docs/problem-matchers.md, "Limitations"; go-gitea/gitea#23722.
pub fn github(row: &Row) -> String {
    let Row { code, severity, file, line, column, message, help } = row;
    let (at, place) = match line.zip(*column) {
        Some((line, column)) => (format!(",line={line},col={column}"), format!("{file}:{line}:{column}")),
        None => (String::new(), file.clone()),
    };
    let said = data(&format!("{place}: {message}\nhelp: {help}"));
    format!("::{severity} file={}{at},title={}::{said}", property(file), property(code))
}

/// Returns a message so that it stays on its line. Source: actions/toolkit, packages/core/src/command.ts (2026-11).
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Returns the value of a property so that it ends where it ends. Source: as above.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// One entry of a Code Quality report.
///
/// Source: docs.gitlab.com/ci/testing/code_quality, "Code Quality report format" (2026-11).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Issue {
    description: String,
    check_name: &'static str,
    fingerprint: String,
    severity: &'static str,
    location: Location,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Lines {
    begin: usize,
}

/// Returns the findings as a Code Quality report.
///
/// A finding keeps its fingerprint when lines above it come and go, so that GitLab knows it again.
pub fn gitlab(rows: &[Row]) -> Vec<Issue> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let issue = |row: &Row| {
        let text = [row.code, &row.file, &row.message].join("\0");
        let before = seen.entry(text.clone()).or_default();
        let fingerprint = digest(format!("{text}\0{before}").as_bytes());
        *before += 1;
        Issue {
            description: format!("{}; help: {}", row.message, row.help),
            check_name: row.code,
            fingerprint: fingerprint.hex().as_str().to_owned(),
            severity: match row.severity {
                Severity::Error => "blocker",
                Severity::Warning => "minor",
            },
            location: Location { path: row.file.clone(), lines: Lines { begin: row.line.unwrap_or(1) } },
        }
    };
    rows.iter().map(issue).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(line: usize) -> Row {
        Row {
            code: "KN0102",
            severity: Severity::Error,
            file: "apps/a,b: 50%.yaml".to_owned(),
            line: Some(line),
            column: Some(3),
            message: "unknown key `a::b, 50%\r\n::error::x`".to_owned(),
            help: "take it out".to_owned(),
        }
    }

    #[test]
    fn nothing_that_a_file_says_ends_a_line_or_a_property_early() {
        assert_eq!(
            github(&row(7)),
            "::error file=apps/a%2Cb%3A 50%25.yaml,line=7,col=3,title=KN0102::\
             apps/a,b: 50%25.yaml:7:3: unknown key `a::b, 50%25%0D%0A::error::x`%0Ahelp: take it out"
        );
    }

    #[test]
    fn a_finding_is_known_again_on_another_line_and_never_taken_for_its_twin() {
        let prints = |rows: &[Row]| gitlab(rows).into_iter().map(|it| it.fingerprint).collect::<Vec<_>>();
        let twins = prints(&[row(7), row(9)]);
        assert_ne!(twins[0], twins[1]);
        assert_eq!(prints(&[row(8), row(12)]), twins);
    }
}
