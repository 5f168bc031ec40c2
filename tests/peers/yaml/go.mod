// What reads YAML in Kubernetes and its tools: the API server's and kubectl's own library, and go-yaml v3.
module knarr.dev/peers/yaml

go 1.26.0

require (
	go.yaml.in/yaml/v3 v3.0.4
	sigs.k8s.io/yaml v1.6.0
)

require go.yaml.in/yaml/v2 v2.4.4 // indirect
