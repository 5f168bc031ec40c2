//! kubeseal's command line, as its parser (pflag) takes it, and its variables.

use crate::seal::Scope;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgAction, CommandFactory, FromArgMatches, Parser};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// Seals Secrets for the controller of a cluster, offline with its certificate: knarr in place of kubeseal v0.27.1
///
/// Each flag can be said by a variable, too: SEALED_SECRETS_CONTROLLER_NAME for --controller-name.
#[derive(Debug, Parser)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of kubeseal's")]
#[command(name = super::NAME, disable_version_flag = true, args_override_self = true)]
pub struct Args {
    /// The certificate to seal with; otherwise the controller is asked for its own
    #[arg(long, value_name = "FILE|URL")]
    pub(super) cert: Option<String>,
    /// The namespace of the controller
    #[arg(long, value_name = "NAMESPACE", default_value = "kube-system")]
    pub(super) controller_namespace: String,
    /// The Service of the controller
    #[arg(long, value_name = "NAME", default_value = "sealed-secrets-controller")]
    pub(super) controller_name: String,
    /// How to print: json or yaml
    #[arg(long, short = 'o', value_name = "FORMAT", default_value = "json")]
    pub(super) format: String,
    /// Write there in place of standard output; .yaml and .yml make it YAML
    #[arg(long, short = 'w', value_name = "FILE")]
    pub(super) sealed_secret_file: Option<PathBuf>,
    /// Read this in place of standard input
    #[arg(long, short = 'f', value_name = "FILE")]
    pub(super) secret_file: Option<PathBuf>,
    /// Write the certificate, for --cert
    #[arg(long)]
    pub(super) fetch_cert: bool,
    /// Seal a Secret without values, too
    #[arg(long)]
    pub(super) allow_empty_data: bool,
    /// Say by the exit code whether the controller opens what is read
    #[arg(long)]
    pub(super) validate: bool,
    /// Put the values of a Secret into this file, beside those it has, and change it in place
    #[arg(long, value_name = "FILE")]
    pub(super) merge_into: Option<PathBuf>,
    /// Seal one value, and print no more than that
    #[arg(long)]
    pub(super) raw: bool,
    /// The name of the Secret
    #[arg(long, value_name = "NAME")]
    pub(super) name: Option<String>,
    /// Where the value lies, with --raw; otherwise it is read from standard input
    #[arg(long, value_name = "[KEY=]FILE", value_delimiter = ',')]
    pub(super) from_file: Vec<String>,
    /// The kubeconfig to reach the controller with
    #[arg(long, value_name = "FILE")]
    pub(super) kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig
    #[arg(long, value_name = "NAME")]
    pub(super) context: Option<String>,
    /// The namespace of what says none; otherwise that of the context
    #[arg(long, short, value_name = "NAMESPACE")]
    pub(super) namespace: Option<String>,
    /// Where it opens: strict, namespace-wide or cluster-wide; otherwise as its annotations say
    #[arg(long, value_name = "SCOPE", value_parser = scope)]
    pub(super) scope: Option<Scoped>,
    /// Have the controller seal with its newest key what is read
    #[arg(long)]
    pub(super) re_encrypt: bool,
    #[arg(long, hide = true)]
    pub(super) rotate: bool,
    /// Open a sealed Secret, with --recovery-private-key
    #[arg(long)]
    pub(super) recovery_unseal: bool,
    /// A private key in PEM, or Secrets of the controller; can be repeated
    #[arg(long, value_name = "FILE", value_delimiter = ',')]
    pub(super) recovery_private_key: Vec<PathBuf>,
    /// Print the version of kubeseal whose command line this is
    #[arg(long)]
    pub(super) version: bool,
    /// Words without a flag: kubeseal passes over them, too
    #[arg(hide = true)]
    rest: Vec<OsString>,
}

/// A scope as it was typed; an empty word says none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scoped(pub(super) Option<Scope>);

fn scope(word: &str) -> Result<Scoped, String> {
    let all = [Scope::Strict, Scope::NamespaceWide, Scope::ClusterWide];
    match all.into_iter().find(|scope| scope.to_string() == word) {
        None if !word.is_empty() => Err("must be one of: strict, namespace-wide, cluster-wide".to_owned()),
        scope => Ok(Scoped(scope)),
    }
}

