//! Proves the stand-in for K3s and its Pods by hand, without Knarr: later scenarios may lean on it.

mod pods;

use std::time::Duration;

use super::Story;
use crate::{Host, Lab, PEERS, peers, wait_until};

const OLD: &str = "v1.36.2+k3s1";
const NEW: &str = "v1.37.0+k3s1";
const SLOW: Duration = Duration::from_mins(2);
const UNIT: &str = "
[Unit]
Wants=network-online.target
[Service]
Type=notify
ExecStart=/usr/local/bin/k3s ROLE
KillMode=process
Delegate=yes
TimeoutStartSec=0
Restart=always
RestartSec=1
[Install]
WantedBy=multi-user.target
";

/// Plays the scenario; the lab is its own.
pub(super) fn play(story: &mut Story<'_>) {
    if peers().is_none() {
        return story.skip("all steps", "the real programs are not built: make peers");
    }
    story.step("a server founds a cluster and says that it is a stand-in", found);
    story.step("unknown keys are warned of, drop-ins act", configuration);
    story.step("an agent with a wrong token or another cluster's token is refused", wrong_tokens);
    story.step("an agent joins; its labels act at the first registration only", join);
    story.step("another machine under its name is refused", impostor);
    story.step("a server with other critical values is refused", critical);
    story.step("a second server joins etcd", second_server);
    story.step("Pods of two nodes reach each other by the name of a Service", pods::two_nodes);
    story.step("Argo CD's own manifest runs: redis, repo-server, controllers", pods::argo_installed);
    story.step("an app of a repository becomes Synced and Healthy, and follows", pods::argo_follows);
    story.step("the sealed-secrets controller opens what kubeseal sealed", pods::sealed);
    story.step("a new version starts on the old data", upgrade);
    story.step("after a power cut the cluster and its Pods come back", pods::back_again);
    story.step("a deleted Node leaves etcd, and its name is free again", removal);
    story.step("a snapshot is saved, listed and deleted", snapshot);
    story.step("an emptied server that may found a cluster founds a second one", second_cluster);
    story.step("one server lives on SQLite, with CAs that were given as chains", given_authorities);
}

fn found(lab: &Lab) {
    let edge = lab.host("edge");
    provide(edge, OLD);
    assert!(edge.expect("k3s --version").contains("stand-in"));
    assert!(edge.expect("k3s --help").contains("STAND-IN"));
    let config = format!(
        "token: secret\nagent-token: nodes-only\ncluster-init: true\nnode-ip: {}\nsecrets-encryption: true\n",
        edge.address()
    );
    configure(edge, "server", &config);
    edge.put(
        "/etc/rancher/k3s/config.yaml.d/10-more.yaml",
        b"node-labels: [typo=yes]\nnode-label: [site=north]\n",
        0o600,
    );
    edge.expect("systemctl start k3s");
    assert_eq!(ready(edge, "edge"), OLD);
}

fn configuration(lab: &Lab) {
    let edge = lab.host("edge");
    edge.expect("journalctl -u k3s -o cat --no-pager | grep -F 'Unknown flag --node-labels found in config.yaml, skipping'");
    assert_eq!(label(edge, "edge", "site"), "north");
    assert_eq!(label(edge, "edge", "typo"), "");
    edge.expect("curl -sk https://127.0.0.1:6443/ping | grep -x pong");
    edge.expect(
        "curl -sk https://127.0.0.1:6443/cacerts | cmp - /var/lib/rancher/k3s/server/tls/server-ca.crt",
    );
    let hash = edge.expect("sha256sum < /var/lib/rancher/k3s/server/tls/server-ca.crt | cut -d' ' -f1");
    assert_eq!(token(edge), format!("K10{hash}::server:secret"));
    assert_eq!(edge.expect("curl -sk -o /dev/null -w '%{http_code}' https://127.0.0.1:6443/version"), "401");
    edge.expect("k3s kubectl create secret generic plain --from-literal=a=findme");
    edge.refuse("grep -rq findme /var/lib/rancher/k3s/server/db/etcd");
}

fn wrong_tokens(lab: &Lab) {
    let (edge, worker) = (lab.host("edge"), lab.host("worker"));
    let url = format!("https://{}:6443", edge.address());
    provide(worker, OLD);
    let says = |token: &str, word: &str| {
        let child = worker.spawn("root", &format!("exec k3s agent --server {url} --token {token} 2>&1"));
        child.wait_says(word, SLOW);
        worker.kill9("[k]3s agent");
    };
    says(&token(edge).replace("secret", "guess"), "not authorized");
    says(&format!("K10{}::server:secret", "ab".repeat(32)), "token CA hash does not match");
    worker.refuse("k3s agent --tokn x");
}

