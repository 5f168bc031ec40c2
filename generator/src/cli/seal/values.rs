//! Where the values of `knarr seal` come from: typed, piped, files, the command line. None is ever shown.

mod env_file;

use crate::error::CliError;
use crate::seal::{Empty, Value};
use crate::secrets::read_value;
use crate::ui::Ui;
use knarr_node::name::DataKey;
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::fmt;
use std::io::{IsTerminal, Read};
use std::path::PathBuf;
use std::str::FromStr;
use zeroize::Zeroizing;

/// What stands behind `--from-literal`: reading it never fails, so that no error of the parser repeats it.
#[derive(Clone)]
pub(super) struct Literal(Zeroizing<String>);

impl FromStr for Literal {
    type Err = Infallible;
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(Zeroizing::new(text.to_owned())))
    }
}

impl fmt::Debug for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Literal(…)")
    }
}

/// The words of a command line that say values.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Words {
    /// Keys whose values are asked for, each with a `-` behind it
    #[arg(value_name = "KEY -")]
    pub(super) asked: Vec<String>,
    /// A value as it is; `KEY -` asks for it. Your shell's history sees what stands here
    #[arg(long, value_name = "KEY=VALUE")]
    pub(super) from_literal: Vec<Literal>,
    /// A value from a file; the key is the file's name unless it is given
    #[arg(long, value_name = "[KEY=]PATH")]
    pub(super) from_file: Vec<String>,
    /// Values from the lines of a file, each `KEY=VALUE`, taken as they are
    #[arg(long, value_name = "PATH")]
    pub(super) from_env_file: Vec<PathBuf>,
}

/// Where one value comes from.
#[derive(Debug)]
enum Source {
    /// Typed without echo, or standard input.
    Asked,
    /// The command line.
    Given(Value),
    /// A file.
    File(PathBuf),
}

/// Where all values come from.
#[derive(Debug, Default)]
pub(super) struct Sources(BTreeMap<DataKey, Source>);

impl Sources {
    /// Reads the command line; values are not read yet.
    pub(super) fn of(words: &Words, empty: Empty) -> Result<Self, CliError> {
        let mut sources = Self::default();
        let mut alone = sources.asked(&words.asked)?;
        for literal in &words.from_literal {
            match literal.0.split_once('=') {
                Some((key, value)) => sources.add(key, Source::Given(value.as_bytes().into()))?,
                None if alone > 0 => {
                    alone -= 1;
                    sources.add(&literal.0, Source::Asked)?;
                }
                None => {
                    return Err(grammar("a --from-literal has no `=`", "--from-literal KEY=VALUE, or KEY -"));
                }
            }
        }
        if alone > 0 {
            return Err(grammar("a `-` has no key before it", "KEY -"));
        }
        for file in &words.from_file {
            let (key, path) = file.split_once('=').unwrap_or_else(|| (file_name(file), file));
            sources.add(key, Source::File(path.into()))?;
        }
        for path in &words.from_env_file {
            for (key, value) in env_file::read(path)? {
                sources.add(&key, Source::Given(value))?;
            }
        }
        if sources.0.is_empty() && empty == Empty::Refused {
            return Err(grammar("there is nothing to seal", "knarr seal NAME --namespace NAMESPACE KEY -"));
        }
        Ok(sources)
    }

    /// Refuses all but one value.
    pub(super) fn only_one(self) -> Result<Self, CliError> {
        if self.0.len() == 1 {
            return Ok(self);
        }
        Err(CliError::user(format!("--raw seals one value, and {} are given", self.0.len()))
            .help("leave out the others"))
    }

    /// Adds the keys that have a `-` behind them; returns how many `-` belong to a `--from-literal KEY`.
    fn asked(&mut self, words: &[String]) -> Result<usize, CliError> {
        let (mut alone, mut words) = (0, words.iter());
        while let Some(word) = words.next() {
            if word == "-" {
                alone += 1;
            } else if words.next().is_some_and(|next| next == "-") {
                self.add(word, Source::Asked)?;
            } else {
                return Err(grammar(
                    "a key has no `-` behind it",
                    "KEY - asks for a value; --from-literal KEY=VALUE gives it",
                ));
            }
        }
        Ok(alone)
    }

    fn add(&mut self, key: &str, source: Source) -> Result<(), CliError> {
        let key: DataKey = key.parse().map_err(|bad| CliError::user(bad).help("choose another key"))?;
        match self.0.insert(key.clone(), source) {
            None => Ok(()),
            Some(_) => Err(CliError::user(format!("`{key}` is given twice")).help("keep one of them")),
        }
    }

    /// Returns the keys.
    pub(super) fn keys(&self) -> BTreeSet<&DataKey> {
        self.0.keys().collect()
    }

    /// Reads and asks for all values.
    pub(super) fn read(self, ui: &Ui) -> Result<BTreeMap<DataKey, Value>, CliError> {
        let asked = self.0.values().filter(|source| matches!(source, Source::Asked)).count();
        if asked > 1 && !std::io::stdin().is_terminal() {
            return Err(CliError::user(format!("standard input holds one value, and {asked} keys want it"))
                .help("take the others from files: --from-file KEY=PATH"));
        }
        let read = |(key, source): (DataKey, Source)| {
            let value = match source {
                Source::Asked => ask(&key, ui)?,
                Source::Given(value) => value,
                Source::File(path) => file(&path)?,
            };
            Ok((key, value))
        };
        self.0.into_iter().map(read).collect()
    }
}

fn grammar(what: &str, help: &str) -> CliError {
    CliError::user(what).help(help)
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn ask(key: &DataKey, ui: &Ui) -> Result<Value, CliError> {
    let value = match ui.hidden(&format!("{key}: "))? {
        Some(typed) => typed.as_bytes().into(),
        None => piped(key, ui)?,
    };
    if value.0.is_empty() {
        return Err(CliError::user(format!("the value of `{key}` is empty"))
            .help(format!("if that is meant: --from-literal {key}=")));
    }
    Ok(value)
}

fn piped(key: &DataKey, ui: &Ui) -> Result<Value, CliError> {
    let value = read(&mut std::io::stdin().lock())
        .map_err(|error| CliError::environment(format!("cannot read the value of `{key}`: {error}")))?;
    if value.0.ends_with(b"\n") {
        ui.note(format_args!("note: the value of `{key}` ends with a line feed; `printf %s` writes none"));
    }
    Ok(value)
}

fn file(path: &PathBuf) -> Result<Value, CliError> {
    let open = || read(&mut std::fs::File::open(path)?);
    open().map_err(|error| CliError::environment(format!("cannot read `{}`: {error}", path.display())))
}

/// The most bytes that are read of one value: one more than a Secret may have.
const MOST: usize = (1 << 20) + 1;

fn read(from: &mut dyn Read) -> std::io::Result<Value> {
    read_value(from, MOST).map(Value)
}

#[cfg(test)]
mod tests;
