package gateway

import (
	"net/http"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/gate"
)

// TestForgetPages: whenever a verified session ends, the browser is told to forget the app's pages, and otherwise it is
// not.
func TestForgetPages(t *testing.T) {
	const header = "Clear-Site-Data"
	s := newSite(t, demo.Knobs{}, nil)
	in := func() *browser {
		b := s.browser()
		b.signIn("bob", demo.BobPassword)
		return b
	}
	b := in()
	for _, path := range []string{"/", "/login", "/second-factor/", "/static/style.css"} {
		if got := b.get(path); got.Header.Get(header) != "" {
			t.Errorf("%s in a session: %v", path, got.Header)
		}
	}
	if got := b.own("/", "/logout", nil); got.Header.Get(header) != `"cache"` {
		t.Errorf("our door: %v", got.Header)
	}
	if got := in().post("/logout", nil); got.Header.Get(header) != `"cache"` {
		t.Errorf("the app's door: %d %v", got.StatusCode, got.Header)
	}
	b = in()
	key := b.enrol()
	b.own("/", "/logout", nil)
	b.signIn("bob", demo.BobPassword).wants(t, http.StatusSeeOther, "/second-factor/challenge")
	if got := b.own("/challenge", "/logout", nil); got.Header.Get(header) != "" {
		t.Errorf("of a session that saw nothing: %v", got.Header)
	}
	_ = key
	for name, app := range map[string]http.HandlerFunc{
		"by the app's word": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Set-Cookie", "sid=; Max-Age=0; HttpOnly")
			w.Header().Set("Content-Type", "text/html")
		},
		"by a cookie": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Set-Cookie", "sid="+strings.Repeat("x", 40<<10)+"; HttpOnly")
		},
		"with the app's own": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Set-Cookie", "sid=; Max-Age=0; HttpOnly")
			w.Header().Set(header, `"storage"`)
			w.WriteHeader(http.StatusAccepted)
		},
	} {
		l := newLinked(t, app)
		got := l.load("GET", nil)
		if lines := strings.Join(got.Header[header], ", "); strings.Count(lines, `"cache"`) != 1 {
			t.Errorf("%s: %d %q", name, got.StatusCode, lines)
		}
		l.cookie = "sallyport=" + sessionIn(t, l.site, gate.Pending)
		if got := l.load("GET", nil); got.Header.Get(header) != "" {
			t.Errorf("%s, of a session that saw nothing: %v", name, got.Header)
		}
	}
}
