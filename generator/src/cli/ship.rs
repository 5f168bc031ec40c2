//! `knarr ship`.

mod founding;

use super::node::proven;
use super::{Done, open};
use crate::accept::{MARK, accepted, commit, is_ancestor, is_below, remember};
use crate::claim::contradictions;
use crate::disk::Repo;
use crate::error::CliError;
use crate::finding;
use crate::follow::{
    End, Fate, Follower, Hand, acting, follow, follow_cluster, followers, judge_cluster, show,
};
use crate::git::{Git, History};
use crate::model::Model;
use crate::origin::{self, REMOTE};
use crate::plan::{World, base, between};
use crate::render::{self, Prepared};
use crate::ui::{Ui, counted};
use knarr_node::name::Oid;
use std::time::Duration;

/// Render, check, show the plan, ask, commit, push, and follow the machines
///
/// Runs the git commands that it prints and nothing else: `knarr render && git commit -S && git push` does the same.
/// Typed at the terminal of a machine that nobody else can judge, it asks for a second SSH login when the network changes.
/// Exit code 0: all machines that were asked have converged, and Kubernetes' objects and apps; 3: one has not.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  knarr ship -m \"three machines\"\n  knarr ship -y --no-follow -m \"motd\""
)]
pub(super) struct Args {
    /// The message of the commit
    #[arg(short, long)]
    message: Option<String>,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    /// Stop after the push: the machines follow by themselves
    #[arg(long)]
    no_follow: bool,
    /// How long to follow the machines, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    wait: u64,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    let (repo, ui) = (open(ui)?, ui.assume(args.yes));
    let (_, model) = proven(&repo, &ui)?;
    let git = Git::at(repo.root());
    let tip = origin::fetch(&git, &model)?;
    can_ship(&git, tip.as_ref(), &model)?;
    render::render(&repo, &ui)?;
    let nodes = followers(&model);
    let _hand = if args.no_follow { None } else { Some(Hand::on(&nodes, &ui)?) };
    let head = bring(args, &repo, &git, &model, tip, &ui)?;
    if args.no_follow {
        ui.say(format_args!("{} is pushed; the machines follow by themselves", head.short()));
        return Ok(Done::Fine);
    }
    if nodes.is_empty() {
        ui.say("no machines yet: knarr node add NAME=USER@HOST");
        return Ok(Done::Fine);
    }
    let fates = accompany(&repo, &git, &model, head, Duration::from_secs(args.wait), &ui)?;
    judge(&fates)
}

/// Follows machines, then objects and apps, until `head` is done everywhere, and shows how they stand. The commit that
/// records the founding is followed, too.
pub(super) fn accompany(
    repo: &Repo,
    git: &Git,
    model: &Model,
    head: Oid,
    patience: Duration,
    ui: &Ui,
) -> Result<Vec<Fate>, CliError> {
    let fates = attend(repo, git, model, head, patience, ui)?;
    show(&fates, ui);
    Ok(fates)
}

/// Follows machines, then objects and apps, as [`accompany`] does, and shows nothing at the end.
pub(super) fn attend(
    repo: &Repo,
    git: &Git,
    model: &Model,
    mut head: Oid,
    patience: Duration,
    ui: &Ui,
) -> Result<Vec<Fate>, CliError> {
    let nodes = followers(model);
    let mut fates = follow(&nodes, &head, patience, ui)?;
    if let Some(founded) = founding::record(repo, git, model, &fates, ui)? {
        head = founded;
        fates = follow(&nodes, &head, patience, ui)?;
    }
    follow_cluster(&nodes, &mut fates, &head, patience, ui)?;
    Ok(fates)
}

/// Refuses what machines would not follow, before anything is committed.
fn can_ship(git: &Git, tip: Option<&Oid>, model: &Model) -> Result<(), CliError> {
    let Some(head) = commit(git, "HEAD")? else { return Ok(()) };
    let branch = &model.cluster.git.branch;
    let behind = match tip {
        Some(tip) if !is_ancestor(git, tip, &head)? => Some(tip),
        Some(_) | None => None,
    };
    let missing = |tip: &Oid| format!("the origin has commits that are not here, up to {}", tip.short());
    if let Some(tip) = behind
        && is_ancestor(git, &head, tip)?
    {
        return Err(CliError::user(missing(tip))
            .help(format!("git pull --ff-only {REMOTE} {branch}, then knarr ship")));
    }
    if let Some(mark) = commit(git, MARK)?.filter(|_| tip.is_some())
        && !is_below(git, &mark, &head)?
    {
        let why = format!("machines may have applied {}, which the history here has lost", mark.short());
        return Err(CliError::user(why).help("knarr mend"));
    }
    if let Some(tip) = behind {
        return Err(CliError::user(missing(tip))
            .help(format!("git pull --rebase {REMOTE} {branch}, then knarr ship")));
    }
    let found = accepted(git, &head, &[])?;
    if let Some(first) = found.pending.first() {
        let count = counted(found.pending.len(), "commit");
        let why = format!("{count} here would not be followed: {}: {}", first.id.short(), first.why);
        return Err(CliError::user(why).help("knarr approve"));
    }
    Ok(())
}

