package gateway

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/operator"
	"sallyport.example/sallyport/session"
)

// helpedSite is a site with what operators do for its users. Two may share the stores.
type helpedSite struct {
	*site
	desk *operator.Service
	act  operator.Act
	told *heard
}

// atHelpedSites starts two gateways over the same stores, and the operators' service of the first.
func atHelpedSites(t *testing.T, change func(*Config)) (here, there *helpedSite) {
	t.Helper()
	store := factor.NewMemoryStore()
	memory := session.NewMemory(session.MemoryOptions{})
	t.Cleanup(func() { _ = memory.Close() })
	made := make([]*helpedSite, 2)
	for i := range made {
		h := &helpedSite{act: operator.Act{Operator: "grace", Reason: "lost phone"}, told: new(heard)}
		h.site = newSite(t, demo.Knobs{}, func(c *Config) {
			if i > 0 {
				c.Now = made[0].clock.Now
			}
			config := factor.Config{App: "ledger", Kinds: kinds(), Now: c.Now, Remember: 24 * time.Hour}
			c.Events, c.Factors = h.told, factor.NewService(store, config)
			c.Sessions = session.NewShared(session.NewRecent(memory, nil)).Manager(session.Config{App: "ledger", Now: c.Now})
			if change != nil {
				change(c)
			}
			app := operator.App{Name: "ledger", Factors: c.Factors, Sessions: c.Sessions, Events: h.told, Throttle: factor.DefaultThrottle()}
			h.desk = &operator.Service{
				Now: c.Now, Lister: store, Find: func(name string) (operator.App, bool) { return app, name == app.Name },
			}
		})
		made[i] = h
	}
	made[1].clock = made[0].clock
	return made[0], made[1]
}

func (h *helpedSite) reset(t *testing.T) string {
	t.Helper()
	issued, err := h.desk.Reset(t.Context(), "ledger", "bob", h.act)
	if err != nil {
		t.Fatal(err)
	}
	return issued.Code
}

// closed demands that a browser with bob's password and no more gets to the set-up page, and nowhere else.
func (b *browser) closed(t *testing.T) {
	t.Helper()
	b.signIn("bob", demo.BobPassword).wants(t, http.StatusSeeOther, "/second-factor/setup")
	b.get("/").wants(t, http.StatusSeeOther, "/second-factor/setup")
	for _, path := range []string{"/api/entries", "/second-factor/resume", "/static/private/x"} {
		if got := b.do("GET", path, "application/json", ""); got.StatusCode == http.StatusOK {
			t.Errorf("%s is open: %s", path, got.body)
		}
	}
	for _, path := range []string{"/second-factor/challenge", "/second-factor/recovery", "/second-factor/", "/second-factor/reset", "/second-factor/offer"} {
		if got := b.get(path); got.StatusCode == http.StatusOK {
			t.Errorf("%s is shown", path)
		}
	}
}

// enrolsWith posts the first form of the set-up with an enrolment code.
func (b *browser) enrolsWith(code string) answer {
	b.s.t.Helper()
	return b.own("/setup", "/setup", url.Values{"enrolment_code": {code}})
}

// TestP1_ResetIsNoOpenDoor: mallory has bob's password, and has the help desk reset bob's second factor, or waits for
// it. By the password alone she gets nothing: neither by signing in, nor by setting a factor of her own up, nor by
// putting it off, at either gateway. Bob has the code, and gets in.
func TestP1_ResetIsNoOpenDoor(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"require enrolled": nil,
		"require everyone": func(c *Config) { c.RequireEveryone, c.Grace = true, 14*24*time.Hour },
		"offered":          func(c *Config) { c.Offer = true },
	} {
		t.Run(name, func(t *testing.T) {
			here, there := atHelpedSites(t, change)
			bob := here.browser()
			if got := bob.signIn("bob", demo.BobPassword); name == "require everyone" {
				bob.own("/setup", "/setup", nil)
				key := find(t, secretKey, bob.get("/second-factor/setup").body)
				bob.own("/setup", "/setup/confirm", url.Values{"code": {bob.s.code(key)}})
			} else if got.StatusCode != http.StatusSeeOther {
				t.Fatal(got.StatusCode)
			} else {
				bob.enrol()
			}
			if got := bob.get("/api/entries"); got.StatusCode != http.StatusOK {
				t.Fatalf("the control: bob's session: %d", got.StatusCode)
			}
			code := here.reset(t)
			if got := bob.do("GET", "/api/entries", "application/json", ""); got.StatusCode == http.StatusOK {
				t.Error("the session from before goes on")
			}
			for _, at := range []*helpedSite{here, there} {
				mallory := at.browser()
				mallory.closed(t)
				for _, wrong := range []string{"", "123456", "0000-0000-0000-0000-0000"} {
					if got := mallory.enrolsWith(wrong); got.StatusCode != http.StatusUnprocessableEntity {
						t.Errorf("set-up with the code %q: %d", wrong, got.StatusCode)
					}
				}
				if got := mallory.own("/setup", "/later", nil); got.Header.Get("Location") != "/second-factor/setup" {
					t.Errorf("put off: %d %s", got.StatusCode, got.Header.Get("Location"))
				}
				if got := mallory.own("/setup", "/setup/confirm", url.Values{"code": {"123456"}}); got.StatusCode == http.StatusOK {
					t.Errorf("confirmed: %d", got.StatusCode)
				}
				mallory.closedStill(t)
				_ = here.desk.Unlock(t.Context(), "ledger", "bob", here.act)
			}
			friend := there.browser()
			friend.closed(t)
			friend.enrolsWith(strings.ReplaceAll(code, "-", " ")).wants(t, http.StatusSeeOther, "/second-factor/setup")
			late := here.browser()
			late.closed(t)
			if got := late.enrolsWith(code); got.StatusCode != http.StatusUnprocessableEntity {
				t.Errorf("the code a second time, at the other gateway: %d", got.StatusCode)
			}
			key := find(t, secretKey, friend.get("/second-factor/setup").body)
			friend.own("/setup", "/setup/confirm", url.Values{"code": {here.code(key)}}).wants(t, http.StatusSeeOther, "/second-factor/recovery-codes")
			if got := friend.get("/api/entries"); got.StatusCode != http.StatusOK {
				t.Errorf("bob is not in: %d", got.StatusCode)
			}
			if got := friend.get("/second-factor/"); !strings.Contains(got.body, "reset by the help desk") || strings.Contains(got.body, "lost phone") {
				t.Error("the activity does not say that the help desk has reset it, or says why")
			}
			late.get("/").wants(t, http.StatusSeeOther, "/login")
		})
	}
}

