//! `knarr app`, `knarr seal --app` and `knarr kubeconfig`.

use crate::home::{Home, KEYS};
use ::knarr::disk::Repo;
use ::knarr::fresh::write_material;
use ::knarr::k3s::Material;
use ::knarr::secrets::Identities;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

/// The example with K3s, Argo CD and a sealing certificate, committed.
fn home() -> Home {
    let home = Home::with_example();
    home.replace("harbor/cluster.yaml", "format: 1\n", "format: 1\nk3s: {version: v1.36.2+k3s1}\n");
    let lock = fs::read_to_string(home.path("harbor/knarr.lock")).unwrap();
    let argocd = format!("argocd v3.2.11: {{sha256: {}, from: [/srv/core-install.yaml]}}\n", "ab".repeat(32));
    let k3s = format!("k3s v1.36.2+k3s1: {{sha256: {}, from: [/srv/k3s]}}\n", "ab".repeat(32));
    home.write("harbor/knarr.lock", &(lock + &argocd + &k3s));
    let me = Identities::read(Path::new(&format!("{KEYS}/me.txt"))).unwrap().recipients();
    let made = Material::new(&"harbor".parse().unwrap(), jiff::civil::date(2026, 11, 21)).unwrap();
    write_material(&Repo::at(home.path("harbor")), &made, |_| me.clone()).unwrap();
    fs::copy(format!("{KEYS}/sealing-4096.crt"), home.path("harbor/secrets/sealing.crt")).unwrap();
    home.knarr("harbor", &["render"]);
    home.git("harbor", &["add", "--all"]);
    home.git("harbor", &["commit", "--quiet", "--no-verify", "-m", "k3s"]);
    home
}

fn shop(home: &Home) -> String {
    let image = "registry.harbor.example/shop:1.4";
    home.knarr("harbor", &["app", "add", "shop", "--image", image, "--port", "8080", "--host", "shop"])
}

#[test]
fn an_app_is_added_sealed_planned_and_removed() {
    let home = home();
    let wrote = |file: &str| format!(" ✓ wrote apps/{file}\n");
    let files = ["shop.yaml", "shop/deployment.yaml", "shop/ingress.yaml", "shop/service.yaml"];
    let said = shop(&home);
    assert_eq!(said, files.map(wrote).concat() + "Next: edit them, then knarr ship\n");
    let said = home.knarr("harbor", &["seal", "db", "--app", "shop", "--from-literal", "password=hunter2"]);
    assert!(said.contains("wrote apps/shop/db.sealed.yaml   Secret shop/db, strict, 1 key"), "{said}");
    // The example's private sealing key is nobody's to read: it only must be there.
    fs::copy(home.path("harbor/secrets/greeting.age"), home.path("harbor/secrets/sealing-keys.age")).unwrap();
    let said = home.knarr("harbor", &["plan"]);
    assert!(said.contains("+ shop") && said.contains("Service, Deployment, SealedSecret, Ingress"), "{said}");
    assert!(said.contains("~ (cluster)") && said.contains("+ Namespace shop"), "{said}");
    let said = home.knarr("harbor", &["app", "list"]);
    assert!(said.contains("shop") && said.contains("https://shop.harbor.example"), "{said}");
    home.knarr("harbor", &["render"]);
    let ingress = fs::read_to_string(home.path("harbor/rendered/apps/shop/ingress.yaml")).unwrap();
    assert!(
        ingress.contains("host: shop.harbor.example") && ingress.contains("namespace: shop"),
        "{ingress}"
    );
    let said = home.knarr("harbor", &["app", "remove", "shop", "--yes"]);
    let line = "kubectl delete --namespace shop sealedsecret.bitnami.com/db deployment.apps/shop ingress.networking.k8s.io/shop service/shop";
    assert!(said.contains(line) && said.contains("deleted apps/shop/db.sealed.yaml"), "{said}");
    assert!(
        !home.path("harbor/apps").exists() || fs::read_dir(home.path("harbor/apps")).unwrap().count() == 0
    );
}

