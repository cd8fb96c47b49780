package e2e

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/site"
)

// TestP3_IdentityHeaders: many apps believe a header that only their proxy should set, and most servers take `_` for
// `-` in it. What a client says in such a header never arrives, in any spelling; what the gateway says does.
func TestP3_IdentityHeaders(t *testing.T) {
	t.Parallel()
	s := newSiege(t, demo.Knobs{TrustHeaders: true}, "", nil)
	s.sendNames(t, []string{
		"Remote-User", "REMOTE_USER", "remote-user", "Remote_User", "Remote.User", "X-Remote-User", "X_Remote_User", "X-Remote_User", "X-Forwarded-User",
		"X_Forwarded_User", "X-Forwarded_User", "X-Auth-Request-User", "X_Auth_Request_User", "X-Webauth-User", "X_WEBAUTH_USER",
		"X-Second-Factor-User", "X_Second_Factor_User", "X-Second_Factor-User", "X.Second.Factor.User", "x-second-factor-user", "X-Second-Factor",
		"X_Second_Factor", "X-Second-Factor-Method", "X-Authentik-Username", "X-Goog-Authenticated-User-Email", "X-User", "X-Forwarded-Email",
		"Cf-Access-Authenticated-User-Email", "Tailscale-User-Login", "X-Ms-Client-Principal-Name", "X-Ssl-Client-S-Dn", "Proxy",
		"Remote!User", "X~Second-Factor*User", "X-Second-Factor+User",
	})
	direct := &siege{ledger: s.ledger, dial: s.pastTheGateway}
	for _, name := range []string{"REMOTE_USER", "X_Forwarded_User", "X-Second-Factor-User"} {
		if got := direct.fire(t, besieger{}, "GET", "/files", name+": alice"); len(got.received) != 1 || got.received[0].Login != "alice" {
			t.Errorf("the app does not believe %s: the test shows nothing", name)
		}
	}
}

// TestP3_UnderscoresExpected: Caddy itself drops headers with underscores or dots, unless an operator tells it that he
// needs some. Then only the gateway protects the app from them.
func TestP3_UnderscoresExpected(t *testing.T) {
	t.Parallel()
	names := []string{"Remote_User", "X_Remote_User", "X_Forwarded_User", "X_Second_Factor_User", "X_Second_Factor"}
	dotted := []string{"Remote.user", "X.second.factor.user", "X.forwarded.user"}
	s := newSiege(t, demo.Knobs{TrustHeaders: true}, "", nil, site.Options{Global: `servers {
		expected_underscore_headers webhook_id ` + strings.ToLower(strings.Join(names, " ")) + `
		expected_dot_headers ` + strings.ToLower(strings.Join(dotted, " ")) + `
	}`})
	s.sendNames(t, append(names, dotted...))
	if got := s.fire(t, s.alice, "GET", "/echo", "webhook_id: 1"); len(got.received) != 1 || !hasFolded(got.received[0].Header, "webhook_id") {
		t.Errorf("Caddy drops underscores all the same: the test shows nothing")
	}
}

// sendNames makes everybody claim to be somebody else in each of these headers.
func (s *siege) sendNames(t *testing.T, names []string) {
	t.Helper()
	for _, name := range names {
		for _, who := range append(s.everybody(), s.alice) {
			for _, path := range []string{"/static/style.css", "/login", "/files"} {
				for _, connection := range []string{"", "Connection: " + name} {
					value := "alice"
					if who == s.alice {
						value = "bob"
					}
					lines := []string{name + ": " + value}
					if connection != "" {
						lines = append(lines, connection)
					}
					got := s.fire(t, who, "GET", path, lines...)
					for _, received := range got.received {
						s.wantsOwnWord(t, fmt.Sprintf("%s: %s %s %s", who.name, name, path, connection), who, received, name, value)
					}
					if who != s.alice && who != s.bob && path == "/files" {
						repelled(t, who.name+": "+name, got)
					} else if len(got.received) != 1 {
						t.Errorf("%s: %s with %s did not reach the app: %d", who.name, path, name, got.status)
					}
				}
			}
		}
	}
}