fn join(lab: &Lab) {
    let (edge, worker) = (lab.host("edge"), lab.host("worker"));
    let config = |site: &str| {
        format!(
            "server: https://{}:6443\ntoken: {}\nnode-label: [site={site}]\n",
            edge.address(),
            agents_token(edge)
        )
    };
    configure(worker, "agent", &config("south"));
    worker.expect("systemctl start k3s");
    ready(edge, "worker");
    assert_eq!(label(edge, "worker", "site"), "south");
    configure(worker, "agent", &config("west"));
    worker.expect("systemctl restart k3s");
    ready(edge, "worker");
    assert_eq!(label(edge, "worker", "site"), "south");
    edge.expect("k3s kubectl -n kube-system get secret worker.node-password.k3s");
}

fn impostor(lab: &Lab) {
    let (edge, laptop) = (lab.host("edge"), lab.host("laptop"));
    provide(laptop, OLD);
    let text = format!(
        "exec k3s agent --server https://{}:6443 --token {} --node-name worker 2>&1",
        edge.address(),
        token(edge)
    );
    laptop.spawn("root", &text).wait_says("Node password rejected", SLOW);
    laptop.kill9("[k]3s agent");
}

fn critical(lab: &Lab) {
    let (edge, laptop) = (lab.host("edge"), lab.host("laptop"));
    let join = format!("timeout 60 k3s server -s https://{}:6443 -t {}", edge.address(), token(edge));
    let refused = laptop.refuse(&format!("{join} --cluster-cidr 10.99.0.0/16 --secrets-encryption"));
    assert!(refused.says("critical configuration value mismatch between servers"), "{refused}");
    assert!(refused.says("--cluster-cidr"), "{refused}");
    let refused = laptop.refuse(&join.replace("secret", "guess"));
    assert!(refused.says("not authorized"), "{refused}");
    let refused =
        laptop.refuse(&format!("{join} --secrets-encryption").replace(&token(edge), &agents_token(edge)));
    assert!(refused.says("not authorized"), "{refused}");
}

fn second_server(lab: &Lab) {
    let (edge, laptop) = (lab.host("edge"), lab.host("laptop"));
    let config = format!(
        "server: https://{}:6443\ntoken: {}\nnode-ip: {}\nsecrets-encryption: true\n",
        edge.address(),
        token(edge),
        laptop.address()
    );
    configure(laptop, "server", &config);
    laptop.expect("systemctl start k3s");
    ready(edge, "laptop");
    assert_eq!(laptop.expect("k3s kubectl get nodes -o name | wc -l"), "3");
    assert_eq!(members(edge), 2);
    wait_until("the agent knows both servers", SLOW, || {
        let file = "/var/lib/rancher/k3s/agent/etc/k3s-agent-load-balancer.json";
        lab.host("worker").run(&format!("grep -F {} {file}", laptop.address())).ok()
    });
}

fn upgrade(lab: &Lab) {
    let edge = lab.host("edge");
    provide(edge, NEW);
    edge.expect("systemctl restart k3s");
    wait_until("the node reports the new version", SLOW, || version(edge, "edge") == NEW);
    edge.expect(
        "k3s kubectl -n argocd rollout status --timeout=120s statefulset/argocd-application-controller",
    );
}

fn removal(lab: &Lab) {
    let (edge, laptop) = (lab.host("edge"), lab.host("laptop"));
    edge.expect("k3s kubectl delete node laptop");
    wait_until("the member is out of etcd", SLOW, || members(edge) == 1);
    laptop.expect("systemctl stop k3s");
    wait_until("its password is forgotten", SLOW, || {
        !edge.run("k3s kubectl -n kube-system get secret laptop.node-password.k3s").ok()
    });
    edge.expect("k3s kubectl get nodes");
}

fn snapshot(lab: &Lab) {
    let edge = lab.host("edge");
    edge.expect("k3s etcd-snapshot save --name proof");
    let name = edge.expect("k3s etcd-snapshot ls | awk '/^proof-edge-/ { print $1 }'");
    edge.expect(&format!(
        "test -s /var/lib/rancher/k3s/server/db/snapshots/{name}; k3s etcd-snapshot delete {name}"
    ));
    assert_eq!(edge.expect("k3s etcd-snapshot ls | wc -l"), "1");
    assert!(edge.expect("k3s certificate check --output table").contains("serving-kube-apiserver.crt"));
}

fn second_cluster(lab: &Lab) {
    let edge = lab.host("edge");
    let before = edge.expect("k3s kubectl get namespace kube-system -o jsonpath={.metadata.uid}");
    edge.expect("systemctl stop k3s; rm -rf /var/lib/rancher/k3s/server/db; systemctl start k3s");
    ready(edge, "edge");
    assert_ne!(before, edge.expect("k3s kubectl get namespace kube-system -o jsonpath={.metadata.uid}"));
    edge.refuse("k3s kubectl get node worker");
}

