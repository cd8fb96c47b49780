package custody

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// MaxSize is the largest size of a jar, in bytes as [Jar.Size] counts them.
const MaxSize = 32 << 10

// overhead is what each cookie counts besides its texts. It keeps the number of cookies in a jar small (512), so that
// no request has to be compared with thousands of names.
const overhead = 64

// ErrFull says that a jar would have grown beyond [MaxSize]. The change that did not fit was left out.
var ErrFull = errors.New("custody is full")

// Cookie is one cookie that the app set, as RFC 6265 §5.3 stores it.
type Cookie struct {
	// Name and Value are the bytes that the app sent, without the white space around them.
	Name, Value string
	// Domain is the host that the cookie goes to, in lower case, without a dot in front.
	Domain string
	// Path is the path from which on the cookie is sent. It starts with a slash.
	Path string
	// HostOnly: the cookie goes to Domain itself and not to the hosts below it.
	HostOnly bool
	// Expires is when the cookie ends, in whole seconds, UTC. Zero: with the session.
	Expires time.Time
}

// String returns the name and where the cookie goes, never the value.
func (c Cookie) String() string {
	return fmt.Sprintf("cookie %q for %q%q, value withheld", c.Name, c.Domain, c.Path)
}

// GoString is String: %#v must not show the value either.
func (c Cookie) GoString() string { return c.String() }

// LogValue is String, for log/slog.
func (c Cookie) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalJSON is String, for loggers that fall back on JSON. Jars are stored with [Jar.Encode].
func (c Cookie) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, "%q", "cookie, withheld"), nil }

func (c Cookie) size() int {
	return len(c.Name) + len(c.Value) + len(c.Domain) + len(c.Path) + overhead
}

// expired reports whether the cookie has ended. A cookie ends at the very second of its expiry.
func (c *Cookie) expired(now time.Time) bool { return !c.Expires.IsZero() && !now.Before(c.Expires) }

// same reports whether two cookies are the same by RFC 6265 §5.3 step 11, so that the newer replaces the older.
func (c *Cookie) same(other *Cookie) bool {
	return c.Name == other.Name && c.Domain == other.Domain && c.Path == other.Path
}

// swallows reports whether a server might read what follows the cookie in a header as a part of it.
func (c *Cookie) swallows() bool { return strayQuote(c.Name) || strayQuote(c.Value) }

// Jar holds the app's cookies of one session, oldest first. The zero value is an empty jar. Jars are immutable: methods
// return changed copies, which share only the texts.
type Jar struct {
	cookies []Cookie
}

// Clone returns a copy that shares only the texts with the jar.
func (j Jar) Clone() Jar { return Jar{cookies: slices.Clone(j.cookies)} }

// Len returns the number of cookies, including expired ones.
func (j Jar) Len() int { return len(j.cookies) }

// Size returns how many bytes of [MaxSize] the jar uses: the texts, and a fixed number for each cookie. The output of
// [Jar.Encode] is at most four bytes longer.
func (j Jar) Size() int {
	total := 0
	for i := range j.cookies {
		total += j.cookies[i].size()
	}
	return total
}

// Names returns the names of all cookies, each once, oldest first.
func (j Jar) Names() []string {
	var names []string
	for i := range j.cookies {
		names = appendOnce(names, j.cookies[i].Name)
	}
	return names
}

// Holds reports whether an app could mistake name for that of one of the cookies, whatever their hosts, paths and
// expiries: whether the folds of the two are equal ([match.FoldName]). [Policy.Sort] calls it.
func (j Jar) Holds(name string) bool {
	held := heldNames{jar: &j}
	return held.has(name)
}

// Without returns the jar without the cookies whose names an app could mistake for one of these.
func (j Jar) Without(names []string) Jar {
	return Jar{cookies: slices.DeleteFunc(slices.Clone(j.cookies), func(c Cookie) bool { return anyFold(names, c.Name) })}
}

// String says how many cookies the jar holds and nothing else.
func (j Jar) String() string { return fmt.Sprintf("jar of %d cookies", len(j.cookies)) }

// GoString is String: %#v must not show values either.
func (j Jar) GoString() string { return j.String() }

// LogValue is String, for log/slog.
func (j Jar) LogValue() slog.Value { return slog.StringValue(j.String()) }

func (j *Jar) find(wanted *Cookie) int {
	return slices.IndexFunc(j.cookies, func(c Cookie) bool { return c.same(wanted) })
}

func appendOnce(names []string, name string) []string {
	if slices.Contains(names, name) {
		return names
	}
	return append(names, name)
}

// SameValues reports whether two jars mean the same to an app that gets all of their cookies.
func (j Jar) SameValues(other Jar) bool {
	return len(j.cookies) == len(other.cookies) && !slices.ContainsFunc(j.cookies, func(c Cookie) bool {
		return !slices.ContainsFunc(other.cookies, func(o Cookie) bool { return c.Name == o.Name && c.Value == o.Value })
	})
}

// Equal reports whether two jars hold the same cookies with the same values, in the same order.
func (j Jar) Equal(other Jar) bool {
	return slices.EqualFunc(j.cookies, other.cookies, func(a, b Cookie) bool {
		return a.same(&b) && a.Value == b.Value && a.HostOnly == b.HostOnly && a.Expires.Equal(b.Expires)
	})
}
