//! A secret in the editor of whoever types: it lies in memory only, and nothing of it stays.

use crate::error::CliError;
use crate::secrets::read_value;
use rustix::fs::statfs;
use std::ffi::OsString;
use std::fs::{File, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use zeroize::Zeroizing;

/// Shows a text to the editor under a file's name, whose ending may say what it is, and returns what it became; none when
/// nothing changed.
///
/// The bytes are kept as the editor saves them, but for one line feed at the end: most editors end a file so, and where the
/// text had none it is taken off again.
///
/// # Errors
/// When the text is none, no folder lies in memory, or the editor fails.
pub fn edit(text: &[u8], name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, CliError> {
    edit_by(&chosen(), text, name)
}

/// Returns the editor that people asked for. Source: environ(7): words for a shell, VISUAL before EDITOR.
fn chosen() -> String {
    let said = ["VISUAL", "EDITOR"].iter().filter_map(|name| std::env::var(name).ok());
    said.into_iter().find(|said| !said.trim().is_empty()).unwrap_or_else(|| "vi".to_owned())
}

fn edit_by(editor: &str, text: &[u8], name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, CliError> {
    if std::str::from_utf8(text).is_err() || text.contains(&0) {
        return Err(CliError::user(format!("`{name}` is no text: an editor would change more than you do"))
            .help("give it a new value as a whole, from a file"));
    }
    let folder = Folder::new()?;
    let file = folder.path.join(name);
    put(&file, text)
        .map_err(|error| CliError::environment(format!("cannot write `{}`: {error}", file.display())))?;
    run(editor, &file)?;
    let saved = File::open(&file).and_then(|mut file| read_value(&mut file, usize::MAX));
    let mut saved = saved.map_err(|error| {
        CliError::user(format!("the editor left no file: {error}")).help("nothing was changed")
    })?;
    if !text.ends_with(b"\n") && saved.ends_with(b"\n") {
        saved.pop();
    }
    Ok(Some(saved).filter(|saved| saved.as_slice() != text))
}

fn put(path: &Path, text: &[u8]) -> std::io::Result<()> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(text)
}

/// Runs an editor to its end. A shell takes the words apart, as git has it: `code --wait`, or quotes around a path.
fn run(editor: &str, file: &Path) -> Result<(), CliError> {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("{editor} \"$@\"")).arg("sh");
    if is_vim(editor) {
        shell.args(FORGETFUL);
    }
    let failed =
        |why: String| CliError::user(why).help("nothing was changed; to take another editor: EDITOR=PROGRAM");
    let status = shell.arg(file).status().map_err(|error| failed(format!("cannot run sh: {error}")))?;
    if status.success() { Ok(()) } else { Err(failed(format!("the editor `{editor}` failed: {status}"))) }
}

/// What keeps vim from writing lines to its own files, wherever its settings put them: swap file and registers, and at each
/// write backup and undo.
const FORGETFUL: [&str; 9] = [
    "-n",
    "-i",
    "NONE",
    "--cmd",
    "augroup knarr",
    "--cmd",
    "autocmd BufWritePre * set nobackup nowritebackup patchmode= noundofile",
    "--cmd",
    "augroup END",
];

/// Whether the editor is vim or neovim, under whatever name it is found.
fn is_vim(editor: &str) -> bool {
    let Some(program) = editor.split_whitespace().next() else { return false };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(program)).find(|path| path.is_file());
    let real = found.and_then(|path| path.canonicalize().ok());
    let name = real.as_deref().and_then(Path::file_name).and_then(|name| name.to_str());
    name.is_some_and(|name| name.starts_with("vim") || name.starts_with("nvim"))
}

/// Reads to the end of what knarr holds open, then removes: so the folder goes however knarr ends, Ctrl-C and `kill -9` too.
const JANITOR: &str = "trap '' HUP INT QUIT TERM; read -r _; exec rm -rf -- \"$1\"";

/// A private folder in memory, where editors may put copies beside the file. When this is dropped, it is gone.
struct Folder {
    path: PathBuf,
    janitor: Child,
}

