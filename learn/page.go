package learn

import (
	"bytes"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// field is a field of a form in a page.
type field struct {
	name, kind, value string
	// checked: its value is sent as the page stands.
	checked bool
}

// form is a form in a page.
type form struct {
	action *url.URL
	method string
	fields []field
}

// has reports whether the form has a field of a name.
func (f *form) has(name string) bool {
	return slices.ContainsFunc(f.fields, func(field field) bool { return field.name == name })
}

// password returns the name of the form's only password field; empty if it has none or several.
func (f *form) password() (name string) {
	for _, field := range f.fields {
		if field.kind == "password" {
			if name != "" {
				return ""
			}
			name = field.name
		}
	}
	return name
}

// page is what a page of HTML has for a browser: forms, files that it needs, and links.
type page struct {
	forms []form
	// files are the addresses of styles, scripts, pictures and icons.
	files []*url.URL
	links []*url.URL
}

// readPage reads a page that was found at an address. It finds what browsers find in well-formed HTML.
func readPage(at *url.URL, content []byte) (found page) {
	base := at
	resolve := func(address string) *url.URL {
		parsed, err := url.Parse(strings.TrimSpace(address))
		if err != nil || strings.HasPrefix(strings.TrimSpace(address), "data:") {
			return nil
		}
		return base.ResolveReference(parsed)
	}
	var open *form
	closeForm := func() {
		if open != nil {
			found.forms = append(found.forms, *open)
			open = nil
		}
	}
	tokens := html.NewTokenizer(bytes.NewReader(content))
	for {
		kind := tokens.Next()
		if kind == html.ErrorToken {
			closeForm()
			return found
		}
		token := tokens.Token()
		if kind == html.EndTagToken && token.Data == "form" {
			closeForm()
		}
		if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
			continue
		}
		has := attributes(token)
		switch token.Data {
		case "base":
			if address := resolve(has["href"]); address != nil && has["href"] != "" {
				base = address
			}
		case "form":
			closeForm()
			open = &form{action: at, method: strings.ToUpper(has["method"])}
			if action := resolve(has["action"]); action != nil && has["action"] != "" {
				open.action = action
			}
		case "input", "button", "select", "textarea":
			if open != nil && has["name"] != "" {
				open.fields = append(open.fields, formField(token.Data, has))
			}
		case "link":
			rel := strings.Fields(strings.ToLower(has["rel"]))
			if slices.ContainsFunc(rel, func(word string) bool {
				return word == "stylesheet" || word == "icon" || word == "apple-touch-icon" || word == "modulepreload" || word == "manifest"
			}) {
				found.files = appendAddress(found.files, resolve(has["href"]))
			}
		case "script":
			if has["src"] != "" {
				found.files = appendAddress(found.files, resolve(has["src"]))
			}
		case "img":
			// A picture that a program makes may be there for what the program does.
			if address := resolve(has["src"]); address != nil && fileNames.MatchString(address.Path) {
				found.files = append(found.files, address)
			}
		case "a":
			found.links = appendAddress(found.links, resolve(has["href"]))
		}
	}
}

func formField(tag string, has map[string]string) field {
	kind := strings.ToLower(has["type"])
	if tag != "input" {
		kind = tag
	}
	_, checked := has["checked"]
	made := field{name: has["name"], kind: kind, value: has["value"]}
	switch kind {
	case "checkbox", "radio":
		made.checked = checked
	case "submit", "button", "image", "reset", "file":
	default:
		made.checked = true
	}
	return made
}

func appendAddress(list []*url.URL, address *url.URL) []*url.URL {
	if address == nil {
		return list
	}
	return append(list, address)
}

func attributes(token html.Token) map[string]string {
	has := make(map[string]string)
	for _, attribute := range token.Attr {
		if _, twice := has[attribute.Key]; !twice {
			has[attribute.Key] = attribute.Val
		}
	}
	return has
}

// page reads the answer as a page.
func (e *Exchange) page() page {
	if !e.isPage() {
		return page{}
	}
	return readPage(e.URL, e.Content)
}

// ownAddress reports whether an address that a page names is the app's own.
func ownAddress(at, address *url.URL) bool { return address.Host == "" || address.Host == at.Host }
