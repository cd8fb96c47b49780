package learn

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"sallyport.example/sallyport/internal/match"
)

// Kind is where a login has its name and its password.
type Kind string

// The kinds.
const (
	// Form is a form, urlencoded or multipart.
	Form Kind = "form"
	// JSON is a document of JSON.
	JSON Kind = "json"
	// Basic is HTTP Basic.
	Basic Kind = "basic"
)

// Attempt is an exchange in which somebody sent a password.
type Attempt struct {
	*Exchange
	Kind Kind
	// NameField and PasswordField are the names of the fields, or JSON pointers; empty for Basic. NameField is also
	// empty if a password came without a name.
	NameField, PasswordField string
	// name and password are what was typed.
	name, password string
	// at is the exchange's place in the recording, and nonces what it sends that a page had.
	at     int
	nonces map[string]nonce
}

var (
	passwordNames = regexp.MustCompile(`(?i)^(.*[^a-z])?(pass|passwd|password|pwd|passphrase|passwort|motdepasse|kennwort|secret)([^a-z].*)?$|password$|passwd$|pwd$|^pass`)
	userNames     = regexp.MustCompile(`(?i)user|login|^log$|e-?mail|^name$|account|identity|identifier|^uid$|^u$|^usr`)
	// notNames are fields that look like a name's and are none.
	notNames = regexp.MustCompile(`(?i)csrf|xsrf|token|submit|button|remember|redirect|next|return|url|action`)
)

// attempts finds the exchanges in which a password was sent to the app. The fields that the recorded pages show as
// passwords tell what one is, and names that are usual for one where no page does.
func attempts(exchanges []Exchange) (found []Attempt) {
	shown := make(map[string]string) // the password field of a form to the name's field before it
	for i := range exchanges {
		for _, form := range exchanges[i].page().forms {
			if password := form.password(); password != "" {
				shown[password] = nameBefore(form.fields, password)
			}
		}
	}
	for i := range exchanges {
		e := &exchanges[i]
		made := Attempt{Exchange: e, at: i}
		if name, password, ok := e.basic(); ok {
			made.Kind, made.name, made.password = Basic, name, password
			found = append(found, made)
			continue
		}
		if e.Method == http.MethodGet || e.Method == http.MethodHead {
			continue
		}
		switch values, document := e.fields(), e.document(); {
		case values != nil && made.ofForm(values, shown), document != nil && made.ofJSON(leaves(document)):
			found = append(found, made)
		}
	}
	return found
}

// nameBefore returns the field of a form that has the name: the last one in front of the password that takes text.
func nameBefore(fields []field, password string) (name string) {
	for _, field := range fields {
		if field.name == password {
			break
		}
		switch field.kind {
		case "", "text", "email", "tel", "number":
			name = field.name
		}
	}
	return name
}

// ofForm fills in the fields of a form, and reports whether one is a password.
func (a *Attempt) ofForm(values url.Values, shown map[string]string) bool {
	a.Kind = Form
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if _, is := shown[name]; is && values.Get(name) != "" {
			a.PasswordField = name
		}
	}
	if a.PasswordField == "" {
		a.PasswordField = only(names, func(name string) bool { return passwordNames.MatchString(name) && values.Get(name) != "" })
	}
	if a.PasswordField == "" {
		return false
	}
	a.NameField = shown[a.PasswordField]
	if a.NameField == "" || !values.Has(a.NameField) {
		a.NameField = first(names, func(name string) bool {
			return name != a.PasswordField && userNames.MatchString(name) && !notNames.MatchString(name) && values.Get(name) != ""
		})
	}
	a.name, a.password = values.Get(a.NameField), values.Get(a.PasswordField)
	return true
}

// ofJSON fills in the members of a document, and reports whether one is a password.
func (a *Attempt) ofJSON(members []leaf) bool {
	a.Kind = JSON
	var pointers []string
	values := make(map[string]string)
	for _, member := range members {
		if member.text && !member.listed {
			pointers = append(pointers, member.pointer)
			values[member.pointer] = member.value
		}
	}
	a.PasswordField = only(pointers, func(pointer string) bool {
		return passwordNames.MatchString(lastName(pointer)) && values[pointer] != ""
	})
	if a.PasswordField == "" {
		return false
	}
	a.NameField = first(pointers, func(pointer string) bool {
		last := lastName(pointer)
		return pointer != a.PasswordField && userNames.MatchString(last) && !notNames.MatchString(last) && values[pointer] != ""
	})
	a.name, a.password = values[a.NameField], values[a.PasswordField]
	return true
}

// first returns the first name that fits; empty if none does.
func first(names []string, fits func(string) bool) string {
	if at := slices.IndexFunc(names, fits); at >= 0 {
		return names[at]
	}
	return ""
}

// only returns the name that fits if there is just one.
func only(names []string, fits func(string) bool) (found string) {
	for _, name := range names {
		if fits(name) {
			if found != "" {
				return ""
			}
			found = name
		}
	}
	return found
}

// path returns the path of the login as the gateway reads it; empty if it is not spelled so.
func (a *Attempt) path() string { return canonical(a.URL) }

// canonical returns the path of an address as the gateway reads it, without a session in it. It is empty if no line can
// name just this path: since it is spelled otherwise, or has a star, which would stand for anything.
func canonical(address *url.URL) string {
	plain, err := url.Parse(plainPath(address))
	if err != nil {
		return ""
	}
	if path := match.ParsePath(plain); path.Canonical && !strings.Contains(path.Text, "*") {
		return path.Text
	}
	return ""
}

// plainPath returns the path of an address as it is written, without parameters of its segments (;jsessionid=…).
func plainPath(address *url.URL) string {
	path, _, _ := strings.Cut(address.EscapedPath(), ";")
	if path == "" {
		return "/"
	}
	return path
}

// same reports whether two attempts are logins of one kind at one address.
func (a *Attempt) same(b *Attempt) bool {
	if a.Kind == Basic || b.Kind == Basic {
		return a.Kind == b.Kind
	}
	return a.Kind == b.Kind && a.Method == b.Method && a.path() == b.path() && a.NameField == b.NameField && a.PasswordField == b.PasswordField
}
