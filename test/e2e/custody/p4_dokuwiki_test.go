package custody

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/e2e/apps"
	"sallyport.example/sallyport/test/site"
)

// TestP4_DokuWikiAtAnyPage: the real wiki takes a name and password at every page, and answers as that page does: with
// 404 if there is none. By the rules of its preset that login had failed, and the wiki's session became the stranger's:
// she read the closed wiki and wrote to it, and the very 404 page was made for alice. Now a request that is more or
// less than a login is refused; otherwise the wiki is asked, and it is alice's login.
func TestP4_DokuWikiAtAnyPage(t *testing.T) {
	t.Parallel()
	const words = "Welcome to the harbour wiki."
	wiki := apps.StartDokuWiki(t)
	s := site.Start(t, wiki.Address, "app wiki\n\t\tpreset dokuwiki\n\t\ttotp {\n\t\t\tskew 10\n\t\t}", site.Options{})
	signIn := func(c *site.Client, path string, account apps.Account) site.Answer {
		return c.Post(path, url.Values{"u": {account.Name}, "p": {account.Password}, "sectok": {""}})
	}
	owner := s.Client(t)
	signIn(owner, "/doku.php?id=start&do=login", apps.Alice)
	wantsState(t, owner, "verified", apps.Alice.Name)
	factor, _ := owner.Enrol(10)
	owner.SignOut()

	for _, path := range []string{
		"/doku.php?id=robots.txt", "/doku.php?id=no:such:page", "/doku.php?id=start&do=nothing", "/doku.php?id=start&do=export_raw", "/doku.php?id=start&rev=1",
		"/doku.php?id=start&do=admin", "/doku.php?id=start&do=logout", "/doku.php", "/doku.php?do=search&q=x", "/doku.php?id=robots.txt&do=login",
	} {
		direct := (&site.Site{Address: wiki.Address, URL: "http://" + wiki.Address}).Client(t)
		signIn(direct, path, apps.Alice)
		if got := direct.Get("/doku.php?id=start"); !strings.Contains(got.Text, words) && !strings.Contains(path, "do=logout") {
			t.Errorf("%s: the wiki itself does not sign in: %d", path, got.StatusCode)
		}
		for _, begun := range []bool{false, true} {
			c := s.Client(t)
			if begun {
				c.Get("/doku.php?do=login").Wants(t, http.StatusOK, "")
			}
			got := signIn(c, path, apps.Alice)
			tells(t, path, got, words)
			state, user := stateOf(t, c)
			taken := state == "pending" && user == apps.Alice.Name
			if isLogin := strings.Contains(path, "do=login"); isLogin != taken || !isLogin && (got.StatusCode != http.StatusBadRequest || state != "anonymous") {
				t.Errorf("%s: %d, %s of %q", path, got.StatusCode, state, user)
			}
			for _, page := range []string{"/doku.php?do=login", "/doku.php?id=start", "/doku.php?do=login&id=start", "/lib/exe/css.php", "/lib/tpl/dokuwiki/images/favicon.ico", "/doku.php?do=profile", "/doku.php?id=start&do=edit"} {
				tells(t, path+", then "+page, c.Get(page), words)
			}
			// The same as a user with an account of her own.
			signIn(c, "/doku.php?id=start&do=login", apps.Bob)
			wantsState(t, c, "verified", apps.Bob.Name)
			if got := c.Get("/doku.php?do=profile"); strings.Contains(got.Text, apps.Alice.Email) || !strings.Contains(got.Text, apps.Bob.Email) {
				t.Errorf("%s, then bob: the profile is %d, and not his", path, got.StatusCode)
			}
		}
	}
	// The closed wiki cannot be written.
	c := s.Client(t)
	signIn(c, "/doku.php?id=robots.txt", apps.Alice)
	c.Post("/doku.php?id=thief", url.Values{"do[save]": {"1"}, "wikitext": {"stolen"}, "sectok": {""}})
	c = s.Client(t)
	signIn(c, "/doku.php?id=start&do=login", apps.Alice)
	c.Pass(factor).Wants(t, http.StatusSeeOther, "")
	if got := c.Get("/doku.php?id=start"); !strings.Contains(got.Text, words) {
		t.Errorf("the owner does not get in: %d", got.StatusCode)
	}
	if got := c.Get("/doku.php?id=thief"); strings.Contains(got.Text, "stolen") {
		t.Error("the thief has written a page")
	}
}

// tells fails the test if an answer shows the closed wiki, or somebody's account.
func tells(t *testing.T, what string, got site.Answer, words string) {
	t.Helper()
	for _, secret := range []string{words, apps.Alice.Email, apps.Alice.FullName} {
		if strings.Contains(got.Text, secret) {
			t.Errorf("%s: %q is shown: %d", what, secret, got.StatusCode)
		}
	}
	for _, cookie := range got.Cookies() {
		if strings.HasPrefix(cookie.Name, "DW") && cookie.Value != "" && cookie.Value != "deleted" {
			t.Errorf("%s: the wiki's cookie %s came out", what, cookie.Name)
		}
	}
}
