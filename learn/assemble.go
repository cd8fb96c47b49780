package learn

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sallyport.example/sallyport/internal/match"
)

// basicPath returns the address at which a password is tried: the first that answered 401 without one or to a wrong
// one, else that of the right one.
func (r *Recording) basicPath(o outcome) string {
	for i := range r.Exchanges {
		if e := &r.Exchanges[i]; e.Status == http.StatusUnauthorized && e.Method == http.MethodGet && e.Answer.Get("WWW-Authenticate") != "" {
			for j := range r.Exchanges {
				if then := &r.Exchanges[j]; plainPath(then.URL) == plainPath(e.URL) && then.Method == http.MethodGet && then.Status < 300 {
					return canonical(e.URL)
				}
			}
		}
	}
	return o.right.path()
}

// choosers are names of fields that choose what an address does.
var choosers = regexp.MustCompile(`(?i)^(do|act|action|op|cmd|command|task|method|route|page|view|func|function|event|mode|m)$`)

// otherUses returns another thing that the app did at the login's address for the account; empty if it did none.
func (r *Recording) otherUses(o outcome) string {
	for at := o.right.at + 1; at <= o.until; at++ {
		e := &r.Exchanges[at]
		if plainPath(e.URL) != o.right.path() || e.Status >= 400 || e.asks(o.right) || leaving.MatchString(e.URL.RequestURI()) {
			continue
		}
		for name, values := range e.URL.Query() {
			if choosers.MatchString(name) && len(values) == 1 && !r.Secret(values[0]) && !chance(values[0]) {
				return shown(name + "=" + values[0])
			}
		}
		if e.Method == http.MethodPost {
			return "a form without a password"
		}
	}
	return ""
}

// fields returns the words of `fields`: all that the login's form and query have beside the name.
func (r *Recording) fields(o outcome) (names []string) {
	right := o.right
	if right.Kind == JSON {
		for _, member := range leaves(right.document()) {
			if member.pointer != right.NameField && !slices.Contains(names, member.pointer) {
				names = append(names, member.pointer)
			}
		}
		return names
	}
	values := make(map[string][]string)
	add := func(name string, list ...string) {
		if name == right.NameField || name == "" || strings.ContainsAny(name, "=*") {
			return // a word with `=` says what a field has to be
		}
		for _, value := range list {
			if !slices.Contains(values[name], value) {
				values[name] = append(values[name], value)
			}
		}
	}
	for _, attempt := range r.attempts {
		if attempt.same(right) {
			for name, list := range attempt.fields() {
				add(name, list...)
			}
			for name, list := range attempt.URL.Query() {
				add(name, list...)
			}
		}
	}
	// The form may differ from one time to the next: it may say the language only until a cookie does.
	for at := range r.Exchanges {
		for _, form := range r.Exchanges[at].page().forms {
			if form.has(right.NameField) && form.has(right.PasswordField) {
				for _, field := range form.fields {
					add(field.name, field.value)
				}
			}
		}
	}
	for name, list := range values {
		unsteady := slices.ContainsFunc(list, func(value string) bool { return strings.Contains(value, "*") || r.Secret(value) || chance(value) })
		if !choosers.MatchString(name) || unsteady {
			names = append(names, name)
			continue
		}
		for _, value := range list {
			names = append(names, name+"="+value)
		}
	}
	slices.Sort(names)
	return names
}

// successes proposes `success` lines for an app that cannot be asked: what a wrong password did not bring.
func (r *Recording) successes(o outcome, session []string, tokens []token) (lines []Line) {
	wrong := o.wrong
	if wrong == nil {
		return nil
	}
	not := func(name string) bool {
		return !slices.ContainsFunc(wrong.set(), func(cookie *http.Cookie) bool { return cookie.Name == name && !removes(cookie) })
	}
	brought := func(name string) bool {
		return slices.ContainsFunc(o.right.set(), func(cookie *http.Cookie) bool { return cookie.Name == name && !removes(cookie) })
	}
	for _, name := range session {
		if not(name) && brought(name) && !strings.Contains(name, "*") {
			lines = append(lines, Line{Words: []string{"success", "cookie", name}, Why: []string{"A wrong password does not bring it."}})
		}
	}
	for _, found := range tokens {
		if found.header != "" && found.words[0] != "body" {
			lines = append(lines, Line{Words: append([]string{"success"}, found.words...), Why: []string{"A wrong password does not bring it."}})
		}
	}
	return lines
}

