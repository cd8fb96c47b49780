package e2e

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/e2e/apps"
	"sallyport.example/sallyport/test/e2e/browser"
	"sallyport.example/sallyport/test/site"
)

const wikiWords = "Welcome to the harbour wiki."

// wikiLeave is the link by which the wiki signs out.
var wikiLeave = regexp.MustCompile(`href="([^"]*do=logout[^"]*)"`)

// dokuWiki is DokuWiki as Debian packages it.
var dokuWiki = realApp{
	example:   "dokuwiki.Caddyfile",
	start:     apps.StartDokuWiki,
	loginPage: "/doku.php?do=login",
	home:      "/doku.php?id=start",
	protected: []string{"/", "/doku.php", "/doku.php?do=profile", "/doku.php?id=start&do=export_raw"},
	doors:     []string{"/feed.php", "/lib/exe/ajax.php", "/lib/exe/detail.php", "/lib/exe/fetch.php", "/lib/exe/xmlrpc.php", "/lib/exe/taskrunner.php", "/data/pages/start.txt"},
	words:     []string{wikiWords, apps.Alice.Email},
	signIn: func(t testing.TB, c *site.Client, name, password string) site.Answer {
		t.Helper()
		return c.Post("/doku.php?id=start", url.Values{
			"sectok": {""}, "id": {"start"}, "do": {"login"}, "u": {name}, "p": {password},
		})
	},
	signOut: func(t testing.TB, c *site.Client) {
		t.Helper()
		link := site.Find(t, wikiLeave, c.Get("/doku.php?id=start").Wants(t, http.StatusOK, "").Text)
		c.Get(strings.ReplaceAll(link, "&amp;", "&")).Wants(t, http.StatusFound, "")
	},
	typeIn: func(b *browser.Browser, name, password string) browser.Answer {
		b.Fill("#dw__login [name=u]", name)
		b.Fill("#dw__login [name=p]", password)
		return b.Follow(browser.Labelled("Log In"))
	},
	leave: func(b *browser.Browser) { b.Follow("a[href*='do=logout']") },
	work: func(t testing.TB, b *browser.Browser) {
		t.Helper()
		b.Goto(strings.TrimSuffix(b.Location(), b.Path()) + "/doku.php?id=harbour&do=edit")
		b.Fill("#wiki__text", "The tide comes in at seven.")
		b.Follow(browser.Labelled("Save"))
		if words := b.Text("#dokuwiki__content"); !strings.Contains(words, "The tide comes in at seven.") {
			t.Errorf("the page was not saved: %s", words)
		}
	},
}

// TestDokuWiki uses one wiki for all parts. Each part has its own gateway.
func TestDokuWiki(t *testing.T) {
	t.Parallel()
	app := dokuWiki.start(t)
	t.Run("by HTTP", func(t *testing.T) { dokuWiki.behind(t, app).walkByHTTP(t) })
	t.Run("in a browser", func(t *testing.T) { dokuWiki.behind(t, app).walkInBrowser(t) })
	t.Run("names", func(t *testing.T) { testDokuWikiNames(t, dokuWiki.behind(t, app)) })
	t.Run("side doors", func(t *testing.T) { testDokuWikiSideDoors(t, dokuWiki.behind(t, app)) })
	t.Run("questions", func(t *testing.T) { testDokuWikiQuestions(t, dokuWiki.behind(t, app)) })
	t.Run("a long page", func(t *testing.T) { testDokuWikiLongPage(t, dokuWiki.behind(t, app)) })
}

