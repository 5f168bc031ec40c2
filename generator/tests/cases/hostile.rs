//! Files made to hurt who reads them: each kind of file × each way to hurt. `knarr render` says what is wrong within two
//! seconds and 200 MB, and writes nothing. What it says is tests/cases/hostile.txt.

use crate::invalid::codes;
use crate::repository::{CASES, Repository, Said, all};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Files that are read as YAML.
const YAML: [&str; 8] = [
    "cluster.yaml",
    "knarr.lock",
    "nodes/edge.yaml",
    "peers/x1.yaml",
    "people/me.yaml",
    "apps/shop.yaml",
    "apps/shop/deployment.yaml",
    "sealed/mail/smtp.sealed.yaml",
];
/// Files that are texts or sealed, and what a render wrote: their bytes are compared before anything else.
const OTHERS: [&str; 10] = [
    "secrets/greeting.age",
    "secrets/sealing.crt",
    "secrets/server-ca.crt",
    "host/motd",
    ".knarr/known_hosts",
    ".knarr/deploy.pub",
    "rendered/owned.yaml",
    "rendered/mesh.yaml",
    "rendered/nodes/edge.yaml",
    "rendered/nodes/edge.age",
];

/// A way to hurt: the file, and a folder outside the repository.
type Way = fn(&Path, &Path);

/// Ways that only a reader of YAML knows.
const OF_YAML: [(&str, Way); 9] = [
    ("billion laughs", |file, _| put(file, laughs())),
    ("100,000 brackets that open", |file, _| put(file, "[".repeat(100_000))),
    ("100,000 brackets that close again", |file, _| put(file, brackets(100_000))),
    ("100,000 maps in maps", |file, _| put(file, "{a: ".repeat(100_000))),
    ("100,000 items in items", |file, _| put(file, "- ".repeat(100_000))),
    ("100 lists in lists", |file, _| put(file, brackets(100))),
    ("50,000 keys", |file, _| put(file, keys(50_000))),
    ("100,000 documents", |file, _| put(file, "--- {}\n".repeat(100_000))),
    ("each key twice", |file, _| edit(file, |bytes| [bytes, b"\n", bytes].concat())),
];
const OF_ALL: [(&str, Way); 16] = [
    ("100 MB", |file, _| fs::File::create(file).unwrap().set_len(100 << 20).unwrap()),
    ("1 MB of zeros", |file, _| put(file, [0; 1_000_000])),
    ("no bytes", |file, _| put(file, "")),
    ("bytes that are not UTF-8", |file, _| edit(file, |bytes| [b"# \xff\xfe\n", bytes].concat())),
    ("UTF-16", |file, _| edit(file, utf16)),
    ("UTF-8 with a byte order mark", |file, _| edit(file, |bytes| [b"\xef\xbb\xbf", bytes].concat())),
    ("CRLF", |file, _| edit(file, |bytes| String::from_utf8_lossy(bytes).replace('\n', "\r\n").into())),
    ("CR alone", |file, _| edit(file, |bytes| String::from_utf8_lossy(bytes).replace('\n', "\r").into())),
    ("a link out of the repository", |file, outside| link(file, &outside.join("file"))),
    ("a link to itself", |file, _| link(file, file)),
    ("a link to endless zeros", |file, _| link(file, Path::new("/dev/zero"))),
    ("its folder is a link", |file, outside| link_folder(file.parent().unwrap(), &outside.join("folder"))),
    ("a pipe", pipe),
    ("a folder", |file, _| folder(file)),
    ("a folder with a file", |file, _| {
        folder(file);
        put(&file.join("a.yaml"), "a: 1\n");
    }),
    ("another one in capitals", |file, _| {
        let capitals = file.file_name().unwrap().to_str().unwrap().to_uppercase();
        fs::copy(file, file.with_file_name(capitals.replace(".YAML", ".yaml").replace(".AGE", ".age")))
            .unwrap();
    }),
];

fn put(file: &Path, bytes: impl AsRef<[u8]>) {
    fs::write(file, bytes).unwrap();
}

fn edit(file: &Path, change: impl Fn(&[u8]) -> Vec<u8>) {
    put(file, change(&fs::read(file).unwrap()));
}

/// Each line is ten times the line before: 10⁹ of the first.
fn laughs() -> String {
    let line = |n: usize| format!("l{n}: &l{n} [{}]\n", vec![format!("*l{}", n - 1); 10].join(", "));
    (1..10).fold("l0: &l0 lol\n".to_owned(), |text, n| text + &line(n))
}

fn brackets(n: usize) -> String {
    format!("a: {}{}\n", "[".repeat(n), "]".repeat(n))
}

fn keys(n: usize) -> String {
    (0..n).fold(String::new(), |text, n| text + &format!("key-{n}: 1\n"))
}