func (b *browser) closedStill(t *testing.T) {
	t.Helper()
	if got := b.do("GET", "/api/entries", "application/json", ""); got.StatusCode == http.StatusOK {
		t.Error("the app is open")
	}
}

// TestP5_ResetMeanwhile: an operator resets bob's account while a session of his is being challenged, sets a factor up,
// or was just let in. None of it leads past the enrolment code.
func TestP5_ResetMeanwhile(t *testing.T) {
	here, _ := atHelpedSites(t, nil)
	bob := here.browser()
	bob.signIn("bob", demo.BobPassword)
	proposed := here.browser()
	proposed.signIn("bob", demo.BobPassword)
	proposed.own("/", "/setup", nil)
	proposal := find(t, secretKey, proposed.get("/second-factor/setup").body)
	key := bob.enrol()
	challenged := here.browser()
	challenged.signIn("bob", demo.BobPassword).wants(t, http.StatusSeeOther, "/second-factor/challenge")
	token := find(t, ownCSRF, challenged.get("/second-factor/challenge").body)
	here.reset(t)
	challenged.post("/second-factor/challenge", url.Values{"csrf_token": {token}, "code": {here.code(key)}})
	challenged.closedStill(t)
	proposed.post("/second-factor/setup/confirm", url.Values{"csrf_token": {token}, "code": {here.code(proposal)}})
	proposed.closedStill(t)
	// In the middle of the set-up with a code another reset ends it.
	first := here.reset(t)
	again := here.browser()
	again.closed(t)
	again.enrolsWith(first).wants(t, http.StatusSeeOther, "/second-factor/setup")
	token = find(t, ownCSRF, again.get("/second-factor/setup").body)
	code := here.reset(t)
	again.post("/second-factor/setup/confirm", url.Values{"csrf_token": {token}, "code": {here.code(proposal)}})
	again.closedStill(t)
	next := here.browser()
	next.closed(t)
	next.enrolsWith(code).wants(t, http.StatusSeeOther, "/second-factor/setup")
	secret := find(t, secretKey, next.get("/second-factor/setup").body)
	if _, err := here.desk.Code(t.Context(), "ledger", "bob", here.act); err != nil {
		t.Fatal(err)
	}
	next.own("/setup", "/setup/confirm", url.Values{"code": {here.code(secret)}})
	next.closedStill(t)
}

