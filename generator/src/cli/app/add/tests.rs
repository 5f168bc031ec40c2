use super::*;
use crate::spec::parse_objects;
use proptest::prelude::*;
use serde_json::Value;

/// Returns what is written for these words, as values; none when a word is refused.
fn written(name: &str, image: &str, host: &str, namespace: &str) -> Option<Vec<Value>> {
    let args = Args {
        name: name.parse().ok()?,
        image: Some(image.parse().ok()?),
        port: Some("8080".parse().ok()?),
        host: Some(host.parse().ok()?),
        path: None,
        namespace: Some(namespace.parse().ok()?),
    };
    let files = files(&args).unwrap();
    assert_eq!(files.len(), 4);
    let read = |(path, bytes): (&RepoPath, &Vec<u8>)| parse_objects(path, bytes).unwrap();
    let mut files: Vec<_> = files.iter().collect();
    files.sort_by_key(|(path, _)| path.as_str().rsplit('/').next() == Some(&format!("{name}.yaml")));
    Some(files.into_iter().flat_map(read).collect())
}

/// Puts other words in the places of those of the example.
fn filled(value: &Value, words: &[(&str, &str)]) -> Value {
    match value {
        Value::String(text) => {
            let other = words.iter().find(|(known, _)| known == text);
            other.map_or_else(|| value.clone(), |(_, word)| (*word).into())
        }
        Value::Array(all) => all.iter().map(|value| filled(value, words)).collect(),
        Value::Object(all) => all.iter().map(|(key, value)| (key.clone(), filled(value, words))).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// Gives one text wherever one is given; whether something takes it. What takes it says it as it is, and nothing else.
fn same_structure(text: &str) -> bool {
    let known = ["thename", "theimage", "thehost", "thespace"];
    let example = written(known[0], known[1], known[2], known[3]).unwrap();
    let each = (0..known.len()).filter_map(|at| {
        let mut words = known;
        words[at] = text;
        let written = written(words[0], words[1], words[2], words[3])?;
        let pairs: Vec<(&str, &str)> = known.into_iter().zip(words).collect();
        let wanted: Vec<Value> = example.iter().map(|value| filled(value, &pairs)).collect();
        assert_eq!(written, wanted, "{text:?}");
        Some(())
    });
    each.count() > 0
}

#[test]
fn no_hostile_word_changes_what_is_written_beside_itself() {
    let texts: Vec<String> = serde_json::from_str(include_str!("../../../../tests/hostile.json")).unwrap();
    let shapes = |text: &String| [text.clone(), format!("a{text}"), format!("{text}a"), format!("a{text}b")];
    let all: Vec<String> = texts.iter().flat_map(shapes).collect();
    let taken = all.iter().filter(|text| same_structure(text)).count();
    assert!(texts.len() >= 240 && taken >= 100, "{taken} of {} are words of some kind", all.len());
    let refused =
        ["a\"b", "a: b", "a\nb: c", "{{ name }}", "{% if a %}", "a #b", "'a", "&a", "*a", "!a", "a\\nb"];
    assert!(!refused.iter().any(|text| same_structure(text)));
}

proptest! {
    #[test]
    fn no_word_at_all_changes_what_is_written_beside_itself(
        text in prop_oneof!["[a-z0-9A-Z./:@_-]{1,40}", "[a-z0-9 ./:@\"'{}%#&*!|>\\\\\n-]{1,20}", ".*"]
    ) {
        same_structure(&text);
    }
}
