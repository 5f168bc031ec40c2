package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// datastore says where a server's objects live and how it comes to them.
type datastore int

const (
	sqlite   datastore = iota // one server, kine
	founding                  // a new etcd
	joining                   // a new member of the etcd of others
	existing                  // this machine's etcd data; cluster-init and server are ignored
)

func (c *cluster) chooseDatastore() (datastore, error) {
	join := c.set.Text("server", "")
	switch {
	case exists(c.server("db", "etcd", "member")):
		if join != "" || c.set.Flag("cluster-init") {
			log("Managed etcd cluster already initialized, ignoring --server and --cluster-init")
		}
		return existing, nil
	case c.set.Text("datastore-endpoint", "") != "":
		return 0, errors.New("this stand-in has no external datastores")
	case exists(c.server("db", "state.db")) && (join != "" || c.set.Flag("cluster-init")):
		return 0, errors.New("this stand-in does not migrate SQLite to etcd")
	case join != "":
		return joining, nil
	case c.set.Flag("cluster-init"):
		return founding, nil
	}
	return sqlite, nil
}

func (c *cluster) startDatastore() error {
	if c.store == sqlite {
		socket := c.server("kine.sock")
		if err := c.start("kine", socket, c.server("db", "state.db")); err != nil {
			return err
		}
		return c.until("kine", func() error { return wants(exists(socket), "no socket yet") })
	}
	name, err := c.memberName()
	if err != nil {
		return err
	}
	state, members := "existing", ""
	switch c.store {
	case founding:
		state, members = "new", name+"="+c.peerURL()
	case joining:
		if members, err = c.joinMembers(name); err != nil {
			return fmt.Errorf("failed to join etcd cluster: %w", err)
		}
	}
	if err := c.startEtcd(name, state, members); err != nil {
		return err
	}
	if err := c.until("etcd", c.etcdAnswers); err != nil {
		return err
	}
	if c.store == joining {
		return c.until("promotion of this etcd member", c.promote)
	}
	return nil
}

func (c *cluster) peerURL() string   { return "https://" + hostPort(c.address, "2380") }
func (c *cluster) clientURL() string { return "https://" + hostPort(c.address, "2379") }

func (c *cluster) startEtcd(name, state, members string) error {
	args := []string{
		"--name=" + name, "--data-dir=" + c.server("db", "etcd"),
		"--listen-client-urls=https://127.0.0.1:2379," + c.clientURL(), "--advertise-client-urls=" + c.clientURL(),
		"--listen-peer-urls=https://127.0.0.1:2380," + c.peerURL(), "--initial-advertise-peer-urls=" + c.peerURL(),
		"--initial-cluster-state=" + state, "--listen-metrics-urls=http://127.0.0.1:2381",
		"--client-cert-auth", "--trusted-ca-file=" + c.tls("etcd", "server-ca.crt"),
		"--cert-file=" + c.tls("etcd", "server-client.crt"), "--key-file=" + c.tls("etcd", "server-client.key"),
		"--peer-client-cert-auth", "--peer-trusted-ca-file=" + c.tls("etcd", "peer-ca.crt"),
		"--peer-cert-file=" + c.tls("etcd", "peer-server-client.crt"), "--peer-key-file=" + c.tls("etcd", "peer-server-client.key"),
		// K3s has 500 and 5000, by which every start of a single server waits 5 to 10 seconds for its own vote
		"--heartbeat-interval=200", "--election-timeout=2000", "--snapshot-count=10000", "--log-level=warn",
	}
	if members != "" {
		args = append(args, "--initial-cluster="+members)
	}
	return c.start("etcd", append(args, dashed(c.set.Args("etcd-arg"))...)...)
}

// memberName is this server's name in etcd: its node's with a suffix, kept beside the data.
func (c *cluster) memberName() (string, error) {
	file := c.server("db", "etcd", "name")
	if name, err := os.ReadFile(file); err == nil {
		return string(name), nil
	}
	suffix := make([]byte, 4)
	if _, err := rand.Read(suffix); err != nil {
		return "", err
	}
	if err := os.MkdirAll(c.server("db", "etcd"), 0o700); err != nil {
		return "", err
	}
	name := c.node + "-" + hex.EncodeToString(suffix)
	return name, os.WriteFile(file, []byte(name), 0o600)
}

// etcdConfig connects to a member as the API server does.
func (p paths) etcdConfig(endpoint string) (clientv3.Config, error) {
	config, err := transport.TLSInfo{
		TrustedCAFile: p.tls("etcd", "server-ca.crt"),
		CertFile:      p.tls("etcd", "client.crt"), KeyFile: p.tls("etcd", "client.key"),
	}.ClientConfig()
	return clientv3.Config{
		Endpoints: []string{endpoint}, TLS: config, DialTimeout: 5 * time.Second, Logger: zap.NewNop(),
	}, err
}

// withEtcd does something with members, in bounded time.
func (p paths) withEtcd(endpoint string, work func(context.Context, *clientv3.Client) error) error {
	config, err := p.etcdConfig(endpoint)
	if err != nil {
		return err
	}
	client, err := clientv3.New(config)
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return work(ctx, client)
}

const ownEtcd = "https://127.0.0.1:2379"

func (c *cluster) etcdAnswers() error {
	return c.withEtcd(ownEtcd, func(ctx context.Context, client *clientv3.Client) error {
		_, err := client.Status(ctx, ownEtcd)
		if err == nil && c.store != joining { // a learner serves no linearizable reads
			_, err = client.Get(ctx, "health")
		}
		if err != nil && strings.Contains(err.Error(), "not supported for learner") {
			err = errors.Join(err, c.promote()) // it was stopped while it joined
		}
		return err
	})
}

// elder is the client address of the server that is joined.
func (c *cluster) elder() (string, error) {
	parsed, err := url.Parse(c.set.Text("server", ""))
	if err != nil {
		return "", err
	}
	return "https://" + hostPort(parsed.Hostname(), "2379"), nil
}

// joinMembers adds this machine as a learner, and gives all members as etcd's --initial-cluster.
// Source: k3s:pkg/etcd/etcd.go, Join
func (c *cluster) joinMembers(name string) (string, error) {
	elder, err := c.elder()
	if err != nil {
		return "", err
	}
	var members []string
	err = c.withEtcd(elder, func(ctx context.Context, client *clientv3.Client) error {
		list, err := client.MemberList(ctx)
		if err != nil {
			return err
		}
		known := false
		for _, member := range list.Members {
			switch {
			case member.Name == "" && member.PeerURLs[0] == c.peerURL(), member.Name == name:
				known = true
				continue
			case member.Name[:strings.LastIndex(member.Name, "-")+1] == c.node+"-":
				_ = os.Remove(c.server("db", "etcd", "name"))
				return errors.New("duplicate node name found, please use a unique name for this node")
			}
			members = append(members, member.Name+"="+member.PeerURLs[0])
		}
		if !known {
			_, err = client.MemberAddAsLearner(ctx, []string{c.peerURL()})
		}
		return err
	})
	return strings.Join(append(members, name+"="+c.peerURL()), ","), err
}

// promote asks the joined server to count this one, which it does as soon as the data is in sync.
func (c *cluster) promote() error {
	elder, err := c.elder()
	if err != nil {
		return err
	}
	return c.withEtcd(elder, func(ctx context.Context, client *clientv3.Client) error {
		list, err := client.MemberList(ctx)
		if err != nil {
			return err
		}
		for _, member := range list.Members {
			if member.IsLearner && member.PeerURLs[0] == c.peerURL() {
				_, err := client.MemberPromote(ctx, member.ID)
				return err
			}
		}
		return nil
	})
}
