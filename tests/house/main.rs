//! The rules of the house that no lint knows: licences, banned crates, reasons, directions.

mod reference;

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Licences that may stand in the tree; an expression needs one alternative made of these.
const LICENCES: [&str; 15] = [
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "Unicode-3.0",
    "CC0-1.0",
    "MPL-2.0",
    "WTFPL",
    "BSL-1.0",
    "Unlicense",
];

/// Crates that must not come in, each with what we use.
const BANNED: [(&str, &str); 7] = [
    ("ring", "aws-lc-rs: two providers make rustls panic"),
    ("openssl-sys", "aws-lc-rs"),
    ("native-tls", "rustls"),
    ("serde_yaml", "serde-saphyr: archived, leaves `y` and `on` bare"),
    ("serde_yml", "serde-saphyr: RUSTSEC-2025-0068"),
    ("libssh2-sys", "the system's ssh"),
    ("backoff", "RUSTSEC-2025-0012"),
];

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the workspace").to_owned()
}

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version=1",
            "--locked",
            "--offline",
            "--filter-platform=x86_64-unknown-linux-gnu",
        ])
        .current_dir(top())
        .output()
        .expect("cargo runs, for it runs this test");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo prints JSON")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("cargo's metadata has a list here")
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Returns the packages that are linked into a program of ours or run while it is built.
fn linked(metadata: &Value) -> Vec<&Value> {
    let nodes: BTreeMap<String, &Value> =
        list(&metadata["resolve"]["nodes"]).iter().map(|node| (text(&node["id"]), node)).collect();
    let mut todo: Vec<String> = list(&metadata["workspace_members"]).iter().map(text).collect();
    let mut seen = BTreeSet::new();
    while let Some(id) = todo.pop() {
        let deps = list(&nodes[&id]["deps"]);
        if seen.insert(id) {
            let used = |dep: &&Value| list(&dep["dep_kinds"]).iter().any(|kind| kind["kind"] != "dev");
            todo.extend(deps.iter().filter(used).map(|dep| text(&dep["pkg"])));
        }
    }
    list(&metadata["packages"]).iter().filter(|package| seen.contains(&text(&package["id"]))).collect()
}

/// Whether one alternative of an SPDX expression consists of allowed licences. Brackets do not nest in practice.
fn allowed(expression: &str) -> bool {
    let flat = expression.replace(['(', ')'], " ").replace('/', " OR ");
    let all = |alternative: &str| alternative.split(" AND ").all(|one| LICENCES.contains(&one.trim()));
    if expression.contains(") AND ") || expression.contains(" AND (") {
        let parts = expression.split(" AND ").map(|part| part.replace(['(', ')'], " "));
        return parts.into_iter().all(|part| part.split(" OR ").any(all));
    }
    flat.split(" OR ").any(all)
}

#[test]
fn every_linked_crate_has_an_allowed_licence() {
    let metadata = metadata();
    let bad: Vec<String> = (linked(&metadata).into_iter())
        .filter(|package| !allowed(package["license"].as_str().unwrap_or("none")))
        .map(|package| format!("{} {}", package["name"], package["license"]))
        .collect();
    assert!(bad.is_empty(), "licences that are not allowed: {bad:#?}");
}

/// Returns the names of crates that are built for this machine. Metadata would add what only other systems need,
/// for it knows one set of features for all of them.
fn built() -> BTreeSet<String> {
    let words = ["tree", "--workspace", "--edges=normal,build", "--prefix=none", "--format={p}", "--offline"];
    let output = Command::new(env!("CARGO")).args(words).current_dir(top()).output();
    let output = output.expect("cargo runs, for it runs this test");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).expect("names of crates are ASCII");
    lines.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn no_banned_crate_is_linked() {
    let names = built();
    assert!(names.contains("aws-lc-rs"), "the walk sees what is linked");
    for (name, instead) in BANNED {
        assert!(
            !names.contains(name),
            "`{name}` is banned, use {instead}; `cargo tree -i {name}` says who brings it"
        );
    }
}

#[test]
fn neither_program_uses_the_other() {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().unwrap();
    let ours = ["knarr-node", "knarr", "knarrd"];
    for (name, may) in
        [("knarr-node", &[][..]), ("knarr", &["knarr-node"][..]), ("knarrd", &["knarr-node"][..])]
    {
        let package = packages.iter().find(|package| package["name"] == name).unwrap();
        let deps = package["dependencies"].as_array().unwrap().iter().filter_map(|dep| dep["name"].as_str());
        let inside: Vec<&str> = deps.filter(|dep| ours.contains(dep) && !may.contains(dep)).collect();
        assert!(inside.is_empty(), "{name} depends on {inside:?}");
    }
}

#[test]
fn every_dependency_has_its_reason_beside_it() {
    let text = std::fs::read_to_string(top().join("Cargo.toml")).unwrap();
    let part = text.split("[workspace.dependencies]").nth(1).unwrap().split("\n[").next().unwrap();
    let bare: Vec<&str> = part
        .lines()
        .filter(|line| line.contains('=') && !line.starts_with('#') && !line.contains("path = "))
        .filter(|line| !line.contains("# "))
        .collect();
    assert!(bare.is_empty(), "say why: {bare:#?}");
}
