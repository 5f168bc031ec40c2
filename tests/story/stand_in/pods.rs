//! Proves that Pods of known images really run: Argo CD and sealed-secrets with manifests that are not ours.

use super::SLOW;
use crate::{Child, Host, Lab, PEERS, wait_seen, wait_until};

const TWO_NODES: &str = "
apiVersion: v1
kind: Pod
metadata: {name: far, labels: {app: far}}
spec: {nodeName: worker, containers: [{name: redis, image: docker.io/library/redis:8, args: [--protected-mode, 'no']}]}
---
apiVersion: v1
kind: Service
metadata: {name: far}
spec: {selector: {app: far}, ports: [{port: 7000, targetPort: 6379}]}
---
apiVersion: v1
kind: Pod
metadata: {name: near}
spec:
  nodeName: edge
  restartPolicy: OnFailure
  containers:
  - {name: nc, image: docker.io/library/redis:8, command: [sh, -c, 'echo PING | nc -q1 -w3 far 7000 | grep PONG']}
";

/// A process on one node, a client on another, the name of a Service between them: overlay, kube-proxy and hosts file.
pub(super) fn two_nodes(lab: &Lab) {
    let edge = lab.host("edge");
    edge.put("/tmp/two.yaml", TWO_NODES.as_bytes(), 0o600);
    edge.expect("k3s kubectl apply -f /tmp/two.yaml");
    edge.expect("k3s kubectl wait --for=jsonpath={.status.phase}=Succeeded --timeout=90s pod/near");
    assert_eq!(edge.expect("k3s kubectl logs near"), "+PONG");
    edge.expect("k3s kubectl delete -f /tmp/two.yaml --wait");
    lab.host("worker").refuse("pgrep -f '[r]edis-server'");
}

pub(super) fn argo_installed(lab: &Lab) {
    let edge = lab.host("edge");
    edge.expect("k3s kubectl create namespace argocd");
    edge.expect(&format!(
        "k3s kubectl apply -n argocd --server-side -f {PEERS}/manifests/argocd-core-install.yaml"
    ));
    let rollout = |what: &str| {
        edge.expect(&format!("k3s kubectl -n argocd rollout status --timeout=120s {what} 2>&1"));
    };
    rollout("deployment/argocd-redis");
    rollout("deployment/argocd-repo-server");
    rollout("statefulset/argocd-application-controller");
    edge.expect("k3s kubectl -n argocd get secret argocd-redis");
    // It has no readiness probe: its Deployment is rolled out before it listens
    let serves = |name: &&&str| lab.host(name).run("pgrep -f '[r]edis-server .*:6379'").ok();
    wait_until("one host has a Redis that runs", SLOW, || {
        ["edge", "worker", "laptop"].iter().filter(serves).count() == 1
    });
}

