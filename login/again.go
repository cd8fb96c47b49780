package login

import (
	"bytes"
	"strings"

	"golang.org/x/net/html"
)

// AsksAgain reports whether a page, which is the answer to a login, shows the form of that login again, or of the
// second step of one (Continues). The form of a login has an input for a password and, if the name stands in a field,
// an input of that name. A second step is known by an input that its Fields or When name. That is what an app shows to
// somebody who is not signed in yet, and not what it shows to a user who is.
//
// The app may know nobody after a login for other reasons than a wrong password: the session ended meanwhile, or the
// client chose how long it lasts. So that answer alone does not make a page one that strangers may see.
func (s *Set) AsksAgain(b *Block, page []byte) bool {
	name, password, step := b.Username.Kind != Form && b.Username.Kind != Query, false, false
	tokens := html.NewTokenizer(bytes.NewReader(page))
	for {
		switch tokens.Next() {
		case html.ErrorToken:
			return name && password || step
		case html.StartTagToken, html.SelfClosingTagToken:
			token := tokens.Token()
			if token.Data != "input" {
				continue
			}
			for _, attribute := range token.Attr {
				switch attribute.Key {
				case "type":
					password = password || strings.EqualFold(strings.TrimSpace(attribute.Val), "password")
				case "name":
					name = name || attribute.Val == b.Username.Name
					step = step || s.continuesBy(attribute.Val)
				}
			}
		}
	}
}

// continuesBy reports whether the second step of a login names a field in Fields or When.
func (s *Set) continuesBy(name string) bool {
	for i := range s.Blocks {
		b := &s.Blocks[i]
		if !b.Continues {
			continue
		}
		for _, field := range b.Fields {
			// `name=` without a value is a field that has to be empty: one of the first step's.
			if before, value, bound := strings.Cut(field, "="); before == name && (!bound || value != "") {
				return true
			}
		}
		for _, condition := range b.When {
			if condition.Kind == Form && condition.Name == name {
				return true
			}
		}
	}
	return false
}
