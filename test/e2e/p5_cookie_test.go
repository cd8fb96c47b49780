package e2e

import (
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/site"
)

// TestP5_ScriptCookieAfterTheSessionEnded: scripts may read the app's session cookie, so strangers have it in the
// browser, and a login raises it in place. mallory somehow has one that is alice's (a login through the gateway makes
// none, because it goes out without it). In another session he signs in as himself, makes the app end that session, at
// an address that the operator did not describe, and sends alice's value instead. A session whose app session has ended
// is over.
func TestP5_ScriptCookieAfterTheSessionEnded(t *testing.T) {
	t.Parallel()
	block := "\n\t\tapp ledger\n\t\ttotp {\n\t\t\tskew 10\n\t\t}\n\t\tidentity typed\n\t\tlogin_page /login\n" + typedJSON + staticPublic
	l := newLedger(t, demo.Knobs{ScriptCookie: true, ElevateInPlace: true}, block, site.Options{})
	c := l.Client(t)
	c.Get("/login").Wants(t, http.StatusOK, "") // the app itself gave this name to this browser
	thief := l.Client(t)
	page := thief.Get("/login")
	stolen := ""
	for _, cookie := range page.Cookies() {
		if cookie.Name == demo.SessionCookie {
			stolen = cookie.Value
		}
	}
	signInScript(thief, "alice", demo.AlicePassword).Wants(t, http.StatusOK, "")
	if direct := l.past(stolen); stolen == "" || shows(direct, "alice") {
		t.Fatalf("a login signed in what the browser has: %d, cookie %q", direct.StatusCode, stolen)
	}
	past := httptest.NewRequest(http.MethodPost, "/api/login", strings.NewReader(credentials("alice", demo.AlicePassword)))
	past.Header = http.Header{"Content-Type": {"application/json"}, "Cookie": {demo.SessionCookie + "=" + stolen}}
	if l.app.ServeHTTP(httptest.NewRecorder(), past); !shows(l.past(stolen), "alice") {
		t.Fatal("the app does not sign sessions in in place: the test shows nothing")
	}

	bob := l.with(t, c.Token())
	signInScript(bob, "bob", demo.BobPassword).Wants(t, http.StatusOK, "")
	wantsState(t, bob, "verified", "bob")
	bob.SetCookie(demo.SessionCookie, stolen)
	wantsEntries(t, bob, "bob")
	bob.Get("/logout").Wants(t, http.StatusSeeOther, "/login")
	for _, path := range []string{"/api/entries", "/login", "/api/entries", "/"} {
		bob.SetCookie(demo.SessionCookie, stolen)
		if got := bob.Get(path); shows(got, "alice") && path != "/login" {
			t.Errorf("%s shows alice's account: %s", path, got.Text)
		}
	}
	wantsState(t, bob, "anonymous", "")
}

// TestP5_CookieChangesOutsideALogin: an app gives its session cookie a new value with each answer. With identity, or
// with `rotates`, that is normal use. With neither, nobody knows whose the new value is: the session ends, and the
// value is thrown away.
func TestP5_CookieChangesOutsideALogin(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		lines string
		state string
	}{
		"identity": {formLogin + jsonLogin + askIdentity, "verified"},
		"rotates":  {typedLogins + "\n\t\trotates " + demo.SessionCookie + "\n", "verified"},
		"another":  {typedLogins + "\n\t\trotates another\n", "anonymous"},
		"neither":  {typedLogins, "anonymous"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLedger(t, demo.Knobs{Rotate: true}, commonLines+staticPublic+test.lines, site.Options{})
			c, authenticator := l.verified(t, "alice", demo.AlicePassword)
			token := c.Token()
			got := c.Get("/api/entries")
			wantsNothingOf(t, got)
			if test.state == "verified" {
				wantsState(t, c, "verified", "alice")
				for range 20 {
					wantsEntries(t, c, "alice")
				}
				return
			}
			if got.Wants(t, http.StatusSeeOther, "/login"); shows(got, "alice") {
				t.Errorf("%d %s", got.StatusCode, got.Text)
			}
			wantsState(t, c, "anonymous", "")
			wantsShut(t, c)
			wantsState(t, l.with(t, token), "anonymous", "")
			signIn(t, c, "alice", demo.AlicePassword).Wants(t, http.StatusSeeOther, "/second-factor/challenge")
			c.Pass(authenticator).Wants(t, http.StatusSeeOther, "")
			wantsState(t, c, "verified", "alice")
		})
	}
}

