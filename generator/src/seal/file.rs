//! A file with sealed Secrets, beside other objects perhaps: what changes of it are the values that change.
//!
//! An edit counts only when the file then reads as wanted; else the whole file is written anew, where all of it is ours.

use super::held::SEALED_BY;
use super::{Form, SealedSecret};
use crate::spec::{At, Tree};
use std::ops::Range;

/// A file that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoSealed {
    /// No YAML and no JSON.
    #[error("line {line}, column {column} is neither YAML nor JSON")]
    Text {
        /// From 1.
        line: u64,
        /// From 1.
        column: u64,
    },
    /// A SealedSecret that lacks something, or has it in another shape.
    #[error("{place} is no SealedSecret as sealed-secrets writes it: {why}")]
    Shape {
        /// Where it stands.
        place: String,
        /// What is wrong.
        why: String,
    },
}

/// A sealed Secret in its file.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Where it stands, e.g. `document 2`.
    pub place: String,
    /// What stands there.
    pub sealed: SealedSecret,
    tree: Tree,
}

/// A file with sealed Secrets.
#[derive(Clone, Debug)]
pub struct SealedFile {
    text: String,
    /// All of them.
    pub entries: Vec<Entry>,
    /// Whether there are other objects beside them, or a List around them.
    alone: bool,
}

impl SealedFile {
    /// Reads a file; objects of other kinds are passed over.
    pub fn read(text: &str) -> Result<Self, NoSealed> {
        let budget = serde_saphyr::budget! { max_documents: 25_000 };
        let options = serde_saphyr::options! { with_snippet: false, emit_comments: false, budget: budget };
        let trees: Vec<At<Tree>> =
            serde_saphyr::from_multiple_with_options(text, options).map_err(|error| {
                let (line, column) = error.location().map_or((1, 1), |place| (place.line(), place.column()));
                NoSealed::Text { line, column }
            })?;
        let mut entries = Vec::new();
        let mut alone = true;
        for (number, tree) in trees.into_iter().enumerate() {
            let place = format!("document {}", number + 1);
            if let Some(items) = tree.get("items") {
                alone = false;
                for (item, tree) in items.elements().iter().enumerate() {
                    entries.extend(entry(format!("{place}, item {}", item + 1), &tree.value)?);
                }
            } else if let Some(one) = entry(place, &tree.value)? {
                entries.push(one);
            } else {
                alone = false;
            }
        }
        Ok(Self { text: text.to_owned(), entries, alone })
    }

    /// Whether all that it holds are sealed Secrets, without a List around them.
    pub fn is_alone(&self) -> bool {
        self.alone
    }

    /// Returns the text with other Secrets in place of its own, in their order; none when it cannot be written.
    pub fn with(&self, new: &[SealedSecret]) -> Option<String> {
        let reads = |text: &String| {
            let read = Self::read(text).map(|file| file.entries).unwrap_or_default();
            read.len() == new.len() && read.iter().zip(new).all(|(read, new)| read.sealed == *new)
        };
        self.edited(new).filter(reads).or_else(|| self.anew(new).filter(reads))
    }

    fn edited(&self, new: &[SealedSecret]) -> Option<String> {
        let mut edits = Vec::new();
        for (entry, new) in self.entries.iter().zip(new) {
            edits.extend(entry.edits(&self.text, new)?);
        }
        edits.reverse(); // what is added at one place keeps its order
        edits.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
        let mut text = self.text.clone();
        for (span, new) in edits {
            text.get(span.clone())?;
            text.replace_range(span, &new);
        }
        Some(text)
    }

    fn anew(&self, new: &[SealedSecret]) -> Option<String> {
        if !self.alone {
            return None;
        }
        let form = if self.text.trim_start().starts_with('{') { Form::Json } else { Form::Yaml };
        Some(new.iter().map(|sealed| sealed.text(form)).collect::<Option<Vec<_>>>()?.join("---\n"))
    }
}

