//! Sealed Secrets, judged by the real kubeseal: it opens ours, we open its, and neither opens what was moved.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod dropin;
mod live;

use aws_lc_rs::rand::SystemRandom;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use knarr::emit::{Line, yaml};
use knarr::seal::{
    Certificate, Form, Given, Keyring, Pair, Plain, Ring, Scope, SealedFile, SealedSecret, SealingKey,
    Template, Value,
};
use knarr_node::name::DataKey;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const SCOPES: [Scope; 3] = [Scope::Strict, Scope::NamespaceWide, Scope::ClusterWide];
const BITS: [u32; 2] = [2048, 4096];

type Values = BTreeMap<String, Vec<u8>>;

/// Literal, binary, empty, UTF-8, much of it, and many keys.
fn values() -> Values {
    let all: [(&str, Vec<u8>); 5] = [
        ("password", b"hunter2".to_vec()),
        ("binary.bin", (0..=255).collect()),
        ("empty", Vec::new()),
        ("text", "grüße 🦀\r\n: - 'yes'\n".into()),
        ("large", vec![b'x'; 900 << 10]),
    ];
    let many = (0..50).map(|n| (format!("key_{n}"), vec![n; usize::from(n)]));
    all.into_iter().map(|(key, value)| (key.to_owned(), value)).chain(many).collect()
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../generator/tests/keys").join(name)
}

fn key(bits: u32) -> SealingKey {
    SealingKey::read(&std::fs::read_to_string(fixture(&format!("sealing-{bits}.key"))).unwrap()).unwrap()
}

fn certificate(bits: u32) -> Certificate {
    Certificate::read(&std::fs::read(fixture(&format!("sealing-{bits}.crt"))).unwrap()).unwrap()
}

fn plain(scope: Scope, values: &Values) -> Plain {
    let value = |(key, bytes): (&String, &Vec<u8>)| (key.parse().unwrap(), Value::from(&bytes[..]));
    let values = values.iter().map(value).collect();
    let (name, namespace) = ("db".parse().unwrap(), "shop".parse().ok());
    Plain { name, namespace, scope, values, template: Template::opaque() }
}

fn sealed(to: &Certificate, scope: Scope, values: &Values) -> SealedSecret {
    SealedSecret::seal(to, &plain(scope, values), &SystemRandom::new()).unwrap()
}

fn text(sealed: &SealedSecret) -> String {
    yaml::to_string(sealed, Line::Fits).unwrap()
}

/// Runs the real kubeseal with something on standard input.
fn kubeseal(args: &[&str], input: &str) -> Output {
    let peers = knarr_tests::peers().expect("make peers builds kubeseal");
    let mut command = Command::new(peers.join("programs/kubeseal"));
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writing = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    let _ = writing.join().unwrap(); // a child that refuses early closes its end
    output
}

/// Lets kubeseal open a sealed file; none when it refuses.
fn opened_by_kubeseal(sealed: &str, key: &Path) -> Option<Values> {
    let output = kubeseal(&["--recovery-unseal", "--recovery-private-key", key.to_str().unwrap()], sealed);
    if !output.status.success() {
        return None;
    }
    let secret: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&secret["kind"], &secret["type"]), (&"Secret".into(), &"Opaque".into()));
    let data = secret["data"].as_object().unwrap();
    let value = |(key, value): (&String, &serde_json::Value)| {
        (key.clone(), STANDARD.decode(value.as_str().unwrap_or_default()).unwrap())
    };
    Some(data.iter().map(value).collect())
}

#[test]
fn kubeseal_opens_what_we_seal() {
    for bits in BITS {
        for scope in SCOPES {
            let sealed = text(&sealed(&certificate(bits), scope, &values()));
            let opened = opened_by_kubeseal(&sealed, &fixture(&format!("sealing-{bits}.key")));
            assert!(opened.as_ref() == Some(&values()), "{bits} bits, {scope}");
        }
    }
}

