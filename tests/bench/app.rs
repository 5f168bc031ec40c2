//! One app's manifests as a process: what Argo CD is to take, written by `knarr render`, `kustomize build`, `helm template`.
//!
//! All three begin with manifests that name neither namespace nor host, and end with the same objects, which is proven before
//! anything is timed. Knarr does more: it proves a whole repository of three machines, and writes what differs.

use crate::figure::{Figure, Target, Values};
use crate::fleet::Fleet;
use crate::peers::Peers;
use serde_json::Value;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

const APP: &str = "app-000";
const HOST: &str = "app-000.harbor.example";
const FILES: [&str; 4] = ["deployment.yaml", "ingress.yaml", "service.yaml", "settings.yaml"];
/// What changes between two runs.
const IMAGES: [&str; 2] = ["registry.example/web:1.4.2", "registry.example/web:1.4.3"];

pub(crate) fn measure(peers: &Peers) -> Vec<Figure> {
    let fleet = Fleet::of(0, 1);
    let rendered = objects(&folder(&fleet.root().join("rendered/apps").join(APP)));
    let ours = || {
        let turn = Cell::new(0);
        let change = || {
            let [old, new] = [turn.get(), 1 - turn.get()].map(|at| IMAGES[at]);
            fleet.edit(&format!("apps/{APP}/deployment.yaml"), old, new);
            turn.set(1 - turn.get());
        };
        let values = Values::times_after(31, change, || fleet.knarr(&["render"]));
        fleet.git(&["checkout", "-q", "."]);
        values
    };
    let kustomize = peers.kustomize.as_ref().map(|program| {
        let words = kustomization(&fleet);
        assert_eq!(objects(&said(program, &words, &fleet)), rendered, "kustomize gives the same objects");
        ("kustomize v5.8.2".to_owned(), Values::times(31, || drop(said(program, &words, &fleet))))
    });
    let helm = peers.helm.as_ref().map(|program| {
        let words = chart(&fleet);
        assert_eq!(objects(&said(program, &words, &fleet)), rendered, "helm gives the same objects");
        ("helm v3.22.0".to_owned(), Values::times(31, || drop(said(program, &words, &fleet))))
    });
    let figure = |what, peer| Figure { what, ours: ours(), target: Target::TimesFaster(5.0), peer };
    vec![
        figure(
            "an app's manifests after a change, as a process: `knarr render`, `kustomize build`",
            kustomize,
        ),
        figure("an app's manifests after a change, as a process: `knarr render`, `helm template`", helm),
    ]
}

/// Returns all files of a folder as documents.
fn folder(folder: &Path) -> String {
    let texts: Vec<String> =
        FILES.iter().map(|file| fs::read_to_string(folder.join(file)).unwrap()).collect();
    texts.join("---\n")
}

/// Returns objects by kind and name: neither their order nor how they are written means anything.
fn objects(text: &str) -> BTreeMap<[String; 2], Value> {
    let objects: Vec<Value> = serde_saphyr::from_multiple(text).unwrap();
    let key = |object: &Value| {
        ["/kind", "/metadata/name"].map(|at| object.pointer(at).and_then(Value::as_str).unwrap().to_owned())
    };
    let objects: BTreeMap<_, _> = objects.into_iter().map(|object| (key(&object), object)).collect();
    assert_eq!(objects.len(), FILES.len(), "{objects:#?}");
    objects
}

fn said(program: &Path, words: &[String], fleet: &Fleet) -> String {
    let mut command = Command::new(program);
    command.args(words).env("HOME", fleet.home()).env_remove("KUBECONFIG").stdin(Stdio::null());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Copies the manifests beside what gives them namespace and host by kustomize; returns the words to call it with.
fn kustomization(fleet: &Fleet) -> Vec<String> {
    let folder = fleet.home().join("kustomize");
    crate::folder::copy(&fleet.root().join("apps").join(APP), &folder);
    let text = format!(
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: {APP}\nresources: [{}]\npatches:\n\
         - target: {{kind: Ingress}}\n  patch: |\n    - {{op: add, path: /spec/rules/0/host, value: {HOST}}}\n",
        FILES.join(", ")
    );
    fs::write(folder.join("kustomization.yaml"), text).unwrap();
    vec!["build".to_owned(), folder.display().to_string()]
}

/// Writes the same as a chart.
fn chart(fleet: &Fleet) -> Vec<String> {
    let folder = fleet.home().join("chart");
    fs::create_dir_all(folder.join("templates")).unwrap();
    fs::write(folder.join("Chart.yaml"), format!("apiVersion: v2\nname: {APP}\nversion: 1.0.0\n")).unwrap();
    fs::write(folder.join("values.yaml"), format!("host: {HOST}\nimage: {}\n", IMAGES[0])).unwrap();
    for file in FILES {
        let text = fs::read_to_string(fleet.root().join("apps").join(APP).join(file)).unwrap();
        let text = text
            .replace("metadata:\n  name: ", "metadata:\n  namespace: {{ .Release.Namespace }}\n  name: ")
            .replace("metadata: {name: ", "metadata: {namespace: {{ .Release.Namespace }}, name: ")
            .replace("  - http:", "  - host: {{ .Values.host }}\n    http:")
            .replace(IMAGES[0], "{{ .Values.image }}");
        fs::write(folder.join("templates").join(file), text).unwrap();
    }
    ["template", APP, &folder.display().to_string(), "--namespace", APP].map(str::to_owned).to_vec()
}
