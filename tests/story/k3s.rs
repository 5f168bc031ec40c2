//! K3s on three machines: from an empty folder to Ready, upgraded by one commit, switched off and on, and what goes wrong.
//!
//! The machines are empty before. The mirror is a folder served by HTTP on the lab's internet, with the stand-in for
//! K3s; the judges are kubectl, systemctl and wg on the machines, and the mirror's own log.

pub(super) mod mirror;
mod snapshot;

use super::Story;
use super::hands::{
    NODES, SLOW, authorize, converged, harbor, me, mesh_ip, new_repository, on, outcome, ready, uid,
};
use crate::{K3S, K3S_NEWER, Lab, PEERS, peers, wait_until};
use mirror::{Mirror, URL};

pub(super) const OLD: &str = K3S;
/// For what is played with two versions only.
pub(super) const NEW: &str = match K3S_NEWER {
    Some(new) => new,
    None => OLD,
};

/// Plays the scenario on empty machines.
pub(super) fn play(story: &mut Story<'_>) {
    let Some(programs) = peers() else {
        return story.skip("all steps", "the real programs are not built: make peers");
    };
    let mirror = Mirror::serve(story.lab(), programs);
    story.step("a new cluster pins K3s of a mirror by its digest", |lab| a_new_cluster(lab, &mirror));
    story.step("ship: three machines are Ready, one behind its NAT", three_are_ready);
    story.step("the device reaches the API over the mesh, and nothing else", the_device_reaches_the_api);
    story.step("what others put beside K3s's settings is reported", strangers_are_reported);
    upgrade(story, &mirror);
    story.step("a file with another digest is refused, K3s runs on", damaged);
    story.step("the lab is switched off and on: all are Ready again", off_and_on);
    story.step("a founder without its data founds nothing", nothing_is_founded_again);
    story.step("a node removed by a commit is gone from mesh and Kubernetes", one_leaves);
}

fn upgrade(story: &mut Story<'_>, mirror: &Mirror) {
    let Some(new) = K3S_NEWER else {
        return story.skip("K3s comes up to date, and goes back", "needs a second binary: K3S_NEW=");
    };
    story
        .step("K3s comes up to date by one commit; a cut download goes on", |lab| upgraded(lab, mirror, new));
    story.step("the server was upgraded before the agents", the_server_came_first);
    if minor(new) == minor(OLD) {
        return story.skip("the snapshot brings the older version back", "both are of one minor version");
    }
    story.step("a snapshot was taken before, and nothing goes back without it", |lab| {
        snapshot::taken(lab, new);
    });
    story.step("the snapshot brings the older version back, as the docs say", |lab| {
        snapshot::went_back(lab, new);
    });
}

/// The minor version of a release, e.g. `v1.36`.
fn minor(version: &str) -> &str {
    version.rsplit_once('.').map_or(version, |(minor, _)| minor)
}

/// The version that all have after the upgrade, and after what has gone back from it.
fn last() -> &'static str {
    K3S_NEWER.filter(|new| minor(new) == minor(OLD)).unwrap_or(OLD)
}

/// A version whose file is not what its digest says.
fn damaged_one() -> String {
    format!("{}.99+k3s1", minor(last()))
}

fn a_new_cluster(lab: &Lab, mirror: &Mirror) {
    new_repository(lab, &format!("--k3s {OLD} --mirror {URL}"));
    harbor(lab, &format!("grep -F 'k3s {OLD}' knarr.lock && grep {} knarr.lock", mirror.digest(OLD)));
    authorize(lab);
    harbor(lab, "git push -qu origin main && knarr doctor");
}

fn three_are_ready(lab: &Lab) {
    harbor(
        lab,
        "knarr node add -y edge=root@203.0.113.7 worker=debian@198.51.100.4 attic=pi@192.168.1.20 && knarr ship -y -m 'three machines'",
    );
    all_ready(lab, OLD);
    for node in NODES {
        let ip = kubectl(lab, &format!("get node {node} -o jsonpath='{{.status.addresses[0].address}}'"));
        assert_eq!(ip, mesh_ip(lab, node), "{node} is known by its address in the mesh");
    }
    on(lab, "edge", "systemctl is-active k3s");
    on(lab, "attic", "systemctl is-active k3s-agent");
}

/// The laptop becomes a device; its kubectl has nothing but what `knarr kubeconfig` gave. K3s's own kubectl would not look
/// where kubectl does.
fn the_device_reaches_the_api(lab: &Lab) {
    let laptop = lab.host("laptop");
    laptop.expect(&format!(
        "echo 'me ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/me; ln -sf {PEERS}/k3s/{OLD}/k3s /usr/local/bin/kubectl"
    ));
    harbor(lab, "knarr kubeconfig --use && test $(stat -c %a ~/.kube/config) = 600");
    let kubectl = "kubectl --kubeconfig ~/.kube/config --request-timeout=5s";
    let asks = &format!("{kubectl} get nodes -o name");
    assert!(!laptop.run_as("me", asks).ok(), "it is no device yet");
    harbor(lab, "sudo knarr peer add x1 --here --reach api && knarr ship -y -m 'x1 joins'");
    laptop.expect("WG_QUICK_USERSPACE_IMPLEMENTATION=wireguard-go wg-quick up harbor 2>&1");
    wait_until("the device asks the API", SLOW, || {
        laptop.run_as("me", asks).text() == "node/attic\nnode/edge\nnode/worker"
    });
    assert_eq!(
        me(lab, &format!("{kubectl} auth whoami -o jsonpath={{.status.userInfo.username}}")),
        "knarr:me"
    );
    let edge = mesh_ip(lab, "edge");
    for port in [22, 10250] {
        laptop.refuse(&format!("nc -z -w1 {edge} {port}"));
    }
    laptop.expect("wg-quick down harbor 2>&1; rm /etc/sudoers.d/me");
    assert!(!laptop.run_as("me", asks).ok(), "only over the mesh");
}

