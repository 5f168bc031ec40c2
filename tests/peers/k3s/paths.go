package main

import "path/filepath"

// paths are where K3s keeps what.
type paths struct{ data string }

func (p paths) server(parts ...string) string {
	return filepath.Join(append([]string{p.data, "server"}, parts...)...)
}

func (p paths) agent(parts ...string) string {
	return filepath.Join(append([]string{p.data, "agent"}, parts...)...)
}

func (p paths) tls(parts ...string) string {
	return filepath.Join(append([]string{p.data, "server", "tls"}, parts...)...)
}

const (
	defaultData      = "/var/lib/rancher/k3s"
	nodePasswordFile = "/etc/rancher/node/password"
)
