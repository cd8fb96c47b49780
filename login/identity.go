package login

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"sallyport.example/sallyport/internal/match"
)

// Identity is a request by which the app is asked who is signed in, and the place of the name in its answer.
type Identity struct {
	// Path is the request's path, with a query if needed.
	Path string
	// Method is the request's method; empty: GET.
	Method string
	// ContentType and Body of the request; empty for none.
	ContentType string
	Body        string
	// Kind is JSON, Header or Body.
	Kind Kind
	// Pointer (RFC 6901) to the name, for JSON.
	Pointer string
	// Header is the header with the name, for Header.
	Header string
	// Pattern has one group that is the name, for Body. For Header it may select a part of the value; nil: all of it.
	Pattern *regexp.Regexp
	// Quoted: the group of a Body's pattern is inside a JSON string, as in a page's script, and is decoded as one:
	// `\u0026` is an ampersand there.
	Quoted bool
	// Prefix is put in front of the names that are read here, so that names of two kinds of account do not collide. The
	// caller adds it.
	Prefix string
	// Needs is a glob for names of cookies. Without any such cookie nobody is signed in, and the app is not asked: some
	// apps begin another session with each identity request of a stranger, and then do not accept the page's form any
	// more. Empty: the app is always asked.
	Needs match.Glob
	// Guests are names that the app gives to strangers, such as `anonymous`: a user of that name is not signed in.
	Guests []string
}

// Verdict is what an answer says about who is signed in.
type Verdict uint8

// The verdicts. The zero value is Unclear, so that nothing is concluded from a missing verdict.
const (
	// Unclear: the app gave no usable answer. Nothing is known; ask again.
	Unclear Verdict = iota
	// NotSignedIn: the app says that nobody is signed in.
	NotSignedIn
	// Known: the app named the account.
	Known
)

// String implements fmt.Stringer.
func (v Verdict) String() string {
	switch v {
	case Unclear:
		return "unclear"
	case NotSignedIn:
		return "not signed in"
	case Known:
		return "known"
	}
	return "unknown"
}

// Read returns whom the answer names.
//
// Only an answer of 200 can name somebody, by text that is not blank or by a number other than 0 (which several apps
// give strangers). The name is returned unchanged, because names are compared exactly. Without a name, and with any
// other status that is an answer, nobody is signed in. Unclear are server errors, 408, 425 and 429, bodies that cannot
// be read, and names that contradict each other, are too long, contain control characters, or begin or end with a
// space.
func (i *Identity) Read(a Answer) (name string, verdict Verdict) {
	switch {
	case a.Status == http.StatusOK:
	case a.Status < 200, a.Status >= 500, a.Status == http.StatusRequestTimeout, a.Status == http.StatusTooEarly,
		a.Status == http.StatusTooManyRequests:
		return "", Unclear
	default:
		return "", NotSignedIn
	}
	switch i.Kind {
	case JSON:
		name, verdict = i.readJSON(a)
	case Header:
		name, verdict = i.readHeader(a)
	case Body:
		name, verdict = i.readText(a)
	}
	if verdict != Known {
		return "", verdict
	}
	if strings.TrimSpace(name) == "" {
		return "", NotSignedIn
	}
	if strings.TrimSpace(name) != name {
		// A recipient of a header with it would read another name: header lines are trimmed (RFC 9110 §5.5).
		return "", Unclear
	}
	if len(name) > NameLimit || !utf8.ValidString(name) || strings.ContainsFunc(name, controls) {
		return "", Unclear
	}
	return name, Known
}

func (i *Identity) readJSON(a Answer) (string, Verdict) {
	if a.BodyUnknown {
		return "", Unclear
	}
	tokens, err := parsePointer(i.Pointer)
	if err != nil {
		return "", Unclear
	}
	n, err := pickAnswer(a.Body, tokens)
	if err != nil {
		// A login page in place of the JSON is an answer; broken JSON is not.
		if m, flaw := readMedia(a.Header.Get("Content-Type")); errors.Is(err, errJSON) && flaw == "" && m.kind != "" && !m.json() {
			return "", NotSignedIn
		}
		return "", Unclear
	}
	if n == nil || n.kind != text && (n.kind != number || n.zero()) {
		return "", NotSignedIn
	}
	return n.text, Known
}

// Where describes the place at which the app names the user, for operators: the path, and what is read there.
func (i *Identity) Where() string {
	switch i.Kind {
	case JSON:
		return i.Path + " json " + i.Pointer
	case Header:
		return i.Path + " header " + i.Header
	}
	return i.Path + " " + string(i.Kind)
}

// pickAnswer is pickJSON for an app's answer, which may have a prefix before the JSON.
func pickAnswer(body []byte, tokens []string) (*node, error) {
	return pickJSON(string(withoutPrefix(body)), tokens)
}

// withoutPrefix skips what some apps write before JSON: a byte order mark, or `)]}'` against its use as a script.
func withoutPrefix(body []byte) []byte {
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	if rest, found := bytes.CutPrefix(body, []byte(")]}'")); found {
		return bytes.TrimPrefix(rest, []byte(","))
	}
	return body
}

// IsGuest reports whether a name is one of those that the operator says strangers have.
func (i *Identity) IsGuest(name string) bool { return slices.Contains(i.Guests, name) }

