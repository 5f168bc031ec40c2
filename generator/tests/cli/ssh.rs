//! rendered/access/ssh_config and known_hosts, as the system's ssh and ssh-keygen read them, and `knarr ssh` at real sshds.

use crate::home::Home;
use expect_test::expect;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Output};
use std::time::{Duration, Instant};

const CONFIG: &str = "rendered/access/ssh_config";
const KNOWN_HOSTS: &str = "rendered/access/known_hosts";

/// Returns what ssh makes of a name, as far as the file says anything.
fn resolved(home: &Home, name: &str) -> String {
    let ssh = home.command("harbor", "ssh").args(["-G", "-F", CONFIG, name]).output().unwrap();
    assert!(ssh.status.success(), "{ssh:?}");
    let said = ["hostname", "user", "port", "proxyjump", "hostkeyalias", "stricthostkeychecking"];
    let text = String::from_utf8(ssh.stdout).unwrap();
    let lines = text.lines().filter_map(|line| line.split_once(' '));
    lines.filter(|(key, _)| said.contains(key)).map(|(_, value)| value).collect::<Vec<_>>().join(" ")
}

#[test]
fn ssh_finds_each_machine_by_both_its_names() {
    let home = Home::with_example();
    home.replace("harbor/nodes/worker.yaml", "ssh: debian@198.51.100.4", "ssh: the-office:2222");
    home.knarr("harbor", &["render"]);
    let names = ["edge", "edge.mesh.harbor.example", "worker", "attic"];
    let all: String = names.map(|name| format!("{name}: {}\n", resolved(&home, name))).concat();
    let jo = home.command(".", "id").arg("-un").output().unwrap();
    let all = all.replace(&format!(": {} 198", String::from_utf8(jo.stdout).unwrap().trim()), ": ME 198");
    expect![[r#"
        edge: root 203.0.113.7 22 true edge.mesh.harbor.example
        edge.mesh.harbor.example: root 203.0.113.7 22 true edge.mesh.harbor.example
        worker: ME 198.51.100.4 2222 true worker.mesh.harbor.example
        attic: pi 10.210.38.122 22 true attic.mesh.harbor.example edge.mesh.harbor.example
    "#]]
    .assert_eq(&all);
}

#[test]
fn a_host_key_counts_for_ssh_and_for_reports() {
    let home = Home::with_example();
    let public = fs::read_to_string(home.path(".ssh/id_ed25519.pub")).unwrap();
    let key = public.rsplit_once(' ').unwrap().0;
    let there = fs::read_to_string(home.path("harbor/nodes/edge.yaml")).unwrap();
    let ssh = there.lines().find(|line| line.starts_with("  ssh: ")).unwrap().to_owned();
    home.replace("harbor/nodes/edge.yaml", &ssh, &format!("  ssh: {key}"));
    home.knarr("harbor", &["render"]);
    for name in ["edge", "edge.mesh.harbor.example"] {
        let found =
            home.command("harbor", "ssh-keygen").args(["-F", name, "-f", KNOWN_HOSTS]).output().unwrap();
        assert!(String::from_utf8(found.stdout).unwrap().contains(key), "{name}");
    }
    home.write("report", "all is well");
    let sign = ["-q", "-Y", "sign", "-n", "knarr-report", "-f", ".ssh/id_ed25519", "report"];
    home.command(".", "ssh-keygen").args(sign).assert().success();
    let known_hosts = format!("harbor/{KNOWN_HOSTS}");
    let by = |name| {
        let verify =
            ["-Y", "verify", "-f", &known_hosts, "-I", name, "-n", "knarr-report", "-s", "report.sig"];
        home.command(".", "ssh-keygen")
            .args(verify)
            .write_stdin("all is well")
            .output()
            .unwrap()
            .status
            .success()
    };
    assert!(by("edge") && !by("worker"));
}

#[test]
fn a_removed_machine_is_left_out_and_one_that_nothing_leads_to_is_said() {
    let home = Home::with_example();
    home.replace("harbor/nodes/worker.yaml", "keys:", "removed: true\nkeys:");
    home.replace("harbor/nodes/edge.yaml", "address: 203.0.113.7", "nat: true");
    home.replace("harbor/nodes/edge.yaml", "ssh: root@203.0.113.7", "ssh: root@192.168.1.1");
    home.replace("harbor/nodes/attic.yaml", "nat: true\nrelay: edge", "removed: true");
    home.knarr("harbor", &["render"]);
    let config = fs::read_to_string(home.path("harbor").join(CONFIG)).unwrap();
    assert!(config.ends_with("known_hosts\n# edge: nothing in the repository leads to it\n"), "{config}");
    let known_hosts = fs::read_to_string(home.path("harbor").join(KNOWN_HOSTS)).unwrap();
    assert!(known_hosts.contains("\nedge,edge.mesh.harbor.example ssh-ed25519 "), "{known_hosts}");
    assert_eq!(known_hosts.lines().count(), 2, "{known_hosts}");
}

/// A program that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill(); // refused only when it has ended
        let _ = self.0.wait();
    }
}

