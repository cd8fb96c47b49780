//go:build allapps

package presets

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/e2e/apps"
	"sallyport.example/sallyport/test/site"
)

var ttRSSToken = regexp.MustCompile(`__csrf_token = "([^"]+)"`)

// ttRSS gives the same answer to a right and a wrong password, including the cookie of a new session.
var ttRSS = app{
	preset: "tt-rss", kind: "form", start: apps.StartTTRSS, owner: apps.Alice, guest: apps.Bob,
	signIn: func(t testing.TB, c *site.Client, account apps.Account) site.Answer {
		t.Helper()
		c.Get("/").Wants(t, http.StatusOK, "")
		return c.Post("/public.php", url.Values{"op": {"login"}, "login": {account.Name}, "password": {account.Password}})
	},
	signOut: func(t testing.TB, c *site.Client) {
		t.Helper()
		token := site.Find(t, ttRSSToken, c.Get("/").Wants(t, http.StatusOK, "").Text)
		c.Post("/public.php?op=logout", url.Values{"op": {"logout"}, "csrf_token": {token}}).Wants(t, http.StatusFound, "")
	},
	reads: []read{
		{path: "/prefs.php", text: "__csrf_token"},
		{path: "/backend.php?op=opml&method=export", text: "<opml"},
		{path: "/backend.php?op=pref-prefs&method=index", text: "Personal data"},
	},
	write: func(t testing.TB, c *site.Client) {
		t.Helper()
		token := site.Find(t, ttRSSToken, c.Get("/").Text)
		c.Post("/backend.php", url.Values{"op": {"pref-labels"}, "method": {"add"}, "caption": {"Tides"}, "csrf_token": {token}}).Wants(t, http.StatusOK, "")
		if got := c.Get("/backend.php?op=opml&method=export&include_settings=1"); !strings.Contains(got.Text, "Tides") {
			t.Errorf("nothing was written: %.2000s", got.Text)
		}
	},
	spellings: []string{"ALICE", "alice ", " alice", "Alice", "\u00e1lice"},
	doors: []door{
		{"the interface", "POST", "/api/", http.Header{"Content-Type": {"application/json"}}, `{"op":"login","user":"alice","password":"` + apps.Alice.Password + `"}`},
		{"the interface by its file", "POST", "/api/index.php", http.Header{"Content-Type": {"application/json"}}, `{"op":"login","user":"alice","password":"` + apps.Alice.Password + `"}`},
		{"the interface, spelt otherwise", "POST", "//API/", http.Header{"Content-Type": {"application/json"}}, `{"op":"login","user":"alice","password":"` + apps.Alice.Password + `"}`},
		{"login by address", "GET", "/public.php?op=login&login=alice&password=" + apps.Alice.Password, nil, ""},
		{"operation in the address", "POST", "/public.php?op=login", form(), "login=alice&password=" + apps.Alice.Password},
		{"password in the address", "POST", "/public.php?password=" + apps.Alice.Password, form(), "op=login&login=alice"},
		{"profiles of somebody", "GET", "/public.php?op=getProfiles&login=alice&password=" + apps.Alice.Password, nil, ""},
		{"sharing from outside", "GET", "/public.php?op=sharepopup&login=alice&password=" + apps.Alice.Password, nil, ""},
		{"subscribing from outside", "GET", "/public.php?op=subscribe&feed_url=http://127.0.0.1:1/", nil, ""},
		{"Basic", "GET", "/prefs.php", basic(apps.Alice), ""},
		{"a forgotten password", "GET", "/public.php?op=forgotpass", nil, ""},
	},
	sessions: regexp.MustCompile(`^ttrss_sid`),
	own:      []string{"alice@example.com", "tt-rss_alice"},
}
