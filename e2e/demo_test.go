package e2e

import (
	"context"
	"os"
	"os/exec"
	"testing"

	"sallyport/e2e/site"
)

// validate has the command check a Caddyfile.
func validate(t testing.TB, file string) {
	t.Helper()
	command := exec.CommandContext(context.Background(), site.Binary(t), "validate", "--config", file)
	folder := t.TempDir()
	command.Env = append(os.Environ(), "HOME="+folder, "XDG_DATA_HOME="+folder, "XDG_CONFIG_HOME="+folder)
	if output, err := command.CombinedOutput(); err != nil {
		t.Errorf("%s is not accepted: %v\n%s", file, err, output)
	}
}

// TestDemoCaddyfile: the Caddyfile that an operator starts from is accepted as it stands.
func TestDemoCaddyfile(t *testing.T) {
	t.Parallel()
	validate(t, "../Caddyfile")
}
