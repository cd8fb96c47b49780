package gateway

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
)

// TestWalk does the main job from one end to the other: sign in, set up, sign out, sign in with the code and with a
// recovery code, reset, disable.
func TestWalk(t *testing.T) {
	s := newSite(t, demo.Knobs{}, nil)
	b := s.browser()
	b.get("/files").wants(t, http.StatusSeeOther, "/login")
	b.signIn("alice", demo.AlicePassword).wants(t, http.StatusSeeOther, "/files")
	if page := b.get("/"); page.StatusCode != http.StatusOK || !strings.Contains(page.body, "alice") {
		t.Fatalf("not signed in: %d", page.StatusCode)
	}
	key := b.enrol()
	codes := b.get("/second-factor/recovery-codes")
	if !strings.Contains(codes.body, "Two-factor authentication is enabled") || !strings.Contains(codes.body, `id="recovery-codes"`) {
		t.Fatalf("no recovery codes: %s", codes.body)
	}
	if again := b.get("/second-factor/recovery-codes"); strings.Contains(again.body, `id="recovery-codes"`) {
		t.Error("recovery codes are shown twice")
	}
	b.own("/", "/logout", nil).wants(t, http.StatusSeeOther, "/login")

	b.get("/files").wants(t, http.StatusSeeOther, "/login")
	b.signIn(" ALICE ", demo.AlicePassword).wants(t, http.StatusSeeOther, "/second-factor/challenge")
	b.get("/files").wants(t, http.StatusSeeOther, "/second-factor/challenge")
	if wrong := b.own("/challenge", "/challenge", url.Values{"code": {"000000"}}); wrong.StatusCode != http.StatusUnprocessableEntity ||
		!strings.Contains(wrong.body, `role="alert"`) {
		t.Fatalf("wrong code: %d", wrong.StatusCode)
	}
	b.own("/challenge", "/challenge", url.Values{"code": {s.code(key)}}).wants(t, http.StatusSeeOther, "/files")
	if page := b.get("/"); page.StatusCode != http.StatusOK {
		t.Fatalf("not verified: %d", page.StatusCode)
	}
	b.own("/", "/logout", nil)

	recovery := strings.Split(strings.Split(codes.body, `id="recovery-codes"`)[1], "<code>")[1]
	recovery, _, _ = strings.Cut(recovery, "<")
	b.signIn("alice@example.com", demo.AlicePassword).wants(t, http.StatusSeeOther, "/second-factor/challenge")
	b.own("/recovery", "/recovery", url.Values{"code": {recovery}}).wants(t, http.StatusSeeOther, "/")

	s.clock.Advance(time.Minute)
	b.own("/reset", "/reset", url.Values{"code": {s.code(key)}}).wants(t, http.StatusSeeOther, "/second-factor/setup")
	newKey := find(t, secretKey, b.get("/second-factor/setup").body)
	b.own("/setup", "/setup/confirm", url.Values{"code": {s.code(newKey)}}).wants(t, http.StatusSeeOther, "/second-factor/")
	s.clock.Advance(time.Minute)
	b.own("/disable", "/disable", url.Values{"code": {s.code(newKey)}}).wants(t, http.StatusSeeOther, "/second-factor/")
	b.own("/", "/logout", nil)
	b.signIn("alice", demo.AlicePassword).wants(t, http.StatusSeeOther, "/")
}
