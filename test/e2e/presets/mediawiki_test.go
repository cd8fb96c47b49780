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

var mediaWikiToken = regexp.MustCompile(`name="wpLoginToken" type="hidden" value="([^"]+)"`)

// mediaWiki has one address for all pages, and an API by which programs sign in.
var mediaWiki = app{
	preset: "mediawiki", kind: "form", start: apps.StartMediaWiki, owner: apps.AliceTitled, guest: apps.BobTitled,
	signIn: func(t testing.TB, c *site.Client, account apps.Account) site.Answer {
		t.Helper()
		page := c.Get("/index.php?title=Special:UserLogin").Wants(t, http.StatusOK, "")
		return c.Post("/index.php/Special:UserLogin", url.Values{
			"title": {"Special:UserLogin"}, "wpName": {account.Name}, "wpPassword": {account.Password}, "authAction": {"login"},
			"wpLoginToken": {site.Find(t, mediaWikiToken, page.Text)}, "wploginattempt": {"Log in"}, "wpEditToken": {`+\`}, "force": {""},
		})
	},
	signOut: func(t testing.TB, c *site.Client) {
		t.Helper()
		c.Do("POST", "/api.php", form(), url.Values{"action": {"logout"}, "format": {"json"}, "token": {mediaWikiCSRF(t, c)}}.Encode()).Wants(t, http.StatusOK, "")
		// The gateway notices at its next question to the wiki.
		c.Get("/index.php/Main_Page").Wants(t, http.StatusSeeOther, "")
	},
	reads: []read{
		{path: "/index.php/Main_Page", text: "Welcome to the harbour wiki."},
		{path: "/index.php?title=Special:Preferences", text: "mw-prefsection-personal"},
		{path: "/index.php?title=Main_Page&action=raw", text: "Welcome to the harbour wiki."},
		{path: "/api.php?action=query&meta=userinfo&format=json", text: `"userinfo":{`},
		{path: "/rest.php/v1/page/Main_Page", text: "Welcome to the harbour wiki."},
	},
	write: func(t testing.TB, c *site.Client) {
		t.Helper()
		c.Do("POST", "/api.php", form(), url.Values{
			"action": {"edit"}, "title": {"Tides"}, "text": {"The tide comes in at seven."}, "format": {"json"}, "token": {mediaWikiCSRF(t, c)},
		}.Encode()).Wants(t, http.StatusOK, "")
		if page := c.Get("/index.php/Tides"); !strings.Contains(page.Text, "The tide comes in at seven.") {
			t.Errorf("the page was not saved: %d", page.StatusCode)
		}
	},
	spellings: []string{"alice", "Alice ", "_Alice", "alice_", "User:Alice", "user:alice", "ALICE", "Alice@phone", "\u200eAlice"},
	doors: []door{
		{"api.php, action=login", "POST", "/api.php?action=login&format=json", form(), "lgname=Alice&lgpassword=" + apps.Alice.Password},
		{"api.php, action=clientlogin", "POST", "/api.php?action=clientlogin&format=json", form(), "username=Alice&loginreturnurl=http://127.0.0.1/&password=" + apps.Alice.Password},
		{"a token for the login", "GET", "/api.php?action=query&meta=tokens&type=login&format=json", nil, ""},
		{"making an account", "GET", "/index.php?title=Special:CreateAccount", nil, ""},
		{"another name of the login page", "POST", "/index.php?title=Special:Anmelden", form(), "wpName=Alice&wpPassword=" + apps.Alice.Password},
		{"the login without its token", "POST", "/index.php?title=Special:UserLogin", form(), "wpName=Alice&wpPassword=" + apps.Alice.Password + "&authAction=login"},
		{"Basic", "GET", "/index.php/Main_Page", basic(apps.AliceTitled), ""},
		{"the login of the interface over REST", "POST", "/rest.php/v1/page", http.Header{"Content-Type": {"application/json"}}, `{"title":"x"}`},
		{"pages through the styles", "GET", "/load.php?modules=user&only=scripts&user=Alice&version=1", nil, ""},
	},
	guestDoors: []func(testing.TB, *site.Client) door{
		mediaWikiLogin("api.php, action=login, with its token", "/api.php", "action=login&format=json&lgname=Alice&lgpassword=", "lgtoken"),
		mediaWikiLogin("api.php, action=clientlogin, with its token", "/api.php", "action=clientlogin&format=json&username=Alice&loginreturnurl=http://127.0.0.1/&password=", "logintoken"),
		mediaWikiLogin("the login under another name of its page", "/index.php?title=Special:Userlogin", "authAction=login&wpName=Alice&wpPassword=", "wpLoginToken"),
		mediaWikiLogin("the login, too long to be read", "/index.php/Special:UserLogin", "padding="+strings.Repeat("x", 70<<10)+"&title=Special:UserLogin&authAction=login&wpName=Alice&wpPassword=", "wpLoginToken"),
	},
	sessions: regexp.MustCompile(`^my_wiki_?(session|User|Token)`),
	own:      []string{`"name":"Alice"`},
}

func mediaWikiCSRF(t testing.TB, c *site.Client) string {
	t.Helper()
	got := c.Get("/api.php?action=query&meta=tokens&format=json&formatversion=2").Wants(t, http.StatusOK, "")
	return strings.ReplaceAll(site.Find(t, regexp.MustCompile(`"csrftoken":"([^"]+)"`), got.Text), `\\`, `\`)
}

// mediaWikiLogin signs in with the owner's password within a session, with a token of that session.
func mediaWikiLogin(name, path, body, tokenField string) func(testing.TB, *site.Client) door {
	return func(t testing.TB, c *site.Client) door {
		t.Helper()
		got := c.Get("/api.php?action=query&meta=tokens&type=login&format=json&formatversion=2").Wants(t, http.StatusOK, "")
		token := strings.ReplaceAll(site.Find(t, regexp.MustCompile(`"logintoken":"([^"]+)"`), got.Text), `\\`, `\`)
		return door{name, "POST", path, form(), body + url.QueryEscape(apps.Alice.Password) + "&" + tokenField + "=" + url.QueryEscape(token)}
	}
}