func (i *Identity) readHeader(a Answer) (string, Verdict) {
	values := a.Header[http.CanonicalHeaderKey(i.Header)]
	if i.Pattern == nil {
		return agreed(values)
	}
	var names []string
	for _, value := range values {
		for _, found := range i.Pattern.FindAllStringSubmatch(value, -1) {
			names = append(names, found[1])
		}
	}
	return agreed(names)
}

func (i *Identity) readText(a Answer) (string, Verdict) {
	if a.BodyUnknown || i.Pattern == nil || i.Pattern.NumSubexp() != 1 {
		return "", Unclear
	}
	var names []string
	for _, found := range i.Pattern.FindAllSubmatch(a.Body, -1) {
		name := string(found[1])
		if i.Quoted {
			// Strictly, because a broken string, such as half of a character, could be read as another account's name.
			n, err := pickJSON(`"`+name+`"`, nil)
			if err != nil || n == nil || n.kind != text {
				return "", Unclear
			}
			name = n.text
		}
		names = append(names, name)
	}
	return agreed(names)
}

// agreed returns the name if all values are the same. What others wrote into a page may look like a name as well.
func agreed(values []string) (string, Verdict) {
	if len(values) == 0 {
		return "", NotSignedIn
	}
	for _, value := range values[1:] {
		if value != values[0] {
			return "", Unclear
		}
	}
	return values[0], Known
}

// errOneGroup refuses a pattern that does not say which part is the name.
var errOneGroup = errors.New("the regular expression must have exactly one group")

func (i *Identity) validate() error {
	u, err := url.ParseRequestURI(i.Path)
	if err != nil || !strings.HasPrefix(i.Path, "/") || strings.Contains(i.Path, "#") || !match.ParsePath(u).Canonical {
		return fmt.Errorf("path %q is not a canonical path", i.Path)
	}
	method := i.Method
	if method == "" {
		method = http.MethodGet
	}
	if !match.IsToken(method) || method != strings.ToUpper(method) {
		return fmt.Errorf("method %q is not a method in capitals", method)
	}
	if (i.Body != "" || i.ContentType != "") && (method == http.MethodGet || method == http.MethodHead) {
		return fmt.Errorf("%s takes no body", method)
	}
	if strings.ContainsFunc(i.ContentType, controls) {
		return errors.New("content type holds a control character")
	}
	switch i.Kind {
	case JSON:
		_, err := parsePointer(i.Pointer)
		return err
	case Header:
		if !match.IsToken(i.Header) {
			return fmt.Errorf("%q is no name of a header", i.Header)
		}
		if i.Pattern != nil && i.Pattern.NumSubexp() != 1 {
			return errOneGroup
		}
		return nil
	case Body:
		if i.Pattern == nil || i.Pattern.NumSubexp() != 1 {
			return errOneGroup
		}
		return nil
	}
	return fmt.Errorf("%q is none of json, header, body", i.Kind)
}

// setsCookie reports whether the answer leaves the browser with a cookie whose name matches the glob. The order of the
// lines counts: apps delete a cookie and set it again in one answer, and the other way round.
func setsCookie(a *Answer, name match.Glob) bool {
	lines := a.SetCookies
	if lines == nil {
		lines = a.Header["Set-Cookie"]
	}
	alive := map[string]bool{}
	for _, line := range lines {
		pair, attributes, _ := strings.Cut(line, ";")
		key, value, _ := strings.Cut(pair, "=")
		key, value = strings.Trim(key, " \t"), strings.Trim(value, " \t\"")
		if !name.Match(key) {
			continue
		}
		scope, deleted := readAttributes(attributes, a.Header)
		alive[key+"\x00"+scope] = !deleted && value != "" && value != "deleted"
	}
	for _, is := range alive {
		if is {
			return true
		}
	}
	return false
}

// readAttributes returns what distinguishes two cookies of one name, and whether the line deletes.
func readAttributes(attributes string, header http.Header) (scope string, deleted bool) {
	var path, domain string
	maxAge, expires := "", ""
	for attribute := range strings.SplitSeq(attributes, ";") {
		key, value, _ := strings.Cut(attribute, "=")
		value = strings.Trim(value, " \t")
		switch strings.ToLower(strings.Trim(key, " \t")) {
		case "path":
			path = value
		case "domain":
			domain = strings.ToLower(strings.TrimPrefix(value, "."))
		case "max-age":
			maxAge = value
		case "expires":
			expires = value
		}
	}
	scope = path + "\x00" + domain
	if seconds, err := strconv.ParseInt(maxAge, 10, 64); err == nil {
		return scope, seconds <= 0
	}
	at, ok := cookieTime(expires)
	if !ok {
		return scope, false
	}
	now, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		now = time.Now()
	}
	return scope, !at.After(now)
}

// cookieTime reads the date formats that apps send.
func cookieTime(value string) (time.Time, bool) {
	for _, layout := range []string{time.RFC1123, "Mon, 02-Jan-2006 15:04:05 MST", "Mon, 2 Jan 2006 15:04:05 MST", "Mon, 02-Jan-06 15:04:05 MST", "Monday, 02-Jan-06 15:04:05 MST", time.ANSIC} {
		if at, err := time.Parse(layout, value); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}
