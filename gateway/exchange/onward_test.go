package exchange

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// answered makes an exchange of a page load whose answer has these headers.
func (s *site) answered(referrer string, answer http.Header) (*Exchange, *httptest.ResponseRecorder, []string) {
	x := s.stranger("ledger.example", "")
	x.R.Header.Set("Accept", "text/html")
	w := httptest.NewRecorder()
	for name, values := range answer {
		w.Header()[name] = values
	}
	x.W = w
	return x, w, []string{referrer}
}

// TestEndsForm: a redirect to another site is replaced if a form of ours led there. Nothing else in the app's answers
// changes.
func TestEndsForm(t *testing.T) {
	s := newSite(t, "ledger", nil)
	const ours, away = "http://ledger.example/second-factor/challenge", "https://other.example/callback?a=1&b=2#c"
	for _, test := range []struct {
		name, referrer, location string
		status                   int
		change                   func(*Exchange, http.Header)
		want                     string
	}{
		{"another site", ours, away, 302, nil, away},
		{"by 303", ours, away, 303, nil, away},
		{"another port", ours, "http://ledger.example:81/x", 307, nil, "http://ledger.example:81/x"},
		{"another scheme's own", ours, "//other.example/x", 302, nil, "http://other.example/x"},
		{"from our settings", "http://ledger.example/second-factor", away, 302, nil, away},
		{"this site", ours, "/next", 302, nil, ""},
		{"this site, and then nobody knows", ours, "/next?a=b", 302, func(_ *Exchange, h http.Header) { h.Set("Referrer-Policy", "no-referrer") }, "/next?a=b"},
		{"no redirect", ours, away, 201, nil, ""},
		{"nothing is newer", ours, away, 304, nil, ""},
		{"from a page of the app's", "http://ledger.example/second-factors", away, 302, nil, ""},
		{"from another site", "http://other.example/second-factor/challenge", away, 302, nil, ""},
		{"from nowhere", "", away, 302, nil, ""},
		{"a script", ours, away, 302, func(x *Exchange, _ http.Header) { x.R.Header.Set("Sec-Fetch-Mode", "cors") }, ""},
		{"a form", ours, away, 302, func(x *Exchange, _ http.Header) { x.R.Method = http.MethodPost }, ""},
		{"two addresses", ours, away, 302, func(_ *Exchange, h http.Header) { h.Add("Location", "/") }, ""},
		{"a script's address", ours, "javascript:alert(1)", 302, nil, ""},
		{"data", ours, "data:text/html,x", 302, nil, ""},
		{"a program's address", ours, "ftp://other.example/", 302, nil, ""},
		{"a name in front", ours, "https://ledger.example@other.example/", 302, nil, ""},
		{"a line end", ours, "https://other.example/\r\nx", 302, nil, ""},
		{"a backslash", ours, `https:/\other.example/`, 302, nil, ""},
		{"too long", ours, "https://other.example/" + strings.Repeat("a", maxTarget), 302, nil, ""},
	} {
		x, w, referrer := s.answered(test.referrer, http.Header{"Location": {test.location}})
		if test.change != nil {
			test.change(x, w.Header())
		}
		if got, ends := EndsForm(x, test.status, referrer); got != test.want || ends != (test.want != "") {
			t.Errorf("%s: %q, %t", test.name, got, ends)
		}
	}
}

// TestAway_Evil: whatever the app writes into Location, the page that leads on contains one address, of http or https,
// and no markup that somebody else made.
func TestAway_Evil(t *testing.T) {
	s := newSite(t, "ledger", nil)
	for _, evil := range append([]string{
		`https://other.example/"><script>alert(1)</script>`, `https://other.example/';url=javascript:alert(1)`, "https://other.example/?a=<b>&amp;c",
		`https://other.example"onmouseover=alert(1)/`,
	}, evilTargets...) {
		x, w, _ := s.answered("", http.Header{"Set-Cookie": {"theme=dark"}, "X-App": {"1"}})
		target, ok := Away(x, evil)
		if !ok {
			continue
		}
		if err := LeadOn(x, target); err != nil {
			t.Fatal(err)
		}
		page, err := html.Parse(strings.NewReader(w.Body.String()))
		if err != nil {
			t.Fatal(err)
		}
		for node := range page.Descendants() {
			if node.Type != html.ElementNode {
				continue
			}
			if !strings.Contains(" html head meta title body p a ", " "+node.Data+" ") {
				t.Errorf("%q: <%s>", evil, node.Data)
			}
			for _, attribute := range node.Attr {
				address := attribute.Val
				if attribute.Key == "content" {
					address = strings.TrimPrefix(address, "0;url=")
				} else if attribute.Key != "href" {
					continue
				}
				read, err := url.Parse(address)
				if err != nil || read.Scheme != "http" && read.Scheme != "https" || read.Host == "" || address != target {
					t.Errorf("%q: %s leads to %q", evil, attribute.Key, address)
				}
			}
		}
		if h := w.Header(); h.Get("Set-Cookie") != "theme=dark" || h.Get("X-App") != "" || !strings.Contains(h.Get("Content-Security-Policy"), "form-action 'self'") {
			t.Errorf("%q: %v", evil, h)
		}
	}
}