/// Returns rendered files of an app as `knarr app show` prints them.
fn rendered(home: &Home, files: [&str; 3]) -> String {
    let text = |file: &str| {
        let text = fs::read_to_string(home.path(&format!("harbor/rendered/apps/shop/{file}"))).unwrap();
        text.replace("# Written by `knarr render`: do not edit.", &format!("# apps/shop/{file}"))
    };
    files.map(text).join("---\n")
}

#[test]
fn an_app_is_shown_as_it_is_rendered() {
    let home = home();
    shop(&home);
    let said = home.knarr("harbor", &["app", "show", "shop"]);
    home.knarr("harbor", &["render"]);
    assert_eq!(said, rendered(&home, ["deployment.yaml", "ingress.yaml", "service.yaml"]));
    let said = home.knarr("harbor", &["app", "show", "shop", "--output", "json"]);
    let list: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((&list["kind"], &list["items"][2]["kind"]), (&"List".into(), &"Service".into()));
}

#[test]
fn an_app_is_shown_while_other_files_are_wrong() {
    let home = home();
    shop(&home);
    home.write("harbor/apps/blog.yaml", "namespace: [\n");
    let said = home.knarr("harbor", &["app", "show", "shop"]);
    assert!(said.contains("# apps/shop/service.yaml\napiVersion: v1"), "{said}");
}

#[test]
fn an_app_that_cannot_be_read_is_not_shown() {
    let wrong = [
        ("apps/shop/service.yaml", "kind: [\n", "apps/shop/service.yaml:"),
        ("apps/shop/service.yaml", "kind: Service\n", "KN0704"),
        ("apps/shop.yaml", "{namespace: shop, path: ../elsewhere}\n", "KN0705"),
        ("apps/shop.yaml", "{namespace: shop, path: apps/nowhere}\n", "apps/nowhere"),
        ("apps/shop.yaml", "{namespace: shop, paht: a}\n", "paht"),
        ("cluster.yaml", "name: [\n", "cluster.yaml:"),
    ];
    for (file, text, message) in wrong {
        let home = home();
        shop(&home);
        home.write(&format!("harbor/{file}"), text);
        let said = home.knarr("harbor", &["app", "show", "shop"]);
        assert!(said.contains(message) && !said.contains("apiVersion: v1"), "{file}: {said}");
    }
    let said = home().knarr("harbor", &["app", "show", "shop"]);
    assert!(said.contains("there is no app `shop`"), "{said}");
}

#[test]
fn no_link_leads_out_of_an_app_that_is_shown() {
    let home = home();
    shop(&home);
    home.write("elsewhere/hidden.yaml", "{apiVersion: v1, kind: Service, metadata: {name: hush}}\n");
    symlink(home.path("elsewhere/hidden.yaml"), home.path("harbor/apps/shop/link.yaml")).unwrap();
    symlink(home.path("elsewhere"), home.path("harbor/apps/out")).unwrap();
    let said = home.knarr("harbor", &["app", "show", "shop"]);
    assert!(said.contains("KN0107") && !said.contains("hush"), "{said}");
    for folder in ["apps/out", "apps/out/deeper"] {
        home.write("harbor/apps/shop.yaml", &format!("{{namespace: shop, path: {folder}}}\n"));
        let said = home.knarr("harbor", &["app", "show", "shop"]);
        assert!(said.contains("apps/out") && !said.contains("hush"), "{said}");
    }
}