#[test]
fn we_open_what_kubeseal_seals() {
    let data: BTreeMap<String, String> =
        values().into_iter().map(|(key, value)| (key, STANDARD.encode(value))).collect();
    let metadata = serde_json::json!({"name": "db", "namespace": "shop"});
    let secret =
        serde_json::json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data});
    for bits in BITS {
        for (scope, format) in SCOPES.into_iter().flat_map(|scope| [(scope, "yaml"), (scope, "json")]) {
            let cert = fixture(&format!("sealing-{bits}.crt"));
            let scope_name = scope.to_string();
            let args = ["--cert", cert.to_str().unwrap(), "--scope", &scope_name, "--format", format];
            let output = kubeseal(&args, &secret.to_string());
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let there: SealedSecret = serde_saphyr::from_slice(&output.stdout).unwrap();
            assert_eq!(there.scope(), scope);
            let opened: Values = (key(bits).open(&there).unwrap().into_iter())
                .map(|(key, value): (DataKey, Value)| (key.to_string(), value.0.to_vec()))
                .collect();
            assert!(opened == values(), "{bits} bits, {scope}, {format}");
        }
    }
}

/// Returns the values of a Secret as text, of kubeseal's or ours.
fn data(secret: &[u8]) -> Values {
    let secret: serde_json::Value = serde_saphyr::from_slice(secret).unwrap();
    let value = |(key, value): (&String, &serde_json::Value)| {
        (key.clone(), STANDARD.decode(value.as_str().unwrap_or_default()).unwrap())
    };
    secret["data"].as_object().unwrap().iter().map(value).collect()
}

#[test]
fn we_read_secrets_as_kubeseal_does_and_keep_the_same_of_them() {
    let secret = r#"
apiVersion: v1
kind: Secret
metadata:
  name: db
  namespace: shop
  uid: 4b1c
  creationTimestamp: "2026-01-01T00:00:00Z"
  ownerReferences: [{apiVersion: v1, kind: Pod, name: a, uid: b}]
  labels: {tier: back}
  annotations: {kubectl.kubernetes.io/last-applied-configuration: hunter2, owner: me, sealedsecrets.bitnami.com/namespace-wide: "true"}
type: kubernetes.io/basic-auth
immutable: true
data: {password: aHVu, user: bWU=}
stringData: {password: hunter2}
"#;
    let cert = fixture("sealing-4096.crt");
    let theirs = kubeseal(&["--cert", cert.to_str().unwrap()], secret);
    let theirs: SealedSecret = serde_saphyr::from_slice(&theirs.stdout).unwrap();
    let plain = knarr::seal::secrets(secret, &Given::default()).unwrap().remove(0).secret.unwrap();
    let ours = SealedSecret::seal(&certificate(4096), &plain, &SystemRandom::new()).unwrap();
    let template = |sealed: &SealedSecret| {
        let mut template = sealed.spec.template.clone();
        template.metadata.rest.retain(|_, value| !value.is_null());
        template
    };
    assert_eq!(template(&ours), template(&theirs));
    assert_eq!(ours.scope(), theirs.scope());
    assert_eq!(key(4096).open(&ours).unwrap(), key(4096).open(&theirs).unwrap());
    let keyring = Keyring::read(&std::fs::read_to_string(fixture("sealing-4096.key")).unwrap()).unwrap();
    let recovery = fixture("sealing-4096.key");
    let opened_by_them =
        kubeseal(&["--recovery-unseal", "--recovery-private-key", recovery.to_str().unwrap()], &text(&ours));
    let values = keyring.open_all(&theirs).unwrap();
    for form in [Form::Yaml, Form::Json] {
        let opened = knarr::seal::opened(&theirs, &values, form).unwrap();
        assert_eq!(data(opened.as_bytes()), data(&opened_by_them.stdout));
    }
}

#[test]
fn a_value_of_a_mebibyte_goes_both_ways() {
    let large = Values::from([("large".to_owned(), vec![b'x'; 1 << 20])]);
    let sealed = text(&sealed(&certificate(4096), Scope::Strict, &large));
    assert_eq!(opened_by_kubeseal(&sealed, &fixture("sealing-4096.key")), Some(large));
}

