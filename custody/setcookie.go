package custody

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
)

// Change is what one Set-Cookie line asks for: to set a cookie, or to delete one. Which of the two depends on the time
// at which it is applied.
type Change struct {
	name, value string
	domain      string    // without the leading dot, lower case; "" for the host itself
	path        string    // "" for the default
	maxAge      int64     // in seconds; valid only if hasMaxAge
	expires     time.Time // zero if there is none
	hasMaxAge   bool
	httpOnly    bool
}

// ParseSetCookie reads one Set-Cookie line as RFC 6265 §5.2 says. It accepts more than net/http does, because browsers
// do: any bytes except control characters. It reports false for a line without a name, or with control characters.
func ParseSetCookie(line string) (Change, bool) {
	if hasControl(line) {
		return Change{}, false
	}
	pair, attributes, _ := strings.Cut(line, ";")
	name, value, found := strings.Cut(pair, "=")
	change := Change{name: trimSpace(name), value: trimSpace(value)}
	if !found || change.name == "" {
		return Change{}, false
	}
	for attributes != "" {
		var attribute string
		attribute, attributes, _ = strings.Cut(attributes, ";")
		key, text, _ := strings.Cut(attribute, "=")
		change.attribute(trimSpace(key), trimSpace(text))
	}
	return change, true
}

// Changes reads Set-Cookie lines. It leaves out those that [ParseSetCookie] does not accept.
func Changes(lines []string) (changes []Change) {
	for _, line := range lines {
		if change, ok := ParseSetCookie(line); ok {
			changes = append(changes, change)
		}
	}
	return changes
}

// attribute reads one attribute (RFC 6265 §5.2.1 to §5.2.6). Of several, the last valid one counts. Secure and SameSite
// are ignored: a jar has only one site and speaks only to its app.
func (c *Change) attribute(key, text string) {
	if isHTTPOnly(key) || namesHTTPOnly(key) || namesHTTPOnly(text) {
		c.httpOnly = true
	}
	switch {
	case strings.EqualFold(key, "Expires"):
		if expires, ok := parseDate(text); ok {
			c.expires = expires
		}
	case strings.EqualFold(key, "Max-Age"):
		if seconds, ok := parseMaxAge(text); ok {
			c.maxAge, c.hasMaxAge = seconds, true
		}
	case strings.EqualFold(key, "Domain"):
		if text != "" {
			c.domain = strings.ToLower(strings.TrimPrefix(text, "."))
		}
	case strings.EqualFold(key, "Path"):
		c.path = ""
		if strings.HasPrefix(text, "/") {
			c.path = text
		}
	}
}

// isHTTPOnly is generous: whatever characters are between the letters, HttpOnly was meant.
func isHTTPOnly(key string) bool {
	const wanted = "httponly"
	at := 0
	for i := range len(key) {
		c := key[i] | 0x20
		if c < 'a' || c > 'z' {
			continue
		}
		if at == len(wanted) || c != wanted[at] {
			return false
		}
		at++
	}
	return at == len(wanted)
}

// namesHTTPOnly finds the word in another attribute, where a missing or mistyped semicolon puts it.
func namesHTTPOnly(text string) bool {
	for text != "" {
		var word string
		end := strings.IndexAny(text, " \t,")
		if end < 0 {
			end = len(text)
		}
		word, text = text[:end], text[min(end+1, len(text)):]
		if isHTTPOnly(word) {
			return true
		}
	}
	return false
}

// Name returns the name of the cookie that is set or deleted.
func (c Change) Name() string { return c.name }

// AnsweredTo returns the change as part of an answer to a request for requestPath, which is the default for a cookie
// without a path (RFC 6265 §5.1.4). It may then be applied together with changes of other answers.
func (c Change) AnsweredTo(requestPath string) Change {
	if c.path == "" {
		c.path = defaultPath(requestPath)
	}
	return c
}

// Kept returns the change as one that every browser keeps: without lifetime, domain and path. It reports false if the
// change has no value, so that it can only delete a cookie.
func (c Change) Kept() (Change, bool) {
	return Change{name: c.name, value: c.value, path: "/", httpOnly: c.httpOnly}, c.value != ""
}

// HTTPOnly reports whether the app wanted to hide the cookie from scripts.
func (c Change) HTTPOnly() bool { return c.httpOnly }

// String returns the name, never the value.
func (c Change) String() string { return fmt.Sprintf("change of cookie %q, value withheld", c.name) }

// GoString is String: %#v must not show the value either.
func (c Change) GoString() string { return c.String() }

// LogValue is String, for log/slog.
func (c Change) LogValue() slog.Value { return slog.StringValue(c.String()) }

// expiry returns when the cookie ends (RFC 6265 §5.3 step 3: Max-Age wins over Expires). A zero time means with the
// session; deleted means that it has already ended.
func (c *Change) expiry(now time.Time) (expires time.Time, deleted bool) {
	switch {
	case c.hasMaxAge && c.maxAge <= 0:
		return time.Time{}, true
	case c.hasMaxAge:
		return now.Add(time.Duration(c.maxAge) * time.Second).Truncate(time.Second).UTC(), false
	case c.expires.IsZero():
		return time.Time{}, false
	}
	return c.expires, !now.Before(c.expires)
}

// trimSpace removes what RFC 6265 calls WSP, and nothing else.
func trimSpace(text string) string {
	for text != "" && (text[0] == ' ' || text[0] == '\t') {
		text = text[1:]
	}
	for text != "" && (text[len(text)-1] == ' ' || text[len(text)-1] == '\t') {
		text = text[:len(text)-1]
	}
	return text
}

// maxParts is the largest number of parts of a jar.
const maxParts = 8

// RanOut reports whether a cookie expired by itself between the two times. Since then the app goes by the cookies that
// it took precedence over.
func (j Jar) RanOut(since, now time.Time) bool {
	for i := range j.cookies {
		if c := &j.cookies[i]; !c.Expires.IsZero() && c.expired(now) && !c.expired(since) {
			return true
		}
	}
	return false
}

// Parts returns the jars that requests carry to paths where they do not carry the whole jar: an app may recognise
// somebody else by a part than by the whole. There are none unless cookies have different paths. ok is false if there
// are too many parts.
func (j Jar) Parts(now time.Time) (parts []Jar, ok bool) {
	whole := j.alive(now)
	paths := []string{"/"}
	for i := range whole.cookies {
		paths = appendOnce(paths, whole.cookies[i].Path)
	}
	if len(paths) == 1 {
		return nil, true
	}
	// A request carries the same as one to the longest of the paths that match its own.
	for _, path := range paths {
		part := Jar{cookies: slices.DeleteFunc(slices.Clone(whole.cookies), func(c Cookie) bool { return !pathMatch(path, c.Path) })}
		if part.Len() == 0 || part.saysAs(whole) || slices.ContainsFunc(parts, part.saysAs) {
			continue
		}
		if parts = append(parts, part); len(parts) > maxParts {
			return nil, false
		}
	}
	return parts, true
}

func (j Jar) alive(now time.Time) Jar {
	return Jar{cookies: slices.DeleteFunc(slices.Clone(j.cookies), func(c Cookie) bool { return c.expired(now) })}
}

// saysAs reports whether two jars have the same names and values, whatever the paths.
func (j Jar) saysAs(other Jar) bool { return j.within(other) && other.within(j) }

func (j Jar) within(other Jar) bool {
	return !slices.ContainsFunc(j.cookies, func(c Cookie) bool {
		return !slices.ContainsFunc(other.cookies, func(o Cookie) bool { return c.Name == o.Name && c.Value == o.Value })
	})
}
