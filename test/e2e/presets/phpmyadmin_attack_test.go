//go:build allapps

package presets

import (
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/e2e/apps"
	"sallyport.example/sallyport/test/site"
)

// TestP4_PHPMyAdminWithoutAPassword: phpMyAdmin's /url.php redirects anybody, and sets cookies. A thief without a
// password sent alice's name in the login's field there: by the rules of the preset that was a success, and the thief
// could set up an authenticator of her own for alice, who had none yet. Now the gateway asks phpMyAdmin, and nobody is
// signed in. With one more field than its form has, the login's answer has status 200, and the request must still count
// as a login.
func TestP4_PHPMyAdminWithoutAPassword(t *testing.T) {
	t.Parallel()
	running := apps.StartPHPMyAdmin(t)
	p := &protected{Site: site.Start(t, running.Address, "app pma\n\t\tpreset phpmyadmin\n\t\ttotp {\n\t\t\tskew 10\n\t\t}", site.Options{}), app: phpMyAdmin}
	direct := (&site.Site{Address: running.Address, URL: "http://" + running.Address}).Client(t)
	if got := direct.Post("/url.php", url.Values{"pma_username": {"alice"}}); got.StatusCode != http.StatusFound {
		t.Fatalf("the app itself answers %d: the test shows nothing", got.StatusCode)
	}
	for _, begun := range []bool{false, true} {
		for _, body := range []string{"pma_username=alice", "pma_username=alice&pma_password=", "pma_username=alice&pma_password=wrong"} {
			for _, path := range []string{"/url.php", "/url.php?url=https://www.phpmyadmin.net/", "/index.php?route=/logout", "/index.php/url.php"} {
				c := p.Client(t)
				if begun {
					c.Get("/")
				}
				p.tellsNothing(t, c.Do("POST", path, form(), body), path)
				p.wantsState(t, c, "anonymous", "")
				if got := c.Get("/second-factor/setup"); got.StatusCode == http.StatusOK && strings.Contains(got.Text, "alice") {
					t.Errorf("%s: the set-up of alice's factor is open", path)
				}
				p.wantsClosed(t, c, path)
			}
		}
	}
	owner := p.Client(t)
	p.signIn(t, owner, apps.Alice)
	p.wantsState(t, owner, "verified", "alice")
	factor, _ := owner.Enrol(10)
	owner.SignOut()

	// With one more field.
	c := p.Client(t)
	page := c.Get("/").Wants(t, http.StatusOK, "")
	answer := c.Post("/index.php?route=/", url.Values{
		"pma_username": {"alice"}, "pma_password": {apps.Alice.Password}, "server": {"1"}, "route": {"/"}, "ajax_request": {"1"},
		"token": {html.UnescapeString(site.Find(t, phpMyAdminToken, page.Text))}, "set_session": {site.Find(t, phpMyAdminSession, page.Text)},
	})
	p.tellsNothing(t, answer, "one field more")
	p.mustNotBeIn(t, c, "one field more")

	c = p.Client(t)
	p.wantsChallenge(t, p.signIn(t, c, apps.Alice))
	p.mustNotBeIn(t, c, "the password alone")
	c.Pass(factor).Wants(t, http.StatusSeeOther, "")
	p.wantsOpen(t, c)
}
