package gate

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"sallyport.example/sallyport/internal/match"
)

// Rules is what the operator says about paths.
type Rules struct {
	// Base is where the gateway's own pages live: a canonical path without a slash at its end, such as
	// `/second-factor`.
	Base string
	// LoginPage is where strangers are sent: a path, perhaps with a query. Empty where there is none.
	LoginPage string
	// Public paths are open to strangers, Protect closes some of them again.
	Public  []Opening
	Protect match.Globs
	// Logout is where the app signs people out: paths, each perhaps with what the query must have.
	Logout match.Globs
	// Shut paths are closed to everybody, logins and verified sessions too.
	Shut match.Globs
	// Methods are all that the app takes, in capitals; empty: all that the gateway can look after.
	Methods []string
}

// Opening is what strangers may ask for on some paths.
type Opening struct {
	// Methods in capitals; empty: GET and HEAD, which carry no body.
	Methods []string
	// Paths are globs over canonical paths. What a pattern opens, it opens without a query, unless `?*` stands at its
	// end: many an app answers each path that it does not have, a picture or a script, by one program, which reads the
	// query.
	Paths match.Globs
}

// Open makes the opening of paths to GET and HEAD.
func Open(patterns ...string) []Opening { return []Opening{{Paths: match.NewGlobs(patterns...)}} }

// opens reports whether a stranger may make this request on a path. A body is no part of what GET and HEAD are opened
// for: by its type, some apps take it for another protocol, whatever the path is.
func (o *Opening) opens(method string, body bool, path string) bool {
	reads := method == http.MethodGet || method == http.MethodHead
	switch {
	case reads && body:
		return false
	case len(o.Methods) == 0:
		return reads && o.Paths.Match(path)
	}
	return slices.Contains(o.Methods, method) && o.Paths.Match(path)
}

// withQuery is what stands at the end of a pattern that opens paths with whatever query they have.
const withQuery = "?*"

// divide parts openings by whether they open their paths with a query.
func divide(openings []Opening) (bare, whole []Opening) {
	for _, opening := range openings {
		without, with := Opening{Methods: opening.Methods}, Opening{Methods: opening.Methods}
		for _, pattern := range opening.Paths {
			if path, asked := strings.CutSuffix(string(pattern), withQuery); asked {
				with.Paths = append(with.Paths, match.Glob(path))
			} else {
				without.Paths = append(without.Paths, pattern)
			}
		}
		if without.Paths != nil {
			bare = append(bare, without)
		}
		if with.Paths != nil {
			whole = append(whole, with)
		}
	}
	return bare, whole
}

// Policy is Rules made ready for use; safe for concurrent use.
type Policy struct {
	base, loosePrefix string
	loginPath         string
	loginQuery        url.Values
	public, whole     []Opening   // without a query, and with one
	protect, shut     match.Globs // loose
	exits             []exit
	methods           []string
}

// NewPolicy checks the rules.
func NewPolicy(rules Rules) (*Policy, error) {
	base := match.Path{Text: rules.Base, Canonical: true}
	if !strings.HasPrefix(rules.Base, "/") || strings.HasSuffix(rules.Base, "/") || base.Loose() != strings.ToLower(rules.Base) {
		return nil, fmt.Errorf("base %q: want a plain path such as /second-factor", rules.Base)
	}
	page, query, err := parseLoginPage(rules.LoginPage)
	if err != nil {
		return nil, err
	}
	if inside(page, rules.Base) {
		return nil, errors.New("login_page: the app's login page cannot lie below base")
	}
	exits, err := newExits(rules.Logout)
	if err != nil {
		return nil, err
	}
	for setting, patterns := range map[string]match.Globs{"protect": rules.Protect, "shut": rules.Shut} {
		if err := closable(setting, patterns); err != nil {
			return nil, err
		}
	}
	if err := checkMethods(rules.Methods); err != nil {
		return nil, err
	}
	for _, opening := range rules.Public {
		for _, method := range opening.Methods {
			if method != strings.ToUpper(method) || !openable(method) {
				return nil, fmt.Errorf("public %s: no method that can be opened to strangers", method)
			}
		}
		for _, pattern := range opening.Paths {
			if path, _ := strings.CutSuffix(string(pattern), withQuery); strings.ContainsAny(path, "?#") {
				return nil, fmt.Errorf("public %q: a query is no part of a path; '?*' at the end opens a pattern with any query", string(pattern))
			}
		}
	}
	policy := &Policy{
		base: rules.Base, loosePrefix: base.Loose(), loginPath: page, loginQuery: query, exits: exits,
		protect: loosely(rules.Protect), shut: loosely(rules.Shut), methods: slices.Clone(rules.Methods),
	}
	policy.public, policy.whole = divide(rules.Public)
	return policy, nil
}

