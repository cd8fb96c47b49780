package gateway

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/gateway/underway"
)

// TestStoreEvents: when a store fails, that is emitted once, and so is its recovery.
func TestStoreEvents(t *testing.T) {
	fail := func(context.Context) error { return errors.New("refused") }
	t.Run("secrets", func(t *testing.T) {
		h := new(heard)
		f := newFrail(t, func(c *Config) { c.Events = h })
		b, key, _ := f.challengedBrowser()
		token := b.token("/challenge")
		h.taken()
		f.secrets.strike(fail)
		for range 3 {
			b.get("/second-factor/challenge").refusedForNow(t)
			b.post("/second-factor/challenge", url.Values{"csrf_token": {token}, "code": {f.code(key)}}).refusedForNow(t)
		}
		h.wants(t, "store_unavailable - gateway failed setting=secrets")
		f.secrets.end()
		b.post("/second-factor/challenge", url.Values{"csrf_token": {token}, "code": {f.code(key)}}).wants(t, http.StatusSeeOther, "/")
		h.wants(t, "store_recovered - gateway done setting=secrets", "challenge_passed alice user passed method=totp")
		b.get("/second-factor/")
		h.wants(t)
	})
	t.Run("secrets that cannot be written", func(t *testing.T) {
		h := new(heard)
		f := newFrail(t, func(c *Config) { c.Events = h })
		b, key, _ := f.challengedBrowser()
		h.taken()
		f.secrets.strike(fail, "put")
		for range 3 {
			b.own("/challenge", "/challenge", url.Values{"code": {f.code(key)}}).refusedForNow(t)
		}
		h.wants(t, "store_unavailable - gateway failed setting=secrets")
		f.secrets.end()
		b.get("/second-factor/challenge")
		h.wants(t)
		f.clock.Advance(underway.WritesAgain + time.Second)
		b.get("/second-factor/challenge")
		h.wants(t, "store_recovered - gateway done setting=secrets")
	})
	t.Run("a damaged record is no failure", func(t *testing.T) {
		h := new(heard)
		f := newFrail(t, func(c *Config) { c.Events = h })
		b, _, _ := f.challengedBrowser()
		h.taken()
		f.secrets.strike(func(context.Context) error { return factor.ErrCorrupt })
		b.get("/second-factor/challenge").refusedForNow(t)
		h.wants(t)
	})
	t.Run("sessions", func(t *testing.T) {
		h := new(heard)
		f := newFrail(t, func(c *Config) { c.Events = h })
		b, _, _ := f.enrolledBrowser()
		h.taken()
		f.sessions.strike(fail)
		for range 3 {
			b.get("/files").refusedForNow(t)
		}
		h.wants(t, "store_unavailable - gateway failed setting=sessions")
		f.sessions.end()
		for range 3 {
			b.get("/files").wants(t, http.StatusOK, "")
		}
		h.wants(t, "store_recovered - gateway done setting=sessions")
	})
	t.Run("names", func(t *testing.T) {
		h, names := new(heard), &brokenNames{broken: true}
		s := newSite(t, demo.Knobs{}, func(c *Config) { c.Events, c.Names = h, names })
		b := s.browser()
		for range 2 {
			b.get("/login").refusedForNow(t)
		}
		h.wants(t, "store_unavailable - gateway failed setting=storage")
		names.broken = false
		b.get("/login").wants(t, http.StatusOK, "")
		h.wants(t, "store_recovered - gateway done setting=storage")
	})
}

type brokenNames struct{ broken bool }

func (n *brokenNames) Load(context.Context) ([]string, error) {
	if n.broken {
		return nil, errors.New("no storage")
	}
	return nil, nil
}

func (*brokenNames) Add(context.Context, []string) error { return nil }