// wantsOwnWord fails the test unless the app was told what the gateway knows of the sender, and nothing else.
func (s *siege) wantsOwnWord(t *testing.T, what string, who besieger, received demo.Received, name, value string) {
	t.Helper()
	login, user, method := "", []string(nil), []string(nil)
	switch who {
	case s.alice:
		login, user, method = "alice", []string{"alice"}, []string{"none"}
	case s.bob:
		login, user, method = "bob", []string{"bob"}, []string{"none"}
	}
	if method != nil {
		method = received.Header["X-Second-Factor"]
		if len(method) != 1 || method[0] == value {
			t.Errorf("%s: X-Second-Factor is %q", what, method)
		}
	}
	if received.Login != login {
		t.Errorf("%s: the app takes it for %q, not %q", what, received.Login, login)
	}
	if got := received.Header["X-Second-Factor-User"]; !slices.Equal(got, user) {
		t.Errorf("%s: X-Second-Factor-User is %q, want %q", what, got, user)
	}
	if got := received.Header["X-Second-Factor"]; !slices.Equal(got, method) {
		t.Errorf("%s: X-Second-Factor is %q, want %q", what, got, method)
	}
	for header, values := range received.Header {
		if header != "X-Second-Factor-User" && slices.Contains(values, value) {
			t.Errorf("%s: the app was sent %s: %s", what, header, value)
		}
	}
	if got := received.Header[name]; got != nil && !strings.HasPrefix(name, "X-Second-Factor") {
		t.Errorf("%s: the app was sent %s: %q", what, name, got)
	}
}

// TestP3_AnotherRequestInHeaders: X-Original-URL and X-HTTP-Method-Override make some apps serve another request than
// the one that the gate judged: a public path becomes a protected one, or a harmless GET of the login page becomes a
// login.
func TestP3_AnotherRequestInHeaders(t *testing.T) {
	t.Parallel()
	s := newSiege(t, demo.Knobs{TrustHeaders: true}, "", nil)
	direct := &siege{ledger: s.ledger, dial: s.pastTheGateway}
	for _, name := range []string{"X-Original-URL", "X_Original_URL", "X-Original_Url", "X-Rewrite-URL", "X_REWRITE_URL", "X-Original-URI", "x.original.url"} {
		for _, who := range append(s.everybody(), s.alice) {
			for _, path := range []string{"/static/style.css", "/login"} {
				got := s.fire(t, who, "GET", path, name+": /api/entries")
				if len(got.received) != 1 || got.received[0].Path != path {
					t.Errorf("%s: %s with %s became %+v", who.name, path, name, got.received)
				}
			}
		}
	}
	for _, name := range []string{"X-HTTP-Method-Override", "X_HTTP_Method_Override", "X-Method-Override", "X-HTTP-Method", "x-http_method-override"} {
		for _, who := range []*besieger{&s.outside[0], &s.outside[1], &s.outside[2], &s.outside[3], &s.alice} {
			got := s.fireBody(t, *who, "POST", "/login", "username=alice&password=wrong", name+": DELETE", "Content-Type: application/x-www-form-urlencoded")
			*who = withToken(who.name, got, *who) // a login may change the token
			if len(got.received) != 1 || hasFolded(got.received[0].Header, "method") {
				t.Errorf("%s: a login with %s: %+v", who.name, name, got.received)
			}
		}
		for _, who := range s.outside {
			got := s.fire(t, who, "GET", "/login", name+": POST")
			if len(got.received) != 1 || hasFolded(got.received[0].Header, "method") {
				t.Errorf("%s: the login page with %s: %+v", who.name, name, got.received)
			}
		}
	}
	// In a verified session nothing depends on the method, and some apps' forms need this header.
	if got := s.fire(t, s.alice, "POST", "/echo", "X-HTTP-Method-Override: PUT"); len(got.received) != 1 || !hasFolded(got.received[0].Header, "method") {
		t.Errorf("an override in a verified session: %d %+v\n%.600s", got.status, got.received, got.text)
	}
	if got := direct.fire(t, besieger{}, "GET", "/static/style.css", "X_Original_URL: /files"); len(got.received) != 1 || got.received[0].Path != "/files" {
		t.Errorf("the app does not obey X-Original-URL: the test shows nothing")
	}
}

func hasFolded(header http.Header, part string) bool {
	for name := range header {
		if strings.Contains(strings.ToLower(name), part) {
			return true
		}
	}
	return false
}

