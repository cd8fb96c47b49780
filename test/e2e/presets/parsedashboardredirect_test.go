//go:build allapps

package presets

import (
	"net/http"
	"net/url"
	"testing"

	"sallyport.example/sallyport/test/e2e/apps"
	"sallyport.example/sallyport/test/site"
)

// TestParseDashboardRedirect: the dashboard redirects a browser without a session, for example after a restart, to its
// login with the requested page, which the login form then has in a field. The preset allows that field as long as its
// value is one of the dashboard's own pages. The app itself also accepts others.
func TestParseDashboardRedirect(t *testing.T) {
	t.Parallel()
	p, direct := parseDashboard.behind(t, apps.StartParseDashboard(t))
	const page = "/apps/harbour/browser?filters=[]"
	signIn := func(c *site.Client, account apps.Account, redirect string) site.Answer {
		form := c.Get("/login?redirect="+url.QueryEscape(redirect)).Wants(t, http.StatusOK, "")
		return c.Post("/login", url.Values{
			"username": {account.Name}, "password": {account.Password}, "_csrf": {site.Find(t, parseToken, form.Text)}, "redirect": {redirect},
		})
	}
	control := direct.Client(t)
	if got := control.Get(page).Location(); got != "/login?redirect="+page {
		t.Fatalf("the app sends a stranger to %q", got)
	}
	signIn(control, p.owner, page).Wants(t, http.StatusFound, page)

	// A user without a factor gets there at once; a user with one is asked for it first.
	c := p.Client(t)
	signIn(c, p.owner, page).Wants(t, http.StatusFound, page)
	p.wantsState(t, c, "verified", p.owner.Name)
	authenticator, _ := c.Enrol(1)
	c = p.Client(t)
	p.wantsChallenge(t, signIn(c, p.owner, page))
	c.Pass(authenticator).Wants(t, http.StatusSeeOther, page)
	p.wantsOpen(t, c)

	// A wrong password leads back to the login, with the requested page kept.
	c = p.Client(t)
	wrong := p.owner
	wrong.Password = "not-" + wrong.Password
	back := signIn(c, wrong, "/apps/harbour/browser").Wants(t, http.StatusFound, "/login?redirect=/apps/harbour/browser")
	c.Get(back.Location()).Wants(t, http.StatusOK, "")
	p.wantsState(t, c, "anonymous", "")

	left := 0
	for _, elsewhere := range []string{
		"/\\elsewhere.example", "\\elsewhere.example", "/\t/elsewhere.example", "//elsewhere.example", "https://elsewhere.example", "/logout", "apps", "/", "/App",
		"javascript:alert(1)", " /apps",
	} {
		if got := signIn(direct.Client(t), p.owner, elsewhere); got.StatusCode == http.StatusFound && got.Location() != "/apps" {
			left++
		}
		c := p.Client(t)
		signIn(c, p.owner, elsewhere).Wants(t, http.StatusBadRequest, "")
		p.wantsState(t, c, "anonymous", "")
	}
	if left == 0 {
		t.Error("the app itself follows none of these, so that the test shows nothing")
	}
}
