//! YAML to a type; what fails becomes a finding of the same look as any other.

use crate::finding::{Fault, Finding, Place, near};
use knarr_node::name::RepoPath;
use serde::de::DeserializeOwned;
use serde_saphyr::Error;

/// Reads one file that a person wrote.
///
/// # Errors
/// The finding that says what is wrong with it, and where.
pub fn parse<T: DeserializeOwned>(path: &RepoPath, bytes: &[u8]) -> Result<T, Finding> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Err(Finding { fault: Fault::NotUtf8 {}, place: Place::file(path) });
    };
    let options = serde_saphyr::options! { strict_booleans: true, with_snippet: false };
    serde_saphyr::from_str_with_options(text, options)
        .map_err(|error| Finding { place: place(path, &error), fault: fault(&error) })
}

fn place(path: &RepoPath, error: &Error) -> Place {
    let span = error.location().and_then(|location| {
        let start = usize::try_from(location.span().byte_offset()?).ok()?;
        Some((start, start + usize::try_from(location.span().byte_len()?).ok()?))
    });
    Place { path: path.clone(), span }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the parser has fifty errors; those that people make often have words of ours"
)]
fn fault(error: &Error) -> Fault {
    match error.without_snippet() {
        Error::SerdeUnknownField { field, expected, .. } => Fault::UnknownKey {
            key: field.clone(),
            hint: near(field, expected.iter().copied(), "see the reference for the keys of this file"),
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
        other => Fault::BadYaml { why: plain(&other.to_string()) },
    }
}

/// Returns the parser's message without the place, which the finding shows itself.
fn plain(message: &str) -> String {
    let first = message.lines().next().unwrap_or(message);
    first.split(" at line ").next().unwrap_or(first).trim_start_matches("error: ").to_owned()
}
