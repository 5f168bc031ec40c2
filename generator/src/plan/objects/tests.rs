use super::*;

const APP: &str = "rendered/apps/shop/a.yaml";
const SPACES: &str = "rendered/bootstrap/namespaces.yaml";
const SHOP: &str = "{apiVersion: v1, kind: Service, metadata: {name: shop}}\n---\n{apiVersion: apps/v1, kind: Deployment, metadata: {name: shop}, spec: {replicas: 1}}\n";

fn objects(files: &[(&str, &str)]) -> Objects {
    with_state(files, None)
}

fn with_state(files: &[(&str, &str)], state: Option<&ClusterState>) -> Objects {
    let file = |(path, text): &(&str, &str)| (path.parse().unwrap(), text.as_bytes().to_vec());
    Objects::new(Arc::new(files.iter().map(file).collect()), state.cloned())
}

/// What Argo CD is told of the app.
fn application(policy: &str) -> String {
    format!(
        "{{apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {{name: shop}}, spec: {{syncPolicy: {policy}}}}}"
    )
}

fn lines(old: &Objects, new: &Objects) -> Vec<String> {
    let line = |row: &AppRow| format!("{} {} {}", row.turn.sign(), row.app, row.words());
    between(old, new).iter().map(line).collect()
}

#[test]
fn apps_come_change_and_go() {
    let space = "{apiVersion: v1, kind: Namespace, metadata: {name: shop}}";
    let auto = application("{automated: {prune: true}}");
    let one = objects(&[(APP, SHOP), (SPACES, space), ("rendered/mesh.yaml", "x: 1"), (APPLICATIONS, &auto)]);
    let other = SHOP.replace("replicas: 1", "replicas: 2").replace("Service", "Ingress");
    let two = objects(&[(APP, &other), (SPACES, space), (APPLICATIONS, &auto)]);
    let none = objects(&[]);
    assert_eq!(lines(&none, &one), ["+ (cluster) + Namespace shop", "+ shop Service, Deployment"]);
    assert_eq!(lines(&one, &two), ["~ shop + Ingress shop, - Service shop, ~ Deployment shop"]);
    assert_eq!(
        lines(&one, &none),
        ["- (cluster) - Namespace shop", "- shop Service, Deployment: all that runs goes on"]
    );
    assert!(between(&one, &one).is_empty());
}

#[test]
fn an_app_that_keeps_one_of_its_files_stays() {
    let one = objects(&[(APP, SHOP), ("rendered/apps/shop/b.yaml", "{kind: Secret, metadata: {name: db}}")]);
    let two = objects(&[(APP, SHOP)]);
    assert_eq!(lines(&one, &two), ["~ shop - Secret db (stays there)"]);
    assert_eq!(lines(&two, &one), ["~ shop + Secret db"]);
}

#[test]
fn labels_of_a_machine_are_a_change_beside_files_that_stay() {
    let state = |labels: &str| {
        let text = format!(
            "knarr: {{format: 1, version: 1.0.0}}\nitems:\n- node-meta: {{node: edge, labels: {labels}}}\n"
        );
        serde_saphyr::from_str::<ClusterState>(&text).unwrap()
    };
    let space = [(SPACES, "{apiVersion: v1, kind: Namespace, metadata: {name: shop}}")];
    let [none, one] = ["{}", "{tier: front}"].map(|labels| with_state(&space, Some(&state(labels))));
    assert_eq!(lines(&none, &one), ["~ (cluster) + labels of Node edge"]);
    assert_eq!(lines(&one, &none), ["~ (cluster) - labels of Node edge"]);
}

#[test]
fn another_word_to_argo_cd_is_a_change_of_the_app() {
    let [auto, manual] = ["{automated: {prune: true}}", "{}"].map(application);
    let (one, two) =
        (objects(&[(APP, SHOP), (APPLICATIONS, &auto)]), objects(&[(APP, SHOP), (APPLICATIONS, &manual)]));
    assert_eq!(lines(&one, &two), ["~ shop Application"]);
    let shrunk = SHOP.split("---").next().unwrap();
    let three = objects(&[(APP, shrunk), (APPLICATIONS, &manual)]);
    assert_eq!(lines(&two, &three), ["~ shop - Deployment shop (stays until somebody has Argo CD sync)"]);
}

#[test]
fn what_our_own_manifests_keep_stays() {
    let text = |back: &str| {
        format!(
            "knarr: {{format: 1, version: 1.0.0}}\nitems:\n- objects: {{name: namespaces, file: bootstrap/namespaces.yaml{back}}}\n"
        )
    };
    let [kept, plain] =
        [", back: keep", ""].map(|back| serde_saphyr::from_str::<ClusterState>(&text(back)).unwrap());
    let space = "{apiVersion: v1, kind: Namespace, metadata: {name: shop}}";
    let left = |state: &ClusterState| lines(&with_state(&[(SPACES, space)], Some(state)), &objects(&[]));
    assert_eq!(left(&kept), ["- (cluster) - Namespace shop (stays there)"]);
    assert_eq!(left(&plain), ["- (cluster) - Namespace shop"]);
}

#[test]
fn only_what_is_really_deleted_destroys_data() {
    let app = |claim: &str| {
        let auto = application("{automated: {prune: true}}");
        objects(&[(APP, &format!("{SHOP}---\n{claim}\n")), (APPLICATIONS, &auto)])
    };
    let claim = |options: &str| {
        format!(
            "{{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {{name: db, namespace: shop, annotations: {{argocd.argoproj.io/sync-options: \"{options}\"}}}}}}"
        )
    };
    let destroys = |old: &Objects, new: &Objects| -> Vec<String> {
        between(old, new).iter().flat_map(AppRow::destroys).collect()
    };
    let without = app("");
    assert!(
        destroys(&app(&claim("Prune=false,Delete=false")), &without).is_empty(),
        "as every claim is rendered"
    );
    assert_eq!(
        destroys(&app(&claim("Prune=true")), &without),
        [
            "shop: PersistentVolumeClaim shop/db is deleted, and its volume too, unless the volume is to be retained"
        ]
    );
    assert!(destroys(&app(&claim("Prune=true")), &objects(&[])).is_empty(), "an app that leaves runs on");
}
