//! Whether an object fits its kind: each mistake with its pointer and place, all at once.

use super::{Kinds, Object, Shape};
use crate::finding::did_you_mean;
use crate::spec::{At, Tree};
use knarr_node::name::{BadName, LabelKey, LabelValue};
use std::ops::Range;

/// One thing in an object that its kind does not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Where it is in the object, as a JSON pointer.
    pub pointer: String,
    /// Where it stands in the file, in bytes.
    pub span: Option<Range<usize>>,
    /// What is wrong.
    pub what: What,
}

/// What is wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// There is no such field; those that there are.
    NoField(Vec<String>),
    /// It must be there, and takes this.
    Missing(String),
    /// It takes something else.
    Other {
        /// What stands there.
        found: String,
        /// What it takes.
        takes: String,
        /// What to do.
        hint: String,
    },
    /// It takes one of these texts, and this is none of them.
    NoneOf(String, Vec<String>),
    /// The name of an object, or a label, that breaks its rule.
    Bad(BadName),
}

/// Returns all that is wrong with an object of a kind.
pub fn mistakes(kinds: &Kinds, shape: &Shape, object: &At<Tree>) -> Vec<Mistake> {
    let mut judge = Judge { kinds, pointer: String::new(), mistakes: Vec::new() };
    judge.value(shape, object, object.span.as_ref());
    judge.mistakes
}

struct Judge<'a> {
    kinds: &'a Kinds,
    pointer: String,
    mistakes: Vec<Mistake>,
}

impl Judge<'_> {
    /// Judges a value; `at` is where its key stands. Kubernetes takes nothing for anything.
    fn value(&mut self, shape: &Shape, value: &At<Tree>, at: Option<&Range<usize>>) {
        match (shape, &value.value) {
            (Shape::Type(name), Tree::Map(_)) => self.object(&self.kinds.fields(name), value, at),
            (Shape::Object(object), Tree::Map(_)) => self.object(object, value, at),
            (Shape::List(inner), Tree::List(elements)) => {
                for (n, element) in elements.iter().enumerate() {
                    self.within(&n.to_string(), |judge| judge.value(inner, element, element.span.as_ref()));
                }
            }
            (Shape::Map(inner), Tree::Map(entries)) => {
                for (key, value) in entries {
                    self.within(key, |judge| judge.value(inner, value, key.span.as_ref()));
                }
            }
            (Shape::Labels | Shape::Annotations, Tree::Map(entries)) => {
                for (key, value) in entries {
                    self.within(key, |judge| judge.label(shape, key, value));
                }
            }
            (_, scalar) if takes(shape, scalar) => {}
            (Shape::OneOf(all), Tree::Text(text)) => {
                self.add(value.span.as_ref().or(at), What::NoneOf(text.clone(), all.clone()));
            }
            (_, other) => {
                let (found, takes, hint) = (words(other), shape.words(), hint(shape, other));
                self.add(value.span.as_ref().or(at), What::Other { found, takes, hint });
            }
        }
    }

    fn object(&mut self, object: &Object, value: &At<Tree>, at: Option<&Range<usize>>) {
        for (key, value) in value.entries() {
            self.within(key, |judge| match object.fields.get(&key.value) {
                // The cluster writes it, whatever stands here.
                Some(_) if judge.pointer == "/status" => {}
                Some(field) => judge.value(&field.shape, value, key.span.as_ref()),
                None if object.open => {}
                None => {
                    let known = object.fields.keys().cloned().collect();
                    judge.add(key.span.as_ref(), What::NoField(known));
                }
            });
        }
        let there = |name: &str| value.entries().iter().find(|(key, _)| key.value == name);
        let unknown = |key: &str| !object.fields.contains_key(key);
        let misspelled = |name: &str| {
            let mut unknown = value.entries().iter().filter(|(key, _)| unknown(key));
            unknown.any(|(key, _)| did_you_mean(key, [name]).is_some())
        };
        for (name, field) in object.fields.iter().filter(|(_, field)| field.must) {
            let at = match there(name) {
                Some((_, value)) if value.value != Tree::Null => continue,
                Some((key, _)) => key.span.as_ref(),
                None if misspelled(name) => continue,
                None => at,
            };
            let takes = field.shape.words();
            self.within(name, |judge| judge.add(at, What::Missing(takes)));
        }
    }

    /// Judges one label or annotation. Source: k8s.io/apimachinery v0.36, pkg/apis/meta/v1/validation, ValidateLabels;
    /// pkg/api/validation, ValidateAnnotations, which lets keys have capitals in their domains.
    fn label(&mut self, shape: &Shape, key: &At<String>, value: &At<Tree>) {
        let small = key.to_lowercase();
        let name = if *shape == Shape::Labels { key.as_str() } else { &small };
        if let Err(BadName { what, rule, .. }) = name.parse::<LabelKey>() {
            self.add(key.span.as_ref(), What::Bad(BadName { what, text: key.value.clone(), rule }));
        }
        let Tree::Text(text) = &value.value else {
            return self.value(&Shape::Text, value, key.span.as_ref());
        };
        if *shape == Shape::Labels
            && let Err(bad) = text.parse::<LabelValue>()
        {
            self.add(value.span.as_ref().or(key.span.as_ref()), What::Bad(bad));
        }
    }

    fn within(&mut self, key: &str, judge: impl FnOnce(&mut Self)) {
        let length = self.pointer.len();
        self.pointer.push('/');
        self.pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
        judge(self);
        self.pointer.truncate(length);
    }

    fn add(&mut self, span: Option<&Range<usize>>, what: What) {
        self.mistakes.push(Mistake { pointer: self.pointer.clone(), span: span.cloned(), what });
    }
}

