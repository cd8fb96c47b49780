package gateway

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"sallyport.example/sallyport/factor"
)

// firsts sends n first requests with a password at once, as a browser without a session does for its tabs, and returns
// how many requests got each token.
func (s *site) firsts(n int, header http.Header) map[string]int {
	s.t.Helper()
	var mutex sync.Mutex
	var group sync.WaitGroup
	tokens := make(map[string]int)
	for range n {
		group.Go(func() {
			request, _ := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.server.URL+"/page", nil)
			request.Header = header.Clone()
			request.Header.Set("Accept", "text/html")
			answer, err := http.DefaultTransport.RoundTrip(request)
			if err != nil {
				s.t.Error(err)
				return
			}
			defer answer.Body.Close()
			mutex.Lock()
			defer mutex.Unlock()
			for _, cookie := range answer.Cookies() {
				tokens[cookie.Value]++
			}
		})
	}
	group.Wait()
	return tokens
}

// TestBasicTabsShareOneSession: a browser asks for eight tabs at once, each with the password. All of them get one
// session, so the challenge that it shows is good whichever answer came last.
func TestBasicTabsShareOneSession(t *testing.T) {
	s := newBasic(t, new(basicApp), nil)
	key := s.enrolledBasic("alice", "pw-a")
	tokens := s.firsts(8, with(basic("alice", "pw-a")))
	if len(tokens) != 1 {
		t.Fatalf("eight tabs have the sessions %v", tokens)
	}
	for token := range tokens {
		b := s.browser()
		b.plant("sallyport", token)
		b.wantsState("pending", "alice")
		b.passes(key).wants(t, http.StatusSeeOther, "/page")
	}
}

// TestP5_OnlyTabsOfOneBrowserShareASession: what tells browsers apart, and another password, begins another session;
// so does a request that comes later.
func TestP5_OnlyTabsOfOneBrowserShareASession(t *testing.T) {
	s := newBasic(t, new(basicApp), nil)
	s.enrolledBasic("alice", "pw-a")
	s.enrolledBasic("bob", "pw-b")
	seen := make(map[string]string)
	mine := with(basic("alice", "pw-a"))
	for _, of := range []struct {
		what   string
		header http.Header
		later  time.Duration
	}{
		{what: "alice", header: mine},
		{what: "bob", header: with(basic("bob", "pw-b"))},
		{what: "another browser", header: http.Header{"Authorization": mine["Authorization"], "User-Agent": {"another"}}},
		{what: "another cookie", header: http.Header{"Authorization": mine["Authorization"], "Cookie": {"a=b"}}},
		{what: "later", header: mine, later: 11 * time.Second},
	} {
		s.clock.Advance(of.later)
		tokens := s.firsts(2, of.header)
		if len(tokens) != 1 {
			t.Errorf("%s: the control: %v", of.what, tokens)
		}
		for token := range tokens {
			if before, known := seen[token]; known {
				t.Errorf("%s has the session of %s", of.what, before)
			}
			seen[token] = of.what
		}
	}
}

// TestP1_NobodyJoinsASessionThatIsWorthMore: somebody who has alice's password, at her address and with a browser of
// the same name, sends it by HTTP Basic at the very moment in which she does. For a while the requests shared a session
// in which a factor was to be set up as well, and her set-up there showed him her seed. Now they share one only while a
// factor is owed; whatever becomes of it, her token is a new one, and his is dead.
func TestP1_NobodyJoinsASessionThatIsWorthMore(t *testing.T) {
	var factors *factor.Service
	demanding := newBasic(t, new(basicApp), func(c *Config) {
		c.RequireEveryone = true
		factors = c.Factors
	})
	s := newBasic(t, new(basicApp), nil)
	alice, bob := with(basic("alice", "pw-a")), with(basic("bob", "pw-b"))
	for what, of := range map[string]*site{"sessions in which a factor is to be set up": demanding, "verified sessions": s} {
		if tokens := of.firsts(4, bob); len(tokens) != 4 {
			t.Errorf("%s: %v", what, tokens)
		}
	}
	shared := func(of *site) (victim, attacker *browser) {
		victim, attacker = of.browser(), of.browser()
		victim.send("GET", "/page", "", alice).wants(t, http.StatusSeeOther, challengePage)
		attacker.send("GET", "/page", "", alice).wants(t, http.StatusSeeOther, challengePage)
		if victim.cookies()["sallyport"] != attacker.cookies()["sallyport"] {
			t.Fatal("the control: they share no session")
		}
		return victim, attacker
	}

	key := s.enrolledBasic("alice", "pw-a")
	victim, attacker := shared(s)
	victim.passes(key).wants(t, http.StatusSeeOther, "/page")
	attacker.wantsState("anonymous", "")
	s.clock.Advance(-29 * time.Second) // as if no time had passed since the victim's first request
	attacker = s.browser()
	attacker.send("GET", "/page", "", alice).wants(t, http.StatusSeeOther, challengePage)
	attacker.wantsState("pending", "alice")

	// She loses her factor meanwhile, and has to set one up.
	demanding.enrolDirectly(factors, "alice")
	victim, attacker = shared(demanding)
	if err := factors.Disable(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	victim.send("GET", challengePage, "", alice)
	victim.wantsState("enrolling", "alice")
	attacker.wantsState("anonymous", "")
}

// enrolDirectly gives a user a factor without the pages.
func (s *site) enrolDirectly(factors *factor.Service, user string) {
	s.t.Helper()
	ceremony, err := factors.Begin(s.t.Context(), user, factor.MethodTOTP)
	if err != nil {
		s.t.Fatal(err)
	}
	offer, err := factors.Show(ceremony)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := factors.Confirm(s.t.Context(), user, ceremony, factor.Answer{Text: s.code(offer.Key)}); err != nil {
		s.t.Fatal(err)
	}
}