/// Each CA is an intermediate below one root; the file goes from it to the root.
const CHAINS: &str = r"
mkdir -p /var/lib/rancher/k3s/server/tls/etcd; cd /var/lib/rancher/k3s/server/tls
ca() { openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out $1.key; }
export OPENSSL_CONF=/dev/null; printf 'basicConstraints=critical,CA:true
keyUsage=critical,keyCertSign,digitalSignature
subjectKeyIdentifier=hash
' > /tmp/ca.ext
ca /tmp/root; openssl req -new -key /tmp/root.key -subj /CN=root -out /tmp/root.csr
openssl x509 -req -in /tmp/root.csr -signkey /tmp/root.key -days 30 -extfile /tmp/ca.ext -out /tmp/root.crt
for it in client-ca server-ca request-header-ca etcd/peer-ca etcd/server-ca; do
  ca $it; openssl req -new -key $it.key -subj /CN=$(basename $it) -out /tmp/it.csr
  openssl x509 -req -in /tmp/it.csr -CA /tmp/root.crt -CAkey /tmp/root.key -CAcreateserial -days 30 -extfile /tmp/ca.ext -out $it.crt
  cat /tmp/root.crt >> $it.crt
done 2>/dev/null
openssl genrsa -out service.key 2048; openssl x509 -in /tmp/root.crt -outform DER | sha256sum | cut -d' ' -f1
";

fn given_authorities(lab: &Lab) {
    let edge = lab.host("edge");
    edge.expect("systemctl stop k3s; rm -rf /var/lib/rancher /etc/rancher");
    let hash = edge.expect(CHAINS);
    configure(edge, "server", &format!("token: K10{hash}::server:secret\nnode-ip: {}\n", edge.address()));
    edge.expect("systemctl start k3s");
    ready(edge, "edge");
    assert_eq!(token(edge), format!("K10{hash}::server:secret"));
    edge.expect("k3s kubectl create configmap kept; systemctl restart k3s; k3s kubectl get configmap kept; test -s /var/lib/rancher/k3s/server/db/state.db");
    let refused = edge.refuse("systemctl stop k3s; timeout 60 k3s server --token guess");
    assert!(refused.says("bootstrap data already found and encrypted with different token"), "{refused}");
    assert!(edge.refuse("k3s etcd-snapshot save").says("etcd datastore disabled"));
}

/// Puts a version of the stand-in where K3s is.
fn provide(host: &Host, version: &str) {
    host.expect(&format!("ln -sf {PEERS}/k3s/{version}/k3s /usr/local/bin/k3s"));
}

fn configure(host: &Host, role: &str, config: &str) {
    host.put("/etc/rancher/k3s/config.yaml", config.as_bytes(), 0o600);
    host.put("/etc/systemd/system/k3s.service", UNIT.replace("ROLE", role).as_bytes(), 0o644);
    host.expect("systemctl enable -q k3s; systemctl daemon-reload");
}

fn token(server: &Host) -> String {
    server.expect("cat /var/lib/rancher/k3s/server/token")
}

/// The token that lets nodes in, but no servers.
fn agents_token(server: &Host) -> String {
    server.expect("grep -x 'K10.*::node:nodes-only' /var/lib/rancher/k3s/server/agent-token")
}

/// Waits until a node is Ready and gives its version.
fn ready(server: &Host, node: &str) -> String {
    wait_until(&format!("node {node} is Ready"), SLOW, || {
        server.run(&format!("k3s kubectl wait --for=condition=Ready --timeout=10s node/{node}")).ok()
    });
    version(server, node)
}

fn version(server: &Host, node: &str) -> String {
    server
        .run(&format!("k3s kubectl get node {node} -o jsonpath={{.status.nodeInfo.kubeletVersion}}"))
        .text()
        .to_owned()
}

fn label(server: &Host, node: &str, label: &str) -> String {
    server.expect(&format!("k3s kubectl get node {node} -o jsonpath={{.metadata.labels.{label}}}"))
}

/// Counts etcd's members; etcd itself is asked.
fn members(server: &Host) -> usize {
    let tls = "/var/lib/rancher/k3s/server/tls/etcd";
    let list = server.expect(&format!("curl -s --cacert {tls}/server-ca.crt --cert {tls}/client.crt --key {tls}/client.key -X POST -d '{{}}' https://127.0.0.1:2379/v3/cluster/member/list"));
    list.matches("\"peerURLs\"").count()
}
