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
	// LoginPage is where strangers are sent: a path, perhaps with a query. Empty if there is none.
	LoginPage string
	// Public paths are open to strangers; Protect closes some of them again.
	Public  []Opening
	Protect match.Globs
	// Refresh paths are where the app issues tokens. They are closed to strangers, as those of Protect are.
	Refresh match.Globs
	// Logout is where the app signs people out: paths, each perhaps with a query that the request must have.
	Logout match.Globs
	// Shut paths are closed to everybody, also to logins and verified sessions.
	Shut match.Globs
	// Methods are the methods that the app takes, in capitals; empty: all that the gateway can handle.
	Methods []string
}

// Opening is what strangers may ask for on some paths.
type Opening struct {
	// Methods in capitals; empty: GET and HEAD, which carry no body.
	Methods []string
	// Paths are globs over canonical paths. A pattern opens its paths without a query, unless it ends in `?*`: many
	// apps answer every path that they do not have, such as that of a missing picture, by one program that reads the
	// query.
	Paths match.Globs
}

// Open makes the opening of paths to GET and HEAD.
func Open(patterns ...string) []Opening { return []Opening{{Paths: match.NewGlobs(patterns...)}} }

// opens returns the index of the pattern in Paths that lets a stranger make this request, or -1. GET and HEAD with a
// body are never opened: some apps take such a body for another protocol by its type, at any path.
func (o *Opening) opens(method string, body bool, path string) int {
	reads := method == http.MethodGet || method == http.MethodHead
	if reads && body || len(o.Methods) == 0 && !reads || len(o.Methods) > 0 && !slices.Contains(o.Methods, method) {
		return -1
	}
	return o.Paths.Index(path)
}

// withQuery ends a pattern that opens its paths with any query.
const withQuery = "?*"

// opening is an Opening prepared for use.
type opening struct {
	Opening
	written []string // Paths as the operator wrote them
}

func (o *opening) add(path, written string) {
	o.Paths, o.written = append(o.Paths, match.Glob(path)), append(o.written, written)
}

// divide separates patterns that open paths without a query from those that open them with any.
func divide(openings []Opening) (bare, whole []opening) {
	for _, o := range openings {
		without, with := opening{Opening: Opening{Methods: o.Methods}}, opening{Opening: Opening{Methods: o.Methods}}
		for _, pattern := range o.Paths {
			if path, asked := strings.CutSuffix(string(pattern), withQuery); asked {
				with.add(path, string(pattern))
			} else {
				without.add(path, string(pattern))
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

// Policy is Rules prepared for use. It is safe for concurrent use.
type Policy struct {
	base, loosePrefix string
	loginPage         string // as it was written
	loginPath         string
	loginQuery        url.Values
	public, whole     []opening // without a query, and with one
	protect, shut     closers
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
	for setting, patterns := range map[Word]match.Globs{WordProtect: rules.Protect, WordRefresh: rules.Refresh, WordShut: rules.Shut} {
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
		base: rules.Base, loosePrefix: base.Loose(), loginPage: rules.LoginPage, loginPath: page, loginQuery: query,
		exits: exits, methods: slices.Clone(rules.Methods),
	}
	policy.protect.add(WordProtect, rules.Protect)
	policy.protect.add(WordRefresh, rules.Refresh)
	policy.shut.add(WordShut, rules.Shut)
	policy.public, policy.whole = divide(rules.Public)
	return policy, nil
}

// parseLoginPage returns an empty path if there is no login page.
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

// openable reports whether the gateway can handle requests by a method.
func openable(method string) bool {
	return method != "" && method != http.MethodConnect && method != http.MethodTrace && method != "TRACK" &&
		strings.Trim(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") == ""
}

// closable refuses patterns that fit no request's path: they would close nothing, and their author would not know.
func closable(setting Word, patterns match.Globs) error {
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

// Place returns what a request asks for. The caller says whether it is a login, and whether it asks for the page of a
// login block (entry).
func (p *Policy) Place(r *http.Request, path match.Path, isLogin, isEntry bool) Place {
	place, _ := p.PlaceAndRule(r, path, isLogin, isEntry)
	return place
}

// PlaceAndRule is like Place and also returns the rule that decided. For a login and its page the rule has only its
// word: the caller knows the block and the path.
//
// Rules that open (public, entry) are compared with the canonical path only. Rules that close (protect, shut) are
// compared with the loosest reading of the path.
func (p *Policy) PlaceAndRule(r *http.Request, path match.Path, isLogin, isEntry bool) (Place, Rule) {
	if p.own(path) {
		return Own, Rule{Word: WordBase, Pattern: p.base}
	}
	if rule, shut := p.shut.close(path); shut {
		return Shut, rule
	}
	if isLogin {
		return Login, Rule{Word: WordLogin}
	}
	if pattern, exits := p.exit(r, path); exits {
		return Logout, Rule{Word: WordLogout, Pattern: pattern}
	}
	switch {
	case !path.Canonical:
		return Protected, Rule{}
	case isEntry:
		return Entry, Rule{Word: WordLogin}
	case p.isLoginPage(r, path):
		return Entry, Rule{Word: WordLoginPage, Pattern: p.loginPage}
	}
	rule, opens := p.opens(r, path)
	if !opens {
		return Protected, Rule{}
	}
	if rule, closed := p.protect.close(path); closed {
		return Protected, rule
	}
	return Public, rule
}

// opens returns the rule that opens a path to strangers, even if another rule closes it again, and reports whether
// there is one.
func (p *Policy) opens(r *http.Request, path match.Path) (Rule, bool) {
	pattern, opens := opened(p.whole, r, path)
	if !opens {
		pattern, opens = opened(p.public, r, path)
	}
	return Rule{Word: WordPublic, Pattern: pattern}, opens
}

// KeepsQuery reports whether a path is public with any query.
func (p *Policy) KeepsQuery(r *http.Request, path match.Path) bool {
	_, opens := opened(p.whole, r, path)
	return opens
}

// opened returns the pattern, as it was written, by which one of the openings lets a stranger make a request, and
// reports whether there is one.
func opened(openings []opening, r *http.Request, path match.Path) (pattern string, opens bool) {
	for i := range openings {
		if at := openings[i].opens(r.Method, match.HasBody(r), path.Text); at >= 0 {
			return openings[i].written[at], true
		}
	}
	return "", false
}

// own also compares loosely, so that no spelling of one of our own addresses is taken for the app's.
func (p *Policy) own(path match.Path) bool {
	if path.Canonical {
		return inside(path.Text, p.base)
	}
	return inside(path.Loose(), p.loosePrefix)
}

// isLoginPage compares the path and the query, because some apps have one path for all pages. If the login page has a
// query, the request's must be equal: `title=Special:UserLogin&oldid=7` is another page in at least one app. If it has
// none, the request must have none, or it could ask for any page of such an app.
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

// LeadsToLogin reports whether an address on this site, such as an app's Location, is the login page's. Its query may
// contain more.
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
