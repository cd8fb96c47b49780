package gateway

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/login"
)

// frank is an app that answers a login with the account's first page and lets an account have one session. The login
// can choose how long its cookie lives, for which domain it is, and what else is set. When the app is asked who is
// signed in, it first calls `asked`, once.
type frank struct {
	mutex    sync.Mutex
	sessions map[string]string
	made     int
	asked    func(id string)
}

func (a *frank) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := sid(r)
	if r.URL.Path == "/me" {
		a.mutex.Lock()
		asked := a.asked
		if a.sessions[id] == "alice" {
			a.asked = nil
		}
		a.mutex.Unlock()
		if asked != nil && a.of(id) == "alice" {
			asked(id)
		}
		fmt.Fprintf(w, `{"name":%q}`, a.of(id))
		return
	}
	w.Header().Set("Content-Type", "text/html")
	name := r.FormValue("u")
	switch {
	case r.Method == http.MethodPost && r.FormValue("p") == "pw-"+name:
		fmt.Fprint(w, "<!doctype html>secrets of "+a.begin(w, name, r))
	case r.Method == http.MethodPost:
		fmt.Fprint(w, "<!doctype html>wrong<form><input name=u><input name=p type=password>")
	default:
		fmt.Fprint(w, "<!doctype html>secrets of "+a.of(id))
	}
}

func (a *frank) of(id string) string {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	return a.sessions[id]
}

func (a *frank) begin(w http.ResponseWriter, name string, r *http.Request) string {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	for id, of := range a.sessions {
		if of == name {
			delete(a.sessions, id)
		}
	}
	id := sid(r)
	if r.FormValue("same") == "" || id == "" {
		a.made++
		id = fmt.Sprint("s", a.made)
		w.Header().Add("Set-Cookie", "sid="+id+"; HttpOnly; Path=/"+r.FormValue("as"))
	}
	if more := r.FormValue("more"); more != "" {
		w.Header().Add("Set-Cookie", more)
	}
	a.sessions[id] = name
	page := name
	if r.FormValue("field") != "" {
		page += `<input name="u"><input type="password">`
	}
	return page
}

func newFrank(t *testing.T) (*site, *frank) {
	t.Helper()
	app := &frank{sessions: map[string]string{}}
	s := newSite(t, demo.Knobs{}, func(c *Config) {
		c.Logins = login.Set{
			Blocks:     []login.Block{{Paths: match.NewGlobs("/login"), Username: login.Source{Kind: login.Form, Name: "u"}}},
			Identities: []login.Identity{{Path: "/me", Kind: login.JSON, Pointer: "/name"}},
		}
		c.Public = []gate.Opening{{Methods: []string{http.MethodPost}, Paths: match.NewGlobs("/forgot")}}
	})
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		app.ServeHTTP(w, r)
		return nil
	})
	alice := s.browser()
	if got := alice.do("POST", "/login", asForm, alicesForm); !strings.Contains(got.body, "secrets of alice") {
		t.Fatalf("the control: alice without a factor: %d %s", got.StatusCode, got.body)
	}
	alice.enrol()
	return s, app
}

