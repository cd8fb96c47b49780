package learn

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Recording is what was recorded of an app, in the order in which the requests were sent, with the passwords in it
// found.
type Recording struct {
	Exchanges []Exchange

	attempts []Attempt
	// typed are the passwords, and others all further secrets: values of cookies, tokens, nonces of forms.
	typed, others []string
}

// New reads exchanges. They must not change afterwards.
func New(exchanges []Exchange) *Recording {
	r := &Recording{Exchanges: exchanges, attempts: attempts(exchanges)}
	typed, others := make(map[string]bool), make(map[string]bool)
	for i := range r.attempts {
		typed[r.attempts[i].password] = true
		r.attempts[i].nonces = r.nonces(r.attempts[i].Exchange)
	}
	for i := range exchanges {
		e := &exchanges[i]
		for _, value := range e.sent() {
			others[value] = true
		}
		for _, cookie := range e.set() {
			others[cookie.Value] = true
		}
		for _, value := range e.Header.Values("Authorization") {
			others[value] = true
			others[value[strings.LastIndexByte(value, ' ')+1:]] = true
		}
		for name, values := range e.fields() {
			noteSecrets(others, name, values...)
		}
		for name, values := range e.URL.Query() {
			noteSecrets(others, name, values...)
		}
		for _, document := range []any{e.document(), e.said()} {
			for _, member := range leaves(document) {
				if member.text {
					noteSecrets(others, lastName(member.pointer), member.value)
				}
			}
		}
	}
	for text := range typed {
		r.typed = append(r.typed, text)
	}
	for text := range others {
		r.others = append(r.others, text)
	}
	slices.Sort(r.typed)
	slices.Sort(r.others)
	return r
}

// secretNames are names of fields whose values nobody writes down.
var secretNames = regexp.MustCompile(`(?i)token|csrf|xsrf|nonce|secret|session|^sid$|sid$|key$|auth$|jwt|ticket|signature|pass|pwd|^code$|state$|^sectok$`)

func noteSecrets(secrets map[string]bool, name string, values ...string) {
	if secretNames.MatchString(name) {
		for _, value := range values {
			secrets[value] = true
		}
	}
}

// leastSecret is how long a secret is at least that is looked for inside another text, in bytes. A shorter one stands
// in too many words by chance.
const leastSecret = 8

// Secret reports whether a value of the app's or of the browser's is a secret of the recording, or has one in it.
func (r *Recording) Secret(value string) bool { return holds(r.typed, value) || holds(r.others, value) }

func holds(secrets []string, text string) bool {
	decoded, err := url.QueryUnescape(text)
	if err != nil {
		decoded = text
	}
	return slices.ContainsFunc(secrets, func(secret string) bool {
		return secret != "" && (text == secret || decoded == secret ||
			len(secret) >= leastSecret && (strings.Contains(text, secret) || strings.Contains(decoded, secret)))
	})
}

// plainAddress returns an address as it can be written: without the parts of its query that hold a secret or look as if
// they were made for one request. It is empty if the path itself holds one. A password is not looked for in paths and
// names: `password` is the name of many a field.
func (r *Recording) plainAddress(address *url.URL) string {
	path := plainPath(address)
	if holds(r.others, path) {
		return ""
	}
	var kept []string
	for _, part := range strings.Split(address.RawQuery, "&") {
		name, value, _ := strings.Cut(part, "=")
		if name != "" && !secretNames.MatchString(name) && !r.Secret(value) && !chance(value) && !holds(r.others, name) {
			kept = append(kept, part)
		}
	}
	if len(kept) == 0 {
		return path
	}
	return path + "?" + strings.Join(kept, "&")
}

// chance reports whether a value looks as if it was made for one request or one moment: long, and with digits.
func chance(value string) bool {
	digits := 0
	for _, c := range value {
		if c >= '0' && c <= '9' {
			digits++
		}
	}
	return len(value) > 64 || len(value) >= 16 && digits >= 4 || len(value) >= 10 && digits == len(value)
}

// outcome says which attempt had the right password, and which of the same kind a wrong one.
type outcome struct {
	right *Attempt
	wrong *Attempt // nil: none was recorded
	// until is the place of the last exchange that was the account's: the one in front of the next attempt, or the
	// last.
	until int
	// named says that the app named the account afterwards. Without it the last attempt is taken for the right one.
	named bool
}

