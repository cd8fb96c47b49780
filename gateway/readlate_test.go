package gateway

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/relay"
	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/login"
	"sallyport.example/sallyport/session"
)

// lateReader is a session store one of whose reads takes its time after it has read.
type lateReader struct {
	*session.Memory
	late atomic.Pointer[func()]
}

func (l *lateReader) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	stored, found, err := l.Memory.FindCtx(ctx, token)
	if late := l.late.Swap(nil); late != nil {
		(*late)()
	}
	return stored, found, err
}

// TestP5_ReadBeforeARaise: a request of carol's has read her session, and done nothing more, when another one of hers
// signs in as alice under the cookie that is there. Nothing is at the app when the turn comes to the first request, but
// the session that it read has become another user's.
func TestP5_ReadBeforeARaise(t *testing.T) {
	for _, who := range []string{"carol", "alice"} {
		memory := session.NewMemory(session.MemoryOptions{})
		t.Cleanup(func() { _ = memory.Close() })
		sessions := &lateReader{Memory: memory}
		s := newRaising(t, func(c *Config) {
			c.Sessions = session.NewShared(sessions).Manager(session.Config{App: "ledger", Now: c.Now})
		})
		app := newGated()
		app.open()
		s.serve(app.upstream(t))
		carol := s.carol(t)
		read, goOn := make(chan struct{}), make(chan struct{})
		late := func() {
			close(read)
			<-goOn
		}
		sessions.late.Store(&late)
		write := carol.raw(t, "POST", "/write", "text=1", len("text=1"))
		<-read
		carol.do("POST", "/other", asForm, "u="+who+"&p=pw-"+who)
		close(goOn)
		if who == "alice" {
			app.wantsNothingOfAlices(t, map[string]net.Conn{"write": write}, "POST /write alice")
		} else if got := body(t, write); got != "secrets of carol" {
			t.Errorf("the control: %s", got)
		}
	}
}

// TestP5_QuestionThatPanics: the beginning of a large answer waits, and the rest of the route panics at the question
// whose the answer is. Nobody has judged that answer, and nothing of it goes out.
func TestP5_QuestionThatPanics(t *testing.T) {
	for _, panics := range []bool{false, true} {
		app, armed, asked := new(raisingApp), false, make(chan struct{}, 8)
		s := newRaising(t, nil)
		next := func(w http.ResponseWriter, r *http.Request) error {
			switch {
			case r.URL.Path == "/me" && armed && panics:
				asked <- struct{}{}
				panic("a fault in a handler")
			case r.URL.Path == "/large":
				line := []byte(strings.Repeat("x", 64<<10) + " secrets\n")
				for i := range large / len(line) {
					if i == 2*relay.HoldLimit/len(line) && panics {
						<-asked
					}
					if _, err := w.Write(line); err != nil {
						return err
					}
				}
			default:
				app.ServeHTTP(w, r)
			}
			return nil
		}
		s.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				if recover() != nil {
					panic(http.ErrAbortHandler) // the server does not log this panic
				}
			}()
			_ = s.gateway.ServeHTTP(w, r, next)
		}))
		t.Cleanup(s.server.Close)
		carol := s.carol(t)
		armed = true
		text, _ := io.ReadAll(carol.rawRest(t, "POST", "/large", "Connection: close\r\nContent-Length: 0\r\n\r\n"))
		if got := bytes.Contains(text, []byte("secrets")); got == panics {
			t.Errorf("panics %v: %d bytes came out", panics, len(text))
		}
	}
}

// TestStrangersLongDownload: a stranger's download takes longer than the first looks at his session. It is not cut,
// because the session is still a stranger's.
func TestStrangersLongDownload(t *testing.T) {
	app := new(raisingApp)
	s := newRaising(t, func(c *Config) { c.Public = gate.Open("/pub") })
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		if r.URL.Path != "/pub" {
			app.ServeHTTP(w, r)
			return nil
		}
		for range 5 {
			if _, err := io.WriteString(w, "piece "); err != nil {
				return err
			}
			_ = http.NewResponseController(w).Flush()
			select {
			case <-r.Context().Done():
				return context.Cause(r.Context())
			case <-time.After(relay.LookEvery / 2):
			}
		}
		return nil
	})
	b := s.browser()
	b.get("/login").wants(t, http.StatusOK, "")
	if got := b.get("/pub"); got.StatusCode != http.StatusOK || strings.Count(got.body, "piece") != 5 {
		t.Errorf("%d %q", got.StatusCode, got.body)
	}
}

