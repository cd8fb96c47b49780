package apps

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/test/process"
)

// python is Debian's own Python, because python3-django is installed for no other.
const python = "/usr/bin/python3"

// setUpTimeout limits each of the commands that prepare an app.
const setUpTimeout = 5 * time.Minute

// StartDjango runs the admin site of a fresh Django project: /admin/, with Alice and Bob as superusers, in SQLite. The
// project is what `django-admin startproject` writes; only the settings that every real site has to change are changed
// (no debug pages, the allowed hosts). Ready after about six seconds.
func StartDjango(t testing.TB) *App {
	t.Helper()
	app := &App{Name: "django", Folder: t.TempDir(), Version: "Django " + strings.TrimPrefix(debianVersion(t, "python3-django"), "3:")}

	app.run(t, nil, python, "-m", "django", "startproject", "backoffice", ".")
	// A settings module that imports the generated one, so that the generated one stays as it is.
	app.write(t, "backoffice/production.py", `from .settings import *

DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost", ".localhost"]
`)
	app.run(t, djangoEnvironment, python, "manage.py", "migrate", "--verbosity", "0")
	for _, account := range everybody {
		environment := append([]string{"DJANGO_SUPERUSER_PASSWORD=" + account.Password}, djangoEnvironment...)
		app.run(t, environment, python, "manage.py", "createsuperuser", "--noinput",
			"--username", account.Name, "--email", account.Email)
	}

	app.serve(t, "/admin/login/", func(address string) process.Program {
		return process.Program{
			Folder: app.Folder,
			// --insecure: the server hands out the admin's style sheets although debugging is off.
			Arguments:   []string{python, "-u", "manage.py", "runserver", "--noreload", "--insecure", address},
			Environment: djangoEnvironment,
		}
	})
	return app
}

var djangoEnvironment = []string{"DJANGO_SETTINGS_MODULE=backoffice.production", "PYTHONDONTWRITEBYTECODE=1"}

// run runs a command in the app's folder to its end, and fails the test if the command fails.
func (a *App) run(t testing.TB, environment []string, arguments ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), setUpTimeout)
	defer cancel()
	command := exec.CommandContext(ctx, arguments[0], arguments[1:]...)
	command.Dir = a.Folder
	command.Env = append(os.Environ(), environment...)
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %s: %v (scripts/install-test-packages installs what the tests need)\n%s",
			a.Name, strings.Join(arguments, " "), err, output)
	}
}
