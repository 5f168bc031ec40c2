//! The macro that makes an enum of findings with its tables from one list, and what the list says of each beforehand.

use super::Severity;
use serde::Serialize;

/// A finding as the list has it: `‹what stands there›` where a message names something of the repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The stable code.
    pub code: &'static str,
    /// How much it weighs.
    pub severity: Severity,
    /// What it means, in one sentence.
    pub meaning: String,
    /// Why that matters; empty when the meaning says it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// What is said.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// What the macro knows of a finding: doc comments line by line, and texts with `{field}`.
pub(super) struct Row {
    pub(super) code: &'static str,
    pub(super) severity: Severity,
    pub(super) doc: &'static [&'static str],
    pub(super) message: &'static str,
    pub(super) help: &'static str,
    pub(super) fields: &'static [(&'static str, &'static str)],
}

impl Row {
    /// Returns the finding with its texts made readable. The first paragraph is the meaning, the rest the reason.
    pub(super) fn entry(&self) -> Entry {
        let lines: Vec<&str> = self.doc.iter().map(|line| line.trim()).collect();
        let mut paragraphs = lines.split(|line| line.is_empty()).map(|lines| lines.join(" "));
        Entry {
            code: self.code,
            severity: self.severity,
            meaning: paragraphs.next().unwrap_or_default(),
            why: paragraphs.collect::<Vec<_>>().join("\n"),
            message: self.fill(self.message),
            help: self.fill(self.help),
        }
    }

    fn fill(&self, text: &str) -> String {
        let put = |text: String, (name, doc): &(&str, &str)| {
            text.replace(&format!("{{{name}}}"), &format!("‹{}›", words(doc)))
        };
        self.fields.iter().fold(text.to_owned(), put).replace("{{", "{").replace("}}", "}")
    }
}

/// Returns a sentence as words that stand within another one.
fn words(sentence: &str) -> String {
    let sentence = sentence.trim().trim_end_matches('.');
    let mut letters = sentence.chars();
    let (first, second) = (letters.next(), letters.next());
    match first {
        Some(first) if !second.is_some_and(char::is_uppercase) => {
            first.to_lowercase().chain(sentence.chars().skip(1)).collect()
        }
        Some(_) | None => sentence.to_owned(),
    }
}

/// Makes the enum with its tables from one list. A doc comment's first paragraph says what the finding means, others why that matters.
macro_rules! faults {
    ($($(#[doc = $doc:literal])+ $code:ident $severity:ident $name:ident { $($(#[doc = $field_doc:literal])+ $field:ident: $type:ty),* $(,)? }
        = $message:literal, $help:literal;)+) => {
        /// One kind of mistake in a repository.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Fault {
            $($(#[doc = $doc])+ $name { $($(#[doc = $field_doc])+ $field: $type),* },)+
        }
        impl Fault {
            /// Returns its stable code, e.g. `KN0102`.
            pub fn code(&self) -> &'static str {
                match self { $(Self::$name { .. } => stringify!($code),)+ }
            }
            /// Returns how much it weighs.
            pub fn severity(&self) -> Severity {
                match self { $(Self::$name { .. } => Severity::$severity,)+ }
            }
            /// Returns what is wrong, in one sentence.
            pub fn message(&self) -> String {
                match self { $(
                    Self::$name { $($field),* } => { $(let _ = $field;)* format!($message) })+ }
            }
            /// Returns what to do about it, in one sentence.
            pub fn help(&self) -> String {
                match self { $(
                    Self::$name { $($field),* } => { $(let _ = $field;)* format!($help) })+ }
            }
        }
        /// Returns every finding that there is, by its code.
        pub fn entries() -> Vec<super::Entry> {
            let rows = [$(super::list::Row {
                code: stringify!($code),
                severity: Severity::$severity,
                doc: &[$($doc),+],
                message: $message,
                help: $help,
                fields: &[$((stringify!($field), concat!($($field_doc),+))),*],
            }),+];
            let mut entries: Vec<super::Entry> = rows.iter().map(super::list::Row::entry).collect();
            entries.sort_by_key(|entry| entry.code);
            entries
        }
    };
}

#[cfg(test)]
mod tests {
    use super::super::entries;

    #[test]
    fn every_finding_has_a_code_of_its_own_and_texts_without_holes() {
        let entries = entries();
        assert!(entries.windows(2).all(|two| two[0].code < two[1].code));
        for entry in entries {
            let texts = [&entry.meaning, &entry.message, &entry.help];
            assert!(texts.iter().all(|text| !text.is_empty()), "{entry:?}");
            assert!(!entry.meaning.contains('‹') && entry.meaning.ends_with('.'), "{entry:?}");
        }
    }

    #[test]
    fn what_a_message_names_is_said_in_words() {
        let entry = entries().into_iter().find(|entry| entry.code == "KN0507").unwrap();
        assert_eq!(entry.message, "‹the other file› has the same mesh address ‹the address›");
        let entry = entries().into_iter().find(|entry| entry.code == "KN0710").unwrap();
        assert!(entry.help.contains("`k3s: {version: …}`"), "{entry:?}");
    }
}
