use super::*;
use std::convert::Infallible;

/// A commit of a table: its letter, who signed it by whose set, what it approves, what it touches.
struct Row(char, Signed, &'static str, &'static str);

#[derive(Clone, Copy)]
enum Signed {
    /// By somebody whom only the commits in the text name as a signer.
    OneOf(&'static str),
    Recovery,
    No,
}
use Signed::{No, OneOf, Recovery};

/// Everybody knows the signer.
const ANY: Signed = OneOf("0abcdef");

fn oid(letter: char) -> Oid {
    letter.to_string().repeat(40).parse().unwrap()
}

struct Table<'a>(&'a [Row]);

impl Judge for Table<'_> {
    type Error = Infallible;
    fn by(&mut self, commit: &Oid, under: &Oid) -> Result<By, Infallible> {
        let row = self.0.iter().find(|row| oid(row.0) == *commit).unwrap();
        let known = |names: &str| names.chars().any(|name| oid(name) == *under);
        Ok(match row.1 {
            OneOf(names) if known(names) => By::Signer,
            Recovery => By::Recovery,
            OneOf(_) => By::Nobody("an unknown key signed it".into()),
            No => By::Nobody("it is not signed".into()),
        })
    }
}

/// Returns the letter of the last accepted commit and those of the pending ones.
fn walk(rows: &[Row]) -> (char, String) {
    let link = |row: &Row| Link {
        id: oid(row.0),
        approves: row.2.chars().map(|letter| oid(letter).to_string()).collect(),
        touches: row.3.split_whitespace().map(|path| path.parse().unwrap()).collect(),
    };
    let links: Vec<Link> = rows.iter().map(link).collect();
    let Ok(accepted) = accept(oid('0'), &links, &mut Table(rows));
    let letter = |id: &Oid| id.as_str().chars().next().unwrap();
    (letter(&accepted.last), accepted.pending.iter().map(|pending| letter(&pending.id)).collect())
}

#[test]
fn each_chain_is_accepted_as_far_as_it_should_be() {
    let trust = "cluster.yaml rendered/access/signers rendered/owned.yaml";
    let cases: &[(&str, &[Row], (char, &str))] = &[
        ("nothing new", &[], ('0', "")),
        ("signed ones follow each other", &[Row('a', ANY, "", ""), Row('b', ANY, "", "")], ('b', "")),
        ("an unsigned one waits", &[Row('a', No, "", "")], ('0', "a")),
        ("only what is below counts", &[Row('a', ANY, "", ""), Row('b', No, "", "")], ('a', "b")),
        ("a signature alone approves nothing", &[Row('a', No, "", ""), Row('b', ANY, "", "")], ('0', "ab")),
        ("an approval counts", &[Row('a', No, "", ""), Row('b', ANY, "0", "")], ('b', "")),
        ("an approval of something else", &[Row('a', No, "", ""), Row('b', ANY, "a", "")], ('0', "ab")),
        ("an unsigned approval", &[Row('a', No, "", ""), Row('b', No, "0", "")], ('0', "ab")),
        (
            "an approval names the last accepted, not an older one",
            &[Row('a', ANY, "", ""), Row('b', No, "", ""), Row('c', ANY, "0", "")],
            ('a', "bc"),
        ),
        (
            "a second approval mends a wrong one",
            &[Row('a', No, "", ""), Row('b', ANY, "f", ""), Row('c', ANY, "0", "")],
            ('c', ""),
        ),
        (
            "one of several approvals is enough",
            &[Row('a', No, "", ""), Row('b', No, "", ""), Row('c', ANY, "f0", "")],
            ('c', ""),
        ),
        ("a needless approval does no harm", &[Row('a', ANY, "f", "")], ('a', "")),
        (
            "signers change by the old set",
            &[Row('a', OneOf("0"), "", ""), Row('b', OneOf("a"), "", "")],
            ('b', ""),
        ),
        (
            "who was removed signs nothing more",
            &[Row('a', OneOf("0"), "", ""), Row('b', OneOf("0"), "", "")],
            ('a', "b"),
        ),
        (
            "a pending commit names no signers",
            &[Row('a', No, "", ""), Row('b', OneOf("a"), "0", "")],
            ('0', "ab"),
        ),
        (
            "after an approval its own signers count",
            &[Row('a', No, "", ""), Row('b', OneOf("0"), "0", ""), Row('c', OneOf("b"), "", "")],
            ('c', ""),
        ),
        ("recovery changes trust", &[Row('a', Recovery, "", trust), Row('b', OneOf("a"), "", "")], ('b', "")),
        (
            "recovery changes nothing else",
            &[Row('a', Recovery, "", "cluster.yaml nodes/edge.yaml")],
            ('0', "a"),
        ),
        ("nor what acts", &[Row('a', Recovery, "", "rendered/nodes/edge.yaml")], ('0', "a")),
        ("recovery approves nothing", &[Row('a', No, "", ""), Row('b', Recovery, "0", trust)], ('0', "ab")),
    ];
    for (name, rows, (last, pending)) in cases {
        assert_eq!(walk(rows), (*last, (*pending).to_owned()), "{name}");
    }
}

#[test]
fn each_pending_commit_says_why() {
    let rows = [Row('a', No, "", ""), Row('b', OneOf("f"), "", ""), Row('c', ANY, "", "")];
    let link = |row: &Row| Link { id: oid(row.0), approves: Vec::new(), touches: Vec::new() };
    let links: Vec<Link> = rows.iter().map(link).collect();
    let Ok(accepted) = accept(oid('0'), &links, &mut Table(&rows));
    let whys: Vec<&str> = accepted.pending.iter().map(|pending| pending.why.as_str()).collect();
    assert_eq!(
        whys,
        [
            "it is not signed",
            "an unknown key signed it",
            "it lies on commits that nobody approved since 0000000"
        ]
    );
}

#[test]
fn an_approval_is_a_trailer_of_the_last_paragraph() {
    let cases = [
        ("title\n\nApproves: abc\n", &["abc"][..]),
        ("title\r\n\r\nApproves: abc\r\n", &["abc"]),
        ("title\n\nbody\n\nSigned-off-by: me\napproves:  abc \nApproves: def", &["abc", "def"]),
        ("Approves: abc", &[]),
        ("title\n\nApproves: abc\n\nlater words", &[]),
        ("title\n\n> Approves: abc", &[]),
        ("title\n\n Approves: abc", &[]),
    ];
    for (message, approves) in cases {
        assert_eq!(approvals(message), approves, "{message:?}");
    }
}
