package gateway

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/internal/match"
)

// heard is a sink that keeps the events that it gets.
type heard struct {
	mutex  sync.Mutex
	events []event.Event
}

func (h *heard) Emit(ctx context.Context, e event.Event) {
	if ctx.Err() != nil {
		panic("told with a context that is over")
	}
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.events = append(h.events, e)
}

// taken returns the events since the last call.
func (h *heard) taken() []event.Event {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	defer func() { h.events = nil }()
	return h.events
}

// texts returns the events in words: name, user, actor, outcome, and the other fields.
func texts(events []event.Event) (lines []string) {
	for _, e := range events {
		user := e.User
		if user == "" {
			user = "-"
		}
		words := []string{string(e.Name), user, string(e.Actor), string(e.Outcome)}
		for name, value := range map[string]string{
			"method": e.Method, "reason": e.Reason, "state": e.State, "was": e.Was, "setting": e.Setting, "cookies": strings.Join(e.Cookies, " "),
		} {
			if value != "" {
				words = append(words, name+"="+value)
			}
		}
		if e.All {
			words = append(words, "all")
		}
		if e.Left != nil {
			words = append(words, fmt.Sprintf("left=%d", *e.Left))
		}
		if !e.Until.IsZero() {
			words = append(words, "for="+e.Until.Sub(e.At).Round(time.Second).String())
		}
		slices.Sort(words[4:])
		lines = append(lines, strings.Join(words, " "))
	}
	return lines
}

