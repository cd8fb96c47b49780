package gateway

import (
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/internal/match"
)

// TestP1_Preflight: for the page of a site that the operator names, a browser asks, without a cookie, whether it may
// send a request, and the app answers. A client that pretends to be such a browser makes the app see nothing but the
// question, and itself sees nothing but what the app allows.
func TestP1_Preflight(t *testing.T) {
	const portal = "https://portal.example.com"
	var seen []*http.Request
	start := func(change func(*Config)) *site {
		s := newSite(t, demo.Knobs{}, func(c *Config) {
			c.CORS, c.Shut = []string{portal}, match.NewGlobs("/shut/*")
			if change != nil {
				change(c)
			}
		})
		s.serve(func(w http.ResponseWriter, r *http.Request) error {
			seen = append(seen, r.Clone(r.Context()))
			h := w.Header()
			h.Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
			h.Set("Access-Control-Allow-Methods", "PUT")
			h.Set("Access-Control-Allow-Credentials", "true")
			h.Set("Vary", "Origin")
			h.Set("X-Secret", "secret")
			h.Set("Set-Cookie", "sid=secret; HttpOnly")
			h.Set("Location", "/secret")
			if r.URL.Path == "/refused" {
				w.WriteHeader(http.StatusNotFound)
			}
			_, err := io.WriteString(w, "secret")
			return err
		})
		return s
	}
	s := start(nil)
	ask := func(s *site, method, path string, header http.Header) answer {
		t.Helper()
		seen = nil
		request, err := http.NewRequestWithContext(t.Context(), method, s.server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header = http.Header{
			"Origin": {portal}, "Access-Control-Request-Method": {"PUT"}, "Access-Control-Request-Headers": {"x-a"}, "Accept": {"*/*"},
			"Sec-Fetch-Mode": {"cors"}, "Sec-Fetch-Site": {"cross-site"},
		}
		maps.Copy(request.Header, header)
		response, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer{Response: response, body: string(body)}
	}
	for _, path := range []string{"/api/x?secret=1", "/static/private/x", "/login"} {
		got := ask(s, "OPTIONS", path, http.Header{"X-Forwarded-User": {"alice"}, "X-Anything": {"1"}, "Content-Type": {"text/x"}})
		h := got.Header
		if got.StatusCode != http.StatusNoContent || got.body != "" || h.Get("Access-Control-Allow-Origin") != portal || h.Get("Access-Control-Allow-Methods") != "PUT" || h.Get("Vary") != "Origin" {
			t.Errorf("%s: %d %v %q", path, got.StatusCode, h, got.body)
		}
		if h.Get("X-Secret") != "" || h.Get("Set-Cookie") != "" || h.Get("Location") != "" {
			t.Errorf("%s: %v", path, h)
		}
		if len(seen) != 1 || seen[0].URL.RawQuery != "" || strings.Contains(seen[0].RequestURI, "?") || seen[0].Method != "OPTIONS" {
			t.Fatalf("%s: the app saw %v", path, seen)
		}
		for _, name := range []string{"X-Forwarded-User", "X-Anything", "Content-Type", "Cookie", "X-Second-Factor"} {
			if seen[0].Header.Get(name) != "" {
				t.Errorf("%s: the app saw %s", path, name)
			}
		}
	}
	if got := ask(s, "OPTIONS", "/refused", nil); got.StatusCode != http.StatusForbidden || got.body != "" {
		t.Errorf("refused by the app: %d %q", got.StatusCode, got.body)
	}
	for name, test := range map[string]struct {
		method, path string
		header       http.Header
	}{
		"another origin":     {"OPTIONS", "/api/x", http.Header{"Origin": {"https://evil.example"}}},
		"no question":        {"OPTIONS", "/api/x", http.Header{"Access-Control-Request-Method": nil}},
		"another method":     {"GET", "/api/x", nil},
		"PUT itself":         {"PUT", "/api/x", nil},
		"with a cookie":      {"OPTIONS", "/api/x", http.Header{"Cookie": {"sid=1"}}},
		"with a password":    {"OPTIONS", "/api/x", http.Header{"Authorization": {"Bearer x"}}},
		"closed":             {"OPTIONS", "/shut/x", nil},
		"closed, spelled":    {"OPTIONS", "/SHUT//x", nil},
		"odd":                {"OPTIONS", "/api//x", nil},
		"our own":            {"OPTIONS", "/second-factor/challenge", nil},
		"our own, spelled":   {"OPTIONS", "/second-factor//challenge", nil},
		"with dots":          {"OPTIONS", "/api/%2e%2e/x", nil},
		"for a WebSocket":    {"OPTIONS", "/api/x", http.Header{"Upgrade": {"websocket"}, "Connection": {"Upgrade"}}},
		"as another, hidden": {"POST", "/api/x", http.Header{"X-Http-Method-Override": {"OPTIONS"}}},
	} {
		if got := ask(s, test.method, test.path, test.header); len(seen) != 0 || got.StatusCode < 300 || strings.Contains(got.body, "secret") || got.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %d %q, the app saw %d", name, got.StatusCode, got.body, len(seen))
		}
	}
	without := start(func(c *Config) { c.CORS = nil })
	if got := ask(without, "OPTIONS", "/api/x", nil); got.StatusCode != http.StatusUnauthorized || len(seen) != 0 {
		t.Errorf("where nobody is named: %d", got.StatusCode)
	}
	only := start(func(c *Config) { c.Methods = []string{"GET", "POST"} })
	if got := ask(only, "OPTIONS", "/api/x", nil); got.StatusCode != http.StatusMethodNotAllowed || len(seen) != 0 {
		t.Errorf("where the app takes no OPTIONS: %d", got.StatusCode)
	}
}
