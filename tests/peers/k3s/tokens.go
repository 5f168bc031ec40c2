package main

import (
	"errors"
	"fmt"
)

// tokenCommand is `k3s token generate`: a password for the short form, before there is a cluster.
func tokenCommand(args []string) error {
	if len(args) != 1 || args[0] != "generate" {
		return errors.New("token has one command in this stand-in: generate")
	}
	fmt.Println(randomText(16))
	return nil
}
