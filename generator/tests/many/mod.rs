//! A repository with as many machines and apps as one likes, as `knarr node add` and people write them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fs;
use std::path::Path;

/// Networks for more machines than the cases have: 8,192 with pods, 65,534 in the mesh.
const NETWORK: &str = "{mesh: 10.210.0.0/16, pods: 10.64.0.0/11, services: 10.43.0.0/16}";

/// Adds machines and apps to a copy of tests/cases/base.
pub(crate) fn fill(root: &Path, machines: u16, apps: u16) {
    let cluster = root.join("cluster.yaml");
    let text = fs::read_to_string(&cluster).unwrap();
    let network = text.lines().find(|line| line.starts_with("network:")).unwrap();
    fs::write(&cluster, text.replace(network, &format!("network: {NETWORK}"))).unwrap();
    (0..machines).for_each(|n| machine(root, n));
    (0..apps).for_each(|n| app(root, n));
}

/// Adds one machine; its number is in its name, its addresses and its keys.
pub(crate) fn machine(root: &Path, n: u16) {
    let [high, low] = [n / 250, n % 250 + 1];
    let mut key = [7; 32];
    key[..2].copy_from_slice(&n.to_be_bytes());
    let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let (_, age) = knarr::secrets::new_identity();
    let ssh = [&[0, 0, 0, 11], b"ssh-ed25519".as_slice(), &[0, 0, 0, 32], &key].concat();
    let (wireguard, ssh) = (STANDARD.encode(key), STANDARD.encode(ssh));
    let text = format!(
        "# yaml-language-server: $schema=../.knarr/schema/node.json\nroles: [agent]\naddress: 198.18.{high}.{low}\n\
         ssh: root@198.18.{high}.{low}\nmesh: 10.210.{}.{low}\nkeys:\n  machine: {hex}\n  age: {age}\n  \
         wireguard: {wireguard}\n  ssh: ssh-ed25519 {ssh}\n",
        high + 100
    );
    fs::write(root.join(format!("nodes/node-{n:04}.yaml")), text).unwrap();
}

/// Adds one app of four objects.
fn app(root: &Path, n: u16) {
    let folder = root.join(format!("apps/app-{n:03}"));
    fs::create_dir_all(&folder).unwrap();
    fs::write(
        root.join(format!("apps/app-{n:03}.yaml")),
        format!("namespace: app-{n:03}\nhost: app-{n:03}\n"),
    )
    .unwrap();
    for (file, text) in
        [("deployment", DEPLOYMENT), ("service", SERVICE), ("ingress", INGRESS), ("settings", SETTINGS)]
    {
        fs::write(folder.join(format!("{file}.yaml")), text).unwrap();
    }
}

const DEPLOYMENT: &str = "apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app.kubernetes.io/name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: registry.example/web:1.4.2
        ports: [{containerPort: 8080, name: http}]
        env:
        - {name: LOG_LEVEL, value: info}
        - {name: WORKERS, value: \"4\"}
        envFrom: [{configMapRef: {name: settings}}]
        resources:
          requests: {cpu: 100m, memory: 128Mi}
          limits: {memory: 256Mi}
        readinessProbe: {httpGet: {path: /ready, port: http}}
        livenessProbe: {httpGet: {path: /live, port: http}}
";
const SERVICE: &str = "apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{name: http, port: 80, targetPort: http}]
";
const INGRESS: &str = "apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  rules:
  - http:
      paths:
      - path: /
        pathType: Prefix
        backend: {service: {name: web, port: {name: http}}}
";
const SETTINGS: &str = "apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data:
  GREETING: hello
  settings.ini: |
    [server]
    threads = 4
    [cache]
    size = 128
";
