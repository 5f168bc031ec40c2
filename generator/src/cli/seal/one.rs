//! `knarr seal NAME`: one Secret from values.

use super::super::people::{changed, whole};
use super::out;
use super::place::{self, AppHome};
use super::values::Sources;
use super::{Args, Done, Row, certificate, loses, lost, may_drop, wrote};
use crate::disk::Repo;
use crate::error::CliError;
use crate::seal::{Certificate, Empty, Form, Plain, SealedSecret, Template};
use crate::ui::Ui;
use aws_lc_rs::rand::SystemRandom;
use knarr_node::name::ObjectName;

pub(super) fn run(args: &Args, name: &ObjectName, ui: &Ui) -> Result<Done, CliError> {
    let repo = Repo::open()?; // a shell may type this by the thousand: other commands say that a clone is not set up
    let to = certificate(&repo)?;
    let empty = if args.allow_empty_data { Empty::Allowed } else { Empty::Refused };
    let sources = Sources::of(&args.words, empty)?;
    let home = args.app.as_ref().map(|app| AppHome::of(&repo, app)).transpose()?;
    let namespace = args.namespace.clone().or_else(|| home.as_ref().map(|home| home.namespace.clone()));
    let mut plain = Plain {
        name: name.clone(),
        namespace,
        scope: args.scope.unwrap_or_default(),
        values: [].into(),
        template: Template::opaque(),
    };
    if args.raw {
        plain.values = sources.only_one()?.read(ui)?;
        return raw(&to, &plain, ui);
    }
    if let Some(path) = &args.out {
        plain.values = sources.read(ui)?;
        let sealed = SealedSecret::seal(&to, &plain, &SystemRandom::new())?;
        let is_new = whole(&sealed);
        out::put(path, &[sealed], &to, args.force, ui)?;
        out::changed_at(path, &repo, &is_new, ui)?;
        return Ok(Done::Fine);
    }
    let path = place::file(home.as_ref(), plain.namespace.as_ref(), name)?;
    let there = place::there(&repo, &path, plain.namespace.as_ref(), name)?;
    let lost = lost(there.as_ref(), &sources.keys());
    may_drop(loses(&plain.title(), &lost).as_slice(), args.force, ui)?;
    plain.scope = args.scope.or(there.as_ref().map(SealedSecret::scope)).unwrap_or_default();
    plain.values = sources.read(ui)?;
    let sealed = seal(&to, &plain, there)?;
    repo.write(&path, out::text(&[&sealed], Form::Yaml)?.as_bytes())?;
    let row = Row::of(path.as_str(), &sealed, &to);
    if ui.json() {
        ui.value(&row);
    } else {
        wrote(&row, &sealed.title(), ui);
    }
    changed(&repo, &whole(&sealed), ui)?;
    Ok(Done::Fine)
}

fn seal(to: &Certificate, plain: &Plain, there: Option<SealedSecret>) -> Result<SealedSecret, CliError> {
    let random = SystemRandom::new();
    match there {
        Some(mut sealed) => sealed.replace(to, plain, &random).map(|()| sealed),
        None => SealedSecret::seal(to, plain, &random),
    }
    .map_err(CliError::from)
}

/// Prints one sealed value.
fn raw(to: &Certificate, plain: &Plain, ui: &Ui) -> Result<Done, CliError> {
    let sealed = SealedSecret::seal(to, plain, &SystemRandom::new())?;
    let value = sealed.spec.encrypted_data.values().next();
    let value = value.ok_or_else(|| CliError::bug("one value was read, and none was sealed"))?;
    if ui.json() {
        ui.value(value);
    } else {
        ui.text(&format!("{value}\n"));
    }
    Ok(Done::Fine)
}
