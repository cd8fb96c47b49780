package gateway

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/login"
)

// typedOnly removes identity, so that the typed name counts.
func typedOnly(c *Config) {
	c.Logins.Identities, c.Logins.Typed = nil, true
	c.Logins.Blocks[0].Fields = []string{"username", "password", "csrf", "next"}
	c.Logins.Blocks[0].Success = [][]login.Rule{{{Kind: login.Cookie, Name: demo.SessionCookie}}}
	c.Logins.Blocks[1].Fields = []string{"/user/name", "/user/password"}
	c.Logins.Blocks[1].Success = [][]login.Rule{{{Kind: login.JSON, Name: "/login", AnyValue: true}}}
}

func (b *browser) status() string {
	b.s.t.Helper()
	return b.get("/second-factor/status").body
}

func (b *browser) wantsState(state, user string) {
	b.s.t.Helper()
	if got := b.status(); !strings.Contains(got, `"state":"`+state+`"`) || !strings.Contains(got, `"user":"`+user+`"`) {
		b.s.t.Fatalf("the session is %s, want %s of %q", got, state, user)
	}
}

// TestP5_UserSwitchedInMidSession: the app makes bob's session alice's, as apps do that let an administrator become
// another user. At the next check, before a byte of the answer goes out, alice's factor is asked for.
func TestP5_UserSwitchedInMidSession(t *testing.T) {
	s := newSite(t, demo.Knobs{}, nil)
	alice := s.browser()
	alice.signIn("alice", demo.AlicePassword)
	alice.enrol()
	b := s.browser()
	b.signIn("bob", demo.BobPassword)
	b.get("/api/entries").wants(t, http.StatusOK, "")
	s.app.SwitchSessions("bob", "alice")
	s.clock.Advance(61 * time.Second)
	got := b.get("/api/entries")
	got.wants(t, http.StatusSeeOther, "/second-factor/challenge")
	b.wantsState("pending", "alice")
}

// TestP5_AppEndsItsSession: if the app ends its session, ours ends at the next check.
func TestP5_AppEndsItsSession(t *testing.T) {
	s := newSite(t, demo.Knobs{}, nil)
	b := s.browser()
	b.signIn("alice", demo.AlicePassword)
	b.wantsState("verified", "alice")
	s.app.EndSessions("alice")
	b.get("/api/entries").wants(t, http.StatusUnauthorized, "") // the app's own answer, which shows nothing any more
	s.clock.Advance(61 * time.Second)
	b.get("/files").wants(t, http.StatusSeeOther, "/login")
	b.wantsState("anonymous", "")
}

// TestP4_IdentityCannotBeEstablished: the app gives no usable answer to the question who is signed in. At a login
// nobody is signed in. At a check the request is refused and the session stays as it was; when the app answers again,
// it goes on.
func TestP4_IdentityCannotBeEstablished(t *testing.T) {
	for _, status := range []int{http.StatusInternalServerError, http.StatusTooManyRequests, http.StatusServiceUnavailable} {
		s := newSite(t, demo.Knobs{}, nil)
		b := s.browser()
		form := url.Values{
			"username": {"alice"}, "password": {demo.AlicePassword}, "csrf": {find(t, csrfField, b.get("/login").body)},
		}
		s.app.FailIdentity(status)
		if got := b.post("/login", form); got.StatusCode != http.StatusBadGateway {
			t.Fatalf("login: %d", got.StatusCode)
		}
		s.app.FailIdentity(0)
		b.wantsState("anonymous", "")
		b.signIn("alice", demo.AlicePassword).wants(t, http.StatusSeeOther, "/")
		s.clock.Advance(61 * time.Second)
		s.app.FailIdentity(status)
		for range 3 {
			if got := b.get("/api/entries"); got.StatusCode != http.StatusBadGateway {
				t.Fatalf("check: %d %s", got.StatusCode, got.body)
			}
		}
		s.app.FailIdentity(0)
		b.get("/api/entries").wants(t, http.StatusOK, "")
		b.wantsState("verified", "alice")
	}
}

