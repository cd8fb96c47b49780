package login

import (
	"bytes"
	"net/url"
	"strings"

	"golang.org/x/net/html"

	"sallyport.example/sallyport/internal/match"
)

// AsksAgain reports whether a page, which is the answer to a login, shows the form of that login again, or of the
// second step of one (Continues). The form of a login has an input for a password and, if the name stands in a field,
// an input of that name. A second step is known by an input that its Fields or When name. That is what an app shows to
// somebody who is not signed in yet, and not what it shows to a user who is.
//
// The app may know nobody after a login for other reasons than a wrong password: the session ended meanwhile, or the
// client chose how long it lasts. So that answer alone does not make a page one that strangers may see.
//
// The form has to lead to the login's address, which path is: a page of an account may have a form to change the
// password, with a field for the name.
func (s *Set) AsksAgain(b *Block, path match.Path, page []byte) bool {
	var form shownForm
	tokens := html.NewTokenizer(bytes.NewReader(page))
	for {
		switch tokens.Next() {
		case html.ErrorToken:
			return false
		case html.StartTagToken, html.SelfClosingTagToken:
			switch token := tokens.Token(); token.Data {
			case "form":
				form = shownForm{elsewhere: !b.leadsHere(path, attribute(token, "action"))}
			case "input":
				form.add(s, b, token)
			}
		}
		if form.asks(b) {
			return true
		}
	}
}

// shownForm is a form of a page, by what was read of it.
type shownForm struct {
	elsewhere            bool
	name, password, step bool
}

// add reads an input of the form.
func (f *shownForm) add(s *Set, b *Block, input html.Token) {
	name := attribute(input, "name")
	f.name = f.name || name == b.Username.Name
	f.password = f.password || b.hasField(name) || strings.EqualFold(strings.TrimSpace(attribute(input, "type")), "password")
	f.step = f.step || s.continuesBy(name)
}

// asks reports whether the form is that of the login, or of a second step.
func (f *shownForm) asks(b *Block) bool {
	named := f.name || b.Username.Kind != Form && b.Username.Kind != Query
	return !f.elsewhere && (named && f.password || f.step)
}

// leadsHere reports whether a form's action is one of the block's addresses, or that of the page, which is path.
func (b *Block) leadsHere(path match.Path, action string) bool {
	base := &url.URL{Path: path.Text}
	target, err := base.Parse(strings.TrimSpace(action))
	if err != nil || target.Opaque != "" {
		return false
	}
	return target.Path == path.Text || b.Paths.Match(target.Path) || target.Path == "" && path.Text == "/"
}

// attribute returns the value of an attribute; "" if the element has none of that name.
func attribute(token html.Token, name string) string {
	for _, attribute := range token.Attr {
		if attribute.Key == name {
			return attribute.Val
		}
	}
	return ""
}

// continuesBy reports whether the second step of a login names a field in Fields or When.
func (s *Set) continuesBy(name string) bool {
	for i := range s.Blocks {
		b := &s.Blocks[i]
		if !b.Continues {
			continue
		}
		if b.hasField(name) {
			return true
		}
		for _, condition := range b.When {
			if condition.Kind == Form && condition.Name == name {
				return true
			}
		}
	}
	return false
}

// hasField reports whether Fields name a field. `name=` without a value is one that has to be empty.
func (b *Block) hasField(name string) bool {
	for _, field := range b.Fields {
		if before, value, bound := strings.Cut(field, "="); before == name && (!bound || value != "") {
			return true
		}
	}
	return false
}