pub(super) fn argo_follows(lab: &Lab) {
    let (edge, git) = (lab.host("edge"), lab.host("git"));
    git.expect_as("git", "git init -q -b main app.git && cd app.git && git config user.name a && git config user.email a@b && \
        printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: told}\ndata: {word: one}\n' > told.yaml && \
        printf 'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  selector: {matchLabels: {a: web}}\n  template:\n    metadata: {labels: {a: web}}\n    spec: {containers: [{name: web, image: nginx}]}\n' > web.yaml && \
        git add . && git commit -qm one");
    let _daemon = serve_git(lab);
    let revision = git.expect_as("git", "git -C app.git rev-parse HEAD");
    let app = format!(
        "apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: app, namespace: argocd}}
spec:
  project: default
  source: {{repoURL: \"git://{}/app.git\", path: ., targetRevision: {revision}}}
  destination: {{server: \"https://kubernetes.default.svc\", namespace: default}}
  syncPolicy: {{automated: {{prune: true, selfHeal: true}}}}
",
        git.address()
    );
    edge.put("/tmp/app.yaml", app.as_bytes(), 0o600);
    edge.put("/tmp/project.yaml", b"apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {name: default, namespace: argocd}\nspec: {sourceRepos: ['*'], destinations: [{namespace: '*', server: '*'}], clusterResourceWhitelist: [{group: '*', kind: '*'}]}\n", 0o600);
    edge.expect("k3s kubectl apply -f /tmp/project.yaml; k3s kubectl apply -f /tmp/app.yaml");
    is_followed(edge);
    let next = git.expect_as(
        "git",
        "cd app.git && sed -i s/one/two/ told.yaml && git commit -qam two && git rev-parse HEAD",
    );
    edge.expect(&format!("k3s kubectl -n argocd patch application app --type merge -p '{{\"spec\":{{\"source\":{{\"targetRevision\":\"{next}\"}}}}}}'"));
    wait_until("the changed value is there", SLOW, || {
        edge.run("k3s kubectl get configmap told -o jsonpath={.data.word}").text() == "two"
    });
}

/// Has Argo CD look at the app now.
const REFRESH: &str =
    "k3s kubectl -n argocd annotate application app argocd.argoproj.io/refresh=hard --overwrite";

/// Waits until the app is as its commit says. Made right after its project, it may not be compared at first, and by itself
/// Argo CD looks again only after two to three minutes.
fn is_followed(edge: &Host) {
    let state = "k3s kubectl -n argocd get application app -o jsonpath='{.status.sync.status} {.status.health.status}: {.status.conditions[*].message}'";
    let is_so = |state: &str| state.starts_with("Synced Healthy");
    wait_seen("the app is Synced and Healthy", SLOW, is_so, || {
        let state = edge.run(state).text().to_owned();
        if state.starts_with("Unknown") {
            edge.run(REFRESH);
        }
        state
    });
}

const CONTROLLER: &str = "
apiVersion: v1
kind: ServiceAccount
metadata: {name: sealed-secrets-controller, namespace: kube-system}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: sealed-secrets-controller}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: ServiceAccount, name: sealed-secrets-controller, namespace: kube-system}]
---
apiVersion: v1
kind: Service
metadata: {name: sealed-secrets-controller, namespace: kube-system}
spec: {selector: {name: sealed-secrets-controller}, ports: [{name: http, port: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: sealed-secrets-controller, namespace: kube-system}
spec:
  selector: {matchLabels: {name: sealed-secrets-controller}}
  template:
    metadata: {labels: {name: sealed-secrets-controller}}
    spec:
      serviceAccountName: sealed-secrets-controller
      securityContext: {runAsNonRoot: true, fsGroup: 65534}
      containers:
      - name: controller
        image: docker.io/bitnami/sealed-secrets-controller:0.27.1
        args: [--key-renew-period=0]
        volumeMounts: [{name: tmp, mountPath: /tmp}]
      volumes: [{name: tmp, emptyDir: {}}]
";

fn serve_git(lab: &Lab) -> Child {
    let git = lab.host("git");
    let daemon = git.spawn("git", "exec git daemon --base-path=/srv/git --export-all --reuseaddr /srv/git");
    wait_until("git daemon listens", SLOW, || git.run("ss -Hltn | grep -q ':9418 '").ok());
    daemon
}

/// Nothing of a node's runtime outlives its processes.
pub(super) fn back_again(lab: &Lab) {
    let (edge, worker) = (lab.host("edge"), lab.host("worker"));
    edge.power_cut();
    worker.power_cut();
    worker.power_on();
    edge.power_on();
    super::ready(edge, "edge");
    let _daemon = serve_git(lab);
    edge.expect("k3s kubectl delete configmap told");
    wait_until("Argo CD heals the app", SLOW, || {
        edge.run(REFRESH);
        edge.run("k3s kubectl get configmap told").ok()
    });
}

pub(super) fn sealed(lab: &Lab) {
    let edge = lab.host("edge");
    edge.put("/tmp/controller.yaml", CONTROLLER.as_bytes(), 0o600);
    edge.expect(&format!("k3s kubectl apply -f {PEERS}/manifests/sealed-secrets/crds; k3s kubectl apply -f /tmp/controller.yaml"));
    let seal = format!("{PEERS}/programs/kubeseal --kubeconfig /etc/rancher/k3s/k3s.yaml");
    wait_until("the controller gives its certificate through the API", SLOW, || {
        edge.run(&format!("{seal} --fetch-cert > /tmp/sealing.crt")).ok()
    });
    edge.expect(&format!(
        "k3s kubectl create secret generic db --from-literal=password=hunter2 --dry-run=client -o yaml | {seal} --cert /tmp/sealing.crt -o yaml | k3s kubectl apply -f -"
    ));
    wait_until("the Secret is opened", SLOW, || {
        edge.run("k3s kubectl get secret db -o jsonpath={.data.password} | base64 -d").text() == "hunter2"
    });
    edge.expect("k3s kubectl -n kube-system logs deployment/sealed-secrets-controller | grep -i 'sealed'");
}
