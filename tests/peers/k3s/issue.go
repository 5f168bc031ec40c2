package main

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"

	"knarr.dev/peers/k3s/internal/pki"
)

// issue signs what a node asks for: POST of a certificate request for kubelet or kube-proxy. The node proves by its
// password that it is the one that first came under its name.
func (c *cluster) issue(w http.ResponseWriter, r *http.Request) {
	name := r.Header.Get("k3s-Node-Name")
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<16))
	if err != nil || name == "" {
		http.Error(w, "node name not set", http.StatusBadRequest)
		return
	}
	authority, leaf := c.material.client, pki.Leaf{Name: "system:kube-proxy"}
	switch r.PathValue("certificate") {
	case "client-kube-proxy.crt":
	case "client-kubelet.crt":
		leaf = pki.Leaf{Name: "system:node:" + name, Groups: []string{"system:nodes"}}
	case "serving-kubelet.crt":
		authority, leaf = c.material.server, pki.Leaf{Name: name, Hosts: []string{name, "localhost", "127.0.0.1", "::1"}}
		for address := range strings.SplitSeq(r.Header.Get("k3s-Node-IP"), ",") {
			if net.ParseIP(address) != nil {
				leaf.Hosts = append(leaf.Hosts, address)
			}
		}
	default:
		http.NotFound(w, r)
		return
	}
	if !c.ready.Load() {
		http.Error(w, "apiserver not ready", http.StatusServiceUnavailable)
		return
	}
	if err := c.checkNodePassword(r.Context(), name, r.Header.Get("k3s-Node-Password")); err != nil {
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	text, err := sign(authority, leaf, body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(text)
}

func sign(authority *pki.Authority, leaf pki.Leaf, request []byte) ([]byte, error) {
	block, _ := pem.Decode(request)
	if block == nil {
		return nil, errors.New("no certificate request")
	}
	asked, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, err
	}
	if err := asked.CheckSignature(); err != nil {
		return nil, err
	}
	return authority.Sign(leaf, asked.PublicKey)
}
