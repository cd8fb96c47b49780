package explain_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/explain"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/recovery"
	"sallyport.example/sallyport/factor/totp"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway"
	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/login"
	"sallyport.example/sallyport/pages"
	"sallyport.example/sallyport/session"
)

// renderer is shared, because it takes long to make.
var renderer = pages.New(pages.Options{})

// configured returns a site with every word that decides on places, and with new stores.
func configured(t *testing.T) gateway.Config {
	t.Helper()
	memory := session.NewMemory(session.MemoryOptions{})
	t.Cleanup(func() { _ = memory.Close() })
	return gateway.Config{
		App: "ledger", LoginPage: "/login",
		Public: []gate.Opening{
			{Paths: match.NewGlobs("/static/*", "/load.php?*")}, {Methods: []string{"POST"}, Paths: match.NewGlobs("/hooks/*")},
		},
		Protect: match.NewGlobs("/static/private/*"), Shut: match.NewGlobs("/xmlrpc.php"), Logout: match.NewGlobs("/logout"),
		Logins: login.Set{
			Blocks: []login.Block{
				{Paths: match.NewGlobs("/login"), Username: login.Source{Kind: login.Form, Name: "username"}},
				{Paths: match.NewGlobs("/api/login"), Username: login.Source{Kind: login.JSON, Name: "/user/name"}},
			},
			Identities: []login.Identity{{Path: "/api/me", Kind: login.JSON, Pointer: "/login"}},
		},
		Sessions: session.NewShared(memory).Manager(session.Config{App: "ledger"}),
		Factors: factor.NewService(factor.NewMemoryStore(), factor.Config{
			App: "ledger", Kinds: []factor.Kind{totp.New("", totp.Parameters{}), recovery.New(1000)},
		}),
		Pages: renderer,
	}
}

// described is a request in a few words.
type described struct {
	method, target, body string
	header               http.Header
}

// request makes the request as a server on loopback gets it.
func (d described) request(t *testing.T) *http.Request {
	t.Helper()
	var r *http.Request
	if d.body == "" {
		r = httptest.NewRequestWithContext(t.Context(), d.method, d.target, nil)
	} else {
		r = httptest.NewRequestWithContext(t.Context(), d.method, d.target, strings.NewReader(d.body))
	}
	r.Host, r.Header = "127.0.0.1", d.header.Clone()
	return r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}))
}

// random describes a random request.
func random(choose *rand.Rand) described {
	one := func(from ...string) string { return from[choose.IntN(len(from))] }
	d := described{
		method: one("GET", "GET", "GET", "POST", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "PROPFIND"),
		target: one("/", "/login", "/LOGIN", "/log%69n", "/login/", "/api/login", "/api/me", "/logout", "/static/a.css", "/static/private/x",
			"/Static/Private/x", "/static/%2e%2e/x", "/load.php", "/hooks/a", "/xmlrpc.php", "/XMLRPC.php", "/second-factor", "/second-factor/",
			"/second-factor/challenge", "/second-factor/settings", "/second-factor/nothing", "/a;b", "/a//b", "/%00") +
			one("", "", "?", "?a=b", "?username=x", "?next=/x"),
		header: make(http.Header),
	}
	if choose.IntN(8) == 0 {
		return described{method: "POST", target: "/login", body: "username=alice&password=x", header: http.Header{
			"Content-Type": {"application/x-www-form-urlencoded"}, "Accept": {"text/html"}, "Cookie": {"sid=1"},
		}}
	}
	if choose.IntN(2) == 0 {
		d.body = one("username=alice&password=x", "username=a&username=b", `{"user":{"name":"alice"}}`, `{"user":{"name":"alice"`, "a=b", "x")
		d.header.Set("Content-Type", one("application/x-www-form-urlencoded", "application/json", "text/plain", "multipart/form-data"))
	}
	for _, header := range [][2]string{
		{"Accept", "text/html"},
		{"Sec-Fetch-Mode", "navigate"},
		{"Sec-Fetch-Mode", "cors"},
		{"Sec-Fetch-Site", "cross-site"},
		{"Origin", "https://elsewhere.example"},
		{"Upgrade", "websocket"},
		{"Connection", "Upgrade"},
		{"X-Second-Factor", "totp"},
		{"X-Original-Url", "/admin"},
		{"X-Custom", "1"},
		{"Authorization", "Basic YTpi"},
		{"Cookie", "sid=1; csrf=2"},
		{"Range", "bytes=0-1"},
	} {
		if choose.IntN(4) == 0 {
			d.header.Set(header[0], header[1])
		}
	}
	return d
}

