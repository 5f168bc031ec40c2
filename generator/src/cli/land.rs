//! `knarr land`.

use super::node::proven;
use super::ship::{ask_machines, attend, judge};
use super::{Done, open};
use crate::accept::{MARK, accepted, brought, commit, is_ancestor, is_below, remember};
use crate::disk::Repo;
use crate::error::CliError;
use crate::follow::{Follower, Hand, followers, show};
use crate::git::{Git, History};
use crate::land::{Branch, Eye, Room, Sides, eyes, find};
use crate::model::Model;
use crate::origin::{self, REMOTE};
use crate::plan::{Planned, World, between};
use crate::render::{self, Prepared};
use crate::tame::tame;
use crate::ui::{Ui, counted};
use knarr_node::name::{Oid, RepoPath};
use serde::Serialize;
use std::time::Duration;

/// Merge a branch, render, check, show the plan, ask, sign, push, and follow the machines
///
/// The merge button of a cluster: what others or bots made gets in with your signature. BRANCH is one of this clone,
/// one of the origin (`origin/x`, or just `x`), or a pull request by its ref. The merge is made beside the clone, on
/// top of what the origin has: this clone changes when all is done, and is as before when anything fails.
/// Conflicts under rendered/ are rendered away; in files that people write, they are yours.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  knarr land renovate/shop\n  knarr land refs/pull/7/head -m \"Ana's new worker (#7)\"\n  knarr land ana/worker --dry-run"
)]
pub(super) struct Args {
    /// The branch
    branch: String,
    /// The message of the commit; else `land BRANCH`
    #[arg(short, long)]
    message: Option<String>,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    /// Show all that would be, and stop there
    #[arg(long)]
    dry_run: bool,
    /// Stop after the push: the machines follow by themselves
    #[arg(long)]
    no_follow: bool,
    /// How long to follow the machines, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    wait: u64,
}

/// What a branch would do, for whoever decides.
#[derive(Serialize)]
struct Review {
    branch: String,
    tip: Oid,
    commits: Vec<String>,
    stat: Vec<String>,
    look: Vec<Eye>,
    plan: Planned,
}

/// A merge that waits for a yes.
struct Landing {
    base: Oid,
    room: Room,
    old: World,
    prepared: Prepared,
    /// The machines as they are known without the branch.
    known: Vec<Follower>,
    review: Review,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    let (repo, ui) = (open(ui)?, ui.assume(args.yes));
    let git = Git::without_hooks(repo.root());
    git.clean()?;
    let (_, model) = proven(&repo, &ui)?;
    let base = base(&git, &model)?;
    let branch = find(&git, &args.branch)?;
    if is_ancestor(&git, &branch.tip, &base)? {
        forward(&git, &base)?;
        ui.say(format_args!("nothing to land: {} has all of {}", base.short(), branch.name));
        return Ok(Done::Fine);
    }
    let landing = merge(&repo, &git, &branch, base, &ui)?;
    landing.tell(&ui)?;
    if args.dry_run {
        return Ok(done(&ui, &landing.review, None, "nothing was changed: --dry-run"));
    }
    let message = args.message.clone().unwrap_or_else(|| format!("land {}", branch.name));
    let main = &model.cluster.git.branch;
    ui.say(format_args!(
        " $ git merge --no-ff --no-commit {} && knarr render && git add --all && git commit -S -m {message:?} && {}",
        branch.known_as,
        origin::push_line(main)
    ));
    if !ui.ask("Merge, sign, push?")? {
        return Err(CliError::user("nothing was changed"));
    }
    let nodes = followers(&landing.prepared.model);
    let _hand = if args.no_follow { None } else { Some(Hand::on(&nodes, &ui)?) };
    let head = landing.bring(&git, main, &message, &ui)?;
    let Landing { room, prepared, review, .. } = landing;
    drop(room);
    forward(&git, &head)?;
    remember(&git, &head)?;
    ui.done(format_args!("{} lands {}: signed, pushed", head.short(), branch.name));
    if args.no_follow || nodes.is_empty() {
        return Ok(done(&ui, &review, Some(&head), "the machines follow by themselves"));
    }
    let patience = Duration::from_secs(args.wait);
    let fates = attend(&repo, &Git::at(repo.root()), &prepared.model, head.clone(), patience, &ui)?;
    if ui.json() {
        ui.value(&serde_json::json!({ "review": review, "landed": head, "machines": fates }));
    } else {
        show(&fates, &ui);
    }
    judge(&fates)
}

/// Makes the merge beside the clone, and looks at it.
fn merge(repo: &Repo, git: &Git, branch: &Branch, base: Oid, ui: &Ui) -> Result<Landing, CliError> {
    let progress = ui.progress("merging and rendering");
    let room = Room::make(repo.root(), git, &base)?;
    let ours = render::prepare(&room.repo(), ui)?;
    room.merge(branch)?;
    let prepared = rendered(&room, ui)?;
    drop(progress);
    render::warn(&prepared, ui);
    let sides =
        Sides { old: (&base, &ours.spec), new: (&branch.tip, &prepared.spec), tree: &prepared.lowered.tree };
    let old = World::of_prepared(&ours);
    let review = review(&room, branch, &sides, between(&old, &World::of_prepared(&prepared)))?;
    Ok(Landing { base, room, old, prepared, known: followers(&ours.model), review })
}

/// Ends without machines that were asked.
fn done(ui: &Ui, review: &Review, landed: Option<&Oid>, words: &str) -> Done {
    if ui.json() {
        ui.value(&serde_json::json!({ "review": review, "landed": landed }));
    }
    ui.say(words);
    Done::Fine
}

