//! The cluster's half: Kubernetes' objects follow accepted commits, with the real Argo CD and sealed-secrets.
//!
//! K3s is the stand-in, from a folder that stands for a mirror; the judge is kubectl.

use super::Story;
use super::hands::{NODES, harbor, is_synced, lay_mirror, me, no_apps, on};
use crate::{K3S, Lab, wait_seen, wait_until};
use std::time::Duration;

const SLOW: Duration = Duration::from_mins(4);

/// Plays the scenario; afterwards worker is no machine of the cluster.
pub(super) fn play(story: &mut Story<'_>) {
    if let Some(why) = no_apps() {
        return story.skip("all steps", why);
    }
    story.step("before there is K3s, nothing is said of the cluster", no_cluster_yet);
    story.step("the server makes namespaces, sealing key, controller, Argo CD", bootstrapped);
    story.step("an app of the repository is Synced and Healthy", an_app_is_healthy);
    story.step("the controller opens a sealed Secret", a_sealed_secret_is_opened);
    story.step("a changed value follows, at the commit that changed it", a_changed_value_follows);
    story.step("an unsigned commit changes nothing in the cluster", an_unsigned_commit_changes_nothing);
    story.step("labels and taints follow; what others set stays", labels_and_taints_follow);
    story.step("what somebody changed by hand comes back", drift_is_put_right);
    story.step("without the API nothing is taken for absent", no_api_is_not_an_empty_one);
    story.step("an app that left goes, and its volumes stay", an_app_leaves);
    story.step("a removed machine is no Node any more", a_removed_machine_is_no_node);
}

/// Asks the API as its administrator on edge.
fn kubectl(lab: &Lab, words: &str) -> String {
    on(lab, "edge", &format!("k3s kubectl {words}"))
}

/// What the API says, or nothing.
fn asked(lab: &Lab, words: &str) -> String {
    lab.host("edge").run(&format!("k3s kubectl {words}")).text().to_owned()
}

/// What edge says of the cluster after a pass.
fn pass(lab: &Lab) -> String {
    lab.host("edge").run("knarrd once").text().to_owned()
}

/// Waits until edge has made the objects as its commit says.
fn converged(lab: &Lab) {
    let is_so = |said: &str| said.contains("cluster  converged at") && said.contains("by edge");
    wait_seen("the cluster converges", SLOW, is_so, || pass(lab));
}

/// K3s, and an app with a sealed Secret.
const REPOSITORY: &str = r"
printf 'k3s: {version: VERSION}\nmirrors: [/srv/mirror]\n' >> cluster.yaml
knarr upgrade k3s VERSION
mkdir -p apps/shop
echo 'namespace: shop' > apps/shop.yaml
printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: told}\ndata: {word: one}\n' > apps/shop/told.yaml
cat > apps/shop/web.yaml <<'YAML'
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {a: web}}
  template:
    metadata: {labels: {a: web}}
    spec: {containers: [{name: web, image: nginx}]}
YAML
printf hunter2-in-the-shop | knarr seal db --namespace shop password -
knarr ship -y -m 'a shop'
";

fn no_cluster_yet(lab: &Lab) {
    let said = pass(lab);
    assert!(said.contains("converged") && !said.contains("cluster "), "{said}");
}

/// K3s on all machines, by one commit, and on it all that apps need.
fn bootstrapped(lab: &Lab) {
    for name in NODES.into_iter().chain(["shed", "laptop"]) {
        lay_mirror(lab, name);
    }
    let said = harbor(lab, &REPOSITORY.replace("VERSION", K3S));
    assert!(said.contains("cluster: converged at") && said.contains("app shop: Synced, Healthy"), "{said}");
    converged(lab);
    let holder = kubectl(lab, "-n kube-system get lease knarr -o jsonpath={.spec.holderIdentity}");
    assert_eq!(holder, "edge");
    kubectl(lab, "get namespace shop");
    let keys = "-n kube-system get secret -l sealedsecrets.bitnami.com/sealed-secrets-key=active -o name";
    assert_eq!(kubectl(lab, keys).lines().count(), 1);
    kubectl(lab, "-n argocd rollout status --timeout=120s deployment/argocd-repo-server");
    kubectl(lab, "-n argocd rollout status --timeout=120s statefulset/argocd-application-controller");
    assert!(on(lab, "edge", "knarrd status").contains("by edge"));
    assert!(harbor(lab, "knarr status || true").contains("cluster: converged at"));
}

fn followed(lab: &Lab) -> String {
    kubectl(lab, "-n argocd get application shop -o jsonpath={.spec.source.targetRevision}")
}

/// The commit that last touched the app, as git says.
fn touched(lab: &Lab) -> String {
    harbor(lab, "git log --first-parent -1 --format=%H -- rendered/apps/shop")
}

fn an_app_is_healthy(lab: &Lab) {
    is_synced(lab, "shop");
    assert_eq!(kubectl(lab, "-n shop get configmap told -o jsonpath={.data.word}"), "one");
    assert_eq!(followed(lab), touched(lab));
    let to = kubectl(lab, "-n argocd get endpointslice knarr-git -o jsonpath={.endpoints[*].addresses[*]}");
    assert!(to.starts_with("10.210."), "{to}");
}

fn a_sealed_secret_is_opened(lab: &Lab) {
    is_synced(lab, "sealed-shop");
    wait_until("the Secret is opened", SLOW, || {
        asked(lab, "-n shop get secret db -o jsonpath={.data.password} | base64 -d") == "hunter2-in-the-shop"
    });
}

