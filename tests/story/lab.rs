//! Proves the lab itself: who reaches whom, and what a power cut leaves.

use super::Story;
use super::hands::PATIENCE;
use crate::{Lab, wait_until};

const SSH: &str = "ssh -o BatchMode=yes -o ConnectTimeout=5";

pub(super) fn play(story: &mut Story<'_>) {
    story.step("the laptop logs in to each host over SSH", logins);
    story.step("a bare repository takes a push and is cloned", repository);
    story.step("attic reaches edge through its NAT, nobody reaches attic", nat);
    story.step("two hosts behind NAT cannot dial each other", two_nats);
    story.step("a pulled cable cuts the way, plugged in it is back", cables);
    story.step("nftables, sysctls and userspace WireGuard work inside", kernel);
    story.step("userspace WireGuard passes through a NAT, by hand", wireguard);
    story.step("apt-get brings a package that a machine lacks", apt);
    story.step("files outlive a power cut, the network state does not", power_cut);
    story.step("a host that reboots by itself comes back", reboot);
    story.step("a program on a terminal is asked and answered", dialogue);
}

fn logins(lab: &Lab) {
    let who = |host: &str, text: &str| {
        lab.host("laptop").expect_as("me", &format!("{SSH} {} {text}", lab.host(host).ssh()))
    };
    assert_eq!(who("edge", "whoami"), "root");
    assert_eq!(who("worker", "'whoami; sudo -n whoami; hostname'"), "debian\nroot\nworker");
    assert_eq!(who("attic", "'whoami; sudo -n whoami'"), "pi\nroot");
    let refused =
        lab.host("laptop").refuse_as("me", &format!("{SSH} root@{} true", lab.host("worker").address()));
    assert!(refused.says("Permission denied"), "{refused}");
}

fn repository(lab: &Lab) {
    let (url, laptop) = (lab.repository("proof"), lab.host("laptop"));
    laptop.expect_as("me", &format!("git clone -q {url} proof; cd proof; echo hello > file; git add file; git commit -qm proof; git push -q"));
    laptop.expect_as("me", &format!("git clone -q {url} again; grep hello again/file; rm -rf proof again"));
    lab.host("git").expect("rm -rf /srv/git/proof.git");
}

fn nat(lab: &Lab) {
    let (edge, attic) = (lab.host("edge"), lab.host("attic"));
    let listener = edge.spawn("root", "nc -v -n -l -p 7777");
    listener.wait_says("Listening", PATIENCE);
    attic.expect(&format!("echo knock | nc -q1 -w5 {} 7777", edge.address()));
    let (_, said) = listener.finish(PATIENCE);
    assert!(said.contains("203.0.113.99") && said.contains("knock"), "{said}");
    edge.refuse(&format!("ip route add 192.168.1.0/24 via 203.0.113.99; nc -z -w2 {} 22", attic.address()));
    edge.expect("ip route del 192.168.1.0/24");
    assert!(!lab.internet().run("nc -z -w2 203.0.113.99 22").ok(), "the NAT router lets strangers in");
}

fn two_nats(lab: &Lab) {
    for (from, to) in [("attic", "shed"), ("shed", "attic")] {
        lab.host(from).expect(&format!("ping -qc1 -W2 {}", lab.host("edge").address()));
        lab.host(from).refuse(&format!("ping -qc1 -W1 {}", lab.host(to).address()));
    }
    lab.host("attic").refuse("nc -z -w1 198.51.100.98 22");
}

fn cables(lab: &Lab) {
    let laptop = lab.host("laptop");
    let sees = |host: &str| laptop.run(&format!("ping -qc1 -W1 {}", lab.host(host).address())).ok();
    assert!(sees("attic") && sees("edge"));
    lab.unplug("laptop", "home");
    assert!(!sees("attic") && sees("edge"));
    lab.plug("laptop", "home");
    let cut = lab.cut("edge");
    assert!(!sees("edge"));
    cut.join();
    wait_until("both are back", PATIENCE, || sees("attic") && sees("edge"));
}

