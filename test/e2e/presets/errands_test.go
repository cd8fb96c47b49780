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

// behind returns an app behind a gateway with its preset, and the same app without the gateway.
func (a app) behind(t *testing.T, running *apps.App) (p *protected, direct *site.Site) {
	t.Helper()
	lines := "app " + a.preset + "\n\t\tpreset " + a.preset + "\n\t\ttotp {\n\t\t\tskew 10\n\t\t}\n" + a.more
	return &protected{Site: site.Start(t, running.Address, lines, site.Options{}), app: a}, &site.Site{Address: running.Address, URL: "http://" + running.Address}
}

// lay writes a file of a running app.
func lay(t testing.TB, running *apps.App, name, text string) {
	t.Helper()
	path := filepath.Join(running.Folder, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// tryErrands sends logins with an errand. Each goes to the app itself, where `shows` must find the errand done, and to
// the gateway, which must refuse it before the app has seen it.
func (p *protected) tryErrands(t *testing.T, running *apps.App, direct *site.Site, errands []errand) {
	t.Helper()
	for _, e := range errands {
		header := e.header
		if header == nil {
			header = form()
		}
		control := direct.Client(t)
		if e.before != nil {
			e.before(control)
		}
		if got := control.Do("POST", e.path, header.Clone(), e.body); !e.shows(t, control, got) {
			t.Errorf("%s: the app itself answers %d, so that the test shows nothing: %.600s", e.name, got.StatusCode, got.Text)
		}
		if e.undo != nil {
			e.undo()
		}
		c := p.Client(t)
		if e.before != nil {
			e.before(c)
		}
		before := strings.Count(running.Log(), "\n")
		got := c.Do("POST", e.path, header.Clone(), e.body)
		if got.StatusCode != http.StatusBadRequest || e.shows(t, c, got) {
			t.Errorf("%s: the gateway answers %d, want 400: %.600s", e.name, got.StatusCode, got.Text)
		}
		p.wantsState(t, c, "anonymous", "")
		if e.logs && strings.Count(running.Log(), "\n") != before {
			t.Errorf("%s: the app has seen it", e.name)
		}
	}
}

// errand is a login that does something else as well.
type errand struct {
	name, path, body string
	header           http.Header
	// before is what the client does first.
	before func(*site.Client)
	// shows reports whether the errand was done.
	shows func(testing.TB, *site.Client, site.Answer) bool
	undo  func()
	// logs: the app writes a line for each request.
	logs bool
}

// tells makes a `shows` for an errand that is done if its answer has the text.
func tells(text string) func(testing.TB, *site.Client, site.Answer) bool {
	return func(_ testing.TB, _ *site.Client, got site.Answer) bool { return strings.Contains(got.Text, text) }
}

// TestP1_DokuWikiErrands: DokuWiki has one address for everything. It answers a failed login with whatever page the
// login asks for (`u=x&p=x&do=export_raw&id=intern:x`), and saves what the login brings. So if a wiki shows its pages
// to everybody and relies on a gateway that opens none of them, a stranger without a password could read and write all
// pages.
func TestP1_DokuWikiErrands(t *testing.T) {
	t.Parallel()
	running := apps.StartDokuWiki(t)
	lay(t, running, "conf/acl.auth.php", "# <?php exit()?>\n*\t@ALL\t8\n*\t@user\t8\n")
	lay(t, running, "data/pages/intern/x.txt", "====== Intern ======\n\nINTERN4712 for the house only\n")
	lay(t, running, "data/pages/intern/sidebar.txt", "SIDEBAR4713\n")
	lay(t, running, "data/media/intern/plan4714.txt", "a plan")
	p, direct := dokuWiki.behind(t, running)
	written := filepath.Join(running.Folder, "data/pages/intern/new.txt")
	saved := func(testing.TB, *site.Client, site.Answer) bool { _, err := os.Stat(written); return err == nil }
	undo := func() { _ = os.Remove(written) }
	const page = "INTERN4712"
	p.tryErrands(t, running, direct, []errand{
		{name: "export_raw", path: "/doku.php", body: "u=x&p=x&id=intern:x&do=export_raw", shows: tells(page)},
		{name: "nothing asked for", path: "/doku.php", body: "u=x&p=x&id=intern:x", shows: tells(page)},
		{name: "nothing asked for, in the address", path: "/doku.php?id=intern:x", body: "u=x&p=x", shows: tells(page)},
		{name: "show in the address", path: "/doku.php?do=show", body: "u=x&p=x&id=intern:x", shows: tells(page)},
		{name: "login and show", path: "/doku.php?do=login", body: "u=x&p=x&id=intern:x&do=show", shows: tells(page)},
		{name: "search", path: "/doku.php?do=export_xhtml", body: "u=x&p=x&id=intern:x", shows: tells(page)},
		{name: "save", path: "/doku.php", body: "u=x&p=x&id=intern:new&do=save&wikitext=hello&prefix=.&suffix=&date=&summary=s", shows: saved, undo: undo},
		{name: "in parts", path: "/doku.php", header: http.Header{"Content-Type": {"multipart/form-data; boundary=x"}}, body: "--x\r\nContent-Disposition: form-data; name=\"u\"\r\n\r\nx\r\n" +
			"--x\r\nContent-Disposition: form-data; name=\"do\"\r\n\r\nexport_raw\r\n--x\r\nContent-Disposition: form-data; name=\"id\"\r\n\r\nintern:x\r\n--x--\r\n", shows: tells(page)},
		{name: "another program", path: "/lib/exe/mediamanager.php?ns=intern", body: "u=x&p=x", shows: tells("plan4714")},
		{name: "the list of changes", path: "/feed.php?mode=list&ns=intern", body: "u=x&p=x", shows: tells("intern:x")},
		{name: "one file", path: "/lib/exe/fetch.php?media=intern:plan4714.txt", body: "u=x&p=x", shows: tells("a plan")},
	})

	// A failed login without an errand shows the login form, and nothing of the page at its address.
	for _, id := range []string{"intern:x", "start"} {
		c := p.Client(t)
		got := c.Post("/doku.php?id="+id, url.Values{"u": {"alice"}, "p": {"wrong"}, "do": {"login"}, "id": {id}, "sectok": {""}})
		for _, text := range []string{page, "SIDEBAR4713"} {
			if strings.Contains(got.Text, text) {
				t.Errorf("a failed login at %s shows %s", id, text)
			}
		}
	}
	p.tryOwnForm(t, "/doku.php?do=login", "Sorry, username or password was wrong.")
}

// TestP1_DokuWikiDrafts: the thief has alice's password. With it he sends a login that also asks for a preview, which
// keeps a draft and locks the page. DokuWiki does that as alice within the same request, before any factor is asked
// for.
func TestP1_DokuWikiDrafts(t *testing.T) {
	t.Parallel()
	running := apps.StartDokuWiki(t)
	p, direct := dokuWiki.behind(t, running)
	p.enrolOwner(t)
	locked := func(testing.TB, *site.Client, site.Answer) bool {
		locks, err := filepath.Glob(filepath.Join(running.Folder, "data/locks/*.lock"))
		if err != nil {
			t.Fatal(err)
		}
		return len(locks) > 0
	}
	undo := func() {
		locks, _ := filepath.Glob(filepath.Join(running.Folder, "data/locks/*.lock"))
		for _, lock := range locks {
			_ = os.Remove(lock)
		}
	}
	// sectok depends on the session, the browser and the account, all of which the thief may know. No page here checks
	// it.
	body := "u=alice&p=" + apps.Alice.Password + "&id=start&do=edit"
	p.tryErrands(t, running, direct, []errand{
		{name: "edit", path: "/doku.php", body: body, shows: locked, undo: undo},
		{name: "edit, in the address", path: "/doku.php?do=edit", body: "u=alice&p=" + apps.Alice.Password + "&id=start", shows: locked, undo: undo},
	})
}

// TestP4_DokuWikiPasswordsElsewhere: mallory has alice's password and an account of her own, with a factor. From her
// own verified session she sends the password to XML-RPC, which acts at once: the answer was withheld, since the wiki
// said that this was alice now, but the page had been written. All such requests must be refused before the wiki sees
// them, however much padding they have around the name.
func TestP4_DokuWikiPasswordsElsewhere(t *testing.T) {
	t.Parallel()
	running := apps.StartDokuWiki(t)
	conf := filepath.Join(running.Folder, "conf/local.php")
	text, err := os.ReadFile(conf)
	if err != nil {
		t.Fatal(err)
	}
	lay(t, running, "conf/local.php", string(text)+"$conf['remote'] = 1;\n$conf['remoteuser'] = '@user';\n")
	lay(t, running, "conf/acl.auth.php", "# <?php exit()?>\n*\t@ALL\t0\n*\t@user\t8\nsecret:*\t@user\t0\nsecret:*\talice\t8\n")
	p, direct := dokuWiki.behind(t, running)
	p.enrolOwner(t)
	mallory := p.Client(t)
	p.signIn(t, mallory, apps.Mallory)
	mallory.Enrol(10)
	p.wantsState(t, mallory, "verified", "mallory")

	put := strings.Replace(xmlCall("wiki.putPage", "secret:x", "written by mallory"), "</params>", "<param><value><struct></struct></value></param></params>", 1)
	xml := http.Header{"Content-Type": {"text/xml"}}
	password := "u=alice&p=" + apps.Alice.Password
	written := filepath.Join(running.Folder, "data/pages/secret/x.txt")
	done := func() bool { _, err := os.Stat(written); _ = os.Remove(written); return err == nil }
	padding := "x=" + strings.Repeat("x", 200<<10) + "&"
	for _, door := range []struct {
		name, path, body string
		header           http.Header
		acts             bool
		status           int
	}{
		{"XML-RPC", "/lib/exe/xmlrpc.php?" + password, put, xml, true, http.StatusBadRequest},
		{"XML-RPC, spelled otherwise", "/lib/exe/xmlrpc.php?x&%75=alice&p=" + apps.Alice.Password, put, xml, true, http.StatusBadRequest},
		{"a form that saves", "/doku.php?id=secret:x", padding + "do=save&wikitext=x&prefix=.&suffix=&date=&summary=s&" + password, form(), false, http.StatusRequestEntityTooLarge},
		{"a form elsewhere", "/lib/exe/ajax.php", padding + "call=draft&" + password, form(), false, http.StatusBadRequest},
		{"a form too long to look at", "/lib/exe/ajax.php", "x=" + strings.Repeat("x", 1<<20) + "&" + password, form(), false, http.StatusRequestEntityTooLarge},
	} {
		if door.acts {
			if got := direct.Client(t).Do("POST", door.path, door.header.Clone(), door.body); !done() {
				t.Errorf("%s: the app itself answers %d, so that the test shows nothing: %.300s", door.name, got.StatusCode, got.Text)
			}
		}
		got := mallory.Do("POST", door.path, door.header.Clone(), door.body)
		if got.StatusCode != door.status || done() {
			t.Errorf("%s: %d, want %d: %.300s", door.name, got.StatusCode, door.status, got.Text)
		}
		p.wantsState(t, mallory, "verified", "mallory")
	}
	// She can still do what her own account may.
	if got := mallory.Do("POST", "/lib/exe/xmlrpc.php", xml, strings.Replace(put, "secret:x", "open:x", 1)); !strings.Contains(got.Text, "<boolean>1</boolean>") {
		t.Errorf("her own page: %d %.300s", got.StatusCode, got.Text)
	}
}

// TestOwnForms: the login form of each of these apps sends nothing that its preset does not describe, and a mistyped
// password shows the app's message.
func TestOwnForms(t *testing.T) {
	t.Parallel()
	for _, test := range ownForms {
		t.Run(test.app.preset, func(t *testing.T) {
			t.Parallel()
			p, _ := test.app.behind(t, test.app.start(t))
			p.tryOwnForm(t, test.page, test.message)
		})
	}
}

// ownForms are the login forms of the light apps; errands_all_test.go adds the rest.
var ownForms = []struct {
	app           app
	page, message string
}{
	{djangoAdmin, "/admin/login/?next=/admin/", "Please enter the correct"},
	{znc, "/", ""},
}

// TestWrongPasswordAtAScript: an app's script gets the app's own answer to a wrong password. A preset has to name such
// an answer if its status is a success and it is no page, because otherwise it could be that of a successful login and
// is not shown.
func TestWrongPasswordAtAScript(t *testing.T) {
	t.Parallel()
	for _, a := range scripts {
		t.Run(a.preset, func(t *testing.T) {
			t.Parallel()
			p, direct := a.behind(t, a.start(t))
			wrong := a.owner
			wrong.Password = "not-" + wrong.Password
			want := p.signIn(t, direct.Client(t), wrong)
			c := p.Client(t)
			got := p.signIn(t, c, wrong)
			if got.StatusCode != want.StatusCode || got.Text != want.Text || got.Header.Get("Content-Type") != want.Header.Get("Content-Type") {
				t.Errorf("%d %s %.300s, and from the app itself %d %s %.300s", got.StatusCode, got.Header.Get("Content-Type"), got.Text,
					want.StatusCode, want.Header.Get("Content-Type"), want.Text)
			}
			p.wantsState(t, c, "anonymous", "")
		})
	}
}

// scripts are the light apps that sign in by script; errands_all_test.go adds the rest.
var scripts = []app{qBittorrent}
