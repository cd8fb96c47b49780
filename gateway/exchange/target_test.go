package exchange

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// evilTargets are addresses that lead to another site, or that a careless reader could take for such.
var evilTargets = []string{
	"//evil.example", "//evil.example/", "///evil.example", "////evil.example/x", `/\evil.example`, `\\evil.example`, `\/evil.example`,
	`/\/evil.example`, "/\t/evil.example", "\t//evil.example", "/\n/evil.example", "/\r\n/evil.example", " //evil.example", "//\tevil.example",
	"https://evil.example/", "http:evil.example", "https:/evil.example", "https:///evil.example", "HTTPS://evil.example", "javascript:alert(1)",
	"JaVaScRiPt:alert(1)", "java\nscript:alert(1)", "data:text/html,x", "vbscript:x", "//ledger.example@evil.example/", "https://ledger.example@evil.example/",
	"https://ledger.example:pw@evil.example/", "//ledger.example:80@evil.example/", "https://ledger.example.evil.example/", "//ledger.example\\@evil.example/",
	"//%65vil.example", "/..//evil.example", "/.//evil.example", "/x/..//evil.example", "x/../..//evil.example", "..//evil.example", ".//evil.example",
	"/\u2028/evil.example", "/\u00a0/evil.example", "/\x00/evil.example", "/x\r\nSet-Cookie: a=b", "/x\nLocation: //evil.example", "/%0d%0aSet-Cookie:a=b",
	"?//evil.example", "#//evil.example", "//", "///", "/%2f%2fevil.example", "/%5cevil.example", "ftp://ledger.example/", "file:///etc/passwd",
	"//evil.example:80", "//[::1]/", "http://[", "//ledger.example:9999/", "mailto:x@evil.example", "blob:https://evil.example/1", "\ufeff//evil.example",
}

// leadsAway reads an address of a page on ledger.example as browsers do (WHATWG URL, with a special scheme): blanks
// around it and line ends and tabs in it are dropped, a backslash is a slash, and two slashes or a scheme name another
// site.
func leadsAway(target string) bool {
	target = strings.TrimFunc(target, func(r rune) bool { return r <= ' ' })
	target = strings.NewReplacer("\t", "", "\n", "", "\r", "", `\`, "/").Replace(target)
	if strings.HasPrefix(target, "//") {
		return true
	}
	scheme, _, found := strings.Cut(target, ":")
	return found && scheme != "" && !strings.ContainsAny(scheme, "/?#")
}

// sound fails the test if an accepted target is not a path of this site.
func sound(t *testing.T, from, target string) {
	t.Helper()
	if leadsAway(target) || !strings.HasPrefix(target, "/") {
		t.Fatalf("%q leads away: %q", from, target)
	}
	if strings.ContainsFunc(target, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		t.Fatalf("%q: control characters in %q", from, target)
	}
	parsed, err := url.Parse(target)
	if err != nil || parsed.Host != "" || parsed.Scheme != "" || parsed.User != nil {
		t.Fatalf("%q: %q is not a path: %v", from, target, err)
	}
}

func targetRequest(path string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "http://ledger.example/", nil)
	r.URL.Path = path
	return r
}

// TestLocalTarget_Evil: the attacker sends somebody a link to the real site with his own site as the return address.
// After the second factor the browser would end on his page, which asks for the factor once more.
func TestLocalTarget_Evil(t *testing.T) {
	for _, base := range []string{"/", "/login", "/a/b/c", "//evil.example/x", `/\evil.example/`} {
		for _, evil := range evilTargets {
			if target, ok := LocalTarget(evil, targetRequest(base)); ok {
				sound(t, evil, target)
			}
		}
	}
	for _, evil := range evilTargets[:30] {
		if target, ok := LocalTarget(evil, targetRequest("/login")); ok && strings.Contains(target, "evil.example") && !strings.HasPrefix(target, "/") {
			t.Errorf("%q became %q", evil, target)
		}
	}
	// These are meant to work.
	for location, want := range map[string]string{
		"/": "/", "/files?a=b&c=//d": "/files?a=b&c=//d", "files": "/a/files", "../x": "/x", "?q=1": "/a/login?q=1", "/x#part": "/x#part",
		"http://ledger.example/files": "/files", "https://LEDGER.example": "/", "//ledger.example/files": "/files", "/caf%C3%A9": "/caf%C3%A9",
		"/a/%2F/b": "/a/%2F/b",
	} {
		if target, ok := LocalTarget(location, targetRequest("/a/login")); !ok || target != want {
			t.Errorf("%q became %q, %v, want %q", location, target, ok, want)
		}
	}
	if _, ok := LocalTarget("/"+strings.Repeat("a", maxTarget), targetRequest("/")); ok {
		t.Error("no limit")
	}
}

// TestRedirect_Evil: whatever else goes wrong, a redirect of ours leads to this site.
func TestRedirect_Evil(t *testing.T) {
	for _, evil := range evilTargets {
		w := httptest.NewRecorder()
		x := &Exchange{W: w, R: targetRequest("/")}
		if err := x.Redirect(evil); err != nil {
			t.Fatal(err)
		}
		sound(t, evil, w.Header().Get("Location"))
	}
}

// FuzzLocalTarget: no address that the app or a client could send leads to another site.
func FuzzLocalTarget(f *testing.F) {
	for _, evil := range evilTargets {
		f.Add(evil, "/login")
		f.Add("files", evil)
	}
	f.Fuzz(func(t *testing.T, location, base string) {
		target, ok := LocalTarget(location, targetRequest(base))
		if !ok {
			return
		}
		sound(t, location, target)
		w := httptest.NewRecorder()
		x := &Exchange{W: w, R: targetRequest("/")}
		if err := x.Redirect(target); err != nil {
			t.Fatal(err)
		}
		if got := w.Header().Get("Location"); got != target {
			t.Fatalf("%q was accepted as %q and then not used: %q", location, target, got)
		}
	})
}