func (h *heard) wants(t *testing.T, want ...string) {
	t.Helper()
	events := h.taken()
	if got := texts(events); !slices.Equal(got, want) {
		t.Errorf("heard:\n\t%s\nwant:\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
	for _, e := range events {
		if e.App != "ledger" || e.Client != "127.0.0.1" || e.At.IsZero() {
			t.Errorf("%s: app %q, client %q, at %v", e.Name, e.App, e.Client, e.At)
		}
	}
}

// listening makes a site whose browsers can be trusted, with a sink of ours.
func listening(t *testing.T, change func(*Config)) (*site, *heard) {
	t.Helper()
	h := new(heard)
	s := newSite(t, demo.Knobs{}, func(c *Config) {
		c.Events = h
		c.Factors = factor.NewService(factor.NewMemoryStore(), factor.Config{
			App: "ledger", Kinds: kinds(), Now: c.Now, Remember: 30 * 24 * time.Hour, Throttle: factor.Throttle{Free: 2, Stop: 3},
		})
		if change != nil {
			change(c)
		}
	})
	return s, h
}

// recoveryCodes returns the codes of the page that shows them once.
func (b *browser) recoveryCodes() (codes []string) {
	b.s.t.Helper()
	list := strings.SplitN(b.get("/second-factor/recovery-codes").body, `id="recovery-codes"`, 2)
	for part := range strings.SplitSeq(list[len(list)-1], "<code>") {
		if code, _, found := strings.Cut(part, "</code>"); found {
			codes = append(codes, code)
		}
	}
	return codes
}

// member makes a verified session of bob, who has a factor, and returns his key and his recovery codes.
func (s *site) member() (b *browser, key string, codes []string) {
	s.t.Helper()
	b = s.as(linuxFirefox)
	b.signIn("bob", demo.BobPassword)
	key = b.enrol()
	return b, key, b.recoveryCodes()
}

// challenged makes a session of bob that owes its factor.
func (s *site) challenged() (b *browser, key string, codes []string) {
	s.t.Helper()
	b, key, codes = s.member()
	b.own("/", "/logout", nil)
	b.signIn("bob", demo.BobPassword).wants(s.t, http.StatusSeeOther, "/second-factor/challenge")
	return b, key, codes
}

// wrongCode returns a code that is not one of the key's near the present.
func (s *site) wrongCode(key string) string {
	s.t.Helper()
	now := s.clock.Now()
	defer func() { s.clock.Set(now) }()
	var near []string
	for step := range 9 {
		s.clock.Set(now.Add(time.Duration(step-4) * 30 * time.Second))
		near = append(near, s.code(key))
	}
	for _, code := range []string{"000000", "111111", "222222", "333333", "444444", "555555", "666666", "777777", "888888", "999999"} {
		if !slices.Contains(near, code) {
			return code
		}
	}
	s.t.Fatal("no wrong code")
	return ""
}

// TestEvents: everything that happens is emitted, once, by its name and with what is known of it.
func TestEvents(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*Config)
		// prepare leads up to the act whose events are checked.
		prepare func(s *site) (act func())
		want    []string
	}{
		{name: "login", prepare: func(s *site) func() {
			return func() { s.browser().signIn("Bob", demo.BobPassword) }
		}, want: []string{"login_accepted bob user accepted state=verified"}},
		{name: "login, a factor owed", prepare: func(s *site) func() {
			b, _, _ := s.member()
			b.own("/", "/logout", nil)
			return func() { b.signIn("bob", demo.BobPassword) }
		}, want: []string{"login_accepted bob user accepted state=pending"}},
		{
			name: "login, a factor to be set up", change: func(c *Config) { c.RequireEveryone = true },
			prepare: func(s *site) func() { return func() { s.browser().signIn("bob", demo.BobPassword) } },
			want:    []string{"login_accepted bob user accepted state=enrolling"},
		},
		{name: "wrong password", prepare: func(s *site) func() {
			return func() { s.browser().signIn("bob", "wrong") }
		}, want: []string{"login_failed - user failed"}},
		{name: "malformed login", prepare: func(s *site) func() {
			return func() {
				s.browser().post("/login", url.Values{"username": {"bob", "alice"}, "password": {demo.BobPassword}})
			}
		}, want: []string{"login_refused - gateway refused reason=request"}},
		{
			name: "unclear login", change: func(c *Config) { c.Pass = match.NewGlobs("*") },
			prepare: func(s *site) func() { return func() { s.browser().signIn("bob", demo.BobPassword) } },
			want:    []string{"login_refused - gateway refused reason=unclear setting=hold"},
		},
		{name: "challenge", prepare: func(s *site) func() {
			b, key, _ := s.challenged()
			return func() {
				b.own("/challenge", "/challenge", url.Values{"code": {s.code(key)}}).wants(s.t, http.StatusSeeOther, "/")
			}
		}, want: []string{"challenge_passed bob user passed method=totp"}},
		{name: "wrong codes", prepare: func(s *site) func() {
			b, key, _ := s.challenged()
			return func() {
				for range 3 {
					b.own("/challenge", "/challenge", url.Values{"code": {s.wrongCode(key)}})
				}
				s.clock.Advance(31 * time.Second)
				for range 2 {
					b.own("/challenge", "/challenge", url.Values{"code": {s.wrongCode(key)}})
				}
			}
		}, want: []string{
			"challenge_failed bob user failed method=totp",
			"challenge_failed bob user failed method=totp", "throttled bob gateway refused for=30s method=totp",
			"challenge_failed bob user refused method=totp reason=throttled",
			"challenge_failed bob user failed method=totp", "stopped bob gateway refused method=totp",
			"challenge_failed bob user refused method=totp reason=stopped",
		}},
		{name: "no code is no attempt", prepare: func(s *site) func() {
			b, _, _ := s.challenged()
			return func() { b.own("/challenge", "/challenge", nil) }
		}},
		{name: "recovery code", prepare: func(s *site) func() {
			b, _, codes := s.challenged()
			return func() {
				b.own("/recovery", "/recovery", url.Values{"code": {codes[0]}}).wants(s.t, http.StatusSeeOther, "/")
			}
		}, want: []string{"recovery_code_used bob user done left=9 method=recovery", "challenge_passed bob user passed method=recovery"}},
		{name: "set-up", prepare: func(s *site) func() {
			b := s.browser()
			b.signIn("bob", demo.BobPassword)
			return func() { b.enrol() }
		}, want: []string{"factor_added bob user done method=totp"}},
		{name: "set-up with a wrong code", prepare: func(s *site) func() {
			b := s.browser()
			b.signIn("bob", demo.BobPassword)
			b.own("/", "/setup", nil)
			key := find(s.t, secretKey, b.get("/second-factor/setup").body)
			return func() { b.own("/setup", "/setup/confirm", url.Values{"code": {s.wrongCode(key)}}) }
		}, want: []string{"challenge_failed bob user failed method=totp reason=set_up"}},
		{name: "reset", prepare: func(s *site) func() {
			b, key, _ := s.member()
			return func() {
				b.own("/reset", "/reset", url.Values{"code": {s.code(key)}}).wants(s.t, http.StatusSeeOther, "/second-factor/setup")
				fresh := find(s.t, secretKey, b.get("/second-factor/setup").body)
				b.own("/setup", "/setup/confirm", url.Values{"code": {s.code(fresh)}})
			}
		}, want: []string{"challenge_passed bob user passed method=totp reason=change", "factor_reset bob user done method=totp"}},
		{name: "disable, with a recovery code", prepare: func(s *site) func() {
			b, _, codes := s.member()
			return func() {
				b.own("/disable", "/disable", url.Values{"code": {codes[0]}}).wants(s.t, http.StatusSeeOther, "/second-factor/")
			}
		}, want: []string{
			"recovery_code_used bob user done method=recovery", "challenge_passed bob user passed method=recovery reason=change",
			"factors_disabled bob user done method=none",
		}},
		{name: "change with a wrong code", prepare: func(s *site) func() {
			b, key, _ := s.member()
			return func() { b.own("/disable", "/disable", url.Values{"code": {s.wrongCode(key)}}) }
		}, want: []string{"challenge_failed bob user failed reason=change"}},
		{name: "new recovery codes", prepare: func(s *site) func() {
			b, key, _ := s.member()
			return func() { b.own("/recovery-codes", "/recovery-codes", url.Values{"code": {s.code(key)}}) }
		}, want: []string{"challenge_passed bob user passed method=totp reason=change", "recovery_codes_made bob user done method=totp"}},
		{name: "browser trusted", prepare: func(s *site) func() {
			b, key, _ := s.challenged()
			return func() { b.own("/challenge", "/challenge", url.Values{"code": {s.code(key)}, "trust": {"yes"}}) }
		}, want: []string{"browser_trusted bob user done method=totp", "challenge_passed bob user passed method=totp"}},
		{name: "sign-in from a trusted browser", prepare: func(s *site) func() {
			b, key, _ := s.member()
			b.own("/", "/logout", nil)
			b.trust(key)
			return func() { b.signIn("bob", demo.BobPassword).wants(s.t, http.StatusSeeOther, "/") }
		}, want: []string{"login_accepted bob user accepted state=verified", "challenge_passed bob user passed method=trusted"}},
		{name: "trust that is misused", prepare: func(s *site) func() {
			b, key, _ := s.member()
			b.own("/", "/logout", nil)
			b.trust(key)
			thief := s.as(windowsChrome)
			thief.plant(trustedBrowser, b.cookies()[trustedBrowser])
			return func() {
				thief.signIn("bob", demo.BobPassword).wants(s.t, http.StatusSeeOther, "/second-factor/challenge")
			}
		}, want: []string{
			"browser_forgotten bob gateway done method=trusted reason=misused", "login_accepted bob user accepted state=pending",
		}},
		{name: "trust of a moment ago", prepare: func(s *site) func() {
			b, key, _ := s.member()
			b.own("/", "/logout", nil)
			b.trust(key)
			other := s.as(linuxFirefox)
			other.plant(trustedBrowser, b.cookies()[trustedBrowser])
			b.signIn("bob", demo.BobPassword).wants(s.t, http.StatusSeeOther, "/")
			return func() {
				other.signIn("bob", demo.BobPassword).wants(s.t, http.StatusSeeOther, "/second-factor/challenge")
			}
		}, want: []string{
			"challenge_failed bob user refused method=trusted reason=not_trusted", "login_accepted bob user accepted state=pending",
		}},
		{name: "browsers forgotten", prepare: func(s *site) func() {
			b, key, _ := s.member()
			b.own("/", "/logout", nil)
			b.trust(key)
			b.signIn("bob", demo.BobPassword)
			return func() {
				// There is no such browser.
				b.own("/", "/browsers", url.Values{"id": {"0123456789abcdef0123456789abcdef"}})
				b.own("/", "/browsers", url.Values{"id": {find(s.t, removeButton, b.get("/second-factor/").body)}})
				b.own("/", "/browsers", nil) // there is none any more
			}
		}, want: []string{"browser_forgotten bob user done method=trusted"}},
		{name: "all browsers forgotten", prepare: func(s *site) func() {
			b, key, _ := s.member()
			b.own("/", "/logout", nil)
			b.trust(key)
			b.signIn("bob", demo.BobPassword)
			return func() { b.own("/", "/browsers", nil) }
		}, want: []string{"browser_forgotten bob user done all method=trusted"}},
		{name: "signed out", prepare: func(s *site) func() {
			b := s.browser()
			b.signIn("bob", demo.BobPassword)
			token := b.token("/")
			return func() {
				for range 2 {
					b.post("/second-factor/logout", url.Values{"csrf_token": {token}})
				}
			}
		}, want: []string{"signed_out bob user done"}},
		{name: "signed out of the app", prepare: func(s *site) func() {
			b := s.browser()
			b.signIn("bob", demo.BobPassword)
			return func() { b.get("/logout") }
		}, want: []string{"signed_out bob user done reason=app"}},
		{name: "other sessions ended", prepare: func(s *site) func() {
			b := s.browser()
			b.signIn("bob", demo.BobPassword)
			return func() { b.own("/", "/sessions", nil) }
		}, want: []string{"session_ended bob user done all"}},
		{name: "one session ended", prepare: func(s *site) func() {
			b, other := s.browser(), s.browser()
			other.signIn("bob", demo.BobPassword)
			b.signIn("bob", demo.BobPassword)
			listed, err := s.gateway.site.Config.Sessions.List(s.t.Context(), "bob", bare(b.cookies()[s.gateway.site.PlainName]))
			if err != nil || len(listed) != 2 {
				s.t.Fatal(listed, err)
			}
			return func() {
				for range 2 { // the second time there is none
					b.own("/", "/sessions", url.Values{"id": {listed[1].ID}})
				}
			}
		}, want: []string{"session_ended bob user done"}},
		{name: "the app ends its session", prepare: func(s *site) func() {
			b := s.browser()
			b.signIn("bob", demo.BobPassword)
			s.app.EndSessions("bob")
			s.clock.Advance(61 * time.Second)
			return func() { b.get("/files").wants(s.t, http.StatusSeeOther, "/login") }
		}, want: []string{"session_ended bob gateway done reason=app"}},
		{name: "the app switches the user", prepare: func(s *site) func() {
			b := s.browser()
			b.signIn("bob", demo.BobPassword)
			s.app.SwitchSessions("bob", "alice")
			s.clock.Advance(61 * time.Second)
			return func() { b.get("/api/entries").wants(s.t, http.StatusOK, "") }
		}, want: []string{"identity_changed alice gateway done was=bob", "login_accepted alice user accepted state=verified"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, h := listening(t, test.change)
			act := test.prepare(s)
			h.taken()
			act()
			h.wants(t, test.want...)
		})
	}
}
