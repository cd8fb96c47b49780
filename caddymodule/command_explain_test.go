package caddymodule

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// explainedFile is a configuration of two sites, the first with a route that has no second factor.
const explainedFile = `{
	default_bind 127.0.0.1
}
wiki.example.com {
	handle /open/* {
		respond ok
	}
	handle {
		second_factor {
			app wiki
			preset dokuwiki
			public /images/* /a.css
			shut /xmlrpc.php
		}
		reverse_proxy 127.0.0.1:8000
	}
}
http://127.0.0.1:8080 {
	second_factor {
		app ledger
		login /login {
			username form username
		}
		identity /api/me json /user
		public /assets/*
		protect /assets/private/*
	}
	reverse_proxy 127.0.0.1:8000
}
`

// TestExplain: the command prints what the site does with a request, and the line that decides: a word's, a login
// block's, a preset's, or the directive's if it is a default.
func TestExplain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "Caddyfile")
	if err := os.WriteFile(file, []byte(explainedFile), 0o600); err != nil {
		t.Fatal(err)
	}
	const wiki, ledger = "https://wiki.example.com", "http://127.0.0.1:8080"
	for _, test := range []struct {
		request, flags string
		decision       string
		status, line   int
		place          string
	}{
		{"GET " + wiki + "/admin", "", "to_login_page", 303, 9, "protected"},
		{"GET " + wiki + "/admin", "--state=pending", "to_challenge", 303, 9, "protected"},
		{"GET " + wiki + "/admin", "--state=pending --header=Accept:*/*", "factor_required", 401, 9, "protected"},
		{"GET " + wiki + "/admin", "--header=Accept:*/*", "login_required", 401, 9, "protected"},
		{"GET " + wiki + "/admin", "--state=verified", "pass", 0, 9, "protected"},
		{"GET " + wiki + "/images/x", "", "pass", 0, 12, "public"},
		{"GET " + wiki + "/a.css", "", "pass", 0, 12, "public"},
		{"GET " + wiki + "/xmlrpc.php", "--state=verified", "refuse", 403, 13, "shut"},
		{"POST " + wiki + "/doku.php?id=start", "--form=u=a --form=p=b --form=do=login", "login", 0, 11, "login"},
		{"GET " + ledger + "/login", "", "pass", 0, 21, "login_page"},
		{"POST " + ledger + "/login", "--form=username=alice --form=password=x", "login", 0, 21, "login"},
		{"POST " + ledger + "/login", "--form=username=alice --form=username=x", "refuse", 400, 21, "protected"},
		{"GET " + ledger + "/assets/PRIVATE/x", "", "to_login_page", 303, 26, "protected"},
		{"GET " + ledger + "/second-factor/challenge", "--state=pending", "own", 200, 19, "own"},
		{"GET " + ledger + "/second-factor/challenge", "", "own", 303, 19, "own"},
	} {
		arguments := append([]string{"second-factor", "explain", "--json", "--config", file, test.request}, strings.Fields(test.flags)...)
		said, err := caddyRun(t, arguments...)
		var got struct {
			Decision, Place, File string
			Status, Line          int
		}
		if err != nil || json.Unmarshal([]byte(said[strings.LastIndex(strings.TrimSpace(said), "\n")+1:]), &got) != nil {
			t.Errorf("%s %s: %v\n%s", test.request, test.flags, err, said)
			continue
		}
		if got.Decision != test.decision || got.Status != test.status || got.Line != test.line || got.Place != test.place || got.File != file {
			t.Errorf("%s %s: %+v; want %+v", test.request, test.flags, got, test)
		}
	}
}

// TestExplainParts: the command says which headers and cookies go on, and lists only those that it was given.
func TestExplainParts(t *testing.T) {
	file := filepath.Join(t.TempDir(), "Caddyfile")
	if err := os.WriteFile(file, []byte(explainedFile), 0o600); err != nil {
		t.Fatal(err)
	}
	said, err := caddyRun(t, "second-factor", "explain", "--config", file, "--state", "verified", "--cookie", "sid=1", "--cookie", "csrf_t=2",
		"--header", "X-Second-Factor: none", "--header", "X-Custom: 1", "GET http://127.0.0.1:8080/x")
	lines := strings.Split(said, "\n")
	for _, want := range []string{
		"headers kept     X-Custom", "headers dropped  X-Second-Factor", "cookies kept     csrf_t", "cookies dropped  sid", "answer           the app's",
		"line             " + file + ":19",
	} {
		if err != nil || !slices.Contains(lines, want) {
			t.Errorf("%v: lacks %q:\n%s", err, want, said)
		}
	}
}

// TestExplainErrors: a request that cannot be explained is an error, with status 1 and advice.
func TestExplainErrors(t *testing.T) {
	file := filepath.Join(t.TempDir(), "Caddyfile")
	if err := os.WriteFile(file, []byte(explainedFile), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ request, flag, want string }{
		{"GET https://wiki.example.com/open/x", "", "no second_factor of the configuration gets this request"},
		{"GET https://other.example.com/", "", "no second_factor of the configuration gets this request"},
		{"GET http://wiki.example.com/", "", "listens on port 80"},
		{"https://wiki.example.com/", "", "want a method and an address"},
		{"GET https://wiki.example.com/", "--state=nobody", "want anonymous, pending, enrolling or verified"},
		{"GET https://wiki.example.com/", "--state=verfied", "did you mean 'verified'"},
		{"GET https://wiki.example.com/", "--form=x", "want name=value"},
		{"GET https://wiki.example.com/", "--cookie=x", "want name=value"},
		{"GET https://wiki.example.com/", "--header=x", "want 'Name: value'"},
	} {
		arguments := append([]string{"second-factor", "explain", "--config", file, test.request}, strings.Fields(test.flag)...)
		if said, err := caddyRun(t, arguments...); err == nil || !strings.Contains(said, test.want) {
			t.Errorf("%s %s: %v; want %q:\n%s", test.request, test.flag, err, test.want, said)
		}
	}
}