// TestP5_FrontBehindAnotherSitesPage: another site's page loads one of our pages in a browser that a handler in front
// signs in. Such a request comes without the browser's cookie, so a session that began with it would replace the
// browser's own.
func TestP5_FrontBehindAnotherSitesPage(t *testing.T) {
	s := newFront(t, new(fronted), nil)
	for site, want := range map[string]int{"same-origin": http.StatusOK, "cross-site": http.StatusForbidden} {
		header := by("carol")
		header.Set("Sec-Fetch-Site", site)
		header.Set("Sec-Fetch-Mode", "no-cors")
		got := s.browser().send("GET", "/page", "", header)
		if site == "cross-site" && (got.StatusCode == http.StatusOK || len(got.Cookies()) > 0 || strings.Contains(got.body, "secrets")) || site != "cross-site" && got.StatusCode != want {
			t.Errorf("%s: %d %v %s", site, got.StatusCode, got.Cookies(), got.body)
		}
	}
}

// TestP7_FrontNameOfAppsWithoutNames: the name under which apps without names keep their one account is no user's name
// elsewhere.
func TestP7_FrontNameOfAppsWithoutNames(t *testing.T) {
	s := newFront(t, new(fronted), nil)
	for name, want := range map[string]int{"carol": http.StatusOK, login.NoName: http.StatusForbidden} {
		if got := s.browser().send("GET", "/page", "", by(name)); got.StatusCode != want {
			t.Errorf("%s: %d", name, got.StatusCode)
		}
	}
}

// TestP5_QuestionThatNeedsACookie: an address that is asked only if a cookie is held says nothing of a client without
// one, and is then not asked. The question is sent as configured, with its body.
func TestP5_QuestionThatNeedsACookie(t *testing.T) {
	s := newSite(t, demo.Knobs{}, func(c *Config) {
		c.Logins = login.Set{
			Blocks: []login.Block{{Paths: match.NewGlobs("/login"), Username: login.Source{Kind: login.Form, Name: "u"}}},
			Identities: []login.Identity{{
				Path: "/me", Kind: login.JSON, Pointer: "/name", Needs: "s*d", Method: http.MethodPost, ContentType: "application/json", Body: `{"q":"me"}`,
			}},
		}
	})
	var asked []string
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		cookie, err := r.Cookie("sid")
		switch {
		case r.URL.Path == "/me":
			text, _ := io.ReadAll(r.Body)
			asked = append(asked, r.Method+" "+r.Header.Get("Content-Type")+" "+string(text)+" "+r.Header.Get("Cookie"))
			if err == nil {
				fmt.Fprintf(w, `{"name":%q}`, cookie.Value)
			} else {
				fmt.Fprint(w, `{}`)
			}
		case r.Method == http.MethodPost && r.FormValue("p") == "pw-"+r.FormValue("u"):
			w.Header().Set("Set-Cookie", "sid="+r.FormValue("u")+"; HttpOnly; Path=/")
		case r.Method == http.MethodPost:
			w.Header().Set("Set-Cookie", "form=1; HttpOnly; Path=/")
			w.WriteHeader(http.StatusForbidden)
		}
		return nil
	})
	s.browser().do("POST", "/login", asForm, "u=carol&p=guess").wants(t, http.StatusForbidden, "")
	const question = "POST application/json {\"q\":\"me\"} "
	if len(asked) != 1 || asked[0] != question {
		t.Errorf("without the cookie: %q", asked)
	}
	b := s.browser()
	b.do("POST", "/login", asForm, "u=carol&p=pw-carol").wants(t, http.StatusOK, "")
	b.wantsState("verified", "carol")
	if len(asked) < 2 || asked[1] != question+"sid=carol" {
		t.Errorf("with it: %q", asked)
	}
}
