package caddymodule

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// TestP4_FrontHeaderOfTwo: a header that a handler in front sets names a user, however the operator spells it. If there
// are two lines of that name one may be the client's, so neither names anybody. A placeholder that is not set, or is no
// text, names nobody either.
func TestP4_FrontHeaderOfTwo(t *testing.T) {
	for _, test := range []struct {
		placeholder string
		lines       []string
		want        string
	}{
		{"{http.request.header.Remote-User}", []string{"alice"}, "alice"},
		{"{http.request.header.remote-user}", []string{"alice"}, "alice"},
		{"http.request.header.Remote-User", []string{"alice"}, "alice"},
		{"{http.request.header.Remote-User}", []string{"alice", "bob"}, ""},
		{"{http.request.header.Remote-User}", []string{"", "bob"}, ""},
		{"{http.request.header.Remote-User}", nil, ""},
		{"{http.auth.user.id}", []string{"alice"}, ""},
		{"{http.auth.user.number}", nil, ""},
	} {
		user, err := frontUser(test.placeholder)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		r.Header["Remote-User"] = test.lines
		if got := user(r); got != "" {
			t.Errorf("%s: without placeholders it is %q", test.placeholder, got)
		}
		replacer := caddyhttp.NewTestReplacer(r)
		replacer.Set("http.auth.user.number", 7)
		if got := user(r.WithContext(context.WithValue(r.Context(), caddy.ReplacerCtxKey, replacer))); got != test.want {
			t.Errorf("%s of %q: %q", test.placeholder, test.lines, got)
		}
	}
}

// TestP4_ClientsWordIsNoFront: a placeholder with what a client sends would let it choose its name, and is refused at
// start.
func TestP4_ClientsWordIsNoFront(t *testing.T) {
	for placeholder, want := range map[string]bool{
		"{http.auth.user.id}": true, "{http.request.header.Remote-User}": true, "{http.request.tls.client.subject}": true, "{http.vars.user}": true,
		"{http.request.uri.query.user}": false, "{http.request.cookie.user}": false, "{http.request.host}": false, "{http.request.body}": false,
		"{http.request.remote.host}": false, "{http.second_factor.user}": false, "{env.USER}": false, "alice": false,
	} {
		if _, err := frontUser(placeholder); (err == nil) != want {
			t.Errorf("%s: %v", placeholder, err)
		}
	}
}