#[test]
fn what_cannot_be_an_app_is_refused_and_nothing_is_written() {
    let home = home();
    shop(&home);
    home.write("manifests/notes.txt", "x");
    home.write("other/a.yaml", "kind: Service\n");
    let cases: [(&[&str], &str); 7] = [
        (&["app", "add", "shop", "--image", "a"], "`apps/shop.yaml` is there already"),
        (&["app", "add", "blog", "--image", "a", "--host", "blog"], "add --port PORT"),
        (&["app", "add", "blog", "--image", "a\"b"], "is not an image"),
        (&["app", "add", "blog", "--image", "a", "--namespace", "argocd"], "KN0702"),
        (&["app", "add", "blog", "--path", "../manifests"], "there is no manifest in"),
        (&["app", "add", "blog", "--path", "../other"], "KN0704"),
        (&["app", "remove", "blog", "-y"], "there is no app `blog`"),
    ];
    for (args, message) in cases {
        let said = home.knarr("harbor", args);
        assert!(said.contains(message) && !said.contains("✓"), "{args:?}: {said}");
        assert!(!home.path("harbor/apps/blog.yaml").exists() && !home.path("harbor/apps/blog").exists());
    }
    let said = home.knarr("harbor", &["seal", "db", "--app", "blog", "--from-literal", "a=b"]);
    assert!(said.contains("there is no app `blog`"), "{said}");
}

#[test]
fn a_folder_of_manifests_becomes_an_app() {
    let home = home();
    home.write("deploy/a.yaml", "{apiVersion: v1, kind: Service, metadata: {name: wiki}}\n");
    home.write("deploy/README.md", "x");
    let args = ["app", "add", "wiki", "--path", "../deploy", "--namespace", "docs", "--output", "json"];
    let said = home.knarr("harbor", &args);
    let told: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(told["wrote"], serde_json::json!(["apps/wiki.yaml", "apps/wiki/a.yaml"]));
    let said = home.knarr("harbor", &["app", "list", "--output", "json"]);
    let rows: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(
        (&rows[0]["namespace"], &rows[0]["objects"][0]),
        (&"docs".into(), &"Service docs/wiki".into())
    );
}

/// A new repository with the example's machines.
fn fresh() -> Home {
    let home = Home::empty();
    let config = "[user]\n name = me\n email = me@example.org\n";
    home.write(".gitconfig", config);
    home.knarr(".", &["new", "harbor", "--recovery", "kit", "--domain", "harbor.example"]);
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/three-machines/nodes");
    for name in ["attic", "edge", "worker"] {
        let text = fs::read_to_string(format!("{example}/{name}.yaml")).unwrap();
        let end = text.find("host:").unwrap_or(text.len());
        home.write(&format!("harbor/nodes/{name}.yaml"), &text[..end]);
    }
    home
}

#[test]
fn a_kubeconfig_is_signed_offline_and_only_its_owner_reads_it() {
    let home = fresh();
    let said = home.knarr("harbor", &["kubeconfig"]);
    assert!(said.contains("wrote ~/.kube/harbor.yaml: good for 365 days"), "{said}");
    let path = home.path(".kube/harbor.yaml");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&path).unwrap();
    let edge = fs::read_to_string(home.path("harbor/nodes/edge.yaml")).unwrap();
    let mesh = edge.lines().find_map(|line| line.strip_prefix("mesh: ")).unwrap().to_owned();
    assert!(text.contains(&format!("https://{mesh}:6443")), "{text}");
    let said = home.knarr("harbor", &["kubeconfig", "--to", "nodes/me.yaml"]);
    assert!(said.contains("a private key has no place in the repository"), "{said}");
}

#[test]
fn a_kubeconfig_joins_those_of_other_clusters() {
    let home = fresh();
    home.write(".kube/config", "apiVersion: v1\nkind: Config\ncurrent-context: work\nclusters:\n- {name: work, cluster: {server: \"https://a\"}}\n");
    let said = home.knarr("harbor", &["kubeconfig", "--use"]);
    assert!(said.contains("wrote ~/.kube/config"), "{said}");
    let text = fs::read_to_string(home.path(".kube/config")).unwrap();
    assert!(text.contains("current-context: harbor") && text.contains("name: work"), "{text}");
}