// TestP5_RotatesDoesNotCoverALogin: `rotates` says that a cookie changes in normal use. A described login stays a
// login, whatever it does to that cookie.
func TestP5_RotatesDoesNotCoverALogin(t *testing.T) {
	t.Parallel()
	l := newLedger(t, demo.Knobs{}, commonLines+typedLogins+staticPublic+"\n\t\trotates "+demo.SessionCookie+"\n", site.Options{})
	l.enrolled(t, "alice", demo.AlicePassword)
	c, bob := l.verified(t, "bob", demo.BobPassword)
	if got := signInScript(c, "alice", demo.AlicePassword); got.StatusCode != http.StatusUnauthorized || shows(got, "alice") {
		t.Fatalf("%d %s", got.StatusCode, got.Text)
	}
	wantsState(t, c, "pending", "alice")
	c.Pass(bob).Wants(t, http.StatusUnprocessableEntity, "")
	wantsShut(t, c)
}

// TestP5_RotatesDoesNotCoverAnUnreadLogin: an app that cannot be asked has one address for many calls, and those with a
// name are logins. Somebody with an account and a factor of his own pads a login with another user's password until the
// gateway can no longer read it. That the app's cookie changes in normal use is then no explanation: nothing of hers
// gets out, and the session ends. A long request that is no login goes through.
func TestP5_RotatesDoesNotCoverAnUnreadLogin(t *testing.T) {
	t.Parallel()
	padding := strings.Repeat("x", 1100<<10)
	block := commonLines + `
		identity typed
		login /login {
			when     form username *
			username form username
			fields   password csrf padding
			success  cookie ` + demo.LastCookie + `
		}
` + staticPublic + "\n\t\trotates " + demo.SessionCookie + "\n"
	// The app accepts any length, and does something else without a name.
	l := newWrapped(t, demo.Knobs{}, block, func(app *demo.App) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost && r.URL.Path == "/login" {
				if r.PostFormValue("username") == "" {
					return
				}
				r.PostForm.Del("padding")
				form := r.PostForm.Encode()
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				r.Body, r.ContentLength = io.NopCloser(strings.NewReader(form)), int64(len(form))
				r.Form, r.PostForm, r.MultipartForm = nil, nil, nil
			}
			app.ServeHTTP(w, r)
		})
	})
	l.enrolled(t, "alice", demo.AlicePassword)
	c, bob := l.verified(t, "bob", demo.BobPassword)
	page := c.Get("/").Wants(t, http.StatusOK, "")
	post := func(fields ...string) site.Answer {
		var body strings.Builder
		parts := multipart.NewWriter(&body)
		for i := 0; i < len(fields); i += 2 {
			if err := parts.WriteField(fields[i], fields[i+1]); err != nil {
				t.Fatal(err)
			}
		}
		if err := parts.Close(); err != nil {
			t.Fatal(err)
		}
		return c.Do("POST", "/login", http.Header{"Content-Type": {parts.FormDataContentType()}}, body.String())
	}
	got := post("padding", padding, "username", "alice", "password", demo.AlicePassword, "csrf", site.Find(t, csrfField, page.Text))
	if wantsNothingOf(t, got); shows(got, "alice") {
		t.Fatalf("%d %s", got.StatusCode, got.Text)
	}
	wantsState(t, c, "anonymous", "")
	wantsShut(t, c)
	signIn(t, c, "bob", demo.BobPassword).Wants(t, http.StatusSeeOther, "/second-factor/challenge")
	c.Pass(bob).Wants(t, http.StatusSeeOther, "")
	if got := c.Do("GET", "/api/entries", jsonHeader(), ""); shows(got, "alice") {
		t.Fatalf("bob's factor opened alice's account: %s", got.Text)
	}
	post("padding", padding).Wants(t, http.StatusOK, "")
	wantsState(t, c, "verified", "bob")
}
