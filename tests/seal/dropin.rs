//! The same command lines, typed to kubeseal and to knarr by that name: same exit codes, same files, same meaning.

mod server;
pub(crate) mod world;

use serde_json::json;
use server::Server;
use std::os::unix::fs::PermissionsExt;
use world::{Ran, World};

const OPAQUE: &str =
    r#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"db"},"type":"Opaque","stringData":{"a":"1"}}"#;
const FULL: &str = r#"apiVersion: v1
kind: Secret
metadata: {name: db, namespace: shop, uid: 4b1c, labels: {tier: back}, annotations: {owner: me, sealedsecrets.bitnami.com/namespace-wide: "true"}}
type: kubernetes.io/basic-auth
immutable: true
data: {password: aHVu, user: bWU=, empty: ""}
stringData: {password: hunter2}
"#;
const TWO: &str = "kind: Secret\nmetadata: {name: a, namespace: x}\nstringData: {a: one}\n---\nkind: Secret\nmetadata: {name: b, namespace: z}\nstringData: {b: two}\n";
const EMPTY: &str = "kind: Secret\nmetadata: {name: a, namespace: x}\n";
const MORE: &str = "kind: Secret\nmetadata: {name: other, namespace: elsewhere}\nstringData: {b: '2'}\n";

/// A command line, what is on standard input, and what is in the environment.
type Typed = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// Command lines with what is on standard input and in the environment, each behind `--cert cert.pem`.
const SEAL: [Typed; 33] = [
    ("-n shop", OPAQUE, &[]),
    ("--namespace shop", OPAQUE, &[]),
    ("-n other", FULL, &[]),
    ("", FULL, &[]),
    ("--scope strict", FULL, &[]),
    ("--scope=cluster-wide", FULL, &[]),
    ("--scope namespace-wide", OPAQUE, &[("SEALED_SECRETS_NAMESPACE", "shop")]),
    ("--scope cluster-wide", OPAQUE, &[]),
    ("--scope=", FULL, &[]),
    ("--scope wide", FULL, &[]),
    ("-o yaml", TWO, &[]),
    ("-oyaml", TWO, &[]),
    ("--format=YAML", TWO, &[]),
    ("-o json", TWO, &[]),
    ("-o toml", TWO, &[]),
    ("-n shop --name renamed", OPAQUE, &[]),
    ("", EMPTY, &[]),
    ("--allow-empty-data", EMPTY, &[]),
    ("--allow-empty-data=false", EMPTY, &[("SEALED_SECRETS_ALLOW_EMPTY_DATA", "true")]),
    ("", EMPTY, &[("SEALED_SECRETS_ALLOW_EMPTY_DATA", "T")]),
    ("", EMPTY, &[("SEALED_SECRETS_ALLOW_EMPTY_DATA", "maybe")]),
    ("--raw=maybe", OPAQUE, &[]),
    ("", "", &[]),
    ("", OPAQUE, &[]), // no namespace, and no kubeconfig
    ("--kubeconfig kubeconfig", OPAQUE, &[]),
    ("--kubeconfig kubeconfig --context other", OPAQUE, &[]),
    ("--context other", OPAQUE, &[("SEALED_SECRETS_KUBECONFIG", "kubeconfig")]),
    ("", OPAQUE, &[("KUBECONFIG", "missing:kubeconfig")]),
    ("--kubeconfig kubeconfig --context missing", OPAQUE, &[]),
    ("--kubeconfig missing", OPAQUE, &[]),
    ("-n shop ignored words", OPAQUE, &[]),
    ("-n shop", r#"{"kind":"Secret","metadata":{},"stringData":{"a":"1"}}"#, &[]),
    ("-n shop", r#"{"kind":"Secret","metadata":{"name":"db"},"data":{"a":"?"}}"#, &[]),
];

/// Whole command lines that need no key.
const OTHER: [Typed; 25] = [
    ("--version", "", &[]),
    ("--fetch-cert --cert cert.pem", "", &[]),
    ("--fetch-cert --cert cert.pem -w copy.pem", "", &[]),
    ("--cert missing.pem -n shop", OPAQUE, &[]),
    ("--cert ec.pem -n shop", OPAQUE, &[]),
    ("--cert secret.yaml -n shop", OPAQUE, &[]),
    ("--cert http://127.0.0.1:1/cert.pem -n shop", OPAQUE, &[]),
    ("-n shop", OPAQUE, &[]), // without a certificate it asks a cluster, and there is none
    ("--fetch-cert", "", &[]),
    ("--validate", "", &[]),
    ("--re-encrypt", "", &[]),
    ("--fetch-cert --kubeconfig kubeconfig", "", &[]),
    ("--nonsense", "", &[]),
    ("--format", "", &[]),
    ("--cert cert.pem -f secret.yaml", "", &[]),
    ("--cert cert.pem -f secret.yaml -w sealed-by-flag.yaml", "", &[]),
    ("--cert cert.pem --secret-file=secret.yaml --sealed-secret-file=sealed-by-flag.json", "", &[]),
    ("--cert cert.pem -f secret.yaml -o yaml -w sealed-by-flag", "", &[]),
    ("--cert cert.pem -f secret.yaml -w missing/sealed.yaml", "", &[]),
    ("--cert cert.pem -f missing.yaml -w sealed-by-flag.yaml", "", &[]),
    ("-f secret.yaml", "", &[("SEALED_SECRETS_CERT", "cert.pem")]),
    ("-f secret.yaml --cert cert.pem", "", &[("SEALED_SECRETS_CERT", "missing.pem")]),
    ("--cert cert.pem --from-file a=value -n shop", OPAQUE, &[]),
    ("--cert cert.pem -f empty.yaml -w sealed-by-flag.yaml", "", &[]),
    ("--cert cert.pem --merge-into missing.yaml", MORE, &[]),
];

#[test]
fn secrets_are_sealed_as_kubeseal_seals_them() {
    for (words, input, variables) in SEAL {
        World::new().same(&format!("--cert cert.pem {words}"), input, variables);
    }
}

#[test]
fn certificates_files_and_refusals_are_those_of_kubeseal() {
    for (words, input, variables) in OTHER {
        World::new().same(words, input, variables);
    }
    let world = World::new();
    world.same(&format!("--fetch-cert --cert file://{}", world.our_file("cert.pem").display()), "", &[]);
}

#[test]
fn a_certificate_is_fetched_as_kubeseal_fetches_it() {
    let world = World::new();
    let folder = world.our_file(".");
    for server in [Server::plain(&folder), Server::tls(&folder)] {
        let known = server.certificate();
        for variables in [&[][..], &[("SSL_CERT_FILE", known.as_str())]] {
            for name in ["cert.pem", "missing.pem", "value"] {
                world.same(&format!("--cert {}/{name} -n shop", server.url), OPAQUE, variables);
            }
        }
    }
    let server = Server::tls(&folder);
    let [known, words] = [server.certificate(), format!("--cert {}/cert.pem -n shop", server.url)];
    let codes = |variables: &[(&str, &str)]| world.both(&words, OPAQUE, variables).map(|ran| ran.code);
    assert_eq!(codes(&[("SSL_CERT_FILE", known.as_str())]), [Some(0); 2], "who is known is believed");
    assert_eq!(codes(&[]), [Some(1); 2], "who is not known is not");
}

#[test]
fn one_value_is_sealed_as_kubeseal_seals_it() {
    let cases = [
        ("--name db -n shop", json!({"name": "db", "namespace": "shop"})),
        ("--name db -n shop --scope strict", json!({"name": "db", "namespace": "shop"})),
        ("--name db -n shop --from-file value", json!({"name": "db", "namespace": "shop"})),
        ("--name db -n shop --from-file key=value", json!({"name": "db", "namespace": "shop"})),
        ("--name db --kubeconfig kubeconfig --context other", json!({"name": "db", "namespace": "theirs"})),
        (
            "-n shop --scope namespace-wide",
            json!({"name": "any", "namespace": "shop", "annotations": {"sealedsecrets.bitnami.com/namespace-wide": "true"}}),
        ),
        (
            "--scope cluster-wide",
            json!({"name": "any", "namespace": "any", "annotations": {"sealedsecrets.bitnami.com/cluster-wide": "true"}}),
        ),
    ];
    for (words, metadata) in cases {
        let world = World::new();
        let [theirs, ours] = world.both(&format!("--cert cert.pem --raw {words}"), "hunter2", &[]);
        for (ran, opens) in [(&theirs, World::we_open as fn(&World, &str) -> _), (&ours, World::they_open)] {
            assert_eq!(ran.code, Some(0), "{words}: {ran:?}");
            let sealed = json!({"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "metadata": metadata,
                "spec": {"encryptedData": {"a": ran.out}}});
            assert_eq!(opens(&world, &sealed.to_string())["data"], json!({"a": "aHVudGVyMg=="}), "{words}");
        }
    }
    for words in [
        "-n shop",
        "--name db",
        "--name db -n shop --from-file value --from-file value",
        "--name db -n shop --from-file missing",
    ] {
        World::new().same(&format!("--cert cert.pem --raw {words}"), "hunter2", &[]);
    }
}

#[test]
fn values_are_merged_into_files_as_kubeseal_merges_them() {
    let labelled = MORE
        .replace("namespace: elsewhere", "namespace: elsewhere, labels: {more: x}, annotations: {note: why}");
    for words in [
        "--merge-into sealed.yaml",
        "-o yaml --merge-into sealed.yaml",
        "--merge-into sealed.json",
        "--merge-into sealed.yaml -f more.yaml",
    ] {
        World::new().same(&format!("--cert cert.pem {words}"), &labelled, &[]);
    }
    for (words, input) in [
        ("--merge-into sealed.yaml", EMPTY),
        ("--merge-into secret.yaml", MORE),
        ("--merge-into sealed.yaml -o toml", MORE),
    ] {
        World::new().same(&format!("--cert cert.pem {words}"), input, &[]);
    }
}

#[test]
fn what_is_sealed_is_opened_as_kubeseal_opens_it() {
    for words in [
        "key.pem",
        "key.pkcs8",
        "keys.yaml",
        "keys.json",
        "other.pem --recovery-private-key key.pem",
        "other.pem,key.pem",
        "other.pem",
        "missing",
        "value",
    ] {
        for more in ["-f sealed.yaml", "-f sealed.json -o yaml", "-f sealed.json -w opened-by-flag.json"] {
            World::new().same(&format!("--recovery-unseal --recovery-private-key {words} {more}"), "", &[]);
        }
    }
    for more in ["-f secret.yaml", "-f value", "-f damaged.yaml", "-f moved.yaml", "-f templated.yaml"] {
        World::new().same(&format!("--recovery-unseal --recovery-private-key key.pem {more}"), "", &[]);
    }
    World::new().same(
        "--recovery-unseal -f sealed.yaml",
        "",
        &[("SEALED_SECRETS_RECOVERY_PRIVATE_KEY", "key.pem")],
    );
}

#[test]
fn options_of_the_client_are_refused_by_name() {
    let world = World::new();
    for (words, variables) in [
        ("--server https://192.0.2.1", &[][..]),
        ("--token=hunter2", &[]),
        ("--as root", &[]),
        ("-v 4", &[]),
        ("", &[("SEALED_SECRETS_SERVER", "https://192.0.2.1")]),
    ] {
        let ran = world.ours(&format!("--cert cert.pem {words}"), OPAQUE, variables);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{words}");
        let name = words.split([' ', '=']).next().filter(|name| !name.is_empty()).unwrap_or("--server");
        assert!(
            ran.err.contains(&format!(
                "{} is not known here\nhelp: ",
                name.replace("-v", "--v").replace("---", "--")
            )),
            "{}",
            ran.err
        );
        assert!(!ran.err.contains("hunter2"), "{}", ran.err);
    }
}

/// Where we refuse what kubeseal passes over in silence, or turns into another value: docs/guide/secrets.md says so.
#[test]
fn where_kubeseal_loses_something_we_refuse() {
    let unquoted = "kind: Secret\nmetadata: {name: a, namespace: x}\nstringData: {a: 010}\n";
    let unseal = "--recovery-unseal --recovery-private-key key.pem";
    for (words, input) in [("--cert cert.pem", "a: [\n"), ("--cert cert.pem", unquoted), (unseal, "")] {
        let [theirs, ours] = World::new().both(words, input, &[]);
        assert_eq!((theirs.code, ours.code, ours.out.as_str()), (Some(0), Some(1), ""), "{input}");
    }
    let sealed_wider = World::new();
    let [theirs, ours] =
        sealed_wider.both("--cert cert.pem --scope cluster-wide --merge-into sealed.yaml", MORE, &[]);
    assert_eq!((theirs.code, ours.code), (Some(0), Some(1)));
    assert!(ours.err.contains("values of another scope would never open there"), "{}", ours.err);
}

#[test]
fn a_file_that_is_missing_is_no_failure_but_is_told() {
    let Ran { code, out, err } = World::new().ours("--cert cert.pem -f missing.yaml", "", &[]);
    assert_eq!((code, out.as_str()), (Some(0), ""));
    assert!(err.starts_with("warning: cannot read `missing.yaml`"), "{err}");
}

#[test]
fn an_opened_secret_is_for_its_owner_only() {
    let world = World::new();
    let ran =
        world.ours("--recovery-unseal --recovery-private-key key.pem -f sealed.yaml -w opened.yaml", "", &[]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let mode = std::fs::metadata(world.our_file("opened.yaml")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
