//! etcd, an API server and the sealed-secrets controller, in a network of their own.

use crate::key;
use knarr::seal::{Pair, Ring};
use knarr_tests::{peers, wait_until};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// An address that is not loopback, for the API server talks to no Pod there.
const ADDRESS: &str = "192.0.2.1";
const SLOW: Duration = Duration::from_mins(2);

/// Makes the network, and a /run of its own with what a Pod finds there; stays to hold both.
const HOLD: &str = "
ip link set lo up
ip address add 192.0.2.1/32 dev lo
mount -t tmpfs tmpfs /run
mkdir -p /run/secrets/kubernetes.io/serviceaccount
cd /run/secrets/kubernetes.io/serviceaccount
cp \"$1/ca.crt\" ca.crt
printf secret > token
printf kube-system > namespace
echo ready
exec sleep infinity
";

/// Makes an authority, and by it the API server's certificate and an administrator's.
const CERTIFICATES: &str = "
pair() { openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout \"$1.key\" -out \"$1.csr\" -subj \"$2\"; }
openssl genrsa -out sa.key 2048
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.crt -subj /CN=ca -days 9
pair api /CN=api
pair admin /O=system:masters/CN=admin
echo subjectAltName=IP:127.0.0.1 > api.ext
echo extendedKeyUsage=clientAuth > admin.ext
openssl x509 -req -in api.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out api.crt -days 9 -extfile api.ext
openssl x509 -req -in admin.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out admin.crt -days 9 -extfile admin.ext
echo secret,controller,1,system:masters > tokens
";

pub(super) struct Cluster {
    folder: TempDir,
    holder: u32,
    programs: Vec<Child>,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for mut program in self.programs.drain(..).rev() {
            program.kill().unwrap();
            program.wait().unwrap();
        }
    }
}

