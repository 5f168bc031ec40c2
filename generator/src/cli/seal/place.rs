//! Where the file of a sealed Secret is, and what lies there already.

use crate::disk::Repo;
use crate::error::CliError;
use crate::seal::SealedSecret;
use crate::spec;
use knarr_node::name::{AppName, BadName, Namespace, ObjectName, RepoPath};

/// An app as far as its Secrets need it.
pub(super) struct AppHome {
    /// Its folder.
    pub(super) folder: String,
    /// Its namespace.
    pub(super) namespace: Namespace,
}

impl AppHome {
    /// Reads where an app lives.
    pub(super) fn of(repo: &Repo, app: &AppName) -> Result<Self, CliError> {
        let file: RepoPath = format!("apps/{app}.yaml").parse().expect("a name has no slash");
        let Some(bytes) = repo.read(file.as_str())? else {
            return Err(CliError::user(format!("there is no app `{app}`"))
                .help(format!("knarr app add {app} --image IMAGE")));
        };
        let broken = |_| CliError::user(format!("`{file}` cannot be read")).help("knarr check");
        let said: spec::App = spec::parse(&file, &bytes).map_err(broken)?;
        let namespace =
            said.namespace.parse().map_err(|bad: BadName| CliError::user(bad).help("knarr check"))?;
        Ok(Self { folder: said.folder(app.as_str()).trim_end_matches('/').to_owned(), namespace })
    }
}

/// Returns the file of a Secret: in its app's folder, else in that of its namespace.
pub(super) fn file(
    home: Option<&AppHome>,
    namespace: Option<&Namespace>,
    name: &ObjectName,
) -> Result<RepoPath, CliError> {
    let folder = match (home, namespace) {
        (Some(home), _) => home.folder.clone(),
        (None, Some(namespace)) => format!("sealed/{namespace}"),
        (None, None) => return Err(CliError::user("a Secret has a namespace").help("add --app APP")),
    };
    let path = format!("{folder}/{name}.sealed.yaml");
    path.parse().map_err(|bad: BadName| CliError::user(bad).help("change `path` of the app"))
}

/// Reads what is sealed there already.
pub(super) fn there(
    repo: &Repo,
    path: &RepoPath,
    namespace: Option<&Namespace>,
    name: &ObjectName,
) -> Result<Option<SealedSecret>, CliError> {
    let Some(bytes) = repo.read(path.as_str())? else { return Ok(None) };
    let read: Option<SealedSecret> = serde_saphyr::from_slice(&bytes).ok();
    let same = |sealed: &SealedSecret| {
        sealed.is_known() && sealed.metadata.name == *name && sealed.metadata.namespace.as_ref() == namespace
    };
    read.filter(same).map(Some).ok_or_else(|| {
        let title = namespace.map_or_else(|| name.to_string(), |namespace| format!("{namespace}/{name}"));
        CliError::user(format!("`{path}` is there, and is not the sealed Secret {title}"))
            .help(format!("move it away, or delete it: rm {path}"))
    })
}