// TestP4_OtherSpellings: with identity, the factor asked for is the account's, whatever was typed. Without it, the
// typed name counts as contract 4.2 says: trimmed, NFKC, lower case.
func TestP4_OtherSpellings(t *testing.T) {
	for _, test := range []struct {
		typed             string
		withoutIsTheSame  bool
		withoutIsAnybodys string
	}{
		{"alice", true, ""},
		{"ALICE", true, ""},
		{" alice ", true, ""},
		{"ａｌｉｃｅ", true, ""},
		{"alice@example.com", false, "alice@example.com"},
	} {
		for _, identity := range []bool{true, false} {
			change := typedOnly
			if identity {
				change = nil
			}
			s := newSite(t, demo.Knobs{}, change)
			first := s.browser()
			first.signIn("alice", demo.AlicePassword)
			first.enrol()
			b := s.browser()
			got := b.signIn(test.typed, demo.AlicePassword)
			if got.StatusCode == http.StatusOK {
				b.wantsState("anonymous", "") // the app itself does not know this spelling
				continue
			}
			if identity || test.withoutIsTheSame {
				got.wants(t, http.StatusSeeOther, "/second-factor/challenge")
				b.wantsState("pending", "alice")
				continue
			}
			b.wantsState("verified", test.withoutIsAnybodys)
		}
	}
}

// TestP4_UsernamesRefusesOtherForms: `usernames` refuses the forms of a name that the typed name leaves open if the app
// cannot be asked.
func TestP4_UsernamesRefusesOtherForms(t *testing.T) {
	s := newSite(t, demo.Knobs{Record: 100}, func(c *Config) {
		typedOnly(c)
		c.Logins.Names.Allowed = regexp.MustCompile(`[a-z]+`)
	})
	b := s.browser()
	got := b.signIn("alice@example.com", demo.AlicePassword)
	if got.StatusCode != http.StatusBadRequest {
		t.Fatalf("%d", got.StatusCode)
	}
	for _, received := range s.app.Received() {
		if received.Method == http.MethodPost {
			t.Error("the login reached the app")
		}
	}
	b.signIn("alice", demo.AlicePassword).wants(t, http.StatusSeeOther, "/")
}

// TestP5_RotatesAndNeither: an app changes its session cookie with each answer. With `rotates` that is normal use. With
// neither `rotates` nor identity, nobody knows whose the new cookie is: the session ends, and the answer is withheld.
func TestP5_RotatesAndNeither(t *testing.T) {
	rotating := newSite(t, demo.Knobs{Rotate: true}, func(c *Config) {
		typedOnly(c)
		c.Rotates = match.NewGlobs(demo.SessionCookie)
	})
	b := rotating.browser()
	b.signIn("alice", demo.AlicePassword).wants(t, http.StatusSeeOther, "/")
	b.enrol()
	for range 5 {
		b.get("/api/entries").wants(t, http.StatusOK, "")
	}
	b.wantsState("verified", "alice")

	neither := newSite(t, demo.Knobs{Rotate: true}, typedOnly)
	b = neither.browser()
	b.signIn("alice", demo.AlicePassword).wants(t, http.StatusSeeOther, "/")
	b.enrol()
	b.get("/files").wants(t, http.StatusSeeOther, "/login")
	b.wantsState("anonymous", "")
}

// TestP5_ParallelAnswersKeepTheirCookies: an app with identity changes its cookie with each answer, and requests run
// side by side. No answer's change undoes another's, and the session goes on.
func TestP5_ParallelAnswersKeepTheirCookies(t *testing.T) {
	s := newSite(t, demo.Knobs{Rotate: true}, nil)
	b := s.browser()
	b.signIn("alice", demo.AlicePassword).wants(t, http.StatusSeeOther, "/")
	failures := make(chan int, 4)
	for range 4 {
		go func() { failures <- b.get("/api/entries").StatusCode }()
	}
	for range 4 {
		if status := <-failures; status != http.StatusOK {
			t.Errorf("a parallel request got %d", status)
		}
	}
	b.get("/api/entries").wants(t, http.StatusOK, "")
	b.wantsState("verified", "alice")
}

