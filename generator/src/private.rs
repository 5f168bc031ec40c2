//! Files outside the repository that only their owner may read: written whole, never over another's.

use crate::error::CliError;
use std::io::{self, Write};
use std::path::Path;
use tempfile::NamedTempFile;

/// Writes a new file, mode 0600, and the folder for it.
///
/// # Errors
/// When there is one already, or the folder may not be written.
pub fn write_new(path: &Path, text: &str) -> Result<(), CliError> {
    let put = |file: NamedTempFile| file.persist_noclobber(path).map(drop).map_err(|error| error.error);
    write(path, text, put).map_err(|error| {
        CliError::user(format!("cannot write `{}`: {error}", path.display()))
            .help("name a file that is not there yet, in a folder that you may write")
    })
}

/// Writes a file, mode 0600, over what is there; a symbolic link keeps leading to it.
///
/// # Errors
/// When the folder may not be written.
pub fn write_over(path: &Path, text: &str) -> Result<(), CliError> {
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let put = |file: NamedTempFile| file.persist(&path).map(drop).map_err(|error| error.error);
    write(&path, text, put)
        .map_err(|error| CliError::environment(format!("cannot write `{}`: {error}", path.display())))
}

fn write(path: &Path, text: &str, put: impl Fn(NamedTempFile) -> io::Result<()>) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    // Its mode is 0600 from the first byte on.
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    put(file)
}
