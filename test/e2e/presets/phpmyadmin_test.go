//go:build allapps

package presets

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/e2e/apps"
	"sallyport.example/sallyport/test/site"
)

var (
	phpMyAdminToken   = regexp.MustCompile(`name="token" value="([^"]+)"`)
	phpMyAdminSession = regexp.MustCompile(`name="set_session" value="([^"]+)"`)
	phpMyAdminScript  = regexp.MustCompile(`token:"([^"]+)"`)
)

// phpMyAdmin changes its cookies with each answer.
var phpMyAdmin = app{
	preset: "phpmyadmin", kind: "form", start: apps.StartPHPMyAdmin, owner: apps.Alice, guest: apps.Bob,
	signIn: func(t testing.TB, c *site.Client, account apps.Account) site.Answer {
		t.Helper()
		page := c.Get("/").Wants(t, http.StatusOK, "")
		return c.Post("/index.php?route=/", url.Values{
			"pma_username": {account.Name}, "pma_password": {account.Password}, "server": {"1"}, "route": {"/"},
			"token":       {html.UnescapeString(site.Find(t, phpMyAdminToken, page.Text))},
			"set_session": {site.Find(t, phpMyAdminSession, page.Text)},
		})
	},
	signOut: func(t testing.TB, c *site.Client) {
		t.Helper()
		page := c.Get("/index.php?route=/").Wants(t, http.StatusOK, "")
		c.Post("/index.php?route=/logout", url.Values{"token": {site.Find(t, phpMyAdminScript, page.Text)}}).Wants(t, http.StatusFound, "")
		c.Get("/index.php?route=/database/structure&db=harbour").Wants(t, http.StatusSeeOther, "")
	},
	reads: []read{
		{path: "/index.php?route=/", text: "Database server"},
		{path: "/index.php?route=/database/structure&server=1&db=quay", text: "ships"},
	},
	write: func(t testing.TB, c *site.Client) {
		t.Helper()
		page := c.Get("/index.php?route=/").Wants(t, http.StatusOK, "")
		c.Post("/index.php?route=/import", url.Values{
			"token": {site.Find(t, phpMyAdminScript, page.Text)}, "db": {"harbour"}, "sql_query": {"INSERT INTO tides VALUES ('Low water at one.')"},
			"is_js_confirmed": {"0"}, "server": {"1"}, "ajax_request": {"1"},
		}).Wants(t, http.StatusOK, "")
		if page := c.Get("/index.php?route=/sql&server=1&db=harbour&table=tides&pos=0"); !strings.Contains(page.Text, "Low water at one.") {
			t.Errorf("nothing was written: %d", page.StatusCode)
		}
	},
	spellings: []string{"ALICE", "alice ", " alice", "alice@localhost", "Alice"},
	doors: []door{
		{"login by address", "GET", "/index.php?pma_username=alice&pma_password=" + apps.Alice.Password + "&server=1", nil, ""},
		{"password in the address", "POST", "/index.php?pma_password=" + apps.Alice.Password, form(), "pma_username=alice&server=1"},
		{"login on another page", "POST", "/index.php?route=/database/structure", form(), "pma_username=alice&server=1&pma_password=" + apps.Alice.Password},
		{"no password at all", "POST", "/url.php", form(), "pma_username=alice"},
		{"the redirector, with the password", "POST", "/url.php", form(), "pma_username=alice&pma_password=" + apps.Alice.Password},
		{"Basic", "GET", "/index.php?route=/", basic(apps.Alice), ""},
		{"another program of it", "GET", "/url.php?url=http://127.0.0.1/", nil, ""},
		{"its set-up", "GET", "/setup/index.php", nil, ""},
	},
	guestDoors: []func(testing.TB, *site.Client) door{
		phpMyAdminLogin("another login", "/index.php?route=/", "pma_username", ""),
		phpMyAdminLogin("a login below the program", "/index.php/x?route=/", "pma_username", ""),
		phpMyAdminLogin("a login whose answer is a script's", "/index.php?route=/&session_timedout=1&ajax_request=1", "pma_username", ""),
		phpMyAdminLogin("a login that signs out", "/index.php?route=/logout", "pma_username", ""),
		phpMyAdminLogin("a login by another spelling of the field", "/index.php?route=/", "pma.username", ""),
		phpMyAdminLogin("a login by a field that is cut", "/index.php?route=/", "pma[username", ""),
		phpMyAdminLogin("a login that is too long to be read", "/index.php?route=/", "pma_username", strings.Repeat("x", 70<<10)),
		phpMyAdminLogin("a login below the program that is too long to be read", "/index.php/x?route=/", "pma_username", strings.Repeat("x", 70<<10)),
	},
	sessions: regexp.MustCompile(`^(phpMyAdmin|pma(User|Auth)-1)$`),
	own:      []string{"alice@localhost", "The tide comes in"},
}

// phpMyAdminLogin signs in with the owner's password within a session, with that session's form token.
func phpMyAdminLogin(name, path, field, padding string) func(testing.TB, *site.Client) door {
	return func(t testing.TB, c *site.Client) door {
		t.Helper()
		page := c.Get("/index.php?route=/").Wants(t, http.StatusOK, "")
		values := url.Values{
			"token": {site.Find(t, phpMyAdminScript, page.Text)}, "server": {"1"}, "route": {"/"},
			field: {apps.Alice.Name}, "pma_password": {apps.Alice.Password},
		}
		return door{name, "POST", path, form(), "padding=" + padding + "&" + values.Encode()}
	}
}
