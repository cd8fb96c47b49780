//go:build allapps

package presets

import (
	"net/http"
	"net/url"
	"regexp"
	"testing"

	"sallyport.example/sallyport/test/e2e/apps"
	"sallyport.example/sallyport/test/site"
)

var parseToken = regexp.MustCompile(`<script id="csrf" type="application/json">"([^"]+)"`)

// parseDashboard redirects both after a right and after a wrong password.
var parseDashboard = app{
	preset: "parse-dashboard", kind: "form", start: apps.StartParseDashboard, owner: apps.Alice, guest: apps.Bob,
	signIn: func(t testing.TB, c *site.Client, account apps.Account) site.Answer {
		t.Helper()
		page := c.Get("/login").Wants(t, http.StatusOK, "")
		return c.Post("/login", url.Values{
			"username": {account.Name}, "password": {account.Password}, "_csrf": {site.Find(t, parseToken, page.Text)},
		})
	},
	signOut: func(t testing.TB, c *site.Client) {
		t.Helper()
		c.Get("/logout").Wants(t, http.StatusFound, "")
	},
	reads: []read{
		{path: "/apps", text: "dashboard.bundle.js"},
		{path: "/parse-dashboard-config.json", text: "masterKey"},
	},
	spellings: []string{"ALICE", "alice ", " alice"},
	doors: []door{
		{"Basic", "GET", "/parse-dashboard-config.json", basic(apps.Alice), ""},
		{"login by address", "GET", "/login?username=alice&password=" + apps.Alice.Password, nil, ""},
		{"password in the address", "POST", "/login?password=" + apps.Alice.Password, form(), "username=alice"},
		{"login as JSON", "POST", "/login", http.Header{"Content-Type": {"application/json"}}, `{"username":"alice","password":"` + apps.Alice.Password + `"}`},
		{"login under another address", "POST", "/login/", form(), "username=alice&password=" + apps.Alice.Password},
		{"a name by a header", "GET", "/parse-dashboard-config.json", http.Header{"Username": {"alice"}, "Remote-User": {"alice"}}, ""},
		{"its agent", "POST", "/apps/harbour/agent", http.Header{"Content-Type": {"application/json"}}, `{"message":"x"}`},
	},
	sessions: regexp.MustCompile(`^parse_dash$`),
	own:      []string{"The tide comes in at seven."},
}
