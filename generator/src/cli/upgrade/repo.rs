//! `knarr upgrade repo`.

use super::super::node::proven;
use super::super::{Done, open};
use crate::binary::Version;
use crate::disk::Repo;
use crate::error::CliError;
use crate::git::Git;
use crate::template::{Fate, Made, RECORD, Step, Texts, freshen, is_program, record, schemas, texts};
use crate::ui::Ui;
use knarr_node::name::RepoPath;
use serde::Serialize;
use std::collections::BTreeMap;

/// Bring the files that `knarr new` copied up to this version
///
/// README.md, jobs for CI services, .gitattributes, schemas for editors. What you changed in them is kept: both
/// sides are merged, as git does it. What you deleted stays deleted. One signed commit, after a question.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  knarr upgrade repo --dry-run")]
pub(super) struct Args {
    /// Show what would become of each file, and stop there
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

#[derive(Serialize)]
struct Row<'a> {
    file: &'a RepoPath,
    becomes: Fate,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    let (repo, ui) = (open(ui)?, ui.assume(args.yes));
    let git = Git::at(repo.root());
    git.clean()?;
    let (_, model) = proven(&repo, &ui)?;
    let made = Made::of(&repo)?;
    let service = made.service(&repo, model.cluster.git.remotes.first().map(String::as_str));
    let new = texts(service);
    let steps = steps(&repo, made.texts(), &new)?;
    let record = record(&new);
    let recorded = repo.read(RECORD)?.as_deref() == Some(record.as_bytes());
    if steps.iter().all(|step| step.fate == Fate::Kept) && recorded {
        tell(&[], None, &ui);
        ui.say(format_args!("nothing to upgrade: the files are those of knarr {}", Version::own()));
        return Ok(Done::Fine);
    }
    if args.dry_run {
        tell(&steps, None, &ui);
        ui.say("nothing was changed: --dry-run");
        return Ok(Done::Fine);
    }
    if !ui.json() {
        tell(&steps, None, &ui);
    }
    if !ui.ask("Write these files, and commit them?")? {
        return Err(CliError::user("nothing was changed"));
    }
    for Step { path, fate, bytes } in &steps {
        match (fate, bytes) {
            (Fate::Removed, _) => repo.remove(path)?,
            (_, Some(bytes)) => repo.write(path, bytes)?,
            (_, None) => {}
        }
        if bytes.is_some() && is_program(service, path) {
            repo.make_program(path)?;
        }
    }
    repo.write(&RECORD.parse().expect("it is a path"), record.as_bytes())?;
    commit(&git, &steps, &ui)
}

/// Commits what was written, unless a person has to decide first.
fn commit(git: &Git, steps: &[Step], ui: &Ui) -> Result<Done, CliError> {
    let open: Vec<&str> =
        steps.iter().filter(|step| step.fate == Fate::Conflict).map(|step| step.path.as_str()).collect();
    if !open.is_empty() {
        return Err(CliError::user(format!("both sides stand in {}, and nothing is committed", open.join(", ")))
            .help("keep one side or both and take the marks out, then: knarr ship -m \"upgrade the repository\"; or drop it all: git restore ."));
    }
    let message = format!("repository: upgrade its files to knarr {}", Version::own());
    let head =
        git.commit(&message).map_err(|error| CliError::from(error).help("knarr doctor, then: knarr ship"))?;
    if ui.json() {
        tell(steps, Some(&head), ui);
    }
    ui.done(format_args!("{} has the files of knarr {}", head.get(..7).unwrap_or(&head), Version::own()));
    ui.say("Next: knarr ship");
    Ok(Done::Fine)
}

/// Returns what becomes of the files of the template, and of the schemas, which are knarr's alone.
fn steps(repo: &Repo, base: &Texts, new: &Texts) -> Result<Vec<Step>, CliError> {
    let mut here = BTreeMap::new();
    for path in base.keys().chain(new.keys()) {
        if let Some(bytes) = repo.read(path.as_str())? {
            here.insert(path.clone(), bytes);
        }
    }
    let mut steps = freshen(base, new, &here, &Version::own().to_string())
        .map_err(|error| CliError::bug(format!("cannot merge: {error}")))?;
    for (path, text) in schemas() {
        let there = repo.read(&path)?;
        if there.as_deref() != Some(text.as_bytes()) {
            let fate = if there.is_some() { Fate::Changed } else { Fate::New };
            let path = path.parse().map_err(CliError::bug)?;
            steps.push(Step { path, fate, bytes: Some(text.into_bytes()) });
        }
    }
    Ok(steps)
}

fn tell(steps: &[Step], commit: Option<&str>, ui: &Ui) {
    if ui.json() {
        let rows: Vec<Row<'_>> =
            steps.iter().map(|step| Row { file: &step.path, becomes: step.fate }).collect();
        ui.value(&serde_json::json!({ "files": rows, "commit": commit }));
    } else if !steps.is_empty() {
        let row = |step: &Step| [step.path.to_string(), step.fate.words().to_owned()];
        ui.table(["FILE", "BECOMES"], &steps.iter().map(row).collect::<Vec<_>>());
    }
}