/// Reads a word as Go does. Source: Go 1.26, strconv.ParseBool.
fn switch(word: &str) -> Result<bool, String> {
    match word {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
        _ => Err("say true or false".to_owned()),
    }
}

/// What kubeseal tells its client of the API; each could be said by a variable, too.
const CLIENT: [&str; 17] = [
    "as",
    "as-group",
    "as-uid",
    "certificate-authority",
    "client-certificate",
    "client-key",
    "cluster",
    "disable-compression",
    "insecure-skip-tls-verify",
    "password",
    "proxy-url",
    "request-timeout",
    "server",
    "tls-server-name",
    "token",
    "user",
    "username",
];

/// What kubeseal tells its log.
const LOG: [&str; 13] = [
    "add_dir_header",
    "alsologtostderr",
    "log_backtrace_at",
    "log_dir",
    "log_file",
    "log_file_max_size",
    "logtostderr",
    "one_output",
    "skip_headers",
    "skip_log_headers",
    "stderrthreshold",
    "v",
    "vmodule",
];

impl Args {
    /// Reads a command line, and the variables that stand for flags: what is typed counts more.
    ///
    /// # Errors
    /// What is to be printed instead.
    pub fn read(
        words: impl Iterator<Item = OsString>,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, clap::Error> {
        let value = |flag: &str| {
            let name = flag.to_uppercase().replace('-', "_");
            variable(&format!("SEALED_SECRETS_{name}"))
        };
        if let Some(flag) = CLIENT.into_iter().find(|flag| value(flag).is_some_and(|value| !value.is_empty()))
        {
            return Err(refused(flag));
        }
        let command = command();
        let mut all = vec![OsString::from(super::NAME)];
        for flag in command.get_arguments().filter_map(|arg| arg.get_long()) {
            all.extend(value(flag).and_then(|value| spoken(flag, &value)));
        }
        all.extend(words);
        let read = command.try_get_matches_from(all).and_then(|matches| Self::from_arg_matches(&matches));
        read.map_err(|error| unknown(&error).map_or(error, refused))
    }

    /// Returns the scope that is said, whatever annotations say; to kubeseal, `strict` is the same as none.
    pub(super) fn scope(&self) -> Option<Scope> {
        self.scope.and_then(|scope| scope.0).filter(|scope| *scope != Scope::Strict)
    }
}

/// Returns the command line as pflag reads it: a switch may be told what it is, a value may begin with a dash.
fn command() -> clap::Command {
    Args::command().mut_args(|arg| {
        if arg.is_positional() {
            arg
        } else if matches!(arg.get_action(), ArgAction::SetTrue) {
            arg.action(ArgAction::Set)
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value("true")
                .default_value("false")
                .hide_default_value(true)
                .value_parser(switch)
        } else {
            arg.allow_hyphen_values(true)
        }
    })
}

/// Returns a variable as the word that it stands for; kubeseal passes over what its flag would not take.
fn spoken(flag: &str, value: &OsStr) -> Option<OsString> {
    let mut word = OsString::from(format!("--{flag}="));
    word.push(value);
    let alone = [OsString::from(super::NAME), word.clone()];
    command().try_get_matches_from(alone).is_ok().then_some(word)
}

/// Returns the flag of kubeseal that is not taken here, if that is what is wrong.
fn unknown(error: &clap::Error) -> Option<&'static str> {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidArg) else { return None };
    let word = word.split('=').next()?.trim_start_matches('-');
    let is_unknown = error.kind() == ErrorKind::UnknownArgument;
    CLIENT.into_iter().chain(LOG).find(|flag| is_unknown && *flag == word)
}

fn refused(flag: &str) -> clap::Error {
    let help = if LOG.contains(&flag) {
        "leave it out: there is no such log"
    } else {
        "put it into a kubeconfig, and name that: --kubeconfig FILE, --context NAME"
    };
    let message = format!("--{flag} is not known here\nhelp: {help}\n");
    clap::Error::raw(ErrorKind::UnknownArgument, message)
}

/// Returns what was said for a flag; an empty word says nothing.
pub(super) fn said<T: AsRef<OsStr>>(word: Option<&T>) -> Option<&T> {
    word.filter(|word| !word.as_ref().is_empty())
}
