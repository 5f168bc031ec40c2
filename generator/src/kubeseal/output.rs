//! Where the result goes, and how it is written.

use super::args::{Args, said};
use crate::error::CliError;
use crate::seal::Form;
use crate::ui::Ui;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Returns the file that was named; what is sealed again goes back into its own.
fn file(args: &Args) -> Option<&Path> {
    let own = args.secret_file.as_ref().filter(|_| is_in_place(args));
    said(args.sealed_secret_file.as_ref()).or(said(own)).map(PathBuf::as_path)
}

fn is_in_place(args: &Args) -> bool {
    args.re_encrypt || args.rotate
}

/// Returns the form that the file's name says, else the one that was asked for.
pub(super) fn form(args: &Args) -> Result<Form, CliError> {
    let extension = file(args).and_then(Path::extension);
    if extension.is_some_and(|extension| extension == "yaml" || extension == "yml") {
        return Ok(Form::Yaml);
    }
    match args.format.to_lowercase().as_str() {
        "" | "json" => Ok(Form::Json),
        "yaml" => Ok(Form::Yaml),
        other => {
            Err(CliError::user(format!("unsupported output format: {other}")).help("-o json, or -o yaml"))
        }
    }
}

/// Writes the result to its file, else to standard output.
pub(super) fn put(args: &Args, text: &str, ui: &Ui) -> Result<(), CliError> {
    if let Some(path) = file(args) {
        return replace(path, text);
    }
    ui.text(text);
    Ok(())
}

/// Writes a file as a whole, in place of what is there. One that is new may be read by its owner only.
pub(super) fn replace(path: &Path, text: &str) -> Result<(), CliError> {
    let write = || -> io::Result<()> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        if let Ok(old) = fs::metadata(path) {
            file.as_file().set_permissions(old.permissions())?;
        }
        file.persist(path).map(drop).map_err(|error| error.error)
    };
    write().map_err(|error| {
        CliError::user(format!("cannot write `{}`: {error}", path.display()))
            .help("name a file in a folder that you may write")
    })
}