impl Cluster {
    /// Starts all, with two keys for the controller: the newer one is `other.pem` of the folders.
    pub(super) fn start() -> Self {
        let mut cluster = Self { folder: tempfile::tempdir().unwrap(), holder: 0, programs: Vec::new() };
        cluster.shell(CERTIFICATES);
        cluster.hold();
        cluster.serve();
        cluster.give();
        cluster.control();
        cluster
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn shell(&self, text: &str) {
        let output = Command::new("sh").args(["-ec", text]).current_dir(self.folder.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn hold(&mut self) {
        let mut command = Command::new("unshare");
        command.args(["--net", "--mount", "sh", "-ec", HOLD, "sh"]).arg(self.folder.path());
        let mut holder = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        self.holder = holder.id();
        self.programs.push(holder);
    }

    /// Returns the words before a command that is to run in the network.
    pub(super) fn enter(&self) -> Vec<String> {
        ["nsenter", "--target", &self.holder.to_string(), "--net"].map(str::to_owned).into()
    }

    fn begin(&mut self, name: &str, program: &str, args: &str, more: &[&str]) {
        let log = fs::File::create(self.at(&format!("{name}.log"))).unwrap();
        let link = self.at(name);
        std::os::unix::fs::symlink(peers().expect("make peers").join(program), &link).unwrap();
        let enter = self.enter();
        let mut command = Command::new(&enter[0]);
        command.args(&enter[1..]).args(more).arg(link).args(args.split(' ')).current_dir(self.folder.path());
        command.env("KUBERNETES_SERVICE_HOST", "127.0.0.1").env("KUBERNETES_SERVICE_PORT", "6443");
        command.env("POD_NAMESPACE", "kube-system");
        self.programs.push(command.stdout(Stdio::null()).stderr(log).spawn().unwrap());
    }

    fn serve(&mut self) {
        let k3s = "k3s/v1.36.2+k3s1/k3s";
        self.begin("etcd", k3s, "--data-dir=data --unsafe-no-fsync --listen-client-urls=http://127.0.0.1:2379 --advertise-client-urls=http://127.0.0.1:2379 --listen-peer-urls=http://127.0.0.1:2380", &[]);
        let args = format!(
            "--etcd-servers=http://127.0.0.1:2379 --secure-port=6443 --bind-address=127.0.0.1 --advertise-address={ADDRESS} --tls-cert-file=api.crt --tls-private-key-file=api.key --client-ca-file=ca.crt --service-account-key-file=sa.key --service-account-signing-key-file=sa.key --service-account-issuer=https://kubernetes.default.svc --token-auth-file=tokens --authorization-mode=RBAC --service-cluster-ip-range=10.43.0.0/16 --disable-admission-plugins=ServiceAccount"
        );
        self.begin("kube-apiserver", k3s, &args, &[]);
        std::os::unix::fs::symlink(peers().unwrap().join(k3s), self.at("kubectl")).unwrap();
        fs::write(self.at("kubeconfig"), self.kubeconfig()).unwrap();
        wait_until("the API is ready", SLOW, || self.kubectl(&["get", "--raw", "/readyz"]).status.success());
        wait_until("there is a kube-system", SLOW, || {
            self.kubectl(&["get", "namespace", "kube-system"]).status.success()
        });
    }

    /// Returns an administrator's kubeconfig, with a certificate.
    pub(super) fn kubeconfig(&self) -> String {
        let [ca, certificate, key] = ["ca.crt", "admin.crt", "admin.key"].map(|name| self.at(name));
        json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "own",
            "contexts": [{"name": "own", "context": {"cluster": "a", "user": "a", "namespace": "shop"}}],
            "clusters": [{"name": "a", "cluster": {"server": "https://127.0.0.1:6443", "certificate-authority": ca}}],
            "users": [{"name": "a", "user": {"client-certificate": certificate, "client-key": key}}],
        })
        .to_string()
    }

    fn kubectl(&self, words: &[&str]) -> Output {
        let enter = self.enter();
        let mut command = Command::new(&enter[0]);
        command.args(&enter[1..]).arg(self.at("kubectl")).arg("--kubeconfig").arg(self.at("kubeconfig"));
        command.args(words).env("HOME", self.folder.path()).output().unwrap()
    }

    fn create(&self, name: &str, objects: &[u8]) {
        fs::write(self.at(name), objects).unwrap();
        let made = self.kubectl(&["create", "--validate=false", "-f", self.at(name).to_str().unwrap()]);
        assert!(made.status.success(), "{name}: {}", String::from_utf8_lossy(&made.stderr));
    }

    /// Gives the API the kind, the keys and the Service of the controller, with the Pod that it would have.
    fn give(&self) {
        let crd = peers().unwrap().join("manifests/sealed-secrets/crds/bitnami.com_sealedsecrets.yaml");
        self.create("crd.yaml", &fs::read(crd).unwrap());
        let pair = |bits: u32, since: &str| {
            Ring::from(Pair::of(key(bits), &"harbor".parse().unwrap(), since.parse().unwrap()).unwrap())
        };
        let (ring, _) = pair(2048, "2026-11-20T00:00:00Z").with(pair(4096, "2026-11-21T00:00:00Z"));
        self.create("keys.json", &ring.manifest());
        let meta = json!({"name": "sealed-secrets-controller", "namespace": "kube-system"});
        let pod = json!({"kind": "Pod", "name": "sealed-secrets-controller", "namespace": "kube-system"});
        let ports = json!([{"name": "http", "port": 8080}]);
        let objects: [Value; 3] = [
            json!({"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {"ports": ports}}),
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"containers": [{"name": "a", "image": "a"}]}}),
            json!({"apiVersion": "v1", "kind": "Endpoints", "metadata": meta,
                "subsets": [{"addresses": [{"ip": ADDRESS, "targetRef": pod}], "ports": ports}]}),
        ];
        for object in objects {
            self.create("object.json", object.to_string().as_bytes());
        }
        let status = json!({"status": {"podIP": ADDRESS, "podIPs": [{"ip": ADDRESS}]}}).to_string();
        let words = [
            "-n",
            "kube-system",
            "patch",
            "pod",
            "sealed-secrets-controller",
            "--subresource=status",
            "-p",
            &status,
        ];
        assert!(self.kubectl(&words).status.success());
    }

    fn control(&mut self) {
        let mounts = format!("--mount=/proc/{}/ns/mnt", self.holder);
        self.begin("controller", "programs/controller", "--key-renew-period=0", &[&mounts]);
        let path =
            "/api/v1/namespaces/kube-system/services/http:sealed-secrets-controller:http/proxy/v1/cert.pem";
        wait_until("the controller answers", SLOW, || self.kubectl(&["get", "--raw", path]).status.success());
    }
}
