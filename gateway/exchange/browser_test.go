package exchange

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const (
	linuxFirefox  = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
	linuxFirefox2 = "Mozilla/5.0 (X11; Linux x86_64; rv:146.0) Gecko/20100101 Firefox/146.0"
	windowsChrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36"
)

func TestBrowserName(t *testing.T) {
	for agent, want := range map[string]string{
		linuxFirefox: "Firefox, Linux", linuxFirefox2: "Firefox, Linux", windowsChrome: "Chrome, Windows", "": "",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1": "Safari, iOS",
		"curl/8.14.1": "curl",
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("User-Agent", agent)
		if got := browserName(r); got != want {
			t.Errorf("%q: %q, want %q", agent, got, want)
		}
	}
}

// FuzzBrowserName: nothing that a client says of itself breaks it.
func FuzzBrowserName(f *testing.F) {
	f.Add(linuxFirefox)
	f.Add(strings.Repeat("(", 600))
	f.Add("Mozilla/5.0 (;;;) /1 //")
	f.Fuzz(func(t *testing.T, agent string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["User-Agent"] = []string{agent}
		if name := browserName(r); len(name) > 2*maxUserAgent+2 {
			t.Errorf("%d bytes", len(name))
		}
	})
}

// TestLoadsAhead: every header by which browsers have announced a load in advance is recognised. An ordinary load, the
// control, has none of them.
func TestLoadsAhead(t *testing.T) {
	for header, want := range map[string]bool{
		"Sec-Purpose: prefetch;prerender": true, "Purpose: prefetch": true, "Purpose: preview": true, "X-Moz: prefetch": true, "X-Moz: x": false, "Accept: text/html": false,
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Set(name, value)
		if got := LoadsAhead(r); got != want {
			t.Errorf("%s: %t", header, got)
		}
	}
}
