package gateway

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/event"
)

// TestP9_EventsHoldNoSecret: a reader of events learns no password, code, key, token or cookie, and no name that was
// typed before the app accepted it, because it may be a password in the wrong field. The positive control finds the
// name of the user who did sign in.
func TestP9_EventsHoldNoSecret(t *testing.T) {
	const typed = "hunter2-in-the-wrong-field"
	s, h := listening(t, nil)
	secrets := map[string]string{"typed name": typed, "password": demo.BobPassword}
	stranger := s.browser()
	stranger.signIn(typed, "wrong")
	stranger.post("/login", url.Values{"username": {typed, "x"}, "password": {demo.BobPassword}})
	stranger.post("/login", url.Values{"username": {typed + "\x00"}, "password": {"wrong"}})
	stranger.do("POST", "/api/login", "application/json", `{"user":{"name":"`+typed+`"`)
	stranger.get("/" + typed + "/%2e%2e/x")
	b, key, codes := s.member()
	secrets["key"], secrets["key as shown"] = strings.ReplaceAll(key, " ", ""), key
	for i, code := range codes {
		secrets[fmt.Sprint("recovery code ", i)] = code
	}
	b.own("/", "/logout", nil)
	for name, value := range b.cookies() {
		secrets["cookie "+name] = value
	}
	b.trust(key)
	b.signIn("bob", demo.BobPassword)
	for name, value := range b.cookies() {
		secrets["later cookie "+name] = value
	}
	code := s.code(key)
	secrets["code"] = code
	b.own("/reset", "/reset", url.Values{"code": {code}})
	b.own("/reset", "/reset", url.Values{"code": {codes[3]}})
	b.own("/", "/browsers", nil)
	b.own("/", "/logout", nil)
	b.signIn("bob", demo.BobPassword)
	b.own("/challenge", "/challenge", url.Values{"code": {s.wrongCode(key)}})
	b.own("/recovery", "/recovery", url.Values{"code": {codes[5]}})
	for _, received := range s.app.Received() {
		for _, cookie := range (&http.Request{Header: received.Header}).Cookies() {
			if cookie.Name == demo.SessionCookie {
				secrets["held "+cookie.Value] = cookie.Value
			}
		}
	}
	events := h.taken()
	seen := make(map[event.Name]int)
	text := fmt.Sprintf("%+v %s", events, strings.Join(texts(events), "\n"))
	for _, e := range events {
		seen[e.Name]++
	}
	if len(seen) < 8 || seen[event.LoginFailed] == 0 || seen[event.LoginRefused] < 3 || !strings.Contains(text, "bob") || len(secrets) < 18 {
		t.Fatalf("heard %v with %d secrets", seen, len(secrets))
	}
	for what, secret := range secrets {
		if len(secret) >= 6 && strings.Contains(text, secret) {
			t.Errorf("the events have the %s: %s", what, text)
		}
	}
}

// TestEventsAreWrittenToTheLog: without a sink of its own, a gateway writes its events to its logger.
func TestEventsAreWrittenToTheLog(t *testing.T) {
	s := newSite(t, demo.Knobs{}, nil)
	s.browser().signIn("bob", demo.BobPassword)
	if log := s.logged.String(); !strings.Contains(log, `msg="login accepted by the app" event=login_accepted app=ledger user=bob actor=user method="" outcome=accepted reason="" client=127.0.0.1`) {
		t.Error(log)
	}
}
