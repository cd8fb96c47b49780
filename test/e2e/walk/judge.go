package walk

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"sallyport.example/sallyport/test/e2e/tap"
)

// Violation is a broken promise.
type Violation struct {
	// Kind is the kind of violation.
	Kind string
	// Text says what was seen.
	Text string
}

// The kinds of violations.
const (
	// Taken: the app accepts a request of an unverified session as signed in.
	Taken = "the app takes a request of an unverified session for signed in"
	// Carried: a login went to the app with cookies of a user who is signed in already.
	Carried = "a login carries the app's session of somebody who is signed in"
	// Other: for the app, a request of a verified session belongs to another user.
	Other = "the app takes a request of a verified session for somebody else's"
	// Shown: an unverified session gets the answer of a user who is signed in.
	Shown = "an answer to an unverified session is one of a signed-in account"
	// Handed: an answer has a credential of another user, or of any user before the factor is passed.
	Handed = "an answer holds a credential that the session has not earned"
	// Owner: a session of the attacker is verified for the owner.
	Owner = "a session of the attacker's is verified for the owner"
	// Foreign: another site's page signs the browser in or out, or acts in its name.
	Foreign = "another site's page has to do with the session"
	// Unearned: a session is verified for somebody whose password was never given.
	Unearned = "a session is verified for an account whose password was never given"
)

// judge examines what happened.
func (p *play) judge() []Violation {
	var all []Violation
	add := func(kind, format string, arguments ...any) {
		all = append(all, Violation{kind, fmt.Sprintf(format, arguments...)})
	}
	p.seen = p.target.Tap.All()
	for _, seen := range p.seen {
		p.judgeRequest(seen, add)
	}
	for _, b := range p.browsers {
		for _, answer := range b.answers {
			p.judgeAnswer(b, answer, add)
		}
		for _, reading := range b.readings {
			p.judgeState(b, reading, add)
		}
	}
	return all
}

type adder = func(kind, format string, arguments ...any)

// owner returns the browser that a request came from; nil if there is none.
func (p *play) owner(client string) *browser {
	rest, found := strings.CutPrefix(client, fmt.Sprintf("walk/%d/", p.number))
	number, _, _ := strings.Cut(rest, " ")
	at, err := strconv.Atoi(number)
	if !found || err != nil || at >= len(p.browsers) {
		return nil
	}
	return p.browsers[at]
}

func (p *play) judgeRequest(seen tap.Seen, add adder) {
	if seen.Question != "" || len(seen.Before) == 0 {
		return
	}
	b := p.owner(seen.Client)
	if b == nil {
		if !strings.HasPrefix(seen.Client, "walk/") {
			add(Taken, "%s %s of no browser of the walk (%q) is %v's", seen.Method, seen.Target, seen.Client, seen.Before)
		}
		return
	}
	before, after := b.around(seen.Begun, seen.Begun)
	if before.State == "" || after.State == "" {
		return
	}
	state := before.State + " " + before.User
	if before != after {
		state += ", then " + after.State + " " + after.User
	}
	for realm, name := range seen.Before {
		if p.target.Untold == realm && p.target.isLogin(seen.Method, seen.Target) {
			continue // another login with the same name; the gateway does not ask about this realm
		}
		if p.target.Raises && before.verified() && b.gaveUp(seen.Begun) {
			continue
		}
		if p.mayBe(before, name) || p.mayBe(after, name) || p.lenient(b, seen, name, before, after) {
			continue
		}
		kind := Taken
		switch {
		case p.target.isLogin(seen.Method, seen.Target):
			kind = Carried
		case before.verified() || after.verified():
			kind = Other
		}
		add(kind, "%s: %s %s is %s's in realm %q; the session is %s", b.name, seen.Method, seen.Target, p.called(name), realm, state)
	}
}

// mayBe reports whether a session may be used for an account.
func (p *play) mayBe(r reading, name string) bool {
	account := p.target.accountOf(name)
	return r.verified() && account != "" && p.target.accountOf(r.User) == account
}

// lenient reports whether a request may be an account's although, as far as is known, the browser's session is not that
// account's verified one. It may be if it had the account's own password; if it was under way while something else
// changed the session, in which case its answer is judged; or if it belongs to a session of the attacker's own that the
// browser did not know of yet, never learnt of, or had when it sent the request without waiting for the answer.
func (p *play) lenient(b *browser, seen tap.Seen, name string, before, after reading) bool {
	changed := before.State != after.State || before.User != after.User
	if changed && slices.ContainsFunc(b.answers, func(a answered) bool { return a.aside && a.during(seen.Begun) }) {
		return true
	}
	account := p.target.accountOf(name)
	if account == "" || account == p.target.Owner.Typed[0] {
		return false
	}
	if slices.ContainsFunc(b.answers, func(a answered) bool {
		return a.aside && a.begun.Before(after.ended) && a.ended.After(before.begun)
	}) {
		return true // in between it may have been verified and then changed again
	}
	if p.proves(seen.Header.Get("Authorization"), account) {
		return true
	}
	return slices.ContainsFunc(b.answers, func(a answered) bool {
		switch {
		case seen.Begun.Before(a.begun) || a.method != seen.Method:
			return false
		case a.hasty || a.lost:
			if sent, _ := b.around(a.begun, a.begun); p.mayBe(sent, name) || p.proves(a.password, account) || a.lost && p.target.Doors[0].Basic {
				return true
			}
		}
		return a.during(seen.Begun) && slices.ContainsFunc(b.during(seen.Begun, a.ended), func(r reading) bool { return p.mayBe(r, name) })
	})
}