/// Whether a value is what a shape takes; a list and a map are judged by what is in them.
fn takes(shape: &Shape, value: &Tree) -> bool {
    match (shape, value) {
        (_, Tree::Null)
        | (Shape::Any, _)
        | (Shape::Text | Shape::WholeOrText, Tree::Text(_))
        | (Shape::Number | Shape::Quantity, Tree::Number(_))
        | (Shape::Flag, Tree::Flag(_)) => true,
        (Shape::OneOf(all), Tree::Text(text)) => all.contains(text),
        (Shape::Whole | Shape::WholeOrText, Tree::Number(number)) => {
            number.as_f64().is_some_and(|number| number.fract() == 0.0)
        }
        (Shape::Quantity, Tree::Text(text)) => is_quantity(text),
        (Shape::Port(least) | Shape::PortOrName(least), Tree::Number(number)) => number
            .as_f64()
            .is_some_and(|port| port.fract() == 0.0 && (f64::from(*least)..=65535.0).contains(&port)),
        (Shape::PortOrName(least), Tree::Text(text)) => is_port_name(text) || *least == 0 && text.is_empty(),
        (_, Tree::Flag(_) | Tree::Number(_) | Tree::Text(_) | Tree::List(_) | Tree::Map(_)) => false,
    }
}

/// Whether a text is a port's name. Source: k8s.io/apimachinery v0.36, pkg/util/validation, IsValidPortName.
fn is_port_name(text: &str) -> bool {
    let letters = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let dashes = text.starts_with('-') || text.ends_with('-') || text.contains("--");
    letters && !dashes && text.len() <= 15 && text.bytes().any(|b| b.is_ascii_lowercase())
}

/// Whether a text is an amount. Source: k8s.io/apimachinery v0.36, pkg/api/resource/quantity.go, `<quantity>`.
fn is_quantity(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    let exponent = suffix.strip_prefix(['e', 'E']).is_some_and(|power| power.parse::<i32>().is_ok());
    let known = ["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    digits > 0 && number.len() - digits <= 1 && (exponent || known.contains(&suffix))
}

fn words(value: &Tree) -> String {
    match value {
        Tree::Null => "nothing".to_owned(),
        Tree::Flag(flag) => format!("`{flag}`"),
        Tree::Number(number) => format!("the number {number}"),
        Tree::Text(text) if text.chars().count() > 40 || text.contains('\n') => "a text".to_owned(),
        Tree::Text(text) => format!("the text \"{text}\""),
        Tree::List(_) => "a list".to_owned(),
        Tree::Map(_) => "a map".to_owned(),
    }
}

fn hint(shape: &Shape, value: &Tree) -> String {
    match (shape, value) {
        (Shape::Text, Tree::Number(_) | Tree::Flag(_)) => "put it in quotes".to_owned(),
        (Shape::Whole | Shape::Number | Shape::Port(_) | Shape::PortOrName(_), Tree::Text(text))
            if text.parse::<f64>().is_ok() =>
        {
            format!("take the quotes away: {text}")
        }
        (Shape::Flag, Tree::Text(text)) if text == "true" || text == "false" => {
            format!("take the quotes away: {text}")
        }
        (Shape::List(_), _) => "begin each element with a dash: `- …`".to_owned(),
        (_, Tree::Null | Tree::Flag(_) | Tree::Number(_) | Tree::Text(_) | Tree::List(_) | Tree::Map(_)) => {
            format!("write {}", shape.words())
        }
    }
}
