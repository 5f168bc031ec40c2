//! YAML to a type; what fails becomes a finding of the same look as any other.

use super::{At, Tree, events};
use crate::finding::{Fault, Finding, Place, near};
use knarr_node::name::RepoPath;
use serde::de::DeserializeOwned;
use serde_saphyr::Error;
use serde_saphyr::budget::BudgetBreach;

/// Reads one file that a person wrote.
///
/// # Errors
/// The finding that says what is wrong with it, and where.
pub fn parse<T: DeserializeOwned>(path: &RepoPath, bytes: &[u8]) -> Result<T, Finding> {
    let text = merged(path, bytes)?;
    let options = serde_saphyr::options! { strict_booleans: true, with_snippet: false, emit_comments: false };
    serde_saphyr::from_str_with_options(text, options)
        .map_err(|error| Finding { place: place(path, text, &error), fault: fault(&error) })
}

/// Reads all documents of a file that is not Knarr's own; what a type does not know is passed over.
///
/// # Errors
/// The finding that says what is wrong with it, and where.
pub fn parse_all<T: DeserializeOwned>(path: &RepoPath, bytes: &[u8]) -> Result<Vec<T>, Finding> {
    let text = merged(path, bytes)?;
    let options = serde_saphyr::options! { with_snippet: false, emit_comments: false };
    serde_saphyr::from_multiple_with_options(text, options)
        .map_err(|error| Finding { place: place(path, text, &error), fault: fault(&error) })
}

/// Reads all Kubernetes objects of a file, as kubectl does: YAML 1.1's octal numbers count, for modes are written so.
///
/// # Errors
/// The finding that says what is wrong with it, and where.
pub fn parse_objects(path: &RepoPath, bytes: &[u8]) -> Result<Vec<serde_json::Value>, Finding> {
    let text = utf8(path, bytes)?;
    let values = events::read(text).map(|trees| trees.iter().map(|tree| tree.to_value()).collect());
    values.map_or_else(|| as_kubectl(path, text), Ok)
}

/// Reads the same with the place of each key and value.
///
/// # Errors
/// The finding that says what is wrong with it, and where.
pub fn parse_trees(path: &RepoPath, bytes: &[u8]) -> Result<Vec<At<Tree>>, Finding> {
    let text = merged(path, bytes)?;
    events::read(text).map_or_else(|| as_kubectl(path, text), Ok)
}

pub(super) fn as_kubectl<T: DeserializeOwned>(path: &RepoPath, text: &str) -> Result<Vec<T>, Finding> {
    let options = serde_saphyr::options! {
        with_snippet: false, emit_comments: false, strict_booleans: true, legacy_octal_numbers: true
    };
    serde_saphyr::from_multiple_with_options(text, options)
        .map_err(|error| Finding { place: place(path, text, &error), fault: fault(&error) })
}

fn utf8<'a>(path: &RepoPath, bytes: &'a [u8]) -> Result<&'a str, Finding> {
    std::str::from_utf8(bytes).map_err(|_| Finding { fault: Fault::NotUtf8 {}, place: Place::file(path) })
}

/// Returns a text without the marks of a merge.
///
/// # Errors
/// The finding that says that it is no text, or that a merge is not finished.
pub fn merged<'a>(path: &RepoPath, bytes: &'a [u8]) -> Result<&'a str, Finding> {
    let text = utf8(path, bytes)?;
    let conflict = conflict(path, text).map(|place| Finding { fault: Fault::Conflicted {}, place });
    conflict.map_or(Ok(text), Err)
}

/// What begins git's mark of the side that is here.
const OURS: &str = "<<<<<<< ";

/// Returns where git left the marks of a merge that it could not do by itself.
/// Source: git-merge(1), "How conflicts are presented".
pub fn conflict(path: &RepoPath, text: &str) -> Option<Place> {
    if !text.contains(OURS) {
        return None; // nearly always, and found out much faster than by lines
    }
    let lines = || {
        text.split_inclusive('\n').scan(0, |at, line| {
            *at += line.len();
            Some((*at - line.len(), line.trim_end()))
        })
    };
    let begins = lines().find(|(_, line)| line.starts_with(OURS))?;
    let ends = lines().any(|(at, line)| at > begins.0 && line.starts_with(">>>>>>> "));
    let span = Some((begins.0, begins.0 + begins.1.len()));
    ends.then(|| Place { path: path.clone(), span })
}

