package gateway

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/factor"
)

// TestP6_NothingBehindADialog: the secrets store fails while an enrolled user looks at the QR code of a new token, or
// mistypes its code. The page is then shown alone. It must not show behind itself a settings page that says that
// two-factor authentication is off.
func TestP6_NothingBehindADialog(t *testing.T) {
	f := newFrail(t, nil)
	b, key, _ := f.enrolledBrowser()
	b.own("/reset", "/reset", url.Values{"code": {f.code(key)}}).wants(t, http.StatusSeeOther, "/second-factor/setup")
	if page := b.get("/second-factor/setup"); !strings.Contains(page.body, `id="behind"`) || !strings.Contains(page.body, "authentication is on") {
		t.Fatalf("no settings page behind the dialog: %s", page.body)
	}
	f.secrets.strike(func(context.Context) error { return errors.New("out of order") }, "get")
	page := b.get("/second-factor/setup")
	if page.StatusCode != http.StatusOK || !strings.Contains(page.body, `id="secret"`) || strings.Contains(page.body, `id="behind"`) {
		t.Errorf("while the store fails: %d\n%s", page.StatusCode, page.body)
	}
}

// TestBehind: a confirmation and the set-up come with the settings page, which is drawn behind them. A user who has to
// set up a factor first gets no settings page.
func TestBehind(t *testing.T) {
	s := newSite(t, demo.Knobs{}, nil)
	b := s.browser()
	b.signIn("alice", demo.AlicePassword)
	b.own("/", "/setup", nil)
	if page := b.get("/second-factor/setup").body; !strings.Contains(page, `data-opener="open-setup"`) || !strings.Contains(page, "authentication is off") {
		t.Error("nothing is behind the set-up")
	}
	key := find(t, secretKey, b.get("/second-factor/setup").body)
	b.own("/setup", "/setup/confirm", url.Values{"code": {s.code(key)}})
	b.get("/second-factor/recovery-codes")
	for path, opener := range map[string]string{"/reset": "open-reset", "/disable": "open-disable", "/recovery-codes": "open-codes"} {
		for name, page := range map[string]answer{
			"page": b.get("/second-factor" + path), "wrong code": b.own(path, path, url.Values{"code": {"000000"}}),
		} {
			if !strings.Contains(page.body, `data-opener="`+opener+`"`) || !strings.Contains(page.body, "authentication is on") {
				t.Errorf("%s, %s: nothing is behind it", path, name)
			}
		}
	}

	forced := newSite(t, demo.Knobs{}, func(c *Config) { c.RequireEveryone = true })
	b = forced.browser()
	b.signIn("alice", demo.AlicePassword)
	b.own("/setup", "/setup", nil)
	if page := b.get("/second-factor/setup").body; strings.Contains(page, `id="behind"`) {
		t.Error("somebody without a factor gets the settings page")
	}
}

// TestWaitIsTold: a user who comes back to a page that asks for a code, while no code is judged, is told so and for how
// long, before she types one in vain.
func TestWaitIsTold(t *testing.T) {
	s := newSite(t, demo.Knobs{}, nil)
	b := s.browser()
	b.signIn("alice", demo.AlicePassword)
	b.enrol()
	wrong := url.Values{"code": {"000000"}}
	for range factor.DefaultThrottle().Free + 1 {
		b.own("/reset", "/reset", wrong)
	}
	if page := b.get("/second-factor/reset"); page.StatusCode != http.StatusOK || !strings.Contains(page.body, "Try again in 30 seconds.") {
		t.Errorf("the confirmation: %d\n%s", page.StatusCode, page.body)
	}
	b.own("/", "/logout", nil)
	b.signIn("alice", demo.AlicePassword)
	page := b.get("/second-factor/challenge")
	if page.StatusCode != http.StatusOK || !strings.Contains(page.body, "Try again in 30 seconds.") || !strings.Contains(page.body, `data-seconds="30"`) {
		t.Errorf("the challenge: %d\n%s", page.StatusCode, page.body)
	}
}

// TestWayOn: an error page at one of our own addresses has a link by which this user can go on.
func TestWayOn(t *testing.T) {
	f := newFrail(t, nil)
	check := func(who string, page answer, status int, href, label string) {
		t.Helper()
		if page.StatusCode != status || !strings.Contains(page.body, `href="`+href+`">`+label+"<") {
			t.Errorf("%s: %d, want %d with a link to %s %q\n%s", who, page.StatusCode, status, href, label, page.body[strings.Index(page.body, "<main>"):])
		}
	}
	check("stranger", f.browser().get("/second-factor/nowhere"), 404, "/login", "Sign in")
	b, _, _ := f.enrolledBrowser()
	check("verified", b.get("/second-factor/nowhere"), 404, "/second-factor/", "Back to the settings")
	check("old form", b.post("/second-factor/setup", url.Values{"csrf_token": {"old"}}), 403, "/second-factor/", "Back to the settings")
	b.own("/", "/logout", nil)
	b.signIn("alice", demo.AlicePassword)
	check("pending", b.get("/second-factor/nowhere"), 404, "/second-factor/challenge", "Continue")
	f.secrets.strike(func(context.Context) error { return errors.New("out of order") })
	check("store away", b.get("/second-factor/challenge"), 503, "/second-factor/challenge", "Try again")
}