fn a_changed_value_follows(lab: &Lab) {
    harbor(lab, "sed -i 's/one/two/' apps/shop/told.yaml && knarr ship -y -m 'two'");
    wait_until("the changed value is there", SLOW, || {
        asked(lab, "-n shop get configmap told -o jsonpath={.data.word}") == "two"
    });
    let changed = followed(lab);
    assert_eq!(changed, touched(lab));
    harbor(lab, "echo 'a shop' > host/motd && knarr ship -y -m 'other words'");
    converged(lab);
    assert_eq!(followed(lab), changed, "a commit that does not touch the app moves nothing");
    is_synced(lab, "shop");
}

fn an_unsigned_commit_changes_nothing(lab: &Lab) {
    let before = followed(lab);
    me(lab, "rm -rf ~/other && git clone -q git@203.0.113.2:harbor.git ~/other");
    me(
        lab,
        "cd ~/other && sed -i s/two/stolen/ apps/shop/told.yaml && KNARR_IDENTITY=~/.config/knarr/harbor.txt knarr render >/dev/null \
         && git add -A && git -c commit.gpgsign=false commit -qm 'words of another' && git push -q origin HEAD:main",
    );
    let said = pass(lab);
    assert!(said.contains("not followed"), "{said}");
    assert_eq!(followed(lab), before);
    // Argo CD looks itself, too: it cannot get what nobody accepted
    let stolen = me(lab, "git -C ~/other rev-parse HEAD");
    let patch = format!("'{{\"spec\":{{\"source\":{{\"targetRevision\":\"{stolen}\"}}}}}}'");
    kubectl(lab, &format!("-n argocd patch application shop --type merge -p {patch}"));
    wait_until("Argo CD is refused", SLOW, || {
        asked(lab, "-n argocd get application shop -o jsonpath='{.status.conditions[*].message}'")
            .contains("not our ref")
            || asked(lab, "-n argocd get application shop -o jsonpath='{.status.conditions[*].type}'")
                .contains("ComparisonError")
    });
    assert_eq!(kubectl(lab, "-n shop get configmap told -o jsonpath={.data.word}"), "two");
    pass(lab);
    assert_eq!(followed(lab), before, "it is put back");
    harbor(lab, "git pull -q --ff-only && git revert --no-edit HEAD >/dev/null && knarr approve -y --push");
    converged(lab);
    assert_eq!(kubectl(lab, "-n shop get configmap told -o jsonpath={.data.word}"), "two");
}

fn labels_and_taints_follow(lab: &Lab) {
    let node = |path: &str| kubectl(lab, &format!("get node worker -o jsonpath='{path}'"));
    kubectl(lab, "label node worker mine=yes && k3s kubectl taint node worker mine=yes:PreferNoSchedule");
    harbor(
        lab,
        "printf 'labels: {site: south}\\ntaints: [\"dedicated=db:PreferNoSchedule\"]\\n' >> nodes/worker.yaml && knarr ship -y -m 'worker is marked'",
    );
    converged(lab);
    assert_eq!(node("{.metadata.labels.site},{.metadata.labels.mine}"), "south,yes");
    assert_eq!(node("{.spec.taints[*].key}"), "mine dedicated");
    harbor(
        lab,
        "sed -i '/^labels:/d; /^taints:/d' nodes/worker.yaml && knarr ship -y -m 'worker is not marked'",
    );
    converged(lab);
    assert_eq!(node("{.metadata.labels.site},{.metadata.labels.mine}"), ",yes");
    assert_eq!(node("{.spec.taints[*].key}"), "mine");
}

fn drift_is_put_right(lab: &Lab) {
    kubectl(lab, "-n argocd patch appproject apps --type merge -p '{\"spec\":{\"description\":\"mine\"}}'");
    kubectl(lab, "-n argocd delete service knarr-git && k3s kubectl -n argocd create configmap mine");
    converged(lab);
    assert!(!kubectl(lab, "-n argocd get appproject apps -o jsonpath={.spec.description}").contains("mine"));
    kubectl(
        lab,
        "-n argocd get service knarr-git configmap/mine 2>&1 || k3s kubectl -n argocd get configmap mine",
    );
}

fn no_api_is_not_an_empty_one(lab: &Lab) {
    on(lab, "edge", "iptables -I OUTPUT -d 127.0.0.1 -p tcp --dport 6443 -j REJECT --reject-with tcp-reset");
    let said = pass(lab);
    assert!(said.contains("cluster  retry: the API does not answer"), "{said}");
    assert!(said.starts_with("edge  converged"), "the machine itself is as it should be: {said}");
    on(lab, "edge", "iptables -D OUTPUT -d 127.0.0.1 -p tcp --dport 6443 -j REJECT --reject-with tcp-reset");
    converged(lab);
    is_synced(lab, "shop");
}

fn an_app_leaves(lab: &Lab) {
    harbor(lab, "git rm -rq apps/shop apps/shop.yaml && knarr ship -y -m 'no shop'");
    converged(lab);
    assert_eq!(asked(lab, "-n argocd get application shop -o name"), "");
    kubectl(lab, "-n shop get deployment web");
    kubectl(lab, "-n argocd get application sealed-shop");
}

fn a_removed_machine_is_no_node(lab: &Lab) {
    harbor(lab, "knarr node remove worker && knarr ship -y -m 'worker goes'");
    wait_until("the Node is gone", SLOW, || {
        pass(lab);
        let nodes = asked(lab, "get node -o name");
        nodes.contains("edge") && !nodes.contains("worker")
    });
    assert_eq!(asked(lab, "-n kube-system get secret worker.node-password.k3s -o name"), "");
    harbor(lab, "knarr node forget worker && knarr ship -y -m 'forget worker'");
    converged(lab);
}
