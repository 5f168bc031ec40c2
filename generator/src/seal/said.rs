//! What objects say in their files, each word with its place, whatever else of any shape stands beside it.

use crate::spec::{At, Tree};

/// Returns an object, and those in it as in a `List`.
pub(super) fn all(object: &At<Tree>) -> Vec<&At<Tree>> {
    let items = object.get("items").map_or(&[][..], |items| items.elements());
    [object].into_iter().chain(items.iter().flat_map(all)).collect()
}

/// Whether an object is of a kind.
pub(super) fn is(object: &Tree, kind: &str) -> bool {
    object.get("kind").and_then(|at| at.text()) == Some(kind)
}

/// Returns the word behind keys of maps, numbers too; an empty one where there is none.
pub(super) fn said(object: &Tree, keys: &[&str]) -> At<String> {
    let Some(at) = object.at(keys) else { return At::default() };
    match &at.value {
        Tree::Text(text) => At { value: text.clone(), span: at.span.clone() },
        Tree::Number(_) | Tree::Flag(_) => At { value: at.to_value().to_string(), span: at.span.clone() },
        Tree::Null | Tree::List(_) | Tree::Map(_) => At::default(),
    }
}
