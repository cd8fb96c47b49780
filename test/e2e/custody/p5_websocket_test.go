package custody

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/site"
)

// TestP5_WebSocketOfAnotherSite: a page of another site opens a WebSocket to the app in the browser of alice, who is
// verified. Browsers allow that, and an app that looks at the cookie alone speaks to that page as to her. Her browser
// says whose page it is, and the handshake is refused, unless `origins` lists the site. The control: the app itself
// opens it, and so does the gateway for its own pages and for the listed site.
func TestP5_WebSocketOfAnotherSite(t *testing.T) {
	t.Parallel()
	rooms := func(v *visit) bool {
		if v.r.URL.Path != "/socket" || v.user() == "" {
			return false
		}
		conn, _, err := http.NewResponseController(v.w).Hijack()
		if err != nil {
			return false
		}
		defer conn.Close()
		_, _ = conn.Write([]byte("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n" + secretOf(v.user())))
		return true
	}
	h := open(t, common+form+asks+"\t\torigins https://portal.example.com\n", site.Options{}, rooms)
	factor := h.enrol(t, "alice")
	opens := func(s *site.Site, cookie string, more ...string) string {
		l := dial(t, s)
		l.say(s, cookie, "GET", "/socket", "", append(more, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
			"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")...)
		got, err := http.ReadResponse(l.in, nil)
		if err != nil {
			t.Fatal(err)
		}
		said := make([]byte, len(secretOf("alice")))
		if got.StatusCode == http.StatusSwitchingProtocols {
			_, err = io.ReadFull(l.in, said)
		} else {
			said, err = io.ReadAll(got.Body)
		}
		_, _ = got.Body.Close(), l.conn.Close()
		if err != nil {
			t.Fatal(err)
		}
		return got.Status + " " + string(said)
	}
	direct := h.direct(t)
	session := sessionIn(logIn(direct, "alice"))
	foreign := [][]string{
		{"Origin: https://evil.example"},
		{"Origin: null"},
		{"Origin: http://" + h.Site.Address + ".evil.example"},
		{"Origin: https://evil.example", "Sec-Fetch-Site: cross-site"},
		{"Origin: http://sub.127.0.0.1", "Sec-Fetch-Site: same-site"},
		{"Origin: https://portal.example.com", "Origin: https://evil.example"},
		{"Origin: https://portal.example.com.evil.example"},
		{"Origin: http://portal.example.com"},
	}
	c := h.signedIn(t, "alice", factor)
	cookie := "sallyport=" + c.Token()
	for _, lines := range foreign {
		if text := opens(h.app, sid+"="+session, lines...); !strings.HasPrefix(text, "101") || !strings.Contains(text, secretOf("alice")) {
			t.Fatalf("%v: the app itself: %.200s", lines, text)
		}
		if text := opens(h.Site, cookie, lines...); !strings.HasPrefix(text, "403") || strings.Contains(text, secretOf("alice")) {
			t.Errorf("%v: %.200s", lines, text)
		}
		for _, entry := range h.taken() {
			if entry.uri == "/socket" && entry.header.Get("X-Forwarded-For") != "" {
				t.Errorf("%v: the handshake came to the app", lines)
			}
		}
	}
	for _, lines := range [][]string{
		{"Origin: http://" + h.Site.Address},
		{"Origin: http://" + h.Site.Address, "Sec-Fetch-Site: same-origin"},
		{"Origin: https://portal.example.com"},
		{"Origin: https://portal.example.com", "Sec-Fetch-Site: cross-site"},
		{},
	} {
		if text := opens(h.Site, cookie, lines...); !strings.HasPrefix(text, "101") {
			t.Errorf("%v: %.200s", lines, text)
		}
	}
	wantsState(t, c, "verified", "alice")
}
