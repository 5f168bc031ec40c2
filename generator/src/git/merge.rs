//! Three versions of one file, brought together as git does it. In memory only.

use git2::{MergeFileInput, MergeFileOptions};

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Merged {
    /// Both sides are in it.
    Clean(Vec<u8>),
    /// Both sides stand in it, between marks.
    Conflict(Vec<u8>),
}

/// Merges what `ours` and `theirs` made of `base`; sides are named in the marks.
///
/// # Errors
/// Where libgit2 has no memory for it.
pub fn merge(base: &[u8], ours: (&str, &[u8]), theirs: (&str, &[u8])) -> Result<Merged, git2::Error> {
    git2::Config::new()?; // it starts libgit2, which merge_file takes for started
    let side = |content| {
        let mut side = MergeFileInput::new();
        side.content(content);
        side
    };
    let mut options = MergeFileOptions::new();
    options.our_label(ours.0).their_label(theirs.0);
    let merged = git2::merge_file(&side(base), &side(ours.1), &side(theirs.1), Some(&mut options))?;
    let bytes = merged.content().to_owned();
    Ok(if merged.is_automergeable() { Merged::Clean(bytes) } else { Merged::Conflict(bytes) })
}
