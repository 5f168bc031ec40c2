//! Findings for people, with the excerpt, and for programs, as rows.

use super::{Findings, Place, Severity};
use crate::disk::Inputs;
use crate::ui::counted;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use serde::Serialize;

/// One finding for programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The stable code.
    pub code: &'static str,
    /// `error` or `warning`.
    pub severity: Severity,
    /// The file, from the top of the repository.
    pub file: String,
    /// The line, from 1; none for the whole file.
    pub line: Option<usize>,
    /// The column in characters, from 1.
    pub column: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// Returns the findings as rows.
pub fn rows(findings: &Findings, inputs: &Inputs) -> Vec<Row> {
    let row = |finding: &super::Finding| {
        let at = line_column(&finding.place, inputs);
        Row {
            code: finding.fault.code(),
            severity: finding.fault.severity(),
            file: finding.place.path.to_string(),
            line: at.map(|at| at.0),
            column: at.map(|at| at.1),
            message: finding.fault.message(),
            help: finding.fault.help(),
        }
    };
    findings.iter().map(row).collect()
}

/// Returns the findings for people, each with excerpt and help, and how many there are at the end.
pub fn text(findings: &Findings, inputs: &Inputs, colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let mut out = String::new();
    for finding in findings.iter() {
        let level = match finding.fault.severity() {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let (message, help) = (finding.fault.message(), finding.fault.help());
        let title = level.primary_title(message).id(finding.fault.code());
        let path = finding.place.path.as_str();
        let group = match excerpt(&finding.place, inputs) {
            Some((source, span)) => title
                .element(Snippet::source(source).path(path).annotation(AnnotationKind::Primary.span(span))),
            None => title.element(Origin::path(path)),
        };
        out += &renderer.render(&[group, Group::with_title(Level::HELP.secondary_title(help))]);
        out += "\n\n";
    }
    out + &summary(findings)
}

fn summary(findings: &Findings) -> String {
    let (errors, warnings) = (findings.count(Severity::Error), findings.count(Severity::Warning));
    let counts: Vec<String> = [(errors, "error"), (warnings, "warning")]
        .iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, w)| counted(*n, w))
        .collect();
    counts.join(", ") + "\n"
}

fn excerpt<'a>(place: &Place, inputs: &'a Inputs) -> Option<(&'a str, std::ops::Range<usize>)> {
    let source = inputs.text(place.path.as_str())?;
    let (start, end) = place.span?;
    // A block's span ends where the next key begins; only its first line is worth a caret.
    let line_end = source.get(start..)?.find('\n').map_or(source.len(), |n| start + n);
    let end = end.min(line_end).max((start + 1).min(line_end)).max(start);
    source.get(start..end).map(|_| (source, start..end))
}

/// Returns line and column of a place, both from 1, the column in characters.
fn line_column(place: &Place, inputs: &Inputs) -> Option<(usize, usize)> {
    let before = inputs.text(place.path.as_str())?.get(..place.span?.0)?;
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or(before).chars().count() + 1;
    Some((line, column))
}
