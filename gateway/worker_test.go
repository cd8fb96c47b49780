package gateway

import (
	"net/http"
	"strings"
	"testing"
)

// TestServiceWorker: the gateway puts a line before the script of an app's service worker that makes it leave our pages
// alone. It changes no other script, and no answer that is not a script. It asks for the script again in spite of its
// validators.
func TestServiceWorker(t *testing.T) {
	const script = `"use strict"; self.addEventListener("fetch", e => e.respondWith(caches.match("/")))`
	asked := ""
	l := newLinked(t, func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		asked = r.Header.Get("If-None-Match")
		h.Set("Etag", `"v1"`)
		if asked == `"v1"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		h.Set("Content-Type", "text/javascript; charset=utf-8")
		switch r.URL.Path {
		case "/page.html":
			h.Set("Content-Type", "text/html")
		case "/zipped.js":
			h.Set("Content-Encoding", "gzip")
		case "/none.js":
			w.WriteHeader(http.StatusNotFound)
		}
		write(t, w, script)
	})
	l.gateway.site.Config.SettingsLink = false
	ask := func(path string, header http.Header) answer {
		t.Helper()
		all := http.Header{"Accept": {"*/*"}, "Sec-Fetch-Mode": {"same-origin"}, "Sec-Fetch-Dest": {"serviceworker"}, "Service-Worker": {"script"}, "X-Path": {path}}
		for name, values := range header {
			all[name] = values
		}
		return l.load("GET", all)
	}
	got := ask("/sw.js", nil)
	front, rest, _ := strings.Cut(got.body, "\n")
	if got.StatusCode != 200 || rest != script || !strings.Contains(front, `"/second-factor/"`) || !strings.Contains(front, "stopImmediatePropagation") {
		t.Errorf("%d %q", got.StatusCode, got.body)
	}
	if got.Header.Get("Content-Length") != "" && got.ContentLength != int64(len(got.body)) || got.Header.Get("Etag") == `"v1"` {
		t.Errorf("%v", got.Header)
	}
	if again := ask("/sw.js", http.Header{"If-None-Match": {got.Header.Get("Etag")}}); again.StatusCode != http.StatusNotModified || asked != `"v1"` || again.Header.Get("Etag") != got.Header.Get("Etag") {
		t.Errorf("again: %d %v", again.StatusCode, again.Header)
	}
	if old := ask("/sw.js", http.Header{"If-None-Match": {`"v1"`}}); old.StatusCode != 200 || old.body != got.body {
		t.Errorf("a worker of before: %d", old.StatusCode)
	}
	for name, other := range map[string]answer{
		"another script": ask("/sw.js", http.Header{"Service-Worker": nil}), "a page": ask("/page.html", nil), "compressed": ask("/zipped.js", nil),
		"an error": ask("/none.js", nil), "not to be changed": ask("/sw.js", http.Header{"Cache-Control": {"no-transform"}}),
	} {
		if other.body != script || other.Header.Get("Etag") != `"v1"` {
			t.Errorf("%s: %d %v %q", name, other.StatusCode, other.Header, other.body)
		}
	}
}