// decide finds out which attempt was right: the last one after which the app names the account. If it names it nowhere
// the last attempt is taken for it, since that is the order of the guide.
func (r *Recording) decide() (found outcome) {
	usable := make([]*Attempt, 0, len(r.attempts))
	forms := false
	for i := range r.attempts {
		forms = forms || r.attempts[i].Kind != Basic
	}
	for i := range r.attempts {
		if attempt := &r.attempts[i]; attempt.Kind != Basic || !forms {
			usable = append(usable, attempt)
		}
	}
	if len(usable) == 0 {
		return outcome{}
	}
	if !forms {
		return r.decideBasic(usable)
	}
	for i, attempt := range usable {
		until := len(r.Exchanges) - 1
		if i+1 < len(usable) {
			until = usable[i+1].at - 1
		}
		if attempt.NameField != "" && r.naming(attempt, until) {
			found = outcome{right: attempt, until: until, named: true}
		}
	}
	if found.right == nil {
		found = outcome{right: usable[len(usable)-1], until: len(r.Exchanges) - 1}
	}
	for _, attempt := range usable {
		if attempt.same(found.right) && attempt.password != found.right.password && attempt.password != "" {
			found.wrong = attempt
		}
	}
	return found
}

// decideBasic does so for HTTP Basic, where the status says it.
func (r *Recording) decideBasic(usable []*Attempt) (found outcome) {
	for _, attempt := range usable {
		if attempt.Status == http.StatusUnauthorized {
			found.wrong = attempt
		} else if attempt.Status < 400 && attempt.isPage() && (found.right == nil || !found.right.isPage()) || found.right == nil {
			found.right = attempt
		}
	}
	if found.right == nil {
		return outcome{}
	}
	if found.wrong != nil && found.wrong.password == found.right.password {
		found.wrong = nil
	}
	found.until, found.named = len(r.Exchanges)-1, true
	return found
}

// naming reports whether the app names the account between an attempt and another exchange, its answer to the attempt
// included. A form that shows again what was typed does not count.
func (r *Recording) naming(attempt *Attempt, until int) bool {
	for at := attempt.at; at <= until; at++ {
		e := &r.Exchanges[at]
		if e.Status >= 300 && e.Status != http.StatusFound && e.Status != http.StatusSeeOther {
			continue
		}
		for name, values := range e.Answer {
			if name != "Set-Cookie" && name != "Location" && len(values) == 1 && sameName(values[0], attempt.name) {
				return true
			}
		}
		for _, member := range leaves(e.said()) {
			if member.text && !member.listed && sameName(member.value, attempt.name) {
				return true
			}
		}
		if e.Status == http.StatusOK && e.isPage() && !e.asks(attempt) && len(r.inPage(e, attempt.name)) > 0 {
			return true
		}
	}
	return false
}

// asks reports whether a page has the form of the attempt: that of its login, which may show what was typed.
func (e *Exchange) asks(attempt *Attempt) bool {
	for _, form := range e.page().forms {
		if form.has(attempt.NameField) && form.has(attempt.PasswordField) {
			return true
		}
	}
	return false
}

// sameName reports whether the app says the name that was typed, perhaps in another case.
func sameName(said, typed string) bool {
	typed = strings.TrimSpace(typed)
	return typed != "" && strings.EqualFold(strings.TrimSpace(said), typed)
}

// Progress is how far a recording has come, for whoever is making one.
type Progress struct {
	// Pages: a page was opened. Passwords: a password was sent. Different: a second one was, another than the first.
	// Named: the app named the account behind one. Left: the account was signed out.
	Pages, Passwords, Different, Named, Left bool
}

// Progress says how far the recording has come.
func (r *Recording) Progress() (p Progress) {
	for i := range r.Exchanges {
		p.Pages = p.Pages || r.Exchanges[i].isPage()
	}
	o := r.decide()
	if o.right == nil {
		return p
	}
	p.Passwords = true
	for i := range r.attempts {
		p.Different = p.Different || r.attempts[i].password != r.attempts[0].password
	}
	p.Named = o.named && len(r.identities(o)) > 0
	session, _ := r.sessionCookies(o)
	p.Left = p.Different && r.logout(o, session) != nil
	return p
}
