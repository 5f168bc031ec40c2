//! Why a command stopped, whose fault that is, and what to type.

use crate::accept::AcceptError;
use crate::controller::ControllerError;
use crate::disk::DiskError;
use crate::git::GitError;
use crate::import::ImportError;
use crate::k3s::MaterialError;
use crate::kubeconfig::NoWay;
use crate::machine::MachineError;
use crate::release::ReleaseError;
use crate::seal::{KeyError, SealError};
use crate::secrets::SecretError;
use crate::ssh::SshError;
use knarr_node::causes::chain;
use std::error::Error;
use std::fmt;

/// Whose fault it is; decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What was typed, or what stands in the repository: exit code 1.
    User,
    /// What is around it (network, disk, a missing program): exit code 3.
    Environment,
    /// Ours: exit code 4.
    Bug,
}

/// A command that stopped.
#[derive(Debug)]
pub struct CliError {
    /// Whose fault it is.
    pub kind: Kind,
    /// What failed, with its causes; empty when it was told already.
    pub message: String,
    /// What to type.
    pub help: Option<String>,
}

impl CliError {
    /// Makes an error of what was typed or stands in the repository.
    pub fn user(message: impl fmt::Display) -> Self {
        Self { kind: Kind::User, message: message.to_string(), help: None }
    }

    /// Makes an error of what is around.
    pub fn environment(message: impl fmt::Display) -> Self {
        Self { kind: Kind::Environment, message: message.to_string(), help: None }
    }

    /// Makes an error that should not have been possible.
    pub fn bug(message: impl fmt::Display) -> Self {
        Self { kind: Kind::Bug, message: message.to_string(), help: None }
    }

    /// Stops after the findings were shown.
    pub fn told() -> Self {
        Self { kind: Kind::User, message: String::new(), help: None }
    }

    /// Adds what to type.
    #[must_use]
    pub fn help(mut self, help: impl fmt::Display) -> Self {
        self.help = Some(help.to_string());
        self
    }

    /// Returns the exit code.
    pub fn code(&self) -> u8 {
        match self.kind {
            Kind::User => 1,
            Kind::Environment => 3,
            Kind::Bug => 4,
        }
    }

    fn of(kind: Kind, error: &dyn Error, help: Option<String>) -> Self {
        Self { kind, message: chain(error), help }
    }
}

impl From<DiskError> for CliError {
    fn from(error: DiskError) -> Self {
        let kind = match &error {
            DiskError::NoRepo(_)
            | DiskError::Name(_)
            | DiskError::NoFile(_)
            | DiskError::NoFolder(_)
            | DiskError::TooLarge(_) => Kind::User,
            DiskError::Io { .. } => Kind::Environment,
            DiskError::Yaml { .. } => Kind::Bug,
        };
        Self::of(kind, &error, error.help())
    }
}

impl From<GitError> for CliError {
    fn from(error: GitError) -> Self {
        let kind = if matches!(error, GitError::Dirty) { Kind::User } else { Kind::Environment };
        Self::of(kind, &error, error.help())
    }
}

impl From<SecretError> for CliError {
    fn from(error: SecretError) -> Self {
        let kind = if matches!(error, SecretError::Encrypt(_)) { Kind::Environment } else { Kind::User };
        Self::of(kind, &error, error.help())
    }
}

impl From<ImportError> for CliError {
    fn from(error: ImportError) -> Self {
        Self::of(Kind::User, &error, Some(error.help()))
    }
}

impl From<SealError> for CliError {
    fn from(error: SealError) -> Self {
        let kind = match error {
            SealError::TooLarge | SealError::OtherKey { .. } => Kind::User,
            SealError::Encrypt { .. } => Kind::Environment,
        };
        Self::of(kind, &error, error.help().map(str::to_owned))
    }
}

impl From<KeyError> for CliError {
    fn from(error: KeyError) -> Self {
        let kind = if error == KeyError::Read { Kind::User } else { Kind::Environment };
        Self::of(kind, &error, None)
    }
}

impl From<NoWay> for CliError {
    fn from(error: NoWay) -> Self {
        Self::of(Kind::User, &error, Some(error.help().to_owned()))
    }
}

impl From<ControllerError> for CliError {
    fn from(error: ControllerError) -> Self {
        let kind = if error.is_typed() { Kind::User } else { Kind::Environment };
        Self::of(kind, &error, Some(error.help().to_owned()))
    }
}

impl From<MaterialError> for CliError {
    fn from(error: MaterialError) -> Self {
        Self::of(Kind::Environment, &error, None)
    }
}

impl From<ReleaseError> for CliError {
    fn from(error: ReleaseError) -> Self {
        Self::of(Kind::Environment, &error, Some(error.help().to_owned()))
    }
}

impl From<AcceptError> for CliError {
    fn from(error: AcceptError) -> Self {
        let kind = if matches!(error, AcceptError::NoBeginning(_)) { Kind::User } else { Kind::Environment };
        Self::of(kind, &error, error.help())
    }
}

impl From<SshError> for CliError {
    fn from(error: SshError) -> Self {
        Self::of(Kind::Environment, &error, Some(error.help()))
    }
}

impl From<MachineError> for CliError {
    fn from(error: MachineError) -> Self {
        Self::of(Kind::Environment, &error, Some(error.help()))
    }
}
