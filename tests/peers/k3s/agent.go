package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"

	"k8s.io/client-go/util/keyutil"
	"k8s.io/component-base/version"

	"knarr.dev/peers/k3s/internal/pods"
	"knarr.dev/peers/k3s/internal/settings"
	"knarr.dev/peers/k3s/internal/token"
)

// node is what runs on every machine: the hollow kubelet and kube-proxy.
type node struct {
	*family
	paths
	set           *settings.Settings
	name, address string
	token         token.Token
	// base is where supervisor and API server are reached, on this machine
	base string
	// config is the cluster's, as a server gave it
	config map[string]string
}

func agentCommand(args []string, family *family) error {
	set, err := load("agent", args)
	if err != nil {
		return err
	}
	if os.Geteuid() != 0 {
		return errors.New("agent must run as root")
	}
	secret, err := set.Secret("token")
	if err != nil {
		return err
	}
	if secret == "" {
		return errors.New("--token is required")
	}
	if set.Text("server", "") == "" {
		return errors.New("--server is required")
	}
	given, err := token.Parse(secret)
	if err != nil {
		return err
	}
	log("Starting k3s agent %s (stand-in of Knarr's tests)", version.Get().GitVersion)
	node := &node{family: family, set: set, paths: paths{set.Text("data-dir", defaultData)}, token: given}
	if node.name, node.address, err = identity(set); err != nil {
		return err
	}
	balancer, err := node.balance()
	if err != nil {
		return err
	}
	if err := node.run(); err != nil {
		return err
	}
	go balancer.refresh(node)
	return node.tellReady()
}

// agentOfServer is the node on a server's own machine.
func agentOfServer(c *cluster) (*node, error) {
	hash, err := token.Hash(c.material.caFile)
	if err != nil {
		return nil, err
	}
	return &node{
		family: c.family, paths: c.paths, set: c.set, name: c.node, address: c.address,
		base: "https://127.0.0.1:" + c.port(), token: token.Token{CAHash: hash, User: "server", Password: c.material.password},
	}, nil
}

// run waits for a server, gets certificates from it and starts the programs of a node.
func (n *node) run() error {
	password, err := nodePassword()
	if err != nil {
		return err
	}
	if err := n.until("server", func() error { return n.enter(password) }); err != nil {
		return err
	}
	config, stem := n.agent("kubeproxy.kubeconfig"), n.agent("client-kube-proxy")
	if err := writeKubeconfig(config, n.base, n.agent("server-ca.crt"), stem+".crt", stem+".key", 0o600); err != nil {
		return err
	}
	if err := n.startKubelet(config); err != nil || n.config["disable-kube-proxy"] == "true" {
		return err
	}
	return n.startProxy(config)
}

// nodePassword is made once and proves later that a node is the same machine.
func nodePassword() (string, error) {
	if have, err := os.ReadFile(nodePasswordFile); err == nil {
		return strings.TrimSpace(string(have)), nil
	}
	password := randomText(16)
	return password, writeFile(nodePasswordFile, []byte(password+"\n"), 0o600)
}

// enter gets the cluster's configuration and this node's certificates.
func (n *node) enter(password string) error {
	server, err := connect(n.base, n.token, "node")
	if err != nil {
		return fmt.Errorf("failed to validate connection to cluster at %s: %w", n.base, err)
	}
	if n.config, err = server.config(); err != nil {
		return fmt.Errorf("failed to retrieve configuration from server: %w", err)
	}
	clients, err := server.ask("GET", "/v1-k3s/client-ca.crt", nil, nil)
	if err != nil {
		return err
	}
	if err := errors.Join(writeFile(n.agent("client-ca.crt"), clients, 0o644), writeFile(n.agent("server-ca.crt"), server.caFile, 0o644)); err != nil {
		return err
	}
	headers := map[string]string{
		"k3s-Node-Name": n.name, "k3s-Node-Password": password,
		"k3s-Node-IP": strings.Join(append(n.set.List("node-ip"), n.address), ","),
	}
	for _, name := range []string{"serving-kubelet", "client-kubelet", "client-kube-proxy"} {
		if err := n.certificate(server, name, headers); err != nil {
			return err
		}
	}
	return nil
}

func (n *node) certificate(server *access, name string, headers map[string]string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: n.name}}, key)
	if err != nil {
		return err
	}
	request := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
	cert, err := server.ask("POST", "/v1-k3s/"+name+".crt", request, headers)
	if err != nil && strings.Contains(err.Error(), "unable to verify password") {
		return errors.New("Node password rejected, duplicate hostname or contents of '" + nodePasswordFile + "' may not match" +
			" server node-passwd entry, try enabling a unique node name with the --with-node-id flag")
	}
	if err != nil {
		return err
	}
	text, err := keyutil.MarshalPrivateKeyToPEM(key)
	if err != nil {
		return err
	}
	return errors.Join(writeFile(n.agent(name+".key"), text, 0o600), writeFile(n.agent(name+".crt"), cert, 0o644))
}

func (n *node) startKubelet(nodesConfig string) error {
	switch backend := n.config["flannel-backend"]; backend {
	case "vxlan":
	case "none":
		nodesConfig = ""
	default:
		say("warning", "This stand-in has no flannel backend %s: pods of different nodes do not reach each other", backend)
		nodesConfig = ""
	}
	config := n.agent("kubelet.kubeconfig")
	ca, stem := n.agent("server-ca.crt"), n.agent("client-kubelet")
	if err := writeKubeconfig(config, n.base, ca, stem+".crt", stem+".key", 0o600); err != nil {
		return err
	}
	nodeIP := n.address
	if given := n.set.List("node-ip"); len(given) > 0 {
		nodeIP = strings.Join(given, ",")
	}
	labels := append([]string{"node.kubernetes.io/instance-type=k3s"}, n.set.List("node-label")...)
	options, err := json.Marshal(kubeletOptions{
		Name: n.name, NodeIP: nodeIP, Labels: labels, Taints: n.set.List("node-taint"), Kubeconfig: config,
		ClientCA: n.agent("client-ca.crt"), Cert: n.agent("serving-kubelet.crt"), Key: n.agent("serving-kubelet.key"),
		Domain: n.config["cluster-domain"], DNS: strings.Split(n.config["cluster-dns"], ","),
		Pods: pods.Place{
			Node: n.name, ClusterCIDR: n.config["cluster-cidr"], NodeIP: n.address, NodesKubeconfig: nodesConfig,
			Folder: n.agent("pods"), Programs: programFolder(),
		},
	})
	if err != nil {
		return err
	}
	file := n.agent("etc", "kubelet.json")
	if err := writeFile(file, options, 0o600); err != nil {
		return err
	}
	return n.start("kubelet", file)
}

// programFolder holds the real programs that pods of known images run.
func programFolder() string {
	if folder := os.Getenv("KNARR_PEERS_POD_PROGRAMS"); folder != "" {
		return folder
	}
	return "/opt/knarr-peers/programs"
}

func (n *node) startProxy(config string) error {
	return n.start("kube-proxy", append([]string{
		"--proxy-mode=iptables", "--hostname-override=" + n.name, "--cluster-cidr=" + n.config["cluster-cidr"], "--kubeconfig=" + config,
		"--healthz-bind-address=127.0.0.1", "--metrics-bind-address=127.0.0.1:10249",
		"--conntrack-max-per-core=0", "--conntrack-tcp-timeout-established=0", "--conntrack-tcp-timeout-close-wait=0",
	}, dashed(n.set.Args("kube-proxy-arg"))...)...)
}
