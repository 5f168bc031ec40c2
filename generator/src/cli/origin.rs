//! `knarr origin`.

use super::node::proven;
use super::{Done, open};
use crate::disk::Repo;
use crate::edit::with_remotes;
use crate::error::CliError;
use crate::finding::Severity;
use crate::git::Git;
use crate::known_hosts::SshHost;
use crate::origin::REMOTE;
use crate::render::{Compiled, prove, show};
use crate::ui::Ui;
use knarr_node::name::RepoPath;

/// What git calls the place before.
const OLD: &str = "old-origin";

/// Move the repository to another place, where machines find the commits from then on
///
/// Writes git.remotes in cluster.yaml, the new host's keys (from your known_hosts) in .knarr/known_hosts, and git's remote
/// `origin`; the old one stays as `old-origin`. Machines follow the old place until they have the commit that names the
/// new one, so that commit goes to both.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  knarr origin git@github.com:me/harbor.git")]
pub(super) struct Args {
    /// The new place, as git takes it
    url: String,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    let repo = open(ui)?;
    let (compiled, model) = proven(&repo, ui)?;
    let url = args.url.as_str();
    if model.cluster.git.remotes.first().is_some_and(|first| first == url) {
        return Err(CliError::user(format!("`{url}` is the origin already")).help("knarr doctor"));
    }
    let git = Git::at(repo.root());
    let (cluster, hosts) = files(&repo, &compiled, url, ui)?;
    repo.write(&known("cluster.yaml"), cluster.as_bytes())?;
    repo.write(&known(".knarr/known_hosts"), hosts.as_bytes())?;
    let old = remotes(&git, url)?;
    if ui.json() {
        ui.value(&serde_json::json!({ "origin": url, "old": old }));
    }
    ui.done(format_args!("wrote cluster.yaml and .knarr/known_hosts; git's `{REMOTE}` is {url}"));
    next(url, &model.cluster.git.branch, old.is_some(), ui);
    Ok(Done::Fine)
}

/// Returns cluster.yaml and the known hosts as they will be.
fn files(repo: &Repo, compiled: &Compiled, url: &str, ui: &Ui) -> Result<(String, String), CliError> {
    let path = known("cluster.yaml");
    let (Some(cluster), Some(text)) = (&compiled.spec.cluster, compiled.inputs.text("cluster.yaml")) else {
        return Err(CliError::user("there is no cluster.yaml").help("knarr check"));
    };
    let edited = match with_remotes(&path, text, cluster, url) {
        Ok(edited) => edited,
        Err(whole) => crate::disk::spec_text(&path, "cluster", &*whole)?,
    };
    let mut inputs = compiled.inputs.clone();
    inputs.files.insert(path, edited.clone().into_bytes());
    let proven = prove(inputs);
    if proven.findings.count(Severity::Error) > 0 {
        return Err(show(&proven.findings, &proven.inputs, ui));
    }
    Ok((edited, hosts(repo, url)?))
}

/// Returns all pinned host keys, with those of the new host.
fn hosts(repo: &Repo, url: &str) -> Result<String, CliError> {
    let there = repo.read(".knarr/known_hosts")?.unwrap_or_default();
    let mut text = String::from_utf8_lossy(&there).into_owned();
    let new = SshHost::of(url).map(|host| host.known()).unwrap_or_default();
    for line in new.lines().filter(|line| !there_already(&text, line)).collect::<Vec<_>>() {
        text.push_str(line);
        text.push('\n');
    }
    Ok(text)
}

fn there_already(text: &str, line: &str) -> bool {
    text.lines().any(|there| there == line)
}

/// Sets git's remotes; returns the old address.
fn remotes(git: &Git, url: &str) -> Result<Option<String>, CliError> {
    let old = git.config(&format!("remote.{REMOTE}.url"))?;
    let Some(before) = &old else {
        git.run(&["remote", "add", REMOTE, url])?;
        return Ok(None);
    };
    git.set_config(&format!("remote.{OLD}.url"), before)?;
    git.set_config(&format!("remote.{OLD}.fetch"), &format!("+refs/heads/*:refs/remotes/{OLD}/*"))?;
    git.run(&["remote", "set-url", REMOTE, url])?;
    Ok(old)
}

fn next(url: &str, branch: &str, had: bool, ui: &Ui) {
    if let Some(host) = SshHost::of(url) {
        ui.say("To do once, machines must be able to read it:");
        ui.say(format_args!("    give .knarr/deploy.pub the right to read {url}, and nothing else"));
        if host.known().is_empty() {
            let (name, port) = (&host.host, host.port);
            ui.say(format_args!(
                "    ssh-keyscan -p {port} {name} >> .knarr/known_hosts, and compare the keys with those that the host publishes"
            ));
        }
    }
    let both = if had { format!(" && git push {OLD} HEAD:{branch}") } else { String::new() };
    ui.say(format_args!(
        "Then: git push {REMOTE} HEAD:{branch} && knarr doctor && knarr ship --no-follow -m \"the origin moves\"{both} && knarr ship"
    ));
}

fn known(path: &str) -> RepoPath {
    path.parse().expect("it is a path")
}
