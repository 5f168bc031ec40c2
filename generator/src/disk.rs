//! The repository's files: nothing else reads or writes them.

mod elsewhere;
mod read;

pub use elsewhere::{Search, has_all, is_elsewhere};
pub use read::{Inputs, LARGEST_MANIFEST, MOST_BYTES, MOST_FILES};

use crate::emit::{Line, yaml};
use knarr_node::name::RepoPath;
use serde::Serialize;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// How the name of a file begins until it is whole: a program that is killed leaves it, nobody reads it as what it was to be,
/// and the next render removes it.
const UNFINISHED: &str = ".knarr-new-";

/// A file that is whole, and not yet in its place.
#[derive(Debug)]
pub struct Staged {
    file: NamedTempFile,
    full: PathBuf,
}

/// A cluster repository's work tree.
#[derive(Clone, Debug)]
pub struct Repo {
    root: PathBuf,
}

/// A file that could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// Not inside a repository.
    #[error("there is no cluster.yaml in `{0}` or above it")]
    NoRepo(PathBuf),
    /// The operating system refused.
    #[error("cannot {doing} `{path}`")]
    Io {
        /// The verb.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// A link, a folder or a device where a file is expected.
    #[error("`{0}` is no file")]
    NoFile(PathBuf),
    /// A link or a file where a folder is expected.
    #[error("`{0}` is no folder")]
    NoFolder(PathBuf),
    /// A file that is larger than any that Knarr reads.
    #[error("`{0}` has more than 4 MiB")]
    TooLarge(PathBuf),
    /// A name that the repository must not have.
    #[error("cannot read `{0}`: the name has characters that are not allowed")]
    Name(PathBuf),
    /// A value that could not be written as YAML.
    #[error("cannot write `{path}` as YAML")]
    Yaml {
        /// The file.
        path: RepoPath,
        /// The reason.
        source: yaml::YamlError,
    },
}

impl DiskError {
    /// Says what to type.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::NoRepo(_) => {
                Some("cd into a cluster repository, or make one with `knarr new NAME`".to_owned())
            }
            Self::Name(_) => Some("rename it".to_owned()),
            Self::NoFile(_) | Self::NoFolder(_) => {
                Some("put the thing itself there: links may lead out of the repository".to_owned())
            }
            Self::TooLarge(path) => {
                Some(format!("see what is in it, and take it out: less {}", path.display()))
            }
            Self::Io { .. } | Self::Yaml { .. } => None,
        }
    }
}

