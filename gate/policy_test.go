package gate

import (
	"net/http/httptest"
	"net/url"
	"testing"

	"sallyport/match"
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
		"/login?next=/a":            Entry,
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

// TestP1_NoSpellingOpensADoor: an attacker with only the password writes a protected path so that the gateway takes it for
// a public one and the app for the protected one.
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

// TestP1_LoginPageWithQueryIsThatPageOnly: in apps with one path for all pages, the query names the page, and a second
// parameter or a repeated one may name another.
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

// TestP1_NoLoginPageIsNoPage: where strangers have no page to sign in on, none is open to them.
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

// TestP1_ShutInEverySpelling: an attacker with only the password knows a door of the app's that takes it without any session. It is
// shut, in whatever spelling, also where a public path or a login would have opened it, and to the verified too.
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
