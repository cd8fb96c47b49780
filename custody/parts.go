package custody

import (
	"slices"
	"time"
)

// maxParts is how many parts of a jar are told apart.
const maxParts = 8

// RanOut reports whether a cookie has run out by itself between the two times: what stood below it counts since then.
func (j Jar) RanOut(since, now time.Time) bool {
	for i := range j.cookies {
		if c := &j.cookies[i]; !c.Expires.IsZero() && c.expired(now) && !c.expired(since) {
			return true
		}
	}
	return false
}

// Parts are the cookies that requests carry to paths at which they do not carry the whole jar: an app may know somebody
// else by a part than by the whole. Without cookies of different paths there are none. ok is false where there are too
// many to be told apart.
func (j Jar) Parts(now time.Time) (parts []Jar, ok bool) {
	whole := j.alive(now)
	paths := []string{"/"}
	for i := range whole.cookies {
		paths = appendOnce(paths, whole.cookies[i].Path)
	}
	if len(paths) == 1 {
		return nil, true
	}
	// A request carries what the longest of the paths that match its own would carry.
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

// saysAs reports whether two jars hold the same names and values, whatever the paths.
func (j Jar) saysAs(other Jar) bool { return j.within(other) && other.within(j) }

func (j Jar) within(other Jar) bool {
	return !slices.ContainsFunc(j.cookies, func(c Cookie) bool {
		return !slices.ContainsFunc(other.cookies, func(o Cookie) bool { return c.Name == o.Name && c.Value == o.Value })
	})
}
