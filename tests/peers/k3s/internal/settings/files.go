package settings

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v2"
)

// entry is one key of the merged files.
type entry struct {
	key    string
	values []string
}

// readFiles merges a configuration file with its drop-ins: the last file wins per key, `key+` appends.
// Source: k3s:pkg/configfilearg/parser.go
func readFiles(file string, given bool) ([]entry, error) {
	var files []string
	if _, err := os.Stat(file); err == nil {
		files = append(files, file)
	}
	for _, pattern := range []string{"*.yaml", "*.yml"} {
		found, err := filepath.Glob(filepath.Join(file+".d", pattern))
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	if len(files) == 0 && given {
		return nil, fmt.Errorf("open %s: no such file or directory", file)
	}
	if len(files) > 0 {
		slices.SortFunc(files, func(a, b string) int {
			if a == file || b == file { // the main file comes first, then by name
				return map[bool]int{true: -1, false: 1}[a == file]
			}
			return strings.Compare(a, b)
		})
	}
	var entries []entry
	for _, name := range files {
		if err := readFile(name, &entries); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return entries, nil
}

func readFile(name string, entries *[]entry) error {
	content, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	var document yaml.MapSlice
	if err := yaml.Unmarshal(content, &document); err != nil {
		return err
	}
	for _, item := range document {
		key, appends := strings.CutSuffix(strings.TrimLeft(fmt.Sprint(item.Key), "-"), "+")
		values := texts(item.Value)
		at := slices.IndexFunc(*entries, func(it entry) bool { return it.key == key })
		switch {
		case at < 0:
			*entries = append(*entries, entry{key, values})
		case appends:
			(*entries)[at].values = append((*entries)[at].values, values...)
		default:
			(*entries)[at].values = values
		}
	}
	return nil
}

func texts(value any) []string {
	items, ok := value.([]any)
	if !ok {
		return []string{fmt.Sprint(value)}
	}
	all := make([]string, len(items))
	for i, item := range items {
		all[i] = fmt.Sprint(item)
	}
	return all
}
