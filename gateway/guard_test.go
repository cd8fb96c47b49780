package gateway

import (
	"net/http"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/gate"
)

const guardEnglish = `<script src="/second-factor/guard.js"></script>`

// newGuarded is linked with the guard instead of the link.
func newGuarded(t *testing.T, link bool, app http.HandlerFunc) *linked {
	t.Helper()
	l := newLinked(t, app)
	l.gateway.site.Config.Guard, l.gateway.site.Config.SettingsLink = true, link
	return l
}

// TestGuardIsPutIn: the guard stands in front of every script of a page, for strangers as well, since it is their page
// that signs them in; and in nothing that is no page.
func TestGuardIsPutIn(t *testing.T) {
	const page = "<!DOCTYPE html><html><head><base href=\"https://evil.example/\"><script src=app.js></script></head><body>Hello</body></html>"
	for _, test := range []struct {
		name   string
		header http.Header
		want   string
	}{
		{"a page", http.Header{"Content-Type": {"text/html; charset=utf-8"}}, guardEnglish},
		{"scripts by nonce", http.Header{
			"Content-Type": {"text/html"}, "Content-Security-Policy": {"default-src 'none'", "script-src 'nonce-r4nd0m+/_-==' 'strict-dynamic'"},
		}, `<script src="/second-factor/guard.js" nonce="r4nd0m+/_-=="></script>`},
		{"a nonce that is none", http.Header{
			"Content-Type": {"text/html"}, "Content-Security-Policy": {`script-src 'nonce-"onload=alert(1)'`},
		}, guardEnglish},
		{"text", http.Header{"Content-Type": {"text/plain"}}, ""},
		{"a script", http.Header{"Content-Type": {"text/javascript"}}, ""},
		{"JSON", http.Header{"Content-Type": {"application/json"}}, ""},
		{"XHTML", http.Header{"Content-Type": {"application/xhtml+xml"}}, ""},
		{"compressed", http.Header{"Content-Type": {"text/html"}, "Content-Encoding": {"gzip"}}, ""},
		{"a download", http.Header{"Content-Type": {"text/html"}, "Content-Disposition": {"attachment"}}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, link := range []bool{false, true} {
				l := newGuarded(t, link, func(w http.ResponseWriter, _ *http.Request) {
					for name, values := range test.header {
						w.Header()[name] = values
					}
					write(t, w, page)
				})
				for _, path := range []string{"/page", "/static/page"} {
					who := http.Header{"Accept-Language": {"en"}}
					want := strings.Replace(page, "<head>", "<head>"+test.want, 1)
					if path == "/static/page" {
						who["Cookie"] = nil // a stranger
					} else if link && test.want != "" {
						linkEnglish := linkEnglish
						if test.header["Content-Security-Policy"] != nil {
							linkEnglish = strings.Replace(linkEnglish, ` style="clear:both;margin:2em 1em 1.5em;text-align:center"`, "", 1)
						}
						want = strings.Replace(want, "</body>", strings.Replace(linkEnglish, `href="`, `href="`+"//"+strings.TrimPrefix(l.server.URL, "http://"), 1)+"</body>", 1)
					}
					if got := l.at(path, who); got.body != want {
						t.Errorf("%s with a link %t:\n%s\n%s", path, link, got.body, want)
					}
				}
			}
		})
	}
}

// at is load of another path.
func (l *linked) at(path string, header http.Header) answer {
	l.t.Helper()
	header["X-Path"] = []string{path}
	return l.load(http.MethodGet, header)
}

