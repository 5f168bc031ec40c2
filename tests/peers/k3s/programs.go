package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
	_ "k8s.io/client-go/plugin/pkg/client/auth"
	"k8s.io/component-base/cli"
	"k8s.io/component-base/logs"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	kubectl "k8s.io/kubectl/pkg/cmd"
	"k8s.io/kubectl/pkg/cmd/util"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"

	"knarr.dev/peers/k3s/internal/pods"
)

// programs are the real ones in this file; each runs as a process of its own, started by the name it is called by.
var programs = map[string]func(args []string){
	"kube-apiserver":          func([]string) { os.Exit(cli.Run(apiserver.NewAPIServerCommand())) },
	"kube-controller-manager": func([]string) { os.Exit(cli.Run(controllers.NewControllerManagerCommand())) },
	"kube-scheduler":          func([]string) { os.Exit(cli.Run(scheduler.NewSchedulerCommand())) },
	"kube-proxy":              func([]string) { os.Exit(cli.Run(proxy.NewProxyCommand())) },
	"etcd":                    etcdmain.Main,
	"kine":                    kine,
	"kubelet":                 hollowKubelet,
	"kubectl":                 runKubectl,
	pods.Shell:                pods.Enter,
}

const adminKubeconfig = "/etc/rancher/k3s/k3s.yaml"

// runKubectl is kubectl with K3s's kubeconfig where no other is named.
func runKubectl(args []string) {
	if os.Getenv("KUBECONFIG") == "" {
		_ = os.Setenv("KUBECONFIG", adminKubeconfig)
	}
	_, _ = logs.GlogSetter(kubectl.GetLogVerbosity(args))
	if err := cli.RunNoErrOutput(kubectl.NewDefaultKubectlCommand()); err != nil {
		util.CheckErr(err)
	}
}
