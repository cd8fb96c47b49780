package custody

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/site"
)

// lax takes a name and password at the login (with anywhere: at each address) by any method, in the query or the body,
// and answers with that user's page and a token. With raises it signs the session in in place.
func lax(anywhere, raises bool) func(v *visit) bool {
	return func(v *visit) bool {
		path := v.r.URL.Path
		if path == "/me" || path != "/login" && !anywhere {
			return false
		}
		for _, field := range []string{"USERNAME", "username"} {
			if name := v.fields.Get(field); rightPassword(name, v.fields.Get("password")) {
				if raises {
					v.raise(realm, name)
				} else {
					v.signIn(name)
				}
				v.w.Header().Set("Content-Type", "application/json")
				fmt.Fprintf(v.w, `{"token":"bearer-of-%s","page":%q}`, name, secretOf(name))
				return true
			}
		}
		if (path == "/login" || path == "/start") && v.user() == "" && v.r.Method == http.MethodGet {
			v.begin()
		}
		return false
	}
}

const (
	inQuery  = "?username=alice&password=alice-pw"
	formType = "Content-Type: application/x-www-form-urlencoded"
)

// strangeLogins are logins of alice's that differ from the one that the site describes. Each has header lines and a
// body.
var strangeLogins = []struct{ name, method, target, body, more string }{
	{"GET", "GET", "/login" + inQuery, "", ""},
	{"HEAD", "HEAD", "/login" + inQuery, "", ""},
	{"GET, another case", "GET", "/login?USERNAME=alice&password=alice-pw", "", ""},
	{"GET, encoded", "GET", "/login?user%6eame=alice&p%61ssword=alice-pw", "", ""},
	{"GET with a form", "GET", "/login", credentialsOfAlice, ""},
	{"HEAD with a form", "HEAD", "/login", credentialsOfAlice, ""},
	{"GET with JSON", "GET", "/login", `{"username":"alice","password":"alice-pw"}`, "Content-Type: application/json"},
	{"GET in chunks", "GET", "/login", fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(credentialsOfAlice), credentialsOfAlice), "Transfer-Encoding: chunked"},
	{"GET, half and half", "GET", "/login?username=alice", "password=alice-pw", ""},
	{"PUT", "PUT", "/login", credentialsOfAlice, ""},
	{"PATCH", "PATCH", "/login", credentialsOfAlice, ""},
	{"DELETE", "DELETE", "/login", credentialsOfAlice, ""},
	{"OPTIONS", "OPTIONS", "/login", credentialsOfAlice, ""},
	{"OPTIONS, query", "OPTIONS", "/login" + inQuery, "", ""},
	{"PUT, query", "PUT", "/login" + inQuery, "", ""},
	{"PROPFIND", "PROPFIND", "/login", credentialsOfAlice, ""},
	{"QUERY", "QUERY", "/login", credentialsOfAlice, ""},
	{"post", "post", "/login", credentialsOfAlice, ""},
	{"POST, query", "POST", "/login" + inQuery, "", ""},
	{"POST by another name", "POST", "/login?USERNAME=alice", "password=alice-pw", ""},
	{"GET that says POST", "GET", "/login" + inQuery, "", "X-HTTP-Method-Override: POST"},
}

const credentialsOfAlice = "username=alice&password=alice-pw"

// fire sends one of them, with a session's cookie.
func fire(t *testing.T, s *site.Site, cookie string, login struct{ name, method, target, body, more string }) site.Answer {
	t.Helper()
	l := dial(t, s)
	head := login.method + " " + login.target + " HTTP/1.1\r\nHost: " + s.Address + "\r\nAccept: text/html\r\nConnection: close\r\n"
	if cookie != "" {
		head += "Cookie: " + cookie + "\r\n"
	}
	if login.body != "" && !strings.HasPrefix(login.more, "Transfer-Encoding") {
		head += fmt.Sprintf("Content-Length: %d\r\n", len(login.body))
	}
	if login.body != "" && !strings.HasPrefix(login.more, "Content-Type") {
		head += formType + "\r\n"
	}
	if login.more != "" {
		head += login.more + "\r\n"
	}
	if _, err := l.conn.Write([]byte(head + "\r\n" + login.body)); err != nil {
		t.Fatal(err)
	}
	text := l.rest()
	response, err := http.ReadResponse(newReader(text), &http.Request{Method: login.method})
	if err != nil {
		return site.Answer{Response: &http.Response{Header: http.Header{}}, Text: text}
	}
	_ = response.Body.Close()
	return site.Answer{Response: response, Text: text}
}

