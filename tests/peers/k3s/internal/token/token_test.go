package token

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"knarr.dev/peers/k3s/internal/pki"
)

func authority(t *testing.T) []byte {
	t.Helper()
	stem := filepath.Join(t.TempDir(), "ca")
	if _, err := pki.Ensure(stem, "test"); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(stem + ".crt")
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestAFullTokenIsReadBack(t *testing.T) {
	hash := strings.Repeat("ab", 32)
	got, err := Parse(Full(hash, "server", "se:cret"))
	if err != nil || got != (Token{hash, "server", "se:cret"}) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestAShortTokenIsAPassword(t *testing.T) {
	if got, err := Parse("secret"); err != nil || got != (Token{Password: "secret"}) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestATokenWithABrokenHashIsRefused(t *testing.T) {
	for _, text := range []string{"K10abc::server:x", "K10" + strings.Repeat("zz", 32) + "::server:x", "K10" + strings.Repeat("ab", 32) + "::server:"} {
		if _, err := Parse(text); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
}

func TestOneCertificateIsHashedAsItsFile(t *testing.T) {
	file := authority(t)
	digest := sha256.Sum256(file)
	if got, err := Hash(file); err != nil || got != hex.EncodeToString(digest[:]) {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestABundleIsHashedByItsRoot(t *testing.T) {
	first, root := authority(t), authority(t)
	one, err := Hash(append(append([]byte{}, first...), root...))
	if err != nil {
		t.Fatal(err)
	}
	two, err := Hash(append(append([]byte{}, authority(t)...), root...))
	if err != nil || one != two {
		t.Errorf("%s and %s differ, %v", one, two, err)
	}
}

func TestAnotherCAIsRefused(t *testing.T) {
	hash, err := Hash(authority(t))
	if err != nil {
		t.Fatal(err)
	}
	err = Token{CAHash: hash}.Verify(authority(t))
	if err == nil || !strings.Contains(err.Error(), "token CA hash does not match the Cluster CA certificate hash") {
		t.Errorf("got %v", err)
	}
}
