package main

import (
	"crypto/tls"
	"crypto/x509"
	stdlog "log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
)

// proxy passes requests to the API server. A client's certificate cannot be passed on, so it is verified here and its
// names go along as request headers, which the API server believes of the holder of the request-header certificate.
func (c *cluster) proxy() (http.Handler, error) {
	own, err := tls.LoadX509KeyPair(c.tls("client-auth-proxy.crt"), c.tls("client-auth-proxy.key"))
	if err != nil {
		return nil, err
	}
	servers, err := pool(c.tls("server-ca.crt"))
	if err != nil {
		return nil, err
	}
	clients, err := pool(c.tls("client-ca.crt"))
	if err != nil {
		return nil, err
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "https", Host: hostPort(apiAddress, c.port())})
			r.Out.Host = r.In.Host
			introduce(r.Out, clients)
		},
		// HTTP/1.1 only: one connection per request carries watches and upgrades alike
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{RootCAs: servers, Certificates: []tls.Certificate{own}}, MaxIdleConnsPerHost: 64},
		FlushInterval: -1,
		ErrorLog:      stdlog.New(quiet{}, "", 0),
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !c.ready.Load() {
			http.Error(w, "apiserver not ready", http.StatusServiceUnavailable)
			return
		}
		proxy.ServeHTTP(w, r)
	}), nil
}

// introduce replaces what a request says of its sender by what its certificate proves.
func introduce(request *http.Request, clients *x509.CertPool) {
	for name := range request.Header {
		if strings.HasPrefix(strings.ToLower(name), "x-remote-") {
			request.Header.Del(name)
		}
	}
	if request.TLS == nil || len(request.TLS.PeerCertificates) == 0 {
		return
	}
	between := x509.NewCertPool()
	for _, cert := range request.TLS.PeerCertificates[1:] {
		between.AddCert(cert)
	}
	leaf := request.TLS.PeerCertificates[0]
	_, err := leaf.Verify(x509.VerifyOptions{Roots: clients, Intermediates: between, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	if err != nil {
		return
	}
	request.Header.Set("X-Remote-User", leaf.Subject.CommonName)
	for _, group := range leaf.Subject.Organization {
		request.Header.Add("X-Remote-Group", group)
	}
}

func pool(file string) (*x509.CertPool, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	all := x509.NewCertPool()
	all.AppendCertsFromPEM(content)
	return all, nil
}