// failures proposes `failure` lines where the app's answer to a wrong password is otherwise not shown: a status that
// means nothing by itself, or a short text.
func (r *Recording) failures(o outcome) []Line {
	right, wrong := o.right, o.wrong
	if wrong == nil || right.Kind == Basic {
		return nil
	}
	text := strings.TrimSpace(string(wrong.Content))
	switch {
	case wrong.Status != right.Status && wrong.Status >= 400 && wrong.Status < 500 && !slices.Contains(shownFailures, wrong.Status):
		return []Line{{Words: []string{"failure", "status", strconv.Itoa(wrong.Status)}, Why: []string{"So that the app's own message is shown."}}}
	case wrong.Status == http.StatusOK && contentType(wrong.Answer) == "text/plain" && text != "" && len(text) <= 40 && !r.Secret(text) &&
		!strings.Contains(string(right.Content), text):
		return []Line{{Words: []string{"failure", "body", text}, Why: []string{"So that the app's own answer to a wrong password is passed on."}}}
	}
	if wrong.Status == http.StatusOK && wrong.said() != nil {
		said := leaves(right.said())
		for _, member := range leaves(wrong.said()) {
			at := slices.IndexFunc(said, func(other leaf) bool { return other.pointer == member.pointer })
			if !member.text && !member.listed && (member.value == "false" || member.value == "true") && at >= 0 && said[at].value != member.value {
				return []Line{{Words: []string{"failure", "json", member.pointer, member.value}, Why: []string{"The right password was told otherwise."}}}
			}
		}
	}
	return nil
}

// otherLogins proposes a block for each other way in which a name and a password were sent by somebody who was not
// signed in, and names other addresses that take a password.
func (r *Recording) otherLogins(p *Proposal, o outcome) {
	listed := []*Attempt{o.right}
	for i := range r.attempts {
		attempt := &r.attempts[i]
		if slices.ContainsFunc(listed, attempt.same) {
			continue
		}
		listed = append(listed, attempt)
		where := shown(attempt.Method + " " + attempt.path())
		switch {
		case attempt.Kind == Basic:
			p.Note("Requests carried a password by HTTP Basic, beside the login. The gateway drops it; if people need it, describe it by a login with `username basic`.")
		case attempt.NameField == "" || r.signedIn(attempt.at, o) || o.right.Kind == Basic:
			p.Note("%s took a password, too (%s), without being a login as far as was seen. If it signs anybody in, describe it by a login of its own.", where, answered(attempt))
		default:
			p.add(Line{
				Words: []string{"login", attempt.path()}, Why: []string{"It took a name and a password, too, and answered by " + answered(attempt) + "."},
				Inner: []Line{{Words: []string{"username", string(attempt.Kind), attempt.NameField}}},
			})
		}
	}
	named := make(map[string]bool)
	for i := range r.Exchanges {
		e := &r.Exchanges[i]
		for _, form := range e.page().forms {
			action := plainPath(form.action)
			has := slices.ContainsFunc(form.fields, func(field field) bool { return field.kind == "password" })
			if has && !form.has(o.right.PasswordField) && ownAddress(e.URL, form.action) && !named[action] && !holds(r.others, action) &&
				!slices.ContainsFunc(r.attempts, func(a Attempt) bool { return a.path() == action }) {
				named[action] = true
				p.Note("A page has a form with a password that was not sent: to %s. If it signs anybody in, describe it by a login of its own.", shown(action))
			}
		}
	}
}

// addTokens adds how tokens come back.
func (r *Recording) addTokens(p *Proposal, o outcome, tokens []token) {
	if len(tokens) == 0 {
		return
	}
	header, scheme := tokens[0].header, tokens[0].scheme
	if !strings.EqualFold(header, "Authorization") || !strings.EqualFold(scheme, "Bearer") {
		words := []string{"token_header", header}
		if scheme != "" {
			words = append(words, scheme)
		}
		p.add(Line{Words: words, Why: []string{"So the requests behind the login carry the token."}})
	}
	if paths := r.refreshes(o, tokens); len(paths) > 0 && p.Identity != "" {
		p.add(Line{Words: append([]string{"refresh"}, paths...), Why: []string{"It answered with another token at the same place."}})
	}
}

