//! Reachable, not listening: what the internet, machines and a laptop get to, judged by nc, ssh and iptables.

use super::Story;
use super::hands::{ALL, PATIENCE, all_converge, harbor, listen, mesh_ip, on, reaches, ssh_from_outside};
use crate::{Lab, wait_until};

/// Who gets where.
pub(super) fn play(story: &mut Story<'_>) {
    story.step("the internet reaches ssh and what is open, nothing else", the_internet_reaches_what_is_open);
    story.step("machines reach each other's inner ports over the mesh", machines_reach_inner_ports);
    story.step("a NodePort-like DNAT is closed from outside unless opened", a_translated_port_is_closed);
    story.step("a laptop reaches what `reach` says and nothing else", a_laptop_reaches_what_is_said);
}

/// True when a port of worker answers to the internet.
fn answers(lab: &Lab, port: u16) -> bool {
    lab.internet().run(&format!("nc -z -w2 {WORKER} {port}")).ok()
}

/// Waits until it does.
fn is_open(lab: &Lab, port: u16) {
    wait_until(&format!("the internet reaches worker:{port}"), PATIENCE, || answers(lab, port));
}

fn the_internet_reaches_what_is_open(lab: &Lab) {
    for port in [80, 3306, 10250] {
        listen(lab, "worker", port);
    }
    for node in ["edge", "worker"] {
        wait_until(&format!("{node} lets people in"), PATIENCE, || ssh_from_outside(lab, node));
    }
    is_open(lab, 80);
    for port in [3306, 10250, 51821] {
        assert!(!answers(lab, port), "worker:{port} is closed");
    }
}

const WORKER: &str = "198.51.100.4";

fn machines_reach_inner_ports(lab: &Lab) {
    let worker = mesh_ip(lab, "worker");
    reaches(lab, "edge", &worker, 10250);
    lab.host("edge").refuse(&format!("nc -z -w1 {worker} 3306"));
    lab.host("edge").refuse(&format!("nc -z -w1 {WORKER} 10250"));
}

/// A pod behind K3s's bridge, and the rule by which kube-proxy brings a NodePort to it.
const POD: &str = "
    ip netns add pod; ip link add cni0 type bridge; ip address add 10.42.1.1/24 dev cni0; ip link set cni0 up
    ip link add pod type veth peer name eth0 netns pod; ip link set pod master cni0 up
    ip -n pod address add 10.42.1.5/24 dev eth0; ip -n pod link set eth0 up; ip -n pod route add default via 10.42.1.1
    systemd-run -q --unit=pod ip netns exec pod nc -l -k -n -p 8080
    until ip netns exec pod ss -Hltn | grep -q ':8080 '; do sleep 0.05; done
    iptables -t nat -A PREROUTING -p tcp --dport 30080 -m addrtype --dst-type LOCAL -j DNAT --to-destination 10.42.1.5:8080";

fn a_translated_port_is_closed(lab: &Lab) {
    on(lab, "worker", POD);
    assert!(!answers(lab, 30080), "a NodePort is closed like any other port");
    assert!(!answers(lab, 8080), "so is the pod's own port");
    reaches(lab, "edge", &mesh_ip(lab, "worker"), 30080);
    harbor(
        lab,
        "sed -i 's/^open: .*/open: [80, 30080]/' nodes/worker.yaml && knarr ship -y -m 'open the shop'",
    );
    is_open(lab, 30080);
    assert!(!answers(lab, 8080), "and no other port with it");
    harbor(lab, "git revert --no-edit HEAD >/dev/null && knarr ship -y");
    assert!(!answers(lab, 30080), "closed again");
    on(
        lab,
        "worker",
        "systemctl stop pod; iptables -t nat -F PREROUTING; ip link delete cni0; ip netns delete pod",
    );
}

/// The laptop becomes a device: it reaches sshd of all machines and one port, and nothing else of the mesh.
fn a_laptop_reaches_what_is_said(lab: &Lab) {
    let laptop = lab.host("laptop");
    laptop.expect("echo 'me ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/me");
    harbor(lab, "sudo knarr peer add x1 --here --via edge --reach ssh,worker:3306");
    assert_eq!(laptop.expect("stat -c '%a %U' /etc/wireguard/harbor.conf"), "600 root");
    let private = laptop.expect("sed -n 's/^PrivateKey = //p' /etc/wireguard/harbor.conf");
    harbor(lab, &format!("! grep -rqF '{private}' ."));
    harbor(lab, "knarr ship -y -m 'x1 joins'");
    all_converge(lab, &ALL);
    laptop.expect("WG_QUICK_USERSPACE_IMPLEMENTATION=wireguard-go wg-quick up harbor 2>&1");
    for node in ALL {
        let ip = mesh_ip(lab, node);
        reaches(lab, "laptop", &ip, 22);
        wait_until(&format!("{node} answers the laptop"), PATIENCE, || {
            laptop.run(&format!("ping -qc1 -W2 {ip}")).ok()
        });
        for port in [51821, 10250] {
            laptop.refuse(&format!("nc -z -w1 {ip} {port}"));
        }
    }
    let worker = mesh_ip(lab, "worker");
    reaches(lab, "laptop", &worker, 3306);
    laptop.refuse(&format!("nc -z -w1 {worker} 80"));
    harbor(lab, "knarr peer remove x1 && knarr ship -y -m 'x1 leaves'");
    all_converge(lab, &ALL);
    laptop.refuse(&format!("ping -qc1 -W1 {worker}"));
    laptop.expect("wg-quick down harbor 2>&1; rm /etc/sudoers.d/me");
}