fn entry(place: String, tree: &Tree) -> Result<Option<Entry>, NoSealed> {
    if tree.get("kind").and_then(|kind| kind.text()) != Some("SealedSecret") {
        return Ok(None);
    }
    let sealed = serde_json::from_value(tree.to_value());
    let sealed: SealedSecret =
        sealed.map_err(|error| NoSealed::Shape { place: place.clone(), why: error.to_string() })?;
    Ok(Some(Entry { place, sealed, tree: tree.clone() }))
}

type Edits = Vec<(Range<usize>, String)>;

impl Entry {
    fn edits(&self, text: &str, new: &SealedSecret) -> Option<Edits> {
        let mut edits = Edits::new();
        if self.sealed == *new {
            return Some(edits);
        }
        let data = self.tree.get("spec")?.get("encryptedData")?;
        for (key, at) in data.entries() {
            match new.spec.encrypted_data.iter().find(|(new, _)| new.as_str() == key.value) {
                Some((_, value)) if at.text() == Some(value) => {}
                Some((_, value)) => edits.push((at.span.clone()?, like(text, at.span.as_ref()?, value)?)),
                None => edits.push((line(text, at.span.as_ref()?)?, String::new())),
            }
        }
        let last = data.entries().last().and_then(|(_, at)| at.span.clone());
        let there = |key: &str| data.entries().iter().any(|(there, _)| there.value == key);
        for (key, value) in new.spec.encrypted_data.iter().filter(|(key, _)| !there(key.as_str())) {
            let line = line(text, last.as_ref()?)?;
            edits.push((line.end..line.end, format!("{}{key}: {value}\n", indent(text, &line)?)));
        }
        edits.extend(self.noted(text, new)?);
        Some(edits)
    }

    /// Returns how the note of the key changes.
    fn noted(&self, text: &str, new: &SealedSecret) -> Option<Edits> {
        let Some(by) = new.sealed_by().filter(|by| self.sealed.sealed_by() != Some(by)) else {
            return Some(Edits::new());
        };
        let metadata = self.tree.get("metadata")?;
        let annotations = metadata.get("annotations");
        if let Some(at) = annotations.and_then(|all| all.get(SEALED_BY)) {
            return Some(vec![(at.span.clone()?, like(text, at.span.as_ref()?, by)?)]);
        }
        let note = format!("{SEALED_BY}: {by}");
        let (beside, added) = match annotations.map(|all| all.entries()).and_then(<[_]>::first) {
            Some((key, _)) => (key, note),
            None if annotations.is_some() => return None,
            None => (&metadata.entries().first()?.0, format!("annotations: {{{SEALED_BY}: \"{by}\"}}")),
        };
        let line = line(text, beside.span.as_ref()?)?;
        Some(vec![(line.start..line.start, format!("{}{added}\n", indent(text, &line)?))])
    }
}

/// Returns a value as another is written: in quotes or without.
fn like(text: &str, span: &Range<usize>, value: &str) -> Option<String> {
    let quote = text.get(span.clone())?.chars().next().filter(|first| "'\"".contains(*first));
    Some(quote.map_or_else(|| value.to_owned(), |quote| format!("{quote}{value}{quote}")))
}

/// Returns the whole lines in which something stands.
fn line(text: &str, span: &Range<usize>) -> Option<Range<usize>> {
    let start = text.get(..span.start)?.rfind('\n').map_or(0, |at| at + 1);
    let end = text.get(span.end..)?.find('\n').map_or(text.len(), |at| span.end + at + 1);
    Some(start..end)
}

/// Returns the blanks at the beginning of lines.
fn indent<'a>(text: &'a str, line: &Range<usize>) -> Option<&'a str> {
    let line = text.get(line.clone())?;
    line.get(..line.len() - line.trim_start_matches(' ').len())
}

#[cfg(test)]
mod tests;
