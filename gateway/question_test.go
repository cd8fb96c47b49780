package gateway

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/login"
)

// says returns the headers of a form or of JSON, with one more line.
func says(contentType, name, value string) http.Header {
	return http.Header{"Content-Type": {contentType}, name: {value}}
}

const formType, jsonType = "application/x-www-form-urlencoded", "application/json"

// TestP5_QuestionOfAnotherMethod: bob signs in to alice's account at an address that no login describes, and says in a
// header that every request is to be taken for a POST. The app would not know a question with that header: to the
// gateway alice's session would be nobody's, and so would stay with a stranger, bob. The header has its effect at the
// app itself.
func TestP5_QuestionOfAnotherMethod(t *testing.T) {
	s := newSite(t, demo.Knobs{NoFormToken: true, TrustHeaders: true, Record: 100}, func(c *Config) { c.Logins.Blocks = c.Logins.Blocks[:1] })
	alice := s.browser()
	alice.signIn("alice", demo.AlicePassword)
	alice.enrol()
	b := s.browser()
	b.signIn("bob", demo.BobPassword)
	b.wantsState("verified", "bob")
	override := says(jsonType, "X-Http-Method-Override", "POST")
	if got := b.send("GET", "/api/me", "", override); got.StatusCode != http.StatusMethodNotAllowed {
		t.Fatalf("the header does nothing: %d", got.StatusCode)
	}
	b.send("POST", "/api/login", `{"user":{"name":"alice","password":"`+demo.AlicePassword+`"}}`, override)
	b.wantsState("pending", "alice")
	b.get("/files").wants(t, http.StatusSeeOther, "/second-factor/challenge")
}

// TestP5_NobodyInMidSession: an answer sets cookies by which, as far as the app says, it knows nobody. They do not
// become a stranger's: the client that caused the answer may also have influenced what the app said.
func TestP5_NobodyInMidSession(t *testing.T) {
	s := newSite(t, demo.Knobs{NoFormToken: true}, nil)
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		switch {
		case r.URL.Path == "/odd":
			w.Header().Set("Set-Cookie", demo.SessionCookie+"=alices; Path=/; HttpOnly")
		case r.URL.Path == "/api/me" && strings.Contains(r.Header.Get("Cookie"), "alices"):
			w.WriteHeader(http.StatusUnauthorized)
			return nil
		case strings.Contains(r.Header.Get("Cookie"), "alices"):
			t.Errorf("%s %s goes out with the cookie", r.Method, r.URL.Path)
		}
		s.app.ServeHTTP(w, r)
		return nil
	})
	b := s.browser()
	b.signIn("bob", demo.BobPassword)
	b.wantsState("verified", "bob")
	b.get("/odd")
	b.wantsState("anonymous", "")
	b.get("/login").wants(t, http.StatusOK, "")
	b.get("/static/style.css").wants(t, http.StatusOK, "")
}

// TestP4_TypedLoginThatFailsWithItsProof: alice's password is right, but the client makes the app answer as if it were
// not: with 406 to an odd Accept. The app has signed in all the same. The answer is withheld, and the session is not
// kept, not even for another try with the same name. With an ordinary Accept the factor is asked for.
func TestP4_TypedLoginThatFailsWithItsProof(t *testing.T) {
	s := newSite(t, demo.Knobs{NoFormToken: true, PickyAccept: true, Record: 100}, typedOnly)
	alice := s.browser()
	alice.signIn("alice", demo.AlicePassword)
	alice.enrol()
	form := "username=alice&password=" + demo.AlicePassword
	b := s.browser()
	got := b.send("POST", "/login", form, says(formType, "Accept", "application/xml"))
	if got.StatusCode != http.StatusBadGateway || !strings.Contains(s.logged.String(), "setting=success") {
		t.Errorf("%d, and the log: %s", got.StatusCode, s.logged)
	}
	b.wantsState("anonymous", "")
	s.app.ForgetReceived()
	b.send("POST", "/login", "username=alice&password=wrong", says(formType, "Accept", "text/html"))
	for _, received := range s.app.Received() {
		if received.Header.Get("Cookie") != "" {
			t.Errorf("%s %s goes out with %s", received.Method, received.URI, received.Header.Get("Cookie"))
		}
	}
	b.send("POST", "/login", form, says(formType, "Accept", "text/html")).wants(t, http.StatusSeeOther, "/second-factor/challenge")
	b.wantsState("pending", "alice")
}

// TestP4_TypedLoginThatFailsKeepsNothing: here the proof stands in the page, which the odd answer is not. Nobody knows
// whether the app has signed in, so what it set goes with no other try. The price is a session that the login page
// began.
func TestP4_TypedLoginThatFailsKeepsNothing(t *testing.T) {
	s := newSite(t, demo.Knobs{NoFormToken: true, PickyAccept: true, LoginStatus: http.StatusOK, Record: 100}, func(c *Config) {
		typedOnly(c)
		c.Logins.Blocks[0].Success = [][]login.Rule{{{Kind: login.Body, Value: "Signed in"}}}
	})
	b := s.browser()
	b.send("POST", "/login", "username=alice&password="+demo.AlicePassword, says(formType, "Accept", "application/xml"))
	b.wantsState("anonymous", "")
	s.app.ForgetReceived()
	b.send("POST", "/login", "username=alice&password=wrong", says(formType, "Accept", "text/html"))
	if received := s.app.Received(); len(received) != 1 || received[0].Header.Get("Cookie") != "" {
		t.Errorf("%+v", received)
	}
}