fn io(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> DiskError {
    let path = path.to_owned();
    move |source| DiskError::Io { doing, path, source }
}

impl Repo {
    /// Finds the repository that holds the current folder.
    ///
    /// # Errors
    /// [`DiskError::NoRepo`] when no folder from here up has a cluster.yaml.
    pub fn open() -> Result<Self, DiskError> {
        let here = std::env::current_dir().map_err(io("find", Path::new(".")))?;
        let holds = |folder: &&Path| folder.join("cluster.yaml").symlink_metadata().is_ok();
        let found = here.ancestors().find(holds).map(Path::to_owned);
        found.map(|root| Self { root }).ok_or(DiskError::NoRepo(here))
    }

    /// Returns the repository at `root`, which may be an empty folder still.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Returns the top folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Reads one file; none when it is missing.
    ///
    /// # Errors
    /// [`DiskError::NoFile`] when it is something else than a file, or behind a link; it is not opened then.
    pub fn read(&self, path: &str) -> Result<Option<Vec<u8>>, DiskError> {
        let full = self.within(Path::new(path))?;
        match std::fs::symlink_metadata(&full) {
            Ok(meta) if !meta.is_file() => return Err(DiskError::NoFile(path.into())),
            Ok(meta) if meta.len() > read::LARGEST_MANIFEST => return Err(DiskError::TooLarge(path.into())),
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io("read", &full)(error)),
        }
        std::fs::read(&full).map(Some).map_err(io("read", &full))
    }

    /// Returns where a path leads, which is within the repository: no folder on the way is a link.
    fn within(&self, path: &Path) -> Result<PathBuf, DiskError> {
        let folders = path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
        for folder in folders {
            let meta = std::fs::symlink_metadata(self.root.join(folder));
            if meta.is_ok_and(|meta| !meta.is_dir()) {
                return Err(DiskError::NoFolder(folder.to_owned()));
            }
        }
        Ok(self.root.join(path))
    }

    /// Writes one file as a whole: whoever reads it, and a program that is killed, sees the old bytes or the new.
    ///
    /// It is not forced to the disk: a work tree is as safe as git keeps it, and what is rendered can be made anew.
    pub fn write(&self, path: &RepoPath, bytes: &[u8]) -> Result<(), DiskError> {
        let full = self.within(Path::new(path.as_str()))?;
        let put = |staged: NamedTempFile| -> std::io::Result<()> {
            staged.persist(&full).map_err(|error| error.error)?;
            self.hand_over(&full)
        };
        put(Self::staged(&full, bytes)?).map_err(io("write", &full))
    }

    /// Writes the bytes of a file beside it, whole, where a later render finds them if this one does not come to its end.
    pub fn stage(&self, path: &RepoPath, bytes: &[u8]) -> Result<Staged, DiskError> {
        let full = self.within(Path::new(path.as_str()))?;
        let mut file = Self::staged(&full, bytes)?;
        file.disable_cleanup(true);
        // Its own path is absolute, also where the repository's is not.
        let name = file.path().file_name().expect("a file has a name");
        self.hand_over(&full.with_file_name(name)).map_err(io("write", &full))?;
        Ok(Staged { file, full })
    }

    /// Puts what was staged in its place.
    pub fn put(&self, Staged { file, full }: Staged) -> Result<(), DiskError> {
        file.persist(&full).map(drop).map_err(|error| io("write", &full)(error.error))
    }

    fn staged(full: &Path, bytes: &[u8]) -> Result<NamedTempFile, DiskError> {
        let folder = full.parent().expect("a path in the repository has the repository above it");
        std::fs::create_dir_all(folder).map_err(io("make", folder))?;
        let stage = || -> std::io::Result<NamedTempFile> {
            let mut file =
                tempfile::Builder::new().prefix(UNFINISHED).permissions(new_mode()).tempfile_in(folder)?;
            file.write_all(bytes)?;
            if let Ok(old) = std::fs::metadata(full) {
                file.as_file().set_permissions(old.permissions())?;
            }
            Ok(file)
        };
        stage().map_err(io("write", full))
    }

    /// Writes several files: all lie beside their places before the first takes its own, so that what the disk refuses is no
    /// half of them.
    pub fn write_all<'a>(
        &self,
        files: impl IntoIterator<Item = (&'a RepoPath, impl AsRef<[u8]>)>,
    ) -> Result<(), DiskError> {
        let staged = files.into_iter().map(|(path, bytes)| self.stage(path, bytes.as_ref()));
        let staged = staged.collect::<Result<Vec<_>, _>>()?;
        staged.into_iter().try_for_each(|file| self.put(file))
    }

    /// Lets everybody run a file.
    pub fn make_program(&self, path: &RepoPath) -> Result<(), DiskError> {
        let full = self.root.join(path.as_str());
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&full, mode).map_err(io("change", &full))
    }

    /// Removes one file; a file that is not there is fine. A folder that becomes empty goes too.
    pub fn remove(&self, path: &RepoPath) -> Result<(), DiskError> {
        let full = self.within(Path::new(path.as_str()))?;
        match std::fs::remove_file(&full) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(io("remove", &full)(error)),
            Err(_) | Ok(()) => {
                if let Some(folder) = full.parent() {
                    let _ = std::fs::remove_dir(folder); // refused by the system unless it is empty
                }
                Ok(())
            }
        }
    }

    /// Writes a file that people may edit, with the line that tells editors its schema, e.g. `node`.
    pub fn write_spec(&self, path: &RepoPath, schema: &str, spec: &impl Serialize) -> Result<(), DiskError> {
        self.write(path, spec_text(path, schema, spec)?.as_bytes())
    }

    /// Gives what root wrote here, under sudo, to whom the repository belongs.
    fn hand_over(&self, path: &Path) -> std::io::Result<()> {
        let (uid, gid) = owner(&self.root)?;
        let within = |part: &&Path| *part != self.root && part.starts_with(&self.root);
        for part in path.ancestors().take_while(within) {
            if uid != 0 && owner(part)?.0 == 0 {
                std::os::unix::fs::lchown(part, Some(uid), Some(gid))?;
            }
        }
        Ok(())
    }
}

/// Everybody may read and write a new file, as far as the umask lets them: as of any file in a work tree.
fn new_mode() -> std::fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o666)
}

fn owner(path: &Path) -> std::io::Result<(u32, u32)> {
    let meta = std::fs::symlink_metadata(path)?;
    Ok((meta.uid(), meta.gid()))
}

/// Returns a file that people may edit as text, with the line that tells editors its schema, e.g. `node`.
pub fn spec_text(path: &RepoPath, schema: &str, spec: &impl Serialize) -> Result<String, DiskError> {
    let body =
        yaml::to_string(spec, Line::Fits).map_err(|source| DiskError::Yaml { path: path.clone(), source })?;
    let up = "../".repeat(path.as_str().matches('/').count());
    Ok(format!("# yaml-language-server: $schema={up}.knarr/schema/{schema}.json\n{body}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_file_that_is_written_again_keeps_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let (repo, path) = (Repo::at(folder.path()), "host/greet".parse().unwrap());
        repo.write(&path, b"old").unwrap();
        repo.make_program(&path).unwrap();
        repo.write(&path, b"new").unwrap();
        let full = folder.path().join("host/greet");
        assert_eq!(std::fs::read(&full).unwrap(), b"new");
        assert_eq!(std::fs::metadata(&full).unwrap().permissions().mode() & 0o777, 0o755);
        assert_eq!(
            std::fs::read_dir(full.parent().unwrap()).unwrap().count(),
            1,
            "nothing else is left there"
        );
    }

    #[test]
    fn others_may_read_a_new_file_as_far_as_the_umask_lets_them() {
        let folder = tempfile::tempdir().unwrap();
        Repo::at(folder.path()).write(&"rendered/owned.yaml".parse().unwrap(), b"").unwrap();
        std::fs::write(folder.path().join("plain"), "").unwrap();
        let mode = |path| std::fs::metadata(folder.path().join(path)).unwrap().permissions().mode();
        assert_eq!(mode("rendered/owned.yaml"), mode("plain"));
    }
}
