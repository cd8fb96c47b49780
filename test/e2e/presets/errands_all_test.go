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

// TestP1_MediaWikiErrands: the same attack as on DokuWiki. What MediaWiki does depends on `title`, or on the path after
// index.php. A form with a field wpLoginToken was a login to the gateway, but not to the page it was sent to. So a
// stranger without a password could read and write a wiki that shows its pages to everybody who reaches it.
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

	// Whatever the form's address may have appended leads to the form.
	for _, path := range []string{"/index.php", "/index.php/Special:UserLogin", "/index.php?title=Special:UserLogin&returnto=Main+Page&uselang=de"} {
		c := p.Client(t)
		got := c.Do("POST", path, form(), login+"&title=Special:UserLogin&force=&wpEditToken=%2B%5C&wploginattempt=Log+in")
		if got.StatusCode != http.StatusOK || strings.Contains(got.Text, page) || !strings.Contains(got.Text, `name="wpPassword"`) {
			t.Errorf("%s: %d %.600s", path, got.StatusCode, got.Text)
		}
	}
}

// TestP1_PocketBaseLogins: a login's query changes PocketBase's answer. With `fields` the answer has no token, so that
// it was not withheld; with `expand` it shows records that belong to the account. A thief with the password could read
// these before any factor.
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

// TestP1_DirectusLogins: a login's query changes Directus' answer. With `export=json` the token is at another place,
// where the gateway did not look for it, and a thief with the password alone got it.
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

// TestP4_PHPMyAdminPasswordsElsewhere: from her own verified session, mallory sends a form with alice's password to the
// address for SQL statements. It is padded so that the name comes after the part that the gateway examines. It must be
// refused before phpMyAdmin sees it.
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

// TestIcingaTellsItsScript: Icinga's own script also sends the form, and learns of a wrong password like a page.
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
