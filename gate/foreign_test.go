package gate

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestP5_Foreign: another site's page sends a login with the attacker's own account, or opens a WebSocket in the
// session of the user who looks at it. Browsers say so, old and new ones in different ways.
func TestP5_Foreign(t *testing.T) {
	const own, other, portal, null = "https://app.example", "https://evil.example", "https://portal.example", "null"
	for _, test := range []struct {
		what    string
		origins []string
		sites   []string
		host    string
		plain   bool // without TLS
		foreign bool
		allowed bool // whether it is still foreign if the portal is allowed
	}{
		{what: "no browser"},
		{what: "own page", origins: []string{own}, sites: []string{"same-origin"}},
		{what: "own page, without an origin", sites: []string{"same-origin"}},
		{what: "own page that hides its address", origins: []string{null}, sites: []string{"same-origin"}},
		{what: "typed in", sites: []string{"none"}},
		{what: "another site", origins: []string{other}, sites: []string{"cross-site"}, foreign: true, allowed: true},
		{what: "another site's link", sites: []string{"cross-site"}, foreign: true, allowed: true},
		{what: "another site that hides its address", origins: []string{null}, sites: []string{"cross-site"}, foreign: true, allowed: true},
		{what: "a sibling", origins: []string{"https://blog.example"}, sites: []string{"same-site"}, foreign: true, allowed: true},
		{what: "another port", origins: []string{"https://app.example:8443"}, sites: []string{"same-site"}, foreign: true, allowed: true},
		{what: "a word of another day", origins: []string{own}, sites: []string{"same-planet"}, foreign: true, allowed: true},
		{what: "an empty word", sites: []string{""}, foreign: true, allowed: true},
		{what: "another spelling", sites: []string{"Same-Origin"}, foreign: true, allowed: true},
		{what: "two words", sites: []string{"same-origin", "cross-site"}, foreign: true, allowed: true},
		{what: "one word twice", sites: []string{"same-origin", "same-origin"}, foreign: true, allowed: true},

		{what: "the portal", origins: []string{portal}, sites: []string{"cross-site"}, foreign: true},
		{what: "the portal, in capitals", origins: []string{"HTTPS://Portal.example"}, sites: []string{"cross-site"}, foreign: true},
		{what: "the portal, old browser", origins: []string{portal}, foreign: true},
		{what: "the portal on another port", origins: []string{portal + ":8443"}, sites: []string{"cross-site"}, foreign: true, allowed: true},
		{what: "the portal without TLS", origins: []string{"http://portal.example"}, sites: []string{"cross-site"}, foreign: true, allowed: true},
		{what: "what begins like the portal", origins: []string{portal + ".evil.example"}, sites: []string{"cross-site"}, foreign: true, allowed: true},
		{what: "two portals", origins: []string{portal, portal}, sites: []string{"cross-site"}, foreign: true, allowed: true},
		{what: "portal and another", origins: []string{portal, other}, foreign: true, allowed: true},

		{what: "old browser, own page", origins: []string{own}},
		{what: "old browser, own page on a port", origins: []string{"https://app.example:8443"}, host: "app.example:8443"},
		{what: "old browser, own page in capitals", origins: []string{own}, host: "App.Example"},
		{what: "old browser, own page without TLS", origins: []string{"http://app.example"}, plain: true},
		{what: "old browser, behind a front", origins: []string{own}, plain: true},
		{what: "old browser, own host written by whoever sits on the line", origins: []string{"http://app.example"}, foreign: true, allowed: true},
		{what: "old browser, another site", origins: []string{other}, foreign: true, allowed: true},
		{what: "old browser, another port", origins: []string{"https://app.example:8443"}, foreign: true, allowed: true},
		{what: "old browser, a sandbox", origins: []string{null}, foreign: true, allowed: true},
		{what: "old browser, nothing", origins: []string{""}, foreign: true, allowed: true},
		{what: "old browser, own page twice", origins: []string{own, own}, foreign: true, allowed: true},
		{what: "old browser, own page and another", origins: []string{own, other}, foreign: true, allowed: true},
		{what: "old browser, no address", origins: []string{"https://%zz"}, foreign: true, allowed: true},
		{what: "old browser, no address at all", origins: []string{"app.example"}, foreign: true, allowed: true},
	} {
		r := httptest.NewRequest(http.MethodPost, "https://app.example/login", nil)
		if r.TLS = nil; !test.plain {
			r.TLS = &tls.ConnectionState{}
		}
		if test.host != "" {
			r.Host = test.host
		}
		r.Header = http.Header{"Referer": {other}}
		if test.origins != nil {
			r.Header["Origin"] = test.origins
		}
		if test.sites != nil {
			r.Header["Sec-Fetch-Site"] = test.sites
		}
		if got := Foreign(r, nil); got != test.foreign {
			t.Errorf("%s: foreign %t", test.what, got)
		}
		if got := Foreign(r, []string{"https://old.example", portal}); got != test.allowed {
			t.Errorf("%s, where the portal is allowed: foreign %t", test.what, got)
		}
		if got := Blind(r); got != test.foreign {
			t.Errorf("%s, by POST: blind %t", test.what, got)
		}
	}
}

// TestP5_Blind: another site's picture, frame or form comes without our cookie, so a new cookie in the answer would
// replace an existing session's. A link that the user follows comes with our cookie.
func TestP5_Blind(t *testing.T) {
	for _, test := range []struct {
		what, method, site, mode, dest, origin string
		want                                   bool
	}{
		{"a link", "GET", "cross-site", "navigate", "document", "", false},
		{"a link, HEAD", "HEAD", "cross-site", "navigate", "document", "", false},
		{"a sibling's link", "GET", "same-site", "navigate", "document", "", false},
		{"a form", "POST", "cross-site", "navigate", "document", "https://evil.example", true},
		{"a form by another method", "get", "cross-site", "navigate", "document", "", true},
		{"a frame", "GET", "cross-site", "navigate", "iframe", "", true},
		{"an object", "GET", "cross-site", "navigate", "object", "", true},
		{"a picture", "GET", "cross-site", "no-cors", "image", "", true},
		{"a script's call", "GET", "cross-site", "cors", "empty", "https://evil.example", true},
		{"a script's call that says it is a page", "GET", "cross-site", "cors", "document", "", true},
		{"a worker's", "GET", "cross-site", "navigate", "", "", true},
		{"own picture", "GET", "same-origin", "no-cors", "image", "", false},
		{"typed in", "GET", "none", "navigate", "document", "", false},
		{"no browser", "POST", "", "", "", "", false},
		{"old browser, a link", "GET", "", "", "", "", false},
		{"old browser, a form", "POST", "", "", "", "https://evil.example", true},
		{"old browser, own form", "POST", "", "", "", "https://app.example", false},
	} {
		r := httptest.NewRequest(test.method, "https://app.example/", nil)
		for name, value := range map[string]string{"Sec-Fetch-Site": test.site, "Sec-Fetch-Mode": test.mode, "Sec-Fetch-Dest": test.dest, "Origin": test.origin} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		if got := Blind(r); got != test.want {
			t.Errorf("%s: %t", test.what, got)
		}
	}
}

// TestP5_ForeignWithoutAHost: a request of HTTP/1.0 may name no host. A page that hides its address then does not count
// as the site's own.
func TestP5_ForeignWithoutAHost(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/login", nil)
	r.Host = ""
	if Foreign(r, nil) {
		t.Error("the control: what says nothing is no browser")
	}
	r.Header["Origin"] = []string{"null"}
	if !Foreign(r, nil) {
		t.Error("a sandbox passes for the site's own page")
	}
}
