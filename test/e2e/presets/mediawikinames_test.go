//go:build allapps

package presets

import (
	"net/http"
	"testing"

	"sallyport.example/sallyport/test/e2e/apps"
	"sallyport.example/sallyport/test/site"
)

// TestP4_MediaWikiNames: names of MediaWiki's accounts may have characters that its API and its pages escape in
// different ways, each in more than one. The gateway must have exactly one name for each account, and different names
// for different accounts: two accounts here have the escaped forms of the others as their names.
func TestP4_MediaWikiNames(t *testing.T) {
	t.Parallel()
	var accounts []apps.Account
	for _, name := range []string{
		`Tom & Jerry`, `Tom \u0026 Jerry`, `Jo "Q" Doe`, `Jo \"Q\" Doe`, `Back\slash`, `Back\\slash`, `O'Neill`, `Zoë 😀`, `50%`,
	} {
		accounts = append(accounts, apps.Account{Name: name, Password: "of-" + name + "-77"})
	}
	running := apps.StartMediaWikiWith(t, accounts...)
	p, direct := mediaWiki.behind(t, running)
	in := func(c *site.Client) bool {
		return c.Get("/index.php?title=Special:Preferences").StatusCode == http.StatusOK
	}
	for _, account := range accounts {
		if control := direct.Client(t); p.signIn(t, control, account).StatusCode != http.StatusFound || !in(control) {
			t.Fatalf("%s cannot sign in at the app itself, so that the test shows nothing", account.Name)
		}
		c := p.Client(t)
		p.signIn(t, c, account).Wants(t, http.StatusFound, "")
		p.wantsState(t, c, "verified", account.Name)
		if !in(c) {
			t.Errorf("%s is not signed in", account.Name)
		}
		c.Enrol(1)
	}
	for _, account := range accounts {
		c := p.Client(t)
		p.wantsChallenge(t, p.signIn(t, c, account))
		p.wantsState(t, c, "pending", account.Name)
	}
}
