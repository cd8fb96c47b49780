package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/internal/match"
)

// TestP1_EveryMethodOnProtectedPaths: a gate that knows GET and POST may be open to PROPFIND, to `get`, or to an
// invented method, and many apps run the same code for all of them. A client that is not verified reaches nothing by
// any of them.
func TestP1_EveryMethodOnProtectedPaths(t *testing.T) {
	t.Parallel()
	s := newSiege(t, demo.Knobs{}, "", nil)
	paths := []string{
		"/", "/files", "/files/x", "/entries", "/api/entries", "/api/me", "/echo", "/sink", "/source?bytes=1", "/events?count=1", "/ws",
		"/static/private/statement.txt", "/logout", "/reset?token=x", "/nowhere",
	}
	methods := []string{
		"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "TRACK", "CONNECT", "PROPFIND", "MKCOL", "QUERY",
		"get", "Get", "post", "MADEUP", "GET_", "x",
	}
	for _, method := range methods {
		for _, path := range paths {
			for _, who := range s.outside {
				for _, accept := range []string{"Accept: text/html", "Accept: application/json"} {
					repelled(t, who.name+": "+method+" "+path, s.fire(t, who, method, path, accept))
				}
			}
		}
		// A verified user's request does arrive, unless nobody may send it.
		got := s.fire(t, s.alice, method, "/echo")
		switch method {
		case "TRACE", "TRACK", "CONNECT":
			if got.status != http.StatusMethodNotAllowed || len(got.received) != 0 {
				t.Errorf("%s in a verified session: %d, received %d", method, got.status, len(got.received))
			}
		default:
			if len(got.received) != 1 || got.received[0].Login != "alice" || got.received[0].Method != method {
				t.Errorf("%s in a verified session did not reach the app as it was: %d %+v", method, got.status, got.received)
			}
		}
	}
}

// TestP1_ShutForEverybody: some apps have an address that takes a password with each request and no session (XML-RPC).
// Somebody with an account and a factor of his own could use it with another user's password from his verified session.
// A shut path reaches the app in no spelling, from nobody.
func TestP1_ShutForEverybody(t *testing.T) {
	t.Parallel()
	s := newSiege(t, demo.Knobs{}, "shut /sink*", nil)
	for _, who := range append([]besieger{s.alice}, s.outside...) {
		for _, path := range []string{"/sink", "/sink/x", "/sink?a=/entries", "//sink", "/SINK", "/%73ink", "/sink%2f"} {
			for _, method := range []string{"GET", "POST"} {
				got := s.fire(t, who, method, path, "Accept: application/json")
				if got.status != http.StatusForbidden || len(got.received) != 0 {
					t.Errorf("%s: %s %s: %d, received %d", who.name, method, path, got.status, len(got.received))
				}
			}
		}
	}
	if got := s.fire(t, s.alice, "GET", "/echo"); len(got.received) != 1 {
		t.Errorf("what is not shut: %d", got.status)
	}
}

// TestP1_ShutWithDotsBehind: `shut /xmlrpc.php` could be passed by `/xmlrpc.php/..;`, which the gateway read as `/`,
// and PHP as the program followed by a name. `shut /graphql/system*` could be passed by `/graphql/system/..%2f..%2fx`,
// which a router in JavaScript knows by its beginning. From a verified session of her own, somebody signed in there
// with another user's password. The app in this test goes by the beginning of a path.
func TestP1_ShutWithDotsBehind(t *testing.T) {
	t.Parallel()
	begins := func(app http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.RequestURI, "/rpc.php") {
				r.URL.Path, r.URL.RawPath = "/echo", ""
			}
			app.ServeHTTP(w, r)
		})
	}
	s := newSiege(t, demo.Knobs{}, "shut /rpc.php", begins)
	direct := &siege{ledger: s.ledger, dial: s.pastTheGateway}
	for _, path := range []string{
		"/rpc.php", "/rpc.php/x", "/rpc.php/..;", "/rpc.php/..;x=1", "/rpc.php/x/..;/..;", "/rpc.php/..%3b", "/rpc.php%2f..;", "/rpc.php/%2e%2e;",
		"/rpc.php/..%2f..%2fx", "/rpc.php/../../x", "/rpc.php/%2e%2e/%2e%2e/x", `/rpc.php/..\..\x`, "/rpc.php/%252e%252e/x",
	} {
		if got := direct.fire(t, besieger{}, "POST", path); len(got.received) != 1 {
			t.Errorf("the control: %s: the app itself answers %d", path, got.status)
		}
		for _, who := range append([]besieger{s.alice, s.bob}, s.outside...) {
			repelled(t, who.name+": "+path, s.fire(t, who, "POST", path))
		}
	}
}

