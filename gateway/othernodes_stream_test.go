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
