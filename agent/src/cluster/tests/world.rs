//! A server with a real API, and a repository that it follows.

use crate::cluster::{Scene, converge};
use crate::host::Secrets;
use crate::listener::Place;
use crate::paths::Paths;
use crate::repo::Repo;
use knarr_node::mesh::{Directory, Listing, MeshNode, Role};
use knarr_node::name::{KeyId, Oid};
use knarr_node::net::{Mtu, Port, WgKey};
use knarr_node::report::{ClusterOutcome, ClusterReport};
use knarr_node::state::ClusterState;
use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const START: i64 = 1_800_000_000;
const MANIFEST: &str = "manifests/argocd-core-install.yaml";

pub(super) struct World {
    folder: tempfile::TempDir,
    api: Vec<Child>,
    files: Vec<(String, String)>,
    items: String,
    tip: Option<Oid>,
    secrets: Secrets,
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The folder of the real programs, as `make peers` built them.
fn peers() -> PathBuf {
    let build = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/peers/build");
    let said = Command::new(build).arg("--where").output().unwrap();
    let folder = PathBuf::from(String::from_utf8(said.stdout).unwrap().trim());
    assert!(folder.is_dir(), "make peers");
    folder
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl World {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (files, items, secrets) = (Vec::new(), String::new(), Secrets::new());
        let mut world = Self { folder, api: Vec::new(), files, items, tip: None, secrets };
        world.run("git", &["init", "-q", "-b", "main", "clone"]);
        world.start();
        world
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn run(&self, program: &str, args: &[&str]) -> String {
        let mut command = Command::new(program);
        command.args(args).current_dir(self.folder.path()).env("GIT_CONFIG_GLOBAL", "/dev/null");
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "me").env(format!("GIT_{who}_EMAIL"), "me@example.org");
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn start(&mut self) {
        let [client, peer, port] = [(); 3].map(|()| free_port());
        for name in ["etcd", "kube-apiserver", "kubectl"] {
            std::os::unix::fs::symlink(peers().join("k3s/v1.36.2+k3s1/k3s"), self.at(name)).unwrap();
        }
        self.run("openssl", &["genrsa", "-out", "sa.key", "2048"]);
        std::fs::write(self.at("tokens"), "secret,admin,1,system:masters\n").unwrap();
        let etcd = format!(
            "--data-dir=data --unsafe-no-fsync --listen-client-urls=http://127.0.0.1:{client} --advertise-client-urls=http://127.0.0.1:{client} --listen-peer-urls=http://127.0.0.1:{peer}"
        );
        let api = format!(
            "--etcd-servers=http://127.0.0.1:{client} --secure-port={port} --bind-address=127.0.0.1 --cert-dir=certs --service-account-key-file=sa.key --service-account-signing-key-file=sa.key --service-account-issuer=https://kubernetes.default.svc --token-auth-file=tokens --authorization-mode=RBAC --service-cluster-ip-range=10.43.0.0/16 --disable-admission-plugins=ServiceAccount"
        );
        for (name, args) in [("etcd", etcd), ("kube-apiserver", api)] {
            let log = std::fs::File::create(self.at(&format!("{name}.log"))).unwrap();
            let mut program = Command::new(self.at(name));
            program.args(args.split(' ')).current_dir(self.folder.path());
            self.api.push(program.stdout(Stdio::null()).stderr(log).spawn().unwrap());
        }
        let kubeconfig = format!(
            "{{apiVersion: v1, kind: Config, current-context: a, contexts: [{{name: a, context: {{cluster: a, user: a}}}}], users: [{{name: a, user: {{token: secret}}}}], clusters: [{{name: a, cluster: {{server: 'https://127.0.0.1:{port}', insecure-skip-tls-verify: true}}}}]}}"
        );
        std::fs::create_dir_all(self.at("etc/rancher/k3s")).unwrap();
        std::fs::write(self.at("etc/rancher/k3s/k3s.yaml"), kubeconfig).unwrap();
        let began = Instant::now();
        while !self.ask(&["get", "--raw", "/readyz"]).status.success() {
            assert!(began.elapsed() < Duration::from_mins(1), "the API does not start");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Ends the API.
    pub(super) fn stop(&mut self) {
        for mut child in self.api.drain(..) {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    fn ask(&self, words: &[&str]) -> std::process::Output {
        let mut kubectl = Command::new(self.at("kubectl"));
        kubectl.arg("--kubeconfig").arg(self.at("etc/rancher/k3s/k3s.yaml")).args(words);
        kubectl.env("HOME", self.folder.path()).output().unwrap()
    }

    /// Asks the API; words are parted by single spaces.
    pub(super) fn kubectl(&self, words: &str) -> String {
        let output = self.ask(&words.split(' ').collect::<Vec<_>>());
        assert!(output.status.success(), "kubectl {words}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Makes an object as somebody else.
    pub(super) fn apply(&self, object: &str) {
        let file = self.at("object.yaml");
        std::fs::write(&file, object).unwrap();
        self.kubectl(&format!("create -f {}", file.display()));
    }

    /// Writes a file below rendered/ with the next commit.
    pub(super) fn file(&mut self, path: &str, text: &str) {
        self.files.push((path.to_owned(), text.to_owned()));
    }

    pub(super) fn secret(&mut self, name: &str, value: &str) {
        self.secrets.insert(name.parse().unwrap(), value.as_bytes().to_vec().into());
    }

    /// Makes a key with a certificate and returns its Secret as the controller keeps keys, and its fingerprint as
    /// ssh-keygen prints it.
    pub(super) fn sealing_key(&self, name: &str) -> (String, KeyId) {
        let [key, certificate] = ["key", "crt"].map(|end| format!("{name}.{end}"));
        let words = "req -x509 -newkey rsa:2048 -nodes -days 9 -subj /CN=x -keyout";
        let words = words.split(' ').chain([key.as_str(), "-out", &certificate]);
        self.run("openssl", &words.collect::<Vec<_>>());
        let public = self.run("ssh-keygen", &["-y", "-f", &key]);
        std::fs::write(self.at(&format!("{name}.pub")), public).unwrap();
        let said = self.run("ssh-keygen", &["-l", "-f", &format!("{name}.pub")]);
        let id = said.split(' ').nth(1).unwrap().parse().unwrap();
        let secret = format!(
            "-n kube-system create secret tls {name} --key {} --cert {} --dry-run=client -o yaml",
            self.at(&key).display(),
            self.at(&certificate).display()
        );
        let label = "labels: {sealedsecrets.bitnami.com/sealed-secrets-key: active}";
        (self.kubectl(&secret).replace("metadata:", &format!("metadata:\n  {label}")), id)
    }

    /// Returns the items of Argo CD's own manifest between its namespace and an Application.
    pub(super) fn argo_cd(&self) -> String {
        let manifest = peers().join(MANIFEST);
        let sum = self.run("sha256sum", &[manifest.to_str().unwrap()]);
        let sum = sum.split(' ').next().unwrap();
        let from = manifest.display();
        format!(
            "- artifact: {{name: argocd, sha256: {sum}, from: ['{from}']}}
- objects: {{name: namespaces, file: bootstrap/namespaces.yaml, back: keep}}
- objects: {{name: argocd, artifact: argocd, back: keep}}
- objects: {{name: applications, file: argocd/applications.yaml}}"
        )
    }

    /// Commits the files, and these items as those of the cluster.
    pub(super) fn commit(&mut self, items: &str) -> Oid {
        for (path, text) in self.files.drain(..) {
            let file = self.folder.path().join("clone/rendered").join(path);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        self.items = format!(
            "knarr: {{format: 1, version: '1'}}\nitems: {}",
            if items.is_empty() { "[]" } else { "" }
        );
        self.items = format!("{}\n{items}\n", self.items);
        std::fs::write(self.at("clone/cluster"), &self.items).unwrap();
        self.run("git", &["-C", "clone", "add", "-A"]);
        self.run("git", &["-C", "clone", "commit", "-q", "--allow-empty", "-m", "a commit"]);
        let tip: Oid = self.run("git", &["-C", "clone", "rev-parse", "HEAD"]).parse().unwrap();
        self.tip = Some(tip.clone());
        tip
    }

    /// Does the cluster's half of a pass on edge.
    pub(super) fn pass(&self) -> ClusterOutcome {
        self.pass_as("edge", self.tip.as_ref().unwrap(), 0)
    }

    /// As [`World::pass`], and returns the keys that it found and the commit does not plant.
    pub(super) fn strange_keys(&self) -> BTreeSet<KeyId> {
        self.report("edge", self.tip.as_ref().unwrap(), 0).strange_keys
    }

    /// As [`World::pass`], on another server at another commit, so many seconds later.
    pub(super) fn pass_as(&self, node: &str, commit: &Oid, later: i64) -> ClusterOutcome {
        self.report(node, commit, later).how
    }

    fn report(&self, node: &str, commit: &Oid, later: i64) -> ClusterReport {
        let repo = Repo::open(&self.at("clone/.git")).unwrap();
        let state: ClusterState = serde_saphyr::from_str(&self.items).unwrap();
        let (paths, place) = (Paths::below(self.folder.path()), place(node, commit));
        let now = jiff::Timestamp::from_second(START + later).unwrap();
        let (secrets, store) = (&self.secrets, &|_: &_| Ok(peers().join(MANIFEST)));
        let (paths, repo, place, state) = (&paths, &repo, &place, &state);
        let scene = Scene { paths, repo, place, commit, state, secrets, fetched: true, now, store };
        converge(&scene).unwrap()
    }
}

pub(super) fn said(outcome: ClusterOutcome) -> String {
    let ClusterOutcome::Retry { why } = outcome else { panic!("{outcome:?}") };
    format!("retry: {why}")
}

pub(super) fn waits(outcome: ClusterOutcome) -> String {
    let ClusterOutcome::Waiting { why } = outcome else { panic!("{outcome:?}") };
    why
}

fn place(node: &str, accepted: &Oid) -> Place {
    let mesh_node = |last: u8| MeshNode {
        ip: std::net::Ipv4Addr::new(10, 210, 0, last).into(),
        key: WgKey::from([last; 32]),
        role: Role::Server,
        at: vec![format!("192.0.2.{last}:51821").parse().unwrap()],
        ssh: None,
        relay: None,
    };
    let listing = Listing {
        format: 1,
        domain: "harbor.example".parse().unwrap(),
        network: "10.210.0.0/16".parse().unwrap(),
        pods: "10.42.0.0/16".parse().unwrap(),
        services: "10.43.0.0/16".parse().unwrap(),
        port: Port::try_from(51821).unwrap(),
        mtu: Mtu::try_from(1380).unwrap(),
        nodes: [("edge", 1), ("worker", 2)]
            .map(|(name, last)| (name.parse().unwrap(), mesh_node(last)))
            .into(),
        peers: [].into(),
    };
    let directory = Directory::try_from(listing).unwrap();
    Place {
        cluster: "harbor".parse().unwrap(),
        node: node.parse().unwrap(),
        ip: directory.nodes[&node.parse::<knarr_node::name::NodeName>().unwrap()].ip,
        accepted: accepted.clone(),
        branch: "main".to_owned(),
        nodes: String::new(),
        directory,
    }
}
