package gateway

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestP5_TunnelSignsInLater: the address of a WebSocket contains alice's name and password, and the app signs her in a
// moment after it has answered the handshake, under carol's session. Everything from then on was said and done as
// alice, until the next recheck. The control: as long as the app knows carol, the tunnel goes on.
func TestP5_TunnelSignsInLater(t *testing.T) {
	for _, later := range []time.Duration{0, 2 * time.Second, 10 * time.Second} {
		s, app, carol := behindTunnels(t, nil)
		conn := carol.rawRest(t, "GET", "/socket?"+alicesForm, "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		read := bufio.NewReader(conn)
		answer, err := http.ReadResponse(read, nil)
		if err != nil || answer.StatusCode != http.StatusSwitchingProtocols {
			t.Fatalf("no tunnel: %v %v", answer, err)
		}
		_ = answer.Body.Close() // it has none
		for _, word := range []string{"first", "next"} {
			fmt.Fprintln(conn, word)
			if line, err := read.ReadString('\n'); err != nil || line != "of carol\n" || !app.has("SAY "+word+" carol") {
				t.Fatalf("after %v: the control: %q %v", later, line, err)
			}
			s.clock.Advance(later)
		}
		app.mutex.Lock()
		for id, name := range app.users {
			if name == "carol" {
				app.raise(id, "alice")
			}
		}
		app.mutex.Unlock()
		s.clock.Advance(2 * later) // as much time again as has passed
		fmt.Fprintln(conn, "second")
		// Otherwise the test would wait for ever if it were not cut.
		_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		if rest, _ := io.ReadAll(read); strings.Contains(string(rest), "alice") || app.has("SAY second alice") {
			t.Errorf("after %v the tunnel says %q; at the app: %q", later, rest, app.seen)
		}
	}
}