// TestP1_PublicFilesHaveNoQuery: a closed wiki could be read by `/favicon.ico?title=Secret`: it had no such file, and
// its web server hands what it does not have to the one program that answers everything.
func TestP1_PublicFilesHaveNoQuery(t *testing.T) {
	t.Parallel()
	front := func(app http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if title := r.URL.Query().Get("title"); title != "" {
				r.URL.Path, r.RequestURI = "/"+title, "/"+title
			}
			app.ServeHTTP(w, r)
		})
	}
	s := newSiege(t, demo.Knobs{}, "public /load.php?*\n", front)
	direct := &siege{ledger: s.ledger, dial: s.pastTheGateway}
	if got := direct.fire(t, besieger{}, "GET", "/favicon.ico?title=echo"); len(got.received) != 1 || got.received[0].Path != "/echo" {
		t.Fatalf("the control: %d %+v", got.status, got.received)
	}
	for _, who := range s.outside {
		for path, want := range map[string]string{
			"/favicon.ico?title=echo": "/favicon.ico", "/static/style.css?title=echo": "/static/style.css", "/load.php?title=echo": "/echo",
		} {
			if got := s.fire(t, who, "GET", path); len(got.received) != 1 || got.received[0].Path != want {
				t.Errorf("%s: %s: %d %+v, want %s", who.name, path, got.status, got.received, want)
			}
		}
	}
}

// TestP1_UnverifiedAnswers: a client that is kept out is led on if it loads a page, and gets a problem document if it
// is a script. Neither ever gets a page instead of data.
func TestP1_UnverifiedAnswers(t *testing.T) {
	t.Parallel()
	s := newSiege(t, demo.Knobs{}, "", nil)
	leadsTo := []string{"/login", "/login", "/second-factor/challenge", "/second-factor/setup", "/login"}
	for i, who := range s.outside {
		page := s.fire(t, who, "GET", "/files", "Sec-Fetch-Mode: navigate")
		if page.status != http.StatusSeeOther || page.header("Location") != leadsTo[i] {
			t.Errorf("%s: a page load got %d to %q", who.name, page.status, page.header("Location"))
		}
		for _, line := range []string{"Accept: */*", "Accept: application/json", "Accept: text/html\r\nSec-Fetch-Mode: cors", "Sec-Fetch-Mode: no-cors"} {
			script := s.fire(t, who, "GET", "/api/entries", line)
			if script.status != http.StatusUnauthorized || script.header("Content-Type") != "application/problem+json" {
				t.Errorf("%s: %s got %d %s", who.name, line, script.status, script.header("Content-Type"))
			}
		}
	}
	if got := s.fire(t, s.alice, "GET", "/files", "Sec-Fetch-Mode: navigate"); got.status != http.StatusOK || len(got.received) != 1 {
		t.Errorf("a verified session got %d", got.status)
	}
}

