package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/site"
)

// withToken returns the besieger with the token that an answer hands out, or else with the earlier one.
func withToken(name string, got shot, before besieger) besieger {
	for _, line := range strings.Split(got.text, "\r\n") {
		if rest, found := strings.CutPrefix(line, "Set-Cookie: sallyport="); found {
			token, _, _ := strings.Cut(rest, ";")
			return besieger{name, token}
		}
	}
	return besieger{name, before.token}
}

// openForm asks for the login page. It returns who asked, and the form's token.
func (s *siege) openForm(t *testing.T, lines ...string) (besieger, string) {
	t.Helper()
	page := s.fire(t, besieger{}, "GET", "/login", lines...)
	return withToken("visitor", page, besieger{}), site.Find(t, csrfField, page.text)
}

func loginForm(csrf, name, password string) string {
	return url.Values{"username": {name}, "password": {password}, "csrf": {csrf}}.Encode()
}

// TestP2_LoginAnswerIsWithheld: the answer to the right password carries the app's session: as a cookie that some
// parsers do not see, in an early hint, a trailer, a header, the address to go on to, or the body. Nothing of it goes
// out before the factor is passed, neither with this answer nor with a later one.
func TestP2_LoginAnswerIsWithheld(t *testing.T) {
	t.Parallel()
	s, app := newLeaking(t, demo.Knobs{}, "")
	for _, how := range leaks {
		for _, kind := range []string{"page", "script"} {
			what := kind + ": " + how.name
			visitor, csrf := s.openForm(t)
			s.app.ForgetReceived()
			lines := []string{"X-Leak: " + how.name, "Accept: text/html", "Content-Type: application/x-www-form-urlencoded", "Accept-Encoding: gzip", "Te: trailers"}
			path, body, want := "/login", loginForm(csrf, "alice", demo.AlicePassword), http.StatusSeeOther
			if kind == "script" {
				lines[1], lines[2] = "Accept: application/json", "Content-Type: application/json"
				path, body, want = "/api/login", `{"user":{"name":"alice","password":"`+demo.AlicePassword+`"}}`, http.StatusUnauthorized
			}
			got := s.fireBody(t, visitor, "POST", path, body, lines...)
			if got.status != want || len(got.received) != 1 {
				t.Errorf("%s: the login got %d, received %d\n%.500s", what, got.status, len(got.received), got.text)
			}
			texts := []string{got.text}
			pending := withToken("pending", got, visitor)
			for _, later := range []string{"/second-factor/challenge", "/second-factor/status", "/second-factor/resume", "/second-factor/recovery", "/login", "/static/style.css", "/files", "/"} {
				texts = append(texts, s.fire(t, pending, "GET", later, "Accept: text/html").text)
			}
			for _, text := range texts {
				if value := app.shown(text); value != "" {
					t.Errorf("%s: the session went out:\n%.800s", what, text)
				}
				if strings.Contains(text, "sid=") || strings.Contains(text, "103 Early Hints") {
					t.Errorf("%s: something of the answer went out:\n%.800s", what, text)
				}
			}
			// The session is valid, and in custody: with it the app was asked who is signed in.
			if s.heldBy("alice") != app.latest() || app.latest() == "" {
				t.Errorf("%s: the session is not in custody: %q, want %q", what, s.heldBy("alice"), app.latest())
			}
		}
	}
}

// TestP2_LoginThatSwitchesProtocols: an answer 101 to a login would take the connection, with its cookies, out of the
// gateway's hands.
func TestP2_LoginThatSwitchesProtocols(t *testing.T) {
	t.Parallel()
	s := newSiege(t, demo.Knobs{}, "", func(app http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodPost || r.Header.Get("X-Switch") == "" {
				app.ServeHTTP(w, r)
				return
			}
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			_, _ = fmt.Fprint(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSet-Cookie: leak=SECRET\r\nX-Token: SECRET\r\n\r\nSECRET")
		})
	})
	for _, upgrade := range [][]string{nil, openWebSocket} {
		for _, who := range append(s.everybody(), s.alice) {
			got := s.fireBody(t, who, "POST", "/login", loginForm("x", "alice", demo.AlicePassword),
				append([]string{"X-Switch: 1", "Content-Type: application/x-www-form-urlencoded"}, upgrade...)...)
			if got.status == http.StatusSwitchingProtocols || len(got.text) == 0 || strings.Contains(got.text, "SECRET") {
				t.Errorf("%s: %d\n%s", who.name, got.status, got.text)
			}
		}
	}
	if got := s.fire(t, s.alice, "GET", "/ws", openWebSocket...); got.status != http.StatusSwitchingProtocols {
		t.Errorf("the app's WebSocket: %d", got.status)
	}
}