// TestP4_LoginThatLeavesNothingToHold: scripts may read the app's session cookie, which was there before the login and
// is raised in place. The browser has it already, nothing can be held, and so nobody is let in. From then on the cookie
// is held, so the raised one is of no use to the browser, and the next login works like any other.
func TestP4_LoginThatLeavesNothingToHold(t *testing.T) {
	s := newSite(t, demo.Knobs{ElevateInPlace: true, ScriptCookie: true, Record: 100}, nil)
	b := s.browser()
	if got := b.signIn("alice", demo.AlicePassword); got.StatusCode != http.StatusBadGateway {
		t.Fatalf("%d to %q", got.StatusCode, got.Header.Get("Location"))
	}
	b.wantsState("anonymous", "")
	if !strings.Contains(s.logged.String(), "setting=hold") {
		t.Errorf("the operator is not told: %s", s.logged)
	}
	if page := b.get("/login"); page.StatusCode != http.StatusOK {
		t.Errorf("the login page is answered as to somebody who is signed in: %d to %q", page.StatusCode, page.Header.Get("Location"))
	}
	b.signIn("alice", demo.AlicePassword).wants(t, http.StatusSeeOther, "/")
	b.wantsState("verified", "alice")
}

// TestSessionTimes: a verified session has an idle limit and an absolute one, and a challenge has a limit.
func TestSessionTimes(t *testing.T) {
	s := newSite(t, demo.Knobs{}, nil)
	b := s.browser()
	b.signIn("alice", demo.AlicePassword)
	key := b.enrol()
	for range 23 {
		s.clock.Advance(59 * time.Minute)
		b.get("/api/entries").wants(t, http.StatusOK, "")
	}
	s.clock.Advance(61 * time.Minute)
	b.get("/files").wants(t, http.StatusSeeOther, "/login")

	b.signIn("alice", demo.AlicePassword).wants(t, http.StatusSeeOther, "/second-factor/challenge")
	s.clock.Advance(11 * time.Minute)
	b.get("/second-factor/challenge").wants(t, http.StatusSeeOther, "/login")

	b.signIn("alice", demo.AlicePassword)
	b.own("/challenge", "/challenge", url.Values{"code": {s.code(key)}}).wants(t, http.StatusSeeOther, "/")
	for range 25 {
		s.clock.Advance(58 * time.Minute)
		b.get("/api/entries")
	}
	b.wantsState("anonymous", "")
}

// TestP7_NamesOfTwoKinds: an app has staff and customers, each with names of their own. Somebody who signed up as a
// customer under the name of a member of staff was the same user here: her wrong codes locked the other out, and a
// factor that she set up first became the other's.
func TestP7_NamesOfTwoKinds(t *testing.T) {
	s := newSite(t, demo.Knobs{}, func(c *Config) {
		c.Logins.Identities = []login.Identity{
			{Path: "/api/me", Kind: login.JSON, Pointer: "/login"}, {Path: "/staff", Kind: login.JSON, Pointer: "/login", Prefix: "staff:"},
		}
		c.Logins.Blocks = append(c.Logins.Blocks, login.Block{
			Paths: match.NewGlobs("/staff/login"), Username: login.Source{Kind: login.Form, Name: "username"},
		})
	})
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		cookie, _ := r.Cookie("kind")
		switch {
		case r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/login"):
			w.Header().Add("Set-Cookie", "kind="+strings.TrimSuffix(r.URL.Path, "login")+"; HttpOnly; Path=/")
			w.Header().Add("Set-Cookie", "as="+r.FormValue("as")+"; HttpOnly; Path=/")
		case cookie == nil:
		case r.URL.Path == "/api/me" && cookie.Value == "/", r.URL.Path == "/staff" && cookie.Value == "/staff/":
			name := "alice"
			if as, err := r.Cookie("as"); err == nil && as.Value != "" {
				name = as.Value
			}
			_, _ = w.Write([]byte(`{"login":"` + name + `"}`))
			return nil
		}
		_, _ = w.Write([]byte(`{}`))
		return nil
	})
	staff := s.browser()
	staff.post("/staff/login", url.Values{"username": {"alice"}}).wants(t, http.StatusOK, "")
	staff.wantsState("verified", "staff:alice")
	staff.enrol()
	again := s.browser()
	again.post("/staff/login", url.Values{"username": {"alice"}}).wants(t, http.StatusSeeOther, "/second-factor/challenge")
	customer := s.browser()
	customer.post("/login", url.Values{"username": {"alice"}}).wants(t, http.StatusOK, "")
	customer.wantsState("verified", "alice")
	// A customer whose name begins with the other kind's prefix does not get in either.
	forger := s.browser()
	if got := forger.post("/login", url.Values{"username": {"alice"}, "as": {"Staff:alice"}}); got.StatusCode != http.StatusBadGateway {
		t.Errorf("a customer called Staff:alice: %d", got.StatusCode)
	}
	forger.wantsState("anonymous", "")
}
