package reports

import (
	"net/http"
	"strings"
	"testing"

	driver "sallyport.example/sallyport/test/e2e/browser"
	"sallyport.example/sallyport/test/site"
)

// TestBackAfterSignOut: a user signs out, at the gateway or at the app, and leaves the browser. The next person at that
// browser goes back in the history, and could see the app's page, because browsers keep pages if the app lets them.
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
