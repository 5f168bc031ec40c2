//! The hands of the story: what a person types on the laptop, and what the judges ask the machines.

use crate::{K3S, Lab, Output, PEERS, k3s_is_real, peers, wait_seen, wait_until};
use std::time::Duration;

/// The machines that follow the repository.
pub(super) const NODES: [&str; 3] = ["attic", "edge", "worker"];

/// The machines once shed has joined: edge and worker are public, attic and shed are behind NAT routers of their own.
pub(super) const ALL: [&str; 4] = ["attic", "edge", "shed", "worker"];

/// The domain of names in the mesh.
const MESH: &str = "mesh.harbor.example";

/// How long something may take that has to happen: a machine under load is slow, and waiting costs nothing when it is not.
pub(super) const PATIENCE: Duration = Duration::from_mins(2);

/// How long K3s may take until machines have it.
pub(super) const SLOW: Duration = Duration::from_mins(4);

/// Where a mirror has the manifest of Argo CD.
pub(super) const ARGO_CD: &str = "argoproj/argo-cd/v3.2.11/manifests";

/// Where [`lay_mirror`] makes a folder laid out like the release addresses.
const MIRROR: &str = r"
k3s=/srv/mirror/k3s-io/k3s/releases/download/VERSION argocd=/srv/mirror/ARGO_CD
mkdir -p $k3s $argocd
ln -sf PEERS/k3s/VERSION/k3s $k3s/k3s
ln -sf PEERS/manifests/argocd-core-install.yaml $argocd/core-install.yaml
(cd $k3s && sha256sum k3s > sha256sum-amd64.txt)
";

/// The plain text that must lie nowhere but where it is wanted.
pub(super) const SECRET: &str = "plain-text-4c1d77-of-the-secret";

/// Types text on the laptop as its user; it has to succeed.
pub(super) fn me(lab: &Lab, text: &str) -> String {
    lab.host("laptop").expect_as("me", text)
}

/// Makes a repository with `knarr new` on the laptop, with more words for it; git's host has a place for it.
pub(super) fn new_repository(lab: &Lab, words: &str) {
    lab.install("laptop", "knarr");
    lab.install("laptop", "knarrd");
    lab.repository("harbor");
    let new =
        "knarr new harbor --domain harbor.example --origin git@203.0.113.2:harbor.git --recovery ~/kit.txt";
    me(lab, &format!("{new} {words}"));
}

/// Has git's host let the machines of the repository fetch.
pub(super) fn authorize(lab: &Lab) {
    lab.host("git").authorize("git", &harbor(lab, "cat .knarr/deploy.pub"));
}

/// Types text on the laptop that has to fail, and returns all that it said.
pub(super) fn me_refused(lab: &Lab, text: &str) -> String {
    said(&lab.host("laptop").refuse_as("me", text))
}

/// Types text in the clone on the laptop; it has to succeed. Returns what it said on both outputs.
pub(super) fn harbor(lab: &Lab, text: &str) -> String {
    me(lab, &format!("cd ~/harbor; {{ {text}\n}} 2>&1"))
}

/// Asks a machine as root, from inside.
pub(super) fn on(lab: &Lab, name: &str, text: &str) -> String {
    lab.host(name).expect(text)
}

/// Gives a machine the mirror /srv/mirror, with K3s and Argo CD's manifest.
pub(super) fn lay_mirror(lab: &Lab, name: &str) {
    on(lab, name, &MIRROR.replace("PEERS", PEERS).replace("VERSION", K3S).replace("ARGO_CD", ARGO_CD));
}

/// Returns why no app can run in the lab, if so.
pub(super) fn no_apps() -> Option<&'static str> {
    match peers() {
        None => Some("the real programs are not built: make peers"),
        Some(_) if k3s_is_real() => {
            Some("Argo CD's pods need images, and no host of the lab has the internet")
        }
        Some(_) => None,
    }
}

/// Has a program of the user's listen on a port of all addresses, unless it does already.
pub(super) fn listen(lab: &Lab, name: &str, port: u16) {
    on(
        lab,
        name,
        &format!(
            "systemctl -q is-active listen-{port} || systemd-run -q --unit=listen-{port} nc -l -k -n -p {port}
             for _ in $(seq 600); do ss -Hltn | grep -q ':{port} ' && exit 0; sleep 0.1; done; exit 1"
        ),
    );
}

/// Runs a pass now and returns all that knarrd says, however it ends.
pub(super) fn outcome(lab: &Lab, name: &str) -> String {
    said(&lab.host(name).run("knarrd once"))
}

/// Waits until a machine says that it has converged.
pub(super) fn converged(lab: &Lab, name: &str) {
    let is_so = |said: &str| said.contains("converged");
    wait_seen(&format!("{name} converges"), PATIENCE, is_so, || outcome(lab, name));
}