// testDokuWikiNames: the wiki takes ALICE and names with spaces for alice, so alice's factor is asked for.
func testDokuWikiNames(t *testing.T, a *protectedApp) {
	owner := a.Client(t)
	a.signIn(t, owner, apps.Alice.Name, apps.Alice.Password)
	factor, _ := owner.Enrol(1)
	for _, name := range []string{"ALICE", "Alice", " alice", "alice ", "\u00a0alice"} {
		c := a.Client(t)
		got := a.signIn(t, c, name, apps.Alice.Password)
		a.tellsNothing(t, got)
		if strings.TrimSpace(name) == name && name[0] < 0x80 && !leadsTo(got, "/second-factor/challenge") {
			t.Errorf("%q: %d to %q", name, got.StatusCode, got.Location())
		}
		if status := c.Status(); !strings.Contains(status, `"anonymous"`) && !strings.Contains(status, `"pending","user":"alice"`) {
			t.Errorf("%q: %s", name, status)
		}
	}
	c := a.Client(t)
	a.signIn(t, c, "ALICE", apps.Alice.Password)
	c.Pass(factor).Wants(t, http.StatusSeeOther, a.home)
	wantsState(t, c, "verified", apps.Alice.Name)
}

// testDokuWikiSideDoors: somebody brings Alice's password to each of the wiki's other ways in: as a stranger, after the
// password was typed, and from a session that is verified with a factor of his own.
func testDokuWikiSideDoors(t *testing.T, a *protectedApp) {
	owner := a.Client(t)
	a.signIn(t, owner, apps.Alice.Name, apps.Alice.Password)
	owner.Enrol(1)
	bob := a.Client(t)
	a.signIn(t, bob, apps.Bob.Name, apps.Bob.Password)
	_, bobsCodes := bob.Enrol(1)

	query := url.Values{"u": {apps.Alice.Name}, "p": {apps.Alice.Password}}.Encode()
	basic := func() http.Header {
		request := &http.Request{Header: http.Header{}}
		request.SetBasicAuth(apps.Alice.Name, apps.Alice.Password)
		return request.Header
	}
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	remote := `<?xml version="1.0"?><methodCall><methodName>dokuwiki.login</methodName><params><param><value><string>` +
		apps.Alice.Name + `</string></value></param><param><value><string>` + apps.Alice.Password + `</string></value></param></params></methodCall>`
	doors := []struct {
		name, method, path string
		header             http.Header
		body               string
		// closed: the gateway drops what this way in needs, so nobody is signed in, and the session's user stays the
		// same.
		closed bool
	}{
		{"query", "GET", "/doku.php?id=start&" + query, nil, "", false},
		{"query on the login page", "GET", "/doku.php?do=login&" + query, nil, "", false},
		{"query of the feed", "GET", "/feed.php?" + query, nil, "", false},
		{"query of a script", "GET", "/lib/exe/ajax.php?call=linkwiz&" + query, nil, "", false},
		{"query of a style", "GET", "/lib/exe/css.php?" + query, nil, "", true},
		{"query of the scripts", "GET", "/lib/exe/js.php?" + query, nil, "", true},
		{"form on any page", "POST", "/feed.php", form, query, false},
		{"form without do", "POST", "/doku.php", form, query, false},
		{"Basic", "GET", "/doku.php?id=start", basic(), "", true},
		{"Basic on a style", "GET", "/lib/exe/css.php", basic(), "", true},
		{"XML-RPC", "POST", "/lib/exe/xmlrpc.php", http.Header{"Content-Type": {"text/xml"}}, remote, false},
		{"XML-RPC with Basic", "POST", "/lib/exe/xmlrpc.php", basic(), strings.Replace(remote, "dokuwiki.login", "wiki.getAllPages", 1), true},
	}
	for _, door := range doors {
		header := door.header.Clone()
		stranger := a.Client(t)
		a.tellsNothing(t, stranger.Do(door.method, door.path, header, door.body))
		if status := stranger.Status(); !strings.Contains(status, `"anonymous"`) && !strings.Contains(status, `"pending","user":"alice"`) {
			t.Errorf("%s, a stranger: %s", door.name, status)
		}
		a.mustNotRead(t, stranger, door.name)

		pending := a.Client(t)
		a.signIn(t, pending, apps.Alice.Name, apps.Alice.Password)
		a.tellsNothing(t, pending.Do(door.method, door.path, header, door.body))
		wantsState(t, pending, "pending", apps.Alice.Name)
		a.mustNotRead(t, pending, door.name)

		// Bob may read the wiki's pages, but never as Alice.
		got := bob.Do(door.method, door.path, header, door.body)
		if strings.Contains(got.Text, apps.Alice.Email) {
			t.Errorf("%s: Bob reads what is Alice's", door.name)
		}
		status := bob.Status()
		switch {
		case strings.Contains(status, `"verified","user":"bob"`):
			if page := bob.Get("/doku.php?do=profile"); !strings.Contains(page.Text, apps.Bob.Email) || strings.Contains(page.Text, apps.Alice.Email) {
				t.Errorf("%s: Bob's session is somebody else's", door.name)
			}
		case door.closed || !strings.Contains(status, `"pending","user":"alice"`):
			t.Fatalf("%s: Bob is now %s", door.name, status)
		default:
			a.mustNotRead(t, bob, door.name)
			bob = a.Client(t)
			a.signIn(t, bob, apps.Bob.Name, apps.Bob.Password).Wants(t, http.StatusSeeOther, "/second-factor/challenge")
			bob.Own("/recovery", "/recovery", url.Values{"code": {bobsCodes[0]}}).Wants(t, http.StatusSeeOther, a.home)
			bobsCodes = bobsCodes[1:]
		}
	}
}

