//! The cluster's half against the real API server of tests/peers; its kubectl is the judge.

mod world;

use knarr_node::report::ClusterOutcome::{Converged, Elsewhere};
use world::{World, said, waits};

const NAMESPACES: &str = "{apiVersion: v1, kind: Namespace, metadata: {name: shop}}";
const TOLD: &str =
    "{apiVersion: v1, kind: ConfigMap, metadata: {name: told, namespace: shop}, data: {word: one}}";
/// An app that follows a folder of the repository.
const APPLICATION: &str = "
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop, namespace: argocd}
spec:
  project: apps
  source: {repoURL: http://knarr-git.argocd.svc/harbor.git, path: rendered/apps/shop}
  destination: {server: https://kubernetes.default.svc, namespace: shop}
---
apiVersion: v1
kind: Service
metadata: {name: knarr-git, namespace: argocd}
spec: {ports: [{name: http, port: 80}]}
";
/// A definition behind an object of its kind, and both behind a namespace that comes last in the file.
const KIND: &str = "
{apiVersion: example.org/v1, kind: Boat, metadata: {name: first}, spec: {sails: 3}}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: boats.example.org}
spec:
  group: example.org
  scope: Namespaced
  names: {kind: Boat, plural: boats}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {sails: {type: integer}}}}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: boats}}
";

#[test]
#[ignore = "needs the programs of make peers"]
fn objects_are_made_in_the_order_in_which_they_need_each_other_and_then_left_alone() {
    let mut world = World::new();
    world.file("bootstrap/boats.yaml", KIND);
    world.commit("- objects: {name: boats, file: bootstrap/boats.yaml}");
    assert_eq!(world.pass(), Converged);
    let version = "get boat -n boats first -o jsonpath={.spec.sails}/{.metadata.resourceVersion}";
    let first = world.kubectl(version);
    assert!(first.starts_with("3/"), "in the namespace that is called as the manifest: {first}");
    assert_eq!(world.pass(), Converged);
    assert_eq!(world.kubectl(version), first, "a pass that changes nothing writes nothing");
}

#[test]
#[ignore = "needs the programs of make peers"]
fn what_somebody_changed_comes_back_and_what_somebody_added_stays() {
    let mut world = World::new();
    world.file("bootstrap/told.yaml", &format!("{NAMESPACES}\n---\n{TOLD}"));
    world.commit("- objects: {name: told, file: bootstrap/told.yaml}");
    assert_eq!(world.pass(), Converged);
    world.kubectl(
        "-n shop patch configmap told --type merge -p {\"data\":{\"word\":\"two\",\"more\":\"mine\"}}",
    );
    assert_eq!(world.pass(), Converged);
    assert_eq!(
        world.kubectl("-n shop get configmap told -o jsonpath={.data}"),
        r#"{"more":"mine","word":"one"}"#
    );
}

#[test]
#[ignore = "needs the programs of make peers"]
fn what_left_the_repository_goes_unless_it_is_kept_or_somebody_else_has_it_now() {
    let mut world = World::new();
    world.file("bootstrap/namespaces.yaml", NAMESPACES);
    world.file("bootstrap/told.yaml", &format!("{TOLD}\n---\n{}", TOLD.replace("told", "taken")));
    let namespaces = "- objects: {name: namespaces, file: bootstrap/namespaces.yaml, back: keep}";
    let both = format!("{namespaces}\n- objects: {{name: told, file: bootstrap/told.yaml}}");
    world.commit(&both);
    assert_eq!(world.pass(), Converged);
    world.kubectl("-n shop label configmap taken app.kubernetes.io/managed-by=me --overwrite");
    world.kubectl("-n shop create configmap mine");
    world.commit(&format!("{both}\n- objects: {{name: lost, file: bootstrap/lost.yaml}}"));
    assert_eq!(said(world.pass()), "retry: objects `lost`: `rendered/bootstrap/lost.yaml` is missing");
    // It was put back above, so it is taken again.
    world.kubectl("-n shop label configmap taken app.kubernetes.io/managed-by=me --overwrite");
    world.commit("- objects: {name: lost, file: bootstrap/lost.yaml}");
    assert_eq!(said(world.pass()), "retry: objects `lost`: `rendered/bootstrap/lost.yaml` is missing");
    world.kubectl("-n shop get configmap told taken");
    world.commit("");
    assert_eq!(world.pass(), Converged);
    assert_eq!(world.kubectl("-n shop get configmap -o name"), "configmap/mine\nconfigmap/taken");
}

