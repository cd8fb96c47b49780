package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/site"
)

// obeyed are headers that real apps and servers obey, what the app in these tests takes each for, and a harmful value.
var obeyed = []struct{ name, as, value string }{
	{"X-Script-Name", "mount", "/static"},
	{"X-Ingress-Path", "mount", "/static"},
	{"X-Base-Path", "mount", "/static"},
	{"X-Mount-Path", "mount", "/static"},
	{"X-Forwarded-Prefix", "mount", "/static"},
	{"X-Forwarded-Path", "mount", "/static"},
	{"Client-IP", "address", "192.0.2.6"},
	{"True-Client-IP", "address", "192.0.2.6"},
	{"X-Client-IP", "address", "192.0.2.6"},
	{"CF-Connecting-IP", "address", "192.0.2.6"},
	{"X-Real-IP", "address", "192.0.2.6"},
	{"X-Cluster-Client-IP", "address", "192.0.2.6"},
	{"Fastly-Client-IP", "address", "192.0.2.6"},
	{"Forwarded", "address", "for=192.0.2.6"},
	{"X-Cookie", "cookie", demo.SessionCookie + "=%s"},
	{"HTTP-Cookie", "cookie", demo.SessionCookie + "=%s"},
	{"X-Cookies", "cookie", demo.SessionCookie + "=%s"},
	{"X-ApiKeys", "key", "accessKey=" + demo.AliceAPIKey},
	{"X-Actual-Token", "key", demo.AliceAPIKey},
	{"X-Seafile-Token", "key", demo.AliceAPIKey},
	{"X-Appwrite-Key", "key", demo.AliceAPIKey},
	{"X-Openerp-Session-Id", "session", "%s"},
}

// obeying stands in front of the demo app and obeys such headers, in underscore spellings too: the path loses the
// prefix under which the app is said to be mounted, a session is valid for the address that the request is said to come
// from, and a credential counts in any header.
func obeying(app http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, values := range r.Header {
			name = strings.ReplaceAll(name, "_", "-")
			for _, header := range obeyed {
				if !strings.EqualFold(header.name, name) {
					continue
				}
				switch value := values[0]; header.as {
				case "mount":
					if rest, found := strings.CutPrefix(r.URL.Path, value); found && strings.HasPrefix(rest, "/") {
						r.URL.Path = rest
					}
				case "address":
					w.Header().Set("X-Seen-From", value)
					r.Header.Del("Cookie")
				case "cookie":
					r.Header.Set("Cookie", value)
				case "session":
					r.Header.Set("Cookie", demo.SessionCookie+"="+value)
				case "key":
					_, key, found := strings.Cut(value, "=")
					if !found {
						key = value
					}
					r.Header.Set("X-Api-Key", key)
				}
			}
		}
		app.ServeHTTP(w, r)
	})
}

