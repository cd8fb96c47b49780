package gateway

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"sallyport.example/sallyport/gateway/relay"
)

// readsFirst makes an app read the whole body before it looks at who has sent it.
func readsFirst(app http.Handler, begun *atomic.Bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/write" {
			begun.Store(true)
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				return
			}
		}
		app.ServeHTTP(w, r)
	})
}

// TestP8_BodyHeldOpen: somebody who has alice's password, when she has no factor yet, begins to send a request and
// holds back its end. Alice sets up a factor, which ends all other sessions; or the sender signs out. The request went
// to the app after that, with the cookies of a session that had ended, and was answered.
func TestP8_BodyHeldOpen(t *testing.T) {
	for _, size := range []int{10, relay.WholeBody + 10, -10} {
		for _, end := range []string{"", "set-up", "sign-out"} {
			renews := size < 0
			if renews {
				size = -size
			}
			app := newGated()
			app.open()
			var begun atomic.Bool
			s := newRaising(t, func(c *Config) { c.Renews = renews })
			s.serve(upstreamOf(t, readsFirst(app, &begun), app.open))
			attacker, alice := s.browser(), s.browser()
			attacker.do("POST", "/login", asForm, alicesForm).wants(t, http.StatusOK, "")
			alice.do("POST", "/login", asForm, alicesForm).wants(t, http.StatusOK, "")
			if got := attacker.get("/x"); got.body != "secrets of alice" {
				t.Fatalf("the control: %d %s", got.StatusCode, got.body)
			}
			conn := attacker.rawRest(t, "POST", "/write", fmt.Sprintf("Connection: close\r\nContent-Length: %d\r\n\r\n%s", size, strings.Repeat("x", size-1)))
			eventually(t, "it has begun", func() bool { return begun.Load() || !renews && s.visits() == 1 })
			switch end {
			case "set-up":
				alice.enrol()
			case "sign-out":
				attacker.own("/", "/logout", nil)
			}
			fmt.Fprint(conn, "x")
			got := body(t, conn)
			if done := app.has("POST /write alice"); done != (end == "") || strings.Contains(got, "alice") != (end == "") {
				t.Errorf("%d bytes, renews %t, %q: done %t; %s; at the app: %q", size, renews, end, done, got, app.seen)
			}
		}
	}
}

// TestP5_BodyHeldOpenBesideARaise: carol begins to send a request and holds back its end. Meanwhile she signs in as
// alice under the cookie that is there, while the app cannot say who is signed in. The request that she had begun went
// out after that without a question, and was done as alice.
func TestP5_BodyHeldOpenBesideARaise(t *testing.T) {
	for _, size := range []int{10, relay.WholeBody + 10} {
		for _, name := range []string{"alice", "carol"} {
			app, unclear := newGated(), false
			app.open()
			s := newRaising(t, nil)
			s.serve(upstreamOf(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/me" && unclear {
					w.WriteHeader(http.StatusTooManyRequests)
					return
				}
				readsFirst(app, new(atomic.Bool)).ServeHTTP(w, r)
			}), app.open))
			carol := s.carol(t)
			conn := carol.rawRest(t, "POST", "/write", fmt.Sprintf("Connection: close\r\nContent-Length: %d\r\n\r\n%s", size, strings.Repeat("x", size-1)))
			eventually(t, "it has begun", func() bool { return s.visits() == 1 })
			unclear = name == "alice"
			carol.do("POST", "/other", asForm, "u="+name+"&p=pw-"+name)
			unclear = false
			fmt.Fprint(conn, "x")
			got := body(t, conn)
			if app.has("POST /write alice") || app.has("POST /write carol") != (name == "carol") {
				t.Errorf("%d bytes, beside %s: %s; at the app: %q", size, name, got, app.seen)
			}
		}
	}
}
