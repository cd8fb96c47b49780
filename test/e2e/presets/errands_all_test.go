//go:build allapps

package presets

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/e2e/apps"
	"sallyport.example/sallyport/test/site"
)

func init() {
	scripts = append(scripts, directus, nodeRED, pocketBase, verdaccio)
	ownForms = append(ownForms, []struct {
		app           app
		page, message string
	}{
		{mediaWiki, "/index.php?title=Special:UserLogin", "Incorrect username or password entered"},
		{phpMyAdmin, "/", "Cannot log in to the MySQL server"},
		{wordPress, "/wp-login.php", "The password you entered for the username"},
		{icingaWeb2, "/authentication/login", "Incorrect username or password"},
		{ttRSS, "/", ""},
	}...)
}

// TestP1_MediaWikiErrands: as with DokuWiki. What MediaWiki does is in `title`, or in what stands behind index.php, and
// a form with a field wpLoginToken is a login to the gateway and nothing to a page: a wiki that shows its pages to
// everybody was read and written by a stranger without a password.
func TestP1_MediaWikiErrands(t *testing.T) {
	t.Parallel()
	running := apps.StartMediaWiki(t)
	settings := filepath.Join(running.Folder, "LocalSettings.php")
	text, err := os.ReadFile(settings)
	if err != nil {
		t.Fatal(err)
	}
	lay(t, running, "LocalSettings.php", string(text)+"\n$wgGroupPermissions['*']['read'] = true;\n")
	p, direct := mediaWiki.behind(t, running)
	const page = "Welcome to the harbour wiki."
	login := "wpLoginToken=x&wpName=x&wpPassword=x&authAction=login"
	p.tryErrands(t, running, direct, []errand{
		{name: "raw", path: "/index.php?title=Main_Page&action=raw", body: login, shows: tells(page)},
		{name: "a page", path: "/index.php?title=Main_Page", body: login, shows: tells(page)},
		{name: "a page, in the body", path: "/index.php", body: login + "&title=Main_Page", shows: tells(page)},
		{name: "the first page", path: "/index.php", body: login, shows: func(t testing.TB, c *site.Client, got site.Answer) bool {
			return strings.Contains(got.Text, page) || strings.Contains(got.Location(), "Main_Page")
		}},
		{name: "a page by path", path: "/index.php/Main_Page", body: login, shows: tells(page)},
		{name: "a page by path, with the login's title", path: "/index.php/Main_Page", body: login + "&title=Special:UserLogin", shows: tells(page)},
		{name: "the login's title in the address alone", path: "/index.php?title=Special:UserLogin", body: login + "&title=Main_Page", shows: tells(page)},
		{name: "a page by its number", path: "/index.php?title=Special:UserLogin&curid=1", body: login, shows: tells(page)},
		{name: "all pages", path: "/index.php?title=Special:AllPages", body: login, shows: tells("Main Page")},
		{name: "the interface for programs", path: "/api.php?action=query&titles=Main_Page&prop=revisions&rvprop=content&format=json", body: login, shows: tells(page)},
		{name: "the other interface for programs", path: "/rest.php/v1/search/page?q=harbour", header: form(), body: login, shows: func(t testing.TB, c *site.Client, got site.Answer) bool {
			return got.StatusCode == http.StatusOK || got.StatusCode == http.StatusMethodNotAllowed
		}},
	})

	// All that the form's address may have behind it leads to the form.
	for _, path := range []string{"/index.php", "/index.php/Special:UserLogin", "/index.php?title=Special:UserLogin&returnto=Main+Page&uselang=de"} {
		c := p.Client(t)
		got := c.Do("POST", path, form(), login+"&title=Special:UserLogin&force=&wpEditToken=%2B%5C&wploginattempt=Log+in")
		if got.StatusCode != http.StatusOK || strings.Contains(got.Text, page) || !strings.Contains(got.Text, `name="wpPassword"`) {
			t.Errorf("%s: %d %.600s", path, got.StatusCode, got.Text)
		}
	}
}

// TestP1_PocketBaseLogins: PocketBase answers a login as its query says: with `fields` it leaves its token out, so that
// nothing was withheld, and with `expand` it shows what belongs to the account. The thief has the password, and read it
// before any factor.
func TestP1_PocketBaseLogins(t *testing.T) {
	t.Parallel()
	running := apps.StartPocketBase(t)
	p, direct := pocketBase.behind(t, running)
	p.enrolOwner(t)
	body := `{"identity":"` + p.owner.Name + `","password":"` + p.owner.Password + `"}`
	const login = "/api/collections/_superusers/auth-with-password"
	p.tryErrands(t, running, direct, []errand{
		{name: "fields", path: login + "?fields=record", header: jsonHeader(), body: body, shows: tells(`"record":{`)},
		{name: "expand", path: login + "?expand=x", header: jsonHeader(), body: body, shows: tells(`"token":"`)},
		{name: "fields in a form", path: login + "?fields=record", body: url.Values{"identity": {p.owner.Name}, "password": {p.owner.Password}}.Encode(), shows: tells(`"record":{`)},
	})
	p.wantsChallenge(t, p.signIn(t, p.Client(t), p.owner))
}