// TestP3_HeadersThatAppsObey: the attacker says in a header where the app is mounted (`/static/files` with
// `X-Script-Name: /static` is the public path `/static/files` to the gate and `/files` to the app), from where he
// comes, or who he is, under a name that no list has. Nothing of it arrives: not from a stranger, not with a login, not
// in a verified session, in no spelling.
func TestP3_HeadersThatAppsObey(t *testing.T) {
	t.Parallel()
	var names []string
	for _, header := range obeyed {
		names = append(names, strings.ToLower(strings.ReplaceAll(header.name, "-", "_")))
	}
	s := newSiege(t, demo.Knobs{}, "public /api/entries\n", obeying, site.Options{
		// Otherwise Caddy itself drops these spellings.
		Global: "servers {\n\t\texpected_underscore_headers " + strings.Join(slices.DeleteFunc(names, func(name string) bool { return !strings.Contains(name, "_") }), " ") + "\n\t}",
	})
	direct := &siege{ledger: s.ledger, dial: s.pastTheGateway}
	for _, header := range obeyed {
		value := header.value
		if strings.Contains(value, "%s") {
			value = fmt.Sprintf(value, s.aliceSession)
		}
		path := map[string]string{"mount": "/static/files", "address": "/files", "cookie": "/files", "session": "/files", "key": "/api/entries"}[header.as]
		cookie := "Cookie: " + demo.SessionCookie + "=" + s.aliceSession

		// The app obeys the header.
		switch got := direct.fire(t, besieger{}, "GET", path, header.name+": "+value, cookie); header.as {
		case "mount":
			if len(got.received) != 1 || got.received[0].Path != "/files" || got.received[0].Login != "alice" {
				t.Errorf("the app does not obey %s: the test shows nothing: %+v", header.name, got.received)
			}
		case "address":
			if got.header("X-Seen-From") != value || len(got.received) != 1 || got.received[0].Login != "" {
				t.Errorf("the app does not obey %s: the test shows nothing: %+v", header.name, got.received)
			}
		default:
			got = direct.fire(t, besieger{}, "GET", path, header.name+": "+value)
			if len(got.received) != 1 || got.received[0].Login != "alice" {
				t.Errorf("the app does not obey %s: the test shows nothing: %+v", header.name, got.received)
			}
		}

		for _, line := range []string{header.name + ": " + value, strings.ReplaceAll(header.name, "-", "_") + ": " + value, strings.ToLower(header.name) + ": " + value} {
			// The same as a stranger, and in another user's verified session.
			for _, who := range append(s.everybody(), s.alice) {
				for _, path := range []string{path, "/static/style.css", "/api/entries", "/login", "/echo"} {
					got := s.fire(t, who, "GET", path, line)
					s.wantsUnheard(t, who.name+": "+path+" "+line, header.name, value, got)
					for _, received := range got.received {
						want := map[besieger]string{s.alice: "alice", s.bob: "bob"}[who]
						if received.Login != want || received.Path != path {
							t.Errorf("%s: %s with %q is %q at %s to the app", who.name, path, line, received.Login, received.Path)
						}
					}
				}
			}
			// At the login, with a wrong password: only the header could sign anybody in.
			for i := range s.outside {
				who := &s.outside[i]
				got := s.fireBody(t, *who, "POST", "/login", "username=alice&password=wrong", line, "Content-Type: application/x-www-form-urlencoded")
				*who = withToken(who.name, got, *who)
				s.wantsUnheard(t, who.name+": a login with "+line, header.name, value, got)
				if len(got.received) != 1 {
					t.Errorf("%s: a login with %q did not reach the app: %d", who.name, line, got.status)
				}
			}
		}
	}
}

// wantsUnheard fails the test if the app got what the client said in a header.
func (s *siege) wantsUnheard(t *testing.T, what, name, value string, got shot) {
	t.Helper()
	if got.header("X-Seen-From") != "" {
		t.Errorf("%s: the app believes it", what)
	}
	for _, received := range got.received {
		for other, values := range received.Header {
			if strings.EqualFold(strings.ReplaceAll(other, "_", "-"), name) || other != "Cookie" && slices.Contains(values, value) {
				t.Errorf("%s: the app was sent %s: %q", what, other, values)
			}
		}
	}
}

// TestP3_StrangersHeaders: of a request that is not a verified session's, the app gets the documented headers and those
// of pass_header, and none that it could take for anything else.
func TestP3_StrangersHeaders(t *testing.T) {
	t.Parallel()
	s := newSiege(t, demo.Knobs{}, "pass_header X-Hub-Signature-256 for /static/* /login\n", nil)
	kept := []string{
		"Accept: text/html", "Accept-Language: de", "If-None-Match: \"x\"", "If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT", "Sec-Fetch-Dest: document",
		"Sec-Ch-Ua-Platform: x", "Sec-Gpc: 1", "User-Agent: x", "Referer: http://" + s.Address + "/", "Cache-Control: no-cache", "Dnt: 1", "Priority: u=0",
		"Upgrade-Insecure-Requests: 1", "X-Requested-With: XMLHttpRequest", "X-CSRF-Token: x", "X-XSRF-TOKEN: x", "X-CSRFToken: x",
	}
	dropped := []string{
		"X-Anything: x", "X-Wp-Nonce: x", "Depth: 1", "Soapaction: x", "X_csrf_token: x", "Accept-Version: 1", "X-Request-Id: x", "If: (<x>)",
		"Traceparent_: x", "X-Hub-Signature: x",
	}
	for _, who := range s.outside {
		for _, path := range []string{"/static/style.css", "/login"} {
			got := s.fire(t, who, "GET", path, append(append([]string{"X-Hub-Signature-256: x"}, kept...), dropped...)...)
			if path == "/login" && (who == s.outside[2] || who == s.outside[3]) {
				// A user who owes a factor is led to it.
				if repelled(t, who.name+": "+path, got); !strings.HasPrefix(got.header("Location"), "/second-factor/") {
					t.Errorf("%s: %s: %d to %q", who.name, path, got.status, got.header("Location"))
				}
				continue
			}
			if len(got.received) != 1 {
				t.Fatalf("%s: %s: %d", who.name, path, got.status)
			}
			header := got.received[0].Header
			for _, line := range append(kept, "X-Hub-Signature-256: x") {
				name, value, _ := strings.Cut(line, ": ")
				if header.Get(name) != value {
					t.Errorf("%s: %s: %s arrived as %q", who.name, path, line, header.Values(name))
				}
			}
			for _, line := range dropped {
				name, _, _ := strings.Cut(line, ": ")
				if _, found := header[http.CanonicalHeaderKey(name)]; found {
					t.Errorf("%s: %s: %s arrived", who.name, path, line)
				}
			}
		}
		if got := s.fire(t, who, "GET", "/favicon.ico", "X-Hub-Signature-256: x"); len(got.received) != 1 || got.received[0].Header.Get("X-Hub-Signature-256") != "" {
			t.Errorf("%s: what is passed at other paths arrived: %+v", who.name, got.received)
		}
		for _, spelled := range []string{"/static//style.css", "/static/x/../style.css", "/static/style%2ecss"} {
			got := s.fire(t, who, "GET", spelled, "X-Hub-Signature-256: x")
			repelled(t, who.name+": "+spelled, got)
		}
	}
	// In a verified session an app's own headers arrive.
	got := s.fire(t, s.alice, "GET", "/echo", append(kept, dropped[:4]...)...)
	if len(got.received) != 1 {
		t.Fatalf("%d", got.status)
	}
	for _, line := range append(kept, dropped[:4]...) {
		name, value, _ := strings.Cut(line, ": ")
		if got.received[0].Header.Get(name) != value {
			t.Errorf("alice: %s arrived as %q", line, got.received[0].Header.Values(name))
		}
	}
}