// climbs are ways out of what is public, or into what is protected below it, for servers that read paths liberally.
// Each is followed by the path that such an app serves.
var climbs = [][2]string{
	{"/static/../files", "/files"},
	{"/static/../static/../files", "/files"},
	{"/static/..%2ffiles", "/files"},
	{"/static/..%2Ffiles", "/files"},
	{"/static%2f../files", "/files"},
	{"/static/%2e%2e/files", "/files"},
	{"/static/.%2e/files", "/files"},
	{"/static/%2e%2e%2ffiles", "/files"},
	{"/static/%252e%252e/files", "/files"},
	{"/static/%252e%252e%252ffiles", "/files"},
	{"/static/..;/files", "/files"},
	{"/static/..;x=y/files", "/files"},
	{"/static/..%3b/files", "/files"},
	{`/static/..%5cfiles`, "/files"},
	{`/static\..\files`, "/files"},
	{"/static//../files", "/files"},
	{"/static/x/../../files", "/files"},
	{"/favicon.ico/../files", "/files"},
	{"/favicon.ico/..%2ffiles", "/files"},
	{"/login/../files", "/files"},
	{"/login/..%2ffiles", "/files"},
	{"/login;/../files", "/files"},
	{"//files", "/files"},
	{"/./files", "/files"},
	{"/%66iles", "/files"},
	{"/files%00/static/x", "/files"},
	{"/files%00.css", "/files"},
	{"/FILES", "/files"},
	{"/static/../", "/"},
	{"/static/..", "/"},
	{"/static/%2e%2e/", "/"},
	{"//", "/"},
	{"/static/private/statement.txt", "/static/private/statement.txt"},
	{"/static//private/statement.txt", "/static/private/statement.txt"},
	{"/static/./private/statement.txt", "/static/private/statement.txt"},
	{"/static/x/../private/statement.txt", "/static/private/statement.txt"},
	{"/static/Private/statement.txt", "/static/private/statement.txt"},
	{"/static/PRIVATE/statement.txt", "/static/private/statement.txt"},
	{"/static/%70rivate/statement.txt", "/static/private/statement.txt"},
	{"/static/%2570rivate/statement.txt", "/static/private/statement.txt"},
	{"/static/private;x/statement.txt", "/static/private/statement.txt"},
	{"/static/private%3bx/statement.txt", "/static/private/statement.txt"},
	{"/static/private%2fstatement.txt", "/static/private/statement.txt"},
	{"/static/private%5cstatement.txt", "/static/private/statement.txt"},
	{"/static/private%252fstatement.txt", "/static/private/statement.txt"},
	{"/static%2fprivate%2fstatement.txt", "/static/private/statement.txt"},
	{"/static/private//statement.txt", "/static/private/statement.txt"},
	{"/static/private/statement.txt%00.css", "/static/private/statement.txt"},
	{"/static/private/statement.txt%20", "/static/private/statement.txt"},
	{"/static/private/statement.txt/", "/static/private/statement.txt"},
	{"/static/private", "/static/private"},
	{"/static/private/", "/static/private"},
	{"/static/PRIVATE", "/static/private"},
	{"/static/private%2f", "/static/private"},
	{"/static/private%00", "/static/private"},
	{"/static/private%00/x", "/static/private"},
	{"/static/private.", "/static/private"},
	{"/static/private%20", "/static/private"},
	{"/static/private%c2%a0", "/static/private"},
}

// TestP1_PublicPathsLeadNowhereElse: an operator opened a public path, and `/static/..%2ffiles` matches `/static/*`. An
// app that decodes and normalises once more than others takes it for `/files`. What `protect` closes inside a public
// path must also stay closed in each spelling.
func TestP1_PublicPathsLeadNowhereElse(t *testing.T) {
	t.Parallel()
	s := newSiege(t, demo.Knobs{LoosePaths: true}, "", nil)
	for _, climb := range climbs {
		for _, method := range []string{"GET", "POST"} {
			for _, who := range s.outside {
				repelled(t, who.name+": "+method+" "+climb[0], s.fire(t, who, method, climb[0], "Accept: text/html"))
			}
		}
		s.wantsRead(t, climb[0], climb[1])
	}
	for _, path := range []string{"/static/style.css", "/static/", "/favicon.ico", "/login", "/login?next=/files"} {
		for _, who := range s.outside {
			if got := s.fire(t, who, "GET", path); len(got.received) != 1 || got.received[0].Login != "" {
				t.Errorf("%s: %s is public and did not reach the app as a stranger's: %d", who.name, path, got.status)
			}
		}
	}
}

