//go:build allapps

package presets

import (
	"html"
	"net/http"
	"net/url"
	"testing"

	"sallyport.example/sallyport/test/e2e/apps"
	"sallyport.example/sallyport/test/site"
)

// TestRetryAtPHPMyAdmin: a user mistypes her password, and then types the right one into the form that came with the
// answer. That form is valid only in the session for which it was made. If the gateway dropped that session, or
// replaced it by asking a question in between, every second try would fail (hence `needs` in the preset). A login with
// another name must not inherit that session.
func TestRetryAtPHPMyAdmin(t *testing.T) {
	t.Parallel()
	running := apps.StartPHPMyAdmin(t)
	p := &protected{Site: site.Start(t, running.Address, "app phpmyadmin\n\t\tpreset phpmyadmin\n", site.Options{}), app: phpMyAdmin}
	try := func(c *site.Client, page site.Answer, name, password string) site.Answer {
		t.Helper()
		return c.Post("/index.php?route=/", url.Values{
			"pma_username": {name}, "pma_password": {password}, "server": {"1"}, "route": {"/"},
			"token":       {html.UnescapeString(site.Find(t, phpMyAdminToken, page.Text))},
			"set_session": {site.Find(t, phpMyAdminSession, page.Text)},
		})
	}
	c := p.Client(t)
	page := try(c, c.Get("/"), apps.Alice.Name, "wrong")
	page.Wants(t, http.StatusOK, "")
	p.wantsState(t, c, "anonymous", "")
	page = try(c, page, apps.Alice.Name, "wrong again")
	page.Wants(t, http.StatusOK, "")
	try(c, page, apps.Alice.Name, apps.Alice.Password)
	p.wantsState(t, c, "verified", apps.Alice.Name)
	p.wantsOpen(t, c)

	other := p.Client(t)
	page = try(other, other.Get("/"), apps.Alice.Name, "wrong")
	try(other, page, apps.Bob.Name, apps.Bob.Password)
	if state, user := p.status(t, other); state != "anonymous" {
		t.Errorf("what a login of alice's set went with one of bob's: the session is %s of %q", state, user)
	}
}