/// Commits and pushes what is to be; returns the commit that the origin has then.
fn bring(
    args: &Args,
    repo: &Repo,
    git: &Git,
    model: &Model,
    tip: Option<Oid>,
    ui: &Ui,
) -> Result<Oid, CliError> {
    let dirty = git.is_dirty()?;
    let head = commit(git, "HEAD")?;
    if let Some(tip) = tip.filter(|tip| !dirty && head.as_ref() == Some(tip)) {
        ui.say(format_args!("nothing to commit or to push: the origin has {}", tip.short()));
        remember(git, &tip)?;
        return Ok(tip);
    }
    plan(repo, ui)?;
    let message = if dirty { Some(message(args, ui)?) } else { None };
    let push = origin::push_line(&model.cluster.git.branch);
    let lines = message.as_ref().map(|message| format!("git add --all && git commit -S -m {message:?} && "));
    ui.say(format_args!(" $ {}{push}", lines.unwrap_or_default()));
    let question = if dirty { "Commit, push?" } else { "Push?" };
    if !ui.ask(question)? {
        return Err(CliError::user("nothing was committed or pushed"));
    }
    commit_and_push(git, model, message.as_deref(), ui)
}

fn plan(repo: &Repo, ui: &Ui) -> Result<(), CliError> {
    let prepared = render::prepare(repo, ui)?;
    let Some(history) = History::open(repo.root()) else { return Ok(()) };
    // The origin may have a rewritten branch that no machine follows.
    let seen = commit(&Git::at(repo.root()), MARK)?.map(String::from);
    let old = seen.or_else(|| base(&history, &prepared.model.cluster.git.branch));
    let new = World::of_prepared(&prepared);
    let old = old.map(|name| new.beside(&history, &name)).transpose()?.unwrap_or_default();
    super::plan::show(&between(&old, &new), ui);
    ask_machines(&prepared, &followers(&prepared.model), &old, &new, ui)
}

/// Warns of what machines themselves say otherwise.
pub(super) fn ask_machines(
    prepared: &Prepared,
    known: &[Follower],
    old: &World,
    new: &World,
    ui: &Ui,
) -> Result<(), CliError> {
    let progress = ui.progress("asking machines for their keys");
    let found = contradictions(&prepared.spec, known, old, new)?;
    drop(progress);
    if !found.is_empty() {
        ui.note(finding::text(&found, &prepared.inputs, ui.colour()));
    }
    Ok(())
}

fn message(args: &Args, ui: &Ui) -> Result<String, CliError> {
    let given = match &args.message {
        Some(message) => message.clone(),
        None if ui.is_interactive() => ui.line("What is it about? ")?,
        None => String::new(),
    };
    let given = given.trim().to_owned();
    if given.is_empty() {
        return Err(CliError::user("the commit needs a message").help("knarr ship -m \"what it is about\""));
    }
    Ok(given)
}

/// Commits when there is a message, and pushes what machines will follow; returns the commit.
pub(super) fn commit_and_push(
    git: &Git,
    model: &Model,
    message: Option<&str>,
    ui: &Ui,
) -> Result<Oid, CliError> {
    if let Some(message) = message {
        git.commit(message)
            .map_err(|error| CliError::from(error).help("knarr doctor; nothing was pushed"))?;
    }
    let head = commit(git, "HEAD")?.ok_or_else(|| CliError::user("there is no commit here"))?;
    let found = accepted(git, &head, &[])?;
    if let Some(pending) = found.pending.last() {
        let why = format!("{} is committed, but machines would not follow it: {}", head.short(), pending.why);
        return Err(CliError::user(why)
            .help("sign with a key of trust.signers (knarr setup), then: git commit --amend --no-edit -S"));
    }
    let _progress = ui.progress("pushing");
    git.push(REMOTE, &model.cluster.git.branch).map_err(|error| {
        CliError::from(error).help("if others pushed before you: git pull --rebase; then knarr ship again")
    })?;
    remember(git, &head)?;
    ui.done(format_args!("pushed {}", head.short()));
    Ok(head)
}

/// Judges how a commit went.
///
/// # Errors
/// When machines, objects or apps are not as it says.
pub(super) fn judge(fates: &[Fate]) -> Result<Done, CliError> {
    let count = |end: End| fates.iter().filter(|fate| fate.end == end).count();
    let open = count(End::Stuck) + count(End::Trying);
    if open > 0 {
        let why = format!("{open} of {} machines have not converged", fates.len());
        return Err(CliError::environment(why).help("knarr ship follows again; on a machine: knarrd status"));
    }
    acting(fates).map_or(Ok(()), judge_cluster)?;
    Ok(Done::Fine)
}