// wantsRead is the positive control: in a verified session the app does take path for what it wants, so that the attack
// is a real one. Nobody may send a NUL or a path that leads up; for the latter the control is the app itself.
func (s *siege) wantsRead(t testing.TB, path, want string) {
	t.Helper()
	got := s.fire(t, s.alice, "GET", path)
	climbs := false
	if u, err := url.ParseRequestURI(path); err == nil {
		climbs = match.ParsePath(u).Climbs()
	}
	switch {
	case climbs || strings.Contains(path, "%00"):
		if got.status != http.StatusBadRequest || len(got.received) != 0 {
			t.Errorf("%s in a verified session: %d, received %d; want 400", path, got.status, len(got.received))
		}
		if !climbs {
			return
		}
		past := *s
		past.dial = s.pastTheGateway
		if direct := past.fire(t, s.alice, "GET", path); len(direct.received) != 1 || direct.received[0].Path != want {
			t.Errorf("%s: the app itself took it for %+v, want %s (%d)", path, direct.received, want, direct.status)
		}
	case len(got.received) != 1 || got.received[0].Path != want:
		t.Errorf("%s: the app took it for %+v, want %s (%d)", path, got.received, want, got.status)
	}
}

// spelledLogin are addresses that are no canonical login, but that the app takes for its login.
var spelledLogin = []string{
	"//login", "/login/", "/login;x", "/LOGIN", "/Login", "/%6cogin", "/login%00", "/login%00x", "/login%20", "/login.", "/./login", "/x/../login",
	"/static/../login", "/static/..%2flogin", "/login%2f", "/%2flogin", "/login%3bx", "/login%5c", "/%256cogin", "/login%c2%a0",
}

// TestP1_LoginSpelledOtherwise: to the gateway, a login under an address that it does not know as one would be an
// ordinary request, and the answer would not be withheld. It must not reach the app, whoever sends it, not even from a
// verified session.
func TestP1_LoginSpelledOtherwise(t *testing.T) {
	t.Parallel()
	s := newSiege(t, demo.Knobs{LoosePaths: true, ElevateInPlace: true}, "", nil)
	form := "username=alice&password=" + demo.AlicePassword + "&csrf=x"
	for _, path := range spelledLogin {
		for _, who := range s.everybody() {
			for _, method := range []string{"POST", "post"} {
				repelled(t, who.name+": "+method+" "+path, s.fireBody(t, who, method, path, form, "Content-Type: application/x-www-form-urlencoded"))
			}
		}
		for _, who := range s.outside {
			repelled(t, who.name+": GET "+path, s.fire(t, who, "GET", path))
		}
		s.wantsRead(t, path, "/login")
	}
	got := s.fireBody(t, s.outside[0], "POST", "/login", form, "Content-Type: application/x-www-form-urlencoded")
	if len(got.received) != 1 {
		t.Errorf("the canonical login did not reach the app: %d", got.status)
	}
}

// TestP1_OwnPagesAreNotTheApps: if an app has pages below the gateway's base, or takes `//second-factor` for something
// of its own, nobody reaches it through the gateway's own addresses.
func TestP1_OwnPagesAreNotTheApps(t *testing.T) {
	t.Parallel()
	s := newSiege(t, demo.Knobs{LoosePaths: true}, "", nil)
	for _, path := range []string{
		"/second-factor", "/second-factor/", "/second-factor/status", "/second-factor/x", "/second-factor/../files", "/second-factor/..%2ffiles",
		"/second-factor/..;/files", "/second-factor/%2e%2e/files", "//second-factor/x", "/second-factor;x/files", "/%73econd-factor/x",
		"/second-factor%2f..%2ffiles",
	} {
		for _, who := range s.outside {
			for _, method := range []string{"GET", "POST", "PUT", "OPTIONS"} {
				got := s.fire(t, who, method, path)
				if path == "/second-factor/status" && got.status == http.StatusOK {
					got.status = http.StatusNotFound
				}
				repelled(t, who.name+": "+method+" "+path, got)
			}
		}
	}
	for _, path := range []string{
		"//second-factor/status", "/second-factor;x/status", "/%73econd-factor/status", "/second-factor%2fstatus", "/Second-Factor%2fstatus",
		"/./second-factor/x", "/x/../second-factor/x", "/second-factor//x",
	} {
		repelled(t, "alice: "+path, s.fire(t, s.alice, "GET", path))
	}
	if got := s.fire(t, s.alice, "GET", "/files"); len(got.received) != 1 {
		t.Errorf("a verified session does not reach the app: %d", got.status)
	}
	if got := s.fire(t, s.alice, "GET", "/second-factor/x"); len(got.received) != 0 || got.status != http.StatusNotFound || strings.Contains(got.text, "ledger_session") {
		t.Errorf("an own address that does not exist: %d, received %d", got.status, len(got.received))
	}
}
