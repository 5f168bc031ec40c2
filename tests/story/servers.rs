//! Three servers and a worker: they join in turn, follow each other in an upgrade, and live on without the first one.
//!
//! The machines are empty before. edge founds, shed and worker join; shed is behind NAT, and so is attic, the one agent, which
//! reaches shed through a relay. Judges are kubectl, etcd's own list of its members, wg, systemctl and curl.

use std::time::Duration;

use super::Story;
use super::hands::{
    ALL, SLOW, all_converge, applied, authorize, converged, harbor, mesh_ip, new_repository, on, outcome,
    ready, uid,
};
use super::k3s::mirror::{Mirror, URL};
use super::k3s::{NEW, OLD};
use crate::{Lab, peers, wait_until};

/// In the order of their turns.
const SERVERS: [&str; 3] = ["edge", "shed", "worker"];

/// Plays the scenario on empty machines.
pub(super) fn play(story: &mut Story<'_>) {
    let Some(programs) = peers() else {
        return story.skip("all steps", "the real programs are not built: make peers");
    };
    let _mirror = Mirror::serve(story.lab(), programs);
    story.step("three servers join one after the other, and make one cluster", three_join);
    story.step("K3s is upgraded server by server, and the API answers all the time", upgraded_in_turn);
    story.step("the first server is switched off: agents still follow", an_agent_follows);
    story.step("another server takes the Lease over, and objects follow commits", the_lease_moves);
    story.step("the first server comes back and converges", the_first_comes_back);
    story.step("the first server has lost its data and joins another one", without_data);
    story.step("a server removed by a commit is gone from mesh, Kubernetes and etcd", one_leaves);
}

fn three_join(lab: &Lab) {
    new_repository(lab, &format!("--k3s {OLD} --mirror {URL}"));
    authorize(lab);
    let hosts = "edge=root@203.0.113.7 worker=debian@198.51.100.4 attic=pi@192.168.1.20 shed=pi@192.168.2.20";
    harbor(lab, &format!("git push -qu origin main && knarr node add -y --server edge,worker,shed {hosts}"));
    harbor(lab, "knarr ship -y -m 'three servers and a worker'");
    all_ready(lab, OLD);
    one_after_the_other(lab, "InactiveExitTimestampMonotonic");
    let cluster = uid(lab, "edge");
    for server in SERVERS {
        assert_eq!(members(lab, server), SERVERS, "as {server} says");
        assert_eq!(uid(lab, server), cluster, "{server} is of the same cluster");
    }
}

/// Each server only stopped, or only began, when the one before was active again. All hosts share one clock since the
/// boot of this machine.
fn one_after_the_other(lab: &Lab, what: &str) {
    let time = |node: &str, unit: &str, what: &str| -> u64 {
        let said = on(lab, node, &format!("systemctl show -P {what} {unit}"));
        said.parse().expect("systemd tells microseconds")
    };
    for turn in SERVERS.windows(2) {
        let [before, next] = [turn[0], turn[1]];
        let done = time(before, "k3s", "ActiveEnterTimestampMonotonic");
        assert!(done < time(next, "k3s", what), "{next} waits for {before}");
    }
    let done = time("worker", "k3s", "ActiveEnterTimestampMonotonic");
    assert!(done < time("attic", "k3s-agent", what), "the agent waits for all servers");
}

/// Asks the servers in turn until one answers, over the mesh, with what `knarr kubeconfig` gave; says how it went.
const POLL: &str = r#"
cd /root
for what in certificate key; do sed -n "s/.*client-$what-data: //p" kubeconfig | base64 -d > $what.pem; done
asks() { curl -skf --max-time 5 --cert certificate.pem --key key.pem "https://$1:6443/api/v1/namespaces/kube-system" >/dev/null; }
while sleep 0.3; do
  if asks EDGE || asks SHED || asks WORKER; then echo answered; else echo silent; fi
done
"#;

fn upgraded_in_turn(lab: &Lab) {
    harbor(lab, "knarr kubeconfig --to ~/kubeconfig");
    lab.host("attic").put("/root/kubeconfig", &lab.host("laptop").read("/home/me/kubeconfig"), 0o600);
    let poll = SERVERS
        .iter()
        .fold(POLL.to_owned(), |text, name| text.replace(&name.to_uppercase(), &mesh_ip(lab, name)));
    let poll = lab.host("attic").spawn("root", &poll);
    poll.wait_says("answered", SLOW);
    harbor(lab, &format!("knarr upgrade k3s {NEW} && knarr ship -y -m 'K3s upgraded'"));
    all_ready(lab, NEW);
    one_after_the_other(lab, "ActiveExitTimestampMonotonic");
    let said = poll.said();
    assert!(!said.contains("silent"), "{said}");
    assert!(said.matches("answered").count() > 10, "{said}");
}

