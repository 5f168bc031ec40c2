package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"knarr.dev/peers/k3s/internal/token"
)

// access is a verified way to another server's supervisor.
type access struct {
	base           string
	user, password string
	client         *http.Client
	caFile         []byte
}

// connect reads the CA unverified, compares it with the token's pin, and trusts it from then on.
func connect(base string, given token.Token, user string) (*access, error) {
	base = strings.TrimRight(base, "/")
	if !strings.HasPrefix(base, "https://") {
		return nil, fmt.Errorf("only https:// URLs are supported, invalid scheme: %s", base)
	}
	blind := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	reply, err := blind.Get(base + "/cacerts")
	if err != nil {
		return nil, fmt.Errorf("failed to get CA certs: %w", err)
	}
	defer reply.Body.Close()
	ca, err := io.ReadAll(io.LimitReader(reply.Body, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("failed to get CA certs: %w", err)
	}
	if given.CAHash == "" {
		say("warning", "Cluster CA certificate is not trusted by the host CA bundle, but the token does not include a CA hash."+
			" Use the full token from the server's node-token file to enable Cluster CA validation.")
	}
	if err := given.Verify(ca); err != nil {
		return nil, err
	}
	if given.User != "" {
		user = given.User
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true}
	return &access{base, user, given.Password, &http.Client{Timeout: 20 * time.Second, Transport: transport}, ca}, nil
}

// ask sends a request and gives the reply's body; any status but 200 is an error.
func (a *access) ask(method, path string, body []byte, headers map[string]string) ([]byte, error) {
	request, err := http.NewRequestWithContext(context.Background(), method, a.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.SetBasicAuth(a.user, a.password)
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	reply, err := a.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer reply.Body.Close()
	content, err := io.ReadAll(reply.Body)
	switch {
	case err != nil:
		return nil, err
	case reply.StatusCode == http.StatusUnauthorized:
		return nil, errors.New("not authorized")
	case reply.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%s%s: %s: %s", a.base, path, reply.Status, strings.TrimSpace(string(content)))
	}
	return content, nil
}

func (a *access) config() (map[string]string, error) {
	content, err := a.ask("GET", "/v1-k3s/config", nil, nil)
	if err != nil {
		return nil, err
	}
	values := map[string]string{}
	return values, json.Unmarshal(content, &values)
}

// fetchMaterial gets the cluster's material from the server that is joined, which must agree on what is critical.
func (c *cluster) fetchMaterial(given token.Token) error {
	if given.Password == "" {
		return errors.New("--token is required to join a cluster")
	}
	elder, err := connect(c.set.Text("server", ""), given, "server")
	if err != nil {
		return fmt.Errorf("failed to validate token: %w", err)
	}
	config, err := elder.config()
	if err != nil {
		return fmt.Errorf("failed to validate token: %w", err)
	}
	if err := compare(critical(c.set), config); err != nil {
		return err
	}
	content, err := elder.ask("GET", "/v1-k3s/server-bootstrap", nil, nil)
	if err != nil {
		return fmt.Errorf("failed to get bootstrap data: %w", err)
	}
	files := map[string]string{}
	if err := json.Unmarshal(content, &files); err != nil {
		return err
	}
	return c.takeShared(files)
}
