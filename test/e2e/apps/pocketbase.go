package apps

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/process"
)

// StartPocketBase runs PocketBase with Alice and Bob as superusers, by their e-mail addresses. Ready within two
// seconds, once it has been built.
func StartPocketBase(t testing.TB) *App {
	t.Helper()
	script, err := filepath.Abs("../../../scripts/go-app")
	if err != nil {
		t.Fatal(err)
	}
	output, err := exec.CommandContext(t.Context(), script, "pocketbase").Output()
	if err != nil {
		t.Fatalf("pocketbase: %v", err)
	}
	built := strings.TrimSpace(string(output))
	app := &App{Name: "pocketbase", Folder: t.TempDir(), Version: "PocketBase " + strings.TrimPrefix(filepath.Base(filepath.Dir(built)), "pocketbase-")}
	for _, account := range everybody {
		app.run(t, nil, built, "superuser", "upsert", account.Email, account.Password, "--dir", app.Folder)
	}
	app.serve(t, "/api/health", func(address string) process.Program {
		return process.Program{Folder: app.Folder, Arguments: []string{built, "serve", "--http", address, "--dir", app.Folder}}
	})
	return app
}
