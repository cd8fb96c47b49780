package gateway

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/event"
)

// withoutStores returns the events except those of stores.
func withoutStores(events []event.Event) []event.Event {
	return slices.DeleteFunc(events, func(e event.Event) bool { return e.Name == event.StoreUnavailable || e.Name == event.StoreRecovered })
}

// TestP7_NothingIsToldBeforeItIsWritten: readers of the audit must be able to rely on it. While the secrets store
// fails, no step of a user's is emitted as one that happened. When the store works again, the same request emits it.
func TestP7_NothingIsToldBeforeItIsWritten(t *testing.T) {
	t.Parallel()
	for _, step := range steps {
		if !step.writes {
			continue
		}
		for _, failure := range failures {
			if failure.name != "read-only" && failure.name != "cancelled" {
				continue // two ways are enough here: one fails at reading, one at writing
			}
			t.Run(step.name+"/"+failure.name, func(t *testing.T) {
				t.Parallel()
				h := new(heard)
				f := newFrail(t, func(c *Config) { c.Events = h })
				_, request := step.prepare(f)
				h.taken()
				f.secrets.strike(func(context.Context) error { return failure.err }, failure.ops...)
				request().refusedForNow(t)
				if told := withoutStores(h.taken()); len(told) > 0 {
					t.Errorf("told, and not written: %q", texts(told))
				}
				f.secrets.end()
				f.clock.Advance(30 * time.Second)
				request()
				if told := withoutStores(h.taken()); len(told) == 0 {
					t.Error("nothing is told with the store back")
				}
			})
		}
	}
}

// TestP7_NothingIsToldOfSessionsBeforeTheyAreWritten is the same with the session store.
func TestP7_NothingIsToldOfSessionsBeforeTheyAreWritten(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		ops     []string
		prepare func(f *frail) (request func())
		// want is what is true all the same, because the secrets are written first.
		want []string
	}{
		"login": {[]string{"commit", "claim"}, func(f *frail) func() {
			b := f.browser()
			form := url.Values{"username": {"bob"}, "password": {demo.BobPassword}, "csrf": {find(f.t, csrfField, b.get("/login").body)}}
			return func() { b.post("/login", form) }
		}, nil},
		"challenge": {[]string{"commit", "claim"}, func(f *frail) func() {
			b, key, _ := f.challengedBrowser()
			_, request := f.posting(b, "/challenge", "/challenge", key)
			return func() { request() }
		}, nil},
		"recovery code": {[]string{"commit", "claim"}, func(f *frail) func() {
			b, _, codes := f.challengedBrowser()
			token := b.token("/recovery")
			return func() { b.post("/second-factor/recovery", url.Values{"csrf_token": {token}, "code": {codes[1]}}) }
		}, []string{"recovery_code_used alice user done left=9 method=recovery"}},
		"fresh code": {[]string{"commit", "claim"}, func(f *frail) func() {
			b, key, _ := f.enrolledBrowser()
			_, request := f.posting(b, "/disable", "/disable", key)
			return func() { request() }
		}, nil},
		"set-up": {[]string{"commit", "claim"}, func(f *frail) func() {
			b := f.browser()
			b.signIn("bob", demo.BobPassword)
			b.own("/", "/setup", nil)
			_, request := f.posting(b, "/setup", "/setup/confirm", find(f.t, secretKey, b.get("/second-factor/setup").body))
			return func() { request() }
		}, []string{"factor_added bob user done method=totp"}},
		"sign-out": {[]string{"delete"}, func(f *frail) func() {
			b, _, _ := f.enrolledBrowser()
			_, request := f.posting(b, "/", "/logout", "")
			return func() { request() }
		}, nil},
		"sign-out of the app": {[]string{"delete"}, func(f *frail) func() {
			b, _, _ := f.enrolledBrowser()
			return func() { b.get("/logout") }
		}, nil},
		"the app's end": {[]string{"delete"}, func(f *frail) func() {
			b, _, _ := f.enrolledBrowser()
			f.app.EndSessions("alice")
			f.clock.Advance(61 * time.Second)
			return func() { b.get("/files") }
		}, nil},
		"other sessions": {[]string{"list"}, func(f *frail) func() {
			b, _, _ := f.enrolledBrowser()
			token := b.token("/")
			return func() { b.post("/second-factor/sessions", url.Values{"csrf_token": {token}}) }
		}, nil},
		"another user": {[]string{"commit", "claim"}, func(f *frail) func() {
			b := f.browser()
			b.signIn("bob", demo.BobPassword)
			f.app.SwitchSessions("bob", "alice")
			f.clock.Advance(61 * time.Second)
			return func() { b.get("/api/entries") }
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := new(heard)
			f := newFrail(t, func(c *Config) { c.Events = h })
			request := test.prepare(f)
			h.taken()
			f.sessions.strike(func(context.Context) error { return errors.New("read-only") }, test.ops...)
			request()
			if told := texts(withoutStores(h.taken())); !slices.Equal(told, test.want) {
				t.Errorf("told %q, want %q", told, test.want)
			}
		})
	}
}
