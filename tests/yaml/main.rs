//! What we write is read back exactly by others: Kubernetes' own YAML library, go-yaml, and PyYAML.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod table;

use knarr::emit::{Line, yaml};
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

const LINES: [Line; 3] = [Line::Fits, Line::EachEntry, Line::EachMachine];

/// Texts that readers of YAML like to take for something else.
fn hostile() -> Vec<String> {
    serde_json::from_str(include_str!("../../generator/tests/hostile.json")).unwrap()
}

/// Each text as a value and as a key, alone and among others, in maps, in lists, on one line and in blocks.
fn shapes(text: &str) -> Vec<Value> {
    let long = "x".repeat(120);
    vec![
        json!({"k": text}),
        json!({text: "v"}),
        json!({text: text}),
        json!({"k": {text: {text: [text]}}}),
        json!({"long": long, "k": {text: [long, text, {text: text, "z": 1}]}}),
        json!([text, [text, text], {"k": text}, {text: null}]),
        json!({"list": [{"file": {"path": "/etc/x", "text": text}}, text]}),
        json!({"metadata": {"annotations": {text: text, "long": long}}, "data": {"a": text, "b": "one\ntwo\n", "c": text}}),
    ]
}

/// What is no text: each kind of number, and what is empty.
fn others() -> Vec<Value> {
    let numbers =
        ["0", "-1", "9007199254740993", "-9223372036854775808", "1.5", "-0.25", "1e-7", "1e21", "1.5e300"];
    let numbers = numbers.iter().map(|number| serde_json::from_str::<Value>(number).unwrap());
    numbers.chain([json!(null), json!(true), json!(false), json!([]), json!({}), json!([[], {}])]).collect()
}

/// Lets a program read texts, and returns what each says.
fn read_by(program: &mut Command, texts: &[String]) -> Vec<Value> {
    let name = format!("{program:?}");
    let mut child = program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect(&name);
    let (mut stdin, input) = (child.stdin.take().unwrap(), serde_json::to_vec(texts).unwrap());
    let writing = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    writing.join().unwrap().unwrap_or_else(|_| panic!("{name} reads what it is given"));
    assert!(output.status.success(), "{name} cannot read at all: for PyYAML, make setup");
    let all: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(all.len(), texts.len());
    all
}

fn reads_back(program: &mut Command) {
    let texts = hostile();
    assert!(texts.len() >= 90, "{} hostile texts", texts.len());
    let of_others = others().into_iter().map(|value| json!({"k": value, "list": [value]}));
    let values: Vec<Value> = texts.iter().flat_map(|text| shapes(text)).chain(of_others).collect();
    let each =
        values.iter().flat_map(|value| LINES.map(|line| (value, yaml::to_string(value, line).unwrap())));
    let (wanted, written): (Vec<&Value>, Vec<String>) = each.unzip();
    let said = read_by(program, &written);
    let wrong = wanted.iter().zip(&written).zip(&said).filter(|((value, _), said)| said["value"] != ***value);
    let wrong: Vec<String> = wrong.map(|((value, text), said)| format!("{value}\n{text}{said}")).collect();
    assert!(
        wrong.is_empty(),
        "{} of {} are read otherwise:\n\n{}",
        wrong.len(),
        said.len(),
        wrong.join("\n\n")
    );
}

fn readers(name: &str) -> Command {
    let peers = knarr_tests::peers().expect("make peers builds the readers");
    let mut command = Command::new(peers.join("readers"));
    command.arg(name);
    command
}

#[test]
fn kubernetes_reads_back_what_we_write() {
    reads_back(&mut readers("kubernetes"));
}

#[test]
fn go_yaml_reads_back_what_we_write() {
    reads_back(&mut readers("go"));
}

#[test]
fn pyyaml_reads_back_what_we_write() {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("yaml/read.py");
    // Debian's own, for which tests/setup installs the library: another Python of this machine may lack it.
    reads_back(Command::new("/usr/bin/python3").arg(program));
}
