package demo

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestLoosePaths(t *testing.T) {
	strict, loose := open(t, Options{}), open(t, Options{Knobs: Knobs{LoosePaths: true}})
	for _, path := range []string{
		"/LOGIN", "/login/", "//login", "/login;x", "/login;jsessionid=1/", "/login%20", "/login.", "/login%00", "/login%00x",
		"/./login", "/x/../login", "/%6cogin", "/%256cogin", "/login%2f", `/%5clogin`,
	} {
		if got := loose.get(path); got.StatusCode != http.StatusOK || !strings.Contains(got.body, `id="login"`) {
			t.Errorf("%s: %d", path, got.StatusCode)
		}
		if got := strict.get(path); got.StatusCode == http.StatusOK && path != "/%6cogin" {
			t.Errorf("%s is served without the knob", path)
		}
	}
	loose.asAlice()
	if got := loose.get("/API/me/"); got.body != "{\"login\":\"alice\"}\n" {
		t.Errorf("%d %s", got.StatusCode, got.body)
	}
	if got := loose.get("/"); got.StatusCode != http.StatusOK {
		t.Errorf("the root: %d", got.StatusCode)
	}
}

func FuzzLoosePath(f *testing.F) {
	for _, seed := range []string{"/", "", "/login;x/..", "/%00", "//", "/..", "/a/./b;c", `\login`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		r := httptest.NewRequest(http.MethodGet, "/?q=1", nil)
		r.URL.Path = path
		got := loosePath(r)
		if !strings.HasPrefix(got.URL.Path, "/") || strings.HasPrefix(got.URL.Path, "//") || got.URL.RawQuery != "q=1" {
			t.Errorf("%q becomes %q", path, got.URL)
		}
		if r.URL.Path != path {
			t.Error("the request itself was changed")
		}
	})
}

func TestTrustHeaders(t *testing.T) {
	b := open(t, Options{Knobs: Knobs{TrustHeaders: true}})
	for _, name := range []string{"Remote-User", "Remote_user", "X-Forwarded-User", "X_forwarded_user"} {
		if got := b.me(name, "Alice"); got != "alice" {
			t.Errorf("%s: %s", name, got)
		}
	}
	if got := b.me("Remote-User", "nobody"); got != unauthorized {
		t.Errorf("nobody: %s", got)
	}
	if got := b.get("/login", "X-Original-URL", "/api/me?x=1", "X-Api-Key", BobAPIKey); got.body != "{\"login\":\"bob\"}\n" {
		t.Errorf("the address: %d %s", got.StatusCode, got.body)
	}
	if got := b.get("/login", "X-HTTP-Method-Override", "delete"); got.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("the method: %d", got.StatusCode)
	}
	b.asAlice()
	if got := b.me("Remote-User", "bob"); got != "bob" {
		t.Errorf("beside a session: %s", got)
	}
	plain := open(t, Options{})
	if got := plain.get("/login", "X-Original-URL", "/nothing", "X-HTTP-Method-Override", "DELETE"); got.StatusCode != http.StatusOK {
		t.Errorf("without the knob: %d", got.StatusCode)
	}
}

func TestLooseCookies(t *testing.T) {
	headers := []string{
		`ledger_session=1; LEDGER.session="2"; ledger%5Fsession=3,ledger session=4`,
		`ledger[session=5; ledger_session[x]=6; other=0; "ledger_session"=7; ` + "\u00a0ledger_session=8; ledger_session%00x=9; ledger_session",
	}
	want := []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", ""}
	if got := looseCookies(headers, SessionCookie); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}

	b := open(t, Options{Knobs: Knobs{LooseCookies: true}})
	b.asAlice()
	c := b.another()
	c.signIn("bob", BobPassword, "")
	alice, bob := b.cookie(SessionCookie), c.cookie(SessionCookie)
	d := b.another()
	if got := d.me("Cookie", "ledger_session="+alice+"; Ledger.Session="+bob); got != "bob" {
		t.Errorf("the last one counts: %s", got)
	}
	if got := d.me("Cookie", "ledger_session="+alice+"; Ledger.Session=junk"); got != "alice" {
		t.Errorf("junk counts nothing: %s", got)
	}
	e := open(t, Options{})
	e.asAlice()
	if got := e.another().me("Cookie", "Ledger.Session="+e.cookie(SessionCookie)); got != unauthorized {
		t.Errorf("without the knob: %s", got)
	}
}

func FuzzLooseCookies(f *testing.F) {
	for _, seed := range []string{"ledger_session=1", `a="b;ledger.session=2"`, "%6cedger_session=1,,;;=", "ledger[session=1", "\x00=;%zz=1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		// The liberal reading must contain whatever net/http reads, except what it splits or unquotes.
		r := &http.Request{Header: http.Header{"Cookie": {header}}, URL: &url.URL{}}
		loose := looseCookies(r.Header["Cookie"], SessionCookie)
		for _, cookie := range r.CookiesNamed(SessionCookie) {
			if !strings.ContainsAny(cookie.Value, ", \"") && !slices.Contains(loose, cookie.Value) {
				t.Errorf("%q: %q is not in %q", header, cookie.Value, loose)
			}
		}
	})
}
