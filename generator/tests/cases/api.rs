//! What `knarr check` says of manifests is what the API server of tests/peers says of them: Kubernetes v1.36.3, which the table
//! of fields is made of. `make api` runs this.

use crate::invalid::codes;
use crate::repository::{CASES, FINDINGS, Repository, cases, name};
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// An API server of its own, with nothing in it but a namespace.
struct Api {
    folder: tempfile::TempDir,
    programs: Vec<Child>,
}

impl Drop for Api {
    fn drop(&mut self) {
        for mut program in self.programs.drain(..) {
            let _ = program.kill();
            let _ = program.wait();
        }
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Api {
    fn start() -> Self {
        let build = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/peers/build");
        let peers = Command::new(build).arg("--where").output().unwrap().stdout;
        let program = PathBuf::from(String::from_utf8(peers).unwrap().trim()).join("k3s/v1.36.2+k3s1/k3s");
        assert!(program.is_file(), "make peers");
        let mut api = Self { folder: tempfile::tempdir().unwrap(), programs: Vec::new() };
        let [client, peer, port] = [(); 3].map(|()| free_port());
        for name in ["etcd", "kube-apiserver", "kubectl"] {
            std::os::unix::fs::symlink(&program, api.at(name)).unwrap();
        }
        let key = Command::new("openssl").args(["genrsa", "-out"]).arg(api.at("sa.key")).output().unwrap();
        assert!(key.status.success());
        fs::write(api.at("tokens"), "secret,admin,1,system:masters\n").unwrap();
        api.run("etcd", &format!("--data-dir=data --unsafe-no-fsync --listen-client-urls=http://127.0.0.1:{client} --advertise-client-urls=http://127.0.0.1:{client} --listen-peer-urls=http://127.0.0.1:{peer}"));
        api.run("kube-apiserver", &format!("--etcd-servers=http://127.0.0.1:{client} --secure-port={port} --bind-address=127.0.0.1 --cert-dir=certs --service-account-key-file=sa.key --service-account-signing-key-file=sa.key --service-account-issuer=https://kubernetes.default.svc --token-auth-file=tokens --authorization-mode=RBAC --service-cluster-ip-range=10.43.0.0/16 --disable-admission-plugins=ServiceAccount"));
        fs::write(api.at("kubeconfig"), format!("{{apiVersion: v1, kind: Config, current-context: a, contexts: [{{name: a, context: {{cluster: a, user: a}}}}], users: [{{name: a, user: {{token: secret}}}}], clusters: [{{name: a, cluster: {{server: 'https://127.0.0.1:{port}', insecure-skip-tls-verify: true}}}}]}}")).unwrap();
        let began = Instant::now();
        while !api.kubectl(&["get", "--raw", "/readyz"]).status.success() {
            assert!(began.elapsed() < Duration::from_mins(3), "the API does not start");
            std::thread::sleep(Duration::from_millis(100));
        }
        assert!(api.kubectl(&["create", "namespace", "shop"]).status.success());
        api
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn run(&mut self, name: &str, args: &str) {
        let log = fs::File::create(self.at(&format!("{name}.log"))).unwrap();
        let mut program = Command::new(self.at(name));
        program.args(args.split(' ')).current_dir(self.folder.path());
        self.programs.push(program.stdout(Stdio::null()).stderr(log).spawn().unwrap());
    }

    fn kubectl(&self, words: &[&str]) -> Output {
        let mut kubectl = Command::new(self.at("kubectl"));
        kubectl.arg("--kubeconfig").arg(self.at("kubeconfig")).args(words);
        kubectl.env("HOME", self.folder.path()).output().unwrap()
    }

    /// Returns why the API refuses a manifest; none when it takes it. Nothing is made.
    fn refuses(&self, file: &Path) -> Option<String> {
        let file = file.to_str().unwrap();
        let create = ["create", "-n", "shop", "--dry-run=server", "--validate=strict", "-f", file];
        let output = self.kubectl(&create);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!said.contains("refused - did you specify"), "the API is gone: {said}");
        (!output.status.success()).then_some(said)
    }

    /// Returns why the API refuses a text.
    fn refuses_text(&self, text: &str) -> Option<String> {
        let file = self.at("object.yaml");
        fs::write(&file, text).unwrap();
        self.refuses(&file)
    }
}

/// Returns the manifests of a case's apps.
fn manifests(case: &Path) -> Vec<PathBuf> {
    let entries =
        |folder: PathBuf| fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    let folders = entries(case.join("apps")).filter(|path| path.is_dir());
    let mut files: Vec<PathBuf> = folders.flat_map(entries).filter(|path| path.is_file()).collect();
    files.sort();
    files
}

/// Whether objects are of a kind that the API does not have: it cannot judge them.
fn is_of_others(why: &str) -> bool {
    why.contains("no matches for kind") && why.matches("error:").count() <= 1
}

#[test]
#[ignore = "needs the programs of make peers"]
fn the_api_refuses_what_check_refuses_and_takes_what_check_takes() {
    let api = Api::start();
    let judged = ["KN0801", "KN0802", "KN0803", "KN0804", "KN0805", "KN0810"];
    let refused = cases("invalid").into_iter().filter(|case| {
        let said = fs::read_to_string(case.join(FINDINGS)).unwrap_or_default();
        let codes = codes(&said);
        let label = codes == ["KN0109"]
            && said.contains("--> apps/")
            && said.contains("help: change it to fit the rule");
        codes.iter().all(|code| judged.contains(code)) || label
    });
    let (mut seen, mut wrong) = (0, Vec::new());
    for case in refused.filter(|case| !manifests(case).is_empty()) {
        seen += 1;
        if manifests(&case).iter().all(|file| api.refuses(file).is_none()) {
            wrong.push(format!("takes {}", name(&case)));
        }
    }
    assert!(seen >= 15, "{seen} cases of manifests that check refuses");
    let base = Path::new(CASES).join("base");
    let mut taken = 0;
    for case in cases("valid").into_iter().chain([base]) {
        for file in manifests(&case) {
            match api.refuses(&file) {
                None => taken += 1,
                Some(why) if is_of_others(&why) => {}
                Some(why) => wrong.push(format!("refuses {}: {why}", file.display())),
            }
        }
    }
    assert!(taken >= 5, "{taken} files of manifests that check takes");
    assert!(wrong.is_empty(), "the API {}", wrong.join("\nthe API "));
}

/// Objects with a word to choose where `@` stands, and one that is right.
const WORDS: &[(&str, &str)] = &[
    (
        "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {restartPolicy: @, containers: [{name: a, image: a}]}}",
        "OnFailure",
    ),
    (
        "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {dnsPolicy: @, containers: [{name: a, image: a}]}}",
        "Default",
    ),
    (
        "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: a, image: a, imagePullPolicy: @}]}}",
        "Always",
    ),
    (
        "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: a, image: a, terminationMessagePolicy: @}]}}",
        "File",
    ),
    (
        "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: a, image: a, ports: [{containerPort: 80, protocol: @}]}]}}",
        "UDP",
    ),
    (
        "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: a, image: a, livenessProbe: {httpGet: {port: 80, scheme: @}}}]}}",
        "HTTPS",
    ),
    (
        "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: a, image: a, securityContext: {seccompProfile: {type: @}}}]}}",
        "RuntimeDefault",
    ),
    (
        "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {volumes: [{name: v, emptyDir: {}}], containers: [{name: a, image: a, volumeMounts: [{name: v, mountPath: /v, mountPropagation: @}]}]}}",
        "HostToContainer",
    ),
    (
        "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {volumes: [{name: v, hostPath: {path: /v, type: @}}], containers: [{name: a, image: a}]}}",
        "Directory",
    ),
    (
        "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {tolerations: [{key: a, operator: @}], containers: [{name: a, image: a}]}}",
        "Exists",
    ),
    (
        "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {tolerations: [{key: a, operator: Exists, effect: @}], containers: [{name: a, image: a}]}}",
        "NoExecute",
    ),
    (
        "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {securityContext: {fsGroup: 5, fsGroupChangePolicy: @}, containers: [{name: a, image: a}]}}",
        "OnRootMismatch",
    ),
    (
        "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {topologySpreadConstraints: [{maxSkew: 1, topologyKey: a, labelSelector: {}, whenUnsatisfiable: @}], containers: [{name: a, image: a}]}}",
        "DoNotSchedule",
    ),
    (
        "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: @}]}]}}}, containers: [{name: a, image: a}]}}",
        "Exists",
    ),
    (
        "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {type: @, ports: [{port: 80}]}}",
        "NodePort",
    ),
    (
        "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {sessionAffinity: @, ports: [{port: 80}]}}",
        "ClientIP",
    ),
    (
        "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {ports: [{port: 80, protocol: @}]}}",
        "SCTP",
    ),
    (
        "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {internalTrafficPolicy: @, ports: [{port: 80}]}}",
        "Local",
    ),
    (
        "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {type: NodePort, externalTrafficPolicy: @, ports: [{port: 80}]}}",
        "Local",
    ),
    (
        "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {ipFamilyPolicy: @, ports: [{port: 80}]}}",
        "SingleStack",
    ),
    (
        "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: a}, spec: {accessModes: [@], resources: {requests: {storage: 1Gi}}}}",
        "ReadWriteOnce",
    ),
    (
        "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: a}, spec: {volumeMode: @, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}",
        "Block",
    ),
    (
        "{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: a}, provisioner: a.example, volumeBindingMode: @}",
        "WaitForFirstConsumer",
    ),
    (
        "{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: a}, provisioner: a.example, reclaimPolicy: @}",
        "Retain",
    ),
    (
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {strategy: {type: @}, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: a}]}}}}",
        "Recreate",
    ),
    (
        "{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: a}, spec: {updateStrategy: {type: @}, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: a}]}}}}",
        "OnDelete",
    ),
    (
        "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: a}, spec: {serviceName: a, podManagementPolicy: @, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: a}]}}}}",
        "Parallel",
    ),
    (
        "{apiVersion: batch/v1, kind: CronJob, metadata: {name: a}, spec: {schedule: '0 3 * * *', concurrencyPolicy: @, jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: a}]}}}}}}",
        "Forbid",
    ),
    (
        "{apiVersion: batch/v1, kind: Job, metadata: {name: a}, spec: {completions: 1, completionMode: @, template: {spec: {restartPolicy: Never, containers: [{name: a, image: a}]}}}}",
        "Indexed",
    ),
    (
        "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: a}, spec: {rules: [{http: {paths: [{path: /, pathType: @, backend: {service: {name: a, port: {number: 80}}}}]}}]}}",
        "Prefix",
    ),
    (
        "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: a}, spec: {podSelector: {}, policyTypes: [@]}}",
        "Ingress",
    ),
    (
        "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: a}, spec: {podSelector: {}, ingress: [{ports: [{port: 80, protocol: @}]}]}}",
        "UDP",
    ),
    (
        "{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: a}, spec: {minAvailable: 1, selector: {}, unhealthyPodEvictionPolicy: @}}",
        "AlwaysAllow",
    ),
    (
        "{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: a}, value: 5, preemptionPolicy: @}",
        "Never",
    ),
];

#[test]
#[ignore = "needs the programs of make peers"]
fn each_word_that_check_refuses_the_api_refuses_too() {
    let (api, base) = (Api::start(), Repository::base());
    let mut wrong = Vec::new();
    for (n, (object, good)) in WORDS.iter().enumerate() {
        if let Some(why) = api.refuses_text(&object.replace('@', good)) {
            wrong.push(format!("refuses {good} in {object}: {why}"));
        }
        let bad = object.replace('@', "Bogus");
        if api.refuses_text(&bad).is_none() {
            wrong.push(format!("takes Bogus in {object}"));
        }
        let file = base.root().join(format!("apps/shop/{n}.yaml"));
        fs::write(file, bad.replace("name: a}", &format!("name: a{n}}}"))).unwrap();
    }
    assert!(wrong.is_empty(), "the API {}", wrong.join("\nthe API "));
    let said = base.knarr("check").text;
    assert_eq!(codes(&said).iter().filter(|code| **code == "KN0810").count(), WORDS.len(), "{said}");
}