// TestP7_OperatorsCode: a code in place of a lost factor passes one challenge, at one gateway, leads to another
// authenticator at once, without another code, and opens nothing to who has not the password.
func TestP7_OperatorsCode(t *testing.T) {
	here, there := atHelpedSites(t, nil)
	bob := here.browser()
	bob.signIn("bob", demo.BobPassword)
	old := bob.enrol()
	bob.own("/", "/logout", nil)
	issued, err := here.desk.Code(t.Context(), "ledger", "bob", here.act)
	if err != nil {
		t.Fatal(err)
	}
	newer, err := here.desk.Code(t.Context(), "ledger", "bob", here.act)
	if err != nil {
		t.Fatal(err)
	}
	challenged := func(at *helpedSite) *browser {
		b := at.browser()
		b.signIn("bob", demo.BobPassword).wants(t, http.StatusSeeOther, "/second-factor/challenge")
		return b
	}
	first, second := challenged(there), challenged(here)
	if got := first.own("/recovery", "/recovery", url.Values{"code": {issued.Code}}); got.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("the older code: %d", got.StatusCode)
	}
	if got := first.own("/challenge", "/challenge", url.Values{"code": {newer.Code}}); got.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("in the field for an authenticator's code: %d", got.StatusCode)
	}
	first.own("/recovery", "/recovery", url.Values{"code": {newer.Code}, "then": {"ask"}}).wants(t, http.StatusSeeOther, "/second-factor/reset")
	if got := second.own("/recovery", "/recovery", url.Values{"code": {newer.Code}}); got.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("a second time, at the other gateway: %d", got.StatusCode)
	}
	if got := first.get("/api/entries"); got.StatusCode != http.StatusOK {
		t.Errorf("the session is not open: %d", got.StatusCode)
	}
	first.own("/reset", "/reset", nil).wants(t, http.StatusSeeOther, "/second-factor/setup")
	key := find(t, secretKey, first.get("/second-factor/setup").body)
	first.own("/setup", "/setup/confirm", url.Values{"code": {here.code(key)}}).wants(t, http.StatusSeeOther, "/second-factor/")
	if got := first.own("/reset", "/reset", nil); got.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("the code serves another change: %d %s", got.StatusCode, got.Header.Get("Location"))
	}
	here.clock.Advance(time.Minute)
	third := challenged(here)
	if got := third.own("/challenge", "/challenge", url.Values{"code": {here.code(old)}}); got.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("the lost authenticator: %d", got.StatusCode)
	}
	third.own("/challenge", "/challenge", url.Values{"code": {here.code(key)}}).wants(t, http.StatusSeeOther, "/")
}

// TestOperatorsCodeIsNoLastingProof: who signed in with an operator's code and changed nothing owes a proof for a
// change some minutes later.
func TestOperatorsCodeIsNoLastingProof(t *testing.T) {
	here, _ := atHelpedSites(t, nil)
	bob := here.browser()
	bob.signIn("bob", demo.BobPassword)
	bob.enrol()
	bob.own("/", "/logout", nil)
	issued, err := here.desk.Code(t.Context(), "ledger", "bob", here.act)
	if err != nil {
		t.Fatal(err)
	}
	bob.signIn("bob", demo.BobPassword)
	bob.own("/recovery", "/recovery", url.Values{"code": {issued.Code}}).wants(t, http.StatusSeeOther, "/second-factor/reset")
	here.clock.Advance(6 * time.Minute)
	if got := bob.own("/disable", "/disable", nil); got.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("disabled without a proof: %d", got.StatusCode)
	}
}

// TestP8_OperatorsEndSessions: a reset and a sign-out end all sessions of the user, at both gateways, whatever they are
// in the middle of, and nobody else's.
func TestP8_OperatorsEndSessions(t *testing.T) {
	here, there := atHelpedSites(t, nil)
	open := func(at *helpedSite, name, password string) *browser {
		b := at.browser()
		b.signIn(name, password)
		if got := b.get("/api/entries"); got.StatusCode != http.StatusOK {
			t.Fatalf("the control: %d", got.StatusCode)
		}
		return b
	}
	one, other := open(here, "bob", demo.BobPassword), open(there, "bob", demo.BobPassword)
	alice := open(there, "alice", demo.AlicePassword)
	if err := here.desk.SignOut(t.Context(), "ledger", "bob", here.act); err != nil {
		t.Fatal(err)
	}
	one.closedStill(t)
	eventually(t, "the session at the other gateway ends", func() bool {
		return other.do("GET", "/api/entries", "application/json", "").StatusCode != http.StatusOK
	})
	if got := alice.get("/api/entries"); got.StatusCode != http.StatusOK {
		t.Errorf("somebody else was signed out: %d", got.StatusCode)
	}
	here.told.taken()
	if err := here.desk.SignOut(t.Context(), "ledger", "nobody", here.act); err == nil {
		t.Error("nobody was signed out")
	}
	if len(here.told.taken()) != 0 {
		t.Error("what was not done is told")
	}
}

// TestOperatorsAreTold: each act is told once, with who did it and why.
func TestOperatorsAreTold(t *testing.T) {
	here, _ := atHelpedSites(t, nil)
	bob := here.browser()
	bob.signIn("bob", demo.BobPassword)
	bob.enrol()
	here.told.taken()
	for name, act := range map[string]func() error{
		"operator_code": func() error { _, err := here.desk.Code(t.Context(), "ledger", "bob", here.act); return err },
		"unlocked":      func() error { return here.desk.Unlock(t.Context(), "ledger", "bob", here.act) },
		"signed_out":    func() error { return here.desk.SignOut(t.Context(), "ledger", "bob", here.act) },
		"operator_reset": func() error {
			_, err := here.desk.Reset(t.Context(), "ledger", "bob", here.act)
			return err
		},
	} {
		if err := act(); err != nil {
			t.Fatal(err)
		}
		events := here.told.taken()
		if len(events) != 1 || string(events[0].Name) != name || events[0].Actor != "operator:grace" || events[0].Reason != "lost phone" || events[0].User != "bob" {
			t.Errorf("%s: %+v", name, events)
		}
	}
}
