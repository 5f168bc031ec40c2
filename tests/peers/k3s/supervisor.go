package main

import (
	"context"
	"crypto/subtle"
	"crypto/tls"
	"encoding/json"
	"errors"
	stdlog "log"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// apiAddress is where the API server itself listens, at the same port as the supervisor does on all other addresses: so
// that Service `kubernetes` names the node's address with the port that nodes use. Both sockets share the port by
// SO_REUSEPORT, and the kernel prefers the more specific one.
const apiAddress = "127.0.0.2"

func (c *cluster) port() string { return c.set.Text("https-listen-port", "6443") }

// listen serves K3s's supervisor; what is not its own goes to the API server.
func (c *cluster) listen() error {
	share := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) (err error) {
		fault := raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) })
		return errors.Join(fault, err)
	}}
	listener, err := share.Listen(context.Background(), "tcp", hostPort(c.set.Text("bind-address", ""), c.port()))
	if err != nil {
		return err
	}
	certificate, err := tls.LoadX509KeyPair(c.tls("serving-kube-apiserver.crt"), c.tls("serving-kube-apiserver.key"))
	if err != nil {
		return err
	}
	handler, err := c.routes()
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler: handler, ErrorLog: stdlog.New(quiet{}, "", 0),
		TLSConfig: &tls.Config{
			Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12,
			ClientAuth: tls.RequestClientCert, // the proxy verifies it, for requests that need one
		},
	}
	go func() { c.deaths <- server.ServeTLS(notForAPI{listener}, "", "") }()
	return nil
}

// notForAPI turns away who wants the API server itself while that does not listen.
type notForAPI struct{ net.Listener }

func (l notForAPI) Accept() (net.Conn, error) {
	for {
		connection, err := l.Listener.Accept()
		if err != nil || !strings.HasPrefix(connection.LocalAddr().String(), apiAddress+":") {
			return connection, err
		}
		_ = connection.Close()
	}
}

// quiet drops what broken connections of others would write.
type quiet struct{}

func (quiet) Write(text []byte) (int, error) { return len(text), nil }

func (c *cluster) routes() (http.Handler, error) {
	proxy, err := c.proxy()
	if err != nil {
		return nil, err
	}
	routes := http.NewServeMux()
	routes.HandleFunc("GET /ping", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("pong")) })
	routes.HandleFunc("GET /cacerts", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = w.Write(c.material.caFile)
	})
	routes.Handle("GET /v1-k3s/config", c.forNodes(func(w http.ResponseWriter, _ *http.Request) { sendJSON(w, critical(c.set)) }))
	for _, name := range []string{"client-ca.crt", "server-ca.crt"} {
		routes.Handle("GET /v1-k3s/"+name, c.forNodes(func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, c.tls(name)) }))
	}
	routes.Handle("GET /v1-k3s/apiservers", c.forNodes(c.apiservers))
	routes.Handle("GET /v1-k3s/readyz", c.forNodes(c.readyz))
	routes.Handle("POST /v1-k3s/{certificate}", c.forNodes(c.issue))
	routes.Handle("GET /v1-k3s/server-bootstrap", c.forServers(func(w http.ResponseWriter, _ *http.Request) { sendJSON(w, c.sharedFiles()) }))
	routes.HandleFunc("/v1-k3s/", http.NotFound)
	routes.Handle("/", proxy)
	return routes, nil
}

func sendJSON(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value)
}

func (c *cluster) readyz(w http.ResponseWriter, _ *http.Request) {
	if !c.ready.Load() {
		http.Error(w, "apiserver not ready", http.StatusServiceUnavailable)
		return
	}
	_, _ = w.Write([]byte("ok"))
}

// forServers lets through who knows the server token, forNodes also who knows the agent token.
func (c *cluster) forServers(serve http.HandlerFunc) http.Handler {
	return guarded(serve, func(_, password string) bool { return same(password, c.material.password) })
}

func (c *cluster) forNodes(serve http.HandlerFunc) http.Handler {
	return guarded(serve, func(user, password string) bool {
		known := c.material
		return same(password, known.password) ||
			user == "node" && known.agentPassword != "" && same(password, known.agentPassword)
	})
}

func guarded(serve http.HandlerFunc, allowed func(user, password string) bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if !allowed(user, password) {
			http.Error(w, "Unauthorized", http.StatusUnauthorized)
			return
		}
		serve(w, r)
	})
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// writeKubeconfig writes the kubeconfig of a person or a component.
func writeKubeconfig(file, server, ca, cert, key string, mode os.FileMode) error {
	text, err := kubeconfig(server, ca, cert, key)
	if err != nil {
		return err
	}
	return writeFile(file, text, mode)
}
