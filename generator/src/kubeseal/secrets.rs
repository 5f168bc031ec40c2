//! What is done with Secrets in the clear: sealed as a whole, into a file that is there, or one value.

use super::args::{Args, said};
use super::{Text, input, namespace, output, sealed, typed};
use crate::each::each;
use crate::error::CliError;
use crate::seal::{
    Certificate, Empty, Flaw, Found, Given, Other, Plain, Scope, SealedSecret, Value, secrets,
};
use crate::secrets::{read_input, read_value};
use crate::ui::Ui;
use aws_lc_rs::rand::SystemRandom;
use knarr_node::name::{BadName, DataKey, ObjectName};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The most bytes that are read of one value: one more than a Secret may have.
const MOST: usize = (1 << 20) + 1;

/// Seals all Secrets that are read.
pub(super) fn seal(args: &Args, to: &Certificate, ui: &Ui) -> Result<Text, CliError> {
    let given = Given { name: name(args)?, other: Other::Kept, ..given(args) };
    let all = plain(args, given, ui)?;
    let form = if all.is_empty() { return Ok(Text::default()) } else { output::form(args)? };
    let done = each(&all, |plain| SealedSecret::seal(to, plain, &SystemRandom::new()));
    sealed::text(done.into_iter().collect::<Result<_, _>>()?, form)
}

/// Seals the values of one Secret into a file that is there; nothing is printed.
pub(super) fn merge(args: &Args, to: &Certificate, ui: &Ui) -> Result<Text, CliError> {
    let path = said(args.merge_into.as_ref()).map_or(Path::new(""), PathBuf::as_path);
    let mut there = there(path)?;
    if let Some(scope) = args.scope().filter(|scope| *scope != there.scope()) {
        return Err(CliError::user(format!("`{}` is {}, and not {scope}", path.display(), there.scope()))
            .help("leave --scope out: values of another scope would never open there"));
    }
    let (name, namespace) = (there.metadata.name.clone(), there.metadata.namespace.clone());
    let given = Given { name: Some(name), namespace, other: Other::Replaced, ..given(args) };
    let mut all = plain(args, given, ui)?;
    let Some(plain) = all.pop().filter(|_| all.is_empty()) else {
        return Err(CliError::user("one Secret is merged at a time").help("give one Secret"));
    };
    there.forget_key();
    there.merge(to, &plain, &SystemRandom::new())?;
    output::replace(path, &sealed::text(vec![there], output::form(args)?)?)?;
    Ok(Text::default())
}

fn there(path: &Path) -> Result<SealedSecret, CliError> {
    let shown = path.display();
    let read = || read_value(&mut File::open(path)?, super::MOST);
    let bytes = read().map_err(|error| {
        CliError::user(format!("cannot read `{shown}`: {error}")).help("name a file with a SealedSecret")
    })?;
    let mut all = sealed::read(std::str::from_utf8(&bytes).unwrap_or_default())?;
    all.pop().filter(|_| all.is_empty()).ok_or_else(|| {
        CliError::user(format!("`{shown}` does not hold one SealedSecret")).help("name a file that does")
    })
}

/// Seals one value.
pub(super) fn raw(args: &Args, to: &Certificate, ui: &Ui) -> Result<Text, CliError> {
    let scope = args.scope().unwrap_or_default();
    let namespace = if scope == Scope::ClusterWide { None } else { Some(namespace(args)?) };
    let name = match name(args)? {
        Some(name) => name,
        None if scope == Scope::Strict => {
            let message = "must provide the --name flag with --raw and --scope strict";
            return Err(CliError::user(message).help("--name NAME, or --scope namespace-wide"));
        }
        None => "any".parse().expect("it is a name of objects"),
    };
    let key: DataKey = "value".parse().expect("it is a key");
    let values = BTreeMap::from([(key, value(args, ui)?)]);
    let sealed = to.seal(&scope.label(namespace.as_ref(), &name), &values, &SystemRandom::new())?;
    Ok(sealed.into_values().map(Zeroizing::new).next().unwrap_or_default())
}

fn value(args: &Args, ui: &Ui) -> Result<Value, CliError> {
    let path = match &args.from_file[..] {
        [] => {
            typed("a secret to encrypt in", ui);
            "-"
        }
        [one] => one.split_once('=').map_or(one.as_str(), |(_, path)| path),
        [_, _, ..] => {
            let message = "must provide only one --from-file when encrypting a single item with --raw";
            return Err(CliError::user(message).help("seal them one after the other"));
        }
    };
    let read = read_input(Path::new(path), MOST);
    read.map(Value).map_err(|error| {
        CliError::user(format!("cannot read `{path}`: {error}")).help("--from-file FILE, or standard input")
    })
}

fn name(args: &Args) -> Result<Option<ObjectName>, CliError> {
    let name = said(args.name.as_ref()).map(|name| name.parse()).transpose();
    name.map_err(|bad: BadName| CliError::user(bad).help("--name NAME"))
}

fn given(args: &Args) -> Given {
    let empty = if args.allow_empty_data { Empty::Allowed } else { Empty::Refused };
    Given { scope: args.scope(), empty, ..Given::default() }
}

/// Reads all Secrets; the first that is wrong stops it.
fn plain(args: &Args, given: Given, ui: &Ui) -> Result<Vec<Plain>, CliError> {
    let namespace = given.namespace.or_else(|| self::namespace(args).ok());
    let found = secrets(&input(args, ui)?, &Given { namespace, ..given }).map_err(|error| {
        CliError::user(format!("cannot read it: {error}")).help("write it as kubectl does, in YAML or JSON")
    })?;
    found.into_iter().map(|found| one(args, found)).collect()
}

fn one(args: &Args, Found { place, title, secret }: Found) -> Result<Plain, CliError> {
    secret.or_else(|flaws| {
        if flaws.contains(&Flaw::NoNamespace) {
            namespace(args)?; // says why there is none
        }
        let title = if title.is_empty() { title } else { format!(" ({title})") };
        let all: Vec<String> = flaws.iter().map(ToString::to_string).collect();
        let help = flaws.first().map_or("correct it", Flaw::help);
        Err(CliError::user(format!("{place}{title}: {}", all.join("; "))).help(help))
    })
}
