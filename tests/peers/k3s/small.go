package main

import (
	"errors"
	"net"
	"os"
	"strings"
)

func exists(file string) bool {
	_, err := os.Lstat(file)
	return err == nil
}

// wants turns a condition into an error that says what is missing.
func wants(truth bool, otherwise string) error {
	if truth {
		return nil
	}
	return errors.New(otherwise)
}

func hostPort(host, port string) string { return net.JoinHostPort(host, port) }

// dashed makes flags of K3s's `name=value` arguments for a component.
func dashed(args []string) []string {
	all := make([]string, len(args))
	for i, arg := range args {
		all[i] = "--" + strings.TrimLeft(arg, "-")
	}
	return all
}
