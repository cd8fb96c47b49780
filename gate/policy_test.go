package gate

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"sallyport.example/sallyport/internal/match"
)

func newPolicy(t testing.TB, loginPage string) *Policy {
	t.Helper()
	policy, err := NewPolicy(Rules{
		Base: "/second-factor", LoginPage: loginPage,
		Public:  Open("/static/*", "/favicon.ico"),
		Protect: match.NewGlobs("/static/private/*"),
		Logout:  match.NewGlobs("/logout"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return policy
}

func place(t testing.TB, policy *Policy, method, target string) Place {
	t.Helper()
	u, err := url.ParseRequestURI(target)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(method, "/", nil)
	r.URL = u
	return policy.Place(r, match.ParsePath(u), false, false)
}

func TestPlace(t *testing.T) {
	policy := newPolicy(t, "/login")
	for target, want := range map[string]Place{
		"/":                         Protected,
		"/login":                    Entry,
		"/login?next=/a":            Protected,
		"/static/a.css":             Public,
		"/favicon.ico":              Public,
		"/logout":                   Logout,
		"/second-factor":            Own,
		"/second-factor/challenge":  Own,
		"//second-factor/challenge": Own,
		"/second-factory":           Protected,
	} {
		if got := place(t, policy, "GET", target); got != want {
			t.Errorf("%s is %v, want %v", target, got, want)
		}
	}
	if got := place(t, policy, "POST", "/login"); got != Protected {
		t.Errorf("a POST to the login page that is no login is %v", got)
	}
}

// TestP1_NoSpellingOpensADoor: an attacker with only the password spells a protected path so that the gateway would
// take it for a public one while the app takes it for the protected one.
func TestP1_NoSpellingOpensADoor(t *testing.T) {
	policy := newPolicy(t, "/login")
	for _, target := range []string{
		"/static/../admin", "/static/%2e%2e/admin", "/static/..%2fadmin", "/static/..%5cadmin", "/static/%252e%252e/admin", "/static/..;/admin",
		"/static/;/../admin", "//static/a", "/static//a", "/STATIC/a", "/favicon.ico/", "/favicon.ico;x", "/favicon.ico%00", "/favicon.ico%20",
		"/static/private/x", "/static/Private/x", "/static/PRIVATE", "/static/private", "/static/private/", "/static/%70rivate/x",
		"/static/private%2fx", "/login/", "//login", "/login;x", "/LOGIN", "/%6cogin", "/login%00", "/login%0d", "/login/.", "/./login",
	} {
		if got := place(t, policy, "GET", target); got != Protected {
			t.Errorf("%s is %v", target, got)
		}
	}
}

// TestP1_LoginPageWithQueryIsThatPageOnly: in apps with one path for all pages, the query names the page. A second or
// repeated parameter may name another page.
func TestP1_LoginPageWithQueryIsThatPageOnly(t *testing.T) {
	policy := newPolicy(t, "/index.php?title=Special:UserLogin")
	if got := place(t, policy, "GET", "/index.php?title=Special:UserLogin"); got != Entry {
		t.Errorf("the login page is %v", got)
	}
	if got := place(t, policy, "GET", "/index.php?title=Special%3AUserLogin"); got != Entry {
		t.Errorf("the login page, encoded, is %v", got)
	}
	for _, target := range []string{
		"/index.php", "/index.php?title=Secrets", "/index.php?title=Special:UserLogin&oldid=7", "/index.php?title=Special:UserLogin&title=Secrets",
		"/index.php?title=Special:UserLogin;title=Secrets", "/index.php?TITLE=Special:UserLogin", "/index.php/Secrets?title=Special:UserLogin",
	} {
		if got := place(t, policy, "GET", target); got != Protected {
			t.Errorf("%s is %v", target, got)
		}
	}
}

// TestP1_NoLoginPageIsNoPage: if there is no login page, no page is open to strangers.
func TestP1_NoLoginPageIsNoPage(t *testing.T) {
	policy := newPolicy(t, "")
	for _, target := range []string{"/", "/login", "", "//", "/?"} {
		if target == "" {
			continue
		}
		if got := place(t, policy, "GET", target); got != Protected {
			t.Errorf("%q is %v", target, got)
		}
		if policy.LeadsToLogin(target) {
			t.Errorf("%q leads to the login", target)
		}
	}
}

func TestNewPolicyRefuses(t *testing.T) {
	for _, rules := range []Rules{
		{Base: "", LoginPage: "/login"},
		{Base: "/", LoginPage: "/login"},
		{Base: "/x/", LoginPage: "/login"},
		{Base: "/x//y", LoginPage: "/login"},
		{Base: "x", LoginPage: "/login"},
		{Base: "/x", LoginPage: "//evil/login"},
		{Base: "/x", LoginPage: "https://evil/login"},
		{Base: "/x", LoginPage: "/x/login"},
		{Base: "/x", LoginPage: "/login?a;b"},
	} {
		if _, err := NewPolicy(rules); err == nil {
			t.Errorf("%+v was accepted", rules)
		}
	}
}

func TestLeadsToLogin(t *testing.T) {
	plain, query := newPolicy(t, "/login"), newPolicy(t, "/index.php?title=Special:UserLogin")
	for target, want := range map[string]bool{"/login": true, "/login/?next=%2F": true, "/": false, "": false, "login": false} {
		if got := plain.LeadsToLogin(target); got != want {
			t.Errorf("%q: %v", target, got)
		}
	}
	for target, want := range map[string]bool{
		"/index.php?title=Special:UserLogin&returnto=x": true, "/index.php?title=Main": false, "/index.php": false,
	} {
		if got := query.LeadsToLogin(target); got != want {
			t.Errorf("%q: %v", target, got)
		}
	}
}

// TestP1_ShutInEverySpelling: an attacker with only the password knows an address at which the app takes the password
// without any session. It is shut in every spelling, also where a public path or a login would have opened it, and also
// for verified sessions.
func TestP1_ShutInEverySpelling(t *testing.T) {
	policy, err := NewPolicy(Rules{
		Base: "/second-factor", LoginPage: "/login", Public: Open("/static/*"), Shut: match.NewGlobs("/xmlrpc.php*", "/static/rpc/*"),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{
		"/xmlrpc.php", "/xmlrpc.php?rsd", "/xmlrpc.php/x", "//xmlrpc.php", "/XMLRPC.php", "/xmlrpc%2ephp", "/%78mlrpc.php", "/a/../xmlrpc.php",
		"/./xmlrpc.php", "/xmlrpc.php;x=1", "/static/rpc/a", "/static/%72pc/a", "/static/x/../rpc/a", `/static\rpc/a`, "/static//rpc/a",
	} {
		u, err := url.ParseRequestURI(target)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest("POST", "/", nil)
		r.URL = u
		for _, isLogin := range []bool{false, true} {
			if got := policy.Place(r, match.ParsePath(u), isLogin, true); got != Shut {
				t.Errorf("%s, login %t: %v", target, isLogin, got)
			}
		}
	}
	if got := place(t, policy, "GET", "/static/a.css"); got != Public {
		t.Errorf("what is not shut is %v", got)
	}
}

// TestP1_OpenByMethod: an app takes any path for its sync interface if the method and the content type say so. So a
// public path is open only to GET and HEAD without a body, and to the methods that the operator named for it.
func TestP1_OpenByMethod(t *testing.T) {
	policy, err := NewPolicy(Rules{
		Base: "/second-factor", LoginPage: "/login", Protect: match.NewGlobs("/hooks/private*"),
		Public: []Opening{
			{Paths: match.NewGlobs("/style.css", "/both")},
			{Methods: []string{"POST", "PROPFIND"}, Paths: match.NewGlobs("/hooks/*", "/both")},
			{Methods: []string{"GET"}, Paths: match.NewGlobs("/get")},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	open := map[string]string{
		"/style.css": "GET HEAD", "/hooks/a": "POST PROPFIND", "/both": "GET HEAD POST PROPFIND", "/get": "GET", "/other": "", "/hooks/private": "",
		"/style.css/": "", "/hooks/../x": "",
	}
	withBody := map[string]string{"/hooks/a": "POST PROPFIND", "/both": "POST PROPFIND"}
	for path, methods := range open {
		for _, method := range append(slices.Clone(allMethods), "propfind", "QUERY") {
			for _, length := range []int64{0, 5, -1} {
				for _, coding := range [][]string{nil, {"chunked"}} {
					u, err := url.ParseRequestURI(path)
					if err != nil {
						t.Fatal(err)
					}
					r := &http.Request{Method: method, URL: u, ContentLength: length, TransferEncoding: coding}
					allowed := methods
					if length != 0 || coding != nil {
						allowed = withBody[path]
					}
					want := Protected
					if slices.Contains(strings.Fields(allowed), method) {
						want = Public
					}
					if got := policy.Place(r, match.ParsePath(u), false, false); got != want {
						t.Errorf("%s %s, length %d, coding %v: %v, want %v", method, path, length, coding, got, want)
					}
				}
			}
		}
	}
	for method, ok := range map[string]bool{
		"GET": true, "DELETE": true, "M-SEARCH": true, "": false, "get": false, "CONNECT": false, "TRACE": false, "TRACK": false, "*": false, "GET,POST": false,
		"P\u00d6ST": false, "POST ": false,
	} {
		_, err := NewPolicy(Rules{Base: "/x", Public: []Opening{{Methods: []string{method}, Paths: match.NewGlobs("/a")}}})
		if (err == nil) != ok {
			t.Errorf("public %q: %v", method, err)
		}
	}
}

// TestP1_WhatClosesNothingIsRefused: an operator writes a pattern that no request's path matches, and believes that a
// path is shut.
func TestP1_WhatClosesNothingIsRefused(t *testing.T) {
	for pattern, ok := range map[string]bool{
		"/admin": true, "/admin/": true, "/admin/*": true, "/Admin": true, "*.php": true, "*/private/*": true, "/a b": true, "/mon compte/\u00e9t\u00e9*": true,
		"/": true, "*": true, "/*": true, "/a.b/.c": true, "/x*y/z": true, "/.git*": true,

		"": false, "//": false, "//admin": false, "/a//b": false, "/a//*": false, "admin": false, "admin/*": false, "/admin?x=1": false, "/admin?*": false,
		"/admin#x": false, "/%61dmin": false, "/admin%2f": false, "/admin;x": false, "/a/../b": false, "/a/./b": false, "/a/..": false, "/a.": false,
		"/a./b": false, `/a\b`: false,
	} {
		for setting, rules := range map[string]Rules{
			"protect": {Base: "/x", Protect: match.NewGlobs("/ok", pattern)}, "shut": {Base: "/x", Shut: match.NewGlobs(pattern, "/ok")},
		} {
			_, err := NewPolicy(rules)
			if (err == nil) != ok || err != nil && !strings.HasPrefix(err.Error(), setting+" ") {
				t.Errorf("%s %q: %v", setting, pattern, err)
			}
			if err != nil {
				continue
			}
			// An accepted pattern does close something.
			policy, err := NewPolicy(Rules{Base: "/second-factor", Shut: match.NewGlobs(pattern)})
			if err != nil {
				t.Fatal(err)
			}
			path := (&url.URL{Path: strings.ReplaceAll(pattern, "*", "/x/")}).EscapedPath()
			if path[0] != '/' {
				path = "/" + path
			}
			if got := place(t, policy, "GET", path); got != Shut {
				t.Errorf("%s %q does not close %s: %v", setting, pattern, path, got)
			}
		}
	}
}

// TestP1_LoginComesBeforeWhatIsOpen: a login on a public path is a login. A login with a body does not get the place of
// the login's page.
func TestP1_LoginComesBeforeWhatIsOpen(t *testing.T) {
	policy, err := NewPolicy(Rules{
		Base: "/second-factor", LoginPage: "/login", Public: Open("*"), Protect: match.NewGlobs("/private/*"), Logout: match.NewGlobs("/logout"),
		Shut: match.NewGlobs("/shut"),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		target       string
		login, entry bool
		want         Place
	}{
		{"/a", false, false, Public},
		{"/a", true, false, Login},
		{"/a", false, true, Entry},
		{"/private/a", true, false, Login},
		{"/private/a", false, true, Entry},
		{"/private/a", false, false, Protected},
		{"/logout", false, false, Logout},
		{"/logout", true, false, Login},
		{"/second-factor/a", true, true, Own},
		{"/shut", true, true, Shut},
		{"//a", false, true, Protected},
	} {
		u, err := url.ParseRequestURI(test.target)
		if err != nil {
			t.Fatal(err)
		}
		if got := policy.Place(&http.Request{Method: "GET", URL: u}, match.ParsePath(u), test.login, test.entry); got != test.want {
			t.Errorf("%s, login %t, entry %t: %v, want %v", test.target, test.login, test.entry, got, test.want)
		}
	}
}

// TestLoginPagePlaceholder: a placeholder that is not expanded is refused. Otherwise strangers would be sent to it
// literally.
func TestLoginPagePlaceholder(t *testing.T) {
	for page, want := range map[string]bool{"/login?next=/": true, "/login?next={uri}": false, "/login?next={http.request.uri}": false, "/{x}": false} {
		if _, err := NewPolicy(Rules{Base: "/second-factor", LoginPage: page}); (err == nil) != want {
			t.Errorf("%s: %v", page, err)
		}
	}
}
