package apps

import (
	"fmt"
	"path/filepath"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"sallyport.example/sallyport/test/process"
)

// StartPrometheus runs a Prometheus that watches nothing, with passwords for Alice and Bob and its interface for
// administrators. Ready within three seconds.
func StartPrometheus(t testing.TB) *App {
	t.Helper()
	app := &App{Name: "prometheus", Folder: t.TempDir(), Version: "Prometheus " + debianVersion(t, "prometheus")}
	accounts := "basic_auth_users:\n"
	for _, account := range everybody {
		hash, err := bcrypt.GenerateFromPassword([]byte(account.Password), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		accounts += fmt.Sprintf("  %s: %s\n", account.Name, hash)
	}
	app.write(t, "web.yml", accounts)
	app.write(t, "prometheus.yml", "global:\n  external_labels: {place: harbour}\n")
	app.serveUntil(t, "/", 401, func(address string) process.Program {
		return process.Program{Folder: app.Folder, Arguments: []string{
			"prometheus", "--config.file", filepath.Join(app.Folder, "prometheus.yml"), "--web.config.file", filepath.Join(app.Folder, "web.yml"),
			"--web.listen-address", address, "--storage.tsdb.path", filepath.Join(app.Folder, "data"), "--web.enable-admin-api", "--web.enable-lifecycle",
		}}
	})
	return app
}