fn an_agent_follows(lab: &Lab) {
    assert_eq!(holder(lab, "worker"), "edge", "who founded was the first to ask");
    let since = "systemctl show -P ActiveEnterTimestampMonotonic k3s-agent";
    let began = on(lab, "attic", since);
    lab.host("edge").power_cut();
    harbor(
        lab,
        "mkdir -p host && echo 'mirrors: {}' > host/registries.yaml
         printf 'labels: {site: home}\nhost: {files: {/etc/rancher/k3s/registries.yaml: {from: host/registries.yaml}}}\n' >> nodes/attic.yaml
         knarr ship -y -m 'attic is marked' || true",
    );
    let head = harbor(lab, "git rev-parse HEAD");
    all_converge(lab, &["attic", "shed", "worker"]);
    assert_eq!(applied(lab, "attic"), head);
    on(lab, "attic", "k3s kubectl --kubeconfig kubeconfig --context harbor@worker get nodes");
    on(lab, "attic", &format!("test $({since}) -gt {began}; systemctl is-active k3s-agent"));
    ready(lab, "worker", "attic", NEW);
}

fn the_lease_moves(lab: &Lab) {
    let site = "get node attic -o jsonpath={.metadata.labels.site}";
    wait_until("the label of the commit is there", SLOW, || {
        std::thread::sleep(Duration::from_secs(1));
        asked(lab, "worker", site) == "home"
    });
    assert!(["shed", "worker"].contains(&holder(lab, "worker").as_str()));
    assert!(harbor(lab, "knarr status || true").contains("cluster:"));
}

fn the_first_comes_back(lab: &Lab) {
    let cluster = uid(lab, "worker");
    lab.host("edge").power_on();
    converged(lab, "edge");
    all_ready(lab, NEW);
    assert_eq!(uid(lab, "edge"), cluster);
    assert_eq!(members(lab, "edge"), SERVERS);
}

/// Word by word what docs/reliability.md#a-server-without-data says.
fn without_data(lab: &Lab) {
    let cluster = uid(lab, "worker");
    on(lab, "edge", "systemctl stop k3s; rm -rf /var/lib/rancher/k3s");
    let said = outcome(lab, "edge");
    assert!(said.contains("docs/reliability.md#a-server-without-data"), "{said}");
    on(lab, "worker", "kubectl delete node edge");
    harbor(
        lab,
        "git pull -q --ff-only; sed -i '/founded:/,$ s/server: edge/server: shed/' cluster.yaml && knarr ship -y -m 'shed is first'",
    );
    all_ready(lab, NEW);
    for server in SERVERS {
        assert_eq!(members(lab, server), SERVERS, "as {server} says");
        assert_eq!(uid(lab, server), cluster, "{server} is of the same cluster");
    }
}

fn one_leaves(lab: &Lab) {
    let key = on(lab, "worker", "wg show knarr0 public-key");
    harbor(lab, "knarr node remove worker && knarr ship -y -m 'worker leaves'");
    for node in ["edge", "shed", "attic"] {
        wait_until(&format!("{node} knows worker no more"), SLOW, || {
            !lab.host(node).run("wg show knarr0 peers").says(&key)
        });
    }
    for server in ["edge", "shed"] {
        wait_until(&format!("etcd of {server} knows worker no more"), SLOW, || {
            members(lab, server) == ["edge", "shed"]
        });
        wait_until(&format!("Kubernetes knows worker no more, says {server}"), SLOW, || {
            asked(lab, server, "get nodes -o name") == "node/attic\nnode/edge\nnode/shed"
        });
    }
}

/// Waits until all nodes are Ready, with one version, whichever server is asked first.
fn all_ready(lab: &Lab, wanted: &str) {
    for node in ALL {
        ready(lab, "edge", node, wanted);
    }
}

/// What a server's API says, or nothing.
fn asked(lab: &Lab, server: &str, words: &str) -> String {
    lab.host(server).run(&format!("k3s kubectl {words}")).text().to_owned()
}

fn holder(lab: &Lab, server: &str) -> String {
    asked(lab, server, "-n kube-system get lease knarr -o jsonpath={.spec.holderIdentity}")
}

/// The members of etcd by the names of their machines, as the member on a server says: each has a suffix of its own.
fn members(lab: &Lab, server: &str) -> Vec<String> {
    let tls = "/var/lib/rancher/k3s/server/tls/etcd";
    let asked = format!(
        "curl -s --cacert {tls}/server-ca.crt --cert {tls}/client.crt --key {tls}/client.key -X POST -d '{{}}' https://127.0.0.1:2379/v3/cluster/member/list"
    );
    let said = lab.host(server).run(&asked);
    let names = said.text().split("\"name\":\"").skip(1).filter_map(|rest| rest.split('"').next());
    let mut names: Vec<String> =
        names.map(|name| name.rsplit_once('-').map_or(name, |(node, _)| node).to_owned()).collect();
    names.sort_unstable();
    names
}
