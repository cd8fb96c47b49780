package presets

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/e2e/apps"
	"sallyport.example/sallyport/test/site"
)

// TestZNCStrangers: ZNC keeps few sessions for each address, and all requests come from the gateway's address.
// Strangers who opened the login page a few times, from anywhere, ended the sessions of all users, and could keep
// everybody out. With the line of znc.conf that the preset asks for, they use up only the sessions of their own
// address; the control is a ZNC without it.
func TestZNCStrangers(t *testing.T) {
	t.Parallel()
	for _, told := range []bool{true, false} {
		running := apps.StartZNC(t)
		if !told {
			running = apps.StartZNCWithout(t, "TrustedProxy")
		}
		p, _ := znc.behind(t, running)
		c := p.Client(t)
		p.signIn(t, c, p.owner)
		p.wantsState(t, c, "verified", p.owner.Name)
		for range 12 {
			openFrom(t, p.Site, "127.0.0.8", "/")
		}
		got := c.Get(p.reads[0].path)
		if in := got.StatusCode == http.StatusOK && strings.Contains(got.Text, p.reads[0].text); in != told {
			t.Errorf("with TrustedProxy %t, after twelve strangers: %d, in %t", told, got.StatusCode, in)
		}
	}
}

// openFrom loads a page from another address of this machine, as a new stranger.
func openFrom(t testing.TB, s *site.Site, address, path string) {
	t.Helper()
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	transport := &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true}
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, s.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("a stranger at %s: %d", path, answer.StatusCode)
	}
}
