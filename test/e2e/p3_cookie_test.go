package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
)

// junk are more cookies than net/http reads: with so many in front, http.Request.Cookies is empty.
var junk = strings.Repeat("j=1;", 3100)

// rawCookies are ways to send the app's session cookie, with %s for its value, so that some server takes it for that.
// Each element is one or several header lines.
var rawCookies = []string{
	"Cookie: ledger_session=%s",
	"cookie: ledger_session=%s",
	"COOKIE: ledger_session=%s",
	"Cookie:ledger_session=%s",
	"Cookie: ledger_session=\"%s\"",
	"Cookie: ledger_session = %s",
	"Cookie: LEDGER_SESSION=%s",
	"Cookie: Ledger_Session=%s",
	"Cookie: ledger.session=%s",
	"Cookie: ledger session=%s",
	"Cookie: ledger[session=%s",
	"Cookie: ledger_session[]=%s",
	"Cookie: ledger_session[x]=%s",
	"Cookie: ledger%%5fsession=%s",
	"Cookie: %%6cedger_session=%s",
	"Cookie: %%6Cedger%%5Fsession=%s",
	"Cookie: ledger%%2esession=%s",
	"Cookie: ledger_session%%00=%s",
	"Cookie: ledger_session%%00csrf=%s",
	"Cookie: ledger_session%%00=%s; theme=dark",
	"Cookie: %%20ledger_session=%s",
	"Cookie: \xc2\xa0ledger_session=%s",
	"Cookie: \xa0ledger_session=%s",
	"Cookie: \tledger_session\t=%s",
	"Cookie: \"ledger_session\"=%s",
	"Cookie: $Version=1; ledger_session=%s; $Path=/",
	"Cookie: $Version=\"1\"; ledger_session=\"%s\"; $Path=\"/\"; $Domain=\"127.0.0.1\"",
	"Cookie: $ledger_session=%s",
	"Cookie: theme=dark, ledger_session=%s",
	"Cookie: theme=dark,ledger_session=%s",
	"Cookie: theme=\"x; ledger_session=%s\"",
	"Cookie: theme=\"x, ledger_session=%s\"",
	"Cookie: theme=\"; ledger_session=%s",
	"Cookie: theme=\\\"; ledger_session=%s",
	"Cookie: theme=x\xc2\xa0ledger_session=%s",
	"Cookie: theme=x ledger_session=%s",
	"Cookie: theme=x\tledger_session=%s",
	"Cookie: theme; ledger_session=%s",
	"Cookie: =x; ledger_session=%s",
	"Cookie: =ledger_session=%s",
	"Cookie: %s",
	"Cookie: ;;;ledger_session=%s;;;",
	"Cookie: csrf=x,ledger_session=%s",
	"Cookie: csrf[ledger_session=%s",
	"Cookie: ledger_session_csrf=x; ledger_session=%s",
	"Cookie: ledger_session%%00xsrf=%s; ledger_session=%[1]s",
	"Cookie: ledger_session=x; ledger_session=%s",
	"Cookie: ledger_session=%s; ledger_session=x",
	"Cookie: ledger_session=x\r\nCookie: ledger_session=%s",
	"Cookie: theme=dark\r\nCookie: ledger_session=%s\r\nCookie: theme=light",
	"Cookie: theme=dark\r\n ledger_session=%s",
	"Cookie: theme=dark;\r\n\tledger_session=%s",
	"Cookie2: ledger_session=%s",
	"Cookie_: ledger_session=%s",
	"_Cookie: ledger_session=%s",
	"Http_Cookie: ledger_session=%s",
	"X-Cookie: a\r\nCookie: ledger_session=%s",
	"Connection: Cookie\r\nCookie: ledger_session=%s",
	"Cookie: " + junk + "ledger_session=%s",
	"Cookie: ledger_session=%s; " + junk,
	"Cookie: " + strings.Repeat("csrf=1; ", 1500) + "ledger_session=%s",
	"Cookie: " + strings.Repeat(";", 5000) + "ledger_session=%s",
}

// TestP3_TheAppsCookieSentRaw: the attacker has somehow got hold of a live session of alice's in the app, and sends its
// cookie himself, in each spelling that PHP, Tomcat, Python or Rack take for it. To the app he remains what his own
// session is: a stranger where anybody may go, himself where he is verified, and nobody anywhere else.
func TestP3_TheAppsCookieSentRaw(t *testing.T) {
	t.Parallel()
	s := newSiege(t, demo.Knobs{LooseCookies: true}, "", nil)
	s.sendRaw(t)
}