#[test]
#[ignore = "needs the programs of make peers"]
fn labels_and_taints_follow_what_others_set_stays_and_a_removed_machine_goes() {
    let mut world = World::new();
    let bare = "- node-meta: {node: worker, labels: {}, taints: []}";
    world.commit(bare);
    assert_eq!(world.pass(), Converged, "a Node that is to have nothing is not waited for");
    let marked = "- node-meta: {node: worker, labels: {site: south}, taints: ['a=b:NoSchedule']}";
    world.commit(marked);
    assert_eq!(waits(world.pass()), "node worker is not in Kubernetes yet");
    world.apply("{apiVersion: v1, kind: Node, metadata: {name: worker, labels: {mine: yes1}}}");
    // A new Node is not ready, which the API server itself says by a taint.
    world.kubectl("taint node worker node.kubernetes.io/not-ready- mine=x:NoExecute");
    assert_eq!(world.pass(), Converged);
    let marks =
        "get node worker -o jsonpath={.metadata.labels.site},{.metadata.labels.mine},{.spec.taints[*].key}";
    assert_eq!(world.kubectl(marks), "south,yes1,mine a");
    world.commit(bare);
    assert_eq!(world.pass(), Converged);
    assert_eq!(world.kubectl(marks), ",yes1,mine");
    world.kubectl("-n kube-system create secret generic worker.node-password.k3s");
    world.commit("- tombstone: {node: worker, keys: {age: age1x}}");
    assert_eq!(world.pass(), Converged);
    assert_eq!(world.kubectl("get nodes -o name"), "");
    assert_eq!(world.kubectl("-n kube-system get secrets -o name"), "");
}

#[test]
#[ignore = "needs the programs of make peers"]
fn one_server_acts_and_never_for_an_older_commit_than_the_last() {
    let mut world = World::new();
    let older = world.commit("");
    world.file("bootstrap/namespaces.yaml", NAMESPACES);
    let newer = world.commit("- objects: {name: namespaces, file: bootstrap/namespaces.yaml}");
    assert_eq!(world.pass(), Converged);
    assert_eq!(world.pass_as("worker", &newer, 60), Elsewhere, "edge renewed it a minute ago");
    let why = waits(world.pass_as("worker", &older, 180));
    assert!(why.contains("is not accepted here yet"), "it has the Lease now, and an older commit: {why}");
    world.kubectl("get namespace shop");
    assert_eq!(world.pass_as("worker", &newer, 180), Converged);
    assert_eq!(world.pass_as("edge", &newer, 181), Elsewhere);
}

#[test]
#[ignore = "needs the programs of make peers"]
fn an_api_that_does_not_answer_is_unknown() {
    let mut world = World::new();
    world.commit("");
    world.stop();
    assert!(said(world.pass()).starts_with("retry: the API does not answer"), "{:?}", world.pass());
}

#[test]
#[ignore = "needs the programs of make peers"]
fn no_word_of_a_secret_is_said() {
    let mut world = World::new();
    let odd =
        "{apiVersion: v1, kind: Secret, metadata: {name: db, namespace: default}, data: {key: [hunter2]}}";
    world.secret("sealing-keys", odd);
    let keys = "- objects: {name: sealing-keys, secret: sealing-keys}";
    world.commit(keys);
    let said = said(world.pass());
    assert!(said.contains("Secret default/db") && !said.contains("hunter2"), "{said}");
    world.secret("sealing-keys", &odd.replace("[hunter2]", "aHVudGVyMg=="));
    world.secret("none", "[hunter2");
    world.commit(&format!("{keys}\n- objects: {{name: none, secret: none}}"));
    let unread = world::said(world.pass());
    assert!(!unread.contains("hunter2"), "{unread}");
    world.secret("none", "");
    assert_eq!(world.pass(), Converged);
    assert_eq!(world.kubectl("get secret db -o jsonpath={.data.key}"), "aHVudGVyMg==");
}

