//! What this program does when it is called `kubeseal`: the command line of that program, and the sealing of this one.
//!
//! What it says, when, and with which exit code follows kubeseal; docs/guide/secrets.md tells where it does not.
//! Source: sealed-secrets v0.27.1, cmd/kubeseal/main.go.

mod args;
mod output;
mod sealed;
mod secrets;

use crate::controller::{Address, Controller, fetch};
use crate::error::CliError;
use crate::kubeconfig::Kubeconfig;
use crate::seal::Certificate;
use crate::secrets::{read_input, read_value};
use crate::ui::{Format, Ui};
use args::said;
use jiff::Timestamp;
use knarr_node::name::{BadName, Namespace};
use std::fs::File;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

pub use args::Args;

/// The name by which this program is called then.
pub const NAME: &str = "kubeseal";
/// The version whose command line this is.
const VERSION: &str = "0.27.1";
/// The most bytes that are read of what is to be sealed or opened.
const MOST: usize = 64 << 20;
/// The most bytes of a file of certificates.
const MOST_CERTIFICATES: usize = 4 << 20;

/// What goes to standard output or into a file: it may be a Secret.
type Text = Zeroizing<String>;

/// Whether the program was called by that name.
pub fn is_called() -> bool {
    let name = std::env::args_os().next();
    name.is_some_and(|name| Path::new(&name).file_name().is_some_and(|name| name == NAME))
}

/// Runs a command line.
///
/// # Errors
/// All that is wrong; the exit code is 1 then, whatever it is.
pub fn run(args: &Args) -> Result<(), CliError> {
    let ui = Ui::new(Format::Text, false);
    if args.version {
        ui.text(&format!("{NAME} version: {VERSION}\n"));
        return Ok(());
    }
    if !args.from_file.is_empty() && !args.raw {
        return Err(CliError::user("--from-file requires --raw").help("add --raw, or leave it out"));
    }
    if let Some(path) = said(args.secret_file.as_ref())
        && let Err(error) = File::open(path)
    {
        ui.note(format_args!(
            "warning: cannot read `{}`: {error}; nothing is done, and as with {NAME} that is no failure",
            path.display()
        ));
        return Ok(());
    }
    if args.rotate {
        ui.note("Flag --rotate has been deprecated, please use --re-encrypt instead");
    }
    let text = work(args, &ui)?;
    output::put(args, &text, &ui)
}

/// Does what the flags say, in kubeseal's order of them; returns what is to be written.
fn work(args: &Args, ui: &Ui) -> Result<Text, CliError> {
    if args.recovery_unseal {
        return sealed::unseal(args, ui);
    }
    if args.validate {
        return sealed::validate(args, ui);
    }
    if args.re_encrypt || args.rotate {
        return sealed::re_encrypt(args, ui);
    }
    let pem = certificates(args)?;
    if args.fetch_cert {
        let text = std::str::from_utf8(&pem).map_err(|_| no_certificate("it is no text"))?;
        return Ok(Zeroizing::new(text.to_owned()));
    }
    let to = Certificate::valid(&pem, Timestamp::now()).map_err(no_certificate)?;
    if said(args.merge_into.as_ref()).is_some() {
        return secrets::merge(args, &to, ui);
    }
    if args.raw { secrets::raw(args, &to, ui) } else { secrets::seal(args, &to, ui) }
}

/// What to type when a certificate cannot be had.
const ANOTHER: &str = "name another one: --cert FILE|URL";

fn no_certificate(why: impl std::fmt::Display) -> CliError {
    CliError::user(format!("cannot seal with this certificate: {why}")).help(ANOTHER)
}

/// Returns the certificate that was named, else the controller's.
fn certificates(args: &Args) -> Result<Zeroizing<Vec<u8>>, CliError> {
    let Some(place) = said(args.cert.as_ref()) else { return Ok(controller(args)?.certificate()?) };
    let path = match place.split_once("://") {
        Some(("file", path)) => path,
        Some(_) => return fetch(place).map_err(|error| CliError::from(error).help(ANOTHER)),
        None => place,
    };
    let read = || read_value(&mut File::open(path)?, MOST_CERTIFICATES);
    read().map_err(|error| CliError::user(format!("cannot read `{path}`: {error}")).help(ANOTHER))
}

fn kubeconfig(args: &Args) -> Result<Kubeconfig, CliError> {
    let context = said(args.context.as_ref()).map(String::as_str);
    Ok(Kubeconfig::read(said(args.kubeconfig.as_ref()).map(PathBuf::as_path), context)?)
}

fn controller(args: &Args) -> Result<Controller, CliError> {
    let bad =
        |bad: BadName| CliError::user(bad).help("--controller-namespace NAMESPACE --controller-name NAME");
    let namespace = args.controller_namespace.parse().map_err(bad)?;
    let address = Address { namespace, name: args.controller_name.parse().map_err(bad)? };
    Ok(Controller::find(kubeconfig(args)?.way()?, &address)?)
}

/// Returns the namespace of what says none: the one that was typed, else that of the kubeconfig.
fn namespace(args: &Args) -> Result<Namespace, CliError> {
    let name = match said(args.namespace.as_ref()) {
        Some(name) => name.clone(),
        None => kubeconfig(args)?.namespace()?.to_owned(),
    };
    name.parse().map_err(|bad: BadName| CliError::user(bad).help("--namespace NAMESPACE"))
}

/// Reads what is to be sealed or opened: the file that was named, else standard input.
fn input(args: &Args, ui: &Ui) -> Result<Text, CliError> {
    let path = said(args.secret_file.as_ref()).map_or(Path::new("-"), PathBuf::as_path);
    if path == Path::new("-") {
        typed("json/yaml k8s resource in", ui);
    }
    let bytes = read_input(path, MOST)
        .map_err(|error| CliError::environment(format!("cannot read what is to be worked on: {error}")))?;
    let text = std::str::from_utf8(&bytes).map_err(|_| {
        CliError::user("this is no text").help("give a Secret, or a SealedSecret, in JSON or YAML")
    })?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// Says that somebody has to type now.
fn typed(what: &str, ui: &Ui) {
    if std::io::stdin().is_terminal() {
        ui.note(format_args!("(tty detected: expecting {what} stdin)"));
    }
}

#[cfg(test)]
mod tests;
