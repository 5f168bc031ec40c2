//! `knarr seal --from-secret`: whole Secrets, all of them or none.

mod merge;

use super::super::open;
use super::super::people::{changed, whole};
use super::out;
use super::place::{self, AppHome};
use super::{Args, Done, certificate, each_shown, keys, loses, lost, may_drop};
use crate::disk::Repo;
use crate::error::CliError;
use crate::seal::{Certificate, Empty, Form, Given, Plain, SealedSecret, secrets};
use crate::secrets::{is_input, read_input};
use crate::ui::{Ui, counted};
use aws_lc_rs::rand::SystemRandom;
use knarr_node::name::RepoPath;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;
use zeroize::Zeroizing;

/// The most bytes that are read of a file with Secrets: 64 MiB.
const MOST: usize = 64 << 20;

/// What is wrong with one Secret, for people and programs.
#[derive(Serialize)]
struct Failure {
    file: String,
    place: String,
    secret: String,
    why: String,
    #[serde(skip)]
    help: &'static str,
}

/// A Secret and where it stood.
struct Read {
    file: String,
    place: String,
    plain: Plain,
}

impl Read {
    fn failure(&self, why: &impl ToString, help: &'static str) -> Failure {
        let (file, place, secret) = (self.file.clone(), self.place.clone(), self.plain.title());
        Failure { file, place, secret, why: why.to_string(), help }
    }
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    let repo = open(ui)?;
    let to = certificate(&repo)?;
    let home = args.app.as_ref().map(|app| AppHome::of(&repo, app)).transpose()?;
    let namespace = args.namespace.clone().or_else(|| home.as_ref().map(|home| home.namespace.clone()));
    let empty = if args.allow_empty_data { Empty::Allowed } else { Empty::Refused };
    let given = Given { namespace, scope: args.scope, empty, ..Given::default() };
    if let Some(path) = &args.merge_into {
        return merge::run(path, args, given, (&repo, &to), ui);
    }
    let (read, mut failures) = read(args, &given)?;
    if failures.is_empty() && read.is_empty() {
        return Err(CliError::user("there is no Secret in it").help("kubectl get secret NAME -o yaml"));
    }
    if let Some(path) = &args.out {
        let sealed = sealed(&read, &to, &mut failures, ui);
        all(&failures, ui)?;
        out::put(path, &sealed, &to, args.force, ui)?;
        out::changed_at(path, &repo, &any(&sealed), ui)?;
        return Ok(Done::Fine);
    }
    let paths = placed(&repo, home.as_ref(), &read, &mut failures);
    let sealed = sealed(&read, &to, &mut failures, ui);
    all(&failures, ui)?;
    may_drop(&vanishing(&read, &paths), args.force, ui)?;
    let texts =
        sealed.iter().map(|sealed| out::text(&[sealed], Form::Yaml)).collect::<Result<Vec<_>, _>>()?;
    repo.write_all(paths.iter().map(|(path, _)| path).zip(texts))?;
    out::told(paths.iter().map(|(path, _)| path.as_str()).zip(&sealed), &to, ui);
    changed(&repo, &any(&sealed), ui)?;
    Ok(Done::Fine)
}

/// Whether an entry is a value of one of these.
fn any(sealed: &[SealedSecret]) -> impl Fn(&str) -> bool + use<> {
    let all: Vec<_> = sealed.iter().map(whole).collect();
    move |entry| all.iter().any(|whole| whole(entry))
}

