package reports

import (
	"net/http"
	"testing"

	driver "sallyport.example/sallyport/test/e2e/browser"
	"sallyport.example/sallyport/test/site"
)

// TestTwoPorts: two gateways run on one host, on different ports. Opening a page of one signed the user out of the
// other, because cookies do not distinguish ports.
func TestTwoPorts(t *testing.T) {
	t.Parallel()
	start := func() *protected {
		a := newApp("/page")
		a.HandleFunc("GET /page", func(w http.ResponseWriter, _ *http.Request) { page(w, "Report", "") })
		return protect(t, a, "", site.Options{})
	}
	first, second := start(), start()
	b := driver.New(t, driver.Options{})
	in := func(p *protected, when string) {
		t.Helper()
		b.Goto(p.URL + "/page")
		if got := b.Path(); got != "/page" {
			t.Fatalf("%s: the browser is at %s", when, b.Location())
		}
	}
	first.signIn(b, "alice")
	first.prove(t, b, true)
	b.WaitPath("/page")
	b.Goto(second.URL + "/page")
	b.WaitPath("/login")
	in(first, "after a look at the other")
	second.signIn(b, "alice")
	second.prove(t, b, true)
	b.WaitPath("/page")
	in(first, "after a sign-in at the other")
	in(second, "at the other")
}
