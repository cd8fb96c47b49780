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

// qBittorrent signs in by a script, and answers 200 to right and wrong passwords.
var qBittorrent = app{
	preset: "qbittorrent", kind: "script, cookie", start: apps.StartQBittorrent, owner: apps.Alice, script: true,
	signIn: func(t testing.TB, c *site.Client, account apps.Account) site.Answer {
		t.Helper()
		c.Get("/")
		return c.Do("POST", "/api/v2/auth/login", qBittorrentScript(c), url.Values{"username": {account.Name}, "password": {account.Password}}.Encode())
	},
	signOut: func(t testing.TB, c *site.Client) {
		t.Helper()
		c.Do("POST", "/api/v2/auth/logout", qBittorrentScript(c), "").Wants(t, http.StatusOK, "")
	},
	reads: []read{
		{path: "/api/v2/app/version", text: "v4"},
		{path: "/api/v2/app/preferences", text: "save_path"},
		{path: "/api/v2/torrents/info", text: ""},
	},
	write: func(t testing.TB, c *site.Client) {
		t.Helper()
		c.Do("POST", "/api/v2/torrents/createCategory", qBittorrentScript(c), "category=harbour&savePath=").Wants(t, http.StatusOK, "")
		if got := c.Get("/api/v2/torrents/categories"); !strings.Contains(got.Text, "harbour") {
			t.Errorf("the category was not made: %s", got.Text)
		}
	},
	spellings: []string{"ALICE", "alice ", " alice"},
	doors: []door{
		{"login by address", "GET", "/api/v2/auth/login?username=alice&password=" + apps.Alice.Password, nil, ""},
		{"password in the address", "POST", "/api/v2/auth/login?password=" + apps.Alice.Password, form(), "username=alice"},
		{"login in parts", "POST", "/api/v2/auth/login", http.Header{"Content-Type": {"multipart/form-data; boundary=x"}}, "--x\r\nContent-Disposition: form-data; name=\"username\"\r\n\r\nalice\r\n" +
			"--x\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\n" + apps.Alice.Password + "\r\n--x--\r\n"},
		{"login as several", "POST", "/api/v2/auth/login", form(), "username=bob&username=alice&password=" + apps.Alice.Password},
		{"the login of older versions", "POST", "/login", form(), "username=alice&password=" + apps.Alice.Password},
		{"Basic", "GET", "/api/v2/app/version", basic(apps.Alice), ""},
		{"said to come from itself", "GET", "/api/v2/app/version", http.Header{"X-Forwarded-For": {"127.0.0.1"}, "X-Forwarded-Host": {"127.0.0.1"}}, ""},
	},
	sessions: regexp.MustCompile(`^SID$`),
}

// qBittorrentScript returns the headers that the app's own script sends, which the app checks.
func qBittorrentScript(c *site.Client) http.Header {
	header := form()
	header.Set("Origin", c.Site.URL)
	header.Set("Referer", c.Site.URL+"/")
	header.Set("Accept", "text/javascript, text/html, application/xml, text/xml, */*")
	header.Set("Sec-Fetch-Mode", "cors")
	return header
}
