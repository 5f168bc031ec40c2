//! What a clone needs on this machine: hooks, signing, and how rendered/ is merged.

use crate::disk::Repo;
use crate::error::CliError;
use crate::git::{Git, History};
use crate::model::SshKey;
use crate::signing::{Signing, candidates};
use crate::spec::Spec;

/// Settings that are the same in every clone.
///
/// `true` keeps our side of a file under rendered/, which is rendered anew anyway.
/// Source: gitattributes(5), "Defining a custom merge driver".
const SETTINGS: [(&str, &str); 6] = [
    ("core.hooksPath", ".knarr/hooks"),
    ("gpg.format", "ssh"),
    ("commit.gpgsign", "true"), // git revert, merge and pull sign too: what is not signed is not followed
    ("gpg.ssh.allowedSignersFile", "rendered/access/signers"),
    ("merge.knarr.name", "knarr render writes it anew"),
    ("merge.knarr.driver", "true"),
];

/// Makes a clone usable; returns the key that signs here.
pub fn setup(repo: &Repo, branch: &str, signing: &Signing) -> Result<(), CliError> {
    let git = Git::at(repo.root());
    for (key, value) in SETTINGS {
        git.set_config(key, value)?;
    }
    git.set_config("knarr.branch", branch)?;
    Ok(git.set_config("user.signingkey", &signing.setting)?)
}

/// Whether a clone has its settings.
pub fn is_set_up(repo: &Repo) -> bool {
    let Some(history) = History::open(repo.root()) else { return true };
    SETTINGS.iter().all(|(key, value)| history.config(key).as_deref() == Some(value))
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
