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

var icingaToken = regexp.MustCompile(`name="CSRFToken" value="([^"]+)"`)

// icingaWeb2 answers its own script in another way than a page, and accepts HTTP Basic from any client.
var icingaWeb2 = app{
	preset: "icingaweb2", kind: "form", start: apps.StartIcingaWeb2, owner: apps.Alice, guest: apps.Bob,
	signIn: func(t testing.TB, c *site.Client, account apps.Account) site.Answer {
		t.Helper()
		c.Get("/authentication/login")
		page := c.Get("/authentication/login").Wants(t, http.StatusOK, "")
		return c.Post("/authentication/login", url.Values{
			"username": {account.Name}, "password": {account.Password}, "rememberme": {"0"}, "formUID": {"form_login"},
			"CSRFToken": {site.Find(t, icingaToken, page.Text)}, "redirect": {""}, "btn_submit": {"Login"},
		})
	},
	signOut: func(t testing.TB, c *site.Client) {
		t.Helper()
		if got := c.Get("/authentication/logout"); got.StatusCode/100 > 3 {
			t.Fatalf("%d", got.StatusCode)
		}
	},
	reads: []read{
		{path: "/dashboard", text: `class="user-ball"`},
		{path: "/account", text: "Preferences"},
		{path: "/navigation/dashboard?name=user", text: `class="user-nav-item`, header: http.Header{"X-Icinga-Accept": {"text/html"}}},
	},
	write: func(t testing.TB, c *site.Client) {
		t.Helper()
		page := c.Get("/about").Wants(t, http.StatusOK, "")
		if !strings.Contains(page.Text, "Disable auto refresh") {
			t.Fatal("nothing to write")
		}
		c.Post("/about", url.Values{
			"formUID": {"form_auto_refresh"}, "btn_submit": {"Disable auto refresh"}, "CSRFToken": {site.Find(t, icingaToken, page.Text)},
		})
		if page := c.Get("/about"); !strings.Contains(page.Text, "Enable auto refresh") {
			t.Errorf("nothing was written: %d", page.StatusCode)
		}
	},
	spellings: []string{"ALICE", "alice ", " alice", "\u00e1lice", "Alice", "alice\u0301", "\uff41lice"},
	doors: []door{
		{"Basic, as a program", "GET", "/dashboard", basic(apps.Alice, "Accept", "application/json"), ""},
		{"Basic on the account", "GET", "/account", basic(apps.Alice, "Accept", "application/json"), ""},
		{"Basic on the style", "GET", "/css/icinga.min.css", basic(apps.Alice, "Accept", "application/json"), ""},
		{"Basic on the login", "GET", "/authentication/login", basic(apps.Alice, "Accept", "application/json"), ""},
		{"login by address", "GET", "/authentication/login?username=alice&password=" + apps.Alice.Password, nil, ""},
		{"password in the address", "POST", "/authentication/login?password=" + apps.Alice.Password, form(), "username=alice"},
		{"login under another address", "POST", "/authentication/login/", form(), "username=alice&password=" + apps.Alice.Password},
		{"login through index.php", "POST", "/index.php/authentication/login", form(), "username=alice&password=" + apps.Alice.Password},
		{"a name by a header", "GET", "/dashboard", http.Header{"Remote-User": {"alice"}, "X-Remote-User": {"alice"}}, ""},
		{"its set-up", "GET", "/setup", nil, ""},
	},
	guestDoors: []func(testing.TB, *site.Client) door{
		icingaLogin("another login", "/authentication/login", ""),
		icingaLogin("a login through index.php", "/index.php/authentication/login", ""),
		icingaLogin("a login too long to be read", "/authentication/login", strings.Repeat("x", 70<<10)),
		icingaLogin("a login through index.php too long to be read", "/index.php/authentication/login", strings.Repeat("x", 70<<10)),
		icingaLogin("a login with a page behind it", "/authentication/login/x", ""),
		icingaLogin("a login as a program", "/authentication/login", "", "Accept", "application/json"),
		icingaLogin("a login as Icinga's own script", "/authentication/login", "", "X-Requested-With", "XMLHttpRequest"),
	},
	sessions: regexp.MustCompile(`^(Icingaweb2|icingaweb2-session|icingaweb2-remember-me)$`),
	own:      []string{"/role/list"},
}

// icingaLogin signs in with the owner's password within a session, with that session's form token.
func icingaLogin(name, path, padding string, headers ...string) func(testing.TB, *site.Client) door {
	return func(t testing.TB, c *site.Client) door {
		t.Helper()
		page := c.Get("/about").Wants(t, http.StatusOK, "")
		values := url.Values{
			"username": {apps.Alice.Name}, "password": {apps.Alice.Password}, "rememberme": {"0"}, "formUID": {"form_login"},
			"CSRFToken": {site.Find(t, icingaToken, page.Text)}, "redirect": {""}, "btn_submit": {"Login"},
		}
		header := form()
		for i := 0; i+1 < len(headers); i += 2 {
			header.Set(headers[i], headers[i+1])
		}
		return door{name, "POST", path, header, "padding=" + padding + "&" + values.Encode()}
	}
}
