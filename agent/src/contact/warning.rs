//! What other machines told of a commit that cut them off: who has not tried it yet holds.

use crate::identity::write_private;
use crate::paths::Paths;
use knarr_node::name::{NodeName, Oid};
use serde::{Deserialize, Serialize};
use std::{fs, io};

/// One machine's word about a commit; only the last word is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// The commit whose changes of the network cut it off.
    pub commit: Oid,
    /// Who says so.
    pub node: NodeName,
}

const FILE: &str = "warning.json";

/// Keeps a warning until another one comes, or until [`forget_warnings`].
pub fn warned(paths: &Paths, warning: &Warning) -> io::Result<()> {
    write_private(&paths.kept(FILE), &serde_json::to_vec(warning)?)
}

/// Returns who warned of this commit.
pub(super) fn of(paths: &Paths, commit: &Oid) -> Option<NodeName> {
    let warning: Warning = serde_json::from_slice(&fs::read(paths.kept(FILE)).ok()?).ok()?;
    (warning.commit == *commit).then_some(warning.node)
}

/// Forgets all warnings: a person wants the change to be tried.
pub fn forget_warnings(paths: &Paths) -> io::Result<()> {
    match fs::remove_file(paths.kept(FILE)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_is_about_one_commit_and_can_be_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let paths = Paths::below(folder.path());
        fs::create_dir_all(paths.state()).unwrap();
        let [bad, good] = ["a", "b"].map(|digit| digit.repeat(40).parse::<Oid>().unwrap());
        let edge: NodeName = "edge".parse().unwrap();
        warned(&paths, &Warning { commit: bad.clone(), node: edge.clone() }).unwrap();
        assert_eq!((of(&paths, &bad), of(&paths, &good)), (Some(edge), None));
        forget_warnings(&paths).unwrap();
        forget_warnings(&paths).unwrap();
        assert_eq!(of(&paths, &bad), None);
    }
}
