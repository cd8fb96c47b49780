//go:build allapps

package presets

import (
	"net/http"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/e2e/apps"
	"sallyport.example/sallyport/test/site"
)

// prometheus needs the password in every request, and has no sessions.
var prometheus = app{
	preset: "prometheus", kind: "HTTP Basic", start: apps.StartPrometheus, owner: apps.Alice, guest: apps.Bob,
	signIn: signInByBasic("/classic/graph"), signOut: signOutOfBasic,
	reads: []read{
		{path: "/classic/graph", text: "<title>Prometheus"},
		{path: "/api/v1/status/config", text: "harbour"},
		{path: "/api/v1/query?query=1", text: `"scalar"`},
		{path: "/federate?match[]=up"},
		{path: "/metrics", text: "go_goroutines"},
	},
	write: func(t testing.TB, c *site.Client) {
		t.Helper()
		if got := c.Do("POST", "/api/v1/admin/tsdb/snapshot", nil, "").Wants(t, http.StatusOK, ""); !strings.Contains(got.Text, `"success"`) {
			t.Errorf("no snapshot: %s", got.Text)
		}
	},
	spellings: []string{"ALICE", "alice ", " alice", "Alice", "\u00e1lice"},
	doors: []door{
		{"the password at the interface", "GET", "/api/v1/status/config", basic(apps.Alice), ""},
		{"the password at another address", "GET", "/metrics", basic(apps.Alice), ""},
		{"the password with a change", "POST", "/api/v1/admin/tsdb/snapshot", basic(apps.Alice), ""},
		{"the password with an order", "PUT", "/-/reload", basic(apps.Alice), ""},
		{"a scheme in other letters", "GET", "/api/v1/status/config", http.Header{"Authorization": {"bAsIc " + strings.TrimPrefix(basic(apps.Alice).Get("Authorization"), "Basic ")}}, ""},
		{"two passwords", "GET", "/api/v1/status/config", http.Header{"Authorization": {basic(apps.Bob).Get("Authorization"), basic(apps.Alice).Get("Authorization")}}, ""},
		{"the password for a proxy", "GET", "/api/v1/status/config", http.Header{"Proxy-Authorization": {basic(apps.Alice).Get("Authorization")}}, ""},
		{"a name by a header", "GET", "/api/v1/status/config", http.Header{"X-Prometheus-User": {"alice"}, "Remote-User": {"alice"}}, ""},
	},
}
