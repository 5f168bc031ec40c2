package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"

	"k8s.io/client-go/util/keyutil"

	"knarr.dev/peers/k3s/internal/pki"
	"knarr.dev/peers/k3s/internal/token"
)

// material is what makes this cluster that cluster: authorities and tokens.
type material struct {
	client, server, requestHeader, etcdServer, etcdPeer *pki.Authority
	caFile                                              []byte
	password, agentPassword                             string
}

// shared are the files that a joining server gets, by their path below the server's folder.
var shared = []string{
	"tls/client-ca.crt", "tls/client-ca.key", "tls/server-ca.crt", "tls/server-ca.key", "tls/request-header-ca.crt",
	"tls/request-header-ca.key", "tls/etcd/server-ca.crt", "tls/etcd/server-ca.key", "tls/etcd/peer-ca.crt",
	"tls/etcd/peer-ca.key", "tls/service.key", "cred/encryption-config.json",
}

// prepare reads, fetches or makes the material, in this order.
func (c *cluster) prepare() (*material, error) {
	text, err := c.set.Secret("token")
	if err != nil {
		return nil, err
	}
	given, err := token.Parse(text)
	if err != nil {
		return nil, err
	}
	if c.store == joining {
		if err := c.fetchMaterial(given); err != nil {
			return nil, err
		}
	}
	made, err := c.authorities()
	if err != nil {
		return nil, err
	}
	if err := given.Verify(made.caFile); err != nil {
		return nil, err
	}
	if err := c.tokens(made, given.Password); err != nil {
		return nil, err
	}
	return made, c.certificates(made)
}

func (c *cluster) authorities() (*material, error) {
	made := &material{}
	for _, it := range []struct {
		place      **pki.Authority
		stem, name string
	}{
		{&made.client, "client-ca", "k3s-client-ca"}, {&made.server, "server-ca", "k3s-server-ca"},
		{&made.requestHeader, "request-header-ca", "k3s-request-header-ca"},
		{&made.etcdServer, "etcd/server-ca", "etcd-server-ca"}, {&made.etcdPeer, "etcd/peer-ca", "etcd-peer-ca"},
	} {
		var err error
		if *it.place, err = pki.Ensure(c.tls(it.stem), it.name); err != nil {
			return nil, err
		}
	}
	var err error
	made.caFile, err = os.ReadFile(c.tls("server-ca.crt"))
	return made, errors.Join(err, c.serviceKey(), c.encryption())
}

func (c *cluster) serviceKey() error {
	if exists(c.tls("service.key")) {
		return nil
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	text, err := keyutil.MarshalPrivateKeyToPEM(key)
	if err != nil {
		return err
	}
	return os.WriteFile(c.tls("service.key"), text, 0o600)
}

const encryptionConfig = `{"kind":"EncryptionConfiguration","apiVersion":"apiserver.config.k8s.io/v1","resources":[{"resources":` +
	`["secrets"],"providers":[{"aescbc":{"keys":[{"name":"aescbckey","secret":%q}]}},{"identity":{}}]}]}`

func (c *cluster) encryption() error {
	file := c.server("cred", "encryption-config.json")
	if err := os.MkdirAll(c.server("cred"), 0o700); err != nil || !c.set.Flag("secrets-encryption") || exists(file) {
		return err
	}
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return err
	}
	return os.WriteFile(file, fmt.Appendf(nil, encryptionConfig, base64.StdEncoding.EncodeToString(key)), 0o600)
}

// tokens settles the passwords and writes them where K3s does.
func (c *cluster) tokens(made *material, password string) error {
	if old, err := os.ReadFile(c.server("token")); err == nil && password == "" {
		had, err := token.Parse(string(old[:max(0, len(old)-1)]))
		if err != nil {
			return err
		}
		password = had.Password
	}
	if password == "" {
		password = randomText(16)
	}
	if err := c.samePassword(password); err != nil {
		return err
	}
	agent, err := c.set.Secret("agent-token")
	if err != nil {
		return err
	}
	parsed, err := token.Parse(agent)
	if err != nil {
		return err
	}
	made.password, made.agentPassword = password, parsed.Password
	hash, err := token.Hash(made.caFile)
	if err != nil {
		return err
	}
	_ = os.Remove(c.server("node-token"))
	_ = os.Remove(c.server("agent-token"))
	err = errors.Join(
		os.WriteFile(c.server("token"), []byte(token.Full(hash, "server", password)+"\n"), 0o600),
		os.Symlink(c.server("token"), c.server("node-token")))
	if made.agentPassword == "" {
		return errors.Join(err, os.Symlink(c.server("token"), c.server("agent-token")))
	}
	full := token.Full(hash, "node", made.agentPassword) + "\n"
	return errors.Join(err, os.WriteFile(c.server("agent-token"), []byte(full), 0o600))
}

