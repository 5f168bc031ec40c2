package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync/atomic"

	"github.com/coreos/go-systemd/v22/daemon"
	"k8s.io/client-go/kubernetes"
	"k8s.io/component-base/version"

	"knarr.dev/peers/k3s/internal/settings"
)

// cluster is a running server with what it knows.
type cluster struct {
	*family
	paths
	set      *settings.Settings
	node     string
	address  string
	store    datastore
	material *material
	// client is the administrator's, set once the API is ready
	client kubernetes.Interface
	ready  atomic.Bool
}

func server(args []string, family *family) error {
	set, err := load("server", args)
	if err != nil {
		return err
	}
	if os.Geteuid() != 0 {
		return errors.New("server must run as root")
	}
	if set.Flag("cluster-reset") {
		return errors.New("this stand-in cannot reset a cluster or restore a snapshot")
	}
	log("Starting k3s %s (stand-in of Knarr's tests)", version.Get().GitVersion)
	server := &cluster{family: family, set: set, paths: paths{set.Text("data-dir", defaultData)}}
	if server.node, server.address, err = identity(set); err != nil {
		return err
	}
	if err := os.MkdirAll(server.server("db"), 0o700); err != nil {
		return err
	}
	if server.store, err = server.chooseDatastore(); err != nil {
		return err
	}
	if server.material, err = server.prepare(); err != nil {
		return fmt.Errorf("preparing server: %w", err)
	}
	return server.run()
}

// run starts the parts in K3s's order; each waits for those that it needs.
func (c *cluster) run() error {
	if err := c.listen(); err != nil {
		return err
	}
	if err := c.startDatastore(); err != nil {
		return fmt.Errorf("starting kubernetes: preparing server: start managed database: %w", err)
	}
	if err := c.startControlPlane(); err != nil {
		return err
	}
	c.ready.Store(true)
	go c.keepNodes()
	if c.set.Flag("disable-agent") {
		return c.tellReady()
	}
	own, err := agentOfServer(c)
	if err != nil {
		return err
	}
	if err := own.run(); err != nil {
		return err
	}
	return c.tellReady()
}

// tellReady tells systemd, as the unit has Type=notify.
func (f *family) tellReady() error {
	log("k3s is up and running")
	_, err := daemon.SdNotify(true, daemon.SdNotifyReady)
	return err
}

func load(command string, args []string) (*settings.Settings, error) {
	set, err := settings.Load(command, args, os.Getenv)
	if err != nil {
		return nil, err
	}
	for _, warning := range set.Warnings {
		say("warning", "%s", warning)
	}
	return set, nil
}

// identity is the node's name and address: as configured, else the machine's.
func identity(set *settings.Settings) (string, string, error) {
	host, err := os.Hostname()
	if err != nil {
		return "", "", err
	}
	name := strings.ToLower(set.Text("node-name", host))
	if addresses := set.List("node-ip"); len(addresses) > 0 {
		return name, addresses[0], nil
	}
	// No packet is sent: this asks the kernel which address the default route would use.
	probe, err := net.Dial("udp", "192.0.2.1:9")
	if err != nil {
		return "", "", fmt.Errorf("no default routes found in \"/proc/net/route\" or \"/proc/net/ipv6_route\": %w", err)
	}
	defer probe.Close()
	return name, probe.LocalAddr().(*net.UDPAddr).IP.String(), nil
}