fn utf16(bytes: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(bytes).into_owned();
    [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

fn link(file: &Path, to: &Path) {
    fs::remove_file(file).unwrap();
    symlink(to, file).unwrap();
}

fn link_folder(folder: &Path, to: &Path) {
    fs::rename(folder, to).unwrap();
    symlink(to, folder).unwrap();
}

fn pipe(file: &Path, _: &Path) {
    fs::remove_file(file).unwrap();
    assert!(Command::new("mkfifo").arg(file).status().unwrap().success());
}

fn folder(file: &Path) {
    fs::remove_file(file).unwrap();
    fs::create_dir(file).unwrap();
}

/// Returns what tells whether anything in a folder was written: nothing is read, for some of it must not be.
fn marks(folder: &Path) -> BTreeSet<(PathBuf, [i64; 4])> {
    let mut marks = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let meta = fs::symlink_metadata(&path).unwrap();
        if meta.is_dir() {
            marks.extend(self::marks(&path));
        }
        let [inode, length] = [meta.ino(), meta.len()].map(u64::cast_signed);
        marks.insert((path, [inode, length, meta.mtime(), meta.mtime_nsec()]));
    }
    marks
}

/// Returns the codes of what a render says, or how it went on; proves that it stays within bounds and refuses without a trace.
fn verdict(repository: &Repository, what: &str) -> String {
    let before = marks(repository.folder());
    let Said { text, code } = repository.bounded("render");
    let start = start(&text);
    let codes: Vec<&str> = codes(&text).into_iter().collect::<BTreeSet<_>>().into_iter().collect();
    match code {
        0 if text.contains("wrote ") => [codes.as_slice(), &["rendered"]].concat().join(" "),
        0 | 1 => {
            assert!(marks(repository.folder()) == before, "{what}: a refused render wrote something");
            assert!(code == 0 || !codes.is_empty(), "{what}: refused without a finding: {start}");
            if codes.is_empty() { "as before".to_owned() } else { codes.join(" ") }
        }
        _ => panic!("{what}: {code}: {start}"),
    }
}

fn base() -> Repository {
    let base = Repository::base();
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
    fs::create_dir(base.root().join(".knarr")).unwrap();
    put(&base.root().join(".knarr/known_hosts"), format!("git.example {key}\n"));
    put(&base.root().join(".knarr/deploy.pub"), format!("{key} deploy\n"));
    base
}

#[test]
fn no_file_hurts_and_each_is_answered_as_it_is_written_down() {
    let base = base();
    let files: Vec<PathBuf> = YAML.iter().chain(&OTHERS).map(PathBuf::from).collect();
    let answers = all(&files, |file| {
        let of_yaml = OF_YAML.iter().filter(|_| YAML.contains(&file.to_str().unwrap()));
        let in_folder = file.parent() != Some(Path::new(""));
        let ways = of_yaml.chain(&OF_ALL).filter(|(way, _)| in_folder || *way != "its folder is a link");
        let mut text = format!("{}\n", file.display());
        for (way, hurt) in ways {
            let repository = base.copied();
            let outside = repository.outside();
            hurt(&repository.root().join(file), &outside);
            let verdict = verdict(&repository, &format!("{}, {way}", file.display()));
            writeln!(text, "  {way}: {verdict}").unwrap();
        }
        text
    });
    let said: String = answers.into_iter().collect();
    expect_test::expect_file![Path::new(CASES).join("hostile.txt")].assert_eq(&said);
}

#[test]
fn a_hundred_thousand_files_are_too_many_wherever_they_lie() {
    let base = base();
    let hundred_thousand = base.folder().join("many");
    fs::create_dir(&hundred_thousand).unwrap();
    for n in 0..100_000 {
        fs::File::create(hundred_thousand.join(format!("n{n}.yaml"))).unwrap();
    }
    for folder in ["apps/shop/many", "nodes/many", "rendered/apps/many", "sealed/many"] {
        let there = base.root().join(folder);
        fs::rename(&hundred_thousand, &there).unwrap();
        let Said { text, code } = base.bounded("render");
        assert!(code == 1 && text.contains("error[KN0119]"), "{folder}: {code}: {}", start(&text));
        assert!(text.len() < 100_000, "{folder}: {} bytes are said", text.len());
        fs::rename(&there, &hundred_thousand).unwrap();
    }
    // What is no manifest is no business of knarr's.
    let docs = base.root().join("apps/shop/docs");
    fs::create_dir(&docs).unwrap();
    for n in 0..30_000 {
        fs::File::create(docs.join(format!("{n}.md"))).unwrap();
    }
    assert_eq!(base.bounded("render").text, "rendered/ is up to date\n");
}

#[test]
fn a_hundred_thousand_mistakes_are_counted_and_the_first_are_shown() {
    let repository = base();
    let edge = repository.root().join("nodes/edge.yaml");
    let text = fs::read_to_string(&edge).unwrap();
    let ports = "70000, ".repeat(100_000);
    for (list, columns) in
        [(format!("[{ports}]"), "one line"), (format!("\n{}", "- 70000\n".repeat(100_000)), "lines")]
    {
        put(&edge, text.replace("[80, 443]", &list));
        let Said { text, code } = repository.bounded("check");
        assert!(code == 1 && text.len() < 100_000, "{columns}: {code}: {}", start(&text));
        let end = "100000 errors; 99900 are not shown: knarr check --output json";
        assert!(text.trim_end().ends_with(end), "{columns}: {}", &text[text.len() - 300..]);
    }
}

fn start(text: &str) -> String {
    text.chars().take(500).collect()
}