// TestP3_ConnectionNamesHeaders: `Connection: Cookie` makes every proxy delete the cookies that the gateway has just
// set, so that the app takes alice for a stranger. `Connection: X-Second-Factor-User` does the same to the gateway's
// word on who it is.
func TestP3_ConnectionNamesHeaders(t *testing.T) {
	t.Parallel()
	s := newSiege(t, demo.Knobs{}, "", nil)
	for _, named := range []string{
		"Cookie", "cookie", "close, Cookie", "Cookie, X-Second-Factor-User, X-Second-Factor", "X-Second-Factor-User", "Host", "Content-Type", "X-Forwarded-For",
		"X-Forwarded-Host, X-Forwarded-Proto", "Cookie\r\nConnection: X-Second-Factor", "keep-alive, X-Second-Factor-User",
	} {
		got := s.fireBody(t, s.alice, "POST", "/echo", "a=b", "Connection: "+named, "Content-Type: text/x-test")
		if len(got.received) != 1 {
			t.Errorf("Connection: %s: %d", named, got.status)
			continue
		}
		received := got.received[0]
		for name, want := range map[string]string{
			"Cookie": demo.SessionCookie + "=" + s.aliceSession, "X-Second-Factor-User": "alice", "Content-Type": "text/x-test",
			"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Host": s.Address, "X-Forwarded-Proto": "http",
		} {
			if values := received.Header[name]; len(values) != 1 || values[0] != want {
				t.Errorf("Connection: %s: %s arrived as %q, want %q", named, name, values, want)
			}
		}
		if received.Login != "alice" || received.Header["X-Second-Factor"] == nil || !slices.Equal(received.Header["Connection"], []string{"close"}) || received.Host != s.Address {
			t.Errorf("Connection: %s: %q %+v", named, received.Login, received.Header)
		}
	}
}

// TestP3_Credentials: a password in `Authorization: Basic`, or an API key, opens the app without a session. Both are
// dropped before the app, whoever sends them, unless the operator lets one through. Even that one opens nothing for a
// client that is not verified.
func TestP3_Credentials(t *testing.T) {
	t.Parallel()
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("alice:"+demo.AlicePassword))
	lines := []string{
		"Authorization: " + basic, "authorization: " + basic, "Authorization: basic " + basic[6:], "Authorization: " + basic + "\r\nAuthorization: x",
		"X-Api-Key: " + demo.AliceAPIKey, "x-api-key: " + demo.AliceAPIKey, "Authorization: " + basic + "\r\nConnection: Authorization",
		"Authorization: " + basic + "\r\nX-Api-Key: " + demo.AliceAPIKey,
	}
	dropped := []string{
		"Proxy-Authorization: " + basic, "X_Api_Key: " + demo.AliceAPIKey, "Authorization_: " + basic, "X-Authorization: " + basic, "Api-Key: " + demo.AliceAPIKey,
		"X-Auth-Token: " + demo.AliceAPIKey, "Apikey: " + demo.AliceAPIKey, "Private-Token: " + demo.AliceAPIKey,
	}
	s := newSiege(t, demo.Knobs{BasicAnywhere: true, BearerTokens: true}, "public /api/entries\n", nil)
	for _, line := range append(append(lines, dropped...), "Authorization: Bearer "+s.aliceSession) {
		for _, who := range s.everybody() {
			for _, path := range []string{"/api/entries", "/login", "/files", "/api/me"} {
				got := s.fire(t, who, "GET", path, line)
				if who == s.bob || path == "/api/entries" || path == "/login" {
					if len(got.received) != 1 {
						t.Errorf("%s: %s with %q did not reach the app: %d", who.name, path, line, got.status)
					}
				} else {
					repelled(t, who.name+": "+path+" "+line, got)
				}
				for _, received := range got.received {
					if received.Login == "alice" || received.Login == "bob" && who != s.bob {
						t.Errorf("%s: %s with %q is %s to the app", who.name, path, line, received.Login)
					}
					for name, values := range received.Header {
						if text := strings.Join(values, " "); strings.Contains(text, basic[6:]) || strings.Contains(text, demo.AliceAPIKey) || strings.Contains(text, s.aliceSession) {
							t.Errorf("%s: %q reached the app as %s", who.name, line, name)
						}
					}
				}
			}
		}
		// Not even in alice's own session: another user's credential would count as well.
		if got := s.fire(t, s.alice, "GET", "/echo", line); len(got.received) != 1 || got.received[0].Login != "alice" || got.received[0].Header["Authorization"] != nil {
			t.Errorf("alice with %q: %+v", line, got.received)
		}
	}
	direct := &siege{ledger: s.ledger, dial: s.pastTheGateway}
	for _, line := range lines[:5] {
		if got := direct.fire(t, besieger{}, "GET", "/api/entries", line); len(got.received) != 1 || got.received[0].Login != "alice" {
			t.Errorf("the app does not take %q: the test shows nothing", line)
		}
	}
}

