package custody

import (
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Effect is what an answer has changed in a jar: the difference between before and after. A cookie that one answer
// deletes and sets again to its old value counts as refreshed. Each list has a name at most once.
type Effect struct {
	// Changed are the names of cookies that are new or have another value.
	Changed []string
	// Deleted are the names of cookies that the app has ended. A cookie that ran out by itself is not among them.
	Deleted []string
	// Refreshed are the names of cookies that were set again to the value that they had.
	Refreshed []string
}

// Apply returns the jar after the changes of one answer, in their order, as RFC 6265 §5.3 says. host is the host of the
// answered request, with or without a port, and requestPath its path, spelled as for [Policy.CookieHeader].
//
// Each name has only one value: if an answer sets a cookie, all others whose name an app could mistake for its name
// leave the jar, unless they have the same value for other paths. Otherwise the app could be asked about one of them
// and be sent the other.
//
// Cookies for other hosts are ignored, and so are those for a whole top-level domain. Expired cookies leave the jar. A
// change that would make the jar larger than [MaxSize] is left out and the others are still made: next and effect are
// valid even if the error is [ErrFull].
func (j Jar) Apply(changes []Change, host, requestPath string, now time.Time) (next Jar, effect Effect, err error) {
	before := Jar{cookies: make([]Cookie, 0, len(j.cookies))}
	for i := range j.cookies {
		if !j.cookies[i].expired(now) {
			before.cookies = append(before.cookies, j.cookies[i])
		}
	}
	next = Jar{cookies: make([]Cookie, len(before.cookies), len(before.cookies)+len(changes))}
	copy(next.cookies, before.cookies)
	size := next.Size()
	host = canonicalHost(host)
	var touched []Cookie
	for i := range changes {
		cookie, deleted, ok := changes[i].cookie(host, requestPath, now)
		if !ok {
			continue
		}
		at := next.find(&cookie)
		grown := size
		if at >= 0 {
			grown -= next.cookies[at].size()
		}
		if !deleted {
			grown += cookie.size()
		}
		switch {
		case grown > MaxSize && grown > size:
			err = ErrFull
			continue
		case at < 0 && deleted:
		case at < 0:
			next.cookies = append(next.cookies, cookie)
		case deleted:
			next.cookies = slices.Delete(next.cookies, at, at+1)
		default:
			next.cookies[at] = cookie
		}
		size = grown
		if !deleted {
			size -= next.dropRivals(&cookie)
		}
		touched = append(touched, cookie)
	}
	return next, difference(before, next, touched), err
}

// dropRivals removes the cookies that have the given one's name and another value, and returns how many bytes that
// frees.
func (j *Jar) dropRivals(of *Cookie) (freed int) {
	j.cookies = slices.DeleteFunc(j.cookies, func(c Cookie) bool {
		if c.same(of) || c.Value == of.Value && c.Name == of.Name || !sameFold(c.Name, of.Name) {
			return false
		}
		freed += c.size()
		return true
	})
	return freed
}

func difference(before, after Jar, touched []Cookie) (effect Effect) {
	for i := range touched {
		was, is := before.find(&touched[i]), after.find(&touched[i])
		name := touched[i].Name
		switch {
		case was < 0 && is < 0:
		case is < 0:
			effect.Deleted = appendOnce(effect.Deleted, name)
		case was < 0 || before.cookies[was].Value != after.cookies[is].Value:
			effect.Changed = appendOnce(effect.Changed, name)
		default:
			effect.Refreshed = appendOnce(effect.Refreshed, name)
		}
	}
	return effect
}

// cookie returns the cookie that a change sets or deletes, or false if the host must not set it.
func (c *Change) cookie(host, requestPath string, now time.Time) (cookie Cookie, deleted, ok bool) {
	cookie = Cookie{Name: c.name, Value: c.value, Domain: host, Path: c.path, HostOnly: true}
	if cookie.Name == "" {
		return Cookie{}, false, false
	}
	if c.domain != "" && c.domain != host {
		// Without a list of public suffixes, a domain without a dot counts as one.
		if !domainMatch(host, c.domain) || strings.IndexByte(c.domain, '.') < 0 {
			return Cookie{}, false, false
		}
		cookie.Domain, cookie.HostOnly = c.domain, false
	} else if c.domain != "" && strings.IndexByte(c.domain, '.') >= 0 && !isAddress(host) {
		cookie.HostOnly = false
	}
	if cookie.Path == "" {
		cookie.Path = defaultPath(requestPath)
	}
	cookie.Expires, deleted = c.expiry(now)
	return cookie, deleted, true
}

// canonicalHost returns a request's host in lower case, without its port and a trailing dot.
func canonicalHost(host string) string {
	if strings.HasPrefix(host, "[") {
		if end := strings.IndexByte(host, ']'); end > 0 {
			host = host[1:end]
		}
	} else if colon := strings.IndexByte(host, ':'); colon >= 0 && strings.IndexByte(host[colon+1:], ':') < 0 {
		host = host[:colon]
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// domainMatch is RFC 6265 §5.1.3. Both are in lower case.
func domainMatch(host, domain string) bool {
	if host == domain {
		return true
	}
	return len(host) > len(domain) && host[len(host)-len(domain)-1] == '.' && strings.HasSuffix(host, domain) && !isAddress(host)
}

func isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

// defaultPath is RFC 6265 §5.1.4: the folder of the requested path.
func defaultPath(requestPath string) string {
	last := strings.LastIndexByte(requestPath, '/')
	if last <= 0 || requestPath[0] != '/' {
		return "/"
	}
	return requestPath[:last]
}

// pathMatch is RFC 6265 §5.1.4.
func pathMatch(requestPath, cookiePath string) bool {
	if !strings.HasPrefix(requestPath, cookiePath) {
		return false
	}
	return len(requestPath) == len(cookiePath) || cookiePath[len(cookiePath)-1] == '/' || requestPath[len(cookiePath)] == '/'
}
