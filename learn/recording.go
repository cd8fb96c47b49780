package learn

import (
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
	for _, attempt := range r.attempts {
		typed[attempt.password] = true
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

// leastSecret is how long a secret is at least that is looked for inside another text, in bytes. A shorter one stands in
// too many words by chance.
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
