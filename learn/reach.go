package learn

import (
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
)

// loginPage returns the exchange in which the login page came: the last page in front of the right attempt that has its
// form, else the page that the attempt's Referer names, else the last page that a stranger got.
func (r *Recording) loginPage(o outcome) *Exchange {
	var form, last, referred *Exchange
	referer, _ := url.Parse(o.right.Header.Get("Referer"))
	for at := range o.right.at {
		e := &r.Exchanges[at]
		if e.Method != http.MethodGet || !e.isPage() || e.Status != http.StatusOK || r.signedIn(at, o) {
			continue
		}
		last = e
		if e.asks(o.right) && (form == nil || plainPath(form.URL) != o.right.path() || plainPath(e.URL) == o.right.path()) {
			form = e
		}
		if referer != nil && referer.Path != "" && e.URL.Path == referer.Path && e.URL.RawQuery == referer.RawQuery {
			referred = e
		}
	}
	switch {
	case form != nil:
		return form
	case referred != nil:
		return referred
	}
	return last
}

// signedIn reports whether an exchange may be the account's: the right password was sent before it, and no sign-out
// since.
func (r *Recording) signedIn(at int, o outcome) bool {
	is := false
	for i := range at {
		e := &r.Exchanges[i]
		if slices.ContainsFunc(r.attempts, func(attempt Attempt) bool { return attempt.at == i && attempt.password == o.right.password }) {
			is = true
		}
		if leaving.MatchString(e.URL.RequestURI()) && e.Status < 400 {
			is = false
		}
	}
	return is
}

// needed is a path that the login page needs, with what a stranger got there.
type needed struct {
	path string
	why  string
}

var (
	fileNames = regexp.MustCompile(`(?i)\.(css|js|mjs|png|jpe?g|gif|svg|ico|webp|avif|woff2?|ttf|otf|map|json|webmanifest|wasm)$`)
	hashed    = regexp.MustCompile(`(?i)^(.*?[._-])?[0-9a-z_-]*[0-9][0-9a-z_-]{6,}(\.[a-z0-9.]+)$|^[0-9a-f]{8,}(\.[a-z0-9.]+)$`)
)

// manyFiles is from how many files of a kind in one folder on the folder is opened for the kind.
const manyFiles = 5

// public returns what strangers need for the login page: what a browser fetched for it before anybody had signed in,
// and the files that the page names.
func (r *Recording) public(o outcome, page *Exchange) (found []needed) {
	reasons := make(map[string]string)
	add := func(address *url.URL, why string, program bool) {
		written := canonical(address)
		if written == "" || written == o.right.path() || page != nil && written == canonical(page.URL) || holds(r.others, written) {
			return
		}
		if program && address.RawQuery != "" {
			written += "?*"
		}
		if reasons[written] == "" {
			reasons[written] = why
		}
	}
	for at := range r.Exchanges {
		e := &r.Exchanges[at]
		if r.signedIn(at, o) || e.Method != http.MethodGet || e.Status != http.StatusOK && e.Status != http.StatusNotModified || e.isPage() || page == nil {
			continue
		}
		switch kind := contentType(e.Answer); {
		case fileNames.MatchString(e.URL.Path) && !isJSON(e.Answer):
			add(e.URL, "a file that was fetched before anybody had signed in", false)
		case kind == "text/css" || strings.Contains(kind, "javascript") || strings.HasPrefix(kind, "image/") || strings.HasPrefix(kind, "font/"):
			add(e.URL, "a style, script, picture or font that was fetched before anybody had signed in", true)
		case isJSON(e.Answer) && r.scripted(o):
			add(e.URL, "what a script of the login page fetched before anybody had signed in", true)
		}
	}
	if page != nil {
		for _, file := range page.page().files {
			if ownAddress(page.URL, file) {
				add(file, "the login page names it", !fileNames.MatchString(file.Path))
			}
		}
	}
	return gather(reasons)
}

// scripted reports whether the login is one that a script sends.
func (r *Recording) scripted(o outcome) bool { return o.right.byScript() }

// gather turns paths into patterns where a name looks as if the next version of the app will have another one, or where
// there are many of one kind in a folder.
func gather(reasons map[string]string) (found []needed) {
	kinds := make(map[string][]string)
	for written := range reasons {
		folder, name := path.Split(written)
		if extension := path.Ext(name); fileNames.MatchString(name) && folder != "/" {
			kinds[folder+"*"+extension] = append(kinds[folder+"*"+extension], written)
		}
	}
	for pattern, members := range kinds {
		if len(members) < manyFiles && !slices.ContainsFunc(members, func(written string) bool { return hashed.MatchString(path.Base(written)) }) {
			continue
		}
		for _, member := range members {
			delete(reasons, member)
		}
		reasons[pattern] = "the names there look as if they change, or are many"
	}
	for written, why := range reasons {
		found = append(found, needed{written, why})
	}
	slices.SortFunc(found, func(a, b needed) int { return strings.Compare(a.path, b.path) })
	return found
}

// exit is where the app signs people out.
type exit struct {
	words []string
	why   string
	place *Exchange
}

// logout finds the sign-out: an exchange behind the right login whose address or form says so, or the first one that
// removes a cookie of the session.
func (r *Recording) logout(o outcome, session []string) *exit {
	var byCookie *exit
	for at := o.right.at + 1; at <= o.until; at++ {
		e := &r.Exchanges[at]
		if e.Status >= 400 || e.Status < 200 {
			continue
		}
		why := "its name, and it answered"
		if slices.ContainsFunc(e.set(), func(cookie *http.Cookie) bool { return removes(cookie) && slices.Contains(session, cookie.Name) }) {
			why = "it removes a cookie of the session"
			if byCookie == nil && canonical(e.URL) != "" {
				byCookie = &exit{[]string{canonical(e.URL)}, why, e}
			}
		}
		written := canonical(e.URL)
		if written == "" || holds(r.others, written) {
			continue
		}
		if leaving.MatchString(written) {
			return &exit{[]string{written}, why, e}
		}
		for _, part := range strings.Split(e.URL.RawQuery, "&") {
			name, value, _ := strings.Cut(part, "=")
			if (leaving.MatchString(name) || leaving.MatchString(value)) && !r.Secret(value) && !chance(value) {
				return &exit{[]string{written + "?" + part}, why, e}
			}
		}
		for name, values := range e.fields() {
			if len(values) == 1 && leaving.MatchString(values[0]) && !r.Secret(values[0]) {
				return &exit{[]string{written, "form", name, values[0]}, why, e}
			}
		}
		for _, member := range leaves(e.document()) {
			if member.text && leaving.MatchString(member.value) && !r.Secret(member.value) {
				return &exit{[]string{written, "json", member.pointer, member.value}, why, e}
			}
		}
	}
	return byCookie
}

// withoutNext returns an address without the fields of its query that say where to go on.
func withoutNext(address *url.URL) *url.URL {
	var kept []string
	for _, part := range strings.Split(address.RawQuery, "&") {
		if name, _, _ := strings.Cut(part, "="); name != "" && !notNames.MatchString(name) {
			kept = append(kept, part)
		}
	}
	plain := *address
	plain.RawQuery = strings.Join(kept, "&")
	return &plain
}
