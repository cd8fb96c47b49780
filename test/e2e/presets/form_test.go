package presets

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"sallyport.example/sallyport/test/e2e/apps"
	"sallyport.example/sallyport/test/site"
)

// ownForm is a page's login form as a browser would send it, with all its fields and their values.
type ownForm struct {
	action string
	values url.Values
	// name and password are the fields for typing.
	name, password string
}

// loginForm finds the form that has a password in it.
func loginForm(t testing.TB, page site.Answer) ownForm {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page.Text))
	if err != nil {
		t.Fatal(err)
	}
	for form := range root.Descendants() {
		if form.Type != html.ElementNode || form.Data != "form" {
			continue
		}
		if f := readForm(form); f.password != "" {
			return f
		}
	}
	t.Fatalf("%d has no form with a password: %.2000s", page.StatusCode, page.Text)
	return ownForm{}
}

func readForm(form *html.Node) ownForm {
	f := ownForm{action: attribute(form, "action"), values: url.Values{}}
	for n := range form.Descendants() {
		name := attribute(n, "name")
		if n.Type != html.ElementNode || name == "" || has(n, "disabled") {
			continue
		}
		switch kind := attribute(n, "type"); {
		case n.Data == "input" && kind == "password":
			f.password = name
			f.values.Set(name, "")
		case n.Data == "input" && (kind == "text" || kind == "" || kind == "email") && f.name == "" && !strings.Contains(attribute(n, "style"), "none"):
			f.name = name
			f.values.Set(name, "")
		case n.Data == "input", n.Data == "button":
			// Boxes are ticked, so that the form sends all that it can.
			value := attribute(n, "value")
			if kind == "checkbox" && value == "" {
				value = "on"
			}
			f.values.Set(name, value)
		case n.Data == "select":
			f.values.Set(name, chosen(n))
		}
	}
	return f
}

func chosen(list *html.Node) (value string) {
	for n := range list.Descendants() {
		if n.Type == html.ElementNode && n.Data == "option" && (value == "" || has(n, "selected")) {
			value = attribute(n, "value")
		}
	}
	return value
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}

// send fills the form in and sends it to its own address, with more fields besides its own.
func (f ownForm) send(c *site.Client, account apps.Account, more url.Values) site.Answer {
	values := url.Values{}
	for name, list := range f.values {
		values[name] = list
	}
	values.Set(f.name, account.Name)
	values.Set(f.password, account.Password)
	for name, list := range more {
		values[name] = list
	}
	target, _ := url.Parse(f.action)
	base, _ := url.Parse(c.Site.URL + "/")
	where := base.ResolveReference(target).RequestURI()
	return c.Do("POST", where, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Origin": {c.Site.URL}}, values.Encode())
}

// tryOwnForm: the login's own form, with all fields that it can send, signs in. With a wrong password the app's page
// has its message, and the form on that page signs in as well. (An app that keeps the message in its session has none,
// because a failed login loses the session.) With one more field the form is refused.
func (p *protected) tryOwnForm(t *testing.T, page, message string) {
	t.Helper()
	c := p.Client(t)
	c.Get(page) // some apps test first whether the browser keeps cookies
	if got := loginForm(t, c.Get(page)).send(c, p.owner, nil); got.StatusCode/100 > 3 {
		t.Fatalf("the login's own form: %d %.1500s", got.StatusCode, got.Text)
	}
	p.wantsState(t, c, "verified", p.owner.Name)
	p.leave(t, c)

	c = p.Client(t)
	c.Get(page)
	wrong := p.owner
	wrong.Password = "not-" + wrong.Password
	answer := loginForm(t, c.Get(page)).send(c, wrong, nil)
	for range 3 {
		if where := answer.Location(); where != "" {
			answer = c.Get(strings.TrimPrefix(where, p.URL))
		}
	}
	if !strings.Contains(answer.Text, message) {
		t.Errorf("a wrong password: %d without %q: %.2500s", answer.StatusCode, message, answer.Text)
	}
	p.wantsState(t, c, "anonymous", "")
	if answer = loginForm(t, answer).send(c, p.owner, nil); answer.StatusCode/100 > 3 {
		t.Errorf("the form that came with the message: %d", answer.StatusCode)
	}
	if state, _ := p.status(t, c); state != "verified" {
		// If the form belongs to the app's session, which a failed login loses, it takes another try.
		loginForm(t, c.Get(page)).send(c, p.owner, nil)
		p.wantsState(t, c, "verified", p.owner.Name)
	}

	c = p.Client(t)
	c.Get(page)
	loginForm(t, c.Get(page)).send(c, p.owner, url.Values{"one_more": {"1"}}).Wants(t, http.StatusBadRequest, "")
	p.wantsState(t, c, "anonymous", "")
}
