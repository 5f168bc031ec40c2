use super::read;
use crate::spec::read::as_kubectl;
use crate::spec::{At, Tree};
use proptest::prelude::*;

/// What the reader of all YAML says of a text.
fn whole(text: &str) -> Option<Vec<At<Tree>>> {
    as_kubectl(&"apps/a/a.yaml".parse().unwrap(), text).ok()
}

/// Proves that what is read is what the other reader reads, with each place; returns whether it is read.
fn agrees(text: &str) -> bool {
    let Some(read) = read(text) else { return false };
    assert_eq!(format!("{:?}", Some(read)), format!("{:?}", whole(text)), "{text}");
    true
}

#[test]
fn what_manifests_are_made_of_is_read_from_events() {
    let texts = [
        "# a comment\nkind: Service\nmetadata: {name: 'web', namespace: \"shop\"} # another\nspec:\n  ports:\n  - port: 80\n",
        "a: {b: [1, 15, true, False, ~, null, NULL, '5', \"x\\n\"], c: }\nd: |\n  e\n  f\ng: >-\n  h\n\n  i\n",
        "memory: 128Mi\ncpu: 500m\naddress: 10.0.0.0/8\npath: /a/b\nyes: no\non: off\nmode: rw\nempty: ''\n",
        "a: 1\n---\n---\n- [b]\n- c: d\n  e: f\n---\ntext\n...\n",
        "a:\n- b\n-\n- - c\n  - {}\n  - []\n",
        "{\"a\": [10, \"b\"], \"c\": {\"d\": \"\\u00e9\"}}",
        "ключ: значение\nlong: this is\n  one text\n",
        "",
        "\n# nothing\n",
    ];
    for text in texts {
        assert!(agrees(text), "{text}");
    }
}

#[test]
fn what_is_rare_or_wrong_is_left_to_the_reader_of_all_yaml() {
    let texts = [
        "base: &base {x: 1}\n",
        "a: [*base]\n",
        "a: {<<: {b: c}}\n",
        "a: !!str 5\n",
        "1: one\n",
        "mode: 0644\n",
        "a: 1.5\n",
        "a: -1\n",
        "a: 0x1f\n",
        "a: 1_000\n",
        "a: .inf\n",
        "a: NaN\n",
        "a: 1234567890123456789\n",
        "a: b\na: c\n",
        "a: [1\n",
        "? {a: b}\n: c\n",
    ];
    for text in texts {
        assert!(read(text).is_none(), "{text}");
    }
    assert!(read(&("[".repeat(40) + &"]".repeat(40))).is_none());
    assert!(read(&"- a\n".repeat(5_000)).is_none());
    assert!(read(&"--- a\n".repeat(1_025)).is_none());
}

/// Pieces of which most texts are YAML, a `§` between two.
const PIECES: &str = "a§b: §c:\n§- §\n§  §    §{§}§[§]§, §: §'d'§\"e\"§# f§---\n§...\n§|\n§>-\n§1§0§12§0x1f§-3§1.5§1e3§true§No§null§~§inf§\
    +.inf§nan§8Mi§&g §*g§<<: §!!str §? §é§\t§\r\n§\u{feff}§2026-01-01§12:30§1_000§0o17§beef§%YAML 1.2\n§=§@§`";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]
    #[test]
    fn whatever_is_read_reads_the_same_with_all_of_yaml(
        pieces in prop::collection::vec(prop::sample::select(PIECES.split('§').collect::<Vec<_>>()), 0..24)
    ) {
        agrees(&pieces.concat());
    }
}
