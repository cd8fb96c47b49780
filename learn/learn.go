// Package learn proposes the settings of a site from what a browser and the app said to each other: a few exchanges in
// which somebody opened the login page, signed in with a wrong password and with the right one, opened a page that
// names the account, and signed out.
//
// It believes what the app did, not what things are called: a name only ranks what was seen, or says where to look.
// What cannot be seen in the exchanges is not proposed but listed in Proposal.Missing.
//
// The exchanges hold passwords, cookies and tokens. They stay in memory. Nothing that a Proposal writes holds one:
// values of the app's are compared with all of them first (Recording.Secret), and addresses are written without those
// parts of their query that are not needed.
package learn

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"sallyport.example/sallyport/internal/match"
)

// ErrNothing says that a recording has no login to learn from.
var ErrNothing = errors.New("nobody signed in with a password")

// Options of a proposal.
type Options struct {
	// Presets are the known apps. Empty: none is recognised.
	Presets []Preset
	// Place is which of the places that name the account is proposed: 0 is the best.
	Place int
	// Anywhere says that the app takes the login at other addresses, too; Renews, that it gave a session another cookie
	// when somebody signed in again.
	Anywhere, Renews bool
	// Small has only small letters, digits and `._@-` taken for a name: for an app that says the name as it was typed,
	// and takes it in any letters.
	Small bool
}

// Propose proposes the settings of the app's site. The error is ErrNothing if nobody signed in.
func (r *Recording) Propose(options Options) (*Proposal, error) {
	o := r.decide()
	if o.right == nil {
		return nil, ErrNothing
	}
	p := &Proposal{Right: o.right, Wrong: o.wrong}
	if o.right.Kind != Basic {
		p.LoginPage = r.loginPage(o)
	}
	session, held := r.sessionCookies(o)
	places := r.identities(o)
	var place *identity
	if options.Place < len(places) {
		place = &places[options.Place]
		if options.Small {
			place.small()
		}
	}
	needs := r.public(o, p.LoginPage)
	leave := r.logout(o, session)
	for _, need := range needs {
		p.Needs = append(p.Needs, need.path)
	}
	if leave != nil {
		p.Logout, p.nonces = leave.place, r.nonces(leave.place)
	}
	if place != nil {
		p.Identity = place.address
		p.Names = func(answer *Exchange) bool { return sameName(place.reads(answer), o.right.name) }
	}
	p.Closed = r.closed(o, p)
	tokens := r.tokens(o)
	if len(tokens) > 0 {
		p.token = &tokens[0]
		if len(o.right.set()) == 0 {
			session = nil // the token is the session
		}
	}
	if p.Preset = r.known(options.Presets, p); p.Preset != "" {
		p.add(Line{Words: []string{"preset", p.Preset}, Why: []string{
			"The app is known: its login, its cookies and its pages are those of this preset.",
			"'sallyport preset show " + p.Preset + "' prints what it says, what it shuts and what it cannot.",
		}})
		return p, nil
	}
	if !p.add(r.login(o, place, session, tokens, options)) {
		return nil, fmt.Errorf("the login: %w", ErrUnwritable)
	}
	r.otherLogins(p, o)
	r.addTokens(p, o, tokens)
	p.addIdentity(place, o)
	if options.Renews && place != nil {
		p.Note("The app gave the session another cookie when the same account signed in again. If it does so by every way in that it has, " +
			"add the line `renews`: fewer requests have to wait for each other then.")
	}
	r.addReach(p, o, needs, leave)
	r.addCookies(p, session, held)
	if r.scripted(o) {
		p.add(Line{Words: []string{"guard"}, Why: []string{"A script sent the login, so a script has to ask for the code."}})
	}
	return p, nil
}

// closed returns the paths that were opened while the account was signed in, and that are to be closed to strangers.
func (r *Recording) closed(o outcome, p *Proposal) (paths []string) {
	open := match.NewGlobs(p.Needs...)
	for at := o.right.at; at <= o.until; at++ {
		e := &r.Exchanges[at]
		address := r.plainAddress(e.URL)
		if e.Method != http.MethodGet || e.Status >= 400 || address == "" || slices.Contains(paths, address) || leaving.MatchString(address) {
			continue
		}
		path := canonical(e.URL)
		if open.Match(path) || open.Match(path+"?") || p.LoginPage != nil && canonical(p.LoginPage.URL) == path || path == o.right.path() && o.right.Kind != Basic {
			continue
		}
		paths = append(paths, address)
	}
	return paths
}

// login proposes the block of the right login.
func (r *Recording) login(o outcome, place *identity, session []string, tokens []token, options Options) Line {
	right := o.right
	line := Line{Words: []string{"login", right.path()}}
	if right.Kind == Basic {
		line.Words[1] = r.basicPath(o)
		line.Why = append(line.Why, "The password stands in each request (HTTP Basic); this address asks for it.")
		line.Inner = []Line{{Words: []string{"username", "basic"}}}
		return line
	}
	line.Why = append(line.Why, told(o)...)
	if right.Method != http.MethodPost {
		line.Inner = append(line.Inner, Line{Words: []string{"method", right.Method}})
	}
	other := r.otherUses(o)
	narrow := right.Kind == Form && right.NameField != "" && (other != "" || options.Anywhere)
	if narrow {
		why := "The app does other things at this address, too, such as " + other + "."
		if options.Anywhere {
			why = "The app takes the login at other addresses, too: tried."
		}
		line.Inner = append(line.Inner,
			Line{Words: []string{"when", "form", right.NameField, "*"}, Why: []string{why}}, Line{Words: []string{"only_here"}})
	}
	if right.NameField == "" {
		line.Inner = append(line.Inner, Line{Words: []string{"username", "none"}, Why: []string{"The password came without a name."}})
	} else {
		line.Inner = append(line.Inner, Line{Words: []string{"username", string(right.Kind), right.NameField}})
	}
	if narrow || place == nil {
		if names := r.fields(o); len(names) > 0 {
			line.Inner = append(line.Inner, Line{Words: append([]string{"fields"}, names...), Why: []string{"What the login's form sends beside the name."}})
		}
	}
	for _, found := range tokens {
		line.Inner = append(line.Inner, Line{Words: append([]string{"token"}, found.words...), Why: []string{"Its answer has a bearer token there: " + found.why + "."}})
	}
	if place == nil {
		line.Inner = append(line.Inner, r.successes(o, session, tokens)...)
	}
	return append2(line, r.failures(o))
}

func append2(line Line, inner []Line) Line {
	line.Inner = append(line.Inner, inner...)
	return line
}

// told says what told the right password from a wrong one.
func told(o outcome) []string {
	right := answered(o.right)
	if o.wrong == nil {
		return []string{"The right password was answered by " + right + ". No wrong one was recorded."}
	}
	wrong := answered(o.wrong)
	if wrong == right {
		return []string{"The right password and a wrong one were answered alike, by " + right + "."}
	}
	return []string{"The right password was answered by " + right + ",", "a wrong one by " + wrong + "."}
}

// answered describes an answer to a password, without anything that is only said once.
func answered(a *Attempt) string {
	text := fmt.Sprint(a.Status)
	if a.Status >= 300 && a.Status < 400 {
		text += " (elsewhere)"
	}
	var names []string
	for _, cookie := range a.set() {
		if !removes(cookie) && !slices.Contains(names, cookie.Name) {
			names = append(names, cookie.Name)
		}
	}
	slices.Sort(names)
	for i := range names {
		names[i] = shown(names[i])
	}
	if len(names) > 0 {
		return text + " and the cookies " + strings.Join(names, " ")
	}
	return text + " and no cookie"
}
