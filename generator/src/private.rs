//! Files outside the repository that only their owner may read: written whole, never over another's.

use crate::error::CliError;
use std::io::Write;
use std::path::Path;

/// Writes a new file, mode 0600, and the folder for it.
///
/// # Errors
/// When there is one already, or the folder may not be written.
pub fn write_new(path: &Path, text: &str) -> Result<(), CliError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || -> std::io::Result<()> {
        std::fs::create_dir_all(folder)?;
        // Its mode is 0600 from the first byte on.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist_noclobber(path).map(drop).map_err(|error| error.error)
    };
    write().map_err(|error| {
        CliError::user(format!("cannot write `{}`: {error}", path.display()))
            .help("name a file that is not there yet, in a folder that you may write")
    })
}
