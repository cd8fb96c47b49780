package gateway

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
)

// TestUsedCodeIsSaid: a user who enrols and signs in with the same code, on a page or by script, is told that the code
// was used. So is one who confirms a change with the code that she signed in with.
func TestUsedCodeIsSaid(t *testing.T) {
	s := newSite(t, demo.Knobs{}, nil)
	b := s.browser()
	b.signIn("bob", demo.BobPassword)
	key := b.enrol()
	s.clock.Advance(-30 * time.Second)
	code := s.code(key)
	words := regexp.MustCompile(`You have used this code already\. Wait for the next one \((\d+) s\)\.`)
	if got := b.own("/reset", "/reset", url.Values{"code": {code}}); got.StatusCode != http.StatusUnprocessableEntity || !words.MatchString(got.body) {
		t.Errorf("a change: %d %s", got.StatusCode, got.body)
	}
	b.own("/", "/logout", nil)
	b.signIn("bob", demo.BobPassword)
	if got := b.own("/challenge", "/challenge", url.Values{"code": {code}}); got.StatusCode != http.StatusUnprocessableEntity || !words.MatchString(got.body) || got.Header.Get("Retry-After") != "" {
		t.Errorf("the page: %d %s", got.StatusCode, got.body)
	}
	got := b.do("POST", "/second-factor/challenge", "application/json", `{"code":"`+code+`"}`)
	if got.StatusCode != http.StatusUnprocessableEntity || !words.MatchString(got.body) || !strings.Contains(got.body, "Code used already") {
		t.Errorf("a script: %d %s", got.StatusCode, got.body)
	}
	if got := b.own("/challenge", "/challenge", url.Values{"code": {"000000"}}); !strings.Contains(got.body, "That code is wrong.") {
		t.Errorf("a wrong one: %s", got.body)
	}
	s.clock.Advance(30 * time.Second)
	// In the digits of another script, as some keyboards write them.
	arabic := strings.Map(func(r rune) rune { return r - '0' + '٠' }, s.code(key))
	b.own("/challenge", "/challenge", url.Values{"code": {arabic}}).wants(t, http.StatusSeeOther, "/")
}