// TestP1_AnswerOfANobody: the answer to alice's password is her page. But when the app is asked whose the session is
// that it set, it says nobody's. The attacker had chosen a lifetime that is over, or another host; or had the cookie
// set once more to another value; or had signed in a second time meanwhile, in an app where an account has one session.
// The page was then shown as that of a wrong password.
func TestP1_AnswerOfANobody(t *testing.T) {
	for name, form := range map[string]string{
		"lifetime":             "&as=%3B+Max-Age%3D-60",
		"end":                  "&as=%3B+Expires%3DThu,+01+Jan+1970+00:00:00+GMT",
		"domain":               "&as=%3B+Domain%3Dother.example",
		"twice":                "&more=sid%3Dother%3B+Path%3D/",
		"taken back":           "&more=sid%3D%3B+Path%3D/%3B+Max-Age%3D0",
		"control characters":   "&as=%3B+x%3D%01",
		"lifetime, with field": "&field=1&as=%3B+Max-Age%3D-60",
		"second login":         "",
		"second, with field":   "&field=1",
	} {
		s, app := newFrank(t)
		direct := httptest.NewRecorder()
		request := httptest.NewRequest(http.MethodPost, "/login", strings.NewReader(alicesForm+form))
		request.Header.Set("Content-Type", asForm)
		if app.ServeHTTP(direct, request); !strings.Contains(direct.Body.String(), "secrets of alice") {
			t.Fatalf("%s: the control: %s", name, direct.Body)
		}
		thief, other := s.browser(), s.browser()
		if got := thief.do("POST", "/login", asForm, "u=alice&p=wrong"+form); !strings.Contains(got.body, "wrong") {
			t.Errorf("%s: the control: a wrong password: %d %s", name, got.StatusCode, got.body)
		}
		if strings.HasPrefix(name, "second") {
			app.asked = func(string) { other.do("POST", "/login", asForm, alicesForm) }
		}
		got := thief.do("POST", "/login", asForm, alicesForm+form)
		if strings.Contains(got.body, "alice") || app.asked != nil {
			t.Errorf("%s: %d %s", name, got.StatusCode, got.body)
		}
	}
}

// TestP5_AnswerOfANobody: mallory, who is signed in, posts alice's name and password to another address of such an app,
// and alice's session there ends before the app is asked about it. Her page was shown, as to a stranger.
func TestP5_AnswerOfANobody(t *testing.T) {
	for _, method := range []string{"GET", "POST"} {
		s, app := newFrank(t)
		mallory := s.browser()
		mallory.do("POST", "/login", asForm, "u=mallory&p=pw-mallory")
		if got := mallory.do("POST", "/other", asForm, "u=mallory&p=pw-mallory&same=1"); !strings.Contains(got.body, "secrets of mallory") {
			t.Fatalf("the control: %d %s", got.StatusCode, got.body)
		}
		app.asked = func(id string) {
			app.mutex.Lock()
			defer app.mutex.Unlock()
			delete(app.sessions, id)
		}
		got := mallory.do(method, "/other", asForm, alicesForm)
		if method == "GET" {
			got = mallory.get("/other?" + alicesForm)
		}
		if strings.Contains(got.body, "alice") || method == "POST" && app.asked != nil {
			t.Errorf("%s: %d %s", method, got.StatusCode, got.body)
		}
	}
}

// TestP1_PageBesideOtherRequests: the answer to alice's password is her page, which has a form like the login's. While
// the app makes it, another request ends her sessions: a form for forgotten passwords, which strangers may send, or
// something in the attacker's own verified session. Then the app knew nobody, and the page was shown as that of a wrong
// password. The controls: without the other request alice's factor is asked for, and a wrong password alone has its
// page.
func TestP1_PageBesideOtherRequests(t *testing.T) {
	for _, by := range []string{"stranger", "user", "login page"} {
		s, app := newFrank(t)
		mallory := s.browser()
		mallory.do("POST", "/login", asForm, "u=mallory&p=pw-mallory")
		thief := s.browser()
		if got := thief.do("POST", "/login", asForm, "u=alice&p=wrong"); !strings.Contains(got.body, "wrong") {
			t.Errorf("%s: the control: a wrong password: %d %s", by, got.StatusCode, got.body)
		}
		thief.do("POST", "/login", asForm, alicesForm+"&field=1").wants(t, http.StatusSeeOther, "/second-factor/challenge")
		app.asked = func(string) {
			switch by {
			case "stranger":
				s.browser().do("POST", "/forgot", asForm, "u=alice")
			case "user":
				mallory.do("POST", "/forgot", asForm, "u=alice")
			default:
				s.browser().get("/login")
			}
			app.forget("alice")
		}
		if got := s.browser().do("POST", "/login", asForm, alicesForm+"&field=1"); strings.Contains(got.body, "secrets") || app.asked != nil {
			t.Errorf("%s: %d %s", by, got.StatusCode, got.body)
		}
	}
}

// forget ends all sessions of a user.
func (a *frank) forget(name string) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	for id, of := range a.sessions {
		if of == name {
			delete(a.sessions, id)
		}
	}
}
