package reports

import (
	"net/http"
	"testing"

	driver "sallyport.example/sallyport/test/e2e/browser"
	"sallyport.example/sallyport/test/site"
)

// TestLoginInFrame: a page of the app has its login in a frame. The challenge must not be shown in a frame, so the
// frame stayed empty, and nobody could sign in.
func TestLoginInFrame(t *testing.T) {
	t.Parallel()
	a := newApp("/page")
	a.HandleFunc("GET /open/portal", func(w http.ResponseWriter, _ *http.Request) {
		page(w, "Portal", `<iframe id="frame" src="/login" width="600" height="300"></iframe>`)
	})
	a.HandleFunc("GET /page", func(w http.ResponseWriter, _ *http.Request) { page(w, "Arrived", "") })
	p := protect(t, a, "", site.Options{})
	b := driver.New(t, driver.Options{})
	b.Goto(p.URL + "/open/portal")
	b.Until("the login in the frame", `document.querySelector("#frame").contentDocument?.querySelector("#user")`)
	driver.Evaluate[string](b, `const inner = document.querySelector("#frame").contentDocument; inner.querySelector("#user").value = "alice"; inner.forms[0].submit(), ""`)
	b.WaitPath("/second-factor/challenge")
	p.prove(t, b, true)
	b.WaitPath("/page")
	if got := b.Text("h1"); got != "Arrived" {
		t.Errorf("the browser shows %q", got)
	}
}
