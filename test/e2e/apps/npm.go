package apps

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// npmApp is the folder of an app that npm has installed (scripts/npm-app), and its version.
func npmApp(t testing.TB, name string) (folder, version string) {
	t.Helper()
	script, err := filepath.Abs("../../../scripts/npm-app")
	if err != nil {
		t.Fatal(err)
	}
	output, err := exec.CommandContext(t.Context(), script, name).Output()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	folder = strings.TrimSpace(string(output))
	var about struct{ Version string }
	content, err := os.ReadFile(filepath.Join(folder, "node_modules", name, "package.json"))
	if err != nil || json.Unmarshal(content, &about) != nil || about.Version == "" {
		t.Fatalf("%s says no version: %v", name, err)
	}
	return folder, about.Version
}

// node is a command line that runs one of the programs that a package brings.
func node(folder, command string, arguments ...string) []string {
	return append([]string{"node", filepath.Join(folder, "node_modules", ".bin", command)}, arguments...)
}
