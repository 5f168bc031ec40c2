//! What a field takes, of Kubernetes' own types and of those that a definition describes.

use std::collections::BTreeMap;

/// What a field takes.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// Anything.
    Any,
    /// A text.
    Text,
    /// One of these texts.
    OneOf(Vec<String>),
    /// A whole number.
    Whole,
    /// A number.
    Number,
    /// True or false.
    Flag,
    /// A whole number, or a text such as `50%`.
    WholeOrText,
    /// A port, from this number on: 0 where it says that there is none.
    Port(u16),
    /// The same, or the name of a container's port.
    PortOrName(u16),
    /// Labels: keys and values of few letters.
    Labels,
    /// Annotations: keys as those of labels, and any texts.
    Annotations,
    /// An amount such as `500m` or `256Mi`.
    Quantity,
    /// A list.
    List(Box<Shape>),
    /// A map of any keys.
    Map(Box<Shape>),
    /// One of Kubernetes' own types.
    Type(&'static str),
    /// A map of these keys.
    Object(Object),
}

/// A map of known keys.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object {
    /// Its fields.
    pub fields: BTreeMap<String, Field>,
    /// Whether other keys are taken too.
    pub open: bool,
}

/// One key of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// What it takes.
    pub shape: Shape,
    /// Whether it must be there.
    pub must: bool,
}

impl Shape {
    /// Reads a shape as the table has it.
    fn of_word(word: &'static str) -> Self {
        match word {
            "any" => Self::Any,
            "text" => Self::Text,
            "whole" => Self::Whole,
            "number" => Self::Number,
            "flag" => Self::Flag,
            "whole|text" => Self::WholeOrText,
            "quantity" => Self::Quantity,
            "port" => Self::Port(1),
            "port0" => Self::Port(0),
            "port|name" => Self::PortOrName(1),
            "port0|name" => Self::PortOrName(0),
            "labels" => Self::Labels,
            "annotations" => Self::Annotations,
            _ if word.starts_with("text:") => Self::OneOf(words(&word["text:".len()..])),
            _ => match (word.strip_prefix('['), word.strip_prefix('{')) {
                (Some(inner), _) => Self::List(Box::new(Self::of_word(inner))),
                (_, Some(inner)) => Self::Map(Box::new(Self::of_word(inner))),
                (None, None) => Self::Type(word),
            },
        }
    }

    /// Says what it takes, in words that follow "takes".
    pub fn words(&self) -> String {
        let words = match self {
            Self::Any => "anything",
            Self::Text => "a text",
            Self::OneOf(all) => return format!("one of {}", listed(all)),
            Self::Whole => "a whole number",
            Self::Number => "a number",
            Self::Flag => "true or false",
            Self::WholeOrText => "a whole number or a text",
            Self::Quantity => "an amount such as 500m, 2 or 256Mi",
            Self::Port(1) => "a port: 1 to 65535",
            Self::Port(_) => "a port: 1 to 65535, or 0 for none",
            Self::PortOrName(_) => {
                "a port, 1 to 65535, or the name of one: at most 15 of a-z, 0-9 and -, a letter among them"
            }
            Self::List(_) => "a list",
            Self::Map(_) | Self::Type(_) | Self::Object(_) | Self::Labels | Self::Annotations => "a map",
        };
        words.to_owned()
    }
}

/// Reads the texts of the table, where a space is `_`. None is as good as nothing: Kubernetes leaves out what is empty.
fn words(word: &str) -> Vec<String> {
    std::iter::once("").chain(word.split('|')).map(|text| text.replace('_', " ")).collect()
}

/// Returns texts as a list for people.
pub fn listed(all: &[String]) -> String {
    all.iter().filter(|text| !text.is_empty()).map(String::as_str).collect::<Vec<_>>().join(", ")
}

impl Object {
    /// Reads the fields of a type as the table has them.
    pub(super) fn of_line(line: &'static str) -> Self {
        let field = |word: &'static str| {
            let (name, shape) = word.split_once('=')?;
            let must = name.ends_with('!');
            let field = Field { shape: Shape::of_word(shape), must };
            Some((name.trim_end_matches('!').to_owned(), field))
        };
        Self { fields: line.split(' ').filter_map(field).collect(), open: false }
    }
}
