package reports

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	driver "sallyport.example/sallyport/test/e2e/browser"
	"sallyport.example/sallyport/test/site"
)

// TestFormAfterTheSession: a user writes a long text while her session ends, and sends it. Users reported that they
// came to the login page and the text was gone. Now a page says that the form was not sent. She signs in in another
// tab, goes back in this one, finds her text, and sends it.
func TestFormAfterTheSession(t *testing.T) {
	t.Parallel()
	a := newApp("/write")
	sent := make(chan string, 10)
	a.HandleFunc("GET /write", func(w http.ResponseWriter, _ *http.Request) {
		page(w, "Write", `<form method="post" action="/write"><textarea name="text" id="text"></textarea><button>Send</button></form>`)
	})
	a.HandleFunc("POST /write", func(w http.ResponseWriter, r *http.Request) {
		sent <- r.FormValue("text")
		page(w, "Thank you", "")
	})
	p := protect(t, a, "", site.Options{})
	for _, scripts := range []bool{true, false} {
		b := driver.New(t, driver.Options{NoScripts: !scripts})
		p.signIn(b, "alice")
		p.prove(t, b, scripts)
		b.WaitPath("/write")
		b.Fill("#text", "A long text")

		// On her telephone she ends all other sessions.
		c := p.Client(t)
		c.Post("/login", url.Values{"user": {"alice"}})
		c.Pass(p.phone)
		c.Own("/", "/sessions", nil).Wants(t, http.StatusSeeOther, "")

		if answer := b.Follow(driver.Labelled("Send")); answer.Status != http.StatusForbidden {
			t.Fatalf("answered with %d\n%s", answer.Status, b.Page())
		}
		if heading := b.Text("h1"); heading != "Your form was not sent" || !strings.Contains(b.Page(), "Nothing was sent") {
			t.Errorf("the page says %s", b.Page())
		}
		if target := b.Attribute(driver.Link("Sign in"), "target"); target != "_blank" {
			t.Errorf("the login opens in %q: the way back would be long", target)
		}
		if scripts {
			b.Accessible("unsent")
		}
		tab := b.Tab()
		p.signIn(tab, "alice")
		p.prove(t, tab, scripts)
		tab.WaitPath("/write")

		b.Back()
		b.WaitPath("/write")
		// By script, because the tab is in the background.
		if text := driver.Evaluate[string](b, `document.getElementById("text").value`); text != "A long text" {
			t.Errorf("scripts %v: what was typed is %q by now", scripts, text)
		}
		driver.Evaluate[bool](b, `(document.querySelector("form").submit(), true)`)
		b.Until("waiting for the app's answer", `document.querySelector("h1").innerText === "Thank you"`)
		if got := <-sent; got != "A long text" || len(sent) > 0 {
			t.Errorf("the app got %q, and %d more", got, len(sent))
		}
	}
}