/// Returns the commit to merge into: what the origin has, if machines follow all of it, and this clone has nothing else.
fn base(git: &Git, model: &Model) -> Result<Oid, CliError> {
    let main = &model.cluster.git.branch;
    let here = git.output(&["symbolic-ref", "--quiet", "--short", "HEAD"])?;
    if String::from_utf8_lossy(&here.stdout).trim() != main {
        return Err(CliError::user(format!("this clone is not on `{main}`, which machines follow"))
            .help(format!("git switch {main}")));
    }
    let head = commit(git, "HEAD")?.ok_or_else(|| CliError::user("there is no commit here"))?;
    let tip = origin::fetch(git, model)?
        .ok_or_else(|| CliError::user(format!("the origin has no `{main}` yet")).help("knarr ship"))?;
    if !is_ancestor(git, &head, &tip)? {
        let more =
            if is_ancestor(git, &tip, &head)? { "knarr ship" } else { "git pull --rebase, then knarr ship" };
        return Err(CliError::user("this clone has commits that the origin has not").help(more));
    }
    if let Some(mark) = commit(git, MARK)?
        && !is_below(git, &mark, &tip)?
    {
        let why = format!("machines may have applied {}, which the origin's history has lost", mark.short());
        return Err(CliError::user(why).help("knarr mend"));
    }
    let found = accepted(git, &tip, &[])?;
    let Some(first) = found.pending.first() else { return Ok(tip) };
    let count = counted(found.pending.len(), "commit");
    let why = format!("{count} of the origin would not be followed: {}: {}", first.id.short(), first.why);
    Err(CliError::user(why).help("knarr approve"))
}

/// Moves the clone to a commit on top of it.
fn forward(git: &Git, to: &Oid) -> Result<(), CliError> {
    Ok(git.run(&["merge", "--quiet", "--ff-only", to.as_str()]).map(drop)?)
}

/// Renders the merge: nothing that the branch has under rendered/ counts.
fn rendered(room: &Room, ui: &Ui) -> Result<Prepared, CliError> {
    let all: RepoPath = "rendered".parse().expect("it is a path in the repository");
    let repo = room.repo();
    let not_so = |error: CliError| {
        let help = error.help.clone().unwrap_or_else(|| "the branch needs this first".to_owned());
        error.help(format!("{help}; nothing was changed here"))
    };
    let prepared = render::prepare_without(&repo, &[all], ui).map_err(not_so)?;
    render::put(&repo, &prepared).map_err(not_so)?;
    room.stage()?;
    Ok(prepared)
}

fn review(room: &Room, branch: &Branch, sides: &Sides<'_>, plan: Planned) -> Result<Review, CliError> {
    let git = room.git();
    let quoted =
        ["-c", "core.quotePath=true", "diff", "--cached", "--no-ext-diff", "--no-textconv", "--no-color"];
    let diff = |options: &[&str]| git.run(&[&quoted, options, &["HEAD"]].concat());
    let changed: Vec<String> =
        diff(&["--no-renames", "--name-only", "-z"])?.split('\0').map(str::to_owned).collect();
    let history =
        History::open(room.repo().root()).ok_or_else(|| CliError::bug("the merge has no history"))?;
    Ok(Review {
        branch: branch.name.clone(),
        tip: branch.tip.clone(),
        commits: brought(&git, sides.old.0, &branch.tip)?,
        stat: tame(&diff(&["--stat=120", "--stat-count=60"])?).lines().map(str::to_owned).collect(),
        look: eyes(&history, &changed, sides)?,
        plan,
    })
}

impl Landing {
    /// Shows all that a person decides about.
    fn tell(&self, ui: &Ui) -> Result<(), CliError> {
        let Review { branch, commits, stat, look, plan, .. } = &self.review;
        ui.say(format_args!("{branch} brings {}:\n", counted(commits.len(), "commit")));
        commits.iter().chain([&String::new()]).chain(stat).for_each(|line| ui.say(line));
        ui.say("");
        for Eye { file, says } in look {
            ui.say(format_args!(" ! look at {file}: {says}"));
        }
        super::plan::show(plan, ui);
        // Where machines of the branch are, nobody has agreed to dial yet.
        let new = World::of_prepared(&self.prepared);
        ask_machines(&self.prepared, &self.known, &self.old, &new, ui)
    }

    /// Makes the commit and pushes it.
    ///
    /// # Errors
    /// When machines would not follow it, or git would keep other outputs than were rendered.
    fn bring(&self, git: &Git, main: &str, message: &str, ui: &Ui) -> Result<Oid, CliError> {
        let Self { room, base, .. } = self;
        let head = room.commit(message)?;
        let kept = History::open(room.repo().root()).map(|history| history.files(head.as_str(), "rendered"));
        if kept.transpose()? != Some(room.repo().rendered()?.files) {
            let why = "git keeps other bytes under rendered/ than were rendered: an attribute changes them";
            return Err(CliError::user(why)
                .help("take it out of .gitattributes in the branch; nothing was changed here"));
        }
        let found = accepted(git, &head, std::slice::from_ref(base))?;
        if let Some(pending) = found.pending.last() {
            return Err(CliError::user(format!("machines would not follow this merge: {}", pending.why))
                .help("sign with a key of trust.signers (knarr setup); nothing was changed here"));
        }
        let _progress = ui.progress("pushing");
        git.run(&["push", "--quiet", REMOTE, &format!("{head}:refs/heads/{main}")]).map_err(|error| {
            CliError::from(error)
                .help("nothing was changed here; if others pushed before you: knarr land again")
        })?;
        Ok(head)
    }
}
