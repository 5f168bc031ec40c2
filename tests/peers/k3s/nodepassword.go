package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/scrypt"
	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const passwordNamespace = "kube-system"

func passwordSecret(node string) string { return node + ".node-password.k3s" }

// checkNodePassword keeps the password of a node's first coming, and refuses any other later.
func (c *cluster) checkNodePassword(ctx context.Context, node, password string) error {
	if password == "" {
		return errors.New("node password not set")
	}
	secrets := c.client.CoreV1().Secrets(passwordNamespace)
	have, err := secrets.Get(ctx, passwordSecret(node), meta.GetOptions{})
	if apierrors.IsNotFound(err) {
		immutable := true
		_, err = secrets.Create(ctx, &core.Secret{
			ObjectMeta: meta.ObjectMeta{Name: passwordSecret(node), Namespace: passwordNamespace},
			Immutable:  &immutable, Data: map[string][]byte{"hash": []byte(passwordHash(randomText(8), password))},
		}, meta.CreateOptions{})
		return err
	}
	if err != nil {
		return err
	}
	hash := string(have.Data["hash"])
	parts := strings.Split(hash, ":")
	if len(parts) != 3 || !same(hash, passwordHash(parts[1], password)) {
		return fmt.Errorf("unable to verify password for node %s: hash does not match", node)
	}
	return nil
}

func passwordHash(salt, password string) string {
	key, err := scrypt.Key([]byte(password), []byte(salt), 1<<14, 8, 1, 32)
	if err != nil {
		panic(err) // the parameters are valid
	}
	return "$1:" + salt + ":" + hex.EncodeToString(key)
}
