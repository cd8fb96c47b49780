package apps

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// dokuWikiLogin matches the account's name in the profile page. Users cannot change it, unlike their full name.
var dokuWikiLogin = regexp.MustCompile(`name="login"[^>]*value="([^"]+)"`)

var (
	dokuWikiToken  = regexp.MustCompile(`do=logout&amp;sectok=([0-9a-f]+)`)
	dokuWikiCookie = regexp.MustCompile(`^\+DW[0-9a-f]{32}$`)
)

const dokuWikiProfile = "/doku.php?do=profile"

func dokuWikiSignIn(b *browser, name, password string) answer {
	b.t.Helper()
	return b.post("/doku.php?id=start", url.Values{
		"sectok": {""}, "id": {"start"}, "do": {"login"}, "u": {name}, "p": {password},
	})
}

// whoIsSignedIn returns the name in the profile page; "" if it names nobody.
func whoIsSignedIn(b *browser) string {
	b.t.Helper()
	page := b.get(dokuWikiProfile)
	page.want(b.t, http.StatusOK, "", page.set...)
	name := dokuWikiLogin.FindStringSubmatch(page.body)
	if name == nil {
		return ""
	}
	return name[1]
}

// TestDokuWiki records how DokuWiki signs in and out, for the gateway's configuration:
//
//	login /doku.php { when form do login; username form u; success status 302 }
//	identity /doku.php?do=profile body `name="login"[^>]*value="([^"]+)"`
func TestDokuWiki(t *testing.T) {
	t.Parallel()
	app := StartDokuWiki(t)

	t.Run("a stranger sees the login form in place of the page", func(t *testing.T) {
		stranger := newBrowser(t, app)
		page := stranger.get("/doku.php?id=start")
		if page.status != http.StatusOK || len(page.set) != 2 || page.set[0] != "+DokuWiki" ||
			!strings.HasPrefix(page.set[1], "-DW") {
			t.Errorf("status %d, cookies %v", page.status, page.set)
		}
		if !strings.Contains(page.body, `id="dw__login"`) || strings.Contains(page.body, "harbour wiki.") {
			t.Error("no login form, or the page itself")
		}
		if name := whoIsSignedIn(stranger); name != "" {
			t.Errorf("the profile names %q", name)
		}
		for _, path := range []string{"/lib/exe/css.php", "/lib/exe/js.php", "/lib/tpl/dokuwiki/images/logo.png"} {
			stranger.get(path).want(t, http.StatusOK, "")
		}
	})

	t.Run("a wrong password answers 403", func(t *testing.T) {
		b := newBrowser(t, app)
		failed := dokuWikiSignIn(b, Alice.Name, "wrong")
		if failed.status != http.StatusForbidden || len(failed.set) != 2 || !strings.HasPrefix(failed.set[1], "-DW") {
			t.Errorf("status %d, cookies %v", failed.status, failed.set)
		}
		if !strings.Contains(failed.body, `class="error"`) {
			t.Error("no message")
		}
		if name := whoIsSignedIn(b); name != "" {
			t.Errorf("the profile names %q", name)
		}
	})

	t.Run("the right password answers 302 with an absolute address", func(t *testing.T) {
		for _, account := range []Account{Alice, Bob} {
			b := newBrowser(t, app)
			b.get("/doku.php?id=start")
			signedIn := dokuWikiSignIn(b, account.Name, account.Password)
			signedIn.want(t, http.StatusFound, app.URL+"/doku.php?id=start", signedIn.set...)
			if len(signedIn.set) != 1 || !dokuWikiCookie.MatchString(signedIn.set[0]) {
				t.Errorf("cookies %v", signedIn.set)
			}
			if name := whoIsSignedIn(b); name != account.Name {
				t.Errorf("the profile names %q, want %s", name, account.Name)
			}
			page := b.get("/doku.php?id=start")
			page.want(t, http.StatusOK, "")
			if !strings.Contains(page.body, "Welcome to the harbour wiki.") {
				t.Error("the page cannot be read")
			}

			token := dokuWikiToken.FindStringSubmatch(page.body)
			if token == nil {
				t.Fatal("no way out of the page")
			}
			signedOut := b.get("/doku.php?id=start&do=logout&sectok=" + token[1])
			signedOut.want(t, http.StatusFound, app.URL+"/doku.php?id=start&do=login", signedOut.set...)
			if len(signedOut.set) != 2 || signedOut.set[0] != "+DokuWiki" || !strings.HasPrefix(signedOut.set[1], "-DW") {
				t.Errorf("cookies %v", signedOut.set)
			}
			if name := whoIsSignedIn(b); name != "" {
				t.Errorf("the profile names %q after the logout", name)
			}
		}
	})

	t.Run("a logout with a wrong token answers 200 and changes nothing", func(t *testing.T) {
		b := newBrowser(t, app)
		dokuWikiSignIn(b, Alice.Name, Alice.Password)
		b.get("/doku.php?id=start&do=logout&sectok=0").want(t, http.StatusOK, "")
		if name := whoIsSignedIn(b); name != Alice.Name {
			t.Errorf("the profile names %q", name)
		}
	})

	t.Run("other spellings of a name are the same account", func(t *testing.T) {
		for _, spelling := range []string{"ALICE", " alice", "alice "} {
			b := newBrowser(t, app)
			if status := dokuWikiSignIn(b, spelling, Alice.Password).status; status != http.StatusFound {
				t.Errorf("%q: status %d", spelling, status)
			}
			if name := whoIsSignedIn(b); name != Alice.Name {
				t.Errorf("%q: the profile names %q", spelling, name)
			}
		}
	})

	// These are further ways to sign in. The gateway notices them only by the changed cookie.
	t.Run("any page signs in by its query, and by basic authentication, with 200", func(t *testing.T) {
		query := newBrowser(t, app)
		credentials := url.Values{"u": {Bob.Name}, "p": {Bob.Password}}
		if page := query.get("/feed.php?" + credentials.Encode()); page.status != http.StatusOK {
			t.Errorf("status %d", page.status)
		}
		if name := whoIsSignedIn(query); name != Bob.Name {
			t.Errorf("the profile names %q", name)
		}

		basic := newBrowser(t, app)
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, app.URL+"/doku.php", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.SetBasicAuth(Bob.Name, Bob.Password)
		if page := basic.send(request); page.status != http.StatusOK || len(page.set) != 2 ||
			!dokuWikiCookie.MatchString(page.set[1]) {
			t.Errorf("status %d, cookies %v", page.status, page.set)
		}
		if name := whoIsSignedIn(basic); name != Bob.Name {
			t.Errorf("the profile names %q", name)
		}
	})

	// DokuWiki binds a session to User-Agent, Accept-Language, Accept-Encoding and half of the client's address. If one
	// of them differs it signs in again by itself and renews the cookie. So if the gateway asked who is signed in with
	// headers of its own, the wiki would renew the cookie at each question and again at the browser's next request.
	t.Run("other headers from the same session renew the cookie", func(t *testing.T) {
		changes := map[string]string{
			"User-Agent": "another", "Accept-Language": "de", "Accept-Encoding": "br", "X-Forwarded-For": "10.20.30.40",
		}
		for header, value := range changes {
			b := newBrowser(t, app)
			dokuWikiSignIn(b, Alice.Name, Alice.Password)
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, app.URL+"/doku.php?id=start", nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set(header, value)
			if page := b.send(request); len(page.set) != 1 || !dokuWikiCookie.MatchString(page.set[0]) {
				t.Errorf("%s: status %d, cookies %v", header, page.status, page.set)
			}
			if page := b.get("/doku.php?id=start"); len(page.set) != 1 || !dokuWikiCookie.MatchString(page.set[0]) {
				t.Errorf("%s, and back: status %d, cookies %v", header, page.status, page.set)
			}
		}
	})

	t.Run("the log has the requests", func(t *testing.T) {
		if !strings.Contains(app.Log(), "GET /lib/exe/css.php") {
			t.Error("a request is missing")
		}
	})
}