// TestP3_PassHeaderForPaths: a key that is passed for the API opens nothing else, however the path is written.
func TestP3_PassHeaderForPaths(t *testing.T) {
	t.Parallel()
	s := newSiege(t, demo.Knobs{}, "public /api/entries\npass_header X-Api-Key for /api/entries\npass_header X-Own\n", nil)
	key := "X-Api-Key: " + demo.AliceAPIKey
	if got := s.fire(t, besieger{}, "GET", "/api/entries", key); len(got.received) != 1 || got.received[0].Login != "alice" {
		t.Errorf("the key does not open what it is passed for: %d %+v", got.status, got.received)
	}
	for _, path := range []string{"/static/style.css", "/login"} {
		if got := s.fire(t, besieger{}, "GET", path, key); len(got.received) != 1 || got.received[0].Header.Get("X-Api-Key") != "" {
			t.Errorf("the key arrives at %s: %+v", path, got.received)
		}
	}
	for _, path := range []string{"/api/me", "/api//entries", "/api/entries/", "/api/%65ntries", "/static/../api/entries", "/api/entries;x"} {
		for _, received := range s.fire(t, s.bob, "GET", path, key).received {
			if received.Login == "alice" || received.Header.Get("X-Api-Key") != "" {
				t.Errorf("the key arrives at %s, as %q", path, received.Login)
			}
		}
		for _, who := range s.outside {
			repelled(t, who.name+": "+path, s.fire(t, who, "GET", path, key))
		}
	}
}

// TestP1_MethodOverrideWhereClosed: `protect` and `shut` close a place by its path. An app that obeys the override
// would do there what no rule was asked about.
func TestP1_MethodOverrideWhereClosed(t *testing.T) {
	t.Parallel()
	s := newSiege(t, demo.Knobs{TrustHeaders: true}, "", nil)
	for _, name := range []string{"X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method", "X-Foo-Method-Override", "HTTP-Method-Override"} {
		if got := s.fire(t, s.alice, "POST", "/static/private/x", name+": DELETE"); len(got.received) != 1 || hasFolded(got.received[0].Header, "method") {
			t.Errorf("%s where protect closes: %d %+v", name, got.status, got.received)
		}
		if got := s.fire(t, s.alice, "POST", "/echo", name+": PUT"); len(got.received) != 1 || !hasFolded(got.received[0].Header, "method") {
			t.Errorf("%s elsewhere: %d %+v", name, got.status, got.received)
		}
	}
	direct := &siege{ledger: s.ledger, dial: s.pastTheGateway}
	if got := direct.fire(t, besieger{}, "POST", "/static/private/x", "X-HTTP-Method-Override: DELETE"); len(got.received) != 1 || !hasFolded(got.received[0].Header, "method") {
		t.Error("the app does not hear of it: the test shows nothing")
	}
}
