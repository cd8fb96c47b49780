package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/login"
	"sallyport.example/sallyport/test/site"
)

// strangeIdentity stands in front of the app and answers for /api/me as a test says.
type strangeIdentity struct {
	app *demo.App
	// answer replaces the app's answer; nil: the app answers.
	answer atomic.Pointer[http.HandlerFunc]
}

// says sets the answer to requests that come from now on.
func (s *strangeIdentity) says(answer http.HandlerFunc) {
	if answer == nil {
		s.answer.Store(nil)
		return
	}
	s.answer.Store(&answer)
}

func (s *strangeIdentity) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if answer := s.answer.Load(); answer != nil && r.URL.Path == "/api/me" {
		(*answer)(w, r)
		return
	}
	s.app.ServeHTTP(w, r)
}

// unclear are ways in which an app can fail to say who is signed in.
var unclear = map[string]http.HandlerFunc{
	"500": func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "out of order", http.StatusInternalServerError)
	},
	"500 with a name": func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = w.Write([]byte(`{"login":"bob"}`))
	},
	"503": func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "back soon", http.StatusServiceUnavailable)
	},
	"429":     func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "slow down", http.StatusTooManyRequests) },
	"408":     func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "too slow", http.StatusRequestTimeout) },
	"garbage": text("application/json", "\x00\xff{{{"),
	"half":    text("application/json", `{"login":"bo`),
	"two names": text("application/json",
		`{"login":"bob","login":"alice"}`),
	"a name with a line end": text("application/json", `{"login":"bob\nX-Second-Factor: totp"}`),
	"a long name":            text("application/json", `{"login":"`+strings.Repeat("b", login.NameLimit+1)+`"}`),
	"unknown encoding":       encoded("secret-sauce", []byte(`{"login":"bob"}`)),
	"broken gzip":            encoded("gzip", []byte(`{"login":"bob"}`)),
	"huge": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"padding":"` + strings.Repeat("x", 2<<20) + `","login":"bob"}`))
	},
	"hang-up": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	"hang-up in the middle": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte(`{"login":"bob"}`))
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	},
	"early hints only": func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		panic(http.ErrAbortHandler)
	},
}

// nobody are ways in which an app says that nobody is signed in.
var nobody = map[string]http.HandlerFunc{
	"401":      func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "who?", http.StatusUnauthorized) },
	"403":      func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) },
	"404":      func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "what?", http.StatusNotFound) },
	"redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) },
	"redirect with a name": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "/login")
		w.WriteHeader(http.StatusFound)
		_, _ = w.Write([]byte(`{"login":"bob"}`))
	},
	"HTML":       text("text/html", `<!doctype html><title>Sign in</title>`),
	"no name":    text("application/json", `{}`),
	"null":       text("application/json", `{"login":null}`),
	"empty name": text("application/json", `{"login":""}`),
	"an object":  text("application/json", `{"login":{"name":"bob"}}`),
	"201 with a name": func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(201)
		_, _ = w.Write([]byte(`{"login":"bob"}`))
	},
}

func text(contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write([]byte(body))
	}
}

func encoded(encoding string, body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Encoding", encoding)
		_, _ = w.Write(body)
	}
}

// newStrange makes the ledger with an identity endpoint that the test can break.
func newStrange(t testing.TB, knobs demo.Knobs, block string) (*ledger, *strangeIdentity) {
	t.Helper()
	var strange *strangeIdentity
	l := newWrapped(t, knobs, block, func(app *demo.App) http.Handler {
		strange = &strangeIdentity{app: app}
		return strange
	})
	return l, strange
}

// TestP4_IdentityUnclearAtLogin: the attacker signs in while the app cannot say who is signed in, perhaps because he
// has put it under load. A gateway that took that for "the name that was typed", or for "no factor", would let him in.
// He gets a 502 and nothing else, not even the app's session. As soon as the app answers, the same browser signs in as
// usual.
func TestP4_IdentityUnclearAtLogin(t *testing.T) {
	t.Parallel()
	l, strange := newStrange(t, demo.Knobs{}, commonLines+formLogin+jsonLogin+askIdentity+staticPublic)
	authenticator := l.enrolled(t, "alice", demo.AlicePassword)
	for name, answer := range unclear {
		c := l.Client(t)
		page := c.Get("/login")
		form := url.Values{"username": {"alice"}, "password": {demo.AlicePassword}, "csrf": {site.Find(t, csrfField, page.Text)}}
		strange.says(answer)
		got := c.Post("/login", form)
		script := signInScript(c, "alice", demo.AlicePassword)
		for _, got := range []site.Answer{got, script} {
			if got.StatusCode != http.StatusBadGateway || shows(got, "alice") {
				t.Errorf("%s: %d to %q, want 502: %.300s", name, got.StatusCode, got.Location(), got.Text)
			}
			wantsNothingOf(t, got)
		}
		wantsState(t, c, "anonymous", "")
		wantsShut(t, c)

		strange.says(nil)
		signIn(t, c, "alice", demo.AlicePassword).Wants(t, http.StatusSeeOther, "/second-factor/challenge")
		wantsState(t, c, "pending", "alice")
	}
	c := l.Client(t)
	signIn(t, c, "alice", demo.AlicePassword)
	c.Pass(authenticator).Wants(t, http.StatusSeeOther, "/")
	wantsEntries(t, c, "alice")
}

// TestP4_NobodyAtLogin: the answer to the login looks like success in every way, but the app, when asked, says that
// nobody is signed in. Then it was no success: the typed name alone is worth nothing. The answer's redirect leads to
// where people sign in, and not into the app. If the app says so in another way than to strangers, it may be refusing
// to answer, and then nobody knows.
func TestP4_NobodyAtLogin(t *testing.T) {
	t.Parallel()
	l, strange := newStrange(t, demo.Knobs{}, commonLines+formLogin+jsonLogin+askIdentity+staticPublic)
	// The app's answer to strangers is asked for first, and remembered.
	signIn(t, l.Client(t), "alice", "wrong")
	for name, answer := range nobody {
		c := l.Client(t)
		page := c.Get("/login")
		strange.says(answer)
		got := c.Post("/login", url.Values{
			"username": {"alice"}, "password": {demo.AlicePassword}, "csrf": {site.Find(t, csrfField, page.Text)},
		})
		refuses := name == "HTML" || name == "403" || name == "404" || name == "201 with a name"
		if refuses && got.StatusCode != http.StatusBadGateway || !refuses && (got.StatusCode != http.StatusSeeOther || got.Location() != "/login") {
			t.Errorf("%s: %d to %q", name, got.StatusCode, got.Location())
		}
		wantsNothingOf(t, got)
		wantsState(t, c, "anonymous", "")
		wantsShut(t, c)
		strange.says(nil)
	}
	c := l.Client(t)
	signIn(t, c, "alice", demo.AlicePassword).Wants(t, http.StatusSeeOther, "/")
	wantsState(t, c, "verified", "alice")
}

// TestP4_IdentityUnclearAtCookieChange: somebody with a factor of his own signs in as alice at an endpoint that the
// operator forgot, at a moment when the app cannot say whose the new cookie is. The cookie is thrown away, and he sees
// nothing until the app can say whose his session is. If the cookie is his own, nothing is lost.
func TestP4_IdentityUnclearAtCookieChange(t *testing.T) {
	t.Parallel()
	l, strange := newStrange(t, demo.Knobs{}, commonLines+formLogin+askIdentity+staticPublic)
	factorOfAlice := l.enrolled(t, "alice", demo.AlicePassword)
	for name, answer := range unclear {
		bob := l.Client(t)
		signIn(t, bob, "bob", demo.BobPassword).Wants(t, http.StatusSeeOther, "/")
		wantsEntries(t, bob, "bob")
		strange.says(answer)
		got := signInScript(bob, "alice", demo.AlicePassword)
		if got.StatusCode != http.StatusBadGateway || shows(got, "alice") {
			t.Errorf("%s: %d %s", name, got.StatusCode, got.Text)
		}
		wantsNothingOf(t, got)
		for range 3 {
			if got := bob.Get("/api/entries"); got.StatusCode != http.StatusBadGateway || shows(got, "alice") {
				t.Errorf("%s: a page is served before the app said whose: %d %s", name, got.StatusCode, got.Text)
			}
		}
		strange.says(nil)
		if got := bob.Get("/api/entries"); shows(got, "alice") {
			t.Errorf("%s: alice's ledger without her factor: %d %s", name, got.StatusCode, got.Text)
		}
		wantsState(t, bob, "anonymous", "") // the app ended his own session when alice signed in with it
	}
	alice := l.Client(t)
	signIn(t, alice, "alice", demo.AlicePassword)
	alice.Pass(factorOfAlice).Wants(t, http.StatusSeeOther, "/")
	wantsEntries(t, alice, "alice")

	own, strangeOwn := newStrange(t, demo.Knobs{Rotate: true}, commonLines+formLogin+askIdentity+staticPublic)
	bob, _ := own.verified(t, "bob", demo.BobPassword)
	for name, answer := range unclear {
		strangeOwn.says(answer)
		if got := bob.Get("/api/entries"); got.StatusCode != http.StatusBadGateway {
			t.Errorf("%s: %d", name, got.StatusCode)
		}
		strangeOwn.says(nil)
		wantsState(t, bob, "verified", "bob")
		wantsEntries(t, bob, "bob")
	}
}

// TestP4_IdentityAtTheCheck: the app stops saying who is signed in while a session is in use. Nothing is served on an
// earlier answer, and nothing is lost: when the app answers again, the same session goes on. If the app clearly says
// that nobody is signed in, the session is over.
func TestP4_IdentityAtTheCheck(t *testing.T) {
	t.Parallel()
	l, strange := newStrange(t, demo.Knobs{}, commonLines+formLogin+jsonLogin+askIdentity+staticPublic+"\n\t\trecheck 1ns\n")
	c, authenticator := l.verified(t, "alice", demo.AlicePassword)
	for name, answer := range unclear {
		strange.says(answer)
		l.app.ForgetReceived()
		for range 2 {
			if got := c.Get("/api/entries"); got.StatusCode != http.StatusBadGateway || shows(got, "alice") {
				t.Errorf("%s: %d %.300s", name, got.StatusCode, got.Text)
			}
		}
		if received := l.app.Received(); len(received) > 0 {
			t.Errorf("%s: %s reached the app", name, received[0].URI)
		}
		strange.says(nil)
		wantsState(t, c, "verified", "alice")
		wantsEntries(t, c, "alice")
	}
	for name, answer := range nobody {
		strange.says(answer)
		token := c.Token()
		c.Get("/files").Wants(t, http.StatusSeeOther, "/login")
		strange.says(nil)
		if state := l.with(t, token).Status(); !strings.Contains(state, `"anonymous"`) {
			t.Errorf("%s: %s", name, state)
		}
		signIn(t, c, "alice", demo.AlicePassword).Wants(t, http.StatusSeeOther, "/second-factor/challenge")
		c.Pass(authenticator).Wants(t, http.StatusSeeOther, "")
		wantsEntries(t, c, "alice")
	}
}
