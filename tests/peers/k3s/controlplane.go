package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// startControlPlane starts API server, controller manager and scheduler with the flags that K3s gives them.
func (c *cluster) startControlPlane() error {
	direct := "https://" + hostPort(apiAddress, c.port())
	for _, name := range []string{"admin", "controller", "scheduler"} {
		file, stem := c.server("cred", name+".kubeconfig"), c.tls("client-"+name)
		if err := writeKubeconfig(file, direct, c.tls("server-ca.crt"), stem+".crt", stem+".key", 0o600); err != nil {
			return err
		}
	}
	if err := c.start("kube-apiserver", c.apiserverFlags()...); err != nil {
		return err
	}
	client, err := adminClient(direct, c.paths)
	if err != nil {
		return err
	}
	if err := c.until("API server", func() error {
		// The error would list all checks
		return wants(client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(context.Background()).Error() == nil, "not ready yet")
	}); err != nil {
		return err
	}
	c.client = client
	if err := c.adminKubeconfig(); err != nil {
		return err
	}
	elect := "--leader-elect=" + strconv.FormatBool(c.store != sqlite)
	if err := c.start("kube-controller-manager", append(c.controllerFlags(), elect)...); err != nil {
		return err
	}
	if c.set.Flag("disable-scheduler") {
		return nil
	}
	return c.start("kube-scheduler", append([]string{
		"--kubeconfig=" + c.server("cred", "scheduler.kubeconfig"), "--bind-address=127.0.0.1", "--secure-port=10259",
		"--profiling=false", elect,
	}, dashed(c.set.Args("kube-scheduler-arg"))...)...)
}

func (c *cluster) apiserverFlags() []string {
	values := critical(c.set)
	flags := []string{
		"--bind-address=" + apiAddress, "--secure-port=" + c.port(), "--permit-port-sharing",
		"--advertise-address=" + c.set.Text("advertise-address", c.address), "--allow-privileged", "--anonymous-auth=false",
		"--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction", "--profiling=false",
		"--service-cluster-ip-range=" + values["service-cidr"],
		"--service-node-port-range=" + c.set.Text("service-node-port-range", "30000-32767"),
		"--service-account-issuer=https://kubernetes.default.svc." + values["cluster-domain"],
		"--api-audiences=https://kubernetes.default.svc." + values["cluster-domain"] + ",k3s",
		"--service-account-key-file=" + c.tls("service.key"), "--service-account-signing-key-file=" + c.tls("service.key"),
		"--client-ca-file=" + c.tls("client-ca.crt"),
		"--tls-cert-file=" + c.tls("serving-kube-apiserver.crt"), "--tls-private-key-file=" + c.tls("serving-kube-apiserver.key"),
		"--kubelet-certificate-authority=" + c.tls("server-ca.crt"),
		"--kubelet-client-certificate=" + c.tls("client-kube-apiserver.crt"), "--kubelet-client-key=" + c.tls("client-kube-apiserver.key"),
		"--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname",
		"--requestheader-client-ca-file=" + c.tls("request-header-ca.crt"), "--requestheader-allowed-names=system:auth-proxy",
		"--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--proxy-client-cert-file=" + c.tls("client-auth-proxy.crt"), "--proxy-client-key-file=" + c.tls("client-auth-proxy.key"),
	}
	if c.set.Flag("secrets-encryption") {
		flags = append(flags, "--encryption-provider-config="+c.server("cred", "encryption-config.json"))
	}
	if c.store == sqlite {
		flags = append(flags, "--etcd-servers=unix://"+c.server("kine.sock"))
	} else {
		flags = append(flags, "--etcd-servers="+ownEtcd, "--etcd-cafile="+c.tls("etcd", "server-ca.crt"),
			"--etcd-certfile="+c.tls("etcd", "client.crt"), "--etcd-keyfile="+c.tls("etcd", "client.key"))
	}
	return append(flags, dashed(c.set.Args("kube-apiserver-arg"))...)
}

func (c *cluster) controllerFlags() []string {
	flags := []string{
		"--kubeconfig=" + c.server("cred", "controller.kubeconfig"), "--bind-address=127.0.0.1", "--secure-port=10257",
		"--service-account-private-key-file=" + c.tls("service.key"), "--root-ca-file=" + c.tls("server-ca.crt"),
		"--use-service-account-credentials", "--allocate-node-cidrs", "--cluster-cidr=" + critical(c.set)["cluster-cidr"],
		"--service-cluster-ip-range=" + critical(c.set)["service-cidr"], "--profiling=false",
	}
	for name, ca := range map[string]string{"kube-apiserver-client": "client", "kubelet-client": "client", "kubelet-serving": "server", "legacy-unknown": "server"} {
		flags = append(flags, "--cluster-signing-"+name+"-cert-file="+c.tls(ca+"-ca.nochain.crt"), "--cluster-signing-"+name+"-key-file="+c.tls(ca+"-ca.key"))
	}
	return append(flags, dashed(c.set.Args("kube-controller-manager-arg"))...)
}

// adminKubeconfig writes the file that people use.
func (c *cluster) adminKubeconfig() error {
	mode, err := strconv.ParseUint(c.set.Text("write-kubeconfig-mode", "0600"), 8, 32)
	if err != nil {
		return fmt.Errorf("invalid write-kubeconfig-mode: %w", err)
	}
	file := c.set.Text("write-kubeconfig", adminKubeconfig)
	stem := c.tls("client-admin")
	return writeKubeconfig(file, "https://127.0.0.1:"+c.port(), c.tls("server-ca.crt"), stem+".crt", stem+".key", os.FileMode(mode))
}

func adminClient(server string, p paths) (kubernetes.Interface, error) {
	return kubernetes.NewForConfig(&rest.Config{Host: server, QPS: 50, Burst: 100, TLSClientConfig: rest.TLSClientConfig{
		CAFile: p.tls("server-ca.crt"), CertFile: p.tls("client-admin.crt"), KeyFile: p.tls("client-admin.key"),
	}})
}

// kubeconfig carries its certificates with it, so that it can be copied.
func kubeconfig(server, ca, cert, key string) ([]byte, error) {
	content := map[string][]byte{}
	for _, file := range []string{ca, cert, key} {
		bytes, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		content[file] = bytes
	}
	return clientcmd.Write(api.Config{
		Clusters:       map[string]*api.Cluster{"default": {Server: server, CertificateAuthorityData: content[ca]}},
		AuthInfos:      map[string]*api.AuthInfo{"default": {ClientCertificateData: content[cert], ClientKeyData: content[key]}},
		Contexts:       map[string]*api.Context{"default": {Cluster: "default", AuthInfo: "default"}},
		CurrentContext: "default",
	})
}

// writeFile replaces a file at once.
func writeFile(file string, content []byte, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	next := strings.TrimSuffix(file, "/") + ".new"
	if err := os.WriteFile(next, content, mode); err != nil {
		return err
	}
	if err := os.Chmod(next, mode); err != nil {
		return err
	}
	return os.Rename(next, file)
}
