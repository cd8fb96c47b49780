package learn

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Again makes a request of a recorded login once more, with another password: what a browser would send after it has
// opened the login page anew. page is that page; nil if there is none. cookies are the browser's. The exchange has no
// answer.
func (a *Attempt) Again(page *Exchange, password string, cookies map[string]string) Exchange {
	again := Exchange{Method: a.Method, URL: a.URL, Header: make(http.Header)}
	for _, name := range []string{"Content-Type", "Accept", "X-Requested-With", "Sec-Fetch-Mode", "Sec-Fetch-Dest", "Sec-Fetch-Site"} {
		if value := a.Header.Get(name); value != "" {
			again.Header.Set(name, value)
		}
	}
	for name, values := range a.Header {
		if forgery(name) {
			again.Header.Set(name, a.renewed(values[0], cookies))
		}
	}
	switch a.Kind {
	case Basic:
		again.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(a.name+":"+password)))
	case JSON:
		again.Body = a.retyped(password, cookies)
	case Form:
		again.URL, again.Body = a.filled(page, password, cookies)
		again.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return again
}

// Respelled returns the login with the account's name in other letters: in capitals, or in small ones if it was typed
// in capitals. ok is false if that is the same name.
func (a *Attempt) Respelled() (other *Attempt, ok bool) {
	copied := *a
	if copied.name = strings.ToUpper(a.name); copied.name == a.name {
		copied.name = strings.ToLower(a.name)
	}
	return &copied, copied.name != a.name
}

// Password returns the password that was typed. Keep it in memory only.
func (a *Attempt) Password() string { return a.password }

// renewed returns what is sent now in the place of a value that was a cookie's when it was recorded.
func (a *Attempt) renewed(value string, cookies map[string]string) string {
	for name, was := range a.sent() {
		if was != "" && (was == value || unescaped(was) == value) {
			if now, there := cookies[name]; there {
				return unescaped(now)
			}
		}
	}
	return value
}

func unescaped(value string) string {
	if plain, err := url.QueryUnescape(value); err == nil {
		return plain
	}
	return value
}

