package gateway

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
)

var (
	listedCodes = regexp.MustCompile(`<li><code>([^<]+)</code></li>`)
	pageTitle   = regexp.MustCompile(`<title>([^<]+)</title>`)
)

// TestAfterEnrollingByChoice: a user who sets up a second factor by choice ends on the settings page, which says so
// first, even if she came to the site for another page. Until she says that she has saved her recovery codes, the page
// says that they are not saved.
func TestAfterEnrollingByChoice(t *testing.T) {
	s := newSite(t, demo.Knobs{}, nil)
	b := s.person()
	b.get("/files").wants(t, http.StatusSeeOther, "/login")
	b.signIn("bob", demo.BobPassword)
	const unsaved = "Nobody has confirmed that these codes were saved."
	b.enrol()
	if page := b.get("/second-factor/recovery-codes"); strings.Count(page.body, "<li><code>") != 10 {
		t.Fatalf("%d %s", page.StatusCode, page.body)
	}
	page := b.get("/second-factor/")
	if got := find(t, pageTitle, page.body); got != "Two-factor authentication is enabled – Personal Settings – ledger" {
		t.Errorf("the title is %q", got)
	}
	if !strings.Contains(page.body, `role="status" tabindex="-1" autofocus>Two-factor authentication is enabled`) || !strings.Contains(page.body, unsaved) {
		t.Errorf("the page says: %s", page.body)
	}
	if page := b.get("/second-factor/"); strings.Contains(page.body, `role="status"`) || !strings.Contains(page.body, unsaved) {
		t.Errorf("the page after that says: %s", page.body)
	}
	b.own("/", "/recovery-codes/saved", url.Values{"saved": {"yes"}}).wants(t, http.StatusSeeOther, "/second-factor/")
	if page := b.get("/second-factor/"); strings.Contains(page.body, unsaved) {
		t.Error("it is still said that nobody confirmed")
	}
	b.own("/", "/recovery-codes/saved", nil).wants(t, http.StatusSeeOther, "/second-factor/")
}

// TestAfterEnrollingByForce: a user who had to set up a factor goes on, after the codes, to the page that she asked
// for.
func TestAfterEnrollingByForce(t *testing.T) {
	s := newSite(t, demo.Knobs{}, func(c *Config) { c.RequireEveryone = true })
	b := s.person()
	b.signIn("bob", demo.BobPassword).wants(t, http.StatusSeeOther, "/second-factor/setup")
	b.own("/setup", "/setup", nil)
	key := find(t, secretKey, b.get("/second-factor/setup").body)
	b.own("/setup", "/setup/confirm", url.Values{"code": {s.code(key)}}).wants(t, http.StatusSeeOther, "/second-factor/recovery-codes")
	token := find(t, ownCSRF, b.get("/second-factor/recovery-codes").body)
	b.post("/second-factor/recovery-codes/saved", url.Values{"csrf_token": {token}, "saved": {"yes"}}).wants(t, http.StatusSeeOther, "/")
}

// TestRecoveryCodeUsedIsSaidAtOnce: after a sign-in with a recovery code, a page says so, once, and leads on. Clients
// that do not come from our page are led on at once.
func TestRecoveryCodeUsedIsSaidAtOnce(t *testing.T) {
	s := newSite(t, demo.Knobs{}, nil)
	b := s.person()
	b.signIn("bob", demo.BobPassword)
	b.enrol()
	var codes []string
	for _, found := range listedCodes.FindAllStringSubmatch(b.get("/second-factor/recovery-codes").body, -1) {
		codes = append(codes, found[1])
	}
	b.own("/", "/logout", nil)
	b.signIn("bob", demo.BobPassword)
	b.own("/recovery", "/recovery", url.Values{"code": {codes[0]}, "then": {"ask"}}).wants(t, http.StatusSeeOther, "/second-factor/recovery-used")
	if got := b.get("/api/entries"); got.StatusCode != http.StatusOK {
		t.Errorf("the page is a gate: %d", got.StatusCode)
	}
	page := b.get("/second-factor/recovery-used")
	if page.StatusCode != http.StatusOK || !strings.Contains(page.body, "You used a recovery code") || !strings.Contains(page.body, "9 of 10 left") {
		t.Errorf("%d %s", page.StatusCode, page.body)
	}
	token := find(t, ownCSRF, page.body)
	b.post("/second-factor/recovery-used", url.Values{"csrf_token": {token}}).wants(t, http.StatusSeeOther, "/")
	b.get("/second-factor/recovery-used").wants(t, http.StatusSeeOther, "/second-factor/")
	if page := b.get("/second-factor/"); strings.Contains(page.body, `role="status"`) {
		t.Error("it is said a second time")
	}
	b.own("/", "/logout", nil)
	b.signIn("bob", demo.BobPassword)
	b.own("/recovery", "/recovery", url.Values{"code": {codes[1]}}).wants(t, http.StatusSeeOther, "/")
}