// TestAgreesWithTheGateway sends ten thousand random requests through a gateway in front of an app, and compares the
// result with the explanation: whether the app saw the request, with which headers and cookies, and, if it did not, the
// gateway's own status.
func TestAgreesWithTheGateway(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	choose := rand.New(rand.NewPCG(seed, 0))
	states := []gate.State{gate.Anonymous, gate.Pending, gate.Enrolling, gate.Verified}
	served := make(map[gate.State]func(described) (status int, went http.Header))
	for _, state := range states {
		served[state] = serving(t, state)
	}
	decisions := make(map[explain.Decision]int)
	for range 10_000 {
		d, state := random(choose), states[choose.IntN(len(states))]
		found, err := explain.Explain(configured(t), d.request(t), state)
		if err != nil {
			t.Fatalf("seed %d: %+v: %v", seed, d, err)
		}
		decisions[found.Decision]++
		status, went := served[state](d)
		forwards := found.Decision == explain.Pass || found.Decision == explain.Login
		if forwards != (went != nil) || !forwards && status != found.Status {
			t.Fatalf("seed %d: %v %+v: explained as %s, %d; the app saw it: %t, status %d", seed, state, d, found.Decision, found.Status, went != nil, status)
		}
		for _, name := range found.Headers.Kept {
			if !slices.Equal(went[name], d.header[name]) {
				t.Errorf("seed %d: %v %+v: %s is said to be kept; went %q", seed, state, d, name, went[name])
			}
		}
		cookies := went.Get("Cookie")
		for _, name := range found.Cookies.Kept {
			if !strings.Contains(cookies, name+"=") {
				t.Errorf("seed %d: %v %+v: cookie %s is said to be kept; went %q", seed, state, d, name, cookies)
			}
		}
		for _, name := range found.Cookies.Dropped {
			if strings.Contains(cookies, name+"=") {
				t.Errorf("seed %d: %v %+v: cookie %s is said to be dropped; went %q", seed, state, d, name, cookies)
			}
		}
	}
	for _, decision := range []explain.Decision{
		explain.Pass, explain.Login, explain.Own, explain.ToLoginPage, explain.LoginRequired, explain.ToChallenge, explain.FactorRequired, explain.Refuse,
	} {
		if decisions[decision] < 20 {
			t.Errorf("%d times %s: the requests try too little", decisions[decision], decision)
		}
	}
}

// serving returns a function that sends a request through a gateway with a session in a state, each time a new one, to
// an app that knows nobody.
func serving(t *testing.T, state gate.State) func(described) (status int, went http.Header) {
	t.Helper()
	config := configured(t)
	probe := "a request that the gateway makes by itself"
	config.PrepareProbe = func(r, _ *http.Request, _ http.ResponseWriter) *http.Request {
		r.Header.Set("X-Probe", probe)
		return r
	}
	g, err := gateway.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return func(d described) (status int, went http.Header) {
		r := d.request(t)
		if state != gate.Anonymous {
			taken, err := config.Sessions.Begin(t.Context(), gateway.HostOf(r), time.Now(), session.SignIn(session.Arrival{
				User: explain.User, State: state, Custody: session.Custody{Checked: time.Now()}, At: time.Now(),
			}))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Add("Cookie", g.CookieName(r)+"="+taken.Token)
		}
		answer := httptest.NewRecorder()
		if err := g.ServeHTTP(answer, r, func(w http.ResponseWriter, r *http.Request) error {
			if r.Header.Get("X-Probe") != probe {
				went = r.Header.Clone()
			}
			w.Header().Set("Content-Type", "application/json")
			_, err := fmt.Fprint(w, `{"login":null}`)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return answer.Code, went
	}
}

// TestExplainsInsecure: a request over plain http from another machine is refused, and the explanation says so.
func TestExplainsInsecure(t *testing.T) {
	r := httptest.NewRequestWithContext(t.Context(), "GET", "/static/a", nil)
	found, err := explain.Explain(configured(t), r, gate.Anonymous)
	if err != nil || found.Decision != explain.Refuse || !found.Insecure || found.Status != http.StatusForbidden {
		t.Errorf("%+v, %v", found, err)
	}
}