// TestP1_LoginsThatAreNoPageLoads: the app takes a login by GET, by HEAD, with a body of a GET, and by methods that the
// described login does not have. These went through as page loads: from a stranger, from a user who owes a factor, and
// from carol, whose session became alice's, as a "rotation" if `rotates` names the cookie, with a bearer token in the
// answer. Now a login's address serves the login and its plain page, and refuses everything else.
func TestP1_LoginsThatAreNoPageLoads(t *testing.T) {
	t.Parallel()
	tokens := strings.Replace(form, "username form username\n", "username form username\n\t\t\ttoken json /token\n", 1)
	for name, test := range map[string]struct {
		lines  string
		raises bool
	}{
		"asked":                {form + asks, false},
		"asked, raised":        {form + asks, true},
		"asked, tokens":        {tokens + asks, true},
		"typed":                {typed, false},
		"typed, rotates":       {typed + "\t\trotates " + sid + "\n", false},
		"asked, rotates":       {form + asks + "\t\trotates " + sid + "\n", true},
		"asked once in a year": {form + asks + "\t\trecheck 8760h\n", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t, common+test.lines, site.Options{}, lax(false, test.raises))
			factor := h.enrol(t, "alice")
			mallory := h.enrol(t, "mallory")
			owing := h.Client(t)
			owing.Get("/login")
			logIn(owing, "mallory")
			verified, carol := h.signedIn(t, "mallory", mallory), h.signedIn(t, "carol", nil)
			for _, login := range strangeLogins {
				direct := h.direct(t)
				got := fire(t, h.app, directCookie(direct), login)
				if !test.raises {
					direct.Header = http.Header{"Cookie": {sid + "=" + sessionIn(got)}}
				}
				if login.name != "HEAD" && login.name != "HEAD with a form" && !strings.Contains(got.Text, secretOf("alice")) {
					t.Errorf("%s: the app itself: %.300s", login.name, got.Text)
				}
				h.control(t, login.name, direct)

				fresh, begun := h.Client(t), h.Client(t)
				begun.Get("/login")
				for who, c := range map[string]*site.Client{"a stranger": fresh, "one with the page": begun, "one who owes": owing, "mallory": verified, "carol": carol} {
					what := login.name + " of " + who
					state, user := stateOf(t, c)
					got := fire(t, h.Site, "sallyport="+c.Token(), login)
					if wantsNothingIn(t, what, got); strings.Contains(got.Text, "bearer-of-alice") {
						t.Errorf("%s: alice's token came out", what)
					}
					if set := tokenIn(got); set != "" {
						c.SetCookie("sallyport", set)
					}
					switch now, nowUser := stateOf(t, c); {
					case now == state && nowUser == user:
						h.wantsNoneTaken(t, what)
						for _, path := range []string{"/account", "/static/x", "/login"} {
							wantsNothingIn(t, what+": "+path, c.Get(path))
						}
						h.wantsNoneTaken(t, what)
					default:
						t.Errorf("%s: %d, and the session was %s of %q and is %s of %q", what, got.StatusCode, state, user, now, nowUser)
					}
				}
			}
			h.wantsNothing(t, "mallory in the end", verified)
			h.wantsNothing(t, "carol in the end", carol)
			h.stillHonest(t, factor)
		})
	}
}

// TestP1_LoginsAtPublicPaths: the app takes a name and password at any address. If a path is public, a stranger's
// request with fields of a login in its query is no page load: the app is asked whether it signed her in. If it cannot
// be asked, nothing that the answer sets is kept.
func TestP1_LoginsAtPublicPaths(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		lines  string
		raises bool
	}{
		"asked": {form + asks, false}, "asked, raised": {form + asks, true}, "typed": {typed, false},
		"another login page": {form + asks + "\t\tlogin_page /start\n", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t, common+test.lines, site.Options{}, lax(true, test.raises))
			factor := h.enrol(t, "alice")
			for _, path := range []string{"/static/x", "/static/y.css", "/account", "/start"} {
				for _, login := range strangeLogins {
					login.target = path + strings.TrimPrefix(login.target, "/login")
					direct := h.direct(t)
					got := fire(t, h.app, directCookie(direct), login)
					if !test.raises {
						direct.Header = http.Header{"Cookie": {sid + "=" + sessionIn(got)}}
					}
					h.control(t, login.name, direct)
					c := h.Client(t)
					c.Get("/login")
					got = fire(t, h.Site, "sallyport="+c.Token(), login)
					if set := tokenIn(got); set != "" {
						c.SetCookie("sallyport", set)
					}
					if name != "typed" { // there, what an app shows in the answer itself is what its public paths show
						wantsNothingIn(t, path+" "+login.name, got)
					}
					if state, user := stateOf(t, c); state != "anonymous" && (state != "pending" || user != "alice") {
						t.Errorf("%s %s: %s of %q", path, login.name, state, user)
					}
					h.wantsNoneTaken(t, path+" "+login.name)
					for _, page := range []string{"/account", "/static/x", "/login", "/start"} {
						wantsNothingIn(t, path+" "+login.name+": "+page, c.Get(page))
					}
					h.wantsNoneTaken(t, path+" "+login.name)
				}
			}
			h.stillHonest(t, factor)
		})
	}
}
