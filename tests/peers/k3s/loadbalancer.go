package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"sync"
	"time"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// balancer gives an agent one local address for all servers, so that it survives the one it was told of.
type balancer struct {
	file    string
	first   string
	mutex   sync.Mutex
	servers []string
}

func (n *node) balance() (*balancer, error) {
	parsed, err := url.Parse(n.set.Text("server", ""))
	if err != nil {
		return nil, err
	}
	if parsed.Scheme != "https" {
		return nil, errors.New("only https:// URLs are supported, invalid scheme: " + n.set.Text("server", ""))
	}
	port := parsed.Port()
	if port == "" {
		port = "443"
	}
	balancer := &balancer{file: n.agent("etc", "k3s-agent-load-balancer.json"), first: hostPort(parsed.Hostname(), port)}
	if content, err := os.ReadFile(balancer.file); err == nil {
		_ = json.Unmarshal(content, &balancer.servers)
	}
	listener, err := net.Listen("tcp", hostPort("127.0.0.1", n.set.Text("lb-server-port", "6444")))
	if err != nil {
		return nil, err
	}
	n.base = "https://" + listener.Addr().String()
	go balancer.serve(listener)
	return balancer, nil
}

func (b *balancer) serve(listener net.Listener) {
	for {
		inside, err := listener.Accept()
		if err != nil {
			return
		}
		go b.pass(inside)
	}
}

func (b *balancer) pass(inside net.Conn) {
	defer inside.Close()
	outside := b.dial()
	if outside == nil {
		return
	}
	defer outside.Close()
	done := make(chan struct{}, 2)
	for _, pair := range [][2]net.Conn{{inside, outside}, {outside, inside}} {
		go func() {
			_, _ = io.Copy(pair[0], pair[1])
			done <- struct{}{}
		}()
	}
	<-done
}

// dial tries the servers in order, first the one of the configuration.
func (b *balancer) dial() net.Conn {
	b.mutex.Lock()
	servers := slices.Concat([]string{b.first}, b.servers)
	b.mutex.Unlock()
	for _, server := range servers {
		if connection, err := net.DialTimeout("tcp", server, 3*time.Second); err == nil {
			return connection
		}
	}
	return nil
}

// refresh asks for the cluster's servers from time to time.
func (b *balancer) refresh(n *node) {
	for n.Err() == nil {
		if server, err := connect(n.base, n.token, "node"); err == nil {
			if content, err := server.ask("GET", "/v1-k3s/apiservers", nil, nil); err == nil {
				b.mutex.Lock()
				_ = json.Unmarshal(content, &b.servers)
				b.mutex.Unlock()
				_ = writeFile(b.file, content, 0o600)
			}
		}
		select {
		case <-n.Done():
		case <-time.After(10 * time.Second):
		}
	}
}

// apiservers lists the addresses of all servers, as their API servers announce them.
func (c *cluster) apiservers(w http.ResponseWriter, r *http.Request) {
	if !c.ready.Load() {
		http.Error(w, "apiserver not ready", http.StatusServiceUnavailable)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	slice, err := c.client.DiscoveryV1().EndpointSlices("default").Get(ctx, "kubernetes", meta.GetOptions{})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	addresses := []string{}
	for _, endpoint := range slice.Endpoints {
		for _, address := range endpoint.Addresses {
			addresses = append(addresses, hostPort(address, c.port()))
		}
	}
	sendJSON(w, addresses)
}
