//! `knarr people remove`: who leaves may nothing any more, and what they could read is kept open until it has changed.

use super::super::node::proven;
use super::super::seal::find;
use super::super::secret::rekey::anew;
use super::super::{Done, open};
use super::path;
use crate::disk::{Inputs, Repo, spec_text};
use crate::edit::without_person;
use crate::error::CliError;
use crate::finding::near;
use crate::lower::holders;
use crate::model::Model;
use crate::recipients::recipients;
use crate::render::{Compiled, prove, show};
use crate::seal::SEALING_KEYS;
use crate::secrets::Opens;
use crate::spec::{At, Person, Spec};
use crate::ui::{Ui, counted};
use crate::unchanged::{changed_by, in_order, value};
use knarr_node::name::{PersonName, RepoPath};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Take a person out: signatures, logins, devices, and secrets
///
/// Takes the name out of cluster.yaml, deletes the person's devices, and encrypts what the person could open anew to those who
/// stay. Who could read a value may have kept it: people/NAME.yaml lists all such secrets, also those of machines that the
/// person could log in to, and `knarr check` names them, until each has a new value.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  knarr people remove ana && knarr ship -m \"ana leaves\"")]
pub(super) struct Args {
    /// The person's name: people/NAME.yaml
    name: PersonName,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

/// What is to be written and deleted, and what the person could read.
#[derive(Default)]
struct Plan {
    write: BTreeMap<RepoPath, Vec<u8>>,
    delete: Vec<RepoPath>,
    unchanged: Vec<At<String>>,
}

/// A secret for programs.
#[derive(Serialize)]
struct Row<'a> {
    secret: &'a str,
    change_by: String,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    let (repo, ui) = (open(ui)?, ui.assume(args.yes));
    let (compiled, model) = proven(&repo, &ui)?;
    let name = args.name.as_str();
    let plan = plan(&repo, &compiled, &model, &args.name, &ui)?;
    shown(name, &plan, &ui);
    if !ui.ask(&format!("Remove {name}?"))? {
        return Err(CliError::user("nothing was changed"));
    }
    repo.write_all(&plan.write)?;
    for path in &plan.delete {
        repo.remove(path)?;
    }
    told(name, &plan, &ui);
    Ok(Done::Fine)
}

fn plan(
    repo: &Repo,
    compiled: &Compiled,
    model: &Model,
    name: &PersonName,
    ui: &Ui,
) -> Result<Plan, CliError> {
    let Compiled { inputs, spec, .. } = compiled;
    let person = spec.people.get(name.as_str()).ok_or_else(|| unknown(spec, name.as_str()))?;
    let own = opened(inputs, person);
    let mut names = on_machines(model, name);
    names.extend(own.iter().map(|name| (*name).to_owned()));
    if names.contains(SEALING_KEYS) {
        names.extend(sealed(repo)?);
    }
    let mut plan = Plan { unchanged: in_order(names), ..Plan::default() };
    plan.files(name.as_str(), person, compiled)?;
    let after = after(inputs, &plan);
    someone_stays(name, &after.spec, inputs)?;
    if after.findings.refuse() {
        return Err(show(&after.findings, &after.inputs, ui));
    }
    plan.write.extend(anew(inputs, &after.spec, &own)?);
    Ok(plan)
}

impl Plan {
    fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.unchanged.iter().map(|name| Row { secret: name.as_str(), change_by: changed_by(name) })
    }

    /// Fills in what people write: cluster.yaml, the person's file, and the devices.
    fn files(&mut self, name: &str, person: &Person, compiled: &Compiled) -> Result<(), CliError> {
        let devices = compiled.spec.peers.iter().filter(|(_, peer)| peer.owner.value == name);
        let device = |(file, _): (&String, _)| format!("peers/{file}.yaml").parse();
        self.delete = devices.filter_map(|it| device(it).ok()).collect();
        let text = without_name(name, person, compiled)?;
        self.write.extend(text.map(|text| (cluster(), text.into_bytes())));
        if self.unchanged.is_empty() {
            self.delete.push(path(name));
            return Ok(());
        }
        let (email, unchanged) = (person.email.clone(), self.unchanged.clone());
        let file = Person { email, removed: true, unchanged, ..Person::default() };
        self.write.insert(path(name), spec_text(&path(name), "person", &file)?.into_bytes());
        Ok(())
    }
}

/// Returns cluster.yaml without the person and the groups that nobody else is in; none when it names none of them.
fn without_name(name: &str, person: &Person, compiled: &Compiled) -> Result<Option<String>, CliError> {
    let Compiled { inputs, spec, .. } = compiled;
    let others = || spec.people.iter().filter(|(other, _)| *other != name).map(|(_, person)| person);
    let alone = |group: &&str| !others().any(|other| other.groups.iter().any(|word| word.value == **group));
    let groups = person.groups.iter().map(|word| word.as_str()).filter(alone);
    let words = groups.chain([name]).collect();
    let text = inputs.text("cluster.yaml").unwrap_or_default();
    let Some(old) = &spec.cluster else { return Ok(None) };
    let new = match without_person(&cluster(), text, old, name, &words) {
        Ok(edited) => edited,
        Err(whole) => spec_text(&cluster(), "cluster", &*whole)?,
    };
    Ok(Some(new).filter(|new| new != text))
}

