package e2e

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/site"
)

// TestP6_ReloadKeepsEverything: an operator reloads the configuration while people work and while a user is at the
// challenge. Nobody is signed out, no challenge is lost, and the file with the seeds, which only one process may open,
// stays open.
func TestP6_ReloadKeepsEverything(t *testing.T) {
	t.Parallel()
	l := newLedger(t, demo.Knobs{}, "", site.Options{})
	working, _ := l.verified(t, "bob", demo.BobPassword)
	waiting, authenticator := l.pending(t, "alice", demo.AlicePassword)

	l.Write(strings.Replace(l.Caddyfile(), "pass    theme", "pass    theme\n\t\tidle 2h", 1))
	if err := l.Reload(); err != nil {
		t.Fatal(err)
	}
	working.Get("/files").Wants(t, http.StatusOK, "")
	waiting.Get("/files").Wants(t, http.StatusSeeOther, "/second-factor/challenge")
	waiting.Pass(authenticator).Wants(t, http.StatusSeeOther, "/")
}

// TestP6_RejectedReloadChangesNothing: a reload that fails half-way must not close the running configuration's stores.
// Caddy calls Cleanup after a failed Provision too.
func TestP6_RejectedReloadChangesNothing(t *testing.T) {
	t.Parallel()
	l := newLedger(t, demo.Knobs{}, "", site.Options{})
	working, _ := l.verified(t, "bob", demo.BobPassword)
	waiting, authenticator := l.pending(t, "alice", demo.AlicePassword)
	good := l.Caddyfile()

	damaged := filepath.Join(l.Folder, "damaged.db")
	if err := os.WriteFile(damaged, []byte("this is no database"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]string{
		"a word that is none":    strings.Replace(good, "pass    theme", "pass    theme\n\t\tbanana", 1),
		"a setting that is none": strings.Replace(good, "pass    theme", "pass    theme\n\t\tlogin_page //evil", 1),
		"a damaged secrets file": strings.Replace(good, filepath.Join(l.Folder, "secrets.db"), damaged, 1),
	} {
		if bad == good {
			t.Fatalf("%s: nothing was changed", name)
		}
		for range 3 {
			l.Write(bad)
			if err := l.Reload(); err == nil {
				t.Fatalf("%s was accepted", name)
			}
			working.Get("/files").Wants(t, http.StatusOK, "")
			waiting.Get("/files").Wants(t, http.StatusSeeOther, "/second-factor/challenge")
		}
	}
	waiting.Pass(authenticator).Wants(t, http.StatusSeeOther, "/")
}

// TestP6_WrongKeyIsAnErrorAtStart: with another key, or a damaged file, no record can be read. That must never count as
// if no record existed: the server does not start, and says why.
func TestP6_WrongKeyIsAnErrorAtStart(t *testing.T) {
	t.Parallel()
	l := newLedger(t, demo.Knobs{}, "", site.Options{})
	l.verified(t, "alice", demo.AlicePassword)
	l.Stop()
	secrets := filepath.Join(l.Folder, "secrets.db")
	key, err := os.ReadFile(secrets + ".key")
	if err != nil {
		t.Fatal(err)
	}
	start := func() string {
		output, err := exec.CommandContext(t.Context(), site.Binary(t), "run", "--config", filepath.Join(l.Folder, "Caddyfile")).CombinedOutput()
		if err == nil {
			t.Fatal("the server ran and ended without an error")
		}
		return string(output)
	}
	swapped := []byte(strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '8', r >= 'a' && r <= 'e':
			return r + 1
		}
		return r
	}, string(key)))
	if err := os.WriteFile(secrets+".key", swapped, 0o600); err != nil {
		t.Fatal(err)
	}
	if output := start(); !strings.Contains(output, "secrets: ") || !strings.Contains(output, "key") {
		t.Errorf("the error does not name the key: %s", output)
	}
	if err := os.Remove(secrets + ".key"); err != nil {
		t.Fatal(err)
	}
	if output := start(); !strings.Contains(output, "secrets: ") || !strings.Contains(output, ".key") {
		t.Errorf("the error does not name the missing key file: %s", output)
	}
	if err := os.WriteFile(secrets+".key", key, 0o600); err != nil {
		t.Fatal(err)
	}
	l.Run()
	c := l.Client(t)
	signIn(t, c, "alice", demo.AlicePassword).Wants(t, http.StatusSeeOther, "/second-factor/challenge")
}