/// Waits until Argo CD says that an app is as its commit says; edge is the server that is asked.
pub(super) fn is_synced(lab: &Lab, app: &str) {
    let state =
        "-o jsonpath='{.status.sync.status} {.status.health.status}: {.status.conditions[*].message}'";
    let ask = format!("k3s kubectl -n argocd get application {app} {state}");
    let is_so = |said: &str| said.starts_with("Synced Healthy");
    let look = || lab.host("edge").run(&ask).text().to_owned();
    wait_seen(&format!("app {app} is Synced and Healthy"), 2 * PATIENCE, is_so, look);
}

/// Waits until hello.service has been started with these words: it is active before it says them.
pub(super) fn restarted(lab: &Lab, name: &str, words: &str) {
    let is_so = |said: &str| said.contains(words);
    let look = || on(lab, name, "journalctl -u hello.service -o cat -n 3");
    wait_seen(&format!("hello.service says `{words}` on {name}"), PATIENCE, is_so, look);
}

/// Returns the commit that a machine applied last.
pub(super) fn applied(lab: &Lab, name: &str) -> String {
    on(
        lab,
        name,
        r#"knarrd status --output json | tr -d ' \n' | grep -o '"applied":"[0-9a-f]*"' | cut -d'"' -f4"#,
    )
}

/// Runs a pass on machines at the same moment and waits until all have converged.
pub(super) fn all_converge(lab: &Lab, nodes: &[&str]) {
    std::thread::scope(|scope| {
        for node in nodes {
            scope.spawn(|| converged(lab, node));
        }
    });
}

/// Waits until Kubernetes knows a machine as Ready with a version of K3s, as a server says.
pub(super) fn ready(lab: &Lab, server: &str, node: &str, wanted: &str) {
    let version = format!("jsonpath={{.status.nodeInfo.kubeletVersion}}={wanted}");
    let wait = format!("k3s kubectl wait --timeout=10s node/{node} --for");
    wait_until(&format!("{node} is Ready with {wanted}"), SLOW, || {
        lab.host(server).run(&format!("{wait} {version} && {wait} condition=Ready")).ok()
    });
}

/// Returns what no two clusters have in common, as a server says.
pub(super) fn uid(lab: &Lab, server: &str) -> String {
    on(lab, server, "k3s kubectl get namespace kube-system -o jsonpath={.metadata.uid}")
}

/// Returns the mesh address that the repository gives a machine.
pub(super) fn mesh_ip(lab: &Lab, node: &str) -> String {
    harbor(lab, &format!("sed -n 's/^mesh: //p' nodes/{node}.yaml | tr -d '\"'"))
}

/// Waits until each machine is answered by each other one over the mesh, with packets as large as its device takes.
pub(super) fn all_pairs_ping(lab: &Lab, nodes: &[&str]) {
    for from in nodes {
        for to in nodes.iter().filter(|to| *to != from) {
            let ping =
                format!("ping -qc1 -W1 -M do -s $(( $(cat /sys/class/net/knarr0/mtu) - 28 )) {to}.{MESH}");
            let answers = || lab.host(from).run(&ping).ok();
            wait_until(&format!("{to} answers {from} over the mesh"), PATIENCE, answers);
        }
    }
}

/// Edits a rendered file and its digest, commits signed and pushes: what `knarr` would refuse, or no source can say.
pub(super) fn forge(lab: &Lab, file: &str, edit: &str, words: &str) {
    harbor(
        lab,
        &format!(
            "sed -i '{edit}' {file}
             if git diff --quiet -- {file}; then echo 'the edit changes nothing'; exit 1; fi
             sum=$(sha256sum {file} | cut -d' ' -f1); sed -i \"s|^{file}: .*|{file}: sha256:$sum|\" rendered/owned.yaml
             git commit -qam \"{words}\" && git push -q"
        ),
    );
}

/// Takes the last commit back by another one, and follows it.
pub(super) fn revert(lab: &Lab) {
    harbor(lab, "git revert --no-edit HEAD >/dev/null && knarr ship -y");
}

/// Has all machines wait ten seconds for the proof of a change, not two minutes.
pub(super) fn be_impatient(lab: &Lab) {
    for node in ALL {
        lab.host(node).put("/etc/knarr/guard-seconds", b"10", 0o644);
    }
}

/// Waits until a machine gets through to a port.
pub(super) fn reaches(lab: &Lab, name: &str, address: &str, port: u16) {
    let dial = format!("nc -z -w5 {address} {port}");
    wait_until(&format!("{name} reaches {address}:{port}"), PATIENCE, || lab.host(name).run(&dial).ok());
}

/// True when a person on the internet is let in by a machine's sshd.
pub(super) fn ssh_from_outside(lab: &Lab, node: &str) -> bool {
    let target = lab.host(node).ssh();
    lab.host("laptop").run_as("me", &format!("ssh -o BatchMode=yes -o ConnectTimeout=2 {target} true")).ok()
}

fn said(output: &Output) -> String {
    format!("{}{}", output.stdout, output.stderr)
}