// TestP2_LeakSession follows the demo app's own leak to its end: before the factor not even the address is shown.
// Afterwards the browser goes where the app had sent it, and a script gets the app's answer, once.
func TestP2_LeakSession(t *testing.T) {
	t.Parallel()
	s := newSiege(t, demo.Knobs{LeakSession: true, EarlyHints: true, Trailers: true}, "", nil)
	c := s.Client(t)
	authenticator := s.freshCarol(t)
	page := signIn(t, c, "carol", "carol-password").Wants(t, http.StatusSeeOther, "/second-factor/challenge")
	value := s.heldBy("carol")
	if text := fmt.Sprint(page.Header, page.Trailer, page.Text); value == "" || strings.Contains(text, value) || page.Header.Get("X-Session-Token") != "" {
		t.Fatalf("the session went out: %s", text)
	}
	passed := c.Pass(authenticator).Wants(t, http.StatusSeeOther, "/?sid="+value)
	if strings.Contains(fmt.Sprint(passed.Header["Set-Cookie"]), value) {
		t.Errorf("a held cookie went out after the factor: %v", passed.Header)
	}
	c.SignOut()

	script := c.PostJSON("/api/login", `{"user":{"name":"carol","password":"carol-password"}}`).Wants(t, http.StatusUnauthorized, "")
	value = s.heldBy("carol")
	early := c.Do("GET", "/second-factor/resume", http.Header{"Accept": {"application/json"}}, "")
	if text := fmt.Sprint(script.Header, script.Text, early.Header, early.Text); strings.Contains(text, value) || early.StatusCode < 300 {
		t.Fatalf("the session went out: %s", text)
	}
	c.PostJSON("/second-factor/challenge", `{"code":"`+authenticator.Code(t)+`"}`).Wants(t, http.StatusNoContent, "")
	if resumed := c.Get("/second-factor/resume"); !strings.Contains(resumed.Text, `"session":"`+value+`"`) || resumed.Header.Get("X-Session-Token") != "" {
		t.Errorf("the app's answer: %d %s", resumed.StatusCode, resumed.Text)
	}
	if again := c.Get("/second-factor/resume"); again.StatusCode != http.StatusNotFound {
		t.Errorf("the app's answer, twice: %d", again.StatusCode)
	}
}

// freshCarol makes carol set up her factor and sign out.
func (s *siege) freshCarol(t *testing.T) *site.Authenticator {
	t.Helper()
	c, authenticator := s.enrolNew(t, "carol", "carol-password")
	c.SignOut()
	return authenticator
}

// TestP2_FailedLogin: the answer to a wrong password goes through, except for held cookies. Some apps give a session
// away before they look at the password, and sign it in later.
func TestP2_FailedLogin(t *testing.T) {
	t.Parallel()
	s, app := newLeaking(t, demo.Knobs{}, "")
	for _, how := range leaks {
		if how.noCookie || how.forScripts {
			continue
		}
		// Without a session the app makes one for the form that it shows again.
		got := s.fireBody(t, besieger{}, "POST", "/login", loginForm("x", "alice", "wrong"), "X-Leak: "+how.name,
			"Accept: text/html", "Content-Type: application/x-www-form-urlencoded", "Te: trailers")
		if len(got.received) != 1 || app.latest() == "" || got.status != http.StatusForbidden || !strings.Contains(got.text, "The form has expired") {
			t.Errorf("%s: the failed login got %d", how.name, got.status)
		}
		if app.shown(got.text) != "" {
			t.Errorf("%s: a held cookie went out:\n%.800s", how.name, got.text)
		}
		// It is kept for the next attempt with that name, and goes with nothing else.
		kept := demo.SessionCookie + "=" + app.latest()
		carries := func(next shot, what string) bool {
			if len(next.received) != 1 {
				t.Errorf("%s: %s did not reach the app: %d", how.name, what, next.status)
				return false
			}
			return strings.Contains(strings.Join(next.received[0].Header["Cookie"], "; "), kept)
		}
		again := func(who besieger, name string) shot {
			return s.fireBody(t, who, "POST", "/login", loginForm("x", name, "wrong"), "Content-Type: application/x-www-form-urlencoded")
		}
		visitor := withToken("visitor", got, besieger{})
		next := again(visitor, "alice")
		if !carries(next, "another try") {
			t.Errorf("%s: the cookie is not in custody: %+v", how.name, next.received)
		}
		visitor = withToken("visitor", next, visitor)
		if page := s.fire(t, visitor, "GET", "/static/style.css"); carries(page, "a public path") {
			t.Errorf("%s: what a login left went with a page: %+v", how.name, page.received)
		}
		if other := again(visitor, "mallory"); carries(other, "another name") {
			t.Errorf("%s: what a login left went with another name: %+v", how.name, other.received)
		}
	}
}
