package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	cadvisor "github.com/google/cadvisor/info/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	kubeletapp "k8s.io/kubernetes/cmd/kubelet/app"
	cadvisortest "k8s.io/kubernetes/pkg/kubelet/cadvisor/testing"
	"k8s.io/kubernetes/pkg/kubelet/cm"
	kubecontainer "k8s.io/kubernetes/pkg/kubelet/container"
	kubeletserver "k8s.io/kubernetes/pkg/kubelet/server"
	"k8s.io/kubernetes/pkg/kubemark"
	"k8s.io/kubernetes/pkg/util/taints"

	"knarr.dev/peers/k3s/internal/pods"
)

// kubeletOptions is the file that this program's kubelet starts with.
type kubeletOptions struct {
	Name, NodeIP, Kubeconfig, ClientCA, Cert, Key, Domain string
	Labels, Taints, DNS                                   []string
	Pods                                                  pods.Place
}

// hollowKubelet is the real kubelet's code over a runtime of ours, which has no containers: see internal/pods.
func hollowKubelet(args []string) {
	if err := runKubelet(args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "kubelet:", err)
		os.Exit(1)
	}
}

func runKubelet(file string) error {
	var options kubeletOptions
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(content, &options); err != nil {
		return err
	}
	client, heartbeat, err := options.clients()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	runtime, err := pods.NewRuntime(ctx, client, options.Pods)
	if err != nil {
		return err
	}
	hollow, err := options.kubelet(client, heartbeat, runtime)
	if err != nil {
		return err
	}
	go hollow.Run(ctx)
	<-ctx.Done()
	runtime.End()
	return nil
}

func (o *kubeletOptions) clients() (client, heartbeat *kubernetes.Clientset, err error) {
	config, err := clientcmd.BuildConfigFromFlags("", o.Kubeconfig)
	if err != nil {
		return nil, nil, err
	}
	config.ContentType, config.QPS, config.Burst = "application/vnd.kubernetes.protobuf", 50, 100
	if client, err = kubernetes.NewForConfig(config); err != nil {
		return nil, nil, err
	}
	beat := rest.CopyConfig(config)
	beat.Timeout, beat.QPS = 10*time.Second, -1
	heartbeat, err = kubernetes.NewForConfig(beat)
	return client, heartbeat, err
}

func (o *kubeletOptions) kubelet(client, heartbeat *kubernetes.Clientset, runtime *pods.Runtime) (*kubemark.HollowKubelet, error) {
	registered, _, err := taints.ParseTaints(o.Taints)
	if err != nil {
		return nil, err
	}
	labels := map[string]string{}
	for _, label := range o.Labels {
		key, value, _ := strings.Cut(label, "=")
		labels[key] = value
	}
	flags, config := kubemark.GetHollowKubeletConfig(&kubemark.HollowKubeletOptions{
		NodeName: o.Name, KubeletPort: 10250, MaxPods: 110, NodeLabels: labels, RegisterWithTaints: registered,
	})
	_ = os.RemoveAll(flags.RootDirectory) // a temporary folder that it made
	flags.RootDirectory, flags.NodeIP = "/var/lib/kubelet", o.NodeIP
	config.ProviderID, config.ClusterDomain, config.ClusterDNS = "k3s://"+o.Name, o.Domain, o.DNS
	config.PodLogsDir, config.StaticPodPath = "/var/log/pods", filepath.Join(o.Pods.Folder, "static")
	config.Authentication.X509.ClientCAFile = o.ClientCA
	config.MaxOpenFiles = 1000000
	config.SyncFrequency = meta.Duration{Duration: 5 * time.Second}
	if err := os.MkdirAll(config.StaticPodPath, 0o700); err != nil {
		return nil, err
	}
	hollow := kubemark.NewHollowKubelet(flags, config, client, heartbeat, machine{&cadvisortest.Fake{NodeName: o.Name}},
		runtime.Images(), runtime, cm.NewStubContainerManager())
	deps := hollow.KubeletDeps
	deps.OSInterface = kubecontainer.RealOS{} // log folders are real
	deps.TLSOptions = &kubeletserver.TLSOptions{CertFile: o.Cert, KeyFile: o.Key, ClientCAFile: o.ClientCA}
	auth, watchCA, err := kubeletapp.BuildAuth(types.NodeName(o.Name), client, *config)
	if err != nil {
		return nil, err
	}
	watchCA(make(chan struct{}))
	deps.Auth = auth
	return hollow, nil
}

// machine says how large every node is, large enough for what tests ask for, and what system it really has.
type machine struct{ *cadvisortest.Fake }

func (m machine) VersionInfo() (*cadvisor.VersionInfo, error) {
	info, err := m.Fake.VersionInfo()
	if err != nil {
		return nil, err
	}
	if text, fault := os.ReadFile("/proc/sys/kernel/osrelease"); fault == nil {
		info.KernelVersion = strings.TrimSpace(string(text))
	}
	text, _ := os.ReadFile("/etc/os-release")
	for line := range strings.Lines(string(text)) {
		if name, found := strings.CutPrefix(strings.TrimSpace(line), "PRETTY_NAME="); found {
			info.ContainerOsVersion = strings.Trim(name, `"`)
		}
	}
	return info, nil
}

func (m machine) MachineInfo() (*cadvisor.MachineInfo, error) {
	info, err := m.Fake.MachineInfo()
	if err == nil {
		info.NumCores, info.MemoryCapacity = 4, 16<<30
		if id, fault := os.ReadFile("/etc/machine-id"); fault == nil {
			info.MachineID = strings.TrimSpace(string(id))
		}
	}
	return info, err
}
