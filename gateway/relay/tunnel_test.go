package relay

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/gateway/exchange"
	"sallyport.example/sallyport/gateway/signin"
	"sallyport.example/sallyport/gateway/upstream"
	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/login"
	"sallyport.example/sallyport/pages"
	"sallyport.example/sallyport/session"
)

// newSite makes a site that nobody asks for anything.
func newSite(t *testing.T) *Site {
	t.Helper()
	memory := session.NewMemory(session.MemoryOptions{})
	t.Cleanup(func() { _ = memory.Close() })
	site, err := exchange.NewSite(exchange.Config{
		App: "ledger", LoginPage: "/login", Pages: pages.New(pages.Options{}),
		Sessions: session.NewShared(memory).Manager(session.Config{App: "ledger"}),
		Factors:  factor.NewService(factor.NewMemoryStore(), factor.Config{App: "ledger"}),
		Logins: login.Set{
			Blocks:     []login.Block{{Paths: match.NewGlobs("/login"), Username: login.Source{Kind: login.Form, Name: "username"}}},
			Identities: []login.Identity{{Path: "/api/me", Kind: login.JSON, Pointer: "/login"}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return NewSite(signin.NewSite(upstream.NewSite(site, nil)), nil)
}

// TestP8_TunnelOfAnEndedSession: the session ends between the answer to a handshake and the moment at which the
// connection is taken over. It carries nothing then, and is closed.
func TestP8_TunnelOfAnEndedSession(t *testing.T) {
	for _, ended := range []bool{false, true} {
		site := newSite(t)
		here, there := net.Pipe()
		stream := &stream{site: site}
		stream.mutex.Lock()
		site.watchers.begin(stream)
		stream.mutex.Unlock()
		stream.ending.Context = t.Context()
		if ended {
			stream.Stop()
		}
		conn, err := stream.carry(here, false)
		if ended != errors.Is(err, errSessionEnded) {
			t.Errorf("ended %v: %v", ended, err)
		}
		if ended {
			_ = there.SetReadDeadline(time.Now().Add(5 * time.Second))
			if _, err := there.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
				t.Errorf("the connection is open: %v", err)
			}
			continue
		}
		_ = conn.Close()
	}
}
