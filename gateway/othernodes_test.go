package gateway

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/gateway/underway"
	"sallyport.example/sallyport/session"
)

// atTwo starts two gateways that share their sessions and their users' factors.
func atTwo(t *testing.T, change func(*Config)) (here, there *site) {
	t.Helper()
	memory := session.NewMemory(session.MemoryOptions{})
	t.Cleanup(func() { _ = memory.Close() })
	var factors *factor.Service
	node := func(c *Config) {
		if change != nil {
			change(c)
		}
		// Each remembers what it read itself.
		c.Sessions = session.NewShared(session.NewRecent(memory, nil)).Manager(session.Config{App: "ledger", Now: c.Now})
		if factors == nil {
			factors = c.Factors
		}
		c.Factors = factors
	}
	here, there = newRaising(t, node), newRaising(t, node)
	there.clock = here.clock
	return here, there
}

// raiseAtTwo starts two gateways that share their sessions, in front of one app. carol's browser knows both.
func raiseAtTwo(t *testing.T) (app *gated, here, there *site, carol, carolThere *browser) {
	t.Helper()
	app = newGated()
	next := app.upstream(t)
	here, there = atTwo(t, nil)
	here.serve(next)
	there.serve(next)
	alice := here.browser()
	alice.do("POST", "/login", asForm, "u=alice&p=pw-alice").wants(t, http.StatusOK, "")
	alice.enrol()
	carol = here.browser()
	carol.do("POST", "/login", asForm, "u=carol&p=pw-carol")
	// Cookies belong to a host, whatever its port.
	carolThere = &browser{s: there, client: carol.client}
	if got := carolThere.get("/page"); got.StatusCode != http.StatusOK || !app.has("GET /page carol") {
		t.Fatalf("the control: %d %s", got.StatusCode, got.body)
	}
	return app, here, there, carol, carolThere
}

// TestP5_NothingBesideARaiseElsewhere is TestP5_NothingBesideARaise with the request at the same moment sent to another
// gateway.
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

// TestP5_OwnRaiseIsForgotten: what a user posts as herself leaves no mark that makes her other requests wait.
func TestP5_OwnRaiseIsForgotten(t *testing.T) {
	app, _, _, carol, carolThere := raiseAtTwo(t)
	began := time.Now()
	for range 3 {
		carol.do("POST", "/write", asForm, "text=1")
		carolThere.do("POST", "/write", asForm, "text=2")
		carolThere.get("/page")
	}
	if took := time.Since(began); took > underway.PagePatience || !app.has("POST /write carol") {
		t.Errorf("they waited for each other: %v", took)
	}
}

// TestRaisedAt: a mark counts for a while, also if the clock of the node that made it is ahead.
func TestRaisedAt(t *testing.T) {
	now := time.Now()
	for ago, want := range map[time.Duration]bool{0: true, time.Second: true, -time.Second: true, underway.MayTake: false, -underway.MayTake: false} {
		if got := (&session.Data{Custody: session.Custody{Raising: new(now.Add(-ago))}}).Raised(now, underway.MayTake); got != want {
			t.Errorf("%v ago: %v", ago, got)
		}
	}
	if new(session.Data).Raised(now, underway.MayTake) {
		t.Error("no mark")
	}
}

// TestP5_DisownedElsewhere: a stranger's page load is at the app when she signs in at another gateway, as alice, with
// the cookies that it carries. A moment later the app answers it as alice's. Only the store shows that these cookies
// were claimed.
func TestP5_DisownedElsewhere(t *testing.T) {
	app, here, there, _, _ := raiseAtTwo(t)
	for _, name := range []string{"", "alice"} {
		arrived, release := make(chan struct{}), make(chan struct{})
		next := upstreamOf(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/static/held" {
				arrived <- struct{}{}
				<-release
			}
			app.raisingApp.ServeHTTP(w, r)
		}), app.open)
		here.serve(next)
		there.serve(next)
		b := here.browser()
		b.get("/login").wants(t, http.StatusOK, "")
		page := b.raw(t, "GET", "/static/held", "", 0)
		<-arrived
		if elsewhere := (&browser{s: there, client: b.client}); name != "" {
			elsewhere.do("POST", "/login", asForm, alicesForm).wants(t, http.StatusSeeOther, "/second-factor/challenge")
		}
		close(release)
		answer, err := http.ReadResponse(bufio.NewReader(page), nil)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if name == "" && string(body) != "secrets of " || strings.Contains(string(body), "alice") {
			t.Errorf("%q: %d %s", name, answer.StatusCode, body)
		}
	}
}
