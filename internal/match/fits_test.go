package match

import (
	"net/url"
	"strings"
	"testing"
)

// TestP1_DotsBehindAProgram: `shut /xmlrpc.php` was passed by `/xmlrpc.php/..;`, which some servers read as `/` and PHP
// as the program with something behind its name.
func TestP1_DotsBehindAProgram(t *testing.T) {
	patterns := LooseGlob("/xmlrpc.php")
	for target, want := range map[string]bool{
		"/xmlrpc.php": true, "/xmlrpc.php/x": true, "/xmlrpc.php/..;": true, "/xmlrpc.php/..;x": true, "/xmlrpc.php/x/..;/..;": true,
		"/xmlrpc.php/.;": true, "/xmlrpc.php/..%3b": true, "/xmlrpc.php%2f..;": true, "/xmlrpc.php/%2e%2e;": true, "/xmlrpc.php/../x": true,
		"/a/../xmlrpc.php/..;/x": true, "/a/..;/xmlrpc.php/..": true, "/XMLRPC.php/%252e%252e": true, `/xmlrpc.php\..`: true,
		"/x/../index.php": false, "/index.php": false, "/": false, "/a;b=xmlrpc.php/..": false,
		strings.Repeat("/a", 80) + "/..;": true,
	} {
		u, err := url.ParseRequestURI(target)
		if err != nil {
			t.Fatal(err)
		}
		if got := ParsePath(u).Fits(patterns); got != want {
			t.Errorf("%s: %v", target, got)
		}
	}
	if (Path{Text: "/x"}).Fits(nil) {
		t.Error("no pattern fits")
	}
}

// TestP1_NoDots: no server is sent a path in which another one would climb.
func TestP1_NoDots(t *testing.T) {
	for target, want := range map[string]bool{
		"/a": false, "/a/..b": false, "/a/b..": false, "/a;b/c": false, "/a%2fb": false, "/.well-known/x": false, "/a/./b": false,
		"/a/..": true, "/a/..;": true, "/a/..%2f": true, "/a%2f..%2fb": true, "/a/%2e%2e;x": true, "/a/%252e%252e/b": true, `/a\..\b`: true,
		"/a%3f/../b": true, "/..": true,
	} {
		u, err := url.ParseRequestURI(target)
		if err != nil {
			t.Fatal(err)
		}
		if got := ParsePath(u).Climbs(); got != want {
			t.Errorf("%s: %v", target, got)
		}
	}
}
