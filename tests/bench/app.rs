//! One app's manifests as a process: what Argo CD is to take, printed by `knarr app show`, `kustomize build`, `helm template`.
//!
//! All three begin with manifests that name neither namespace nor host, and print the same objects, which is proven before
//! anything is timed.

use crate::figure::{Figure, Target};
use crate::fleet::Fleet;
use crate::peers::Peers;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const APP: &str = "app-000";
const HOST: &str = "app-000.harbor.example";
const FILES: [&str; 4] = ["deployment.yaml", "ingress.yaml", "service.yaml", "settings.yaml"];
const IMAGE: &str = "registry.example/web:1.4.2";

pub(crate) fn measure(peers: &Peers) -> Vec<Figure> {
    let fleet = &Fleet::of(0, 1);
    let ours = || fleet.printed(&["app", "show", APP]);
    let shown = objects(&ours());
    let beside = |what, name: &'static str, program: Option<&PathBuf>, words: Vec<String>| {
        let peer = program.map(|program| {
            let print = move || said(program, &words, fleet);
            assert_eq!(objects(&print()), shown, "{name} gives the same objects");
            (name, move || drop(print()))
        });
        Figure::beside(what, Target::TimesFaster(5.0), || drop(ours()), peer)
    };
    vec![
        beside(
            "an app's manifests, as a process: `knarr app show`, `kustomize build`",
            "kustomize v5.8.2",
            peers.kustomize.as_ref(),
            kustomization(fleet),
        ),
        beside(
            "an app's manifests, as a process: `knarr app show`, `helm template`",
            "helm v3.22.0",
            peers.helm.as_ref(),
            chart(fleet),
        ),
    ]
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
    fs::write(folder.join("values.yaml"), format!("host: {HOST}\nimage: {IMAGE}\n")).unwrap();
    for file in FILES {
        let text = fs::read_to_string(fleet.root().join("apps").join(APP).join(file)).unwrap();
        let text = text
            .replace("metadata:\n  name: ", "metadata:\n  namespace: {{ .Release.Namespace }}\n  name: ")
            .replace("metadata: {name: ", "metadata: {namespace: {{ .Release.Namespace }}, name: ")
            .replace("  - http:", "  - host: {{ .Values.host }}\n    http:")
            .replace(IMAGE, "{{ .Values.image }}");
        fs::write(folder.join("templates").join(file), text).unwrap();
    }
    ["template", APP, &folder.display().to_string(), "--namespace", APP].map(str::to_owned).to_vec()
}
