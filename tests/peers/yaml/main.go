// Reads YAML as Kubernetes does: a JSON list of texts comes in, a JSON list of what each says goes out.
//
//	readers kubernetes   sigs.k8s.io/yaml, which kubectl and the API server read by
//	readers go           go-yaml v3, without Kubernetes' way by JSON
package main

import (
	"encoding/json"
	"fmt"
	"os"

	goyaml "go.yaml.in/yaml/v3"
	"sigs.k8s.io/yaml"
)

// What a text says, or why it could not be read.
type said struct {
	Value json.RawMessage `json:"value,omitempty"`
	Error string          `json:"error,omitempty"`
}

func main() {
	readers := map[string]func([]byte) ([]byte, error){"kubernetes": yaml.YAMLToJSONStrict, "go": byGo}
	if len(os.Args) != 2 || readers[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: readers kubernetes|go <texts.json")
		os.Exit(1)
	}
	if err := run(readers[os.Args[1]]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(read func([]byte) ([]byte, error)) error {
	var texts []string
	if err := json.NewDecoder(os.Stdin).Decode(&texts); err != nil {
		return err
	}
	all := make([]said, len(texts))
	for i, text := range texts {
		value, err := read([]byte(text))
		if err != nil {
			all[i].Error = err.Error()
		} else {
			all[i].Value = value
		}
	}
	return json.NewEncoder(os.Stdout).Encode(all)
}

// A map with a key that is no text cannot become JSON here: that is an error, as it should be.
func byGo(text []byte) ([]byte, error) {
	var value any
	if err := goyaml.Unmarshal(text, &value); err != nil {
		return nil, err
	}
	return json.Marshal(value)
}