// TestGuardScript: the script is there for anyone, under the headers of every page of ours, in the reader's language.
func TestGuardScript(t *testing.T) {
	l := newGuarded(t, false, func(http.ResponseWriter, *http.Request) { t.Error("the app was asked") })
	for _, who := range []string{"", l.cookie, "sallyport=" + sessionIn(t, l.site, gate.Pending)} {
		script := l.at("/second-factor/guard-dialog.js", http.Header{"Cookie": {who}, "Accept-Language": {"de"}, "Sec-Fetch-Mode": {"no-cors"}, "Sec-Fetch-Dest": {"script"}})
		h := script.Header
		if script.StatusCode != http.StatusOK || !strings.Contains(script.body, "export default") || !strings.Contains(script.body, "Abbrechen") {
			t.Errorf("%q: %d %s", who, script.StatusCode, script.body)
		}
		if h.Get("Content-Type") != "text/javascript; charset=utf-8" || h.Get("Cache-Control") != "no-store" ||
			h.Get("Cross-Origin-Resource-Policy") != "same-origin" || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Set-Cookie") != "" {
			t.Errorf("%q: %v", who, h)
		}
	}
	if got := l.at("/second-factor/guard.js", http.Header{}); got.StatusCode != http.StatusOK || !strings.Contains(got.body, "XMLHttpRequest") {
		t.Errorf("the guard: %d %s", got.StatusCode, got.body)
	}
	l.gateway.site.Config.Guard = false
	for _, path := range []string{"/second-factor/guard.js", "/second-factor/guard-dialog.js", "/second-factor/settings-link.js"} {
		if got := l.at(path, http.Header{}); got.StatusCode != http.StatusNotFound {
			t.Errorf("%s without the setting: %d", path, got.StatusCode)
		}
	}
}

// TestGuardResumes: only the answer to a login says where the app's own answer waits; another call is to be made once
// more.
func TestGuardResumes(t *testing.T) {
	s := newSite(t, demo.Knobs{}, nil)
	s.enrolled("alice", demo.AlicePassword)
	fresh := s.browser()
	login := fresh.do(http.MethodPost, "/api/login", "application/json", `{"user":{"name":"alice","password":"`+demo.AlicePassword+`"}}`)
	if login.StatusCode != http.StatusUnauthorized || !strings.Contains(login.body, `"resume":"/second-factor/resume"`) {
		t.Errorf("the login: %d %s", login.StatusCode, login.body)
	}
	call := fresh.do(http.MethodGet, "/api/entries", "application/json", "")
	if call.StatusCode != http.StatusUnauthorized || strings.Contains(call.body, "resume") || !strings.Contains(call.body, "second-factor-required") {
		t.Errorf("another call: %d %s", call.StatusCode, call.body)
	}
}

// TestGuardWithoutHead: HTML lets a page leave out `<head>`, `<body>` and all end tags. It gets the guard in front of
// everything all the same, and the link behind it; a piece that a script puts into a page gets neither.
func TestGuardWithoutHead(t *testing.T) {
	for _, test := range []struct {
		page         string
		unsaid       bool
		guard, links bool
	}{
		{"<!doctype html><title>x</title><script src=app.js></script><p>hi", false, true, true},
		{"<!doctype html><title>x</title><p>hi", true, true, true},
		{"<title>x</title><p>hi", false, true, true},
		// Nothing says that it is no piece: no `<html>`, and a browser that does not tell what it wants it for.
		{"<title>x</title><p>hi", true, false, false},
		{`{"error":"<p>none</p>"}`, false, false, false},
	} {
		l := newGuarded(t, true, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			write(t, w, test.page)
		})
		header := http.Header{"Accept-Language": {"en"}}
		if test.unsaid {
			header["Sec-Fetch-Mode"], header["Sec-Fetch-Dest"] = nil, nil
		}
		want := test.page
		if test.guard {
			want = strings.Replace(want, "<title>", guardEnglish+"<title>", 1)
		}
		if test.links {
			want += linkEnglish
		}
		if got := l.load(http.MethodGet, header); got.body != want {
			t.Errorf("%+v:\n%s\n%s", test, got.body, want)
		}
		piece := l.load(http.MethodGet, http.Header{"Sec-Fetch-Mode": {"cors"}, "Sec-Fetch-Dest": {"empty"}})
		if piece.body != test.page {
			t.Errorf("%+v: a script gets %s", test, piece.body)
		}
	}
}
