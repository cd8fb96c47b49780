package e2e

import (
	"net/http"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
)

// TestP2_VerifiedAnswers: the app changes its session's cookie with each answer, in every place that HTTP has for it.
// None of these cookies reaches the browser, not even in a verified session; they go into custody.
func TestP2_VerifiedAnswers(t *testing.T) {
	t.Parallel()
	s, app := newLeaking(t, demo.Knobs{Rotate: true}, "")
	for _, how := range leaks {
		if how.noCookie || how.forScripts {
			continue
		}
		got := s.fire(t, s.alice, "GET", "/echo", "X-Leak: "+how.name, "Te: trailers")
		if got.status != http.StatusOK || len(got.received) != 1 || app.latest() == "" {
			t.Errorf("%s: %d %q", how.name, got.status, app.latest())
		}
		if app.shown(headOf(got.text)) != "" {
			t.Errorf("%s: a held cookie went out:\n%.800s", how.name, got.text)
		}
		switch how.name {
		case "103":
			if !strings.Contains(got.text, "103 Early Hints") || !strings.Contains(got.text, "Link: </static/style.css>; rel=preload") {
				t.Errorf("the early hint is lost:\n%.500s", got.text)
			}
		case "trailer among others":
			if !strings.Contains(got.text, "\r\nX-Checksum: 1\r\n") {
				t.Errorf("the other trailer is lost:\n%.500s", got.text)
			}
		}
		// The new value was taken over: with it the app was asked who is signed in. Nothing was lost by all this.
		if next := s.fire(t, s.alice, "GET", "/echo"); !s.askedWith(app.latest()) || len(next.received) != 1 || next.received[0].Login != "alice" {
			t.Errorf("%s: the new value is not in custody: %+v", how.name, next.received)
		}
	}
	if got := s.fire(t, s.alice, "GET", "/echo", "X-Leak: csrf for scripts"); !strings.Contains(got.text, "\r\nSet-Cookie: xsrf-token=") {
		t.Errorf("a cookie for scripts is lost:\n%.800s", got.text)
	}
}

// askedWith reports whether the app was asked who is signed in with this session.
func (s *siege) askedWith(value string) bool {
	for _, received := range s.app.Received() {
		if received.Path == "/api/me" && strings.Contains(strings.Join(received.Header["Cookie"], "; "), demo.SessionCookie+"="+value) {
			return true
		}
	}
	return false
}

// headOf returns an answer without its final body, which is the echo of a request: 1xx, headers, and trailers.
func headOf(text string) string {
	at := strings.Index(text, "HTTP/1.1 200")
	if at < 0 {
		return text
	}
	end := strings.Index(text[at:], "\r\n\r\n")
	last := strings.LastIndex(text, "\r\n0\r\n")
	if end < 0 {
		return text
	}
	head := text[:at+end]
	if last > at+end {
		head += text[last:]
	}
	return head
}

// TestP2_WebSocketOpening: the 101 that opens a WebSocket has headers like any answer, and browsers obey its
// Set-Cookie.
func TestP2_WebSocketOpening(t *testing.T) {
	t.Parallel()
	s := newSiege(t, demo.Knobs{Rotate: true}, "", nil)
	before := s.heldBy("alice")
	got := s.fire(t, s.alice, "GET", "/ws", openWebSocket...)
	if got.status != http.StatusSwitchingProtocols || strings.Contains(got.text, "Set-Cookie") {
		t.Errorf("the opening:\n%s", got.text)
	}
	s.fire(t, s.alice, "GET", "/echo")
	if after := s.heldBy("alice"); after == before {
		t.Errorf("the new value is not in custody")
	}
}

// TestP2_StrangersAnswers: in some apps, what the app sets before anybody has signed in becomes the signed-in session.
// So held cookies are held from the first answer on, in every place of the answer.
func TestP2_StrangersAnswers(t *testing.T) {
	t.Parallel()
	s, app := newLeaking(t, demo.Knobs{}, "")
	for _, how := range leaks {
		if how.noCookie || how.forScripts {
			continue
		}
		got := s.fire(t, besieger{}, "GET", "/login", "X-Leak: "+how.name, "Te: trailers")
		if got.status != http.StatusOK || len(got.received) != 1 || app.latest() == "" {
			t.Errorf("%s: %d", how.name, got.status)
		}
		if app.shown(got.text) != "" {
			t.Errorf("%s: a held cookie went out:\n%.800s", how.name, got.text)
		}
		next := s.fire(t, withToken("visitor", got, besieger{}), "GET", "/login")
		if len(next.received) != 1 || !strings.Contains(strings.Join(next.received[0].Header["Cookie"], "; "), demo.SessionCookie+"="+app.latest()) {
			t.Errorf("%s: the cookie is not in custody: %+v", how.name, next.received)
		}
	}
}

// TestP2_SignInByAnotherWay: a password-reset link signs in, on a path that the operator opened for it. Nobody
// configured this as a login. Its answer is withheld all the same, in every kind of session.
func TestP2_SignInByAnotherWay(t *testing.T) {
	t.Parallel()
	s, app := newLeaking(t, demo.Knobs{}, "public /reset?*\n")
	for _, how := range leaks {
		for i, who := range s.outside[:3] {
			token, err := s.app.ResetToken("alice")
			if err != nil {
				t.Fatal(err)
			}
			got := s.fire(t, who, "GET", "/reset?token="+token, "X-Leak: "+how.name, "Accept: text/html", "Te: trailers")
			if got.status != http.StatusSeeOther || got.header("Location") == "/" || len(got.received) != 1 || app.latest() == "" {
				t.Errorf("%s: %s: %d to %q, received %d", who.name, how.name, got.status, got.header("Location"), len(got.received))
			}
			texts := []string{got.text}
			pending := withToken("pending", got, who)
			for _, later := range []string{"/second-factor/challenge", "/second-factor/status", "/login", "/static/style.css", "/files"} {
				texts = append(texts, s.fire(t, pending, "GET", later, "Accept: text/html").text)
			}
			for _, text := range texts {
				if app.shown(text) != "" {
					t.Errorf("%s: %s: the session went out:\n%.800s", who.name, how.name, text)
				}
			}
			switch i {
			case 1:
				s.outside[i] = withToken(who.name, s.fire(t, besieger{}, "GET", "/login"), besieger{})
			case 2:
				s.outside[i] = pending
			}
		}
	}
}
