//! Whether this laptop, the repository and its origin can work together. Reads only.

use crate::disk::Repo;
use crate::error::CliError;
use crate::git::{Git, GitError, program, said};
use crate::known_hosts::SshHost;
use crate::model::Model;
use crate::render::compile;
use crate::secrets::{Identities, identity_path};
use crate::setup::is_set_up;
use serde::Serialize;
use std::io::Write;
use std::process::{Command, Output, Stdio};
use zeroize::Zeroizing;

/// One thing that was examined.
#[derive(Clone, Debug, Serialize)]
pub struct Visit {
    /// What.
    pub what: String,
    /// What is wrong with it; none when it is well.
    pub wrong: Option<String>,
    /// What to type.
    pub help: String,
}

fn visit(what: impl Into<String>, wrong: Option<String>, help: impl Into<String>) -> Visit {
    Visit { what: what.into(), wrong, help: help.into() }
}

/// Examines everything; what is wrong does not hide the rest.
pub fn examine(repo: &Repo) -> Result<Vec<Visit>, CliError> {
    let compiled = compile(repo)?;
    let errors = compiled.findings.count(crate::finding::Severity::Error);
    let mut visits =
        vec![visit("repository", wrong(errors > 0, || format!("{errors} errors")), "knarr check")];
    visits.push(visit("clone is set up", wrong(!is_set_up(repo), || "it is not".to_owned()), "knarr setup"));
    let git = Git::at(repo.root());
    visits.push(signature(&git)?);
    let Some(model) = compiled.model else { return Ok(visits) };
    visits.push(push(&git, &model)?);
    visits.extend(model.cluster.git.remotes.iter().filter_map(|remote| pinned(repo, remote)));
    let (opened, identities) = decrypts(repo, &model);
    visits.push(opened);
    for remote in &model.cluster.git.remotes {
        visits.push(reads(repo, remote, identities.as_ref())?);
    }
    Ok(visits)
}

fn wrong(is: bool, why: impl FnOnce() -> String) -> Option<String> {
    is.then(why)
}

fn failed(output: &Output) -> Option<String> {
    wrong(!output.status.success(), || said(output))
}

fn signature(git: &Git) -> Result<Visit, GitError> {
    let output = git.output(&["verify-commit", "HEAD"])?;
    let help =
        "sign it: knarr setup && git commit --amend --no-edit -S (before it is pushed), or knarr approve";
    Ok(visit("signature of the last commit verifies", failed(&output), help))
}

fn push(git: &Git, model: &Model) -> Result<Visit, GitError> {
    if git.config("remote.origin.url")?.is_none() {
        let url = model.cluster.git.remotes.first().map_or("URL", String::as_str);
        return Ok(visit(
            "git push dry run",
            Some("there is no remote `origin`".to_owned()),
            format!("git remote add origin {url}"),
        ));
    }
    let branch = format!("HEAD:refs/heads/{}", model.cluster.git.branch);
    let output = git.output(&["push", "--dry-run", "--quiet", "--no-verify", "origin", &branch])?;
    Ok(visit(
        "git push dry run",
        failed(&output),
        "make the repository at the origin, and add your own SSH key there",
    ))
}

fn pinned(repo: &Repo, remote: &str) -> Option<Visit> {
    let host = SshHost::of(remote)?;
    let there = !host.find(&repo.root().join(".knarr/known_hosts")).is_empty();
    let (name, port) = (&host.host, host.port);
    let help = format!(
        "ssh-keyscan -p {port} {name} >> .knarr/known_hosts, and compare the keys with those that the host publishes"
    );
    Some(visit(
        format!("{} host key pinned", host.name()),
        wrong(!there, || "not in .knarr/known_hosts".to_owned()),
        help,
    ))
}

fn decrypts(repo: &Repo, model: &Model) -> (Visit, Option<Identities>) {
    let path = identity_path(&model.cluster.name);
    let open = |identities: &Identities| {
        let one = |name: &knarr_node::name::SecretName| {
            let path = format!("secrets/{name}.age");
            let bytes = repo.read(&path).ok().flatten().unwrap_or_default();
            identities.open(&path, &bytes).err().map(|error| error.to_string())
        };
        model.secrets.keys().find_map(one)
    };
    let read = Identities::read(&path);
    let wrong = read.as_ref().map_or_else(|error| Some(error.to_string()), open);
    let help = format!(
        "copy your age identity to {}, or ask somebody who can open the secrets to add your recipient and set them again",
        path.display()
    );
    (visit("identity decrypts", wrong, help), read.ok())
}

/// Asks a remote for its branches as a machine would: with the deploy key and the pinned host keys, and nothing else.
fn reads(repo: &Repo, remote: &str, identities: Option<&Identities>) -> Result<Visit, CliError> {
    let help = "give .knarr/deploy.pub the right to read at the origin (no write access)";
    let what = format!("machines can read {remote}");
    if SshHost::of(remote).is_none() {
        let output = program(
            Command::new("git").args(["ls-remote", "--quiet", "--", remote]).current_dir(repo.root()),
        )?;
        return Ok(visit(what, failed(&output), help));
    }
    let sealed = repo.read("secrets/deploy-key.age")?.unwrap_or_default();
    let key = identities.and_then(|identities| identities.open("secrets/deploy-key.age", &sealed).ok());
    let Some(key) = key else {
        return Ok(visit(what, Some("the deploy key cannot be opened".to_owned()), help));
    };
    Ok(visit(what, failed(&ask(repo, remote, &key)?), help))
}

/// The key goes from memory to an agent that lives as long as the question: it is never in a file or an argument.
const ASK: &str = "ssh-add -q - && exec git ls-remote --quiet -- \"$0\"";

/// Source: ssh_config(5), IdentityFile: a public key names the agent's key to use.
const SSH: &str = "ssh -F /dev/null -o BatchMode=yes -o IdentitiesOnly=yes -o IdentityFile=.knarr/deploy.pub \
                   -o StrictHostKeyChecking=yes -o UserKnownHostsFile=.knarr/known_hosts -o ConnectTimeout=10";

fn ask(repo: &Repo, remote: &str, key: &Zeroizing<Vec<u8>>) -> Result<Output, CliError> {
    let mut agent = Command::new("ssh-agent");
    agent
        .args(["sh", "-c", ASK, remote])
        .current_dir(repo.root())
        .env("GIT_SSH_COMMAND", SSH)
        .env("LC_ALL", "C");
    agent.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut run = || -> std::io::Result<Output> {
        let mut child = agent.spawn()?;
        child.stdin.take().expect("it is piped").write_all(key)?;
        child.wait_with_output()
    };
    run().map_err(|error| {
        CliError::environment(format!("cannot run ssh-agent: {error}")).help("apt install openssh-client")
    })
}
