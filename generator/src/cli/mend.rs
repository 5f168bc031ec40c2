//! `knarr mend`.

use super::node::proven;
use super::{Done, open};
use crate::accept::{MARK, accepted, commit, is_ancestor, is_below};
use crate::error::CliError;
use crate::follow::{Follower, followers};
use crate::git::Git;
use crate::machine::{Machine, at_once};
use crate::model::Model;
use crate::origin::{self, REMOTE};
use crate::render;
use crate::ssh::{SHORT, Ssh};
use crate::ui::Ui;
use knarr_node::name::Oid;

/// Put an amended or rewritten history on top of what machines accepted
///
/// Machines never go back. So this makes one signed commit that has the files you have now, whose first parent is the
/// commit that they accepted: a plain `git push` does then, and nothing on them is touched. Nothing is lost: your old
/// tip is printed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  git commit --amend … ; knarr mend && git push")]
pub(super) struct Args {
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    let (repo, ui) = (open(ui)?, ui.assume(args.yes));
    let git = Git::at(repo.root());
    git.clean()?;
    let (_, model) = proven(&repo, &ui)?;
    let tip = origin::fetch(&git, &model)?;
    let old = commit(&git, "HEAD")?.ok_or_else(|| CliError::user("there is no commit here"))?;
    let base = base(&git, &model, &ui)?;
    if is_below(&git, &base, &old)? {
        ui.say(format_args!(
            "nothing to mend: {} is on top of {}, which machines have",
            old.short(),
            base.short()
        ));
        return Ok(Done::Fine);
    }
    let second = tip.filter(|tip| *tip != base);
    let second = match second {
        Some(tip) if !is_ancestor(&git, &tip, &base)? => Some(tip),
        Some(_) | None => None,
    };
    ui.say(format_args!("Machines have {}. Against it, your files change:\n", base.short()));
    ui.say(git.run(&["diff", "--stat", "--no-color", "--no-ext-diff", base.as_str(), old.as_str(), "--"])?);
    if !ui.ask("Make one signed commit of it?")? {
        return Err(CliError::user("nothing was changed"));
    }
    render::render(&repo, &ui)?;
    let new = put(&git, &old, &base, second.as_ref())?;
    git.run(&["update-ref", "-m", "knarr mend", "HEAD", new.as_str(), old.as_str()])?;
    if ui.json() {
        ui.value(&serde_json::json!({ "commit": new, "accepted": base, "old": old, "rewritten": second }));
    }
    ui.done(format_args!(
        "{} has your files on top of {}; your old tip stays as {old}",
        new.short(),
        base.short()
    ));
    ui.say(format_args!("Next: {}", origin::push_line(&model.cluster.git.branch)));
    Ok(Done::Fine)
}

/// Returns the newest commit that machines accepted: they are asked, else this clone's own note is believed.
fn base(git: &Git, model: &Model, ui: &Ui) -> Result<Oid, CliError> {
    let said = ask(git, model, ui)?;
    let mark = commit(git, MARK)?;
    let mut newest: Option<Oid> = None;
    for id in said {
        newest = Some(match newest {
            None => id,
            Some(other) => newer(git, &other, &id)?.ok_or_else(|| forked(&other, &id))?,
        });
    }
    match (newest, mark) {
        // Another machine, which did not answer, may have accepted what this clone saw at the origin.
        (Some(id), Some(mark)) => Ok(newer(git, &id, &mark)?.unwrap_or(id)),
        (Some(id), None) | (None, Some(id)) => Ok(id),
        (None, None) => {
            Err(CliError::user("no machine says what it accepted, and nothing was pushed from this clone")
                .help("if machines do not know it yet, push it: git push"))
        }
    }
}

/// Returns the one of two commits that lies on top of the other; none when neither does.
fn newer(git: &Git, one: &Oid, other: &Oid) -> Result<Option<Oid>, CliError> {
    if is_below(git, one, other)? {
        return Ok(Some(other.clone()));
    }
    Ok(is_below(git, other, one)?.then(|| one.clone()))
}

fn forked(one: &Oid, other: &Oid) -> CliError {
    let why = format!("machines have accepted two histories: {} and {}", one.short(), other.short());
    CliError::user(why)
        .help("take the machines of one of them out: knarr node remove NAME, and enrol them anew")
}

/// Asks all machines at once what they have; those that do not answer are named.
fn ask(git: &Git, model: &Model, ui: &Ui) -> Result<Vec<Oid>, CliError> {
    let mut nodes = followers(model);
    nodes.retain(|node| !node.removed);
    let ssh = Ssh::new()?;
    let progress = ui.progress(format!("asking {} machines", nodes.len()));
    let said = at_once(&nodes, |Follower { target, .. }| Machine { ssh: &ssh, target }.status(SHORT));
    drop(progress);
    let mut known = Vec::new();
    for (Follower { node, .. }, said) in nodes.iter().zip(said) {
        match said {
            Ok(report) => known.push(report.accepted),
            Err(error) => ui.note(format_args!("{node} was not asked: {error}")),
        }
    }
    known.iter().try_for_each(|id| bring(git, id))?;
    Ok(known)
}

/// Makes sure that a commit is in this clone.
fn bring(git: &Git, id: &Oid) -> Result<(), CliError> {
    if commit(git, id.as_str())?.is_some() {
        return Ok(());
    }
    git.run(&["fetch", "--quiet", REMOTE, id.as_str()]).map(drop).map_err(|error| {
        CliError::from(error)
            .help(format!("fetch {} from the clone that pushed it: git fetch FOLDER {id}", id.short()))
    })
}

/// Makes the commit without moving anything; it is refused when machines would not follow it.
fn put(git: &Git, old: &Oid, base: &Oid, second: Option<&Oid>) -> Result<Oid, CliError> {
    git.run(&["add", "--all"])?;
    let tree = git.run(&["write-tree"])?;
    let subject = git.run(&["show", "--no-patch", "--no-show-signature", "--format=%s", old.as_str()])?;
    let why = format!("Puts the files of {old} on top of {base}, which machines had accepted.");
    let mut args = vec!["commit-tree", "-S", "-m", &subject, "-m", &why, "-p", base.as_str()];
    if let Some(second) = second {
        args.extend(["-p", second.as_str()]);
    }
    args.push(&tree);
    let made = git.run(&args).map_err(|error| CliError::from(error).help("knarr doctor"))?;
    let new: Oid = made.trim().parse().map_err(CliError::bug)?;
    let judged = accepted(git, &new, std::slice::from_ref(base))?;
    match judged.pending.last() {
        None => Ok(new),
        Some(pending) => {
            Err(CliError::user(format!("machines would not follow your commit: {}", pending.why))
                .help("sign with a key of trust.signers: knarr setup"))
        }
    }
}
