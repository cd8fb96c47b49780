package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"sallyport.example/sallyport/test/e2e/apps"
	"sallyport.example/sallyport/test/site"
)

// openApp is an app without accounts: it serves everybody, and counts requests.
type openApp struct{ reached atomic.Int64 }

func (a *openApp) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.reached.Add(1)
	fmt.Fprintf(w, "files of %s", r.Header.Get("X-Second-Factor-User"))
}

// basicAuth returns the lines of Caddy's basic_auth with Alice and Bob.
func basicAuth(t testing.TB) string {
	t.Helper()
	lines := "basic_auth {\n"
	for _, account := range []apps.Account{apps.Alice, apps.Bob} {
		hash, err := bcrypt.GenerateFromPassword([]byte(account.Password), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		lines += account.Name + " " + string(hash) + "\n"
	}
	return lines + "}\n"
}

// TestP5_FrontBasicAuth: Caddy's own basic_auth is the first factor. The password alone reads nothing. One user's code
// is worth nothing for another user, and so is one user's session.
func TestP5_FrontBasicAuth(t *testing.T) {
	t.Parallel()
	app := new(openApp)
	s := site.Start(t, site.Serve(t, app), exampleBlock(t, "front.Caddyfile")+"\ntotp {\nskew 10\n}", site.Options{Block: basicAuth(t)})
	shut := func(c *site.Client, what string, status int) {
		t.Helper()
		before := app.reached.Load()
		for _, method := range []string{"GET", "POST", "HEAD", "PUT", "OPTIONS"} {
			for _, path := range []string{"/", "/a/b?c", "//x", "/static/x"} {
				if got := c.Do(method, path, nil, bodyFor(method, "x")); got.StatusCode != status {
					t.Errorf("%s: %s %s answers %d", what, method, path, got.StatusCode)
				}
				if got := c.Do(method, path, http.Header{"Accept": {"*/*"}, "Sec-Fetch-Mode": {"cors"}}, bodyFor(method, "x")); got.StatusCode != http.StatusUnauthorized {
					t.Errorf("%s: %s %s by script answers %d", what, method, path, got.StatusCode)
				}
			}
		}
		if after := app.reached.Load(); after != before {
			t.Errorf("%s: the app was reached %d times", what, after-before)
		}
	}
	shut(s.Client(t), "a stranger", http.StatusUnauthorized)
	shut(withPassword(s.Client(t), apps.Alice.Name, "wrong"), "a wrong password", http.StatusUnauthorized)

	alice, bob := withPassword(s.Client(t), apps.Alice.Name, apps.Alice.Password), withPassword(s.Client(t), apps.Bob.Name, apps.Bob.Password)
	if got := alice.Get("/").Wants(t, http.StatusOK, ""); got.Text != "files of alice" {
		t.Errorf("not enrolled: %s", got.Text)
	}
	factor, _ := alice.Enrol(10)
	bob.Get("/")
	bobs, _ := bob.Enrol(10)

	c := withPassword(s.Client(t), apps.Alice.Name, apps.Alice.Password)
	c.Get("/a/b?c").Wants(t, http.StatusSeeOther, "/second-factor/challenge")
	wantsState(t, c, "pending", "alice")
	shut(c, "the password alone", http.StatusSeeOther)
	c.Own("/challenge", "/challenge", url.Values{"code": {otherThan(t, factor.Key, 10)}}).Wants(t, http.StatusUnprocessableEntity, "")
	shut(c, "a wrong code", http.StatusSeeOther)
	c.Get("/a/b?c").Wants(t, http.StatusSeeOther, "/second-factor/challenge")
	c.Pass(factor).Wants(t, http.StatusSeeOther, "/a/b?c")
	for _, method := range []string{"GET", "POST"} {
		if got := c.Do(method, "/a/b?c", nil, bodyFor(method, "x")); got.Text != "files of alice" {
			t.Errorf("verified: %d %s", got.StatusCode, got.Text)
		}
	}

	// Bob uses his password with her cookie, and then his password in her browser.
	thief := withPassword(s.Client(t), apps.Bob.Name, apps.Bob.Password)
	thief.SetCookie("sallyport", c.Token())
	shut(thief, "bob with alice's cookie", http.StatusSeeOther)
	wantsState(t, thief, "pending", "bob")
	withPassword(c, apps.Alice.Name, apps.Alice.Password).Get("/").Wants(t, http.StatusSeeOther, "/second-factor/challenge")
	c.Pass(factor).Wants(t, http.StatusSeeOther, "/")
	withPassword(c, apps.Bob.Name, apps.Bob.Password).Get("/").Wants(t, http.StatusSeeOther, "/second-factor/challenge")
	wantsState(t, c, "pending", "bob")
	c.Pass(factor).Wants(t, http.StatusUnprocessableEntity, "")
	c.Pass(bobs).Wants(t, http.StatusSeeOther, "/")
	if got := c.Get("/"); got.Text != "files of bob" {
		t.Errorf("bob: %s", got.Text)
	}
	// Without a password nobody is signed in, whatever the cookie.
	c.Header = nil
	shut(c, "a cookie alone", http.StatusUnauthorized)
	if log := s.Log(); strings.Contains(log, apps.Alice.Password) || strings.Contains(log, apps.Bob.Password) {
		t.Error("a password is in the log")
	}
}

// TestP4_FrontSaysNobody: a front handler that lets everybody pass and names nobody identifies nobody, and neither does
// a placeholder that nothing sets.
func TestP4_FrontSaysNobody(t *testing.T) {
	t.Parallel()
	for name, lines := range map[string]string{
		"never set":   "username placeholder {http.auth.user.id}",
		"unknown":     "username placeholder {http.vars.nobody}",
		"empty":       "username placeholder {http.vars.empty}",
		"two headers": "username placeholder {http.request.header.X-Front}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := new(openApp)
			s := site.Start(t, site.Serve(t, app), "app files\nlogin * {\n"+lines+"\n}", site.Options{Block: "vars empty \"\""})
			c := s.Client(t)
			c.Header = http.Header{"X-Front": {"alice", "bob"}, "Authorization": {"Basic YWxpY2U6eA=="}, "Remote-User": {"alice"}}
			c.Get("/").Wants(t, http.StatusForbidden, "")
			wantsState(t, c, "anonymous", "")
			if reached := app.reached.Load(); reached != 0 {
				t.Errorf("the app was reached %d times", reached)
			}
		})
	}
}