// parseLoginPage returns an empty path where there is no login page.
func parseLoginPage(address string) (path string, query url.Values, err error) {
	if address == "" {
		return "", nil, nil
	}
	if strings.ContainsAny(address, "{}") {
		return "", nil, fmt.Errorf("login_page %q: placeholders are not expanded here; the page first asked for is kept by itself", address)
	}
	page, err := url.ParseRequestURI(address)
	if err != nil || page.Host != "" || !match.ParsePath(page).Canonical {
		return "", nil, fmt.Errorf("login_page %q: want the path of the app's login page", address)
	}
	query, err = url.ParseQuery(page.RawQuery)
	if err != nil {
		return "", nil, fmt.Errorf("login_page %q: %w", address, err)
	}
	return page.Path, query, nil
}

// openable are methods whose requests the gateway can look after.
func openable(method string) bool {
	return method != "" && method != http.MethodConnect && method != http.MethodTrace && method != "TRACK" &&
		strings.Trim(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") == ""
}

// closable refuses patterns that can fit no request's path, and so would close nothing: their author believes that they
// do.
func closable(setting string, patterns match.Globs) error {
	for _, pattern := range patterns {
		text := string(pattern)
		filled := strings.ReplaceAll(text, "*", "x")
		switch {
		case strings.ContainsAny(text, "?#"):
			return fmt.Errorf("%s %q: a query or fragment is no part of a path, so that this fits nothing", setting, text)
		case text == "" || strings.Contains(text, "//") || !match.LooseGlob(pattern).Match(match.LoosePath(filled)):
			return fmt.Errorf("%s %q: no path of a request is like this, so that it fits nothing", setting, text)
		}
	}
	return nil
}

func loosely(patterns match.Globs) (loose match.Globs) {
	for _, pattern := range patterns {
		loose = append(loose, match.LooseGlob(pattern)...)
	}
	return loose
}

// Place tells what a request asks for. The caller has found out already whether it is a login, and whether it asks for
// a page on which one of the logins begins (entry).
//
// What opens a door (public, entry) is compared with the canonical path only. What keeps it shut (protect, shut) is
// compared with the loosest reading of it.
func (p *Policy) Place(r *http.Request, path match.Path, isLogin, isEntry bool) Place {
	switch {
	case p.own(path):
		return Own
	case closes(p.shut, path):
		return Shut
	case isLogin:
		return Login
	case p.isExit(r, path):
		return Logout
	case !path.Canonical:
		return Protected
	case isEntry || p.isLoginPage(r, path):
		return Entry
	case p.isPublic(r, path) && !closes(p.protect, path):
		return Public
	}
	return Protected
}

func (p *Policy) isPublic(r *http.Request, path match.Path) bool {
	return opened(p.whole, r, path) || opened(p.public, r, path)
}

// KeepsQuery reports whether what is public at a path is so with the query of the request.
func (p *Policy) KeepsQuery(r *http.Request, path match.Path) bool { return opened(p.whole, r, path) }

func opened(openings []Opening, r *http.Request, path match.Path) bool {
	for i := range openings {
		if openings[i].opens(r.Method, match.HasBody(r), path.Text) {
			return true
		}
	}
	return false
}

// own compares loosely too, so that no spelling of an own address is ever taken for one of the app.
func (p *Policy) own(path match.Path) bool {
	if path.Canonical {
		return inside(path.Text, p.base)
	}
	return inside(path.Loose(), p.loosePrefix)
}

// closes reports whether one of the patterns fits any reading of a path.
func closes(patterns match.Globs, path match.Path) bool { return path.Fits(patterns) }

// isLoginPage compares the query as well as the path, for some apps have one path for all pages. Where the login page
// has a query it must be the very one: `title=Special:UserLogin&oldid=7` is another page in at least one app. Where it
// has none there must be none: apps with one path for all pages have all of them there.
func (p *Policy) isLoginPage(r *http.Request, path match.Path) bool {
	if p.loginPath == "" || path.Text != p.loginPath || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	if len(p.loginQuery) == 0 {
		return r.URL.RawQuery == ""
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || len(query) != len(p.loginQuery) {
		return false
	}
	for name, want := range p.loginQuery {
		if got := query[name]; len(want) != 1 || len(got) != 1 || got[0] != want[0] {
			return false
		}
	}
	return true
}

// LeadsToLogin reports whether an address on this site, such as an app's Location, is that of the login page, with
// whatever else stands in its query.
func (p *Policy) LeadsToLogin(target string) bool {
	u, err := url.ParseRequestURI(target)
	if err != nil || p.loginPath == "" || match.ParsePath(u).Loose() != match.LoosePath(p.loginPath) {
		return false
	}
	query := u.Query()
	for name, want := range p.loginQuery {
		if len(want) == 0 || query.Get(name) != want[0] {
			return false
		}
	}
	return true
}

func inside(path, folder string) bool {
	return strings.HasPrefix(path, folder) && (len(path) == len(folder) || path[len(folder)] == '/')
}
