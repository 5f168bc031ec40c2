//! `.knarr/template.yaml`: the texts that the files of the template had when they were copied here.

use super::{FILES, Service};
use crate::disk::{DiskError, Repo};
use crate::emit::{Line, yaml};
use crate::git::History;
use knarr_node::name::RepoPath;
use std::collections::BTreeMap;

/// Where it stands.
pub const RECORD: &str = ".knarr/template.yaml";

const HEAD: &str = "\
# The files of knarr's template as `knarr new` or `knarr upgrade repo` last copied them: by this the next upgrade knows
# what was changed here since. Not to be edited.
";

/// Services that have jobs.
const SERVICES: [Service; 3] = [Service::Github, Service::Gitlab, Service::Forgejo];

/// Texts of files.
pub type Texts = BTreeMap<RepoPath, String>;

/// Returns the files that this knarr's template has for a service.
pub fn texts(service: Service) -> Texts {
    let path = |path: &str| path.parse().expect("the template has plain paths");
    FILES.into_iter().chain(service.files()).map(|(at, text, _)| (path(at), text.to_owned())).collect()
}

/// Whether a file of the template is a program.
pub fn is_program(service: Service, path: &RepoPath) -> bool {
    FILES.into_iter().chain(service.files()).any(|(at, _, program)| program && at == path.as_str())
}

/// Returns the record as text.
pub fn record(texts: &Texts) -> String {
    HEAD.to_owned() + &yaml::to_string(texts, Line::Fits).expect("paths and texts are text")
}

/// What is known of the files as they were copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Made {
    /// The repository says it.
    Recorded(Texts),
    /// It was made before there was a record: its first commit has the files as they were copied.
    Committed(Texts),
}

impl Made {
    /// Finds out how the files were copied.
    ///
    /// # Errors
    /// When the record cannot be read.
    pub fn of(repo: &Repo) -> Result<Self, DiskError> {
        let recorded = repo.read(RECORD)?.and_then(|bytes| serde_saphyr::from_slice(&bytes).ok());
        if let Some(texts) = recorded {
            return Ok(Self::Recorded(texts));
        }
        let first = History::open(repo.root()).and_then(|history| Some((history.first()?, history)));
        let text = |path: &'static str| {
            let (commit, history) = first.as_ref()?;
            Some((path.parse().ok()?, String::from_utf8(history.file(commit, path)?).ok()?))
        };
        Ok(Self::Committed(paths().filter_map(text).collect()))
    }

    /// Returns the files.
    pub fn texts(&self) -> &Texts {
        match self {
            Self::Recorded(texts) | Self::Committed(texts) => texts,
        }
    }

    /// Returns the service whose jobs are here; one that is known by the origin where nobody has chosen yet.
    pub fn service(&self, repo: &Repo, origin: Option<&str>) -> Service {
        let there = |service: &Service| {
            service.jobs().is_some_and(|(path, _)| {
                self.texts().keys().any(|at| at.as_str() == path) || repo.root().join(path).is_file()
            })
        };
        let found = SERVICES.into_iter().find(there);
        match (found, self) {
            (Some(service), _) => service,
            (None, Self::Committed(_)) => origin.map_or(Service::None, Service::of),
            (None, Self::Recorded(_)) => Service::None,
        }
    }
}

/// Returns the paths that the template has for any service.
fn paths() -> impl Iterator<Item = &'static str> {
    let of_services = SERVICES.into_iter().flat_map(Service::files);
    FILES.into_iter().chain(of_services).map(|(path, ..)| path)
}
