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
	dokuWikiLeave = regexp.MustCompile(`href="([^"]*do=logout[^"]*)"`)
	dokuWikiField = regexp.MustCompile(`<input type="hidden" name="(sectok|id|rev|date|changecheck|target)" value="([^"]*)"`)
)

// dokuWiki accepts a name and a password at every address.
var dokuWiki = app{
	preset: "dokuwiki", kind: "form", start: apps.StartDokuWiki, owner: apps.Alice, guest: apps.Bob,
	signIn: func(t testing.TB, c *site.Client, account apps.Account) site.Answer {
		t.Helper()
		return c.Post("/doku.php?id=start", url.Values{
			"sectok": {""}, "id": {"start"}, "do": {"login"}, "u": {account.Name}, "p": {account.Password},
		})
	},
	signOut: func(t testing.TB, c *site.Client) {
		t.Helper()
		c.Get(html.UnescapeString(site.Find(t, dokuWikiLeave, c.Get("/doku.php?id=start").Wants(t, http.StatusOK, "").Text))).Wants(t, http.StatusFound, "")
	},
	reads: []read{
		{path: "/doku.php?id=start", text: "Welcome to the harbour wiki."},
		{path: "/doku.php?do=profile", text: `name="fullname"`},
		{path: "/doku.php?id=start&do=export_raw", text: "Welcome to the harbour wiki."},
	},
	write: func(t testing.TB, c *site.Client) {
		t.Helper()
		page := c.Get("/doku.php?id=tides&do=edit").Wants(t, http.StatusOK, "")
		values := url.Values{"do[save]": {"1"}, "wikitext": {"The tide comes in at seven."}, "prefix": {"."}, "suffix": {""}}
		for _, field := range dokuWikiField.FindAllStringSubmatch(page.Text, -1) {
			values.Set(field[1], field[2])
		}
		c.Post("/doku.php?id=tides", values).Wants(t, http.StatusFound, "")
		if page := c.Get("/doku.php?id=tides"); !strings.Contains(page.Text, "The tide comes in at seven.") {
			t.Errorf("nothing was written: %d", page.StatusCode)
		}
	},
	spellings: []string{"ALICE", "Alice", " alice", "alice ", "\u00a0alice"},
	doors: []door{
		{"query", "GET", "/doku.php?id=start&u=alice&p=" + apps.Alice.Password, nil, ""},
		{"query of the feed", "GET", "/feed.php?u=alice&p=" + apps.Alice.Password, nil, ""},
		{"query of a style", "GET", "/lib/exe/css.php?u=alice&p=" + apps.Alice.Password, nil, ""},
		{"form on any page", "POST", "/feed.php", form(), "u=alice&p=" + apps.Alice.Password},
		{"form on a page that is not there", "POST", "/doku.php?id=robots.txt", form(), "u=alice&p=" + apps.Alice.Password},
		{"form on the profile", "POST", "/doku.php?do=profile", form(), "u=alice&p=" + apps.Alice.Password},
		{"form in parts", "POST", "/doku.php?id=start", http.Header{"Content-Type": {"multipart/form-data; boundary=x"}}, "--x\r\nContent-Disposition: form-data; name=\"u\"\r\n\r\nalice\r\n" +
			"--x\r\nContent-Disposition: form-data; name=\"p\"\r\n\r\n" + apps.Alice.Password + "\r\n--x--\r\n"},
		{"Basic", "GET", "/doku.php?id=start", basic(apps.Alice), ""},
		{"Basic on a style", "GET", "/lib/exe/css.php", basic(apps.Alice), ""},
		{"XML-RPC", "POST", "/lib/exe/xmlrpc.php", http.Header{"Content-Type": {"text/xml"}}, xmlCall("dokuwiki.login", apps.Alice.Name, apps.Alice.Password)},
		{"XML-RPC with Basic", "POST", "/lib/exe/xmlrpc.php", basic(apps.Alice, "Content-Type", "text/xml"), xmlCall("wiki.getPage", "start")},
	},
	sessions: regexp.MustCompile(`^(DW[0-9a-f]{32}|DokuWiki)$`),
	own:      []string{apps.Alice.Email},
}
