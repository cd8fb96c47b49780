package watch

import (
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/site"
)

// TestCaddyEventsRunACommand: with the example of docs/audit.md, a Caddy that has a handler for commands runs one when
// a user disables the second factor. The user's name is always a single argument, and a slow command delays nobody.
func TestCaddyEventsRunACommand(t *testing.T) {
	t.Parallel()
	binary, out := filepath.Join(t.TempDir(), "caddy"), filepath.Join(t.TempDir(), "out")
	build := exec.CommandContext(t.Context(), "go", "build", "-race", "-buildvcs=false", "-o", binary, "./test/eventsexec")
	build.Dir = inCheckout(t, ".")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	block := example(t, "docs/audit.md", "\tevents {\n\t\ton second_factor.factors_disabled exec", "\n}\n```")
	block = strings.Replace(block, "/usr/local/bin/tell-security", `/bin/sh -c "sleep 2; printf '%s|' \"$@\" >>`+out+`" sh`, 1)
	g := start(t, "", site.Options{Binary: binary, Global: block})
	c, phone, _ := g.member(t, "127.0.0.1")
	began := time.Now()
	c.Own("/disable", "/disable", url.Values{"code": {phone.Code(t)}}).Wants(t, http.StatusSeeOther, "/second-factor/")
	if waited := time.Since(began); waited > 2*time.Second {
		t.Errorf("it took %s", waited)
	}
	within(t, 20*time.Second, "the command has run", func() bool { return read(out) == "ledger|alice|127.0.0.1|" })
	c.SignOut()
	signIn(t, c, "alice", demo.AlicePassword).Wants(t, http.StatusSeeOther, "/")
}

// TestCaddyEventsInALog: with Sallyport's own binary, which has no such handler, and the example of docs/audit.md,
// Caddy writes each event to its log of events.
func TestCaddyEventsInALog(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "events.log")
	block := strings.ReplaceAll(example(t, "docs/audit.md", "\tlog caddy_events {", "\n}\n```"), "/var/log/sallyport/events.log", path)
	g := start(t, "", site.Options{Global: block})
	c, phone, _ := g.member(t, "127.0.0.1")
	c.Own("/disable", "/disable", url.Values{"code": {phone.Code(t)}})
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(read(path))
		}
	})
	within(t, 10*time.Second, "the event is in Caddy's log of events", func() bool {
		for _, l := range lines(t, read(path)) {
			data, _ := l["data"].(map[string]any)
			if l.text("name") == "second_factor.factors_disabled" && data["user"] == "alice" && data["app"] == "ledger" && data["actor"] == "user" {
				return true
			}
		}
		return false
	})
}