#[test]
#[ignore = "needs the programs of make peers"]
fn a_sealing_key_that_somebody_made_is_told_until_the_commit_plants_it_or_it_is_used_no_more() {
    let mut world = World::new();
    let ((own, _), (made, id)) = (world.sealing_key("own"), world.sealing_key("made"));
    world.secret("sealing-keys", &own);
    let keys = "- objects: {name: sealing-keys, secret: sealing-keys}";
    world.commit(keys);
    assert_eq!(world.strange_keys(), [].into(), "what the commit plants is known");
    world.apply(&made);
    assert_eq!(world.strange_keys(), [id.clone()].into());
    world.secret("sealing-keys", &format!("{own}\n---\n{}", made.replace("name: made", "name: imported")));
    world.commit(keys);
    assert_eq!(
        world.strange_keys(),
        [].into(),
        "a key is known by what it is, whatever its Secret is called"
    );
    world.secret("sealing-keys", &own);
    world.commit(keys);
    assert_eq!(world.strange_keys(), [id].into());
    let label = "sealedsecrets.bitnami.com/sealed-secrets-key=compromised";
    world.kubectl(&format!("-n kube-system label secret made {label} --overwrite"));
    assert_eq!(world.strange_keys(), [].into());
}

/// Returns a world with an app, and the items that make Argo CD and it.
fn with_argo_cd() -> (World, String) {
    let mut world = World::new();
    world.file("bootstrap/namespaces.yaml", &NAMESPACES.replace("shop", "argocd"));
    world.file("argocd/applications.yaml", APPLICATION);
    let items = world.argo_cd();
    (world, items)
}

#[test]
#[ignore = "needs the programs of make peers"]
fn all_of_argo_cd_is_made_and_an_application_follows_its_folder() {
    let (mut world, items) = with_argo_cd();
    world.file("apps/shop/told.yaml", "one");
    let first = world.commit(&items);
    assert_eq!(world.pass(), Converged);
    let written = "get crd,all,configmap,secret,role,networkpolicy,serviceaccount -A -o jsonpath={.items[*].metadata.resourceVersion}";
    let versions = world.kubectl(written);
    let follows = "-n argocd get application shop -o jsonpath={.spec.source.targetRevision}";
    assert_eq!(world.kubectl(follows), first.as_str());
    let ip =
        "-n argocd get endpointslice knarr-git -o jsonpath={.endpoints[*].addresses[*]}:{.ports[*].port}";
    assert_eq!(world.kubectl(ip), "10.210.0.1:51821");
    assert_eq!(world.pass(), Converged);
    assert_eq!(world.kubectl(written), versions, "the second pass writes nothing");
    world.file("motd", "other words");
    world.commit(&items);
    assert_eq!(world.pass(), Converged);
    assert_eq!(world.kubectl(follows), first.as_str(), "its folder was not touched");
    world.file("apps/shop/told.yaml", "two");
    let third = world.commit(&items);
    assert_eq!(world.pass(), Converged);
    assert_eq!(world.kubectl(follows), third.as_str());
}

#[test]
#[ignore = "needs the programs of make peers"]
fn argo_cd_is_asked_to_look_again_at_an_app_that_it_could_not_compare() {
    let (mut world, items) = with_argo_cd();
    world.commit(&items);
    assert_eq!(world.pass(), Converged);
    let refresh =
        "-n argocd get application shop -o jsonpath={.metadata.annotations.argocd\\.argoproj\\.io/refresh}";
    for (status, annotation) in [("Synced", ""), ("Unknown", "normal")] {
        let status = format!("{{\"status\":{{\"sync\":{{\"status\":\"{status}\"}}}}}}");
        world.kubectl(&format!("-n argocd patch application shop --type merge -p {status}"));
        assert_eq!(world.pass(), Converged);
        assert_eq!(world.kubectl(refresh), annotation, "{status}");
    }
}
