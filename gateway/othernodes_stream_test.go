package gateway

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// TestP5_StreamsBesideARaiseElsewhere: carol has a WebSocket, or a page, open through one gateway when she posts
// alice's password through another, to an app that takes its time to answer. What she said in the tunnel meanwhile was
// done as alice, and what the app sent was alice's, because the one gateway knew nothing of what the other had under
// way. If she posts her own password, both go on.
func TestP5_StreamsBesideARaiseElsewhere(t *testing.T) {
	for _, what := range []string{"tunnel", "page"} {
		for _, who := range []string{"carol", "alice"} {
			gated, here, there, carol, carolThere := raiseAtTwo(t)
			app := &growing{gated: gated}
			tunnels := socketed{gated}
			proxied := upstreamOf(t, app, gated.open)
			for _, s := range []*site{here, there} {
				s.serve(func(w http.ResponseWriter, r *http.Request) error {
					if r.Header.Get("Upgrade") != "" {
						return tunnelTo(w, r, tunnels)
					}
					return proxied(w, r)
				})
			}
			var write io.Writer
			var read *bufio.Reader
			if what == "tunnel" {
				write, read = carolThere.dial(t)
				fmt.Fprintln(write, "first")
				if line, err := read.ReadString('\n'); err != nil || line != "of carol\n" || !app.has("SAY first carol") {
					t.Fatalf("the control: %q %v", line, err)
				}
			} else {
				carolThere.get("/log").wants(t, http.StatusOK, "") // this address signed nobody in before
				read = app.openPage(t, carolThere)
			}
			form := "u=" + who + "&p=pw-" + who
			carol.raw(t, "POST", "/slow?n="+who, form, len(form))
			<-gated.arrived
			app.mutex.Lock()
			if users := slices.Collect(maps.Values(app.users)); slices.Contains(users, "carol") != (who == "carol") {
				t.Errorf("the app has these signed in: %q", users)
			}
			app.mutex.Unlock()
			if what == "tunnel" {
				fmt.Fprintln(write, "second")
			}
			app.say()
			app.open()
			if who == "carol" {
				if line, err := read.ReadString('\n'); err != nil || line != "of carol\n" {
					t.Errorf("the %s: %q %v", what, line, err)
				}
				continue
			}
			if rest, _ := io.ReadAll(read); strings.Contains(string(rest), "alice") || app.has("SAY second alice") {
				t.Errorf("the %s says %q; at the app: %q", what, rest, app.seen)
			}
		}
	}
}

// TestP5_StrangersStreamBesideALoginElsewhere: a stranger has a public stream open through one gateway when she signs
// in through another, as alice, to an app that takes over the cookie that is there. For up to a second the stream went
// on, with what is alice's. The control: without a login it goes on.
func TestP5_StrangersStreamBesideALoginElsewhere(t *testing.T) {
	app, here, there, _, _ := raiseAtTwo(t)
	for _, name := range []string{"", "alice"} {
		more, left := make(chan struct{}), make(chan struct{})
		next := upstreamOf(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/static/stream" {
				app.raisingApp.ServeHTTP(w, r)
				return
			}
			defer close(left)
			w.Header().Set("Content-Type", "text/event-stream")
			for range 2 {
				app.mutex.Lock()
				fmt.Fprintf(w, "of %q\n", app.users[sid(r)])
				app.mutex.Unlock()
				_ = http.NewResponseController(w).Flush()
				select {
				case <-more:
				case <-r.Context().Done():
					return
				}
			}
		}), app.open)
		here.serve(next)
		there.serve(next)
		b := here.browser()
		b.get("/login").wants(t, http.StatusOK, "")
		stream, err := b.client.Get(b.s.server.URL + "/static/stream")
		if err != nil {
			t.Fatal(err)
		}
		read := bufio.NewReader(stream.Body)
		if line, err := read.ReadString('\n'); line != "of \"\"\n" {
			t.Fatalf("the first piece: %d %q %v", stream.StatusCode, line, err)
		}
		if elsewhere := (&browser{s: there, client: b.client}); name != "" {
			elsewhere.do("POST", "/login", asForm, alicesForm).wants(t, http.StatusSeeOther, "/second-factor/challenge")
		}
		select {
		case more <- struct{}{}:
		case <-left: // it has been cut already
		}
		line, _ := read.ReadString('\n')
		if name == "" && line != "of \"\"\n" || strings.Contains(line, "alice") {
			t.Errorf("%q: %q", name, line)
		}
		_ = stream.Body.Close()
		close(more)
	}
}