fn kernel(lab: &Lab) {
    let edge = lab.host("edge");
    edge.expect("sysctl -qw net.ipv4.ip_forward=1; nft add table inet proof; nft list table inet proof");
    edge.expect("wireguard-go wg9; wg genkey > /tmp/key; wg set wg9 private-key /tmp/key listen-port 51999; wg show wg9 listen-port | grep 51999");
}

/// A tunnel of edge and attic made by hand: what knarrd will do must be possible here.
fn wireguard(lab: &Lab) {
    let (edge, attic) = (lab.host("edge"), lab.host("attic"));
    let make = |host: &crate::Host, ip: &str| {
        host.expect(&format!(
            "umask 077; wg genkey > /run/wg8; wireguard-go wg8 2>/dev/null
             wg set wg8 private-key /run/wg8 listen-port 51888; ip address add {ip}/24 dev wg8; ip link set wg8 up mtu 1380
             wg show wg8 public-key"
        ))
    };
    let (one, other) = (make(edge, "10.99.0.1"), make(attic, "10.99.0.2"));
    edge.expect(&format!("wg set wg8 peer {other} allowed-ips 10.99.0.2/32"));
    attic.expect(&format!(
        "wg set wg8 peer {one} allowed-ips 10.99.0.1/32 endpoint {}:51888 persistent-keepalive 25",
        edge.address()
    ));
    attic.expect("ping -qc1 -W5 10.99.0.1");
    edge.expect("ping -qc3 -i0.01 -s 1300 -M do -W5 10.99.0.2; wg show wg8 endpoints | grep -q 203.0.113.99");
    for host in [edge, attic] {
        host.expect("ip link delete wg8; rm /run/wg8");
    }
}

fn apt(lab: &Lab) {
    let worker = lab.host("worker");
    worker.refuse("command -v wg");
    worker.expect(
        "apt-get update -qq && apt-get install -y -qq wireguard-tools >/dev/null 2>&1 && wg --version",
    );
    worker.expect("dpkg --purge wireguard-tools");
}

fn power_cut(lab: &Lab) {
    let edge = lab.host("edge");
    let boot = edge.expect("journalctl --list-boots --no-pager -q | wc -l");
    edge.put("/etc/proof", b"stays\n", 0o600);
    edge.power_cut();
    assert_eq!(edge.text("/etc/proof"), "stays\n");
    assert_eq!(edge.run("true").code, 255);
    edge.power_on();
    assert_eq!(edge.expect("stat -c %a /etc/proof; cat /etc/proof; rm /etc/proof"), "600\nstays");
    edge.refuse("nft list table inet proof");
    edge.refuse("ip link show wg9");
    assert_ne!(edge.expect("journalctl --list-boots --no-pager -q | wc -l"), boot);
}

fn reboot(lab: &Lab) {
    let worker = lab.host("worker");
    worker.expect("nft add table inet proof");
    worker.reboot();
    worker.refuse("nft list table inet proof");
    assert_eq!(worker.expect("hostname"), "worker");
}

fn dialogue(lab: &Lab) {
    let mut asked = lab
        .host("laptop")
        .spawn_on_terminal("me", "printf 'Go on? [y/N] '; read answer; test -t 0; echo \"it's $answer\"");
    asked.wait_says("[y/N]", PATIENCE);
    asked.type_line("y");
    asked.wait_says("it's y", PATIENCE);
    assert_eq!(asked.finish(PATIENCE).0, 0);
    let mut sleeper = lab.host("laptop").spawn("me", "echo here; sleep 1000.25");
    sleeper.wait_says("here", PATIENCE);
    assert!(lab.host("laptop").kill9("sleep 1000[.]25"));
    wait_until("the killed program has ended", PATIENCE, || sleeper.has_ended());
}
