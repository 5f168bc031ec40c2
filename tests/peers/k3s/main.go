// Command k3s is a stand-in for K3s in Knarr's tests: K3s's command line, files and manners, and behind them the real
// etcd, API server, controller manager, scheduler, kube-proxy and kubectl in this one file. Its kubelet is hollow.
// It is not K3s; README.md beside this file says what differs.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"k8s.io/component-base/version"
)

const help = `k3s: a STAND-IN for K3s in Knarr's tests, not K3s. The Kubernetes programs behind it are real, its kubelet is hollow.

  k3s server [--KEY=VALUE ...]         run a server (and its node)
  k3s agent [--KEY=VALUE ...]          run a node
  k3s kubectl ...                      kubectl with /etc/rancher/k3s/k3s.yaml
  k3s token generate                   print a new token's password
  k3s etcd-snapshot save|ls|delete     snapshots of this server's etcd
  k3s certificate check                what this machine's certificates are and until when
  k3s --version

Keys are K3s's own, also in /etc/rancher/k3s/config.yaml and config.yaml.d/*.yaml.
Example: k3s server --cluster-init --token=SECRET --node-ip=10.0.0.1
`

// The main thread lives as long as the process: what it starts may ask to die with it.
func init() { runtime.LockOSThread() }

func main() {
	name := filepath.Base(os.Args[0])
	if program, ok := programs[name]; ok {
		runtime.UnlockOSThread()
		program(os.Args)
		return
	}
	if len(os.Args) > 1 && os.Args[1] == "kubectl" {
		os.Args = os.Args[1:]
		runtime.UnlockOSThread()
		runKubectl(os.Args)
		return
	}
	if err := command(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "level=fatal msg=%q\n", "Error: "+err.Error())
		os.Exit(1)
	}
}

func command(args []string) error {
	if len(args) == 0 || slices.Contains(args, "--help") || slices.Contains(args, "-h") || args[0] == "help" {
		fmt.Print(help)
		return nil
	}
	switch args[0] {
	case "--version", "-v":
		fmt.Printf("k3s version %s (stand-in of Knarr's tests)\ngo version %s\n", version.Get().GitVersion, runtime.Version())
		return nil
	case "server":
		return inFamily(func(family *family) error { return server(args[1:], family) })
	case "agent":
		return inFamily(func(family *family) error { return agentCommand(args[1:], family) })
	case "token":
		return tokenCommand(args[1:])
	case "etcd-snapshot":
		return snapshotCommand(args[1:])
	case "certificate":
		return certificateCommand(args[1:])
	}
	return fmt.Errorf("no help topic for '%s'", args[0])
}
