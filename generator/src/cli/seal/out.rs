//! Files of sealed Secrets that were named, in the repository or elsewhere, and standard output.

use super::super::people::changed;
use super::{Row, find, wrote};
use crate::disk::Repo;
use crate::error::CliError;
use crate::seal::{Certificate, Form, SealedSecret};
use crate::ui::Ui;
use knarr_node::name::RepoPath;
use std::path::{Path, PathBuf};

/// Returns the form that a file's name says.
pub(super) fn form(path: &Path) -> Form {
    if path.extension().is_some_and(|extension| extension == "json") { Form::Json } else { Form::Yaml }
}

/// Returns the text of objects.
pub(super) fn text(all: &[&SealedSecret], form: Form) -> Result<String, CliError> {
    let one = |sealed: &&SealedSecret| sealed.text(form);
    let texts = all.iter().map(one).collect::<Option<Vec<_>>>();
    let texts = texts.ok_or_else(|| CliError::bug("a sealed Secret could not be written"))?;
    Ok(texts.join(if form == Form::Yaml { "---\n" } else { "" }))
}

/// A file by its folder, which is written as the repository's are: whole.
pub(super) struct File {
    folder: Repo,
    name: RepoPath,
}

impl File {
    /// Finds the folder of a file.
    pub(super) fn at(path: &Path) -> Result<Self, CliError> {
        let named = || CliError::user(format!("`{}` is no name of a file", path.display()));
        let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
        let name = name.ok_or_else(|| named().help("name it with letters, digits and ._-"))?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder: PathBuf = folder.unwrap_or(Path::new(".")).to_owned();
        Ok(Self { folder: Repo::at(folder), name })
    }

    /// Reads it; none when it is missing.
    pub(super) fn read(&self) -> Result<Option<Vec<u8>>, CliError> {
        Ok(self.folder.read(self.name.as_str())?)
    }

    /// Writes it.
    pub(super) fn write(&self, text: &str) -> Result<(), CliError> {
        Ok(self.folder.write(&self.name, text.as_bytes())?)
    }
}

/// Writes sealed Secrets to one file, or to standard output.
pub(super) fn put(
    path: &Path,
    sealed: &[SealedSecret],
    to: &Certificate,
    force: bool,
    ui: &Ui,
) -> Result<(), CliError> {
    let all: Vec<&SealedSecret> = sealed.iter().collect();
    if path == Path::new("-") {
        ui.text(&text(&all, if ui.json() { Form::Json } else { Form::Yaml })?);
        return Ok(());
    }
    let file = File::at(path)?;
    if !force && file.read()?.is_some() {
        return Err(CliError::user(format!("`{}` is there already", path.display()))
            .help("add --force to replace it, or --merge-into in place of -o to keep what it has"));
    }
    file.write(&text(&all, form(path))?)?;
    let shown = path.display().to_string();
    told(sealed.iter().map(|sealed| (shown.as_str(), sealed)), to, ui);
    Ok(())
}

/// Says what was written, and where.
pub(super) fn told<'a>(all: impl Iterator<Item = (&'a str, &'a SealedSecret)>, to: &Certificate, ui: &Ui) {
    let rows: Vec<(String, Row<'_>)> =
        all.map(|(path, sealed)| (sealed.title(), Row::of(path, sealed, to))).collect();
    if ui.json() {
        ui.value(&rows.iter().map(|(_, row)| row).collect::<Vec<_>>());
    } else {
        for (title, row) in &rows {
            wrote(row, title, ui);
        }
    }
}

/// Takes new values from the lists of those who left, when the file with them is one of the repository.
pub(super) fn changed_at(
    path: &Path,
    repo: &Repo,
    is_new: &dyn Fn(&str) -> bool,
    ui: &Ui,
) -> Result<(), CliError> {
    if find::within(repo, path).is_ok() { changed(repo, is_new, ui) } else { Ok(()) }
}