fn strangers_are_reported(lab: &Lab) {
    let stranger = "/etc/rancher/k3s/config.yaml.d/99-mine.yaml";
    on(lab, "worker", &format!("echo 'node-label: [mine=yes]' > {stranger}"));
    let said = outcome(lab, "worker");
    assert!(said.contains("99-mine.yaml counts too, and is not from the repository"), "{said}");
    on(lab, "worker", &format!("test -f {stranger} && mv {stranger} /root/"));
    converged(lab, "worker");
}

/// The worker's download is cut after 60 MB, and its knarrd killed; the server goes on meanwhile.
fn upgraded(lab: &Lab, mirror: &Mirror, new: &str) {
    harbor(lab, &format!("knarr upgrade k3s {new}"));
    if minor(new) != minor(OLD) {
        snapshot::promised(lab);
    }
    let cut = "add table inet cut; add chain inet cut in { type filter hook input priority -5; }; \
               add rule inet cut in tcp sport 8000 quota over 60 mbytes drop";
    on(lab, "worker", &format!("nft '{cut}'"));
    harbor(lab, "knarr ship -y --no-follow -m 'K3s upgraded'");
    let part = "stat -c %s /var/lib/knarr/store/*.part";
    wait_until("the download is cut", SLOW, || size(lab, part) > 50_000_000);
    wait_until("the server is upgraded", SLOW, || version(lab, "edge") == new);
    on(lab, "worker", "systemctl kill -s KILL knarrd; nft delete table inet cut");
    assert!(size(lab, part) > 50_000_000, "what was there stays");
    assert_eq!(version(lab, "worker"), OLD);
    all_ready(lab, new);
    assert!(mirror.gave_a_part_to(&lab.host("worker").address()), "{}", mirror.log());
}

fn size(lab: &Lab, text: &str) -> u64 {
    lab.host("worker").run(text).text().parse().unwrap_or(0)
}

/// All hosts share one clock since the boot of this machine.
fn the_server_came_first(lab: &Lab) {
    let time = |node: &str, what: &str| -> u64 {
        on(lab, node, &format!("systemctl show -P {what}")).parse().expect("systemd tells microseconds")
    };
    let server = time("edge", "ActiveEnterTimestampMonotonic k3s");
    for agent in ["attic", "worker"] {
        assert!(time(agent, "InactiveExitTimestampMonotonic k3s-agent") > server, "{agent} waited");
    }
}

fn damaged(lab: &Lab) {
    harbor(
        lab,
        &format!("knarr upgrade k3s {} && knarr ship -y --no-follow -m 'K3s damaged'", damaged_one()),
    );
    for node in NODES {
        wait_until(&format!("{node} refuses it"), SLOW, || {
            let said = lab.host(node).run("knarrd status");
            said.says("gives other bytes")
        });
    }
    all_ready(lab, last());
    harbor(lab, "git revert --no-edit HEAD && knarr ship -y");
    all_ready(lab, last());
}

fn off_and_on(lab: &Lab) {
    let cluster = uid(lab, "edge");
    for node in NODES {
        lab.host(node).power_cut();
    }
    for node in NODES {
        lab.host(node).power_on();
    }
    all_ready(lab, last());
    assert_eq!(uid(lab, "edge"), cluster);
    for node in NODES {
        converged(lab, node);
    }
}

/// The data is away, by hand; neither knarrd nor systemd starts K3s on nothing. Then the data is back.
fn nothing_is_founded_again(lab: &Lab) {
    let cluster = uid(lab, "edge");
    harbor(lab, "git pull -q --ff-only; grep -A3 'founded:' cluster.yaml | grep 'server: edge'");
    on(lab, "edge", "systemctl stop k3s; mv /var/lib/rancher/k3s /root/data");
    let said = outcome(lab, "edge");
    assert!(said.contains("waits: `/var/lib/rancher/k3s/server/db` is empty"), "{said}");
    assert!(said.contains("docs/reliability.md#a-server-without-data"), "{said}");
    on(
        lab,
        "edge",
        "systemctl start k3s; ! systemctl is-active k3s; test ! -e /var/lib/rancher/k3s/server/db",
    );
    on(lab, "edge", "rm -rf /var/lib/rancher/k3s; mv /root/data /var/lib/rancher/k3s");
    converged(lab, "edge");
    all_ready(lab, last());
    assert_eq!(uid(lab, "edge"), cluster);
}

fn one_leaves(lab: &Lab) {
    let key = on(lab, "attic", "wg show knarr0 public-key");
    harbor(lab, "knarr node remove attic && knarr ship -y -m 'attic leaves'");
    for node in ["edge", "worker"] {
        wait_until(&format!("{node} knows attic no more"), SLOW, || {
            !lab.host(node).run("wg show knarr0 peers").says(&key)
        });
    }
    assert!(outcome(lab, "attic").contains("stalled"));
    wait_until("Kubernetes knows attic no more", SLOW, || {
        lab.host("edge").run("kubectl get nodes -o name").text() == "node/edge\nnode/worker"
    });
}

/// Waits until all nodes are Ready, with one version.
fn all_ready(lab: &Lab, wanted: &str) {
    for node in NODES {
        ready(lab, "edge", node, wanted);
    }
}

fn version(lab: &Lab, node: &str) -> String {
    let asked = format!("k3s kubectl get node {node} -o jsonpath={{.status.nodeInfo.kubeletVersion}}");
    lab.host("edge").run(&asked).text().to_owned()
}

fn kubectl(lab: &Lab, text: &str) -> String {
    on(lab, "edge", &format!("kubectl {text}"))
}
