//! `knarr seal --from-secret … --merge-into FILE`: the values of a Secret go beside those of a sealed one.

use super::super::super::people::of;
use super::super::out::{self, File};
use super::{Args, Done, Read, all, read};
use crate::disk::Repo;
use crate::error::CliError;
use crate::seal::{Certificate, Given, Plain, Scope, SealedSecret};
use crate::ui::{Ui, counted};
use aws_lc_rs::rand::SystemRandom;
use std::path::Path;

pub(super) fn run(
    path: &Path,
    args: &Args,
    given: Given,
    (repo, to): (&Repo, &Certificate),
    ui: &Ui,
) -> Result<Done, CliError> {
    let file = File::at(path)?;
    let mut there = there(path, &file)?;
    let namespace = given.namespace.or_else(|| there.metadata.namespace.clone());
    let (read, failures) = read(args, &Given { namespace, ..given })?;
    all(&failures, ui)?;
    let [Read { plain, .. }] = &read[..] else {
        return Err(CliError::user(format!("{} are given for one file", counted(read.len(), "Secret")))
            .help("merge them one after the other"));
    };
    fits(path, &there, plain, args.scope)?;
    there.merge(to, plain, &SystemRandom::new())?;
    file.write(&out::text(&[&there], out::form(path))?)?;
    out::told([(path.display().to_string().as_str(), &there)].into_iter(), to, ui);
    out::changed_at(path, repo, &of(&there, &plain.values.keys().collect::<Vec<_>>()), ui)?;
    Ok(Done::Fine)
}

/// Reads the sealed Secret of a file.
fn there(path: &Path, file: &File) -> Result<SealedSecret, CliError> {
    let bytes = file.read()?.ok_or_else(|| {
        CliError::user(format!("there is no `{}`", path.display()))
            .help("-o in place of --merge-into writes it")
    })?;
    let read: Option<SealedSecret> = serde_saphyr::from_slice(&bytes).ok();
    read.filter(SealedSecret::is_known).ok_or_else(|| {
        CliError::user(format!("`{}` is not one SealedSecret", path.display()))
            .help("name the file of a sealed Secret")
    })
}

/// Refuses to mix: values of another name, namespace or scope would not open there.
fn fits(path: &Path, there: &SealedSecret, plain: &Plain, scope: Option<Scope>) -> Result<(), CliError> {
    let file = path.display();
    if there.metadata.name != plain.name || there.metadata.namespace != plain.namespace {
        let (one, other) = (there.title(), plain.title());
        return Err(CliError::user(format!("`{file}` is for the Secret {one}, and this is {other}"))
            .help("seal it to a file of its own: -o FILE"));
    }
    let wanted = scope.unwrap_or(plain.scope);
    if wanted != there.scope() && (scope.is_some() || wanted != Scope::Strict) {
        return Err(CliError::user(format!("`{file}` is {}, and this is {wanted}", there.scope()))
            .help("a Secret has one scope: seal all its values again"));
    }
    Ok(())
}
