package gate

import (
	"net/http/httptest"
	"testing"

	"sallyport.example/sallyport/internal/match"
)

// TestP1_PatternsOpenNoQuery: a closed wiki could be read by `/skins/x?title=Secret`, because its web server hands
// every path that it does not have to one program, which reads the query. The same worked by
// `/favicon.ico?title=Secret` in a wiki without that file. The control is a pattern that says `?*`.
func TestP1_PatternsOpenNoQuery(t *testing.T) {
	policy, err := NewPolicy(Rules{Base: "/second-factor", Public: Open("/skins/*", "/favicon.ico", "/load.php?*", "/locales/*?*")})
	if err != nil {
		t.Fatal(err)
	}
	for target, want := range map[string]struct{ public, query bool }{
		"/skins/x?title=Secret": {true, false},
		"/favicon.ico?title=x":  {true, false},
		"/load.php?modules=x":   {true, true},
		"/locales/de?lng=de":    {true, true},
		"/locales?lng=de":       {false, false},
		"/index.php?title=x":    {false, false},
	} {
		r := httptest.NewRequest("GET", target, nil)
		path := match.ParsePath(r.URL)
		if got := policy.Place(r, path, false, false) == Public; got != want.public {
			t.Errorf("%s: public %t", target, got)
		}
		if got := policy.KeepsQuery(r, path); got != want.query {
			t.Errorf("%s: with its query %t", target, got)
		}
	}
	for _, pattern := range []string{"/x?y", "/x#y", "/x?*y"} {
		if _, err := NewPolicy(Rules{Base: "/second-factor", Public: Open(pattern)}); err == nil {
			t.Errorf("%s: accepted", pattern)
		}
	}
}

// TestP1_WhatStandsBehindAFile: `shut /xmlrpc.php` could be passed by `/xmlrpc.php/x`, which the same program handles
// (PATH_INFO).
func TestP1_WhatStandsBehindAFile(t *testing.T) {
	policy, err := NewPolicy(Rules{
		Base: "/second-factor", Public: Open("/*"), Protect: match.NewGlobs("/admin.php", "/private"), Shut: match.NewGlobs("/xmlrpc.php", "/rpc/*.cgi"),
	})
	if err != nil {
		t.Fatal(err)
	}
	for target, want := range map[string]Place{
		"/xmlrpc.php": Shut, "/xmlrpc.php/x": Shut, "/XMLRPC.php/x/y": Shut, "/xmlrpc.php;a/x": Shut, "/rpc/a.cgi/b": Shut, "/admin.php/x": Protected,
		"/xmlrpc.phpx": Public, "/private": Protected, "/private/x": Public, "/rpc/a": Public,
	} {
		r := httptest.NewRequest("GET", target, nil)
		if got := policy.Place(r, match.ParsePath(r.URL), false, false); got != want {
			t.Errorf("%s: %s, want %s", target, got, want)
		}
	}
}
