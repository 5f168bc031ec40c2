//! A file under rendered/ that no render made: what a person did there, and where it belongs.

use super::{Known, Output};
use crate::finding::Fault;
use crate::tame::tame;
use knarr_node::name::RepoPath;
use similar::TextDiff;

/// How many lines of an edit are shown.
const LINES: usize = 20;

/// Returns what is to be said of a file that a person changed or made.
pub(super) fn fault(path: &RepoPath, bytes: &[u8], output: Option<&Output>, known: &Known<'_>) -> Fault {
    let path = path.clone();
    if !known.lists().any(|list| list.0.contains_key(&path)) {
        return Fault::Foreign { path };
    }
    let edit = edit(&path, bytes, output, known);
    Fault::Edited { edit, sources: sources(&path), path }
}

/// Returns the edit: against what was rendered last, else against what is to be rendered.
fn edit(path: &RepoPath, bytes: &[u8], output: Option<&Output>, known: &Known<'_>) -> String {
    let last = known.past.and_then(|past| past.last(path));
    let old = match (last, output) {
        (Some(last), _) => last,
        (None, Some(Output::Text(text))) => text.clone().into_bytes(),
        (None, Some(Output::Sealed(_)) | None) => return " what was there is not known".to_owned(),
    };
    let (Ok(old), Ok(new)) = (std::str::from_utf8(&old), std::str::from_utf8(bytes)) else {
        return " it is no text any more, or never was".to_owned();
    };
    lines(old, new)
}

/// Returns the lines that differ, each with its sign.
fn lines(old: &str, new: &str) -> String {
    let diff = TextDiff::from_lines(old, new);
    let changed = diff.iter_all_changes().filter(|change| change.tag() != similar::ChangeTag::Equal);
    let all: Vec<String> =
        changed.map(|change| format!("\n{}{}", change.tag(), tame(change.value()))).collect();
    let more = all.len().saturating_sub(LINES);
    let rest = if more > 0 { format!("\n… and {more} lines more") } else { String::new() };
    all[..all.len() - more].concat() + &rest
}

/// Returns which files that people write say what an output has.
fn sources(path: &RepoPath) -> String {
    let path = path.as_str();
    let name = |folder: &str| path.strip_prefix(folder)?.split(['/', '.']).next();
    if let Some(node) = name("rendered/nodes/") {
        return format!("nodes/{node}.yaml, or in cluster.yaml for all machines");
    }
    if let Some(app) = name("rendered/apps/") {
        return format!("apps/{app}.yaml and apps/{app}/, or in sealed/{app}/");
    }
    let others = [
        ("rendered/mesh.yaml", "nodes/, peers/ and `network` of cluster.yaml"),
        ("rendered/access/", "people/ and `trust` of cluster.yaml"),
        ("rendered/argocd/", "apps/"),
    ];
    let found = others.iter().find(|(start, _)| path.starts_with(start));
    found.map_or("cluster.yaml and nodes/", |(_, sources)| sources).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_is_shown_as_far_as_it_is_read() {
        assert_eq!(lines("a\nb\nc\n", "a\nB\u{1b}[2K\nc\n"), "\n-b\n+B·[2K");
        let more = lines("", &"x\n".repeat(30));
        assert!(more.ends_with("\n+x\n… and 10 lines more") && more.matches("+x").count() == 20, "{more}");
    }

    #[test]
    fn each_output_has_files_that_say_what_it_has() {
        let of = |path: &str| sources(&path.parse().unwrap());
        assert!(of("rendered/nodes/edge.age").starts_with("nodes/edge.yaml"));
        assert!(of("rendered/apps/shop/db.yaml").starts_with("apps/shop.yaml and apps/shop/"));
        assert!(of("rendered/access/signers").starts_with("people/"));
        assert!(of("rendered/bootstrap/namespaces.yaml").starts_with("cluster.yaml"));
    }
}
