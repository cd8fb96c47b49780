package gateway

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
)

// TestP2_LoginThatSwitchesProtocols: an answer 101 to a login, with the session in its headers, has no body that could
// be withheld: after it, browser and app would talk past the gateway. It is never passed on.
func TestP2_LoginThatSwitchesProtocols(t *testing.T) {
	s := newSite(t, demo.Knobs{}, nil)
	r := httptest.NewRequest(http.MethodPost, "/login", strings.NewReader("username=alice&password="+demo.AlicePassword))
	r.Header = http.Header{
		"Content-Type": {"application/x-www-form-urlencoded"}, "Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"},
	}
	r = r.WithContext(context.WithValue(context.Background(), http.LocalAddrContextKey, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}))
	w := httptest.NewRecorder()
	err := s.gateway.ServeHTTP(w, r, func(w http.ResponseWriter, r *http.Request) error {
		if r.Header["Upgrade"] != nil || r.Header["Connection"] != nil {
			t.Errorf("the login asks for another protocol: %v", r.Header)
		}
		w.Header().Set("Set-Cookie", "ledger_session=SECRET; HttpOnly")
		w.Header().Set("X-Token", "SECRET")
		w.WriteHeader(http.StatusSwitchingProtocols)
		if _, _, err := http.NewResponseController(w).Hijack(); err == nil {
			t.Error("the app took the connection over")
		}
		return nil
	})
	if err != nil || w.Code != http.StatusBadGateway || strings.Contains(fmt.Sprint(w.Header(), w.Body), "SECRET") {
		t.Errorf("%d %v %v %s", w.Code, err, w.Header(), w.Body)
	}
}

// TestP2_PlainHTTPOnlyOnLoopback: over http, everybody on the network reads the session's token, and the password
// before it. A gateway that is reached in this way over a network serves nothing, neither its own pages nor the app's,
// and reads no body.
func TestP2_PlainHTTPOnlyOnLoopback(t *testing.T) {
	s := newSite(t, demo.Knobs{Record: 10}, nil)
	reached := 0
	ask := func(path string, local net.Addr, secure bool) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader("username=alice&password="+demo.AlicePassword))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		ctx := context.Background()
		if local != nil {
			ctx = context.WithValue(ctx, http.LocalAddrContextKey, local)
		}
		r = r.WithContext(ctx)
		if secure {
			r.TLS = new(tls.ConnectionState)
		}
		w := httptest.NewRecorder()
		err := s.gateway.ServeHTTP(w, r, func(w http.ResponseWriter, _ *http.Request) error {
			reached++
			w.WriteHeader(http.StatusOK)
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		return w
	}
	tcp := func(address string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(address), Port: 80} }
	for _, path := range []string{"/login", "/static/style.css", "/second-factor/status", "/second-factor/challenge", "/"} {
		for _, local := range []net.Addr{
			tcp("192.0.2.1"), tcp("10.0.0.1"), tcp("0.0.0.0"), tcp("169.254.1.1"), tcp("2001:db8::1"), tcp("fe80::1"), tcp("::"), tcp("::ffff:10.0.0.1"),
			&net.UDPAddr{IP: net.ParseIP("192.0.2.1")}, &net.TCPAddr{}, &net.IPAddr{IP: net.ParseIP("127.0.0.1")}, nil,
		} {
			reached = 0
			w := ask(path, local, false)
			if w.Code != http.StatusForbidden || reached != 0 || w.Header()["Set-Cookie"] != nil {
				t.Errorf("%s at %v: %d, reached %d", path, local, w.Code, reached)
			}
			if w := ask(path, local, true); w.Code == http.StatusForbidden && path != "/second-factor/challenge" {
				t.Errorf("%s at %v over TLS is refused", path, local)
			}
		}
		for _, local := range []net.Addr{tcp("127.0.0.1"), tcp("127.8.9.1"), tcp("::1"), tcp("::ffff:127.0.0.1"), &net.UnixAddr{Name: "/run/x", Net: "unix"}} {
			if w := ask(path, local, false); w.Code == http.StatusForbidden && path != "/second-factor/challenge" {
				t.Errorf("%s at %v is refused", path, local)
			}
		}
	}
}

// TestP2_SecureCookieBehindAProxy: if a trusted proxy ends TLS, the session is for https only, under the name that no
// plain page and no neighbour can set. A request that came unencrypted over a network is still refused, with a cookie
// or without.
func TestP2_SecureCookieBehindAProxy(t *testing.T) {
	s := newSite(t, demo.Knobs{}, func(c *Config) {
		c.Secure = func(r *http.Request) bool { return r.Header.Get("User-Agent") == "yes" }
	})
	for _, test := range []struct {
		secure, local, name string
		status              int
	}{
		{"yes", "192.0.2.1", "__Host-sallyport", http.StatusSeeOther},
		{"yes", "127.0.0.1", "__Host-sallyport", http.StatusSeeOther},
		{"no", "127.0.0.1", "sallyport", http.StatusSeeOther},
		{"no", "192.0.2.1", "", http.StatusForbidden},
	} {
		ask := func(method, path string, header http.Header) *httptest.ResponseRecorder {
			r := httptest.NewRequest(method, path, nil)
			r.TLS = nil
			r.Header = header
			r.Header.Set("User-Agent", test.secure)
			r = r.WithContext(context.WithValue(context.Background(), http.LocalAddrContextKey, &net.TCPAddr{IP: net.ParseIP(test.local)}))
			w := httptest.NewRecorder()
			if err := s.gateway.ServeHTTP(w, r, func(w http.ResponseWriter, r *http.Request) error {
				if r.URL.Path == "/api/me" {
					w.WriteHeader(http.StatusUnauthorized)
					return nil
				}
				w.Header().Set("Set-Cookie", "ledger_session=of-the-app; HttpOnly")
				w.WriteHeader(http.StatusOK)
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			return w
		}
		got := ask(http.MethodGet, "/page", http.Header{"Accept": {"text/html"}})
		if got.Code != test.status {
			t.Errorf("%+v: %d", test, got.Code)
		}
		if test.status != http.StatusSeeOther {
			continue
		}
		// The app's login page begins a session.
		got = ask(http.MethodGet, "/login", http.Header{"Accept": {"text/html"}})
		cookies := got.Result().Header["Set-Cookie"]
		if len(cookies) != 1 || !strings.HasPrefix(cookies[0], test.name+"=") || strings.Contains(cookies[0], "; Secure") != (test.secure == "yes") {
			t.Errorf("%+v: %d %v", test, got.Code, cookies)
		}
	}
}
