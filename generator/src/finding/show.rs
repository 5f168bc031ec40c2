//! Findings for people, with the excerpt, and for programs, as rows.

use super::{Findings, Place, Severity};
use crate::disk::Inputs;
use crate::ui::counted;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use knarr_node::name::RepoPath;
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

/// The most findings that are shown to people: a mistake of every machine is understood by then.
const SHOWN: usize = 100;

/// The longest line, in bytes, that an excerpt shows.
const WIDEST: usize = 2_000;

impl Place {
    /// Returns the file, and the line in it from 1.
    pub fn shown(&self, inputs: &Inputs) -> String {
        let line = Walk::default().to(self, inputs).map(|(line, _)| format!(":{line}"));
        format!("{}{}", self.path, line.unwrap_or_default())
    }
}

/// Returns the findings as rows.
pub fn rows(findings: &Findings, inputs: &Inputs) -> Vec<Row> {
    let mut walk = Walk::default();
    let row = |finding: &'_ super::Finding, at: Option<(usize, usize)>| Row {
        code: finding.fault.code(),
        severity: finding.fault.severity(),
        file: finding.place.path.to_string(),
        line: at.map(|at| at.0),
        column: at.map(|at| at.1),
        message: finding.fault.message(),
        help: finding.fault.help(),
    };
    findings.iter().map(|finding| row(finding, walk.to(&finding.place, inputs))).collect()
}

/// Returns the findings for people, each with excerpt and help, and how many there are at the end.
pub fn text(findings: &Findings, inputs: &Inputs, colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let mut out = String::new();
    for finding in findings.shown() {
        let level = match finding.fault.severity() {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let (message, help) = (finding.fault.message(), finding.fault.help());
        let title = level.primary_title(message).id(finding.fault.code());
        let path = finding.place.path.as_str();
        let group = match excerpt(&finding.place, inputs) {
            Some(Excerpt { source, line, span }) => title.element(
                Snippet::source(source)
                    .line_start(line)
                    .path(path)
                    .annotation(AnnotationKind::Primary.span(span)),
            ),
            None => title.element(origin(&finding.place, inputs)),
        };
        out += &renderer.render(&[group, Group::with_title(Level::HELP.secondary_title(help))]);
        out += "\n\n";
    }
    out + &summary(findings)
}

impl Findings {
    /// Returns those that people see: all, or the first errors.
    fn shown(&self) -> impl Iterator<Item = &super::Finding> {
        let few = self.sorted.len() <= SHOWN;
        self.iter()
            .filter(move |it| few || it.fault.severity() == Severity::Error || !self.refuse())
            .take(SHOWN)
    }
}

fn summary(findings: &Findings) -> String {
    let (errors, warnings) = (findings.count(Severity::Error), findings.count(Severity::Warning));
    let counts: Vec<String> = [(errors, "error"), (warnings, "warning")]
        .iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, w)| counted(*n, w))
        .collect();
    let more = findings.sorted.len() - findings.shown().count();
    let rest =
        if more == 0 { String::new() } else { format!("; {more} are not shown: knarr check --output json") };
    counts.join(", ") + &rest + "\n"
}

/// Returns where a finding without excerpt is: in a file, or on a line that is too long to be shown.
fn origin<'a>(place: &'a Place, inputs: &Inputs) -> Origin<'a> {
    let path = Origin::path(place.path.as_str());
    match Walk::default().to(place, inputs) {
        Some((line, column)) => path.line(line).char_column(column),
        None => path,
    }
}

/// The lines of a file that a finding is about.
struct Excerpt<'a> {
    source: &'a str,
    /// The number of its first line, from 1.
    line: usize,
    span: std::ops::Range<usize>,
}

fn excerpt<'a>(place: &Place, inputs: &'a Inputs) -> Option<Excerpt<'a>> {
    let whole = inputs.text(place.path.as_str())?;
    let (start, end) = place.span?;
    let before = whole.get(..start)?;
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    // A block's span ends where the next key begins; only its first line is worth a caret.
    let line_end = whole.get(start..)?.find('\n').map_or(whole.len(), |n| start + n);
    let end = end.min(line_end).max((start + 1).min(line_end)).max(start);
    let source = whole.get(line_start..line_end).filter(|line| line.len() <= WIDEST)?;
    source.get(start - line_start..end - line_start)?;
    let line = before.matches('\n').count() + 1;
    Some(Excerpt { source, line, span: start - line_start..end - line_start })
}

/// Goes through files from place to place, in their order, and counts lines and columns.
#[derive(Default)]
struct Walk<'a> {
    file: Option<(&'a RepoPath, &'a str)>,
    offset: usize,
    line: usize,
    column: usize,
}

impl<'a> Walk<'a> {
    /// Returns line and column of a place, both from 1, the column in characters.
    fn to(&mut self, place: &'a Place, inputs: &'a Inputs) -> Option<(usize, usize)> {
        let start = place.span?.0;
        if self.file.is_none_or(|(path, _)| *path != place.path) {
            let text = inputs.text(place.path.as_str())?;
            *self = Self { file: Some((&place.path, text)), offset: 0, line: 1, column: 1 };
        }
        let between = self.file?.1.get(self.offset..start)?;
        self.line += between.matches('\n').count();
        self.column = match between.rsplit_once('\n') {
            Some((_, last)) => last.chars().count() + 1,
            None => self.column + between.chars().count(),
        };
        self.offset = start;
        Some((self.line, self.column))
    }
}
