//! Why a list of machines cannot be taken, and what people type then.

use super::{Field, Format};

/// A list that cannot be taken; nothing is written.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It is no text.
    #[error("the list is not UTF-8")]
    NotUtf8,
    /// It begins like JSON and is none.
    #[error("the list is no JSON")]
    Json(#[source] serde_json::Error),
    /// A line has more values than there are columns.
    #[error("line {line} has {values} values, and the first line names {names}")]
    Columns {
        /// Which line.
        line: usize,
        /// How many names the first line has.
        names: usize,
        /// How many values this line has.
        values: usize,
    },
    /// A quote opens and never ends.
    #[error("a quote in the row that begins at line {line} never ends")]
    Quote {
        /// Where the row begins.
        line: usize,
    },
    /// It is of this format and has no machine in it.
    #[error("there is no list of machines with addresses in it, as {0} writes one")]
    NoMachines(Format),
    /// A field that no machine has.
    #[error("no machine has a field `{path}` for {field}")]
    NoField {
        /// What it was to say.
        field: Field,
        /// What was typed.
        path: String,
        /// What may have been meant.
        hint: String,
    },
    /// Nothing says what machines are called.
    #[error("no field says what the machines are called")]
    Unnamed {
        /// The fields that there are.
        fields: String,
    },
    /// Machines that nobody can find.
    #[error("without an address: {names}")]
    NoAddress {
        /// Which machines.
        names: String,
        /// The fields that there are.
        fields: String,
    },
    /// A name of which nothing is left.
    #[error("`{0}` cannot become the name of a machine")]
    Name(String),
    /// Two machines with one name.
    #[error("`{first}` and `{second}` would both be called `{name}`")]
    SameName {
        /// The name of both.
        name: String,
        /// As it is called in the list.
        first: String,
        /// As the other one is.
        second: String,
    },
    /// A value that does not say what it should.
    #[error("`{text}` of {machine} is no {field}")]
    Value {
        /// Which machine.
        machine: String,
        /// What it was to say.
        field: Field,
        /// What stands there.
        text: String,
    },
}

impl ImportError {
    /// Says what the user can do, as one sentence without a full stop.
    pub fn help(&self) -> String {
        match self {
            Self::NotUtf8 => "write it as UTF-8".to_owned(),
            Self::Json(_) => "give the whole output, e.g. of `terraform output -json`".to_owned(),
            Self::Columns { .. } => "quote values that have commas in them".to_owned(),
            Self::Quote { .. } => "end it, or write two quotes for one".to_owned(),
            Self::NoMachines(_) => {
                "say what it is with --from, or let an output list the machines with name and address"
                    .to_owned()
            }
            Self::NoField { hint, .. } => hint.clone(),
            Self::Unnamed { fields } => format!("say which field: --map name=FIELD, with one of {fields}"),
            Self::NoAddress { fields, .. } => {
                format!(
                    "say which field: --map address=FIELD, with one of {fields}; or leave these machines out"
                )
            }
            Self::Name(_) => "give it a name with letters in it, there".to_owned(),
            Self::SameName { .. } => "give one of them another name, there".to_owned(),
            Self::Value { field, .. } => format!("say which field it is: --map {field}=FIELD"),
        }
    }
}
