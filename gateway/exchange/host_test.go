package exchange

import (
	"crypto/tls"
	"net/http"
	"testing"
)

// TestShownToken: under which cookie a request shows its session, and whether another port's site may have set that
// cookie.
func TestShownToken(t *testing.T) {
	s := newSite(t, "ledger", nil)
	for _, test := range []struct {
		host, cookie string
		secure       bool
		token        string
		apart        bool
		foreign      bool
	}{
		{"a.example", "sallyport=T.80", false, "T", false, false},
		{"a.example:8080", "sallyport=T.8080", false, "T", false, false},
		{"a.example:8080", "sallyport=T", false, "T", false, false}, // of the version before
		{"a.example:8080", "sallyport=T.80", false, "T", false, true},
		{"a.example", "sallyport=T.8080", false, "T", false, true},
		{"[::1]:8080", "sallyport=T.8080; sallyport-80=U", false, "T", false, false},
		{"a.example:8080", "sallyport=T.80; sallyport-8080=U", false, "U", true, false},
		{"a.example:8080", "sallyport-8080=U; sallyport-8080=V; sallyport=T.8080", false, "", true, false},
		{"a.example:8080", "sallyport=T.8080; sallyport=T.8080", false, "", false, false},
		{"a.example", "sallyport=T.80", true, "", false, false}, // planted over http
		{"a.example", "__Host-sallyport=T.443", true, "T", false, false},
		{"a.example:8443", "__Host-sallyport=T.443; __Host-sallyport-8443=U", true, "U", true, false},
		{"a.example:8443", "__Host-sallyport=T.443; sallyport-8443=U", true, "T", false, true},
		{"a.example:x", "sallyport=T.80", false, "T", false, false},
		{"a.example:8080", "", false, "", false, false},
	} {
		r := &http.Request{Host: test.host, Header: http.Header{"Cookie": {test.cookie}}}
		if test.secure {
			r.TLS = new(tls.ConnectionState)
		}
		if token, apart, foreign := s.ShownToken(r); token != test.token || apart != test.apart || foreign != test.foreign {
			t.Errorf("%s %q: %q %t %t", test.host, test.cookie, token, apart, foreign)
		}
	}
	r := &http.Request{Host: "a.example:8080", Header: http.Header{"Cookie": {"theme=dark; sallyport=T.8080"}}}
	if allocations := testing.AllocsPerRun(100, func() { s.ShownToken(r) }); allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}
