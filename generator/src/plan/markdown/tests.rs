use super::*;
use crate::plan::{Left, ObjectRow, Turn};
use proptest::prelude::*;

fn object(name: &str) -> ObjectRow {
    ObjectRow {
        turn: Turn::Removed,
        kind: "ConfigMap".to_owned(),
        namespace: "shop".to_owned(),
        name: name.to_owned(),
        left: Some(Left::Deleted),
        destroys: None,
    }
}

fn planned(names: &[&str]) -> Planned {
    let objects = names.iter().map(|name| object(name)).collect();
    let app = AppRow { app: "shop".to_owned(), turn: Turn::Changed, objects };
    Planned {
        nodes: Vec::new(),
        apps: vec![app],
        servers: Vec::new(),
        destroys: names.iter().map(|name| format!("shop: {name} goes")).collect(),
        notes: Vec::new(),
    }
}

const HOSTILE: [&str; 12] = [
    "a|b",
    "a\\|b",
    "`x` ``",
    "</code><img src=x onerror=alert(1)>",
    "[click](https://evil.example)",
    "@octocat #1 !2 &3 %4 ~bug",
    "www.evil.example",
    "a\n\n/merge\n",
    "<!-- knarr-plan -->",
    "</details>",
    "\u{202e}txt.exe",
    "![x](data:,)",
];

#[test]
fn names_of_others_are_no_markdown_and_no_html() {
    let text = markdown(&planned(&HOSTILE), "a</code>..b");
    for tag in ["<img", "</code><", "[click]", "](", "@", "www.", "\\", "`x", "\u{202e}"] {
        let whole = text.replace("</code> |", "").replace("</code> would", "");
        assert!(!whole.contains(tag), "{tag} in {text}");
    }
    assert_eq!(text.matches(MARK).count(), 1);
    assert!(!text.contains("</details>") && !text.lines().any(|line| line.starts_with("/merge")), "{text}");
    assert!(
        text.lines().filter(|line| line.starts_with("| <code>")).all(|line| line.matches('|').count() == 4)
    );
}

proptest! {
    #[test]
    fn whatever_a_name_is_only_letters_and_references_come_out(name in any::<String>()) {
        for text in [code(&name), plain(&name)] {
            let inner = text.strip_prefix("<code>").and_then(|text| text.strip_suffix("</code>")).unwrap_or(&text);
            let odd = |c: char| !(c.is_alphanumeric() || " ,-/&#;".contains(c));
            prop_assert!(!inner.contains(odd) || name.chars().count() > CELL, "{inner}");
            let references = inner.split('&').skip(1);
            for reference in references {
                let digits = reference.strip_prefix('#').and_then(|rest| rest.split_once(';')).map(|(digits, _)| digits);
                prop_assert!(digits.is_some_and(|digits| digits.parse::<u32>().is_ok()), "{inner}");
            }
        }
    }
}

#[test]
fn a_long_plan_is_cut_and_says_how_much_is_missing() {
    let names: Vec<String> = (0..5000).map(|n| format!("config-{n}")).collect();
    let text = markdown(&planned(&names.iter().map(String::as_str).collect::<Vec<_>>()), "a..b");
    assert!(
        text.len() < 65_536 && text.contains("<details>") && text.contains("</details>"),
        "{}",
        text.len()
    );
    let listed = text.lines().filter(|line| line.starts_with("- shop")).count();
    let rows = text.lines().filter(|line| line.contains("&#126; shop") || line.contains("| <code>")).count();
    assert!(listed > 100 && rows > 100, "{listed} {rows}");
    let last = text.lines().last().unwrap();
    let missing = format!("{} of “Destroys data”, {} of “lines by app”", 5000 - listed, 5000 - rows);
    assert!(last.contains(&missing), "{last}, not {missing}");
}

#[test]
fn a_single_name_cannot_fill_the_page() {
    let long = "x".repeat(100_000);
    let text = markdown(&planned(&[&long]), "a..b");
    assert!(text.len() < 65_536 && text.contains("characters more"), "{}", text.len());
}

#[test]
fn nothing_is_said_to_be_nothing() {
    let text = markdown(&Planned { apps: Vec::new(), destroys: Vec::new(), ..planned(&[]) }, "a..b");
    assert!(text.ends_with("Nothing changes on any machine; nothing in the cluster.\n"), "{text}");
}
