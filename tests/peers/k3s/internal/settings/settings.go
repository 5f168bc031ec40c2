// Package settings merges what K3s reads before it starts: configuration file, drop-ins, environment, command line.
package settings

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

const defaultFile = "/etc/rancher/k3s/config.yaml"

// Settings are the values of all keys, merged.
type Settings struct {
	values map[string][]string
	// Warnings tell of keys that were skipped.
	Warnings []string
}

// Load merges for `command` (server or agent): environment, then files, then arguments; the later wins.
func Load(command string, args []string, env func(string) string) (*Settings, error) {
	typed, err := parse(command, args)
	if err != nil {
		return nil, err
	}
	merged := &Settings{values: map[string][]string{}}
	for name, key := range environment {
		if value := env(name); value != "" {
			merged.take(command, key, []string{value})
		}
	}
	file, given := defaultFile, false
	for _, values := range []map[string][]string{merged.values, typed} {
		if value := values["config"]; len(value) > 0 {
			file, given = value[len(value)-1], true
		}
	}
	entries, err := readFiles(file, given)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		if !merged.take(command, entry.key, entry.values) {
			merged.Warnings = append(merged.Warnings,
				fmt.Sprintf("Unknown flag --%s found in config.yaml, skipping", entry.key))
		}
	}
	for key, values := range typed {
		merged.values[key] = values
	}
	return merged, nil
}

// take replaces a key's values; false for a key that K3s does not know.
func (s *Settings) take(command, key string, values []string) bool {
	if _, known := kindOf(command, key); !known {
		return false
	}
	s.values[key] = values
	return true
}

// parse reads a command line. Unlike in the file, an unknown key is an error there.
func parse(command string, args []string) (map[string][]string, error) {
	typed := map[string][]string{}
	for i := 0; i < len(args); i++ {
		key, value, has := strings.Cut(strings.TrimLeft(args[i], "-"), "=")
		if !strings.HasPrefix(args[i], "-") || key == "" {
			return nil, fmt.Errorf("unexpected argument %q", args[i])
		}
		if long, ok := short[key]; ok {
			key = long
		}
		kind, known := kindOf(command, key)
		switch {
		case !known:
			return nil, fmt.Errorf("flag provided but not defined: -%s", key)
		case has:
		case kind == flag:
			value = "true"
		case i+1 == len(args):
			return nil, fmt.Errorf("flag needs an argument: -%s", key)
		default:
			i++
			value = args[i]
		}
		typed[key] = append(typed[key], value)
	}
	return typed, nil
}

// List gives all values of a key; values joined by commas are split.
func (s *Settings) List(key string) []string {
	var all []string
	for _, value := range s.values[key] {
		for part := range strings.SplitSeq(value, ",") {
			if part = strings.TrimSpace(part); part != "" {
				all = append(all, part)
			}
		}
	}
	return all
}

// Args gives the values of a key whose values may contain commas, as kube-apiserver-arg.
func (s *Settings) Args(key string) []string { return s.values[key] }

// Text gives the last value of a key, or `fallback`.
func (s *Settings) Text(key, fallback string) string {
	if values := s.values[key]; len(values) > 0 && values[len(values)-1] != "" {
		return values[len(values)-1]
	}
	return fallback
}

// Flag gives a key's truth; false when it is not set.
func (s *Settings) Flag(key string) bool {
	truth, err := strconv.ParseBool(s.Text(key, "false"))
	return err == nil && truth
}

// Secret gives `key`, else the content of the file that `key-file` names.
func (s *Settings) Secret(key string) (string, error) {
	if value := s.Text(key, ""); value != "" {
		return value, nil
	}
	file := s.Text(key+"-file", "")
	if file == "" {
		return "", nil
	}
	content, err := os.ReadFile(file)
	return strings.TrimSpace(string(content)), err
}

// Set overrides a key, for what a server tells its own agent.
func (s *Settings) Set(key string, values ...string) { s.values[key] = values }