impl Folder {
    fn new() -> Result<Self, CliError> {
        let mut private = tempfile::Builder::new();
        private.prefix("knarr-").permissions(Permissions::from_mode(0o700));
        let made =
            places().into_iter().find_map(|place| private.tempdir_in(place).ok()).ok_or_else(|| {
                CliError::environment("no folder lies in memory, and a secret is not put on a disk")
                    .help("mount a tmpfs at /dev/shm, or name one in XDG_RUNTIME_DIR")
            })?;
        let mut janitor = Command::new("sh");
        janitor.args(["-c", JANITOR, "sh"]).arg(made.path()).current_dir("/").process_group(0);
        janitor.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let janitor = janitor
            .spawn()
            .map_err(|error| CliError::environment(format!("cannot run sh, which cleans up: {error}")))?;
        Ok(Self { path: made.keep(), janitor })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(self.janitor.stdin.take());
        let _ = self.janitor.wait(); // nobody else reaps it
    }
}

/// Returns folders that lie in memory, one's own before that of all.
fn places() -> Vec<PathBuf> {
    let own = std::env::var_os("XDG_RUNTIME_DIR").filter(|path| !path.is_empty());
    [own, Some(OsString::from("/dev/shm"))]
        .into_iter()
        .flatten()
        .map(PathBuf::from)
        .filter(|path| path.is_absolute() && in_memory(path))
        .collect()
}

/// The file systems that have no disk. Source: linux/magic.h, TMPFS_MAGIC and RAMFS_MAGIC.
const MEMORY: [u32; 2] = [0x0102_1994, 0x8584_58f6];

fn in_memory(path: &Path) -> bool {
    statfs(path).is_ok_and(|found| MEMORY.iter().any(|magic| i128::from(found.f_type) == i128::from(*magic)))
}

#[cfg(test)]
mod tests {
    use super::{edit_by, in_memory};
    use std::path::Path;

    fn edited(editor: &str, text: &str) -> Option<String> {
        let new = edit_by(editor, text.as_bytes(), "token").unwrap();
        new.map(|new| String::from_utf8(new.to_vec()).unwrap())
    }

    fn refused(editor: &str, text: &[u8]) -> String {
        edit_by(editor, text, "token").unwrap_err().message
    }

    #[test]
    fn what_an_editor_saves_is_the_new_text_also_when_it_puts_another_file_in_its_place() {
        assert_eq!(edited("sed -i 's/one/two words/'", "one\n").unwrap(), "two words\n");
        assert_eq!(edited("printf 'x' >>", "one\n").unwrap(), "one\nx");
    }

    #[test]
    fn what_is_saved_as_it_was_is_no_change() {
        assert_eq!(edited("true", "one"), None);
        assert_eq!(edited("touch", "one\n"), None);
    }

    #[test]
    fn only_one_line_feed_that_the_editor_adds_is_taken_off() {
        assert_eq!(edited("echo >>", "one"), None);
        assert_eq!(edited("printf '\\n\\n' >>", "one").unwrap(), "one\n");
        assert_eq!(edited("echo >>", "one\n").unwrap(), "one\n\n");
    }

    #[test]
    fn an_editor_that_fails_or_leaves_nothing_changes_nothing() {
        assert!(refused("false", b"one").starts_with("the editor `false` failed: exit status: 1"));
        assert!(refused("/no/such/editor", b"one").contains("exit status: 127"));
        assert!(refused("rm", b"one").starts_with("the editor left no file"));
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_to_no_editor() {
        for bytes in [b"\xff\xfe".as_slice(), b"a\0b"] {
            assert!(refused("true", bytes).contains("is no text"));
        }
    }

    #[test]
    fn the_file_lies_in_memory_for_its_owner_only_and_is_gone_with_its_folder() {
        let out = tempfile::NamedTempFile::new().unwrap();
        let editor = format!(
            "sh -c 'stat -f -c %T \"$1\"; stat -c %a \"$1\"; cd \"$(dirname \"$1\")\"; stat -c %a .; touch .copy~; pwd' sh > {}",
            out.path().display()
        );
        assert_eq!(edited(&editor, "one"), None);
        let said = std::fs::read_to_string(out.path()).unwrap();
        let [kind, file, folder, path] = said.lines().collect::<Vec<_>>()[..] else { panic!("{said}") };
        assert_eq!([kind, file, folder], ["tmpfs", "600", "700"]);
        assert!(!Path::new(path).exists(), "{path}");
    }

    #[test]
    fn a_disk_is_not_taken_for_memory() {
        assert!(in_memory(Path::new("/dev/shm")) && !in_memory(Path::new("/")));
    }
}