#[test]
fn each_merges_into_files_of_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let (cert, path) = (fixture("sealing-4096.crt"), folder.path().join("db.json"));
    let args = ["--cert", cert.to_str().unwrap(), "--merge-into", path.to_str().unwrap()];
    let one = Values::from([("a".to_owned(), b"1".to_vec())]);
    for scope in SCOPES {
        let ours = sealed(&certificate(4096), scope, &one);
        std::fs::write(&path, serde_json::to_string(&ours).unwrap()).unwrap();
        let scope = scope.to_string();
        let more =
            "kind: Secret\napiVersion: v1\nmetadata: {name: db, namespace: shop}\nstringData: {b: '2'}\n";
        let merged = kubeseal(&[&args[..], &["--scope", &scope]].concat(), more);
        assert!(merged.status.success(), "{}", String::from_utf8_lossy(&merged.stderr));
        let mut there: SealedSecret = serde_saphyr::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let values = BTreeMap::from([("c".parse().unwrap(), Value::from(&b"3"[..]))]);
        there.put(&certificate(4096), &values, &SystemRandom::new()).unwrap();
        let all = [("a", "1"), ("b", "2"), ("c", "3")].map(|(key, value)| (key.to_owned(), value.into()));
        let opened = opened_by_kubeseal(&text(&there), &fixture("sealing-4096.key"));
        assert_eq!(opened, Some(Values::from(all)), "{scope}");
    }
}

#[test]
fn what_we_seal_again_with_a_newer_key_kubeseal_opens_with_that_alone() {
    for (scope, form) in SCOPES.into_iter().flat_map(|scope| [(scope, "yaml"), (scope, "json")]) {
        let plain = r#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"db","namespace":"shop"},"type":"Opaque","stringData":{"a":"1"}}"#;
        let (cert, name) = (fixture("sealing-2048.crt"), scope.to_string());
        let theirs = kubeseal(&["--cert", cert.to_str().unwrap(), "--scope", &name, "--format", form], plain);
        let file = SealedFile::read(std::str::from_utf8(&theirs.stdout).unwrap()).unwrap();
        let mut new = file.entries[0].sealed.clone();
        let values = key(2048).open(&new).unwrap();
        new.put(&certificate(4096), &values, &SystemRandom::new()).unwrap();
        let text = file.with(&[new]).unwrap();
        let opened = opened_by_kubeseal(&text, &fixture("sealing-4096.key"));
        assert_eq!(opened, Some(Values::from([("a".to_owned(), b"1".to_vec())])), "{scope} {form}");
        assert_eq!(opened_by_kubeseal(&text, &fixture("sealing-2048.key")), None);
    }
}

#[test]
fn kubeseal_and_we_agree_on_what_does_not_open() {
    let one = Values::from([("password".to_owned(), b"hunter2".to_vec())]);
    let moves = [("shop", "db"), ("shop", "other"), ("other", "db"), ("other", "other")];
    for (scope, (namespace, name)) in SCOPES.into_iter().flat_map(|scope| moves.map(|to| (scope, to))) {
        let mut there = sealed(&certificate(2048), scope, &one);
        there.metadata.namespace = namespace.parse().ok();
        there.metadata.name = name.parse().unwrap();
        let theirs = opened_by_kubeseal(&text(&there), &fixture("sealing-2048.key")).is_some();
        assert_eq!(key(2048).open(&there).is_ok(), theirs, "{scope} in {namespace}/{name}");
    }
    let there = text(&sealed(&certificate(2048), Scope::Strict, &one));
    assert_eq!(opened_by_kubeseal(&there, &fixture("sealing-4096.key")), None);
}

#[test]
fn kubeseal_takes_certificate_and_key_of_a_new_repository() {
    let folder = tempfile::tempdir().unwrap();
    let pair =
        Pair::of(key(4096), &"harbor".parse().unwrap(), "2026-11-21T00:00:00Z".parse().unwrap()).unwrap();
    let [cert, keys] = ["sealing.crt", "sealing-keys.json"].map(|name| folder.path().join(name));
    std::fs::write(&cert, &pair.pem).unwrap();
    std::fs::write(&keys, &*Ring::from(pair).manifest()).unwrap();
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\ntype: Opaque\nstringData: {a: b}\n";
    let sealed = kubeseal(&["--cert", cert.to_str().unwrap(), "--format", "yaml"], secret);
    assert!(sealed.status.success(), "{}", String::from_utf8_lossy(&sealed.stderr));
    let opened = opened_by_kubeseal(std::str::from_utf8(&sealed.stdout).unwrap(), &keys);
    assert_eq!(opened, Some(Values::from([("a".to_owned(), b"b".to_vec())])));
}
