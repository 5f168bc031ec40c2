//! `knarr kubeseal-link`.

use super::Done;
use crate::error::CliError;
use crate::kubeseal::NAME;
use crate::ui::Ui;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// Stand in for kubeseal: by that name, this program takes kubeseal's command line
///
/// Makes DIR/kubeseal, a link to this program. What runs `kubeseal` then runs `knarr`, with the flags, variables and exit codes
/// of kubeseal v0.27.1: scripts, editors and CI services need no change. Only a link of this kind is replaced.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  knarr kubeseal-link ~/.local/bin\n  sudo knarr kubeseal-link /usr/local/bin"
)]
pub(super) struct Args {
    /// A folder that stands in PATH, before that of another kubeseal
    dir: PathBuf,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    let unknown = |error: io::Error| CliError::environment(format!("cannot tell where knarr lies: {error}"));
    let program = std::env::current_exe().map_err(unknown)?;
    let link = std::path::absolute(&args.dir).map_err(unknown)?.join(NAME);
    may_replace(&link)?;
    make(&link, &program).map_err(|error| {
        CliError::user(format!("cannot write `{}`: {error}", link.display()))
            .help("name a folder that is there, and that you may write")
    })?;
    if ui.json() {
        ui.value(&serde_json::json!({ "link": link, "program": program }));
    }
    ui.done(format_args!("{} leads to {}", link.display(), program.display()));
    if first().as_deref() != Some(&link) {
        let folder = link.parent().unwrap_or(Path::new("/")).display();
        ui.say(format_args!("To use it: export PATH={folder}:$PATH"));
    }
    Ok(Done::Fine)
}

/// Refuses a place where something else is than a link to knarr, of this version or another.
fn may_replace(link: &Path) -> Result<(), CliError> {
    let leads_to_us = |to: &Path| to.file_name() == Some(OsStr::new("knarr"));
    match fs::read_link(link) {
        Ok(to) if leads_to_us(&to) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Ok(_) | Err(_) => {
            Err(CliError::user(format!("`{}` is there, and is no link to knarr", link.display()))
                .help("name another folder, or move it away"))
        }
    }
}

/// Makes the link beside its place, then puts it there: who calls it meanwhile finds the old one or the new.
fn make(link: &Path, program: &Path) -> io::Result<()> {
    let folder = link.parent().unwrap_or(Path::new("/"));
    let new = tempfile::Builder::new().prefix(".knarr-new-").make_in(folder, |new| symlink(program, new))?;
    new.into_temp_path().persist(link).map_err(|error| error.error)
}

/// Returns the program that is run by the name now.
fn first() -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join(NAME)).find(|path| path.exists())
}
