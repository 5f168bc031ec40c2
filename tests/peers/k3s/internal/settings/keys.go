package settings

// kind says how many values a key takes.
type kind int

const (
	flag kind = iota // true or false
	text             // one value, the last counts
	list             // all values
)

// agentKeys are known to `agent` and `server`.
// Source: K3s documentation, cli/agent.md and cli/server.md
var agentKeys = map[string]kind{
	"config": text, "debug": flag, "v": text, "vmodule": text, "log": text, "alsologtostderr": flag,
	"token": text, "token-file": text, "server": text, "data-dir": text,
	"node-name": text, "with-node-id": flag, "node-label": list, "node-taint": list,
	"node-ip": list, "node-external-ip": list, "node-internal-dns": list, "node-external-dns": list,
	"bind-address": text, "flannel-iface": text, "flannel-conf": text, "flannel-cni-conf": text, "resolv-conf": text,
	"kubelet-arg": list, "kube-proxy-arg": list, "private-registry": text, "selinux": flag,
	"protect-kernel-defaults": flag, "lb-server-port": text, "prefer-bundled-bin": flag, "snapshotter": text,
	"pause-image": text, "vpn-auth": text, "vpn-auth-file": text, "docker": flag, "container-runtime-endpoint": text,
	"image-service-endpoint": text, "disable-default-registry-endpoint": flag, "nonroot-devices": flag,
	"image-credential-provider-bin-dir": text, "image-credential-provider-config": text, "default-runtime": text,
	"disable-apiserver-lb": flag, "rootless": flag, "enable-pprof": flag,
}

// serverKeys are known to `server` only.
var serverKeys = map[string]kind{
	"agent-token": text, "agent-token-file": text, "cluster-init": flag, "cluster-reset": flag,
	"cluster-reset-restore-path": text, "tls-san": list, "tls-san-security": flag, "advertise-address": text,
	"advertise-port": text, "https-listen-port": text, "cluster-cidr": list, "service-cidr": list, "cluster-dns": list,
	"cluster-domain": text, "service-node-port-range": text, "flannel-backend": text, "flannel-external-ip": flag,
	"flannel-ipv6-masq": flag, "egress-selector-mode": text, "servicelb-namespace": text, "kine-tls": flag,
	"write-kubeconfig": text, "write-kubeconfig-mode": text, "write-kubeconfig-group": text, "helm-job-image": text,
	"etcd-snapshot-name": text, "etcd-snapshot-schedule-cron": text, "etcd-snapshot-retention": text,
	"etcd-snapshot-dir": text, "etcd-snapshot-compress": flag, "etcd-disable-snapshots": flag, "etcd-expose-metrics": flag,
	"etcd-snapshot-reconcile-interval": text, "etcd-s3": flag, "etcd-s3-endpoint": text, "etcd-s3-endpoint-ca": text,
	"etcd-s3-skip-ssl-verify": flag, "etcd-s3-access-key": text, "etcd-s3-secret-key": text,
	"etcd-s3-session-token": text, "etcd-s3-bucket": text, "etcd-s3-bucket-lookup-type": text, "etcd-s3-region": text,
	"etcd-s3-folder": text, "etcd-s3-proxy": text, "etcd-s3-config-secret": text, "etcd-s3-insecure": flag,
	"etcd-s3-timeout": text, "etcd-s3-retention": text, "etcd-arg": list,
	"secrets-encryption": flag, "secrets-encryption-provider": text, "disable": list, "disable-scheduler": flag,
	"disable-cloud-controller": flag, "disable-kube-proxy": flag, "disable-network-policy": flag,
	"disable-helm-controller": flag, "disable-agent": flag, "disable-apiserver": flag, "disable-controller-manager": flag,
	"disable-etcd": flag, "kube-apiserver-arg": list, "kube-controller-manager-arg": list, "kube-scheduler-arg": list,
	"kube-cloud-controller-manager-arg": list, "embedded-registry": flag, "supervisor-metrics": flag,
	"default-local-storage-path": text, "system-default-registry": text, "enable-lease-based-election": flag,
	"datastore-endpoint": text, "datastore-cafile": text, "datastore-certfile": text, "datastore-keyfile": text,
	"multi-cluster-cidr": flag,
}

// short letters of the command line.
var short = map[string]string{"c": "config", "s": "server", "t": "token", "d": "data-dir", "o": "write-kubeconfig"}

// environment that K3s reads; it loses to the file.
var environment = map[string]string{
	"K3S_CONFIG_FILE": "config", "K3S_TOKEN": "token", "K3S_TOKEN_FILE": "token-file", "K3S_URL": "server",
	"K3S_NODE_NAME": "node-name", "K3S_DATA_DIR": "data-dir", "K3S_AGENT_TOKEN": "agent-token",
	"K3S_AGENT_TOKEN_FILE": "agent-token-file", "K3S_KUBECONFIG_OUTPUT": "write-kubeconfig",
	"K3S_KUBECONFIG_MODE": "write-kubeconfig-mode", "K3S_CLUSTER_INIT": "cluster-init",
	"K3S_LB_SERVER_PORT": "lb-server-port", "K3S_RESOLV_CONF": "resolv-conf",
}

func kindOf(command, key string) (kind, bool) {
	if kind, ok := agentKeys[key]; ok {
		return kind, true
	}
	if command != "server" {
		return 0, false
	}
	kind, ok := serverKeys[key]
	return kind, ok
}