// TestP3_HeldWinsOverPassed: an inexperienced operator lets every cookie pass except the session's. Then the gateway
// has to recognise a spelling of the session's name that only the app takes for it. Even then the gateway's own cookie
// does not go to the app.
func TestP3_HeldWinsOverPassed(t *testing.T) {
	t.Parallel()
	s := newSiege(t, demo.Knobs{LooseCookies: true}, "pass *\nhold ledger_session\n", nil)
	s.sendRaw(t)
	for _, who := range append(s.everybody(), s.alice) {
		for _, line := range []string{"Cookie: a=b", "Cookie: a=b; __Host-sallyport=x", "Cookie: SALLYPORT=x; a=b; sally.port=y"} {
			got := s.fire(t, who, "GET", "/static/style.css", line)
			cookies := ""
			if len(got.received) == 1 {
				cookies = strings.Join(got.received[0].Header["Cookie"], "; ")
			}
			if !strings.HasSuffix(strings.TrimSuffix(cookies, "; sally.port=y"), "a=b") || strings.Contains(strings.ToLower(cookies), "sallyport") {
				t.Errorf("%s: %q became %q", who.name, line, cookies)
			}
		}
	}
}

// TestP3_HeldNameWithCSRF: a cookie with csrf in its name comes from the browser, because scripts must read it. That is
// not true of one that the app itself holds under such a name. An attacker who plants it in a victim's browser knows
// the victim's token.
func TestP3_HeldNameWithCSRF(t *testing.T) {
	t.Parallel()
	s, _ := newLeaking(t, demo.Knobs{Rotate: true}, "")
	s.fire(t, s.alice, "GET", "/echo", "X-Leak: csrf that scripts cannot read")
	for _, planted := range []string{"leak_csrf", "LEAK_CSRF", "leak.csrf", "Leak.Csrf"} {
		got := s.fire(t, s.alice, "GET", "/echo", "Cookie: "+planted+"=planted; other_csrf=good")
		cookies := ""
		if len(got.received) == 1 {
			cookies = strings.Join(got.received[0].Header["Cookie"], "; ")
		}
		if strings.Contains(cookies, "planted") || !strings.Contains(cookies, "leak_csrf=") || !strings.Contains(cookies, "other_csrf=good") {
			t.Errorf("%s: %q", planted, cookies)
		}
	}
}

// sendRaw tries every spelling, as everybody, and shows that the app understands most of them.
func (s *siege) sendRaw(t *testing.T) {
	t.Helper()
	understood := 0
	for _, form := range rawCookies {
		for _, value := range []string{s.aliceSession, s.pendingSession} {
			lines := s.rawCookie(form, value)
			what := fmt.Sprintf("%.60q", form)
			for _, who := range s.everybody() {
				for _, path := range []string{"/static/style.css", "/login", "/files", "/api/entries"} {
					got := s.fire(t, who, "GET", path, lines...)
					for _, received := range got.received {
						s.wantsNoTrace(t, who.name+": "+what+" "+path, received, value)
					}
					if who != s.bob && path[1] != 's' && path != "/login" {
						repelled(t, who.name+": "+what+" "+path, got)
					}
				}
			}
		}
		if s.worksOnApp(t, form) {
			understood++
		}
	}
	// The attack is a real one: past the gateway, the app takes most of these for alice's session.
	if understood < len(rawCookies)*2/3 {
		t.Errorf("the app itself understood %d of %d spellings only", understood, len(rawCookies))
	}
}

// rawCookie fills in a value.
func (s *siege) rawCookie(form, value string) []string {
	if !strings.Contains(form, "%s") && !strings.Contains(form, "%[1]s") {
		return []string{form}
	}
	return strings.Split(fmt.Sprintf(form, value), "\r\nCookie:\x00")
}

// wantsNoTrace fails the test if a request reached the app as alice's, or with the value.
func (s *siege) wantsNoTrace(t *testing.T, what string, received demo.Received, value string) {
	t.Helper()
	if received.Login == "alice" {
		t.Errorf("%s: the app takes it for alice's: %q", what, received.Header["Cookie"])
	}
	for name, values := range received.Header {
		if name != "X-Second-Factor-User" && strings.Contains(strings.Join(values, " "), value) {
			t.Errorf("%s: the app was sent %s: %.300q", what, name, values)
		}
	}
}