// TestP1_DirectusLogins: Directus answers a login as its query says: with `export=json` its token stands at another
// place, where nobody looked for it, and went to the thief, who had the password alone.
func TestP1_DirectusLogins(t *testing.T) {
	t.Parallel()
	running := apps.StartDirectus(t)
	p, direct := directus.behind(t, running)
	p.enrolOwner(t)
	body := func(mode string) string {
		return `{"email":"` + p.owner.Name + `","password":"` + p.owner.Password + `"` + mode + `}`
	}
	p.tryErrands(t, running, direct, []errand{
		{name: "export", path: "/auth/login?export=json", header: jsonHeader(), body: body(`,"mode":"json"`), shows: tells(`"access_token": "`)},
		{name: "export, no mode", path: "/auth/login?export=yaml", header: jsonHeader(), body: body(``), shows: tells(`access_token: `)},
		{name: "fields", path: "/auth/login?fields=x", header: jsonHeader(), body: body(`,"mode":"session"`), shows: func(t testing.TB, c *site.Client, got site.Answer) bool {
			return got.StatusCode == http.StatusOK
		}},
	})
	p.wantsChallenge(t, p.signIn(t, p.Client(t), p.owner))
}

// TestP4_PHPMyAdminPasswordsElsewhere: from mallory's own verified session, a form with alice's password, padded so
// that the name lay beyond what was looked at, at the address of a statement: refused before phpMyAdmin sees it.
func TestP4_PHPMyAdminPasswordsElsewhere(t *testing.T) {
	t.Parallel()
	running := apps.StartPHPMyAdmin(t)
	p, direct := phpMyAdmin.behind(t, running)
	p.enrolOwner(t)
	guest := p.Client(t)
	p.signIn(t, guest, p.guest)
	guest.Enrol(10)
	for _, padding := range []string{"", "x=" + strings.Repeat("x", 70<<10) + "&", "x=" + strings.Repeat("x", 900<<10) + "&", "x=" + strings.Repeat("x", 2<<20) + "&"} {
		for _, path := range []string{"/index.php?route=/sql", "/index.php/x?route=/", "/url.php", "/index.php?route=/"} {
			got := guest.Do("POST", path, form(), padding+"server=1&route=/sql&sql_query=SELECT+1&pma_username=alice&pma_password="+apps.Alice.Password)
			if got.StatusCode != http.StatusBadRequest && got.StatusCode != http.StatusRequestEntityTooLarge {
				t.Errorf("%s with %d bytes: %d %.300s", path, len(padding), got.StatusCode, got.Text)
			}
			p.wantsState(t, guest, "verified", p.guest.Name)
		}
	}
	p.wantsOpen(t, guest)
	control := direct.Client(t)
	if got := p.signIn(t, control, p.owner); got.StatusCode != http.StatusFound {
		t.Errorf("the app itself: %d", got.StatusCode)
	}
}

// TestIcingaTellsItsScript: Icinga's own script sends the form as well, and is told of a wrong password as a page is.
func TestIcingaTellsItsScript(t *testing.T) {
	t.Parallel()
	p, direct := icingaWeb2.behind(t, apps.StartIcingaWeb2(t))
	try := func(c *site.Client) site.Answer {
		c.Get("/authentication/login")
		f := loginForm(t, c.Get("/authentication/login"))
		f.values.Set(f.name, "alice")
		f.values.Set(f.password, "wrong")
		header := form()
		header.Set("X-Icinga-Accept", "text/html")
		header.Set("X-Requested-With", "XMLHttpRequest")
		return c.Do("POST", "/authentication/login", header, f.values.Encode())
	}
	want, c := try(direct.Client(t)), p.Client(t)
	got := try(c)
	if got.StatusCode != want.StatusCode || !strings.Contains(got.Text, "Incorrect username or password") {
		t.Errorf("%d %v %.300s, and from the app itself %d %v", got.StatusCode, got.Header, got.Text, want.StatusCode, want.Header)
	}
	p.wantsState(t, c, "anonymous", "")
}
