package reports

import (
	"net/http"
	"strings"
	"testing"

	driver "sallyport.example/sallyport/test/e2e/browser"
	"sallyport.example/sallyport/test/site"
)

// TestBackAfterSignOut: somebody signs out, by the gateway's door or by the app's own, and leaves the browser. Whoever
// sits down there looks back, and saw the app's page, which browsers keep as the app lets them.
func TestBackAfterSignOut(t *testing.T) {
	t.Parallel()
	a := newApp("/page")
	a.HandleFunc("GET /page", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "private, max-age=600")
		page(w, "Secret report", "")
	})
	a.HandleFunc("GET /settings", func(w http.ResponseWriter, _ *http.Request) {
		page(w, "Settings", `<form method="post" action="/logout"><button>Leave</button></form>`)
	})
	p := protect(t, a, "", site.Options{})
	for _, door := range []string{"app", "gateway"} {
		b := driver.New(t, driver.Options{})
		p.signIn(b, "alice")
		p.prove(t, b, true)
		b.WaitPath("/page")
		if door == "app" {
			b.Goto(p.URL + "/settings")
			b.Follow(driver.Labelled("Leave"))
		} else {
			b.Goto(p.URL + "/second-factor/")
			b.Follow(driver.Labelled("Sign out"))
		}
		b.WaitPath("/login")
		for range 2 {
			b.Back()
			if text := driver.Evaluate[string](b, "document.body ? document.body.innerText : ''"); strings.Contains(text, "Secret") {
				t.Errorf("signed out by the door of the %s: %s shows %.60q", door, b.Location(), text)
			}
		}
	}
}
