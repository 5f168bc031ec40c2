//! What one machine more costs a repository that has many.

use crate::many;
use crate::repository::Repository;
use similar::{ChangeTag, TextDiff};

/// As many as a development build renders in a few seconds; `make bench` has thousands.
const MACHINES: u16 = 200;

#[test]
fn one_machine_more_changes_few_lines_of_few_files() {
    let repository = Repository::base();
    many::fill(&repository.root(), MACHINES, 3);
    assert_eq!(repository.knarr("render").code, 0);
    let before = repository.files();
    many::machine(&repository.root(), MACHINES);
    let said = repository.knarr("render");
    assert_eq!(said.code, 0, "{}", said.text);
    let after = repository.files();
    let mut lines = Vec::new();
    for (path, old) in before.iter().filter(|(path, bytes)| after.get(*path) != Some(bytes)) {
        let [old, new] = [old, &after[path]].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        let diff = TextDiff::from_lines(&old, &new);
        lines.push((path, diff.iter_all_changes().filter(|change| change.tag() != ChangeTag::Equal).count()));
    }
    let sum: usize = lines.iter().map(|(_, lines)| lines).sum();
    assert!(!lines.is_empty() && lines.len() <= 5 && sum <= 20, "{lines:#?}");
}