fn start(home: &Home, program: &str, args: &[&str]) -> Running {
    let mut command = std::process::Command::new(program);
    command.env("HOME", home.path("")).current_dir(home.path("")).args(args);
    let quiet = std::process::Stdio::null;
    Running(command.stdin(quiet()).stdout(quiet()).stderr(quiet()).spawn().unwrap())
}

fn wait_until(what: &str, there: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_mins(1);
    while !there() {
        assert!(Instant::now() < end, "in time: {what}");
        std::thread::yield_now();
    }
}

/// Two machines on loopback addresses, which only the key in the agent opens: attic is dialled at its mesh address alone.
struct Machines {
    home: Home,
    me: String,
    _running: Vec<Running>,
}

impl Machines {
    fn start() -> Self {
        let home = Home::with_example();
        let me = home.command(".", "id").arg("-un").output().unwrap().stdout;
        let me = String::from_utf8(me).unwrap().trim().to_owned();
        home.replace("harbor/cluster.yaml", "mesh: 10.210.0.0/16", "mesh: 127.210.0.0/16");
        let mut running = Vec::new();
        for (node, typed) in [("edge", "root@203.0.113.7"), ("attic", "pi@192.168.1.20"), ("worker", "")] {
            let file = format!("harbor/nodes/{node}.yaml");
            home.replace(&file, "mesh: 10.", "mesh: 127.");
            if !typed.is_empty() {
                running.push(sshd(&home, node, &me, typed));
            }
        }
        home.replace("harbor/peers/x1.yaml", "mesh: 10.", "mesh: 127.");
        home.replace("harbor/nodes/edge.yaml", "address: 203.0.113.7", "address: 127.0.0.1");
        running.push(start(&home, "ssh-agent", &["-D", "-a", home.path("agent").to_str().unwrap()]));
        wait_until("an agent", || home.path("agent").exists());
        let add = home
            .command(".", "ssh-add")
            .env("SSH_AUTH_SOCK", home.path("agent"))
            .arg(".ssh/id_ed25519")
            .output();
        assert!(add.unwrap().status.success());
        let said = home.knarr("harbor", &["render"]);
        assert!(said.contains("wrote rendered/access/ssh_config"), "{said}");
        Self { home, me, _running: running }
    }

    fn run(&self, program: &str, args: &[&str]) -> Output {
        let mut command = self.home.command("harbor/nodes", program);
        command.env("SSH_AUTH_SOCK", self.home.path("agent")).args(args).write_stdin("from here");
        command.output().unwrap()
    }

    fn knarr(&self, args: &[&str]) -> Output {
        self.run(env!("CARGO_BIN_EXE_knarr"), args)
    }
}

/// Starts the sshd of a machine, and has its file say where it is and which key it has.
fn sshd(home: &Home, node: &str, me: &str, typed: &str) -> Running {
    let file = format!("harbor/nodes/{node}.yaml");
    let text = fs::read_to_string(home.path(&file)).unwrap();
    let mesh = text.lines().find_map(|line| line.strip_prefix("mesh: ")).unwrap();
    let host = if node == "edge" { "127.0.0.1" } else { mesh };
    let port = TcpListener::bind((host, 0)).unwrap().local_addr().unwrap().port();
    let key = home.path(&format!("{node}.key"));
    let make = ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"];
    home.command(".", "ssh-keygen").args(make).arg(&key).assert().success();
    let public = fs::read_to_string(key.with_extension("key.pub")).unwrap();
    let old = text.lines().find(|line| line.starts_with("  ssh: ")).unwrap();
    home.replace(&file, old, &format!("  ssh: {}", public.trim()));
    let typed_host = if node == "edge" { host } else { "192.168.1.20" };
    home.replace(&file, &format!("ssh: {typed}"), &format!("ssh: {me}@{typed_host}:{port}"));
    let at = |path: &Path| path.display().to_string();
    let config = format!(
        "ListenAddress {host}:{port}\nHostKey {}\nAuthorizedKeysFile {}\nStrictModes no\nPidFile none\nSetEnv NODE={node}\n",
        at(&key),
        at(&home.path(".ssh/id_ed25519.pub"))
    );
    home.write(&format!("{node}.conf"), &config);
    // sshd wants this folder even where it drops no privileges. Source: OpenSSH 9.2, sshd.c, privsep path.
    let _ = fs::create_dir_all("/run/sshd");
    let sshd = start(home, "/usr/sbin/sshd", &["-D", "-f", &at(&home.path(&format!("{node}.conf")))]);
    wait_until("an sshd", || TcpStream::connect((host, port)).is_ok());
    sshd
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.clone(), output.stderr.clone()].concat()).into_owned()
}

