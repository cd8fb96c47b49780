package gateway

import (
	"net/http"
	"strings"
	"testing"
)

// TestValidators: a browser has kept a page of the app's from before there was a link in it. The app says that its page
// has not changed, but the browser must not use the kept page for ever. A browser that has the page with the link may.
func TestValidators(t *testing.T) {
	const date = "Mon, 02 Jan 2006 15:04:05 GMT"
	for name, own := range map[string]http.Header{
		"tag": {"Etag": {`"v1"`}}, "weak tag": {"Etag": {`W/"v1"`}}, "date": {"Last-Modified": {date}}, "both": {"Etag": {`"v1"`}, "Last-Modified": {date}},
	} {
		l := newLinked(t, func(w http.ResponseWriter, r *http.Request) {
			h := w.Header()
			for name, values := range own {
				h[name] = values
			}
			asked := r.Header.Get("If-None-Match")
			if asked != "" && asked == own.Get("Etag") || asked == "" && own.Get("Etag") == "" && r.Header.Get("If-Modified-Since") == date {
				w.WriteHeader(http.StatusNotModified)
				return
			}
			h.Set("Content-Type", "text/html")
			write(t, w, plainPage)
		})
		kept := http.Header{"If-None-Match": own["Etag"]}
		if own["Last-Modified"] != nil {
			kept["If-Modified-Since"] = own["Last-Modified"]
		}
		if kept["If-None-Match"] == nil {
			delete(kept, "If-None-Match")
		}
		// The control: by these validators the app says that nothing has changed, where nothing is inserted.
		frame := kept.Clone()
		frame.Set("Sec-Fetch-Dest", "iframe")
		if got := l.load("GET", frame); got.StatusCode != http.StatusNotModified || got.Header.Get("Etag") != own.Get("Etag") {
			t.Errorf("%s: the control: %d %v", name, got.StatusCode, got.Header)
		}
		page := l.load("GET", kept)
		if page.StatusCode != 200 || !strings.Contains(page.body, linkEnglish) || page.Header.Get("Last-Modified") != "" {
			t.Errorf("%s: the old copy: %d %v", name, page.StatusCode, page.Header)
		}
		fresh := http.Header{"If-None-Match": {page.Header.Get("Etag")}}
		again := l.load("GET", fresh)
		if again.StatusCode != http.StatusNotModified || again.Header.Get("Etag") != page.Header.Get("Etag") || again.Header.Get("Last-Modified") != "" {
			t.Errorf("%s: the page with the link: %d %v, after %v", name, again.StatusCode, again.Header, page.Header)
		}
		fresh.Set("Accept-Language", "de")
		if got := l.load("GET", fresh); got.StatusCode != 200 {
			t.Errorf("%s: in another language: %d", name, got.StatusCode)
		}
		l.gateway.site.Config.Guard = true
		fresh.Del("Accept-Language")
		if got := l.load("GET", fresh); got.StatusCode != 200 {
			t.Errorf("%s: with the guard: %d", name, got.StatusCode)
		}
	}
}
