// Package token reads and writes K3s's join tokens, which pin the cluster's CA.
package token

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// Token is what a joining machine knows of the cluster.
type Token struct {
	// CAHash pins the cluster's CA; empty in the short form, which trusts whatever answers.
	CAHash         string
	User, Password string
}

// Parse reads `K10<64 hex>::<user>:<password>` or the short form, a password alone (then User is empty).
func Parse(text string) (Token, error) {
	rest, full := strings.CutPrefix(text, "K10")
	hash, secret, found := strings.Cut(rest, "::")
	if !full || !found {
		user, password, both := strings.Cut(text, ":")
		if both {
			return Token{User: user, Password: password}, nil
		}
		return Token{Password: text}, nil
	}
	if raw, err := hex.DecodeString(hash); err != nil || len(raw) != sha256.Size {
		return Token{}, errors.New("invalid token CA hash length")
	}
	user, password, both := strings.Cut(secret, ":")
	if !both || password == "" {
		return Token{}, errors.New("invalid token format")
	}
	return Token{CAHash: hash, User: user, Password: password}, nil
}

// Full writes the form that pins the CA.
func Full(caHash, user, password string) string {
	return fmt.Sprintf("K10%s::%s:%s", caHash, user, password)
}

// Hash digests a CA file: of one certificate the bytes of the file, of a bundle the DER of its root.
// Source: k3s:pkg/clientaccess/token.go
func Hash(file []byte) (string, error) {
	var all []*x509.Certificate
	for block, rest := pem.Decode(file); block != nil; block, rest = pem.Decode(rest) {
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return "", err
		}
		all = append(all, cert)
	}
	if len(all) == 0 {
		return "", errors.New("no certificates found in CA bundle")
	}
	digest := sha256.Sum256(file)
	if len(all) > 1 {
		digest = sha256.Sum256(all[len(all)-1].Raw)
	}
	return hex.EncodeToString(digest[:]), nil
}

// Verify compares the pin with the CA file that a server gave.
func (t Token) Verify(file []byte) error {
	if t.CAHash == "" {
		return nil
	}
	hash, err := Hash(file)
	if err != nil {
		return err
	}
	if hash != t.CAHash {
		return fmt.Errorf("token CA hash does not match the Cluster CA certificate hash: %s != %s", t.CAHash, hash)
	}
	return nil
}
