//! The key that signs this person's commits: found, or made.

use crate::error::CliError;
use crate::git::{Git, program, said};
use crate::model::SshKey;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A key that can sign, on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signing {
    /// Its public half.
    pub key: SshKey,
    /// What git's `user.signingkey` takes: a path, or `key::` and the key for one in an agent.
    pub setting: String,
    /// Where it was found, for people.
    pub from: String,
}

/// Returns the keys that can sign here, best first: git's own setting, the agent's, ~/.ssh/id_ed25519.
pub fn candidates(git: &Git) -> Result<Vec<Signing>, CliError> {
    let mut found: Vec<Signing> = configured(git)?.into_iter().collect();
    found.extend(agent());
    let default = home()?.join(".ssh/id_ed25519");
    found.extend(file(&default, default.display().to_string()));
    let made = made_path()?;
    found.extend(file(&made, made.display().to_string()));
    Ok(found)
}

/// Makes ~/.ssh/id_ed25519_knarr.
pub fn make(user: &str) -> Result<Signing, CliError> {
    let path = made_path()?;
    let folder = path.parent().expect("it lies in ~/.ssh");
    std::fs::create_dir_all(folder)
        .map_err(|error| CliError::environment(format!("cannot make `{}`: {error}", folder.display())))?;
    let mut keygen = Command::new("ssh-keygen");
    keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", user, "-f"]).arg(&path);
    let output = program(&mut keygen)?;
    file(&path, format!("{}, made now", path.display()))
        .ok_or_else(|| CliError::environment(format!("ssh-keygen made no key: {}", said(&output))))
}

/// Returns the operator's home folder.
pub fn home() -> Result<PathBuf, CliError> {
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
    home.map(PathBuf::from)
        .ok_or_else(|| CliError::environment("HOME is not set").help("export HOME=/home/you"))
}

fn made_path() -> Result<PathBuf, CliError> {
    Ok(home()?.join(".ssh/id_ed25519_knarr"))
}

/// Returns git's own choice. Source: git-config(1), user.signingKey and gpg.format.
pub fn configured(git: &Git) -> Result<Option<Signing>, CliError> {
    if git.config("gpg.format")?.as_deref() != Some("ssh") {
        return Ok(None);
    }
    let Some(setting) = git.config("user.signingkey")? else { return Ok(None) };
    let literal = setting.strip_prefix("key::").unwrap_or(&setting);
    if let Ok(key) = literal.parse() {
        return Ok(Some(Signing { key, setting, from: "git's user.signingkey".to_owned() }));
    }
    let path = setting
        .strip_prefix("~/")
        .map_or_else(|| Ok(PathBuf::from(&setting)), |rest| home().map(|home| home.join(rest)))?;
    let private =
        path.to_str().and_then(|path| path.strip_suffix(".pub")).map_or_else(|| path.clone(), PathBuf::from);
    Ok(file(&private, "git's user.signingkey".to_owned()).map(|signing| Signing { setting, ..signing }))
}

fn agent() -> Vec<Signing> {
    if std::env::var_os("SSH_AUTH_SOCK").is_none() {
        return Vec::new();
    }
    let Ok(output) = program(Command::new("ssh-add").arg("-L")) else { return Vec::new() };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let signing = |line: &str| {
        let key: SshKey = line.parse().ok()?;
        let comment = line.splitn(3, ' ').nth(2).unwrap_or("no comment").trim();
        Some(Signing { setting: format!("key::{key}"), from: format!("ssh-agent: {comment}"), key })
    };
    text.lines().filter_map(signing).collect()
}

/// Reads the public half beside a private key.
fn file(private: &Path, from: String) -> Option<Signing> {
    let text = std::fs::read_to_string(format!("{}.pub", private.display())).ok()?;
    let there = private.exists();
    there.then_some(Signing { key: text.parse().ok()?, setting: private.display().to_string(), from })
}