// TestP4_TypedFieldThatNobodyDescribed: the app cannot be asked. Alice's password stands in the address of the login
// page, with a field by which the app reads a name and of which the operator does not know. The app signs in. Neither
// what it sets nor what it answers reaches anybody, and a session that the page had begun is not raised. The page
// without a query stays open.
func TestP4_TypedFieldThatNobodyDescribed(t *testing.T) {
	for _, raises := range []bool{false, true} {
		knobs := demo.Knobs{NoFormToken: true, LooseLogin: true, EmailField: true, ElevateInPlace: raises, LoginStatus: http.StatusOK, Record: 100}
		s := newSite(t, knobs, typedOnly)
		const address = "/login?email=alice&password=" + demo.AlicePassword
		b := s.browser()
		b.get("/login").wants(t, http.StatusOK, "")
		b.get(address).wants(t, http.StatusSeeOther, "/login")
		b.get("/login").wants(t, http.StatusOK, "")
		if received := s.app.Received(); len(received) < 3 || slices.ContainsFunc(received, func(r demo.Received) bool { return r.Login != "" }) {
			t.Errorf("raises %v: the app knows somebody: %+v", raises, received)
		}
		direct := httptest.NewRecorder()
		s.app.ServeHTTP(direct, httptest.NewRequest(http.MethodGet, address, http.NoBody))
		if direct.Header().Get("X-Ledger-User") != "alice" {
			t.Errorf("the app itself does not sign in: %d", direct.Code)
		}
	}
}

// TestP4_TypedPublicDoor: the app takes a password at any address, and the operator has opened one to other methods. If
// the app cannot be asked, an answer that sets something reaches nobody. An answer that sets nothing goes out.
func TestP4_TypedPublicDoor(t *testing.T) {
	s := newSite(t, demo.Knobs{NoFormToken: true, OneAddress: true}, func(c *Config) {
		typedOnly(c)
		c.Public = append(c.Public, gate.Opening{Methods: []string{"POST"}, Paths: match.NewGlobs("/static/*")})
	})
	b := s.browser()
	got := b.post("/static/style.css", url.Values{"username": {"alice"}, "password": {demo.AlicePassword}})
	got.wants(t, http.StatusSeeOther, "/login")
	if got.Header.Get("X-Ledger-User") != "" || !strings.Contains(s.logged.String(), "its answer was withheld") {
		t.Errorf("%v %s", got.Header, s.logged)
	}
	b.post("/static/style.css", url.Values{"text": {"x"}}).wants(t, http.StatusMethodNotAllowed, "")
}

// TestP5_RaisedInPlaceByAQuery: the app has raised bob's session. Bob opens the login page with alice's password in the
// address, in a field of which the operator does not know. The app raises the session again, without a sign. The app is
// asked, and then alice's factor is asked for.
func TestP5_RaisedInPlaceByAQuery(t *testing.T) {
	s := newSite(t, demo.Knobs{NoFormToken: true, LooseLogin: true, EmailField: true, ElevateInPlace: true}, nil)
	alice := s.browser()
	alice.signIn("alice", demo.AlicePassword)
	alice.enrol()
	b := s.browser()
	b.signIn("bob", demo.BobPassword)
	b.wantsState("verified", "bob")
	// The app's own answer to a user who is signed in.
	b.get("/login?next=/files").wants(t, http.StatusSeeOther, "/files")
	b.get("/login?email=alice&password="+demo.AlicePassword).wants(t, http.StatusSeeOther, "/second-factor/challenge")
	b.wantsState("pending", "alice")
}

// TestP5_PagesBesideARaise: bob raises his session to alice's, by a password at an address that no login describes, and
// asks for pages at the same time. Until the app was asked, nobody knows that the session is alice's, so the pages wait
// for that too. A page that the app gives later goes nowhere.
func TestP5_PagesBesideARaise(t *testing.T) {
	s := newSite(t, demo.Knobs{NoFormToken: true, OneAddress: true, ElevateInPlace: true}, func(c *Config) { c.Logins.Identities[0].Path = "/?do=api/me" })
	raised, shown, settled, pages := make(chan struct{}), make(chan struct{}), make(chan struct{}), make(chan struct{}, 2)
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		switch r.URL.Path {
		case "/other":
			w = late{w, func() { close(raised); <-shown }}
		case "/files":
			pages <- struct{}{}
			<-raised
			defer close(shown)
		case "/files/late":
			pages <- struct{}{}
			<-settled
			r = r.WithContext(context.WithoutCancel(r.Context()))
		}
		s.app.ServeHTTP(w, r)
		return nil
	})
	alice := s.browser()
	alice.signIn("alice", demo.AlicePassword)
	alice.enrol()
	b := s.browser()
	b.signIn("bob", demo.BobPassword)
	b.wantsState("verified", "bob")
	var all sync.WaitGroup
	for _, path := range []string{"/files", "/files/late"} {
		all.Go(func() {
			if got := b.get(path); got.StatusCode == http.StatusOK || got.Header.Get("X-Ledger-User") != "" || strings.Contains(got.body, "Alice") {
				t.Errorf("%s: %d, %s's", path, got.StatusCode, got.Header.Get("X-Ledger-User"))
			}
		})
	}
	for range 2 {
		<-pages
	}
	all.Go(func() {
		got := b.post("/other", url.Values{"username": {"alice"}, "password": {demo.AlicePassword}})
		if got.StatusCode != http.StatusSeeOther { // to the challenge, or to the login page if a page was faster
			t.Errorf("the raise itself: %d %v", got.StatusCode, got.Header)
		}
		close(settled)
	})
	all.Wait()
	b.get("/files").wants(t, http.StatusSeeOther, "/second-factor/challenge")
}

// late is an answer whose head comes when a test lets it.
type late struct {
	http.ResponseWriter
	wait func()
}

func (l late) WriteHeader(status int) {
	l.wait()
	l.ResponseWriter.WriteHeader(status)
}
