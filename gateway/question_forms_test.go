package gateway

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/login"
)

// moodyApp signs users in at /login and, at an address that no login describes, at /pub/enter. At /me it answers
// as if nobody were signed in if the function nobody says so.
type moodyApp struct {
	// nobody reports whether a question is answered as if nobody were signed in. guest is the name that strangers get,
	// unless called is set.
	nobody func(*http.Request) bool
	guest  string
	called func(*http.Request) string
	// refuses reports whether the app answers 403 to a question, whoever asks.
	refuses func(*http.Request) bool

	mutex sync.Mutex
	asked []http.Header
}

func (a *moodyApp) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	name := ""
	if cookie, err := r.Cookie("sid"); err == nil && strings.HasPrefix(cookie.Value, "session-of-") {
		name = strings.TrimPrefix(cookie.Value, "session-of-")
	}
	switch {
	case r.URL.Path == "/me":
		a.asked = append(a.asked, r.Header.Clone())
		if believed := r.Header.Get("X-Remote-User"); believed != "" {
			name = believed
		}
		if name == "" || a.nobody != nil && a.nobody(r) {
			if name = a.guest; a.called != nil {
				name = a.called(r)
			}
		}
		if a.refuses != nil && a.refuses(r) {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"name":%q}`, name)
	case r.Method == http.MethodPost && r.FormValue("p") == "pw-"+r.FormValue("u"):
		http.SetCookie(w, &http.Cookie{Name: "sid", Value: "session-of-" + r.FormValue("u"), Path: "/", HttpOnly: true})
		fmt.Fprint(w, "<p>the desk of ", r.FormValue("u"))
	case r.Method == http.MethodPost:
		http.SetCookie(w, &http.Cookie{Name: "visit", Value: "1", Path: "/", HttpOnly: true})
		w.WriteHeader(http.StatusForbidden)
	default:
		fmt.Fprint(w, "<p>the desk of ", name)
	}
}

func (a *moodyApp) questions() []http.Header {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	asked := a.asked
	a.asked = nil
	return asked
}

func newMoody(t *testing.T, a *moodyApp, change func(*Config)) *site {
	t.Helper()
	s := newSite(t, demo.Knobs{}, func(c *Config) {
		c.Logins = login.Set{
			Blocks:     []login.Block{{Paths: match.NewGlobs("/login"), Username: login.Source{Kind: login.Form, Name: "u"}}},
			Identities: []login.Identity{{Path: "/me", Kind: login.JSON, Pointer: "/name"}},
		}
		c.Public = append(gate.Open("/pub/*"), gate.Opening{Paths: match.NewGlobs("/pub/enter"), Methods: []string{"POST"}})
		if change != nil {
			change(c)
		}
	})
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		a.ServeHTTP(w, r)
		return nil
	})
	return s
}

// TestP4_QuestionHasNoErrand: an attacker who has the password makes the app answer the gateway's question with less: a
// part of the answer, "not modified", an old copy from a cache, or something other than JSON, by headers of the login.
// Then the app seems to know nobody, and the login seems to have failed. The question has none of these headers. The
// control: with each of them the app itself knows nobody, and an ordinary sign-in without them is asked for the factor.
func TestP4_QuestionHasNoErrand(t *testing.T) {
	for _, odd := range []struct{ name, value string }{
		{"Range", "bytes=0-3"},
		{"If-Range", `"x"`},
		{"If-None-Match", `"x"`},
		{"If-Match", `"x"`},
		{"If-Modified-Since", "Thu, 01 Jan 1970 00:00:00 GMT"},
		{"If-Unmodified-Since", "Thu, 01 Jan 1970 00:00:00 GMT"},
		{"Referer", "/odd"},
		{"X-Requested-With", "XMLHttpRequest"},
		{"Sec-Fetch-Dest", "empty"},
		{"Sec-Fetch-Mode", "no-cors"},
		{"Pragma", "x"},
		{"Content-Language", "de"},
		{"Content-Encoding", "identity"},
		{"Accept", "application/xml"},
		{"Cache-Control", "max-stale=9999"},
		{"Upgrade-Insecure-Requests", "1"},
		{"Content-Disposition", "attachment"},
	} {
		said := func(r *http.Request) bool { return slices.Contains(r.Header[odd.name], odd.value) }
		app := &moodyApp{nobody: said}
		s := newMoody(t, app, nil)
		alice := s.browser()
		alice.do("POST", "/login", asForm, "u=alice&p=pw-alice")
		alice.enrol()

		direct := httptest.NewRequest(http.MethodGet, "/me", nil)
		direct.Header = http.Header{"Cookie": {"sid=session-of-alice"}, odd.name: {odd.value}}
		for _, want := range []string{`{"name":""}`, `{"name":"alice"}`} {
			answer := httptest.NewRecorder()
			if app.ServeHTTP(answer, direct); answer.Body.String() != want {
				t.Fatalf("%s: the app itself: %s", odd.name, answer.Body)
			}
			direct.Header.Del(odd.name)
		}
		for _, path := range []string{"/login", "/pub/enter"} {
			for _, lines := range []http.Header{{}, {odd.name: {odd.value}}} {
				header := http.Header{"Content-Type": {asForm}, "Accept": {"text/html"}}
				maps.Copy(header, lines)
				app.questions()
				b := s.browser()
				got := b.send("POST", path, "u=alice&p=pw-alice", header)
				if got := b.get("/second-factor/status"); !strings.Contains(got.body, `"pending"`) {
					t.Errorf("%s with %v: %s", path, lines, got.body)
				}
				if strings.Contains(got.body, "the desk of alice") {
					t.Errorf("%s with %v shows %s", path, lines, got.body)
				}
				asked := app.questions()
				if len(asked) == 0 {
					t.Fatalf("%s with %v: nobody was asked", path, lines)
				}
				for _, header := range asked {
					if header.Get("Cache-Control") != "no-cache" || header.Get("Content-Type") != "" || header.Get("Content-Length") != "" {
						t.Errorf("%s with %v: the question is %v", path, lines, header)
					}
				}
			}
		}
	}
}

// TestP3_QuestionIsClean: the app believes a header that says who somebody is. Carol, verified, sends alice's name in
// it when the app has to be asked about her session, which happens before anything of her request goes on. The question
// has nothing that the request must not have, and it has no credential when it asks what strangers are called. The
// control: the app itself believes the header, and headers that the operator lets through go with a question about a
// session.
func TestP3_QuestionIsClean(t *testing.T) {
	app := &moodyApp{guest: "anonymous"} // so that strangers are asked about at each sign-in too
	s := newMoody(t, app, func(c *Config) { c.PassHeaders = []custody.PassHeader{{Name: "X-Device-Key"}} })
	direct := httptest.NewRequest(http.MethodGet, "/me", nil)
	direct.Header = http.Header{"X-Remote-User": {"alice"}}
	answer := httptest.NewRecorder()
	if app.ServeHTTP(answer, direct); answer.Body.String() != `{"name":"alice"}` {
		t.Fatalf("the app itself: %s", answer.Body)
	}
	alice := s.browser()
	alice.do("POST", "/login", asForm, "u=alice&p=pw-alice")
	alice.enrol()
	says := http.Header{
		"X-Remote-User": {"alice"}, "X_remote_user": {"alice"}, "Authorization": {"Basic eDp5"}, "X-Api-Key": {"k"}, "X-Device-Key": {"d"}, "X-Script-Name": {"/pub"},
		"X-Original-Url": {"/me?as=alice"}, "X-Second-Factor": {"totp"}, "X-Second-Factor-User": {"alice"}, "X-Http-Method-Override": {"DELETE"}, "Accept": {"text/html"},
	}
	b := s.browser()
	begins := maps.Clone(says)
	begins.Set("Content-Type", asForm)
	app.questions()
	s.clock.Advance(time.Hour) // strangers' names then have to be asked for again
	b.send("POST", "/login", "u=carol&p=pw-carol", begins)
	b.wantsState("verified", "carol")
	for range 3 {
		s.clock.Advance(2 * time.Minute)
		if got := b.send("GET", "/files", "", says); !strings.Contains(got.body, "the desk of carol") {
			t.Errorf("carol's page: %d %s", got.StatusCode, got.body)
		}
		b.wantsState("verified", "carol")
	}
	asked := app.questions()
	withDevice := 0
	for _, header := range asked {
		for name := range says {
			switch {
			case name == "Accept":
			case name == "X-Device-Key" && header.Get("Cookie") != "":
				if header.Get(name) == "d" {
					withDevice++
				}
			case len(header[name]) > 0:
				t.Errorf("the question has %s: %v", name, header)
			}
		}
	}
	if len(asked) < 5 || withDevice == 0 {
		t.Errorf("%d questions, %d with the device's key: the test shows nothing", len(asked), withDevice)
	}
}

// TestP3_LoginHeadersInEverySession: carol, verified, signs in as alice, and says more in her login's headers than a
// stranger may: that it is a request of another kind (an override of the method), or who she is, by a header that
// nobody knows. A login goes as a stranger's in every session. The control: the same headers go with an ordinary
// request of hers.
func TestP3_LoginHeadersInEverySession(t *testing.T) {
	app := new(moodyApp)
	var seen []http.Header
	s := newMoody(t, app, nil)
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		if r.URL.Path != "/me" {
			seen = append(seen, r.Header.Clone())
		}
		app.ServeHTTP(w, r)
		return nil
	})
	b := s.browser()
	b.do("POST", "/login", asForm, "u=carol&p=pw-carol")
	b.wantsState("verified", "carol")
	says := map[string]string{"X-Http-Method-Override": "GET", "X-Http-Method": "PUT", "X-Whatever-It-Is-Called": "alice", "Requesttoken": "t", "X-Vendor": "v"}
	header := http.Header{"Content-Type": {asForm}, "Accept": {"text/html"}}
	for name, value := range says {
		header.Set(name, value)
	}
	sent := func(method, path, body string) http.Header {
		t.Helper()
		seen = nil
		b.send(method, path, body, header)
		if len(seen) != 1 {
			t.Fatalf("%s %s: the app got %d requests", method, path, len(seen))
		}
		return seen[0]
	}
	ordinary, attempt := sent("POST", "/files", "x=y"), sent("POST", "/login", "u=alice&p=pw-alice")
	for name := range says {
		if ordinary.Get(name) == "" {
			t.Errorf("%s does not go with an ordinary request: the test shows nothing", name)
		}
		if attempt.Get(name) != "" {
			t.Errorf("%s goes with a login: %v", name, attempt)
		}
	}
}

// TestP1_LoginPageWhileOwing: a user who owes a factor and opens the login page is led to the challenge, and the app
// sees nothing. A stranger sees the page, and so does a stranger's script.
func TestP1_LoginPageWhileOwing(t *testing.T) {
	app := new(moodyApp)
	s := newMoody(t, app, nil)
	alice := s.browser()
	alice.get("/login").wants(t, http.StatusOK, "")
	alice.do("POST", "/login", asForm, "u=alice&p=pw-alice")
	alice.enrol()
	b := s.browser()
	b.get("/login").wants(t, http.StatusOK, "")
	b.do("POST", "/login", asForm, "u=alice&p=pw-alice")
	b.wantsState("pending", "alice")
	b.get("/login").wants(t, http.StatusSeeOther, "/second-factor/challenge")
	b.do("HEAD", "/login", "", "").wants(t, http.StatusSeeOther, "/second-factor/challenge")
	b.do("GET", "/login", "application/json", "").wants(t, http.StatusOK, "")
}

// TestP4_AnotherViewByTheBrowser: the page that names the account has another view without the name, for a browser that
// has a cookie for it or says in a header that its screen is small. The attacker has such a browser, signs in as alice,
// and was nobody to the gateway: the app's session was hers as a stranger's. So the page is asked for once more without
// anything that the browser chose. The control: by each of them the app itself shows no name, and a sign-in without
// them is asked for the factor.
func TestP4_AnotherViewByTheBrowser(t *testing.T) {
	for _, odd := range []struct{ name, value string }{
		{"Cookie", "lang=de"},
		{"Cookie", "csrf_view=small"},
		{"Sec-Ch-Ua-Mobile", "?1"},
		{"Save-Data", "on"},
		{"Sec-Ch-Viewport-Width", "320"},
		{"X-Csrf-View", "small"},
		{"User-Agent", "Mobile"},
		{"Accept-Language", "de"},
		{"X-View", "small"},
	} {
		app := &moodyApp{nobody: func(r *http.Request) bool { return strings.Contains(r.Header.Get(odd.name), odd.value) }}
		s := newMoody(t, app, func(c *Config) {
			c.Pass = match.NewGlobs("lang")
			c.PassHeaders = []custody.PassHeader{{Name: "X-View"}}
		})
		alice := s.browser()
		alice.do("POST", "/login", asForm, "u=alice&p=pw-alice")
		alice.enrol()
		direct := httptest.NewRequest(http.MethodGet, "/me", nil)
		direct.Header = http.Header{odd.name: {odd.value}}
		direct.Header.Add("Cookie", "sid=session-of-alice")
		answer := httptest.NewRecorder()
		if app.ServeHTTP(answer, direct); answer.Body.String() != `{"name":""}` {
			t.Fatalf("%s: the app itself: %s", odd.name, answer.Body)
		}
		for _, path := range []string{"/login", "/pub/enter"} {
			for _, header := range []http.Header{{odd.name: {odd.value}}, {}} {
				header.Set("Content-Type", asForm)
				header.Set("Accept", "text/html")
				b := s.browser()
				got := b.send("POST", path, "u=alice&p=pw-alice", header)
				if state := b.get("/second-factor/status").body; strings.Contains(got.body, "the desk of alice") || !strings.Contains(state, `"pending"`) {
					t.Errorf("%s with %v: %d %s, and %s", path, header, got.StatusCode, got.body, state)
				}
				if got := b.get("/pub/x"); strings.Contains(got.body, "alice") {
					t.Errorf("%s with %v, then what is public: %s", path, header, got.body)
				}
			}
		}
	}
}
