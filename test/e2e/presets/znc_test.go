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

var zncToken = regexp.MustCompile(`name="_CSRF_Check" value="([^"]+)"`)

// znc gives the same answer, byte for byte, to a right and to a wrong password. A right one raises the existing session
// without changing its cookie: the cookie that a stranger has is the credential of whoever signs in with it.
var znc = app{
	preset: "znc", kind: "form", start: apps.StartZNC, owner: apps.Alice, guest: apps.Bob,
	signIn: func(t testing.TB, c *site.Client, account apps.Account) site.Answer {
		t.Helper()
		c.Get("/")
		return c.Post("/login", url.Values{"user": {account.Name}, "pass": {account.Password}, "submitted": {"1"}})
	},
	signOut: func(t testing.TB, c *site.Client) {
		t.Helper()
		c.Get("/logout").Wants(t, http.StatusFound, "")
	},
	reads: []read{
		{path: "/mods/global/webadmin/edituser", text: "Your Settings"},
		{path: "/mods/global/webadmin/", text: "Logged in as"},
	},
	write: func(t testing.TB, c *site.Client) {
		t.Helper()
		page := c.Get("/mods/global/webadmin/settings").Wants(t, http.StatusOK, "")
		c.Post("/mods/global/webadmin/settings", url.Values{
			"_CSRF_Check": {site.Find(t, zncToken, page.Text)}, "submitted": {"1"}, "motd": {"The tide comes in at seven."}, "skin": {""},
			"maxbuffersize": {"500"}, "connectdelay": {"5"}, "serverthrottle": {"30"}, "anoniplimit": {"10"}, "loadmod": {"webadmin"},
		})
		if page := c.Get("/mods/global/webadmin/settings"); !strings.Contains(page.Text, "The tide comes in at seven.") {
			t.Errorf("the message was not saved: %.3000s", page.Text)
		}
	},
	spellings: []string{"ALICE", "alice ", " alice", "Alice", "alice/", "alice@phone"},
	doors: []door{
		{"Basic on a module", "GET", "/mods/global/webadmin/edituser", basic(apps.Alice), ""},
		{"Basic on the first page", "GET", "/", basic(apps.Alice), ""},
		{"Basic where the styles are", "GET", "/pub/_default_.css", basic(apps.Alice), ""},
		{"Basic on the login", "GET", "/login", basic(apps.Alice), ""},
		{"login by address", "GET", "/login?user=alice&pass=" + apps.Alice.Password + "&submitted=1", nil, ""},
		{"login with the password in the address", "POST", "/login?pass=" + apps.Alice.Password, form(), "user=alice&submitted=1"},
		{"login below the styles", "POST", "/pub/../login", form(), "user=alice&pass=" + apps.Alice.Password + "&submitted=1"},
		{"login on another page", "POST", "/mods/global/webadmin/", form(), "user=alice&pass=" + apps.Alice.Password + "&submitted=1"},
	},
	sessions: regexp.MustCompile(`-SessionId$`),
	own:      []string{"The harbour is closed."},
}
