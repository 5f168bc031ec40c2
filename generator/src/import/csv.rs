//! Lines of values, the first of which names them. Source: RFC 4180; semicolons and tabs are taken, too.

use super::error::ImportError;
use super::record::Record;
use super::{Format, meshconf};

/// Tells a database of wg-meshconf by its first line.
pub(super) fn format(text: &str) -> Format {
    let head = text.lines().next().unwrap_or_default();
    let names = |name: &str| head.split([',', ';']).any(|word| word.trim_matches('"') == name);
    if meshconf::COLUMNS.iter().all(|name| names(name)) { Format::WgMeshconf } else { Format::Csv }
}

/// Returns the lines after the first, each with the names of the first.
///
/// # Errors
/// When a line has more values than there are names, or a quote that never ends.
pub(super) fn records(text: &str) -> Result<Vec<Record>, ImportError> {
    let head = text.lines().next().unwrap_or_default();
    let separator =
        [',', ';', '\t'].into_iter().max_by_key(|mark| (head.matches(*mark).count(), *mark == ','));
    let mut rows = rows(text, separator.unwrap_or(','))?.into_iter();
    let Some((_, names)) = rows.next() else { return Ok(Vec::new()) };
    let mut records = Vec::new();
    for (line, row) in rows {
        if row.len() > names.len() {
            return Err(ImportError::Columns { line, names: names.len(), values: row.len() });
        }
        let mut record = Record::default();
        names.iter().zip(&row).for_each(|(name, value)| record.put(name.trim(), value));
        records.push(record);
    }
    records.retain(|record| !record.0.is_empty());
    Ok(records)
}

/// Splits a text into lines of values, each with its number; a quoted value may hold separators and line feeds.
fn rows(text: &str, separator: char) -> Result<Vec<(usize, Vec<String>)>, ImportError> {
    let (mut rows, mut row, mut value) = (Vec::new(), Vec::new(), String::new());
    let (mut quoted, mut line, mut begun) = (false, 1, 1);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        line += usize::from(c == '\n');
        match c {
            '"' if quoted && rest.peek() == Some(&'"') => value.extend(rest.next()),
            '"' if quoted || value.is_empty() => quoted = !quoted,
            '\r' if !quoted => {}
            '\n' if !quoted => {
                row.push(std::mem::take(&mut value));
                rows.push((begun, std::mem::take(&mut row)));
                begun = line;
            }
            c if c == separator && !quoted => row.push(std::mem::take(&mut value)),
            c => value.push(c),
        }
    }
    if quoted {
        return Err(ImportError::Quote { line: begun });
    }
    if !value.is_empty() || !row.is_empty() {
        row.push(value);
        rows.push((begun, row));
    }
    rows.retain(|(_, row)| row.iter().any(|value| !value.trim().is_empty()));
    Ok(rows)
}