// TestP3_PassedHeaders: `pass_header` lets a named credential through, in one spelling, and opens nothing else: a
// client that is not verified is kept out with it as without.
func TestP3_PassedHeaders(t *testing.T) {
	t.Parallel()
	s := newSiege(t, demo.Knobs{}, "pass_header X-Api-Key\n", nil)
	for _, who := range s.outside {
		repelled(t, who.name, s.fire(t, who, "GET", "/api/entries", "X-Api-Key: "+demo.AliceAPIKey))
	}
	for line, arrives := range map[string]bool{
		"X-Api-Key: k": true, "x-api-key: k": true, "X_Api_Key: k": false, "X-Api_Key: k": false, "Authorization: Bearer k": false, "X-Second-Factor-User: k": false,
		"X-Auth-Token: k": false,
	} {
		got := s.fire(t, s.alice, "GET", "/echo", line)
		if len(got.received) != 1 {
			t.Fatalf("%s: %d", line, got.status)
		}
		found := false
		for _, values := range got.received[0].Header {
			found = found || slices.Contains(values, "k")
		}
		if found != arrives {
			t.Errorf("%s arrives: %v, want %v", line, found, arrives)
		}
	}
}

// TestP3_Trailers: a trailer is a header that comes after the body, when everybody has finished looking at headers.
// Some servers put both into one map.
func TestP3_Trailers(t *testing.T) {
	t.Parallel()
	var mutex sync.Mutex
	trailers := map[string]http.Header{}
	s := newSiege(t, demo.Knobs{}, "", func(app http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if mark := r.Header.Get("X-Mark"); mark != "" && r.Method == http.MethodPost {
				_, _ = io.Copy(io.Discard, r.Body)
				mutex.Lock()
				trailers[r.URL.Path] = r.Trailer
				mutex.Unlock()
			}
			app.ServeHTTP(w, r)
		})
	})
	trailer := "Cookie: ledger_session=" + s.aliceSession + "\r\nX-Second-Factor-User: alice\r\nAuthorization: Basic x\r\nX-Ordinary: y\r\n"
	attack := func(on *siege, who besieger, path string) http.Header {
		mutex.Lock()
		clear(trailers)
		mutex.Unlock()
		got := on.fireRaw(t, "POST "+path+" HTTP/1.1\r\nHost: "+s.Address+"\r\nTransfer-Encoding: chunked\r\nTe: trailers\r\n"+
			"Trailer: Cookie, X-Second-Factor-User, Authorization, X-Ordinary\r\n", "1\r\nx\r\n0\r\n"+trailer+"\r\n", s.cookieLine(who)...)
		for _, received := range got.received {
			if received.Login == "alice" && who != s.alice {
				t.Errorf("%s: %s is alice's", who.name, path)
			}
		}
		mutex.Lock()
		defer mutex.Unlock()
		return trailers[path]
	}
	for _, who := range append(s.everybody(), s.alice) {
		for _, path := range []string{"/static/style.css", "/favicon.ico", "/echo"} {
			if got := attack(s, who, path); len(got) > 0 {
				t.Errorf("%s: %s arrived with the trailers %+v", who.name, path, got)
			}
		}
	}
	if got := attack(&siege{ledger: s.ledger, dial: s.pastTheGateway}, besieger{}, "/echo"); got.Get("Cookie") == "" {
		t.Errorf("the app sees no trailers at all, %v: the test shows nothing", got)
	}
}
