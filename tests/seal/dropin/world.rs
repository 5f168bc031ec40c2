//! Two folders with the same files, one for each program, and what the outputs mean.

use crate::{fixture, key};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use knarr::seal::{Pair, Ring};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

const KUBECONFIG: &str = "{apiVersion: v1, kind: Config, current-context: own,
  contexts: [{name: own, context: {cluster: a, user: a}}, {name: other, context: {cluster: a, user: a, namespace: theirs}}],
  users: [{name: a, user: {token: secret}}],
  clusters: [{name: a, cluster: {server: 'https://127.0.0.1:1'}}]}";
const SEALED: &str = r#"kind: Secret
metadata: {name: db, namespace: shop, labels: {tier: back}, annotations: {owner: me}}
type: Opaque
stringData: {a: "1", empty: ""}
"#;

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

pub(crate) struct World {
    theirs: TempDir,
    ours: TempDir,
    /// Words before each command.
    enter: Vec<String>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::within(&["env".to_owned()], KUBECONFIG)
    }

    /// Makes the folders; each command runs behind these words.
    pub(crate) fn within(enter: &[String], kubeconfig: &str) -> Self {
        let [theirs, ours] = [(), ()].map(|()| tempfile::tempdir().unwrap());
        let world = Self { theirs, ours, enter: enter.to_vec() };
        std::os::unix::fs::symlink(knarr_tests::built("knarr"), world.ours.path().join("kubeseal")).unwrap();
        let peers = knarr_tests::peers().expect("make peers builds kubeseal");
        std::os::unix::fs::symlink(peers.join("programs/kubeseal"), world.theirs.path().join("kubeseal"))
            .unwrap();
        for (name, text) in world.files(kubeconfig) {
            for folder in [&world.theirs, &world.ours] {
                fs::write(folder.path().join(&name), &text).unwrap();
            }
        }
        world
    }

    /// Returns what both find.
    fn files(&self, kubeconfig: &str) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        let mut put = |name: &str, text: &[u8]| drop(files.insert(name.to_owned(), text.to_vec()));
        for (name, from) in [
            ("cert.pem", "sealing-2048.crt"),
            ("key.pem", "sealing-2048.key"),
            ("key.pkcs8", "sealing-2048.pkcs8"),
            ("other.pem", "sealing-4096.key"),
            ("ec.pem", "ec.crt"),
        ] {
            put(name, &fs::read(fixture(from)).unwrap());
        }
        let since = "2026-11-21T00:00:00Z".parse().unwrap();
        let ring = Ring::from(Pair::of(key(2048), &"harbor".parse().unwrap(), since).unwrap()).manifest();
        let list: Value = serde_json::from_slice(&ring).unwrap();
        put("keys.json", &ring);
        put("keys.yaml", list["items"][0].to_string().as_bytes());
        put("kubeconfig", kubeconfig.as_bytes());
        put("value", b"hunter2");
        put("empty.yaml", b"");
        put("secret.yaml", SEALED.as_bytes());
        put("more.yaml", SEALED.replace("a: \"1\"", "c: \"3\"").as_bytes());
        let cert = format!("--cert {}", fixture("sealing-2048.crt").display());
        let sealed = self.theirs(&cert, SEALED, &[]).out;
        put("sealed.json", sealed.as_bytes());
        put("sealed.yaml", self.theirs(&format!("{cert} -o yaml"), SEALED, &[]).out.as_bytes());
        put("moved.yaml", sealed.replace("\"shop\"", "\"elsewhere\"").as_bytes());
        let edited = |edit: &dyn Fn(&mut Value)| {
            let mut object = serde_json::from_str(&sealed).unwrap();
            edit(&mut object);
            object.to_string()
        };
        let damaged = edited(&|object| object["spec"]["encryptedData"]["a"] = json!("AQBYzuuC"));
        put("damaged.yaml", damaged.as_bytes());
        let templated = edited(&|object| object["spec"]["template"]["data"] = json!({"plain": "as it is"}));
        put("templated.yaml", templated.as_bytes());
        files
    }

    pub(crate) fn our_file(&self, name: &str) -> PathBuf {
        self.ours.path().join(name)
    }

    pub(crate) fn ours(&self, words: &str, input: &str, variables: &[(&str, &str)]) -> Ran {
        self.run(&self.ours, words, input, variables)
    }

    fn theirs(&self, words: &str, input: &str, variables: &[(&str, &str)]) -> Ran {
        self.run(&self.theirs, words, input, variables)
    }

    fn run(&self, folder: &TempDir, words: &str, input: &str, variables: &[(&str, &str)]) -> Ran {
        let mut command = Command::new(&self.enter[0]);
        command.args(&self.enter[1..]).arg(folder.path().join("kubeseal"));
        command.args(words.split(' ').filter(|word| !word.is_empty())).current_dir(folder.path());
        let path = std::env::var_os("PATH").unwrap();
        command.env_clear().env("PATH", path).env("HOME", folder.path()).envs(variables.iter().copied());
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes()); // who refuses early closes its end
        let output = child.wait_with_output().unwrap();
        let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        Ran { code: output.status.code(), out, err }
    }

    /// Types the same to kubeseal and to us.
    pub(crate) fn both(&self, words: &str, input: &str, variables: &[(&str, &str)]) -> [Ran; 2] {
        [self.theirs(words, input, variables), self.ours(words, input, variables)]
    }

    /// Types the same to both, and compares what comes of it.
    pub(crate) fn same(&self, words: &str, input: &str, variables: &[(&str, &str)]) {
        let [theirs, ours] = self.both(words, input, variables);
        let told = format!("kubeseal {words} {variables:?}\ntheirs: {theirs:?}\nours: {ours:?}");
        assert_eq!(ours.code, theirs.code, "{told}");
        if ours.code == Some(0) {
            assert_eq!(
                self.meaning(&ours.out, Self::they_open),
                self.meaning(&theirs.out, Self::we_open),
                "{told}"
            );
        } else {
            assert_eq!(ours.out, "", "{told}"); // kubeseal puts its usage and the first of several Secrets there
        }
        let (their_files, our_files) = (written(self.theirs.path()), written(self.ours.path()));
        let names = |files: &BTreeMap<String, String>| files.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&our_files), names(&their_files), "{told}");
        for (name, text) in &our_files {
            let (ours, theirs) =
                (self.meaning(text, Self::they_open), self.meaning(&their_files[name], Self::we_open));
            assert_eq!(ours, theirs, "{name} of {told}");
        }
    }

    /// Lets kubeseal open one sealed Secret.
    pub(crate) fn they_open(&self, sealed: &str) -> Value {
        opened(&self.theirs("--recovery-unseal --recovery-private-key key.pem,other.pem", sealed, &[]))
    }

    /// Opens one sealed Secret by the same command line.
    pub(crate) fn we_open(&self, sealed: &str) -> Value {
        opened(&self.ours("--recovery-unseal --recovery-private-key key.pem,other.pem", sealed, &[]))
    }

    /// Returns what a text means: its objects, of sealed ones what the other program finds in them; else its lines.
    fn meaning(&self, text: &str, open: fn(&Self, &str) -> Value) -> Vec<Value> {
        let text = text.replace("version: v0.", "version: 0."); // its releases do not say the `v`
        let text = text.replace("Flag --rotate has been deprecated, please use --re-encrypt instead\n", ""); // among its output
        let mut documents = text.split("\n---\n").flat_map(|part| {
            let objects =
                serde_json::Deserializer::from_str(part).into_iter().collect::<Result<Vec<Value>, _>>();
            objects.or_else(|_| serde_saphyr::from_multiple::<Value>(part)).unwrap_or_default()
        });
        let objects: Vec<Value> = documents.by_ref().filter(Value::is_object).collect();
        if objects.is_empty() {
            return text.lines().map(|line| json!(line)).collect();
        }
        let object = |mut object: Value| {
            if object["kind"] == "SealedSecret" {
                object["spec"]["encryptedData"] = open(self, &object.to_string());
            }
            plain(object)
        };
        objects.into_iter().map(object).collect()
    }
}

fn opened(ran: &Ran) -> Value {
    if ran.code == Some(0) { plain(serde_json::from_str(&ran.out).unwrap()) } else { json!("does not open") }
}

fn trim(value: &mut Value) {
    if let Some(map) = value.as_object_mut() {
        map.values_mut().for_each(trim);
        map.retain(|key, value| key != "ownerReferences" && !value.is_null() && *value != json!({}));
    }
}

/// Drops what says nothing: nulls and empty maps, the owner without uid; an empty value may be null, too.
fn plain(mut object: Value) -> Value {
    if let Some(data) = object["data"].as_object_mut() {
        data.values_mut().filter(|value| value.is_null()).for_each(|value| *value = json!(""));
        data.values().for_each(|value| drop(STANDARD.decode(value.as_str().unwrap()).unwrap()));
    }
    trim(&mut object);
    object
}

/// Returns the files of a folder but the programs.
fn written(folder: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    let files = entries.filter(|entry| entry.file_type().unwrap().is_file());
    let text = |path: PathBuf| String::from_utf8(fs::read(path).unwrap()).unwrap();
    files.map(|entry| (entry.file_name().into_string().unwrap(), text(entry.path()))).collect()
}