#[test]
fn a_machine_behind_another_is_logged_in_to_with_its_input_output_and_exit_code() {
    let machines = Machines::start();
    for node in ["edge", "attic"] {
        let ended = machines.knarr(&["ssh", node, "--", "echo $NODE; cat; exit 7"]);
        assert_eq!((text(&ended).as_str(), ended.status.code()), (&*format!("{node}\nfrom here"), Some(7)));
    }
    let printed = text(&machines.knarr(&["ssh", "--print", "attic", "--", "echo \"$NODE\""]));
    assert_eq!(text(&machines.run("sh", &["-c", &printed])), "attic\n", "{printed}");
    let config = machines.home.path("harbor/rendered/access/ssh_config");
    let mine = format!(
        "Include {}\nUserKnownHostsFile {}\n",
        config.display(),
        config.with_file_name("known_hosts").display()
    );
    machines.home.write("mine", &mine);
    let plain =
        machines.run("ssh", &["-F", machines.home.path("mine").to_str().unwrap(), "attic", "echo $NODE"]);
    assert_eq!(text(&plain), "attic\n");
}

#[test]
fn another_host_key_is_refused_wherever_it_is() {
    let machines = Machines::start();
    let Machines { home, me, .. } = &machines;
    for node in ["attic", "edge"] {
        let file = format!("harbor/nodes/{node}.yaml");
        let text_before = fs::read_to_string(home.path(&file)).unwrap();
        let old = text_before.lines().find(|line| line.starts_with("  ssh: ")).unwrap();
        let other = fs::read_to_string(home.path(".ssh/id_ed25519.pub")).unwrap();
        home.replace(&file, old, &format!("  ssh: {}", other.trim_end_matches("me@x1\n")));
        let stale = text(&machines.knarr(&["ssh", node, "--", "true"]));
        assert!(
            stale.contains(&format!("does not have the host key of {node}\nhelp: knarr render")),
            "{stale}"
        );
        home.knarr("harbor", &["render"]);
        for way in [vec!["ssh", node], vec!["ssh", "attic"]] {
            let ended = machines.knarr(&[&way[..], &["--", "true"]].concat());
            assert!(text(&ended).contains("Host key verification failed"), "{node}: {}", text(&ended));
            assert_eq!(ended.status.code(), Some(255));
        }
        home.write(&file, &text_before);
        home.knarr("harbor", &["render"]);
    }
    assert_eq!(text(&machines.knarr(&["ssh", &format!("{me}@attic"), "--", "echo $NODE"])), "attic\n");
}

#[test]
fn who_is_not_there_is_said_before_anything_is_dialled() {
    let home = Home::with_example();
    home.replace("harbor/nodes/worker.yaml", "keys:", "removed: true\nkeys:");
    home.write("harbor/apps/broken.yaml", "]");
    let said = |node| home.knarr("harbor", &["ssh", node]);
    expect!["error: there is no machine `atic`\nhelp: did you mean `attic`?\nexit 1\n"]
        .assert_eq(&said("atic"));
    expect!["error: `worker` was removed from the cluster\nhelp: its host key counts no more; your own ssh may know it: ssh debian@198.51.100.4\nexit 1\n"].assert_eq(&said("worker"));
    assert!(said("-oProxyCommand=x@edge").contains("exit 1"));
    home.write("harbor/nodes/edge.yaml", "]");
    expect!["error: nodes/edge.yaml cannot be read\nhelp: knarr check\nexit 1\n"].assert_eq(&said("edge"));
    let json = home.knarr("harbor", &["ssh", "attic", "--direct", "--output", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["command"][0], &json["command"][2]), (&"ssh".into(), &"HostName=192.168.1.20".into()));
}
