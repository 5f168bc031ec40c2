//! `knarr approve`.

use super::node::proven;
use super::{Done, open};
use crate::accept::{accepted, brought, commit, is_ancestor, remember};
use crate::error::CliError;
use crate::git::{Git, History};
use crate::model::Model;
use crate::origin::{self, REMOTE};
use crate::plan::{World, between};
use crate::render;
use crate::tame::tame;
use crate::ui::{Ui, counted};
use knarr_node::name::Oid;
use knarr_node::trust::{APPROVES, Accepted};

/// Review commits that no signer signed, and sign for them
///
/// Shows who made them and all that they change, renders, and makes one signed commit on top whose trailer says
/// which commit was accepted last. Machines follow after it is pushed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  knarr approve --push")]
pub(super) struct Args {
    /// Push after the commit
    #[arg(long)]
    push: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    let (repo, ui) = (open(ui)?, ui.assume(args.yes));
    let git = Git::at(repo.root());
    git.clean()?;
    let (_, model) = proven(&repo, &ui)?;
    catch_up(&git, origin::fetch(&git, &model)?.as_ref())?;
    let head = commit(&git, "HEAD")?.ok_or_else(|| CliError::user("there is no commit here"))?;
    let found = accepted(&git, &head, &[])?;
    if found.pending.is_empty() {
        ui.say(format_args!("nothing to approve: machines follow {}", head.short()));
        return Ok(Done::Fine);
    }
    review(&git, &found, &head, &ui)?;
    let prepared = render::prepare(&repo, &ui)?;
    let history =
        History::open(repo.root()).ok_or_else(|| CliError::user("this folder is no git repository"))?;
    let old = World::of_commit(&history, found.last.as_str())?;
    super::plan::show(&between(&old, &World::of_prepared(&prepared)), &ui);
    if !ui.ask(&format!("Sign for {}?", counted(found.pending.len(), "commit")))? {
        return Err(CliError::user("nothing was signed"));
    }
    render::render(&repo, &ui)?;
    let signed = sign(&git, &found, &head)?;
    finish(args, &git, &model, &found, &signed, &ui)
}

/// Moves to what the origin has, when nothing of one's own is lost by it.
fn catch_up(git: &Git, tip: Option<&Oid>) -> Result<(), CliError> {
    let (Some(tip), Some(head)) = (tip, commit(git, "HEAD")?) else { return Ok(()) };
    if is_ancestor(git, tip, &head)? {
        return Ok(());
    }
    if is_ancestor(git, &head, tip)? {
        git.run(&["merge", "--quiet", "--ff-only", tip.as_str()])?;
        return Ok(());
    }
    let why = format!("the origin has {} and here is {}: neither has the other", tip.short(), head.short());
    Err(CliError::user(why)
        .help("git pull --rebase, then knarr approve; after a force-push of yours: knarr mend"))
}

/// Shows who made the commits, why each does not count, and all that they change.
///
/// Others wrote this: no attribute, no driver of theirs may hide a line, and nothing in it may move the cursor.
fn review(git: &Git, found: &Accepted, head: &Oid, ui: &Ui) -> Result<(), CliError> {
    let commits = brought(git, &found.last, head)?;
    let options =
        ["--no-ext-diff", "--no-textconv", "--no-color", "--no-renames", "--text", "--submodule=short"];
    let mut args = vec!["--no-replace-objects", "diff"];
    args.extend(options);
    args.extend([found.last.as_str(), head.as_str(), "--"]);
    let diff = git.run(&args)?;
    ui.say(format_args!("Since {}, the last commit that machines accepted:\n", found.last.short()));
    ui.say(commits.join("\n"));
    for pending in &found.pending {
        ui.say(format_args!("  {} is not followed: {}", pending.id.short(), pending.why));
    }
    ui.say(format_args!("\n{}\n", tame(&diff)));
    Ok(())
}

/// Makes the signed commit; when machines would not follow it, it is taken back.
fn sign(git: &Git, found: &Accepted, head: &Oid) -> Result<Oid, CliError> {
    let trailer = format!("{APPROVES}: {}", found.last);
    let subject = format!("approve {} up to {}", counted(found.pending.len(), "commit"), head.short());
    git.run(&["add", "--all"])?;
    let args =
        ["commit", "--quiet", "-S", "--no-verify", "--allow-empty", "-m", &subject, "--trailer", &trailer];
    git.run(&args).map_err(|error| CliError::from(error).help("knarr doctor"))?;
    let signed = commit(git, "HEAD")?.ok_or_else(|| CliError::bug("the new commit is gone"))?;
    let judged = accepted(git, &signed, std::slice::from_ref(&found.last))?;
    if judged.last == signed {
        return Ok(signed);
    }
    git.run(&["reset", "--quiet", "--soft", head.as_str()])?;
    let why = judged.pending.last().map_or_else(String::new, |pending| pending.why.clone());
    Err(CliError::user(format!("machines would not follow your approval: {why}"))
        .help("sign with a key of trust.signers: knarr setup"))
}

fn finish(
    args: &Args,
    git: &Git,
    model: &Model,
    found: &Accepted,
    signed: &Oid,
    ui: &Ui,
) -> Result<Done, CliError> {
    if ui.json() {
        let ids: Vec<&Oid> = found.pending.iter().map(|pending| &pending.id).collect();
        ui.value(&serde_json::json!({ "commit": signed, "approves": found.last, "commits": ids, "pushed": args.push }));
    }
    ui.done(format_args!(
        "{} approves {} since {}",
        signed.short(),
        counted(found.pending.len(), "commit"),
        found.last.short()
    ));
    if args.push {
        git.push(REMOTE, &model.cluster.git.branch)?;
        remember(git, signed)?;
        ui.done(format_args!("pushed {}", signed.short()));
    } else {
        ui.say(format_args!("Next: {}", origin::push_line(&model.cluster.git.branch)));
    }
    Ok(Done::Fine)
}
