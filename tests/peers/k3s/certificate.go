package main

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"knarr.dev/peers/k3s/internal/settings"
)

// certificateLine is one certificate as `k3s certificate check` shows it.
type certificateLine struct {
	Filename     string    `json:"filename"`
	Subject      string    `json:"subject"`
	Issuer       string    `json:"issuer"`
	Usages       []string  `json:"usages"`
	Expiry       time.Time `json:"expiryTime"`
	ResidualTime string    `json:"residualTime"`
	Status       string    `json:"status"`
}

// certificateCommand is `k3s certificate check [--output table|json]`.
func certificateCommand(args []string) error {
	if len(args) == 0 || args[0] != "check" {
		return errors.New("certificate has one command in this stand-in: check")
	}
	output, rest := "text", []string{}
	for i := 1; i < len(args); i++ {
		name, value, has := strings.Cut(strings.TrimLeft(args[i], "-"), "=")
		if name != "output" && name != "o" {
			rest = append(rest, args[i])
			continue
		}
		if i++; !has && i < len(args) {
			value = args[i]
		} else {
			i--
		}
		output = value
	}
	set, err := load("server", rest)
	if err != nil {
		return err
	}
	lines, err := certificateLines(set)
	if err != nil {
		return err
	}
	switch output {
	case "json":
		return json.NewEncoder(os.Stdout).Encode(lines)
	case "table":
		table := tabwriter.NewWriter(os.Stdout, 0, 4, 3, ' ', 0)
		fmt.Fprintln(table, "FILENAME\tSUBJECT\tUSAGES\tEXPIRES\tRESIDUAL TIME\tSTATUS")
		for _, it := range lines {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", it.Filename, it.Subject, strings.Join(it.Usages, ","), it.Expiry.Format(time.RFC3339), it.ResidualTime, it.Status)
		}
		return table.Flush()
	case "text":
		for _, it := range lines {
			log("%s: certificate %s (%s) is %s, expires %s", it.Filename, it.Subject, strings.Join(it.Usages, ","), strings.ToLower(it.Status), it.Expiry.Format(time.RFC3339))
		}
		return nil
	}
	return fmt.Errorf("invalid output format %s", output)
}

func certificateLines(set *settings.Settings) ([]certificateLine, error) {
	place := paths{set.Text("data-dir", defaultData)}
	var files []string
	for _, pattern := range []string{place.tls("*.crt"), place.tls("etcd", "*.crt"), place.agent("*.crt")} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	lines := []certificateLine{}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		for block, rest := pem.Decode(content); block != nil; block, rest = pem.Decode(rest) {
			cert, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			lines = append(lines, certificateLineOf(filepath.Base(file), cert))
		}
	}
	return lines, nil
}

func certificateLineOf(file string, cert *x509.Certificate) certificateLine {
	left := time.Until(cert.NotAfter)
	line := certificateLine{
		Filename: file, Subject: cert.Subject.String(), Issuer: cert.Issuer.String(), Expiry: cert.NotAfter.UTC(),
		ResidualTime: fmt.Sprintf("%d days", int(left.Hours()/24)), Status: "OK",
	}
	switch {
	case left < 0:
		line.Status = "EXPIRED"
	case left < 120*24*time.Hour:
		line.Status = "WARNING"
	}
	if cert.IsCA {
		line.Usages = append(line.Usages, "CertSign")
	}
	if slices.Contains(cert.ExtKeyUsage, x509.ExtKeyUsageClientAuth) {
		line.Usages = append(line.Usages, "ClientAuth")
	}
	if slices.Contains(cert.ExtKeyUsage, x509.ExtKeyUsageServerAuth) {
		line.Usages = append(line.Usages, "ServerAuth")
	}
	return line
}
