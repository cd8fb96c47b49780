package custody

import (
	"slices"
	"strings"
	"time"

	"sallyport.example/sallyport/internal/match"
)

// Limits on what the browser may add to the Cookie header. Cookies beyond them are dropped one by one.
const (
	maxBrowserBytes   = 8 << 10
	maxBrowserCookies = 100
	// maxExamined bounds the comparisons with held cookies, for cookies that are not sent in the end.
	maxExamined = 4 * maxBrowserCookies
	// maxPieces is into how many pieces commas may divide a value.
	maxPieces = 16
)

// AnyPath is the path of the gateway's own identity requests: they carry every cookie that requests to any path of the
// host would carry, so that the app's answer is true for all of them.
const AnyPath = "*"

// CookieHeader writes the Cookie header of a request to the app: the cookies in custody that belong to it (RFC 6265
// §5.4: longest path first, then oldest first), then those of the browser's cookies that it may send. The empty string
// means that the request must have no Cookie header.
//
// client are the raw values of the browser's Cookie headers; jar may be nil; granted are the names that the app gave
// the browser in this session ([Sorted.Granted]). host and path are the request's, the path without its query and
// spelled as for [Jar.Apply].
//
// A browser's cookie is sent on if its name is granted, fits Pass, or contains csrf or xsrf, and if nothing about it
// can be misread (P3): its name is a token that folds neither to one of Own or Hold nor to that of any cookie in the
// jar, even one that does not belong to this request; neither name nor value can begin another cookie to any server. Of
// several with one name the first is sent. At most 100 cookies and 8 KiB are sent, of the first 400 that a browser may
// send.
//
// A cookie in custody that has quotes, other than one pair around its value, comes last, so that no cookie of the
// browser follows that a server could read as a part of it. In that case the browser's cookies must not be named like
// an attribute either.
func (p *Policy) CookieHeader(client []string, jar *Jar, granted []string, host, path string, now time.Time) string {
	var headerSpace [1 << 10]byte
	var orderSpace [32]int
	header := headerSpace[:0]
	order := orderSpace[:0]
	stray := false
	if jar != nil {
		order = jar.belonging(order, host, path, now)
		for _, i := range order {
			c := &jar.cookies[i]
			if c.swallows() {
				stray = true
				continue
			}
			header = appendPair(header, c.Name, c.Value)
		}
	}
	header = p.appendBrowser(header, client, jar, granted, stray)
	if stray {
		for _, i := range order {
			if c := &jar.cookies[i]; c.swallows() {
				header = appendPair(header, c.Name, c.Value)
			}
		}
	}
	return string(header)
}

// belonging appends the indexes of the cookies that a request carries, in their order in the header.
func (j *Jar) belonging(order []int, host, path string, now time.Time) []int {
	host = canonicalHost(host)
	if path == "" {
		path = "/"
	}
	for i := range j.cookies {
		c := &j.cookies[i]
		if c.expired(now) || path != AnyPath && !pathMatch(path, c.Path) || c.HostOnly && host != c.Domain || !c.HostOnly && !domainMatch(host, c.Domain) {
			continue
		}
		// Sorted by insertion; jars are small and mostly have one path.
		order = append(order, i)
		for at := len(order) - 1; at > 0 && len(j.cookies[order[at-1]].Path) < len(c.Path); at-- {
			order[at-1], order[at] = order[at], order[at-1]
		}
	}
	return order
}

// appendBrowser appends what the browser may send. more says that cookies from custody follow. Then none may be named
// like an attribute, because Python's SimpleCookie gives up on the whole header if it begins with such a cookie.
func (p *Policy) appendBrowser(header []byte, client []string, jar *Jar, granted []string, more bool) []byte {
	var space [16]string
	taken := space[:0]
	size, examined := 0, 0
	held := heldNames{jar: jar}
	for _, rest := range client {
		for rest != "" {
			var pair string
			pair, rest, _ = strings.Cut(rest, ";")
			pair = trimSpace(pair)
			equals := strings.IndexByte(pair, '=')
			if equals <= 0 || size+len(pair)+len("; ") > maxBrowserBytes {
				continue
			}
			name, value := pair[:equals], pair[equals+1:]
			if !p.mayCome(name, granted) || !returnableValue(value) || slices.Contains(taken, name) || more && isAttribute(name) {
				continue
			}
			if examined++; examined > maxExamined {
				return header
			}
			if p.guarded(name, &held) || p.guardedPieces(value, &held) {
				continue
			}
			header = appendPair(header, name, value)
			taken = append(taken, name)
			size += len(pair) + len("; ")
			if len(taken) == maxBrowserCookies {
				return header
			}
		}
	}
	return header
}

// mayCome reports whether a browser may send a cookie of that name at all.
func (p *Policy) mayCome(name string, granted []string) bool {
	if !returnableName(name) {
		return false
	}
	if slices.Contains(granted, name) {
		return true
	}
	// PHP before 7.4.11, Rack and others decode names: `SID%00csrf` contains csrf and is read as SID. Only the app
	// itself can say that it means such a name.
	return strings.IndexByte(name, '%') < 0 && (forScripts(name) || p.Pass.Match(name))
}

// guarded reports whether an app could mistake name for one that a browser must not send.
func (p *Policy) guarded(name string, held *heldNames) bool {
	return p.owns(name) || globsFold(p.Hold, name) || p.Learned.Has(name) || held.has(name)
}

// owns reports whether an app or a browser could mistake name for one of the gateway's own. Those fold quickly, and
// have the length of their folds.
func (p *Policy) owns(name string) bool {
	folded, quick := "", allOf(name, classQuick)
	if !quick {
		folded = match.FoldName(name)
	}
	for _, own := range p.Own {
		if quick && len(own) == len(name) && sameFold(own, name) || !quick && foldsTo(own, folded) {
			return true
		}
		// A gateway on another port of this host, or on this one, has its port in the cookie's name.
		if quick && len(name) > len(own) && sameFold(own, name[:len(own)]) && isPort(name[len(own):]) ||
			!quick && len(folded) > len(own) && foldsTo(own, folded[:len(own)]) && isPort(folded[len(own):]) {
			return true
		}
	}
	return false
}

// isPort reports whether a text is the end of a name that contains a port.
func isPort(text string) bool {
	return len(text) > 1 && foldByte(text[0]) == foldByte('-') && strings.Trim(text[1:], "0123456789") == ""
}

// guardedPieces is guarded for a value with commas: servers that end a cookie at a comma see names after it, though
// none with a value.
func (p *Policy) guardedPieces(value string, held *heldNames) bool {
	_, rest, found := strings.Cut(value, ",")
	if !found {
		return false
	}
	for pieces := 0; rest != ""; pieces++ {
		if pieces == maxPieces {
			return true
		}
		// Tomcat skips characters that cannot begin a name; other servers take the whole piece.
		end := 0
		for end < len(rest) && classes[rest[end]]&classToken != 0 {
			end++
		}
		word := rest[:end]
		piece, _, _ := strings.Cut(rest, ",")
		if word != "" && (word[0] == '$' || p.guarded(word, held)) || piece != word && p.guarded(piece, held) {
			return true
		}
		rest = rest[min(end+1, len(rest)):]
	}
	return false
}

func appendPair(header []byte, name, value string) []byte {
	if len(header) > 0 {
		header = append(header, "; "...)
	}
	header = append(header, name...)
	header = append(header, '=')
	return append(header, value...)
}
