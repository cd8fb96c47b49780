package gateway

import (
	"net"
	"net/http"
	"testing"
	"time"

	"sallyport/factor"
	"sallyport/session"
)

// raiseAtTwo starts two gateways that share their sessions, before one app; carol's browser knows both.
func raiseAtTwo(t *testing.T) (app *gated, here, there *site, carol, carolThere *browser) {
	t.Helper()
	memory := session.NewMemory(session.MemoryOptions{})
	t.Cleanup(func() { _ = memory.Close() })
	var factors *factor.Service
	node := func(c *Config) {
		// Each remembers for itself what it read.
		c.Sessions = session.NewShared(session.NewRecent(memory, nil)).Manager(session.Config{App: "ledger", Now: c.Now})
		if factors == nil {
			factors = c.Factors
		}
		c.Factors = factors
	}
	app = newGated()
	next := app.upstream(t)
	here, there = newRaising(t, node), newRaising(t, node)
	there.clock = here.clock
	here.serve(next)
	there.serve(next)
	alice := here.browser()
	alice.do("POST", "/login", asForm, "u=alice&p=pw-alice").wants(t, http.StatusOK, "")
	alice.enrol()
	carol = here.browser()
	carol.do("POST", "/login", asForm, "u=carol&p=pw-carol")
	// Cookies are of a host, whatever its port.
	carolThere = &browser{s: there, client: carol.client}
	if got := carolThere.get("/page"); got.StatusCode != http.StatusOK || !app.has("GET /page carol") {
		t.Fatalf("the control: %d %s", got.StatusCode, got.body)
	}
	return app, here, there, carol, carolThere
}

// TestP5_NothingBesideARaiseElsewhere: TestP5_NothingBesideARaise, with what is sent at the same moment sent to another gateway.
func TestP5_NothingBesideARaiseElsewhere(t *testing.T) {
	app, here, there, carol, carolThere := raiseAtTwo(t)
	first := carol.raw(t, "POST", "/other", alicesForm, len(alicesForm))
	<-app.arrived
	write := carolThere.raw(t, "POST", "/write", "text=2", len("text=2"))
	page := carolThere.raw(t, "GET", "/late", "", 0)
	eventually(t, "both wait", func() bool { return here.visits() == 1 && there.visits() == 2 })
	if app.has("GET /late carol") {
		t.Error("the page did not wait")
	}
	app.open()
	app.wantsNothingOfAlices(t, map[string]net.Conn{"raise": first, "write": write, "page": page}, "POST /write alice", "GET /late alice")
}

// TestP5_OwnRaiseIsForgotten: what a user posts herself leaves no mark behind by which her other requests would wait.
func TestP5_OwnRaiseIsForgotten(t *testing.T) {
	app, _, _, carol, carolThere := raiseAtTwo(t)
	began := time.Now()
	for range 3 {
		carol.do("POST", "/write", asForm, "text=1")
		carolThere.do("POST", "/write", asForm, "text=2")
		carolThere.get("/page")
	}
	if took := time.Since(began); took > pagePatience || !app.has("POST /write carol") {
		t.Errorf("they waited for each other: %v", took)
	}
}

// TestRaisedAt: a mark is good for a while, also by a clock that is ahead.
func TestRaisedAt(t *testing.T) {
	now := time.Now()
	for ago, want := range map[time.Duration]bool{0: true, time.Second: true, -time.Second: true, mayTake: false, -mayTake: false} {
		if got := (&session.Data{Custody: session.Custody{Raising: new(now.Add(-ago))}}).Raised(now, mayTake); got != want {
			t.Errorf("%v ago: %v", ago, got)
		}
	}
	if new(session.Data).Raised(now, mayTake) {
		t.Error("no mark")
	}
}