// mustNotRead tries each protected address; all are closed.
func (a *protectedApp) mustNotRead(t testing.TB, c *site.Client, door string) {
	t.Helper()
	for _, path := range slices.Concat([]string{a.home}, a.protected, a.doors) {
		if got := c.Get(path); got.StatusCode != http.StatusSeeOther {
			t.Errorf("%s: %s answers %d", door, path, got.StatusCode)
		} else {
			a.tellsNothing(t, got)
		}
	}
}

// testDokuWikiLongPage: a page is saved at the address of the login, and may be longer than any login.
func testDokuWikiLongPage(t *testing.T, a *protectedApp) {
	c := a.Client(t)
	a.signIn(t, c, apps.Alice.Name, apps.Alice.Password)
	page := c.Get("/doku.php?id=long&do=edit").Wants(t, http.StatusOK, "")
	values := url.Values{"do[save]": {"1"}, "wikitext": {strings.Repeat("The tide comes in. ", 10_000) + "End of the page."}, "prefix": {"."}, "suffix": {""}}
	for _, field := range regexp.MustCompile(`<input type="hidden" name="(sectok|id|rev|date|changecheck|target)" value="([^"]*)"`).FindAllStringSubmatch(page.Text, -1) {
		values.Set(field[1], field[2])
	}
	c.Post("/doku.php?id=long", values).Wants(t, http.StatusFound, "")
	if page := c.Get("/doku.php?id=long").Wants(t, http.StatusOK, ""); !strings.Contains(page.Text, "End of the page.") {
		t.Error("the page was not saved")
	}
}

// testDokuWikiQuestions: the wiki binds its session to the browser's headers and renews the cookie if they differ. The
// gateway's question who is signed in has the same headers, so reading ten pages does not take ten questions. Each
// change of a cookie is asked about twice: all cookies, and the new one alone.
func testDokuWikiQuestions(t *testing.T, a *protectedApp) {
	c := a.Client(t)
	a.signIn(t, c, apps.Alice.Name, apps.Alice.Password)
	before := strings.Count(a.app.Log(), "/doku.php?do=profile")
	for range 10 {
		c.Do("GET", a.home, http.Header{"Accept-Encoding": {"gzip, deflate, br, zstd"}, "Accept-Language": {"de"}}, "").Wants(t, http.StatusOK, "")
	}
	if asked := strings.Count(a.app.Log(), "/doku.php?do=profile") - before; asked > 4 {
		t.Errorf("%d questions for ten pages", asked)
	}
}
