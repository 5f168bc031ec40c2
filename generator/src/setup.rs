//! What a clone needs on this machine: hooks, signing, and how rendered/ is merged.

use crate::disk::Repo;
use crate::error::CliError;
use crate::git::{Git, History};
use crate::model::SshKey;
use crate::signing::{Signing, candidates};
use crate::spec::Spec;
use crate::template::HOOKS;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Settings that are the same in every clone.
///
/// `true` keeps our side of a file under rendered/, which is rendered anew anyway.
/// Source: gitattributes(5), "Defining a custom merge driver".
const SETTINGS: [(&str, &str); 5] = [
    ("gpg.format", "ssh"),
    ("commit.gpgsign", "true"), // git revert, merge and pull sign too: what is not signed is not followed
    ("gpg.ssh.allowedSignersFile", "rendered/access/signers"),
    ("merge.knarr.name", "knarr render writes it anew"),
    ("merge.knarr.driver", "true"),
];

/// The setting that says where hooks are.
const HOOKS_PATH: &str = "core.hooksPath";

/// Makes a clone usable; returns the key that signs here.
pub fn setup(repo: &Repo, branch: &str, signing: &Signing) -> Result<(), CliError> {
    let git = Git::at(repo.root());
    for (key, value) in SETTINGS {
        git.set_config(key, value)?;
    }
    set_hooks(&git, repo)?;
    git.set_config("knarr.branch", branch)?;
    Ok(git.set_config("user.signingkey", &signing.setting)?)
}

/// Puts the hooks where no commit changes them: a path in the repository would run what any branch brings.
fn set_hooks(git: &Git, repo: &Repo) -> Result<(), CliError> {
    let history = History::open(repo.root())
        .ok_or_else(|| CliError::user("this folder is no git repository").help("git init"))?;
    let folder = history.hooks();
    for (name, text) in HOOKS {
        let hook = folder.join(name);
        let put = || {
            std::fs::create_dir_all(&folder)?;
            std::fs::write(&hook, text)?;
            std::fs::set_permissions(&hook, Permissions::from_mode(0o755))
        };
        put()
            .map_err(|error| CliError::environment(format!("cannot write `{}`: {error}", hook.display())))?;
    }
    Ok(git.set_config(HOOKS_PATH, &folder.display().to_string())?)
}

/// Whether a clone has its settings.
pub fn is_set_up(repo: &Repo) -> bool {
    let Some(history) = History::open(repo.root()) else { return true };
    let folder = history.hooks();
    let is_there = HOOKS.iter().all(|(name, _)| folder.join(name).is_file());
    let hooked = is_there && history.config(HOOKS_PATH).is_some_and(|path| Path::new(&path) == folder);
    hooked && SETTINGS.iter().all(|(key, value)| history.config(key).as_deref() == Some(value))
}

/// Returns the key that signs here: one that people/ knows before any other.
pub fn choose(repo: &Repo, spec: &Spec) -> Result<Signing, CliError> {
    let found = candidates(&Git::at(repo.root()))?;
    let known = |signing: &&Signing| {
        let keys = spec.people.values().flat_map(|person| &person.keys);
        keys.filter_map(|key| key.parse::<SshKey>().ok()).any(|key| key == signing.key)
    };
    let chosen = found.iter().find(known).or(found.first());
    chosen.cloned().ok_or_else(|| {
        CliError::user("there is no SSH key here that could sign")
            .help("ssh-keygen -t ed25519, or ssh-add a key of yours")
    })
}
