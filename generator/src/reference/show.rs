//! What was asked for, for people.

use super::find::{Answer, Place};
use super::key::{Key, files};
use crate::emit::yaml::{self, Line};
use crate::finding::Entry;

/// How many keys are told in full; more are a line each.
const FULL: usize = 4;

/// Returns the findings and keys of an answer as rows of tables: one for findings, one for keys.
pub fn lists(answer: &Answer) -> (Vec<[String; 3]>, Vec<[String; 3]>) {
    let finding = |it: &Entry| [it.code.to_owned(), it.severity.to_string(), it.meaning.clone()];
    let key = |it: &Place| [it.files.join(", "), it.key.key.clone(), first_sentence(&it.key.meaning)];
    (answer.findings.iter().map(finding).collect(), answer.keys.iter().map(key).collect())
}

/// Returns an answer in full; none when it is too long for that.
pub fn text(answer: &Answer) -> Option<String> {
    if answer.findings.len() + answer.keys.len() > FULL {
        return None;
    }
    let mut parts: Vec<String> = answer.findings.iter().map(finding).collect();
    parts.extend(answer.keys.iter().map(place));
    let also = answer.also.iter().map(|(file, key)| format!("knarr explain {} {key}\n", typed(file)));
    let also: String = also.collect();
    if !also.is_empty() {
        parts.push(format!("Also:\n{}", indent(&also)));
    }
    Some(parts.join("\n"))
}

fn finding(entry: &Entry) -> String {
    let Entry { code, severity, meaning, why, message, help } = entry;
    let why = if why.is_empty() { String::new() } else { format!("{}\n", indent(why)) };
    let weight = severity.meaning();
    format!(
        "{code}: {meaning}\n\n{why}  says    {message}\n  help    {help}\n  weight  {severity}: {weight}\n"
    )
}

fn place(place: &Place) -> String {
    let Place { files, key } = place;
    let head = format!("{} in {}: {}", key.key, files.join(" and "), facts(key));
    let words: Vec<[String; 2]> =
        key.words.iter().map(|word| [word.word.clone(), word.meaning.clone()]).collect();
    let parts = [key.meaning.clone() + "\n", aligned(&words), aligned(&below(place)), key.example.clone()];
    let parts: Vec<String> = parts.iter().filter(|part| !part.is_empty()).map(|part| indent(part)).collect();
    format!("{head}\n\n{}", parts.join("\n"))
}

/// Returns what a key takes, and what counts without it.
pub(super) fn facts(key: &Key) -> String {
    let without = match &key.default {
        Some(value) => format!("`{}` when nothing is said", flow(value)),
        None if key.required => "must be there".to_owned(),
        None => "may be left out".to_owned(),
    };
    format!("{}; {without}", key.takes)
}

/// Returns a value on one line.
fn flow(value: &serde_json::Value) -> String {
    let list = yaml::to_string(&[value], Line::Fits).expect("JSON is YAML");
    list.trim().trim_start_matches("- ").to_owned()
}

/// Returns the keys of a section, a line each.
fn below(place: &Place) -> Vec<[String; 2]> {
    let file = files().iter().find(|file| file.path == place.files[0]).map(|file| &file.keys);
    let prefix = format!("{}.", place.key.key);
    let keys = file.into_iter().flatten().filter(|key| key.key.starts_with(&prefix));
    keys.map(|key| [key.key.clone(), first_sentence(&key.meaning)]).collect()
}

fn aligned(rows: &[[String; 2]]) -> String {
    let width = rows.iter().map(|row| row[0].chars().count()).max().unwrap_or(0);
    let lines: Vec<String> =
        rows.iter().map(|[name, meaning]| format!("{name:width$}  {meaning}\n")).collect();
    lines.concat()
}

/// Returns the first sentence of a text.
fn first_sentence(text: &str) -> String {
    text.split_once(". ").map_or_else(|| text.to_owned(), |(first, _)| format!("{first}."))
}

/// Returns what to type for a file.
fn typed(file: &str) -> &str {
    file.split('/').next().unwrap_or(file)
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("  {line}").trim_end().to_owned() + "\n").collect()
}