// proves reports whether the app accepts HTTP Basic and the line is that of an account of the attacker's own.
func (p *play) proves(line, account string) bool {
	return p.target.Doors[0].Basic && slices.ContainsFunc(p.target.accounts()[1:], func(a Account) bool {
		return a.Typed[0] == account && a.proves(line)
	})
}

// during reports whether an answer was under way at a moment.
func (a answered) during(at time.Time) bool { return !at.Before(a.begun) && at.Before(a.ended) }

// gaveUp reports whether, until then, a browser did not wait for the answer to a request that was no page load.
func (b *browser) gaveUp(until time.Time) bool {
	return slices.ContainsFunc(b.answers, func(a answered) bool {
		return a.hasty && a.begun.Before(until) && (a.method != http.MethodGet || a.body)
	})
}

// called returns what an account is called in a report.
func (p *play) called(name string) string {
	if account := p.target.accountOf(name); account != "" {
		return account
	}
	return name
}

func (p *play) judgeAnswer(b *browser, answer answered, add adder) {
	before, after := b.around(answer.begun, answer.ended)
	if before.State == "" || after.State == "" {
		return
	}
	what := fmt.Sprintf("%s: %s %s, answered with %d in state %s %s, then %s %s",
		b.name, answer.method, answer.target, answer.Status, before.State, before.User, after.State, after.User)
	if answer.foreign && (answer.Status == http.StatusSwitchingProtocols || p.setsToken(answer)) {
		add(Foreign, "%s", what)
	}
	untold := p.target.Untold != "" && p.target.isLogin(answer.method, answer.target) // see judgeRequest
	if p.fromApp(b, answer) && !untold {
		for _, account := range p.target.accounts() {
			own := account.Typed[0] != p.target.Owner.Typed[0]
			switch {
			case p.mayBe(before, account.Called), p.mayBe(after, account.Called):
				continue
			case own && (answer.aside || p.proves(answer.password, account.Typed[0])):
				// It may be the answer of a session that the browser does not know of, or has left.
				continue
			}
			for _, marker := range account.Markers {
				if strings.Contains(answer.Raw, marker) || strings.Contains(answer.Text, marker) {
					add(Shown, "%s, holds %q of %s", what, marker, account.Typed[0])
					break
				}
			}
		}
		for _, name := range p.target.MarkerHeaders {
			if value := answer.Header.Get(name); value != "" && !answer.aside && answer.password == "" && !before.verified() && !after.verified() {
				add(Shown, "%s, has %s: %s", what, name, value)
			}
		}
	}
	for credential, worth := range p.target.Tap.Leaked(p.target.Address, b.name, answer.Raw, answer.Text) {
		for _, name := range worth {
			own := p.target.accountOf(name) != p.target.Owner.Typed[0]
			if !p.mayBe(before, name) && !p.mayBe(after, name) && !(own && answer.aside) {
				add(Handed, "%s, holds %s=%s, which is worth %s", what, credential.Cookie, credential.Value, p.called(name))
			}
		}
	}
}

// setsToken reports whether an answer to another site's page sets the gateway's cookie where it must not: when the
// browser has a cookie that it did not send, and by a login.
func (p *play) setsToken(answer answered) bool {
	return (answer.alone || p.target.isLogin(answer.method, answer.target)) &&
		slices.ContainsFunc(answer.Header["Set-Cookie"], func(line string) bool { return strings.HasPrefix(line, p.target.Cookie+"=") })
}

// fromApp reports whether an answer may be the app's. The gateway's own pages and errors may name the account. The
// answer at /resume is the app's answer to a login.
func (p *play) fromApp(b *browser, answer answered) bool {
	if rest, found := strings.CutPrefix(answer.target, p.target.Base); found {
		return strings.HasPrefix(rest, "/resume") && answer.Status < http.StatusBadRequest
	}
	if strings.HasPrefix(answer.Header.Get("Content-Security-Policy"), "default-src 'none'; style-src 'sha256-") {
		return false
	}
	at, _, _ := strings.Cut(answer.target, "?")
	return slices.ContainsFunc(p.seen, func(seen tap.Seen) bool {
		path, _, _ := strings.Cut(seen.Target, "?")
		return p.owner(seen.Client) == b && answer.during(seen.Begun) && answer.method == seen.Method && at == path
	})
}

func (p *play) judgeState(b *browser, r reading, add adder) {
	if !r.verified() || p.target.Anybody {
		return
	}
	account := p.target.accountOf(r.User)
	switch {
	case account == p.target.Owner.Typed[0]:
		add(Owner, "%s", b.name)
	case !p.right[account] && !(account != "" && p.right[OwnName] && p.enrolled != nil && account == p.enrolled.Typed[0]):
		add(Unearned, "%s is verified for %q", b.name, r.User)
	}
}