/// Reads all files; `-` is standard input.
fn read(args: &Args, given: &Given) -> Result<(Vec<Read>, Vec<Failure>), CliError> {
    let (mut good, mut failures) = (Vec::new(), Vec::new());
    if args.from_secret.iter().filter(|path| is_input(path)).count() > 1 {
        return Err(CliError::user("standard input can be read once").help("give `-` once"));
    }
    for path in &args.from_secret {
        let file = if is_input(path) { "standard input".to_owned() } else { path.display().to_string() };
        let bytes =
            bytes(path).map_err(|error| CliError::environment(format!("cannot read {file}: {error}")))?;
        let no_text = || CliError::user(format!("{file} is no text")).help("it shall be YAML or JSON");
        let text = std::str::from_utf8(&bytes).map_err(|_| no_text())?;
        let found = secrets(text, given).map_err(|error| {
            CliError::user(format!("cannot read {file}: {error}"))
                .help("write it as kubectl does, in YAML or JSON")
        })?;
        for found in found {
            match found.secret {
                Ok(plain) => good.push(Read { file: file.clone(), place: found.place, plain }),
                Err(flaws) => failures.extend(flaws.into_iter().map(|flaw| Failure {
                    file: file.clone(),
                    place: found.place.clone(),
                    secret: found.title.clone(),
                    help: flaw.help(),
                    why: flaw.to_string(),
                })),
            }
        }
    }
    Ok((good, failures))
}

fn bytes(path: &Path) -> std::io::Result<Zeroizing<Vec<u8>>> {
    let bytes = read_input(path, MOST + 1)?;
    if bytes.len() > MOST { Err(std::io::Error::other("it has more than 64 MiB")) } else { Ok(bytes) }
}

/// Stops with all that is wrong.
fn all(failures: &[Failure], ui: &Ui) -> Result<(), CliError> {
    let Some(first) = failures.first() else { return Ok(()) };
    if ui.json() {
        ui.value(&failures);
    }
    for Failure { file, place, secret, why, .. } in failures.iter().filter(|_| !ui.json()) {
        let secret = if secret.is_empty() { String::new() } else { format!(" ({secret})") };
        ui.note(format_args!(" ✗ {file}, {place}{secret}: {why}"));
    }
    let count = counted(failures.len(), "mistake");
    Err(CliError::user(format!("{count}: nothing was sealed, nothing was written")).help(first.help))
}

fn sealed(read: &[Read], to: &Certificate, failures: &mut Vec<Failure>, ui: &Ui) -> Vec<SealedSecret> {
    let done = each_shown(&ui.progress("sealing"), "Secret", read, |read| {
        SealedSecret::seal(to, &read.plain, &SystemRandom::new())
    });
    let one = |(read, sealed): (&Read, Result<SealedSecret, _>)| {
        let help = "seal them as several Secrets";
        sealed.map_err(|error: crate::seal::SealError| failures.push(read.failure(&error, help))).ok()
    };
    read.iter().zip(done).filter_map(one).collect()
}

type Placed = Vec<(RepoPath, Option<SealedSecret>)>;

/// Returns the file of each Secret and what lies there; two may not have one.
fn placed(repo: &Repo, home: Option<&AppHome>, read: &[Read], failures: &mut Vec<Failure>) -> Placed {
    let mut taken: BTreeMap<RepoPath, &Read> = BTreeMap::new();
    let mut paths = Vec::new();
    for read in read {
        let Plain { name, namespace, .. } = &read.plain;
        let there = place::file(home, namespace.as_ref(), name).and_then(|path| {
            let there = place::there(repo, &path, namespace.as_ref(), name)?;
            Ok((path, there))
        });
        match there {
            Err(error) => {
                failures.push(read.failure(&error.message, "move it away, or write elsewhere: -o FILE"));
            }
            Ok((path, there)) => {
                if let Some(other) = taken.insert(path.clone(), read) {
                    let why =
                        format!("its file would be that of {}, {}, too: {path}", other.file, other.place);
                    failures.push(read.failure(&why, "seal one of them alone"));
                }
                paths.push((path, there));
            }
        }
    }
    paths
}

fn vanishing(read: &[Read], placed: &Placed) -> Vec<String> {
    let both = read.iter().zip(placed);
    both.filter_map(|(read, (_, there))| {
        loses(&read.plain.title(), &lost(there.as_ref(), &keys(&read.plain)))
    })
    .collect()
}
