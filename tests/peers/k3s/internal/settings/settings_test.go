package settings

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// folder writes config.yaml and its drop-ins and gives config.yaml's path.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(root, "config.yaml")
}

func loaded(t *testing.T, files map[string]string, args ...string) *Settings {
	t.Helper()
	set, err := Load("server", append([]string{"--config", folder(t, files)}, args...), func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestTheLastFileWinsPerKeyAndPlusAppends(t *testing.T) {
	set := loaded(t, map[string]string{
		"config.yaml":           "token: one\ntls-san: [a]\nnode-label: [x=1]\n",
		"config.yaml.d/20.yaml": "token: three\nnode-label+: [y=2]\n",
		"config.yaml.d/10.yml":  "token: two\ntls-san: [b, c]\n",
		"config.yaml.d/30.conf": "token: four\n",
	})
	if got := set.Text("token", ""); got != "three" {
		t.Errorf("token is %q", got)
	}
	if got := set.List("tls-san"); !slices.Equal(got, []string{"b", "c"}) {
		t.Errorf("tls-san is %q", got)
	}
	if got := set.List("node-label"); !slices.Equal(got, []string{"x=1", "y=2"}) {
		t.Errorf("node-label is %q", got)
	}
}

func TestTheCommandLineBeatsTheFileAndReplacesItsLists(t *testing.T) {
	set := loaded(t, map[string]string{"config.yaml": "token: file\ntls-san: [a, b]\ncluster-init: true\n"}, "--token=typed", "--tls-san", "c")
	if set.Text("token", "") != "typed" || !slices.Equal(set.List("tls-san"), []string{"c"}) || !set.Flag("cluster-init") {
		t.Errorf("merged to %v", set.values)
	}
}

func TestAnUnknownKeyOfTheFileIsOnlyWarnedOf(t *testing.T) {
	set := loaded(t, map[string]string{"config.yaml": "tls-sans: [a]\ntoken: t\n"})
	want := "Unknown flag --tls-sans found in config.yaml, skipping"
	if !slices.Equal(set.Warnings, []string{want}) || set.Text("token", "") != "t" {
		t.Errorf("warnings are %q", set.Warnings)
	}
}

func TestAnUnknownFlagOfTheCommandLineIsRefused(t *testing.T) {
	_, err := Load("agent", []string{"--cluster-init"}, func(string) string { return "" })
	if err == nil || !strings.Contains(err.Error(), "flag provided but not defined: -cluster-init") {
		t.Errorf("got %v", err)
	}
}

func TestYAMLOneDotOneReadsAnUnquotedModeAsOctal(t *testing.T) {
	set := loaded(t, map[string]string{"config.yaml": "write-kubeconfig-mode: 0644\nselinux: yes\n"})
	if got := set.Text("write-kubeconfig-mode", ""); got != "420" || !set.Flag("selinux") {
		t.Errorf("mode is %q", got)
	}
}

func TestTheEnvironmentLosesToTheFile(t *testing.T) {
	file := folder(t, map[string]string{"config.yaml": "token: file\n"})
	env := map[string]string{"K3S_TOKEN": "env", "K3S_URL": "https://env", "K3S_CONFIG_FILE": file}
	set, err := Load("agent", nil, func(name string) string { return env[name] })
	if err != nil || set.Text("token", "") != "file" || set.Text("server", "") != "https://env" {
		t.Errorf("merged to %v, %v", set, err)
	}
}
