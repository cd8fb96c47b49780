package gateway

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/event"
)

// TestEventsFollowASession: the events of one session have one mark, from its sign-in to its sign-out, although the
// token changes in between. The events of another session have another mark. The mark is none of the values that the
// browser has (P9).
func TestEventsFollowASession(t *testing.T) {
	s, h := listening(t, func(c *Config) {
		c.RequestID = func(r *http.Request) string { return "request to " + r.URL.Path }
	})
	b, key, _ := s.member()
	b.own("/", "/logout", nil)
	h.taken()

	follow := func() (marks []string) {
		s.clock.Advance(time.Second)
		b := s.browser()
		var tokens []string
		note := func() {
			for _, value := range b.cookies() {
				tokens = append(tokens, value)
			}
		}
		b.signIn("bob", demo.BobPassword)
		note()
		s.clock.Advance(time.Minute)
		b.own("/challenge", "/challenge", map[string][]string{"code": {s.code(key)}}).wants(s.t, http.StatusSeeOther, "/")
		note()
		b.own("/", "/logout", nil)
		var names []event.Name
		for _, e := range h.taken() {
			names, marks = append(names, e.Name), append(marks, e.Session)
			for _, token := range tokens {
				if e.Session != "" && strings.Contains(token, e.Session) {
					t.Errorf("%s: the mark %q is of a cookie", e.Name, e.Session)
				}
			}
			if !strings.HasPrefix(e.Request, "request to /") {
				t.Errorf("%s: request %q", e.Name, e.Request)
			}
		}
		if want := []event.Name{event.LoginAccepted, event.ChallengePassed, event.SignedOut}; !slices.Equal(names, want) {
			t.Fatalf("events %q, want %q", names, want)
		}
		if slices.Sort(tokens); len(slices.Compact(tokens)) < 2 {
			t.Fatalf("the token did not change: %q", tokens)
		}
		return marks
	}
	first, second := follow(), follow()
	for _, marks := range [][]string{first, second} {
		if marks[0] == "" || marks[1] != marks[0] || marks[2] != marks[0] {
			t.Errorf("marks of one session: %q", marks)
		}
	}
	if first[0] == second[0] {
		t.Errorf("two sessions have the mark %q", first[0])
	}
}
