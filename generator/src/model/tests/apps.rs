//! Apps: what is rendered of them.

use super::k3s::with_k3s;
use super::{check, example, path};
use crate::disk::Inputs;
use crate::emit::{Output, Tree};
use crate::finding;
use crate::lower::lower;
use crate::template;
use knarr_node::state::{ClusterItem, ClusterState, Manifest, Objects};

const DEPLOYMENT: &str = "\
# a comment that nobody renders
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  selector: {}
  template: {spec: {containers: [{name: shop, image: shop:1, env: [{name: A, value: \"yes\"}]}], volumes: [{name: a, secret: {defaultMode: 0o440}}]}}
---
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Service, metadata: {name: shop}}
- {apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: shop}}
- {apiVersion: helm.cattle.io/v1, kind: HelmChart, metadata: {name: shop}}
";
const INGRESS: &str = "{\"apiVersion\": \"networking.k8s.io/v1\", \"kind\": \"Ingress\", \"metadata\": {\"name\": \"shop\"}, \"spec\": {\"rules\": [{\"http\": {\"paths\": []}}, {\"host\": \"a.example\"}]}}";
const CLAIM: &str = "{apiVersion: v1, kind: PersonalVolumeClaim, metadata: {name: d}}";

const CERTIFICATE: &[u8] = include_bytes!("../../../tests/keys/sealing-2048.crt");

/// The example with K3s and an app.
fn with_app() -> Inputs {
    let mut inputs = with_k3s();
    let claim = CLAIM.replace("Personal", "Persistent");
    let files = [
        ("apps/shop.yaml", "namespace: shop\nhost: shop\n"),
        ("apps/shop/deployment.yaml", DEPLOYMENT),
        ("apps/shop/web/ingress.json", INGRESS),
        ("apps/shop/notes.txt", "nothing to render"),
        ("apps/shop/volume.yaml", &claim),
        (
            "sealed/mail/smtp.sealed.yaml",
            "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: smtp, namespace: mail}\nspec: {encryptedData: {}}\n",
        ),
        ("secrets/sealing-keys.age", "age-encryption.org/v1\n"),
    ];
    for (file, text) in files {
        inputs.files.insert(path(file), text.as_bytes().to_vec());
    }
    inputs
}

fn rendered() -> Tree {
    let (findings, model) = check(&with_app());
    assert_eq!(finding::text(&findings, &with_app(), false), "\n");
    lower(&model.unwrap()).tree
}

fn text(tree: &Tree, file: &str) -> String {
    match &tree.0.get(&path(file)).unwrap_or_else(|| panic!("{file} is in {:?}", tree.0.keys())) {
        Output::Text(text) => text.split_once('\n').unwrap().1.to_owned(),
        Output::Sealed(_) => unreachable!("{file} is text"),
    }
}

#[test]
fn an_app_is_rendered_with_what_it_leaves_out() {
    let tree = rendered();
    let shop = text(&tree, "rendered/apps/shop/deployment.yaml");
    let parts: Vec<&str> = shop.split("---\n").collect();
    assert!(
        parts[0].contains("metadata: {name: shop, namespace: shop}") && parts[0].contains("value: \"yes\""),
        "{shop}"
    );
    assert!(parts[0].contains("defaultMode: 288"), "0440 is octal to Kubernetes: {shop}");
    assert!(parts[1].contains("namespace: shop"), "a Service belongs to a namespace: {shop}");
    assert!(!parts[2].contains("namespace") && !parts[3].contains("namespace"), "{shop}");
    let ingress = text(&tree, "rendered/apps/shop/web/ingress.json.yaml");
    assert!(
        ingress.contains("host: shop.harbor.example") && ingress.contains("host: a.example"),
        "{ingress}"
    );
    let claim = text(&tree, "rendered/apps/shop/volume.yaml");
    assert!(claim.contains("Prune=false,Delete=false"), "a volume outlives its app: {claim}");
    assert!(!tree.0.contains_key(&path("rendered/apps/shop/notes.txt")));
}

#[test]
fn each_app_and_each_folder_of_sealed_secrets_is_one_application() {
    let tree = rendered();
    let all = text(&tree, "rendered/argocd/applications.yaml");
    let (sealed, shop) = all.split_once("---\n").unwrap();
    assert!(
        sealed.contains("path: rendered/apps/sealed-mail") && sealed.contains("namespace: mail"),
        "{sealed}"
    );
    assert!(
        shop.contains("http://knarr-git.argocd.svc/harbor.git") && shop.contains("recurse: true"),
        "{shop}"
    );
    assert!(!all.contains("finalizers") && !all.contains("targetRevision"), "{all}");
    let namespaces = text(&tree, "rendered/bootstrap/namespaces.yaml");
    let names: Vec<&str> = namespaces.lines().filter_map(|line| line.strip_prefix("metadata: ")).collect();
    assert_eq!(names, ["{name: argocd}", "{name: mail}", "{name: shop}"]);
    assert!(tree.0.contains_key(&path("rendered/apps/sealed-mail/smtp.sealed.yaml")));
}

#[test]
fn a_cluster_is_filled_in_the_order_in_which_one_needs_the_other() {
    let tree = rendered();
    let state: ClusterState = serde_saphyr::from_str(&text(&tree, "rendered/cluster.yaml")).unwrap();
    let name = |item: &ClusterItem| match item {
        ClusterItem::Artifact(artifact) => format!("artifact {}", artifact.name),
        ClusterItem::Objects(Objects { name, manifest: Manifest::File(file), .. }) => {
            format!("{name} {file}")
        }
        ClusterItem::Objects(Objects { name, .. }) => name.to_string(),
        ClusterItem::NodeMeta(meta) => format!("node {}", meta.node),
        ClusterItem::Tombstone(tombstone) => format!("tombstone {}", tombstone.node),
    };
    let names: Vec<String> = state.items.iter().map(name).collect();
    let expected = [
        "artifact argocd",
        "namespaces bootstrap/namespaces.yaml",
        "sealing-keys",
        "sealed-secrets bootstrap/sealed-secrets.yaml",
        "argocd",
        "projects bootstrap/projects.yaml",
        "applications argocd/applications.yaml",
        "node attic",
        "node edge",
        "node worker",
    ];
    assert_eq!(names, expected);
    let sealed = |node: &str| match tree.0.get(&path(&format!("rendered/nodes/{node}.age"))) {
        Some(Output::Sealed(sealed)) => sealed.of.contains_key("sealing-keys"),
        Some(Output::Text(_)) | None => false,
    };
    assert!(sealed("edge") && !sealed("worker"), "servers alone get the sealing keys");
}

#[test]
fn another_set_of_sealing_keys_is_another_pod_of_their_controller() {
    let mut inputs = with_app();
    let pod = |inputs: &Inputs| {
        let (_, model) = check(inputs);
        text(&lower(&model.unwrap()).tree, "rendered/bootstrap/sealed-secrets.yaml")
    };
    let none = pod(&inputs);
    inputs.files.insert(path("secrets/sealing.crt"), CERTIFICATE.to_vec());
    let one = pod(&inputs);
    assert!(one.contains("knarr/sealing-keys: SHA256:na1tutzLpnNwHCED3piwKsfjVHCuXIFJ3sCNXYMF+RU"), "{one}");
    assert_ne!(none, one);
}

#[test]
fn without_k3s_no_app_is_rendered() {
    let (_, model) = check(&example());
    let tree = lower(&model.unwrap()).tree;
    assert!(
        !tree.0.keys().any(|path| path.as_str().contains("bootstrap") || path.as_str().contains("argocd"))
    );
}

/// The codes of what is found when a template makes a manifest of the app.
fn of_template(template: &str) -> Vec<&'static str> {
    let words = [("name", "shop"), ("image", "shop:1"), ("port", "8080")];
    let mut inputs = with_app();
    inputs.files.retain(|path, _| !path.as_str().starts_with("apps/shop/"));
    inputs.files.insert(path("apps/shop/a.yaml"), template::fill(template, &words).into_bytes());
    check(&inputs).0.iter().map(|finding| finding.fault.code()).collect()
}

#[test]
fn what_a_template_gives_is_judged_as_what_a_person_wrote() {
    for template in [template::DEPLOYMENT, template::SERVICE, template::INGRESS] {
        assert_eq!(of_template(template), [""; 0]);
    }
    let misspelled = template::DEPLOYMENT.replace("containers:", "container:");
    assert_eq!(of_template(&misspelled), ["KN0801"]);
    let text = template::DEPLOYMENT.replace("containerPort: {{ port }}", "containerPort: \"{{ port }}\"");
    assert_eq!(of_template(&text), ["KN0802"]);
    assert_eq!(of_template("kind: \"{{ name }}\nspec: [\n"), ["KN0101"]);
}
