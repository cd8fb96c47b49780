package reports

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	driver "sallyport.example/sallyport/test/e2e/browser"
	"sallyport.example/sallyport/test/site"
)

// TestKeptPages: the browser has cached the app's page before the operator switched `settings_link` on. The app says
// that its page has not changed, so the browser kept showing the old one, without the link.
func TestKeptPages(t *testing.T) {
	t.Parallel()
	var whole, unchanged atomic.Int64
	a := newApp("/page")
	a.HandleFunc("GET /page", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Etag", `"v1"`)
		w.Header().Set("Cache-Control", "no-cache")
		if r.Header.Get("If-None-Match") == `"v1"` {
			unchanged.Add(1)
			w.WriteHeader(http.StatusNotModified)
			return
		}
		whole.Add(1)
		page(w, "Report", "")
	})
	p := protect(t, a, "", site.Options{})
	b := driver.New(t, driver.Options{})
	p.signIn(b, "alice")
	p.prove(t, b, true)
	b.WaitPath("/page")
	b.Goto(p.URL + "/page")
	if unchanged.Load() != 1 {
		t.Fatalf("the control: the browser made no conditional request: %d, %d", whole.Load(), unchanged.Load())
	}
	p.Write(strings.Replace(p.Caddyfile(), "app ledger", "settings_link\n\t\tapp ledger", 1))
	if err := p.Reload(); err != nil {
		t.Fatal(err)
	}
	link := driver.Link("Two-factor authentication settings")
	b.Goto(p.URL + "/page")
	if !b.Visible(link) {
		t.Error("the browser shows the old page")
	}
	before := unchanged.Load()
	b.Goto(p.URL + "/page")
	if !b.Visible(link) || unchanged.Load() != before+1 {
		t.Errorf("the page with the link is not cached: %d", unchanged.Load()-before)
	}
}
