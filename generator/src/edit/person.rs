//! `cluster.yaml` without a person.

use super::{reads_as, spliced};
use crate::spec::{At, Cluster};
use knarr_node::name::RepoPath;
use std::collections::BTreeSet;
use std::ops::Range;

/// Returns cluster.yaml without a signer, and without these words in its lists of who opens secrets; the whole of it where
/// only writing it anew helps.
pub fn without_person(
    path: &RepoPath,
    text: &str,
    cluster: &Cluster,
    name: &str,
    words: &BTreeSet<&str>,
) -> Result<String, Box<Cluster>> {
    let mut wanted = cluster.clone();
    wanted.trust.signers.retain(|signer| signer.value != name);
    for list in wanted.secrets.values_mut() {
        list.retain(|word| !words.contains(word.as_str()));
    }
    let signers = cluster.trust.signers.iter().filter(|signer| signer.value == name);
    let lists = cluster.secrets.values().flatten().filter(|word| words.contains(word.as_str()));
    match without(text, signers.chain(lists)) {
        Some(edited) => reads_as(path, edited, &wanted),
        None => Err(Box::new(wanted)),
    }
}

/// Cuts elements out of their lists, the last one first: what a cut takes lies between an element and the one before.
fn without<'a>(text: &str, gone: impl Iterator<Item = &'a At<String>>) -> Option<String> {
    let mut spans = gone.map(|word| word.span.clone()).collect::<Option<Vec<_>>>()?;
    spans.sort_by_key(|span| std::cmp::Reverse(span.start));
    spans.into_iter().try_fold(text.to_owned(), |text, span| {
        text.get(span.clone())?;
        let whole = element(&text, span);
        spliced(&text, vec![(whole, String::new())])
    })
}

/// Returns an element of a list with what sets it apart from others: its line, or a comma.
fn element(text: &str, span: Range<usize>) -> Range<usize> {
    let (before, after) = (&text[..span.start], &text[span.end..]);
    let line = before.rfind('\n').map_or(0, |at| at + 1);
    if before[line..].trim() == "-" {
        return line..after.find('\n').map_or(text.len(), |at| span.end + at + 1);
    }
    if let Some(rest) = after.trim_start().strip_prefix(',') {
        return span.start..text.len() - rest.trim_start().len();
    }
    before.trim_end().strip_suffix(',').map_or(span.start, str::len)..span.end
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::parse;

    fn edited(text: &str) -> Result<String, Box<Cluster>> {
        let path: RepoPath = "cluster.yaml".parse().unwrap();
        let cluster = parse(&path, text.as_bytes()).unwrap();
        without_person(&path, text, &cluster, "ana", &["ana", "ops"].into())
    }

    #[test]
    fn a_person_leaves_all_lists_and_comments_stay() {
        let text = "# ours\nformat: 1\nname: harbor\ngit: {}\n";
        let with = "secrets:\n  a: [ana, me]\n  b: [me, ana , ops] # both\n  c:\n    - ana # old\n    - 'ops'\n    - me\ntrust: {signers: [me, \"ana\"]} # two\n";
        let left = "secrets:\n  a: [me]\n  b: [me ] # both\n  c:\n    - me\ntrust: {signers: [me]} # two\n";
        assert_eq!(edited(&format!("{text}{with}")).unwrap(), format!("{text}{left}"));
    }

    #[test]
    fn what_no_cut_can_do_is_written_anew() {
        let text = "format: 1\nname: harbor\ngit: {}\nsecrets: {a: &list [me, ana], b: *list}\ntrust: {signers: [me]}\n";
        let wanted = edited(text).map_or_else(|whole| whole.secrets, |text| panic!("{text}"));
        assert!(wanted.values().all(|list| list.len() == 1), "{wanted:?}");
    }
}
