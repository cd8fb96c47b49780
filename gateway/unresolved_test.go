package gateway

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestP6_WhatTheStoreWasNotTold: carol posts alice's password to an address that no login describes, and the session
// store is unreachable at the moment when it should be told whose the session is now, or that nobody knows. Her next
// request went to the app as alice, before anybody asked. The control: before, what she sends is done as carol; and now
// the app would do it as alice.
func TestP6_WhatTheStoreWasNotTold(t *testing.T) {
	for _, says := range []string{"alice", "nothing"} {
		s, sessions := frailRaising(t)
		app := &growing{gated: newGated()}
		s.serve(upstreamOf(t, app, app.open))
		carol := s.carol(t)
		if got := carol.do("POST", "/write", asForm, "text=1"); got.StatusCode != http.StatusOK || !app.has("POST /write carol") {
			t.Fatalf("the control: %d %s", got.StatusCode, got.body)
		}
		conn := carol.raw(t, "POST", "/other", alicesForm, len(alicesForm))
		<-app.arrived
		sessions.strike(func(context.Context) error { return errAway }, "commit", "delete", "claim")
		app.refuses.Store(says == "nothing")
		app.open()
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil) //nolint:bodyclose // the connection is closed: to close the body would wait for its end
		if err != nil || answer.StatusCode != http.StatusServiceUnavailable {
			t.Fatalf("%s: the sign-in is answered with %v, %v", says, answer, err)
		}
		sessions.end()
		app.refuses.Store(false)
		app.mutex.Lock()
		if names := fmt.Sprint(app.users); strings.Contains(names, "carol") || !strings.Contains(names, "alice") {
			t.Errorf("the app has these signed in: %s", names)
		}
		app.mutex.Unlock()
		got := carol.do("POST", "/write", asForm, "text=2")
		if app.has("POST /write alice") || strings.Contains(got.body, "alice") {
			t.Errorf("%s: %d %s; at the app: %q", says, got.StatusCode, got.body, app.seen)
		}
	}
}

// TestP6_ToldLater is the same with her own password: after the app was asked, her session goes on.
func TestP6_ToldLater(t *testing.T) {
	s, sessions := frailRaising(t)
	app := &growing{gated: newGated()}
	s.serve(upstreamOf(t, app, app.open))
	carol := s.carol(t)
	const own = "u=carol&p=pw-carol"
	conn := carol.raw(t, "POST", "/other", own, len(own))
	<-app.arrived
	sessions.strike(func(context.Context) error { return errAway }, "commit", "delete", "claim")
	app.refuses.Store(true)
	app.open()
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil) //nolint:bodyclose // the connection is closed: to close the body would wait for its end
	if err != nil || answer.StatusCode != http.StatusServiceUnavailable {
		t.Fatalf("the sign-in is answered with %v, %v", answer, err)
	}
	sessions.end()
	app.refuses.Store(false)
	for range 2 {
		if got := carol.do("POST", "/write", asForm, "text=2"); got.StatusCode != http.StatusOK || !app.has("POST /write carol") {
			t.Errorf("%d %s; at the app: %q", got.StatusCode, got.body, app.seen)
		}
	}
	if s.gateway.site.Unresolved.Any() {
		t.Error("her session is asked about for ever")
	}
}
