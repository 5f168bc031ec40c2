//! `knarr secret who`: who can open secrets, and which machines get them.

use super::{Done, open, users, wanted};
use crate::error::CliError;
use crate::finding::Findings;
use crate::model::Model;
use crate::recipients::recipients;
use crate::secrets::Opens;
use crate::spec::Spec;
use crate::ui::Ui;
use knarr_node::name::SecretName;
use serde::Serialize;
use std::collections::BTreeSet;

/// Say who can open secrets, and which machines get them; no value is shown
///
/// Each file says whose identities open it. Of one that another program wrote only their number is known, until
/// `knarr secret rekey` writes it anew.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  knarr secret who greeting\n  knarr secret who --output json")]
pub(super) struct Args {
    /// Only these; otherwise all in secrets/
    names: Vec<SecretName>,
}

/// A secret for programs.
#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    /// How many identities open it; none when its head cannot be read.
    opens: Option<usize>,
    identities: Vec<Identity<'a>>,
    nodes: &'a [String],
}

/// An identity that opens a secret, or shall.
#[derive(Serialize)]
struct Identity<'a> {
    recipient: &'a str,
    /// Whose it is; none when it is nobody's any more.
    person: Option<&'a str>,
    /// Whether the person has another one before it: a spare one, as the recovery kit's.
    spare: bool,
    /// Whether the secret is for it.
    meant: bool,
    /// Whether the secret opens for it; none when the file does not say.
    opens: Option<bool>,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    let repo = open(ui)?;
    let (inputs, mut findings) = (repo.inputs()?, Findings::default());
    let spec = Spec::of(&inputs, &mut findings);
    let users = users(Model::of(&spec, &inputs, &mut findings).as_ref());
    let there: Vec<&str> = inputs.names("secrets", ".age").collect();
    let names = wanted(&args.names, &there)?;
    let head = |name| inputs.get(&format!("secrets/{name}.age")).and_then(Opens::read);
    let heads: Vec<(&str, Option<Opens>)> = names.into_iter().map(|name| (name, head(name))).collect();
    let rows: Vec<Row<'_>> = heads
        .iter()
        .map(|(name, head)| Row {
            name,
            opens: head.as_ref().map(|head| head.count),
            identities: identities(&spec, head.as_ref(), &recipients(&spec, name)),
            nodes: users.get(*name).map_or(&[], Vec::as_slice),
        })
        .collect();
    if ui.json() {
        ui.value(&rows);
    } else {
        let lines: Vec<[String; 5]> = rows.iter().flat_map(lines).collect();
        ui.table(["SECRET", "WHO", "IDENTITY", "OPENS IT", "MACHINES"], &lines);
    }
    Ok(Done::Fine)
}

/// Returns whose identities open a secret or shall, people before nobody.
fn identities<'a>(spec: &'a Spec, head: Option<&'a Opens>, meant: &BTreeSet<String>) -> Vec<Identity<'a>> {
    let opened = head.map(|head| &head.recipients).filter(|opened| !opened.is_empty());
    let of = |recipient: &'a str, person, spare| Identity {
        recipient,
        person,
        spare,
        meant: meant.contains(recipient),
        opens: opened.map(|opened| opened.contains(recipient)),
    };
    let own = spec.people.iter().flat_map(|(name, person)| {
        let own = person.decrypt.iter().enumerate();
        own.map(move |(at, word)| of(&word.value, Some(name.as_str()), at > 0))
    });
    let mut all: Vec<Identity<'_>> = own.filter(|it| it.meant || it.opens == Some(true)).collect();
    let known: BTreeSet<&str> = all.iter().map(|it| it.recipient).collect();
    let nobodys = opened.into_iter().flatten().filter(|recipient| !known.contains(recipient.as_str()));
    all.extend(nobodys.map(|recipient| of(recipient, None, false)));
    all
}

/// Returns the lines of a secret, whose name and machines stand in the first.
fn lines(row: &Row<'_>) -> Vec<[String; 5]> {
    let line = |(at, it): (usize, &Identity<'_>)| {
        let first = |text: String| if at == 0 { text } else { String::new() };
        let who = it.person.map_or("nobody any more".to_owned(), |name| {
            if it.spare { format!("{name} (spare)") } else { name.to_owned() }
        });
        let opens = match (it.opens, it.meant) {
            (Some(true), true) => "yes".to_owned(),
            (Some(true), false) => format!("still: knarr secret rekey {}", row.name),
            (Some(false), _) => format!("not yet: knarr secret rekey {}", row.name),
            (None, _) => {
                row.opens.map_or("not known".to_owned(), |opens| format!("one of {opens}, not said"))
            }
        };
        [first(row.name.to_owned()), who, it.recipient.to_owned(), opens, first(row.nodes.join(" "))]
    };
    row.identities.iter().enumerate().map(line).collect()
}