fn cluster() -> RepoPath {
    "cluster.yaml".parse().expect("it is a path in the repository")
}

/// Returns the repository as it will be, but for the secrets.
fn after(inputs: &Inputs, plan: &Plan) -> Compiled {
    let mut inputs = inputs.clone();
    inputs.files.extend(plan.write.clone());
    inputs.files.retain(|path, _| !plan.delete.contains(path));
    prove(inputs)
}

/// Refuses to leave a cluster to nobody, or a secret.
fn someone_stays(name: &PersonName, after: &Spec, inputs: &Inputs) -> Result<(), CliError> {
    if after.cluster.as_ref().is_some_and(|cluster| cluster.trust.signers.is_empty()) {
        return Err(CliError::user(format!("{name} is the only one who signs"))
            .help("name another person under `signers` in cluster.yaml first, and knarr ship"));
    }
    let nobodys = inputs.names("secrets", ".age").find(|secret| recipients(after, secret).is_empty());
    match nobodys {
        None => Ok(()),
        Some(secret) => Err(CliError::user(format!("without {name}, nobody could open the secret {secret}"))
            .help(format!(
                "let somebody else open it first: `decrypt` in people/, `secrets` in cluster.yaml, then knarr secret rekey {secret}"
            ))),
    }
}

fn unknown(spec: &Spec, name: &str) -> CliError {
    if spec.left.contains_key(name) {
        return CliError::user(format!("`{name}` left already")).help("knarr people list");
    }
    let hint = near(name, spec.people.keys().map(String::as_str), "knarr people list");
    CliError::user(format!("there is no people/{name}.yaml")).help(hint)
}

/// Returns the secrets that the person's identities open; of a file that does not say whom it opens for, none is known to
/// be left out.
fn opened<'a>(inputs: &'a Inputs, person: &Person) -> BTreeSet<&'a str> {
    let opens = |name: &&str| {
        let head = inputs.get(&format!("secrets/{name}.age")).and_then(Opens::read);
        let said = head.map(|head| head.recipients).filter(|recipients| !recipients.is_empty());
        person.decrypt.iter().any(|own| said.as_ref().is_none_or(|said| said.contains(&own.value)))
    };
    inputs.names("secrets", ".age").filter(opens).collect()
}

/// Returns the secrets of machines that the person may log in to, where everybody becomes root.
fn on_machines(model: &Model, name: &PersonName) -> BTreeSet<String> {
    let Some(person) = model.people.get(name) else { return BTreeSet::new() };
    let held =
        holders(model).into_iter().filter(|(_, nodes)| nodes.iter().any(|node| person.opens(node).is_some()));
    held.map(|(secret, _)| secret.to_string()).collect()
}

/// Returns all sealed values of the repository.
fn sealed(repo: &Repo) -> Result<BTreeSet<String>, CliError> {
    let (found, broken) = find::all(repo)?;
    if let Some(broken) = broken.first() {
        return Err(CliError::user(format!("cannot tell what is sealed in {broken}"))
            .help("correct it, or delete it"));
    }
    let all = found.iter().flat_map(|found| &found.file.entries).map(|entry| &entry.sealed);
    Ok(all.flat_map(|it| it.spec.encrypted_data.keys().map(|key| value(&it.title(), key))).collect())
}

/// Shows what is to be done, and what stays open after it.
fn shown(name: &str, plan: &Plan, ui: &Ui) {
    if !plan.unchanged.is_empty() {
        let count = counted(plan.unchanged.len(), "secret");
        ui.say(format_args!(
            "{name} could read {count}, and may have kept what each holds until it changes:"
        ));
        let rows: Vec<[String; 2]> = plan.rows().map(|row| [row.secret.to_owned(), row.change_by]).collect();
        ui.table(["SECRET", "CHANGE IT BY"], &rows);
    }
    for path in plan.write.keys() {
        ui.say(format_args!("writes  {path}"));
    }
    for path in &plan.delete {
        ui.say(format_args!("deletes {path}"));
    }
}

fn told(name: &str, plan: &Plan, ui: &Ui) {
    if ui.json() {
        let (unchanged, written) = (plan.rows().collect::<Vec<_>>(), plan.write.keys().collect::<Vec<_>>());
        return ui.value(&serde_json::json!({
            "person": name, "unchanged": unchanged, "written": written, "deleted": plan.delete
        }));
    }
    ui.done(format_args!("{name} is out with the next commit: knarr ship -m \"{name} leaves\""));
    if let Some(Row { change_by, .. }) = plan.rows().next() {
        ui.say(format_args!("Then change what {name} could read, in the order above: {change_by}"));
    }
}
