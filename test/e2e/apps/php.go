package apps

import (
	"os/exec"
	"testing"

	"sallyport.example/sallyport/test/process"
)

// servePHP serves the app's folder, or the folder root in it, with PHP's own web server and two workers. router is a
// script that handles each request first; empty: none.
func (a *App) servePHP(t testing.TB, readyPath, root, router string, environment ...string) {
	t.Helper()
	php := phpCommand(t, a.Name)
	a.serve(t, readyPath, func(address string) process.Program {
		arguments := []string{php, "-d", "session.save_path=" + a.Folder, "-S", address, "-t", root}
		if router != "" {
			arguments = append(arguments, router)
		}
		return process.Program{Folder: a.Folder, Arguments: arguments, Environment: append(environment, "PHP_CLI_SERVER_WORKERS=2")}
	})
}

func phpCommand(t testing.TB, name string) string {
	t.Helper()
	php, err := exec.LookPath("php")
	if err != nil {
		t.Fatalf("%s: %v (scripts/install-test-packages installs what the tests need)", name, err)
	}
	return php
}
