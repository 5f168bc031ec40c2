// Package pki keeps a cluster's certificate authorities and issues short-lived certificates from them.
package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"k8s.io/client-go/util/keyutil"
)

const (
	year = 365 * 24 * time.Hour
	// renewBefore is when a leaf is issued anew at a start. Source: facts of K3s since 2025-05
	renewBefore = 120 * 24 * time.Hour
)

// Authority is a CA as it lies on disk; its file may hold a chain.
type Authority struct {
	File  string
	chain []*x509.Certificate
	key   crypto.Signer
}

// Leaf says what a certificate is for.
type Leaf struct {
	Name   string
	Groups []string
	// Hosts of a server: names and addresses; a certificate without is a client's.
	Hosts []string
	// Both is for members that are server and client, as etcd's peers.
	Both bool
}

// Ensure reads the CA at `stem`.crt and .key, and makes one first when there is none.
func Ensure(stem, name string) (*Authority, error) {
	if _, err := os.Stat(stem + ".crt"); os.IsNotExist(err) {
		if err := found(stem, fmt.Sprintf("%s@%d", name, time.Now().Unix())); err != nil {
			return nil, err
		}
	}
	return read(stem)
}

// KeepSigner writes the signing certificate alone, for those who cannot read a chain.
func (a *Authority) KeepSigner(file string) error {
	return os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.chain[0].Raw}), 0o644)
}

func found(stem, name string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(10 * year),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment | x509.KeyUsageCertSign,
		BasicConstraintsValid: true, IsCA: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	return write(stem, [][]byte{der}, key)
}

func read(stem string) (*Authority, error) {
	chain, err := certificates(stem + ".crt")
	if err != nil {
		return nil, err
	}
	key, err := keyutil.PrivateKeyFromFile(stem + ".key")
	if err != nil {
		return nil, err
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("%s.key cannot sign", stem)
	}
	return &Authority{stem + ".crt", chain, signer}, nil
}

// Sign issues a certificate for a public key, as PEM with the chain below the root.
func (a *Authority) Sign(leaf Leaf, public crypto.PublicKey) ([]byte, error) {
	der, err := x509.CreateCertificate(rand.Reader, leaf.template(), a.chain[0], public, a.key)
	if err != nil {
		return nil, err
	}
	return a.bundle(der), nil
}

func (a *Authority) bundle(leaf []byte) []byte {
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf})
	for _, above := range a.chain[:len(a.chain)-1] {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: above.Raw})...)
	}
	return text
}

func (l Leaf) template() *x509.Certificate {
	usage := []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	if len(l.Hosts) > 0 {
		usage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}
	if l.Both {
		usage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	}
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: l.Name, Organization: l.Groups},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(year),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment, ExtKeyUsage: usage,
	}
	for _, host := range l.Hosts {
		if address := net.ParseIP(host); address != nil {
			template.IPAddresses = append(template.IPAddresses, address)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	return template
}

// Keep makes sure that `stem`.crt and .key hold a good certificate for `leaf`, and issues it when they do not.
func (a *Authority) Keep(stem string, leaf Leaf) error {
	if have, err := certificates(stem + ".crt"); err == nil && a.holds(have[0], leaf) {
		if _, err := os.Stat(stem + ".key"); err == nil {
			return nil
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	text, err := a.Sign(leaf, key.Public())
	if err != nil {
		return err
	}
	if err := writeKey(stem+".key", key); err != nil {
		return err
	}
	return os.WriteFile(stem+".crt", text, 0o644)
}

func (a *Authority) holds(have *x509.Certificate, leaf Leaf) bool {
	want := leaf.template()
	same := have.Subject.CommonName == want.Subject.CommonName && slices.Equal(have.DNSNames, want.DNSNames) &&
		slices.Equal(have.Subject.Organization, want.Subject.Organization) &&
		slices.EqualFunc(have.IPAddresses, want.IPAddresses, net.IP.Equal)
	return same && have.CheckSignatureFrom(a.chain[0]) == nil && time.Until(have.NotAfter) > renewBefore
}

func certificates(file string) ([]*x509.Certificate, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var all []*x509.Certificate
	for block, rest := pem.Decode(content); block != nil; block, rest = pem.Decode(rest) {
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, cert)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s holds no certificate", file)
	}
	return all, nil
}

func write(stem string, ders [][]byte, key *ecdsa.PrivateKey) error {
	if err := os.MkdirAll(filepath.Dir(stem), 0o700); err != nil {
		return err
	}
	var text []byte
	for _, der := range ders {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	if err := writeKey(stem+".key", key); err != nil {
		return err
	}
	return os.WriteFile(stem+".crt", text, 0o644)
}

func writeKey(file string, key *ecdsa.PrivateKey) error {
	text, err := keyutil.MarshalPrivateKeyToPEM(key)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o600)
}

func serial() *big.Int {
	number, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		panic(err) // the kernel gives random numbers
	}
	return number
}
