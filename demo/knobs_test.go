package demo

import (
	"context"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"strings"
	"testing"
)

// ZNC signs in the session that the form came with, so the answer does not show it.
func TestElevateInPlace(t *testing.T) {
	b := open(t, Options{Knobs: Knobs{ElevateInPlace: true}})
	token, before := b.token("/login"), b.cookie(SessionCookie)
	got := b.post("/login", url.Values{"csrf": {token}, "username": {"alice"}, "password": {AlicePassword}})
	if got.StatusCode != http.StatusSeeOther || len(got.Header["Set-Cookie"]) != 0 {
		t.Errorf("%d %v", got.StatusCode, got.Header["Set-Cookie"])
	}
	if b.cookie(SessionCookie) != before || b.me() != "alice" {
		t.Errorf("now %s", b.me())
	}
	c := b.another()
	c.postJSON("/api/login", `{"user":{"name":"bob","password":"`+BobPassword+`"}}`)
	if got := c.me(); got != "bob" {
		t.Errorf("without a session before: %s", got)
	}
}

func TestEarlyHintsAndTrailers(t *testing.T) {
	b := open(t, Options{Knobs: Knobs{EarlyHints: true, Trailers: true}})
	form := url.Values{"csrf": {b.token("/login")}, "username": {"alice"}, "password": {AlicePassword}}
	var hinted []string
	ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{
		Got1xxResponse: func(status int, header textproto.MIMEHeader) error {
			if status == http.StatusEarlyHints {
				hinted = append(hinted, header["Set-Cookie"]...)
			}
			return nil
		},
	})
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, b.base+"/login", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := b.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	var rest [1]byte
	for err == nil {
		_, err = response.Body.Read(rest[:])
	}
	response.Body.Close()
	final := response.Header["Set-Cookie"]
	if len(final) != 1 || !strings.HasPrefix(final[0], SessionCookie+"=") {
		t.Fatalf("in the answer: %v", final)
	}
	if len(hinted) != 1 || hinted[0] != final[0] {
		t.Errorf("in the hints: %v", hinted)
	}
	if trailed := response.Trailer["Set-Cookie"]; len(trailed) != 1 || trailed[0] != final[0] {
		t.Errorf("in the trailer: %v", response.Trailer)
	}
	if got := b.me(); got != "alice" {
		t.Errorf("now %s", got)
	}
}

func TestRotate(t *testing.T) {
	b := open(t, Options{Knobs: Knobs{Rotate: true}})
	b.asAlice()
	seen := map[string]bool{b.cookie(SessionCookie): true}
	for range 40 {
		if got := b.me(); got != "alice" {
			t.Fatalf("now %s", got)
		}
		if seen[b.cookie(SessionCookie)] {
			t.Fatal("the value stayed")
		}
		seen[b.cookie(SessionCookie)] = true
	}
	last := b.cookie(SessionCookie)
	b.get("/logout")
	if b.cookie(SessionCookie) != "" || b.another().me("Cookie", SessionCookie+"="+last) != unauthorized {
		t.Error("signed in after the logout")
	}
}

func TestScriptCookie(t *testing.T) {
	b := open(t, Options{Knobs: Knobs{ScriptCookie: true}})
	got := b.signIn("alice", AlicePassword, "")
	if strings.Contains(got.Header.Get("Set-Cookie"), "HttpOnly") || b.me() != "alice" {
		t.Errorf("%q", got.Header.Get("Set-Cookie"))
	}
}

func TestLeakSession(t *testing.T) {
	b := open(t, Options{Knobs: Knobs{LeakSession: true}})
	got := b.signIn("alice", AlicePassword, "/files?a=b")
	id := b.cookie(SessionCookie)
	if got.Header.Get("X-Session-Token") != id || got.Header.Get("Location") != "/files?a=b&sid="+id || !strings.Contains(got.body, id) {
		t.Errorf("%v %s", got.Header, got.body)
	}
	c := b.another()
	got = c.postJSON("/api/login", `{"user":{"name":"bob","password":"`+BobPassword+`"}}`)
	id = c.cookie(SessionCookie)
	if got.Header.Get("X-Session-Token") != id || !strings.Contains(got.body, id) {
		t.Errorf("%v %s", got.Header, got.body)
	}
}

func TestSwitchAndEndSessions(t *testing.T) {
	b := open(t, Options{})
	b.asAlice()
	if n := b.app.SwitchSessions("alice", "bob"); n != 1 || b.me() != "bob" {
		t.Errorf("%d switched, now %s", n, b.me())
	}
	if n := b.app.EndSessions("bob"); n != 1 || b.me() != unauthorized {
		t.Errorf("%d ended, now %s", n, b.me())
	}
}

func TestFailIdentity(t *testing.T) {
	b := open(t, Options{})
	b.asAlice()
	b.app.FailIdentity(http.StatusInternalServerError)
	if got := b.me(); got != "500 Internal Server Error" {
		t.Errorf("failing: %s", got)
	}
	if got := b.get("/"); got.StatusCode != http.StatusOK {
		t.Errorf("the rest fails too: %d", got.StatusCode)
	}
	b.app.FailIdentity(0)
	if got := b.me(); got != "alice" {
		t.Errorf("restored: %s", got)
	}
}
