use super::*;
use proptest::prelude::*;
use serde_json::json;
use std::collections::BTreeMap;

/// Texts that readers of YAML like to take for something else; tests/yaml lets others read them too.
fn hostile() -> Vec<String> {
    serde_json::from_str(include_str!("../../../tests/hostile.json")).unwrap()
}

fn returns(text: &str) {
    let long = "x".repeat(200);
    let shapes = [
        json!({"k": text}),
        json!({text: "v", "other": 1}),
        json!([text, {"k": text}]),
        json!({"list": [text, long], "map": {"k": text, "long": long}}),
        json!({"items": [{"file": {"path": "/etc/x", "text": text}}]}),
    ];
    for shape in shapes {
        for line in [Line::Fits, Line::EachEntry] {
            let yaml = to_string(&shape, line).unwrap();
            let back: serde_json::Value =
                serde_saphyr::from_str(&yaml).unwrap_or_else(|e| panic!("{e}\n{yaml}"));
            assert_eq!(back, shape, "{yaml}");
        }
    }
}

#[test]
fn hostile_texts_come_back_exactly() {
    for text in hostile() {
        returns(&text);
    }
}

#[test]
fn texts_stay_texts_for_readers_of_yaml_1_1() {
    for text in ["y", "on", "off", "1_000", "0644", "1e3", "12:30:45", "~", "0x1f"] {
        let yaml = to_string(&json!({ "k": text }), Line::Fits).unwrap();
        assert!(yaml.contains(['"', '\'']), "{yaml}");
    }
}

#[test]
fn what_libyaml_misreads_stands_in_quotes() {
    let address = "https://harbor.example/?a";
    let yaml = |value| to_string(&value, Line::Fits).unwrap();
    assert_eq!(yaml(json!({"k": {"v": address}})), format!("k: {{v: \"{address}\"}}\n"));
    assert_eq!(yaml(json!({"k": {"a?b": 1}})), "k:\n  a?b: 1\n");
    assert_eq!(yaml(json!({"k": address})), format!("k: {address}\n"));
    assert_eq!(yaml(json!({"k": "\ta\nb\n"})), "k: \"\\ta\\nb\\n\"\n");
}

#[test]
fn what_fits_stands_on_one_line_and_text_in_a_block() {
    let value = json!({"git": {"branch": "main", "remotes": ["a", "b"]}, "none": [], "text": "one\ntwo\n", "long": {"k": "x".repeat(120)}});
    let long = "x".repeat(120);
    let expected = format!(
        "git: {{branch: main, remotes: [a, b]}}\nlong:\n  k: {long}\nnone: []\ntext: |\n  one\n  two\n"
    );
    assert_eq!(to_string(&value, Line::Fits).unwrap(), expected);
}

#[test]
fn an_entry_on_its_own_line_is_never_broken() {
    let value = BTreeMap::from([("a", json!({"k": ["x".repeat(300)]})), ("b", json!("v"))]);
    assert_eq!(to_string(&value, Line::EachEntry).unwrap().lines().count(), 2);
}

proptest! {
    #[test]
    fn any_text_comes_back_exactly(text in "\\PC*", raw in any::<String>()) {
        returns(&text);
        returns(&raw);
    }
}