// TestP5_ForwardAuth: forward_auth is in front, and its answer names the user in a header. What the client itself says
// in that header does not count.
func TestP5_ForwardAuth(t *testing.T) {
	t.Parallel()
	portal := site.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, password, _ := r.BasicAuth()
		if name != apps.Alice.Name || password != apps.Alice.Password {
			w.Header().Set("WWW-Authenticate", `Basic realm="portal"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Remote-User", name)
	}))
	for name, placeholder := range map[string]string{"request": "{http.request.header.Remote-User}", "answer": "{http.reverse_proxy.header.Remote-User}"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := new(openApp)
			s := site.Start(t, site.Serve(t, app), "app files\nlogin * {\nusername placeholder "+placeholder+"\n}", site.Options{
				Block: "forward_auth " + portal + " {\nuri /auth\ncopy_headers Remote-User\n}",
			})
			c := withPassword(s.Client(t), apps.Alice.Name, apps.Alice.Password)
			c.Header.Set("Remote-User", "bob")
			if got := c.Get("/").Wants(t, http.StatusOK, ""); got.Text != "files of alice" {
				t.Errorf("signed in: %s", got.Text)
			}
			wantsState(t, c, "verified", "alice")
			stranger := s.Client(t)
			stranger.Header = http.Header{"Remote-User": {"alice"}}
			before := app.reached.Load()
			stranger.Get("/").Wants(t, http.StatusUnauthorized, "")
			if app.reached.Load() != before {
				t.Error("the app was reached without a password")
			}
		})
	}
}
