package custody

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/site"
)

// house is an office behind a gateway.
type house struct {
	*office
	*site.Site
	// app is the office itself, reached past the gateway.
	app *site.Site
}

// The lines that most sites have.
const (
	common = `app office
		totp {
			skew 10
		}
		public /static/*?*
`
	form  = "\t\tlogin /login {\n\t\t\tusername form username\n\t\t}\n"
	asks  = "\t\tidentity /me json /name\n"
	typed = "\t\tlogin /login {\n\t\t\tusername form username\n\t\t\tfields password\n\t\t\tsuccess cookie " + sid + "\n\t\t}\n\t\tidentity typed\n"
)

// open starts an office behind a gateway.
func open(t *testing.T, block string, options site.Options, rooms func(v *visit) bool, binds ...string) *house {
	t.Helper()
	o := &office{rooms: rooms, binds: binds}
	upstream := site.Serve(t, o)
	return &house{office: o, Site: site.Start(t, upstream, block, options), app: &site.Site{Address: upstream, URL: "http://" + upstream}}
}

// logIn sends a name and its right password by the form.
func logIn(c *site.Client, name string) site.Answer {
	return c.Post("/login", url.Values{"username": {name}, "password": {passwords[name]}})
}

// enrol gives an account a factor in the honest way, and then goes that way once: password, challenge, the account's
// page.
func (h *house) enrol(t *testing.T, name string) *site.Authenticator {
	t.Helper()
	c := h.Client(t)
	c.Get("/login").Wants(t, http.StatusOK, "")
	logIn(c, name)
	wantsState(t, c, "verified", name)
	factor, _ := c.Enrol(10)
	c.SignOut()
	c.Get("/login").Wants(t, http.StatusOK, "")
	if got := logIn(c, name); !asksFactor(got) || strings.Contains(got.Text, secretOf(name)) {
		t.Fatalf("the honest login of %s: %d to %q", name, got.StatusCode, got.Location())
	}
	wantsState(t, c, "pending", name)
	c.Pass(factor).Wants(t, http.StatusSeeOther, "")
	if got := c.Get("/account").Wants(t, http.StatusOK, ""); !strings.Contains(got.Text, secretOf(name)) {
		t.Fatalf("the honest page of %s: %s", name, got.Text)
	}
	c.SignOut()
	h.taken()
	return factor
}

// signedIn makes a browser of a user without a factor, or of one who passes the factor, and checks the page that it
// shows.
func (h *house) signedIn(t *testing.T, name string, factor *site.Authenticator) *site.Client {
	t.Helper()
	c := h.Client(t)
	c.Get("/login")
	logIn(c, name)
	if factor != nil {
		c.Pass(factor).Wants(t, http.StatusSeeOther, "")
	}
	wantsState(t, c, "verified", name)
	if got := c.Get("/account"); !strings.Contains(got.Text, secretOf(name)) {
		t.Fatalf("the page of %s: %d %s", name, got.StatusCode, got.Text)
	}
	h.taken()
	return c
}

func asksFactor(a site.Answer) bool {
	return a.StatusCode == http.StatusSeeOther && a.Location() == "/second-factor/challenge" ||
		a.StatusCode == http.StatusUnauthorized && strings.Contains(a.Text, "second-factor-required")
}

// wantsState fails the test unless the gateway says this of the client's session.
func wantsState(t *testing.T, c *site.Client, state, user string) {
	t.Helper()
	if gotState, gotUser := stateOf(t, c); gotState != state || gotUser != user {
		t.Fatalf("the session is %s of %q, want %s of %q", gotState, gotUser, state, user)
	}
}

func stateOf(t *testing.T, c *site.Client) (state, user string) {
	t.Helper()
	var status struct{ State, User string }
	if text := c.Status(); json.Unmarshal([]byte(text), &status) != nil {
		t.Fatalf("no status: %s", text)
	}
	return status.State, status.User
}

// direct makes a browser at the app itself.
func (h *house) direct(t *testing.T) *site.Client { return h.app.Client(t) }

// control fails the test unless, after the attack, a browser at the app itself reads alice's page.
func (h *house) control(t *testing.T, what string, c *site.Client) {
	t.Helper()
	for _, path := range []string{"/account", "/admin/", "/api/account"} {
		if got := c.Get(path); strings.Contains(got.Text, secretOf("alice")) {
			h.taken()
			return
		}
	}
	t.Fatalf("%s: the app itself does not sign alice in: the test shows nothing", what)
}

// wantsNothingIn fails the test if an answer shows what is alice's, or hands out a session of the office's.
func wantsNothingIn(t *testing.T, what string, got site.Answer) {
	t.Helper()
	if strings.Contains(got.Text, secretOf("alice")) {
		t.Errorf("%s: alice's secret is shown: %d %.300s", what, got.StatusCode, got.Text)
	}
	for _, cookie := range got.Cookies() {
		if cookie.Name == sid && cookie.Value != "" {
			t.Errorf("%s: the office's session came out", what)
		}
	}
}

// around are the pages that an attacker tries with what she has.
var around = []string{"/account", "/", "/static/x", "/login", "/admin/", "/admin/login", "/api/account", "/api/login", "/static/../account", "/me/x"}

// wantsNothing makes a browser try every page in every way: the app may take none of these requests for alice's, and no
// answer shows what is hers. The gateway's own questions do not count. The session may be pending as alice: then the
// attacker has the password, and no more.
func (h *house) wantsNothing(t *testing.T, what string, c *site.Client) {
	t.Helper()
	if state, user := stateOf(t, c); state == "verified" && user == "alice" {
		t.Errorf("%s: the session is verified as alice", what)
	}
	h.wantsNoneTaken(t, what)
	for _, path := range around {
		wantsNothingIn(t, what+": GET "+path, c.Get(path))
		wantsNothingIn(t, what+": HEAD "+path, c.Do("HEAD", path, nil, ""))
		wantsNothingIn(t, what+": by script "+path, c.Do("GET", path, http.Header{"Accept": {"*/*"}, "Sec-Fetch-Mode": {"cors"}}, ""))
	}
	for _, path := range []string{"/account", "/static/x", "/api/account"} {
		wantsNothingIn(t, what+": POST "+path, c.Post(path, url.Values{"say": {"x"}}))
	}
	wantsNothingIn(t, what+": resume", c.Get("/second-factor/resume"))
	h.wantsNoneTaken(t, what)
}

// wantsNoneTaken fails the test if the office took one of the requests since the last look for alice's when it came.
func (h *house) wantsNoneTaken(t *testing.T, what string) {
	t.Helper()
	for _, entry := range h.taken() {
		if !entry.question() && slices.Contains(entry.before, "alice") {
			t.Errorf("%s: %s %s was taken for alice's", what, entry.method, entry.uri)
		}
	}
}

// stillHonest shows at the end that the owner gets in with her factor, whatever was tried.
func (h *house) stillHonest(t *testing.T, factor *site.Authenticator) {
	t.Helper()
	h.signedIn(t, "alice", factor)
}

// formHeader returns the headers of a form, and further ones of a test's own.
func formHeader(more ...string) http.Header {
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	for i := 0; i+1 < len(more); i += 2 {
		header.Set(more[i], more[i+1])
	}
	return header
}

// credentials returns the body of a form with the account's password.
func credentials(name string) string {
	return url.Values{"username": {name}, "password": {passwords[name]}}.Encode()
}

// padded returns a text of the given length.
func padded(length int) string { return string(bytes.Repeat([]byte{'x'}, length)) }

func writeFile(name, text string) error { return os.WriteFile(name, []byte(text), 0o600) }
