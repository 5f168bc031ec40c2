package pods

import (
	"strings"

	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// images lists what is known: a part of the image's name, its entry point, and whether this stands before arguments
// that look like a program of their own.
var images = []struct {
	part       string
	entrypoint []string
	onlyFlags  bool
}{
	{"argoproj/argocd", nil, false},
	{"sealed-secrets-controller", []string{"controller"}, false},
	{"sealed-secrets/controller", []string{"controller"}, false},
	{"/redis", []string{"redis-server"}, true},
	{"redis:", []string{"redis-server"}, true},
}

// program gives what a container of a known image runs, nil for any other.
func program(config *cri.ContainerConfig) []string {
	name := config.Image.UserSpecifiedImage
	if name == "" {
		name = config.Image.Image
	}
	for _, known := range images {
		if !strings.Contains(name, known.part) {
			continue
		}
		if len(config.Command) > 0 {
			return append(append([]string{}, config.Command...), config.Args...)
		}
		if known.onlyFlags && len(config.Args) > 0 && !strings.HasPrefix(config.Args[0], "-") {
			return config.Args
		}
		return append(append([]string{}, known.entrypoint...), config.Args...)
	}
	return nil
}

// links are the names under which an image has its programs, by the file in the folder of programs.
var links = map[string][]string{
	"argocd": {
		"argocd", "argocd-application-controller", "argocd-repo-server", "argocd-applicationset-controller",
		"argocd-server", "argocd-cmp-server", "argocd-git-ask-pass", "argocd-k8s-auth", "argocd-notifications", "argocd-dex",
	},
	"controller":   {"controller"},
	"redis-server": {"redis-server"},
	"helm":         {"helm"},
	"kustomize":    {"kustomize"},
}
