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
	wordPressNonce  = regexp.MustCompile(`name="_wpnonce" value="([^"]+)"`)
	wordPressLogout = regexp.MustCompile(`href=['"][^'"]*(/wp-login\.php\?action=logout[^'"]+)['"]`)
)

// wordPress accepts a password at its login form, at XML-RPC, and by HTTP Basic in each request to its REST API.
var wordPress = app{
	preset: "wordpress", kind: "form", start: apps.StartWordPress, owner: apps.Alice, guest: apps.Bob,
	signIn: func(t testing.TB, c *site.Client, account apps.Account) site.Answer {
		t.Helper()
		c.Get("/wp-login.php").Wants(t, http.StatusOK, "")
		return wordPressLogin(c, account, "/wp-admin/", "")
	},
	signOut: func(t testing.TB, c *site.Client) {
		t.Helper()
		page := c.Get("/wp-admin/profile.php").Wants(t, http.StatusOK, "")
		c.Get(html.UnescapeString(site.Find(t, wordPressLogout, page.Text))).Wants(t, http.StatusFound, "")
		c.Get("/wp-admin/profile.php").Wants(t, http.StatusSeeOther, "")
	},
	reads: []read{
		{path: "/wp-admin/", text: "Dashboard"},
		{path: "/wp-admin/profile.php", text: "Usernames cannot be changed."},
	},
	write: func(t testing.TB, c *site.Client) {
		t.Helper()
		page := c.Get("/wp-admin/options-general.php").Wants(t, http.StatusOK, "")
		c.Post("/wp-admin/options.php", url.Values{
			"option_page": {"general"}, "action": {"update"}, "_wpnonce": {site.Find(t, wordPressNonce, page.Text)},
			"_wp_http_referer": {"/wp-admin/options-general.php"}, "blogname": {"Harbour"}, "blogdescription": {"The tide comes in at nine."},
			"new_admin_email": {apps.Alice.Email}, "default_role": {"subscriber"}, "timezone_string": {"UTC"}, "date_format": {"Y"}, "time_format": {"H"},
			"start_of_week": {"1"}, "WPLANG": {""},
		}).Wants(t, http.StatusFound, "")
		if page := c.Get("/wp-admin/options-general.php"); !strings.Contains(page.Text, "The tide comes in at nine.") {
			t.Errorf("nothing was written: %d", page.StatusCode)
		}
	},
	spellings: []string{"ALICE", "alice ", " alice", "alice@example.com", "Alice@Example.com", "al\u00adice"},
	doors: []door{
		{"XML-RPC", "POST", "/xmlrpc.php", http.Header{"Content-Type": {"text/xml"}}, xmlCall("wp.getPosts", "1", apps.Alice.Name, apps.Alice.Password)},
		{"XML-RPC, spelt otherwise", "POST", "//xmlrpc.php", http.Header{"Content-Type": {"text/xml"}}, xmlCall("wp.getProfile", "1", apps.Alice.Name, apps.Alice.Password)},
		{"XML-RPC below itself", "POST", "/xmlrpc.php/x", http.Header{"Content-Type": {"text/xml"}}, xmlCall("wp.getProfile", "1", apps.Alice.Name, apps.Alice.Password)},
		{"XML-RPC by several at once", "POST", "/xmlrpc.php?for=jetpack", http.Header{"Content-Type": {"text/xml"}}, xmlCall("system.multicall")},
		{"the interface with Basic", "GET", "/index.php?rest_route=/wp/v2/users/me", basic(apps.Alice), ""},
		{"the interface with Basic, another address", "GET", "/wp-json/wp/v2/users/me?context=edit", basic(apps.Alice), ""},
		{"interim login", "POST", "/wp-login.php?interim-login=1", form(), "interim-login=1&log=alice&pwd=" + apps.Alice.Password},
		{"login by address", "GET", "/wp-login.php?log=alice&pwd=" + apps.Alice.Password, nil, ""},
		{"password in the address", "POST", "/wp-login.php?pwd=" + apps.Alice.Password, form(), "log=alice"},
		{"login as several", "POST", "/wp-login.php", form(), "log=bob&log=alice&pwd=" + apps.Alice.Password},
		{"a lost password", "POST", "/wp-login.php?action=lostpassword", form(), "user_login=alice"},
		{"installing anew", "GET", "/wp-admin/install.php", nil, ""},
		{"work of scripts", "POST", "/wp-admin/admin-ajax.php", form(), "action=heartbeat"},
		{"comments", "POST", "/wp-comments-post.php", form(), "comment=x&author=alice&email=alice@example.com&comment_post_ID=1"},
		{"the settings below the styles", "GET", "/wp-admin/css/../profile.php", nil, ""},
	},
	sessions: regexp.MustCompile(`^wordpress_(logged_in_|sec_)?[0-9a-f]{32}$`),
	own:      []string{"The tide comes in at seven.", `value="alice@example.com"`, `"slug":"alice"`},
}

func wordPressLogin(c *site.Client, account apps.Account, next, query string) site.Answer {
	return c.Post("/wp-login.php"+query, url.Values{
		"log": {account.Name}, "pwd": {account.Password}, "testcookie": {"1"}, "redirect_to": {next}, "wp-submit": {"Log In"},
	})
}
