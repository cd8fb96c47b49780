package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/site"
)

// onlyLooks are ways to ask for something that nobody then sees.
var onlyLooks = map[string]struct {
	method string
	header http.Header
}{
	"HEAD":            {"HEAD", nil},
	"HEAD, by script": {"HEAD", scripted},
	"prefetch":        {"GET", http.Header{"Sec-Purpose": {"prefetch"}, "Sec-Fetch-Mode": {"navigate"}}},
	"prerender":       {"GET", http.Header{"Sec-Purpose": {"prefetch;prerender"}}},
	"old prefetch":    {"GET", http.Header{"Purpose": {"prefetch"}}},
	"older prefetch":  {"GET", http.Header{"X-Moz": {"prefetch"}}},
}

// TestP2_ResumeIsForScripts: the app's withheld answer, with its token, is given once, to the script that signed in. A
// page load from a link on another page, a prefetch and a HEAD get nothing of it, and do not use it up.
func TestP2_ResumeIsForScripts(t *testing.T) {
	app := new(tokenApp)
	s := site.Start(t, site.Serve(t, app), tokenLines, site.Options{})
	c := s.Client(t)
	issuedToken(t, signInByToken(c, "alice"))
	factor, _ := c.Enrol(10)
	c.SignOut()
	signInByToken(c, "alice").Wants(t, http.StatusUnauthorized, "")
	c.PostJSON("/second-factor/challenge", `{"code":"`+factor.Code(t)+`"}`).Wants(t, http.StatusNoContent, "")

	navigations := http.Header{"Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"document"}}
	if got := c.Do("GET", "/second-factor/resume", navigations, ""); got.StatusCode != http.StatusNotFound || strings.Contains(got.Text, "tok3n") {
		t.Errorf("a page load: %d %s", got.StatusCode, got.Text)
	}
	for what, look := range onlyLooks {
		if got := c.Do(look.method, "/second-factor/resume", look.header, ""); strings.Contains(got.Text, "tok3n") || got.Header.Get("Authorization") != "" {
			t.Errorf("%s: %d %s %v", what, got.StatusCode, got.Text, got.Header)
		}
	}
	issuedToken(t, c.Do("GET", "/second-factor/resume", scripted, ""))
	c.Do("GET", "/second-factor/resume", scripted, "").Wants(t, http.StatusNotFound, "")
}

// TestP2_CodesAndNoticesAreForEyes: recovery codes and a page's message are shown once. A prefetch that nobody looks
// at, and a HEAD, do not use them up.
func TestP2_CodesAndNoticesAreForEyes(t *testing.T) {
	app := new(tokenApp)
	s := site.Start(t, site.Serve(t, app), tokenLines, site.Options{})
	c := s.Client(t)
	issuedToken(t, signInByToken(c, "alice"))
	c.Own("/", "/setup", nil)
	key := site.Find(t, site.Secret, c.Get("/second-factor/setup").Text)
	factor := site.NewAuthenticator(key, 10)
	c.Own("/setup", "/setup/confirm", url.Values{"code": {factor.Code(t)}}).Wants(t, http.StatusSeeOther, "/second-factor/recovery-codes")
	for what, look := range onlyLooks {
		if got := c.Do(look.method, "/second-factor/recovery-codes", look.header, ""); strings.Contains(got.Text, "recovery-codes\"") {
			t.Errorf("%s shows the codes: %s", what, got.Text)
		}
	}
	codes := site.RecoveryCodes(t, c.Get("/second-factor/recovery-codes").Text)
	if len(codes) == 0 {
		t.Fatal("no codes")
	}

	c.SignOut()
	signInByToken(c, "alice")
	c.Own("/recovery", "/recovery", url.Values{"code": {codes[0]}})
	const notice = `role="status"`
	for what, look := range onlyLooks {
		if got := c.Do(look.method, "/second-factor/", look.header, ""); strings.Contains(got.Text, notice) {
			t.Errorf("%s takes the notice", what)
		}
	}
	if got := c.Get("/second-factor/"); !strings.Contains(got.Text, notice) {
		t.Errorf("the notice is gone: %s", got.Text)
	}
	if got := c.Get("/second-factor/"); strings.Contains(got.Text, notice) {
		t.Error("the notice is shown twice")
	}
}