// addIdentity adds who is signed in, or that the typed name has to count.
func (p *Proposal) addIdentity(place *identity, o outcome) {
	line := Line{}
	if place != nil {
		line = Line{Words: append([]string{"identity", place.address}, place.words...), Why: []string{
			"After the login " + place.why + "; nobody was named there before.",
		}}
		if place.lettered {
			line.Why = append(line.Why, "The app takes the name in any letters and repeats it as it was typed, so only small ones are taken for a name.")
		}
		if place.words[0] == "body" {
			line.Why = append(line.Why, "It must be the account's name, and not a person's, which two may share.")
		}
	}
	if place != nil && p.add(line) {
		if place.words[0] == "body" {
			p.Note("`identity` reads the name in a page (%s). Make sure that no text which a user can write comes in front of it, and that it is "+
				"the account's name and not a person's, which two may share.", shown(place.address))
		}
		if o.right.Kind != Basic && !strings.EqualFold(place.reads(place.place), o.right.name) {
			p.Note("The app writes the name otherwise than it was typed; the app's word counts.")
		}
		return
	}
	p.Identity, p.Names = "", nil
	p.add(Line{Words: []string{"identity", "typed"}, Why: []string{"Nothing that was recorded names the account, so the name that is typed has to count."}})
	p.Note("The app named the account nowhere in what was recorded: `identity typed` is the weaker way. Sign in again, open a page or run a " +
		"script that names the account (a profile, settings, an export), and learn anew; or look for an address by hand (docs/configuration.md, identity).")
	block := p.Lines[0]
	if o.right.Kind != Basic && !slices.ContainsFunc(block.Inner, func(line Line) bool { return line.Words[0] == "success" }) {
		p.Note("Nothing was found that only a right password brings, and `identity typed` needs such a `success` line: the block is refused " +
			"without. Write one by hand.")
	}
}

// addReach adds what strangers reach, and where people sign out.
func (r *Recording) addReach(p *Proposal, o outcome, needs []needed, leave *exit) {
	if page := p.LoginPage; page != nil {
		address := r.plainAddress(withoutNext(page.URL))
		if address != "" && address != o.right.path() && !strings.Contains(address, "*") {
			p.add(Line{Words: []string{"login_page", address}, Why: []string{"Here the login's page was opened."}})
		}
	} else if o.right.Kind != Basic {
		p.Note("The login page itself was not recorded. Add `login_page <path>`, and `public` for what it needs.")
	}
	reasons := make(map[string][]string)
	for _, need := range needs {
		reasons[need.why] = append(reasons[need.why], need.path)
	}
	for _, why := range slices.Sorted(maps.Keys(reasons)) {
		p.add(Line{Words: append([]string{"public"}, reasons[why]...), Why: []string{"The login page needs it: " + why + "."}})
	}
	switch {
	case leave != nil && !strings.Contains(leave.words[len(leave.words)-1], "*"):
		p.add(Line{Words: append([]string{"logout"}, leave.words...), Why: []string{"Here the account was signed out: " + leave.why + "."}})
	case o.right.Kind != Basic:
		p.Note("No sign-out was recorded. Add `logout <path>`, or the gateway's session outlives the app's by up to `recheck`.")
	}
}

// addCookies adds what the gateway would not know of the app's cookies by itself.
func (r *Recording) addCookies(p *Proposal, session []string, held map[string]bool) {
	var hold []string
	for _, name := range session {
		if !held[name] && !strings.Contains(name, "*") {
			hold = append(hold, name)
		}
	}
	if len(hold) > 0 {
		p.add(Line{Words: append([]string{"hold"}, hold...), Why: []string{"Cookies of the session that scripts can read, and that the login does not set."}})
	}
	if len(session) > 0 {
		last := &p.Lines[0]
		shownNames := make([]string, len(session))
		for i, name := range session {
			shownNames[i] = shown(name)
		}
		last.Why = append(last.Why, "The session's cookies, which the gateway keeps: "+strings.Join(shownNames, " ")+".")
	}
	var pass []string
	for _, name := range r.scriptCookies() {
		if !slices.Contains(session, name) && !strings.Contains(name, "*") {
			pass = append(pass, name)
		}
	}
	if len(pass) > 0 {
		p.add(Line{Words: append([]string{"pass"}, pass...), Why: []string{"Scripts of the app wrote these, and the app was sent them."}})
	}
}

// bears reports whether a mark is there.
func (r *Recording) bears(mark Mark, p *Proposal) bool {
	glob := match.Glob(mark.Value)
	switch mark.Kind {
	case "path":
		return glob.Match(p.Right.path())
	case "page":
		for i := range r.Exchanges {
			if e := &r.Exchanges[i]; e.isPage() && strings.Contains(string(e.Content), mark.Value) {
				return true
			}
		}
	case "cookie", "header":
		for i := range r.Exchanges {
			e := &r.Exchanges[i]
			if mark.Kind == "header" && e.Answer.Get(mark.Value) != "" {
				return true
			}
			for _, cookie := range e.set() {
				if mark.Kind == "cookie" && glob.Match(cookie.Name) {
					return true
				}
			}
			for name := range e.sent() {
				if mark.Kind == "cookie" && glob.Match(name) {
					return true
				}
			}
		}
	}
	return false
}
