package gateway

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/pages"
)

const logoSVG = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 2 1"><script>alert(1)</script></svg>`

// TestLogo: anyone gets the operator's picture, in a form in which it can do no harm, and a browser fetches it once.
func TestLogo(t *testing.T) {
	s := newSite(t, demo.Knobs{}, func(config *Config) {
		config.Pages = pages.New(pages.Options{Brand: pages.Brand{Logo: []byte(logoSVG)}})
	})
	b := s.browser()
	b.signIn("alice", demo.AlicePassword)
	page := b.get("/second-factor/")
	address := find(t, regexp.MustCompile(`<img src="([^"]+)" alt=""`), page.body)
	if !strings.Contains(page.Header.Get("Content-Security-Policy"), "; img-src 'self'") {
		t.Errorf("policy of the page: %q", page.Header.Get("Content-Security-Policy"))
	}
	stranger := s.browser()
	got := stranger.get(address)
	if got.StatusCode != http.StatusOK || got.body != logoSVG || got.Header.Get("Set-Cookie") != "" {
		t.Fatalf("%d %q %v", got.StatusCode, got.body, got.Header)
	}
	for name, want := range map[string]string{
		"Content-Type": "image/svg+xml", "X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin",
		"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
		"Cache-Control":           "public, max-age=31536000, immutable",
	} {
		if got.Header.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, got.Header.Get(name), want)
		}
	}

	bare, _, _ := strings.Cut(address, "?")
	for _, other := range []string{bare, bare + "?v=1", address + "&x=1"} {
		if got := stranger.get(other); got.StatusCode != http.StatusOK || got.Header.Get("Cache-Control") != "no-cache" {
			t.Errorf("%s: %d %q", other, got.StatusCode, got.Header.Get("Cache-Control"))
		}
	}
	again := stranger.ask("GET", bare, "", http.Header{"If-None-Match": {got.Header.Get("ETag")}})
	if again.StatusCode != http.StatusNotModified || again.body != "" {
		t.Errorf("again: %d %q", again.StatusCode, again.body)
	}
	head := stranger.ask("HEAD", address, "", http.Header{})
	if head.StatusCode != http.StatusOK || head.ContentLength != int64(len(logoSVG)) {
		t.Errorf("HEAD: %d, %d bytes", head.StatusCode, head.ContentLength)
	}
	if got := stranger.post(bare, nil); got.StatusCode != http.StatusMethodNotAllowed || got.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %d %q", got.StatusCode, got.Header.Get("Allow"))
	}
}

// TestNoLogo: without a picture there is no page at its address, and the pages' policy allows none.
func TestNoLogo(t *testing.T) {
	s := newSite(t, demo.Knobs{}, nil)
	b := s.browser()
	if got := b.get("/second-factor/logo"); got.StatusCode != http.StatusNotFound {
		t.Errorf("%d", got.StatusCode)
	}
	b.signIn("alice", demo.AlicePassword)
	page := b.get("/second-factor/")
	if strings.Contains(page.Header.Get("Content-Security-Policy"), "img-src") || strings.Contains(page.body, "<img") {
		t.Errorf("a picture: %q", page.Header.Get("Content-Security-Policy"))
	}
}
