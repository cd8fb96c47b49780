package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/site"
	"sallyport.example/sallyport/test/vault"
)

// inFile keeps the sessions in a file of the test's own.
func inFile(t *testing.T) (line, file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "sessions.db")
	return "sessions file " + file, file
}

// TestSessionsFile_Restart: with `sessions file` nobody notices that the gateway was restarted, or that the power
// failed: a user who was signed in still is, one who owed a code still owes it, and one who had signed out is still
// out.
func TestSessionsFile_Restart(t *testing.T) {
	t.Parallel()
	line, _ := inFile(t)
	l := newLedger(t, demo.Knobs{}, "", site.Options{Sessions: line})
	verified, authenticator := l.verified(t, "alice", demo.AlicePassword)
	left, _ := l.verified(t, "bob", demo.BobPassword)
	dead := left.Token()
	left.SignOut()
	pending := l.challenged(t, "alice", demo.AlicePassword)
	for _, stop := range []func(){l.Stop, l.Kill} {
		stop()
		l.Run()
		verified.Get("/files").Wants(t, http.StatusOK, "")
		pending.Get("/files").Wants(t, http.StatusSeeOther, "/second-factor/challenge")
		again := l.Client(t)
		again.SetCookie("sallyport", dead)
		again.Get("/files").Wants(t, http.StatusSeeOther, "/login")
	}
	pending.Pass(authenticator).Wants(t, http.StatusSeeOther, "/")
	pending.Get("/files").Wants(t, http.StatusOK, "")
	if err := l.Reload(); err != nil {
		t.Fatal(err)
	}
	pending.Get("/files").Wants(t, http.StatusOK, "")
}

// TestP9_SessionsFileIsSealed: the attacker has a copy of the file. It contains no readable name, token or held cookie,
// and another gateway, with other secrets, cannot use it.
func TestP9_SessionsFileIsSealed(t *testing.T) {
	t.Parallel()
	line, file := inFile(t)
	l := newLedger(t, demo.Knobs{}, "", site.Options{Sessions: line})
	c, _ := l.verified(t, "alice", demo.AlicePassword)
	c.Get("/files").Wants(t, http.StatusOK, "")
	var held string
	for _, received := range l.app.Received() {
		request := http.Request{Header: received.Header}
		if cookie, err := request.Cookie(demo.SessionCookie); err == nil {
			held = cookie.Value
		}
	}
	l.Stop()
	text, err := os.ReadFile(file)
	if err != nil || held == "" {
		t.Fatalf("%v, held %q", err, held)
	}
	for what, secret := range map[string]string{"token": c.Token(), "held cookie": held, "name": "alice", "app": "ledger"} {
		if strings.Contains(string(text), secret) {
			t.Errorf("the file has the %s", what)
		}
	}
	thief := newLedger(t, demo.Knobs{}, "", site.Options{Sessions: line})
	stolen := thief.Client(t)
	stolen.SetCookie("sallyport", c.Token())
	stolen.Get("/files").Wants(t, http.StatusSeeOther, "/login")
}

// TestVault_SessionKey: stored sessions are sealed with the key in Vault. The key is changed while people are signed
// in, and nobody is signed out, neither by the change nor by a restart after it. Without Vault a gateway that starts
// knows nobody, and says so with a 503.
func TestVault_SessionKey(t *testing.T) {
	t.Parallel()
	v := newVault(t, true, vault.Options{})
	line, _ := inFile(t)
	l := newLedger(t, demo.Knobs{}, "", site.Options{Secrets: v.line("timeout 700ms"), Sessions: line})
	before, _ := l.verified(t, "alice", demo.AlicePassword)
	run(t, true, "vault-rotate-session-key", "--config", caddyfileWith(t, v.line()))
	l.Stop()
	l.Run()
	after, _ := l.verified(t, "bob", demo.BobPassword)
	for _, c := range []*site.Client{before, after} {
		c.Get("/files").Wants(t, http.StatusOK, "")
	}
	l.Stop()
	v.Seal()
	l.Run()
	answer := before.Get("/files")
	if answer.StatusCode != http.StatusServiceUnavailable || shows(answer, "alice") {
		t.Errorf("without the key: %d", answer.StatusCode)
	}
	v.Unseal()
	v.AwaitActive()
	within(t, secondsToLog, "recovery", func() bool { return before.Get("/files").StatusCode == http.StatusOK })
}
