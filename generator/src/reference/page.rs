//! docs/reference/findings.md and files.md.

use super::key::{File, Key, files};
use super::show::facts;
use crate::finding::{Entry, Severity, entries};

/// Returns the page of all findings, below a line that says who writes it.
pub fn findings_page(how: &str) -> String {
    let [error, warning] = [Severity::Error, Severity::Warning].map(Severity::meaning);
    let head = format!(
        "# Findings\n\n{how}\n\n`knarr check` says them all at once; `knarr explain KN0101` shows what stands here. \
         An error: {error}. A warning: {warning}. Codes are stable and never used twice.\n"
    );
    head + &entries().iter().map(finding).collect::<String>()
}

fn finding(entry: &Entry) -> String {
    let Entry { code, severity, meaning, why, message, help } = entry;
    let why = if why.is_empty() { String::new() } else { format!("{}\n\n", why.replace('\n', "\n\n")) };
    format!("\n## {code}\n\n**{severity}**: {meaning}\n\n{why}- says: {message}\n- help: {help}\n")
}

/// Returns the page of all keys, below a line that says who writes it.
pub fn files_page(how: &str) -> String {
    let head = format!(
        "# Files that people write\n\n{how}\n\n`knarr explain network.mesh` shows what stands here, and editors that know \
         YAML schemas do, too. `<key>` is a name that you choose.\n"
    );
    head + &files().iter().map(file).collect::<String>()
}

fn file(file: &File) -> String {
    let keys: String = file.keys.iter().map(key).collect();
    format!("\n## `{}`\n\n{}\n{keys}", file.path, file.meaning)
}

fn key(key: &Key) -> String {
    let words = key.words.iter().map(|word| format!("- `{}`: {}\n", word.word, word.meaning));
    let words: String = words.collect();
    let words = if words.is_empty() { words } else { format!("{words}\n") };
    format!(
        "\n### `{}`\n\n{}.\n\n{}\n\n{words}```yaml\n{}```\n",
        key.key,
        sentence(&facts(key)),
        key.meaning,
        key.example
    )
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