// retyped returns the recorded document with another password.
func (a *Attempt) retyped(password string, cookies map[string]string) []byte {
	document := a.document()
	var walk func(pointer string, value any) any
	walk = func(pointer string, value any) any {
		switch value := value.(type) {
		case map[string]any:
			for name, inner := range value {
				value[name] = walk(pointer+"/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(name), inner)
			}
		case string:
			switch pointer {
			case a.PasswordField:
				return password
			case a.NameField:
				return a.name
			}
			return a.renewed(value, cookies)
		}
		return value
	}
	body, err := json.Marshal(walk("", document))
	if err != nil {
		return nil
	}
	return body
}

// filled returns the form of the page with the name and the password typed in, and where it is sent. Without such a
// form it is the recorded one, with what comes from cookies renewed.
func (a *Attempt) filled(page *Exchange, password string, cookies map[string]string) (to *url.URL, body []byte) {
	recorded := a.fields()
	values := make(url.Values)
	to = a.URL
	if form, found := a.formIn(page); found {
		if plainPath(form.action) == a.path() { // else a script sends it elsewhere
			to = form.action
		}
		for _, field := range form.fields {
			_, was := recorded[field.name]
			switch {
			case field.kind == "hidden":
				values.Set(field.name, field.value)
			case was:
				values[field.name] = recorded[field.name]
			case field.checked:
				values.Set(field.name, field.value)
			}
		}
	} else {
		for name, list := range recorded {
			for _, value := range list {
				now, known := renewed(a.nonces, value, page)
				if !known {
					now = a.renewed(value, cookies)
				}
				values.Add(name, now)
			}
		}
	}
	if a.NameField != "" {
		values.Set(a.NameField, a.name)
	}
	values.Set(a.PasswordField, password)
	return to, []byte(values.Encode())
}

func (a *Attempt) formIn(page *Exchange) (form, bool) {
	if page == nil {
		return form{}, false
	}
	forms := page.page().forms
	at := slices.IndexFunc(forms, func(form form) bool { return form.has(a.PasswordField) })
	if at < 0 {
		return form{}, false
	}
	return forms[at], true
}

// LeaveAgain makes the request of the recorded sign-out once more, for a browser that has a page of the app's open: by
// the form or the link of the page that leads there, with the nonces that stand in it, else as it was recorded. ok says
// that it leads where the recorded one led.
func (p *Proposal) LeaveAgain(page *Exchange) Exchange {
	recorded := p.Logout
	again := Exchange{Method: recorded.Method, URL: recorded.URL, Header: make(http.Header), Body: recorded.Body}
	for _, name := range []string{"Content-Type", "X-Requested-With", "Authorization"} {
		if value := recorded.Header.Get(name); value != "" && name != "Authorization" {
			again.Header.Set(name, value)
		}
	}
	if page == nil {
		return again
	}
	if was := recorded.fields(); was != nil {
		values := make(url.Values)
		for name, list := range was {
			for _, value := range list {
				now, _ := renewed(p.nonces, value, page)
				values.Add(name, now)
			}
		}
		again.Body = []byte(values.Encode())
		again.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	has := page.page()
	for _, form := range has.forms {
		// Where one address does many things its query says which one this form is for.
		says := leaving.MatchString(form.action.RequestURI()) == leaving.MatchString(recorded.URL.RequestURI())
		if recorded.Method == http.MethodPost && says && plainPath(form.action) == plainPath(recorded.URL) {
			values := make(url.Values)
			was := recorded.fields()
			for _, field := range form.fields {
				if _, sent := was[field.name]; sent {
					values.Set(field.name, field.value)
				}
			}
			again.URL, again.Body = form.action, []byte(values.Encode())
			again.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			return again
		}
	}
	for _, link := range has.links {
		if recorded.Method == http.MethodGet && plainPath(link) == plainPath(recorded.URL) && leaving.MatchString(html.UnescapeString(link.RequestURI())) {
			again.URL = link
			return again
		}
	}
	return again
}

// Bearer returns the header in which the browser sends the token of an answer to the login; nil if there is none.
func (p *Proposal) Bearer(answer *Exchange) http.Header {
	if p.token == nil {
		return nil
	}
	value := ""
	switch p.token.words[0] {
	case "json":
		for _, member := range leaves(answer.said()) {
			if member.pointer == p.token.words[1] {
				value = member.value
			}
		}
	case "header":
		value = answer.Answer.Get(p.token.words[1])
	case "body":
		value = strings.TrimSpace(string(answer.Content))
	}
	if value == "" {
		return nil
	}
	if p.token.scheme != "" {
		value = p.token.scheme + " " + value
	}
	return http.Header{p.token.header: {value}}
}

// nonce is where a page has a value that goes with the next form: between a text in front of it and the byte behind it.
type nonce struct {
	before string
	end    byte
}

// nonceContext is how much in front of a nonce is looked for, in bytes.
const nonceContext = 16

// nonces finds in the pages in front of an exchange the values that it sends: those of a form that scripts fill. They
// are the nearest pages that have them.
func (r *Recording) nonces(e *Exchange) map[string]nonce {
	found := make(map[string]nonce)
	var values []string
	for _, list := range e.fields() {
		values = append(values, list...)
	}
	for _, member := range leaves(e.document()) {
		values = append(values, member.value)
	}
	for i := range r.Exchanges {
		if &r.Exchanges[i] == e {
			break
		}
		page := &r.Exchanges[i]
		for _, value := range values {
			at := bytes.Index(page.Content, []byte(value))
			if !page.isPage() || len(value) < leastSecret || at < nonceContext || at+len(value) >= len(page.Content) {
				continue
			}
			found[value] = nonce{string(page.Content[at-nonceContext : at]), page.Content[at+len(value)]}
		}
	}
	return found
}

// renewed returns what stands now in the place of a value in a page. ok is false if the value had no place, or the page
// has none.
func renewed(nonces map[string]nonce, value string, page *Exchange) (now string, ok bool) {
	place, known := nonces[value]
	if !known || page == nil {
		return value, false
	}
	// Less in front of it serves where the page says something else just before.
	for _, before := range []string{place.before, place.before[nonceContext/2:]} {
		_, behind, found := strings.Cut(string(page.Content), before)
		if end := strings.IndexByte(behind, place.end); found && end >= 0 {
			return behind[:end], true
		}
	}
	return value, false
}
