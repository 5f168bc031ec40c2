package main

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"knarr.dev/peers/k3s/internal/settings"
)

// criticalDefaults are the keys that must be equal on all servers, with their defaults.
// Source: K3s documentation, cli/server.md
var criticalDefaults = map[string]string{
	"cluster-cidr": "10.42.0.0/16", "service-cidr": "10.43.0.0/16", "cluster-dns": "10.43.0.10",
	"cluster-domain": "cluster.local", "flannel-backend": "vxlan", "egress-selector-mode": "agent",
	"secrets-encryption-provider": "aescbc", "disable-cloud-controller": "false", "disable-helm-controller": "false",
	"disable-kube-proxy": "false", "disable-network-policy": "false", "embedded-registry": "false",
	"flannel-external-ip": "false", "flannel-ipv6-masq": "false", "secrets-encryption": "false",
}

// critical gives the values of these keys, and of `disable`.
func critical(set *settings.Settings) map[string]string {
	values := map[string]string{}
	for key, fallback := range criticalDefaults {
		values[key] = strings.Join(set.List(key), ",")
		if values[key] == "" {
			values[key] = fallback
		}
	}
	disabled := set.List("disable")
	slices.Sort(disabled)
	values["disable"] = strings.Join(slices.Compact(disabled), ",")
	return values
}

// compare refuses a server whose critical values differ from the cluster's.
func compare(own, cluster map[string]string) error {
	fault := error(nil)
	for _, key := range slices.Sorted(maps.Keys(own)) {
		if own[key] != cluster[key] {
			say("warning", "critical configuration mismatched: --%s", key)
			fault = errors.New("failed to validate server configuration: critical configuration value mismatch between servers")
		}
	}
	return fault
}
