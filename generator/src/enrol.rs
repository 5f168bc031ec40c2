//! What machines are told at enrolment, and how one of them is enrolled.

use crate::accept::{accepted, remember};
use crate::binary;
use crate::disk::Repo;
use crate::error::CliError;
use crate::git::Git;
use crate::join::{Candidate, is_same, packages};
use crate::machine::{Machine, MachineError};
use crate::model::Model;
use crate::origin;
use crate::secrets::{Identities, identity_path};
use crate::ssh::Ssh;
use knarr_node::causes::chain;
use knarr_node::enrol::{Born, Enrolment, Hidden};
use knarr_node::name::{NodeName, Oid};
use knarr_node::trust::SIGNERS;
use zeroize::Zeroizing;

/// The secret that reads the repository.
const DEPLOY_KEY: &str = "secrets/deploy-key.age";

/// What is the same for all machines that are enrolled now.
#[derive(Debug)]
pub struct Pinned {
    floor: Oid,
    signers: String,
    known_hosts: String,
    deploy_key: Hidden,
}

/// Why one machine was not enrolled, and what to type.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Trouble {
    /// Which machine.
    pub node: NodeName,
    /// Why.
    pub why: String,
    /// What to type.
    pub help: String,
}

impl Trouble {
    /// Makes one of an error.
    pub fn of(node: &NodeName, error: &dyn std::error::Error, help: impl Into<String>) -> Self {
        Self { node: node.clone(), why: chain(error), help: help.into() }
    }
}

/// Fetches, and returns what machines will be pinned to: the tip of the origin's branch, and who may sign after it.
///
/// # Errors
/// When there is no origin, nothing was pushed, or something on the origin is not accepted.
pub fn pin(repo: &Repo, model: &Model) -> Result<Pinned, CliError> {
    let git = Git::at(repo.root());
    let branch = &model.cluster.git.branch;
    let Some(tip) = origin::fetch(&git, model)? else {
        return Err(CliError::user(format!("the origin has no branch `{branch}` yet"))
            .help(origin::push_line(branch)));
    };
    let found = accepted(&git, &tip, &[])?;
    remember(&git, &found.last)?;
    if let Some(pending) = found.pending.first() {
        let why =
            format!("commit {} at the origin is not one to begin with: {}", pending.id.short(), pending.why);
        return Err(CliError::user(why).help("knarr approve"));
    }
    let signers = git.run(&["cat-file", "blob", &format!("{tip}:{SIGNERS}")])? + "\n";
    let known_hosts = repo.read(".knarr/known_hosts")?.unwrap_or_default();
    let known_hosts = String::from_utf8_lossy(&known_hosts).into_owned();
    Ok(Pinned { floor: tip, signers, known_hosts, deploy_key: deploy_key(repo, model)? })
}

fn deploy_key(repo: &Repo, model: &Model) -> Result<Hidden, CliError> {
    let Some(sealed) = repo.read(DEPLOY_KEY)? else { return Ok(Hidden(String::new())) };
    let plain = Identities::read(&identity_path(&model.cluster.name))?.open(DEPLOY_KEY, &sealed)?;
    let text = std::str::from_utf8(&plain)
        .map_err(|_| CliError::user(format!("`{DEPLOY_KEY}` holds no SSH key")))?;
    Ok(Hidden(text.to_owned()))
}

impl Drop for Pinned {
    fn drop(&mut self) {
        drop(Zeroizing::new(std::mem::take(&mut self.deploy_key.0)));
    }
}

impl Pinned {
    /// Enrols one machine: packages, knarrd, keys. Doing it again does no harm.
    ///
    /// A firewall of others goes last, and only then: who calls this has asked.
    pub fn enrol(&self, ssh: &Ssh, model: &Model, candidate: &Candidate) -> Result<Born, Trouble> {
        let name = &candidate.name;
        let machine = Machine { ssh, target: &candidate.target };
        let fault = |error: MachineError| Trouble::of(name, &error, error.help());
        let program = match &candidate.probe.arch {
            Ok(arch) => binary::find(*arch).map_err(|error| Trouble::of(name, &error, error.help()))?,
            Err(arch) => {
                return Err(trouble(name, &format!("its processor is `{arch}`"), "take another machine"));
            }
        };
        let packages = packages(&candidate.probe);
        if !packages.is_empty() {
            machine.install(&packages).map_err(fault)?;
        }
        machine.put_knarrd(&program).map_err(fault)?;
        let born = machine.enroll(&self.enrolment(model, name)).map_err(fault)?;
        if !is_same(&candidate.probe, &born) {
            let why = "another machine answered than the one that was looked at";
            return Err(trouble(name, why, "is there more than one machine behind that address?"));
        }
        candidate
            .probe
            .firewalls
            .iter()
            .try_for_each(|firewall| machine.turn_off(*firewall))
            .map_err(fault)?;
        Ok(born)
    }

    fn enrolment(&self, model: &Model, node: &NodeName) -> Enrolment {
        Enrolment {
            cluster: model.cluster.name.clone(),
            node: node.clone(),
            git: model.cluster.git.clone(),
            known_hosts: self.known_hosts.clone(),
            deploy_key: self.deploy_key.clone(),
            signers: self.signers.clone(),
            floor: self.floor.clone(),
        }
    }
}

fn trouble(node: &NodeName, why: &str, help: &str) -> Trouble {
    Trouble { node: node.clone(), why: why.to_owned(), help: help.to_owned() }
}
