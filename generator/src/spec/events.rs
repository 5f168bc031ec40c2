//! Trees from the parser's events, for what nearly all manifests are made of: half of the time that the reader of all YAML takes.
//!
//! What is rare is left to that reader: tags, anchors, merges, numbers other than plain ones, very large files, and all that is
//! wrong. What is read here reads there the same, places too.

use super::{At, Tree};
use granit_parser::{Event, Parser, ScalarStyle, Span};
use std::ops::Range;

/// What the other reader refuses has more: 1,024 documents have three each. Source: serde-saphyr 2.0, `Budget::default`.
const MOST_EVENTS: usize = 3_000;
const DEEPEST: usize = 32;

/// What stands in a number, or in what looks like one, and what it begins with.
const NUMERIC: &[u8] = b"0123456789abcdefABCDEFoOxX+-._:";
const BEGINNING: &[char] = &['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '+', '-', '.'];

/// So many digits fit into a number.
const DIGITS: usize = 18;

/// Returns the documents of a text; none where something rare is in it, or wrong.
pub(super) fn read(text: &str) -> Option<Vec<At<Tree>>> {
    let mut trees = Trees::default();
    let options = granit_parser::options! { emit_comments: false };
    for (count, event) in Parser::new_from_str_with_options(text, options).enumerate() {
        let (event, span) = event.ok().filter(|_| count <= MOST_EVENTS && trees.open.len() <= DEEPEST)?;
        trees.take(event, &span)?;
    }
    Some(trees.documents)
}

/// The documents that have ended, and what is open of one that has not.
#[derive(Default)]
struct Trees {
    documents: Vec<At<Tree>>,
    open: Vec<Open>,
}

/// A list or a map that has not ended, and where it begins.
enum Open {
    List(Vec<At<Tree>>, Option<Range<usize>>),
    Map(Vec<(At<String>, At<Tree>)>, Option<At<String>>, Option<Range<usize>>),
}

impl Trees {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the parser may get more kinds of events")]
    fn take(&mut self, event: Event<'_>, span: &Span) -> Option<()> {
        let span = span.start.byte_offset().zip(span.end.byte_offset()).map(|(start, end)| start..end);
        match event {
            Event::Scalar(text, style, 0, None) => self.add(At { value: scalar(&text, style)?, span })?,
            Event::SequenceStart(_, 0, None) => self.open.push(Open::List(Vec::new(), span)),
            Event::MappingStart(_, 0, None) => self.open.push(Open::Map(Vec::new(), None, span)),
            Event::SequenceEnd | Event::MappingEnd => {
                let done = self.open.pop()?.done()?;
                self.add(done)?;
            }
            Event::StreamStart | Event::StreamEnd | Event::DocumentStart(..) | Event::DocumentEnd => {}
            _ => return None,
        }
        Some(())
    }

    /// Adds what has ended to what is around it; a document that is nothing does not count.
    fn add(&mut self, done: At<Tree>) -> Option<()> {
        match self.open.last_mut() {
            Some(around) => around.add(done)?,
            None if done.value == Tree::Null => {}
            None => self.documents.push(done),
        }
        Some(())
    }
}

impl Open {
    /// Adds what stands next in it.
    fn add(&mut self, next: At<Tree>) -> Option<()> {
        match self {
            Self::List(elements, _) => elements.push(next),
            Self::Map(entries, key, _) => match (key.take(), next.value) {
                (Some(key), value) => entries.push((key, At { value, span: next.span })),
                (None, Tree::Text(text)) if text != "<<" => *key = Some(At { value: text, span: next.span }),
                (None, _) => return None,
            },
        }
        Some(())
    }

    /// Ends it; a map with two keys that are the same is wrong.
    fn done(self) -> Option<At<Tree>> {
        match self {
            Self::List(elements, span) => Some(At { value: Tree::List(elements), span }),
            Self::Map(entries, key, span) => {
                let mut keys: Vec<&str> = entries.iter().map(|(key, _)| key.as_str()).collect();
                keys.sort_unstable();
                let is_fine = key.is_none() && keys.windows(2).all(|two| two[0] != two[1]);
                is_fine.then_some(At { value: Tree::Map(entries), span })
            }
        }
    }
}

/// Returns what a scalar says; none where that is not obvious.
fn scalar(text: &str, style: ScalarStyle) -> Option<Tree> {
    if style != ScalarStyle::Plain {
        return Some(Tree::Text(text.to_owned()));
    }
    let is = |word: &str| text.eq_ignore_ascii_case(word);
    if text.is_empty() || text == "~" || is("null") {
        return Some(Tree::Null);
    }
    if is("true") || is("false") {
        return Some(Tree::Flag(is("true")));
    }
    if text.len() <= DIGITS && text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0') {
        return text.parse::<u64>().ok().map(|number| Tree::Number(number.into()));
    }
    let unsigned = text.trim_start_matches(['+', '-', '.']);
    let is_endless = ["inf", "infinity", "nan"].iter().any(|word| unsigned.eq_ignore_ascii_case(word));
    let is_numeric = text.starts_with(BEGINNING) && text.bytes().all(|byte| NUMERIC.contains(&byte));
    (!is_endless && !is_numeric).then(|| Tree::Text(text.to_owned()))
}

#[cfg(test)]
mod tests;
