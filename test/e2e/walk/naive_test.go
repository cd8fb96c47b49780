package walk

import (
	"encoding/json"
	"net/http"
	"net/http/httputil"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/e2e/tap"
	"sallyport.example/sallyport/test/site"
)

// naive is a gateway without a gate: with pass it lets everything through, and it reports a fixed state and user.
func naive(t *testing.T, state, user string, pass bool) *Target {
	t.Helper()
	alice, aliceUser := account("alice")
	carol, carolUser := account("carol")
	app := demo.New(demo.Options{Users: []demo.User{aliceUser, carolUser}, Knobs: demo.Knobs{NoFormToken: true, LooseLogin: true}})
	t.Cleanup(app.Close)
	target := &Target{
		Name: "naive", Owner: alice, Plain: carol, Doors: []Door{{Path: "/login", Form: [2]string{"username", "password"}}},
		Pages: []string{"/", "/login"}, Public: []string{"/static/style.css"}, MarkerHeaders: []string{"X-Ledger-User"},
		Tap: tap.New(site.Serve(t, app), tap.JSON("app", "/api/me", "/login")),
	}
	t.Cleanup(target.Tap.Close)
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: site.Serve(t, target.Tap)})
	target.Address = site.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/second-factor/status":
			w.Header().Set("Content-Type", "application/json")
			// The client may have hung up.
			_ = json.NewEncoder(w).Encode(map[string]string{"state": state, "user": user})
		case pass:
			proxy.ServeHTTP(w, r)
		default:
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	return target
}

// TestTheWalkSeesNoGate is the oracle's positive control: without a gate, the walk finds every kind of violation
// quickly, and reports each with a short sequence.
func TestTheWalkSeesNoGate(t *testing.T) {
	for _, control := range []struct {
		state, user string
		want        []string
	}{
		{"anonymous", "", []string{Taken, Carried, Shown, Handed}},
		{"pending", "alice", []string{Taken, Shown, Handed}},
		{"verified", "carol", []string{Other, Shown, Unearned}},
		{"verified", "alice", []string{Owner}},
		{"verified", "nobody", []string{Other, Unearned}},
	} {
		t.Run(control.state+" "+control.user, func(t *testing.T) {
			target := naive(t, control.state, control.user, true)
			target.withDefaults()
			w := newWire(target.Address, false)
			missing := slices.Clone(control.want)
			until := time.Now().Add(time.Minute)
			for seed := uint64(1); len(missing) > 0; seed++ {
				if time.Now().After(until) {
					t.Fatalf("not found: %q", missing)
				}
				for _, violation := range run(target, w, choose(target, seed)) {
					missing = slices.DeleteFunc(missing, func(kind string) bool { return kind == violation.Kind })
				}
			}
		})
	}
}

// TestEachWayOfSendingIsSeen: however a request is sent, it reaches the app and is judged correctly, and its answer is
// read if its sender waits for it. (Go's servers treat a half-closed connection like a client that has hung up.)
func TestEachWayOfSendingIsSeen(t *testing.T) {
	target := naive(t, "anonymous", "", true)
	target.withDefaults()
	w := newWire(target.Address, false)
	for _, trick := range []Trick{"", Half, Drop, Head, Hold, Slow, Twice, Socket} {
		for _, chunked := range []bool{false, true} {
			sent := as("carol", "PUT", "/?tap=drip:20", trick)
			sent.Chunked = chunked
			if trick == Socket {
				sent = plain("GET", "/ws", Socket)
			}
			found := run(target, w, moves(as("alice", "POST", "/login", ""), sent))
			want := map[string]bool{Taken: true, Shown: trick != Drop && trick != Half}
			for kind, wanted := range want {
				if got := slices.ContainsFunc(found, func(v Violation) bool {
					return v.Kind == kind && strings.Contains(v.Text, sent.Method+" "+strings.TrimSuffix(sent.Target, "?tap=drip:20"))
				}); got != wanted {
					t.Errorf("%q, chunked %v: %s: %v, want %v of %v", trick, chunked, kind, got, wanted, found)
				}
			}
		}
	}
}

// TestTheWalkIsShort: a violation is reported with only the moves that it needs.
func TestTheWalkIsShort(t *testing.T) {
	target := naive(t, "anonymous", "", true)
	target.withDefaults()
	w := newWire(target.Address, false)
	result := walk(target, w, 1, false, 1, time.Now().Add(time.Minute))
	if len(result.Found) == 0 {
		t.Fatal("nothing was found")
	}
	for _, found := range result.Found {
		if len(found.Sequence.Moves) > 2 {
			t.Errorf("too long: %s", found)
		}
	}
	if text := result.Found[0].String(); !strings.Contains(text, Seed+"=") || !strings.Contains(text, "1. browser 0: ") {
		t.Error(text)
	}
	again := walk(target, w, result.Found[0].Seed, true, 1, time.Time{})
	if again.Sequences != 1 || len(again.Found) == 0 {
		t.Errorf("the seed does not reproduce the violation: %+v", again)
	}
}

// TestTheWalkFindsNothingShut: if nothing gets through, the walk finds nothing.
func TestTheWalkFindsNothingShut(t *testing.T) {
	target := naive(t, "anonymous", "", false)
	target.withDefaults()
	w := newWire(target.Address, false)
	for seed := range uint64(20) {
		if found := run(target, w, choose(target, seed)); len(found) != 0 {
			t.Fatalf("seed %d: %v", seed, found)
		}
	}
}

// TestSeedsAreRepeatable: a seed always gives the same sequence.
func TestSeedsAreRepeatable(t *testing.T) {
	target := &Target{
		Owner: Account{Typed: []string{"alice"}}, Plain: Account{Typed: []string{"carol"}}, Enrolled: []*Enrolled{{}},
		Doors: []Door{{Path: "/login"}}, Pages: []string{"/"}, Public: []string{"/static/x"}, Sockets: []string{"/ws"},
	}
	for seed := range uint64(500) {
		if first, second := choose(target, seed), choose(target, seed); !reflect.DeepEqual(first, second) {
			t.Fatalf("seed %d:\n%s\n%s", seed, first, second)
		}
	}
}