// samePassword refuses another token than the one that the data was made with. K3s encrypts its bootstrap data in the
// datastore with it; here a salted digest beside the data does.
func (c *cluster) samePassword(password string) error {
	file := c.server("db", "bootstrap")
	have, err := os.ReadFile(file)
	if err != nil {
		salt := randomText(8)
		return os.WriteFile(file, []byte(salt+saltedDigest(salt, password)), 0o600)
	}
	if subtle.ConstantTimeCompare(have[16:], []byte(saltedDigest(string(have[:16]), password))) != 1 {
		return errors.New("bootstrap data already found and encrypted with different token")
	}
	return nil
}

func saltedDigest(salt, secret string) string {
	digest := sha256.Sum256([]byte(salt + secret))
	return hex.EncodeToString(digest[:])
}

// randomText gives 2n hexadecimal digits.
func randomText(n int) string {
	bytes := make([]byte, n)
	if _, err := rand.Read(bytes); err != nil {
		panic(err) // the kernel gives random numbers
	}
	return hex.EncodeToString(bytes)
}

// certificates issues what this server's own programs need.
func (c *cluster) certificates(made *material) error {
	masters := []string{"system:masters"}
	member := []string{"localhost", c.node, "127.0.0.1", "::1", c.address}
	hosts, err := c.servingHosts()
	if err != nil {
		return err
	}
	faults := []error{made.client.KeepSigner(c.tls("client-ca.nochain.crt")), made.server.KeepSigner(c.tls("server-ca.nochain.crt"))}
	for _, it := range []struct {
		by   *pki.Authority
		stem string
		leaf pki.Leaf
	}{
		{made.client, "client-admin", pki.Leaf{Name: "system:admin", Groups: masters}},
		{made.client, "client-supervisor", pki.Leaf{Name: "system:k3s-supervisor", Groups: masters}},
		{made.client, "client-kube-apiserver", pki.Leaf{Name: "system:apiserver", Groups: masters}},
		{made.client, "client-controller", pki.Leaf{Name: "system:kube-controller-manager"}},
		{made.client, "client-scheduler", pki.Leaf{Name: "system:kube-scheduler"}},
		{made.requestHeader, "client-auth-proxy", pki.Leaf{Name: "system:auth-proxy"}},
		{made.server, "serving-kube-apiserver", pki.Leaf{Name: "kube-apiserver", Hosts: hosts}},
		{made.etcdServer, "etcd/client", pki.Leaf{Name: "etcd-client"}},
		{made.etcdServer, "etcd/server-client", pki.Leaf{Name: "etcd-server", Hosts: member, Both: true}},
		{made.etcdPeer, "etcd/peer-server-client", pki.Leaf{Name: "etcd-peer", Hosts: member, Both: true}},
	} {
		faults = append(faults, it.by.Keep(c.tls(filepath.FromSlash(it.stem)), it.leaf))
	}
	return errors.Join(faults...)
}

func (c *cluster) servingHosts() ([]string, error) {
	_, services, err := net.ParseCIDR(critical(c.set)["service-cidr"])
	if err != nil {
		return nil, err
	}
	first := services.IP.To4()
	if first == nil {
		return nil, errors.New("this stand-in knows IPv4 service networks only")
	}
	domain := critical(c.set)["cluster-domain"]
	hosts := []string{
		"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc." + domain, "localhost",
		c.node, "127.0.0.1", "::1", apiAddress, c.address, net.IPv4(first[0], first[1], first[2], first[3]+1).String(),
	}
	for _, more := range slices.Concat(c.set.List("tls-san"), c.set.List("node-external-ip"), c.set.List("advertise-address")) {
		if !slices.Contains(hosts, more) {
			hosts = append(hosts, more)
		}
	}
	return hosts, nil
}

// sharedFiles are the contents of `shared` that this server has.
func (c *cluster) sharedFiles() map[string]string {
	files := map[string]string{}
	for _, name := range shared {
		if content, err := os.ReadFile(c.server(name)); err == nil {
			files[name] = string(content)
		}
	}
	return files
}

// takeShared writes what another server gave; a file of this machine that differs stops it, as in K3s.
func (c *cluster) takeShared(files map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(files)) {
		file := c.server(name)
		if !slices.Contains(shared, name) {
			continue
		}
		if have, err := os.ReadFile(file); err == nil {
			if string(have) != files[name] {
				return fmt.Errorf("%s newer than datastore and could cause a cluster outage. Remove the file(s) from disk and"+
					" restart to be recreated from datastore", file)
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(file, []byte(files[name]), 0o600); err != nil {
			return err
		}
	}
	return nil
}
