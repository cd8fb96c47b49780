package gateway

import (
	"net"
	"testing"

	"sallyport.example/sallyport/session"
)

// TestP5_ReloadBesideARaise: carol posts alice's password to an address that no login describes, in an app that raises
// the session and takes its time. Meanwhile the configuration is reloaded, or she uses another route of the same app.
// There another gateway serves her session. It knew nothing of the first one's requests, and let hers go to the app, as
// alice's.
func TestP5_ReloadBesideARaise(t *testing.T) {
	s, app, carol := raise(t)
	if got := carol.do("POST", "/write", asForm, "text=1"); !app.has("POST /write carol") {
		t.Fatalf("the control: %d %q", got.StatusCode, app.seen)
	}
	first := carol.raw(t, "POST", "/other", alicesForm, len(alicesForm))
	<-app.arrived
	s.gateway = s.another(t, s.gateway.site.Config.Sessions)
	write := carol.raw(t, "POST", "/write", "text=2", len("text=2"))
	page := carol.raw(t, "GET", "/page", "", 0)
	eventually(t, "all wait", func() bool { return s.visits() >= 3 })
	app.open()
	app.wantsNothingOfAlices(t, map[string]net.Conn{"raise": first, "write": write, "page": page}, "POST /write alice", "GET /page alice")
	eventually(t, "all are settled", func() bool { return s.visits() == 0 })
}

// TestP3_LearnedByAnotherGateway: the names of cookies that a login put into custody are held by every gateway of the
// app at once, and by no gateway of another app.
func TestP3_LearnedByAnotherGateway(t *testing.T) {
	s, _, _ := raise(t)
	sessions := s.gateway.site.Config.Sessions
	memory := session.NewMemory(session.MemoryOptions{})
	t.Cleanup(func() { _ = memory.Close() })
	shared := session.NewShared(memory)
	for name, test := range map[string]struct {
		gateway *Gateway
		knows   bool
	}{
		"itself":        {s.gateway, true},
		"another":       {s.another(t, sessions), true},
		"another store": {s.another(t, shared.Manager(session.Config{App: "ledger"})), false},
		"another app":   {s.another(t, shared.Manager(session.Config{App: "other"})), false},
	} {
		if test.gateway.site.Cookies.Learned.Has("sid") != test.knows {
			t.Errorf("%s: the name is known: %v", name, !test.knows)
		}
	}
}

// another makes one more gateway of the site, as there is during a reload of the configuration or in another route.
func (s *site) another(t *testing.T, sessions *session.Manager) *Gateway {
	t.Helper()
	config := s.gateway.site.Config
	config.Sessions, config.TokenHeader, config.TokenScheme = sessions, "", ""
	g, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	return g
}