// worksOnApp sends the same past the gateway.
func (s *siege) worksOnApp(t *testing.T, form string) bool {
	t.Helper()
	direct := &siege{ledger: s.ledger, dial: s.pastTheGateway}
	got := direct.fire(t, besieger{}, "GET", "/files", s.rawCookie(form, s.aliceSession)...)
	return len(got.received) > 0 && got.received[0].Login == "alice"
}

// TestP3_WhatTheBrowserMaySend: the Cookie header is made anew, of held cookies and of what the app gave this browser.
// The gateway's own cookie, unknown names, and 3000 cookies never reach the app. Those that may, do.
func TestP3_WhatTheBrowserMaySend(t *testing.T) {
	t.Parallel()
	s := newSiege(t, demo.Knobs{}, "", nil)
	for _, who := range append(s.everybody(), s.alice) {
		for _, line := range []string{
			"Cookie: theme=dark; a=b", "Cookie: a=b; theme=dark", "Cookie: a=b\r\nCookie: theme=dark", "Cookie: " + junk + "theme=dark",
			"Cookie: theme=dark; " + junk, "Cookie: theme=dark; theme=light", "Cookie: theme=dark; sallyport=x", "Cookie: theme=dark; __Host-sallyport=x",
			"Cookie: theme=dark; Sallyport=x; sallyport%20=x",
		} {
			if strings.Contains(line, " sallyport=x") && who.token != "" {
				continue // two tokens: TestP3_TwoTokens
			}
			got := s.fire(t, who, "GET", "/static/style.css", line)
			if len(got.received) != 1 {
				t.Errorf("%s: %.60q did not reach the app: %d", who.name, line, got.status)
				continue
			}
			want := "theme=dark"
			switch who {
			case s.alice:
				want = demo.SessionCookie + "=" + s.aliceSession + "; theme=dark"
			case s.bob:
				want = demo.SessionCookie + "=" + s.heldBy("bob") + "; theme=dark"
			}
			cookies := got.received[0].Header["Cookie"]
			if who == s.outside[1] {
				// An anonymous session has the app's cookie for its form.
				cookies = slices.Clone(cookies)
				for i := range cookies {
					if at := strings.Index(cookies[i], "theme="); at > 0 && strings.HasPrefix(cookies[i], demo.SessionCookie+"=") {
						cookies[i] = cookies[i][at:]
					}
				}
			}
			if len(cookies) != 1 || cookies[0] != want {
				t.Errorf("%s: %.60q became %q, want %q", who.name, line, cookies, want)
			}
		}
	}
}

// TestP3_TwoTokens: one of two session tokens was planted, perhaps by a sister site, to make somebody work in another
// user's session. If there are two, neither counts.
func TestP3_TwoTokens(t *testing.T) {
	t.Parallel()
	s := newSiege(t, demo.Knobs{}, "", nil)
	for _, line := range []string{
		"Cookie: sallyport=%s; sallyport=%s", "Cookie: sallyport=%s\r\nCookie: sallyport=%s", "Cookie: sallyport=%s; theme=dark; sallyport=%s",
		"Cookie: sallyport=%[2]s; sallyport=%[1]s", "Cookie: sallyport=%s; sallyport=%[1]s",
	} {
		for _, other := range append(s.outside[1:], s.bob) {
			text := fmt.Sprintf(line, s.alice.token, other.token)
			text, _, _ = strings.Cut(text, "%!(EXTRA")
			repelled(t, fmt.Sprintf("%s and alice: %.20q", other.name, line), s.fire(t, besieger{}, "GET", "/files", text))
		}
	}
	for _, line := range []string{
		"Cookie: SALLYPORT=%s", "Cookie: sallyport =%s", "Cookie: \"sallyport\"=%s", "Cookie: sallyport=\"%s\"", "Cookie: sally%%70ort=%s",
		"Cookie: __Host-sallyport=%s", "Cookie: $Version=1, sallyport=%s", "Cookie: x=\"; sallyport=%s", "Authorization: Bearer %s", "X-Sallyport: %s",
	} {
		got := s.fire(t, besieger{}, "GET", "/files", fmt.Sprintf(line, s.alice.token))
		if line == "Cookie: x=\"; sallyport=%s" {
			continue // to a browser, and to the gateway, this is a separate cookie
		}
		repelled(t, "alice's token as "+line, got)
	}
	for _, line := range []string{"Cookie: sallyport=%s", "Cookie: x=y; sallyport=%s; z", "Cookie: " + junk + "sallyport=%s"} {
		if got := s.fire(t, besieger{}, "GET", "/files", fmt.Sprintf(line, s.alice.token)); got.status != http.StatusOK {
			t.Errorf("alice's token alone: %d", got.status)
		}
	}
}
