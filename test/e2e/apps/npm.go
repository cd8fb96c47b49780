package apps

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// npmApp returns the folder and the version of an app that npm has installed (scripts/npm-app).
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
		t.Fatalf("%s has no version: %v", name, err)
	}
	return folder, about.Version
}

// node returns a command line that runs one of a package's programs.
func node(folder, command string, arguments ...string) []string {
	return append([]string{"node", filepath.Join(folder, "node_modules", ".bin", command)}, arguments...)
}