fn place(path: &RepoPath, text: &str, error: &Error) -> Place {
    let span = error.location().and_then(|location| {
        let start = location.span().byte_offset().and_then(|at| usize::try_from(at).ok());
        let start = start.or_else(|| offset(text, location.line(), location.column()))?;
        let length = location.span().byte_len().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
        Some((start, start + length))
    });
    Place { path: path.clone(), span }
}

/// Returns the byte of a line and column, both from 1.
fn offset(text: &str, line: u64, column: u64) -> Option<usize> {
    let (line, column) = (usize::try_from(line).ok()?, usize::try_from(column).ok()?);
    let before: usize = text.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum();
    let within = text.get(before..)?.chars().take(column.checked_sub(1)?).map(char::len_utf8).sum::<usize>();
    Some(before + within)
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the parser has fifty errors; those that people make often have words of ours"
)]
fn fault(error: &Error) -> Fault {
    match error {
        Error::AliasError { error, .. } | Error::WithSnippet { error, .. } => fault(error),
        Error::SerdeUnknownField { field, expected, .. } => Fault::UnknownKey {
            key: field.clone(),
            hint: near(
                field,
                expected.iter().copied(),
                "knarr explain, with the path of this file, lists its keys",
            ),
        },
        Error::SerdeMissingField { field, .. } => Fault::MissingKey { key: (*field).to_owned() },
        Error::DuplicateMappingKey { key, .. } => {
            Fault::DuplicateKey { key: key.clone().unwrap_or_default() }
        }
        Error::SerdeInvalidType { unexpected, expected, .. }
        | Error::SerdeInvalidValue { unexpected, expected, .. } => {
            Fault::WrongValue { found: unexpected.clone(), expected: expected.clone() }
        }
        Error::SerdeUnknownVariant { variant, expected, .. } => Fault::WrongValue {
            found: format!("`{variant}`"),
            expected: format!("one of {}", expected.join(", ")),
        },
        Error::Unexpected { expected, .. } => {
            let known = [
                ("mapping start", "a map: `key: value`"),
                ("sequence start", "a list: `[a, b]`"),
                ("string scalar", "a text"),
            ];
            let words =
                known.iter().find(|(parser, _)| parser == expected).map_or(*expected, |(_, words)| words);
            Fault::WrongValue { found: "what stands here".to_owned(), expected: words.to_owned() }
        }
        Error::InvalidBooleanStrict { .. } => {
            Fault::WrongValue { found: "what stands here".to_owned(), expected: "true or false".to_owned() }
        }
        Error::Eof { .. } => Fault::BadYaml { why: "the file ends too early".to_owned() },
        Error::Budget { breach, .. } => Fault::MuchYaml { what: much(breach) },
        other => match plain(&other.to_string()) {
            why if why == TOO_DEEP => Fault::MuchYaml { what: DEEP.to_owned() },
            why => Fault::BadYaml { why },
        },
    }
}

/// What the parser says of brackets in brackets, before they are counted. Source: granit-parser 2.1, src/error.rs.
const TOO_DEEP: &str = "recursion limit exceeded";

const DEEP: &str = "more than 64 lists and maps within each other";

/// Says of what a file has too much. Source of the numbers: serde-saphyr 2.0, `Budget::default`.
#[expect(clippy::wildcard_enum_match_arm, reason = "most of its limits cannot be reached by a file of 4 MiB")]
fn much(breach: &BudgetBreach) -> String {
    match breach {
        BudgetBreach::Nodes { .. } => "more than 250,000 values, those that aliases repeat too".to_owned(),
        BudgetBreach::Depth { .. } => DEEP.to_owned(),
        BudgetBreach::Documents { .. } => "more than 1,024 documents".to_owned(),
        BudgetBreach::AliasAnchorRatio { aliases, anchors } => {
            format!("{aliases} aliases of {anchors} anchors")
        }
        other => format!("too many parts ({other:?})"),
    }
}

/// Returns the parser's message without the place, which the finding shows itself.
fn plain(message: &str) -> String {
    if message.contains("quoted scalar") {
        return "a quote that opens before this ends nowhere, or what is in it is not indented".to_owned();
    }
    let first = message.lines().next().unwrap_or(message);
    first.split(" at line ").next().unwrap_or(first).trim_start_matches("error: ").to_owned()
}
