use super::*;
use proptest::prelude::*;
use serde_json::json;
use std::collections::BTreeMap;

const HOSTILE: [&str; 60] = [
    "",
    " ",
    "  leading",
    "trailing ",
    "trailing\t",
    "\ttab",
    "y",
    "Y",
    "yes",
    "no",
    "on",
    "off",
    "true",
    "False",
    "null",
    "Null",
    "~",
    "1",
    "1_000",
    "0x1f",
    "0o17",
    "0644",
    "1e3",
    ".5",
    "1.30",
    ".inf",
    ".NaN",
    "2026-11-21",
    "12:30:45",
    "-",
    "- a",
    "?",
    "? a",
    ":",
    "a: b",
    "a:",
    "#",
    "a #b",
    "a#b",
    "&a",
    "*a",
    "!a",
    "!!str",
    "|",
    ">",
    "%a",
    "@a",
    "`a",
    "'",
    "\"",
    "a, b",
    "[a]",
    "{a}",
    "a\nb",
    "a\nb\n",
    "\na\n\n",
    "  a\n b\n",
    "a\r\nb\r\n",
    "a \n b\t\n\n",
    "---\n...\n",
];

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
    HOSTILE.into_iter().for_each(returns);
    for text in [
        "🚢 ahoy",
        "é\u{301}",
        "\u{7f}",
        "\u{85}",
        "\u{2028}",
        "\u{feff}x",
        "nul\0",
        "\u{1b}[31m",
        &"wide ".repeat(40),
    ] {
        returns(text);
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
