package walk

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"sallyport/e2e/tap"
)

// Violation is a promise that was not kept.
type Violation struct {
	// Kind is which one, the same for the same sort.
	Kind string
	// Text says what was seen.
	Text string
}

// The kinds of violations.
const (
	// Taken: a request of a session that is not verified is one that the app takes for signed in.
	Taken = "the app takes a request of an unverified session for signed in"
	// Carried: a login went out with cookies that are somebody's already.
	Carried = "a login carries the app's session of somebody who is signed in"
	// Other: a verified session is somebody else's to the app.
	Other = "the app takes a request of a verified session for somebody else's"
	// Shown: an answer to a session that is not verified is a signed-in one.
	Shown = "an answer to an unverified session is one of a signed-in account"
	// Handed: it has a credential in it.
	Handed = "an answer to an unverified session holds a credential"
	// Owner: the attacker is in.
	Owner = "a session of the attacker's is verified for the owner"
	// Unearned: a session is verified for somebody whose password was never given.
	Unearned = "a session is verified for an account whose password was never given"
)

// judge looks through what happened.
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

// owner is the browser that a request came from; nil for none.
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
			add(Taken, "%s %s of nobody's (%q) is %v's", seen.Method, seen.Target, seen.Client, seen.Before)
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
		if p.mayBe(before, name) || p.mayBe(after, name) || p.lenient(b, seen, name) {
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

// lenient reports whether a request under way, whose answer the browser had not or never got, may have been in a session of the
// attacker's own that the browser did not know of yet.
func (p *play) lenient(b *browser, seen tap.Seen, name string) bool {
	account := p.target.accountOf(name)
	if account == p.target.Owner.Typed[0] {
		return false
	}
	for _, answer := range b.answers {
		switch {
		case seen.Begun.Before(answer.begun) || answer.method != seen.Method:
		case answer.lost && p.target.Doors[0].Basic:
			return true
		case seen.Begun.Before(answer.ended):
			if slices.ContainsFunc(b.during(seen.Begun, answer.ended), func(r reading) bool { return p.mayBe(r, name) }) {
				return true
			}
		}
	}
	return false
}

// called is what an account is called in a report.
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
	if p.fromApp(b, answer) {
		for _, account := range p.target.accounts() {
			if p.mayBe(before, account.Called) || p.mayBe(after, account.Called) {
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
			if value := answer.Header.Get(name); value != "" && !before.verified() && !after.verified() {
				add(Shown, "%s, has %s: %s", what, name, value)
			}
		}
	}
	if before.verified() || after.verified() {
		return
	}
	for credential, worth := range p.target.Tap.Leaked(p.target.Address, b.name, answer.Raw, answer.Text) {
		if len(worth) > 0 {
			add(Handed, "%s, holds %s%s, which is worth %v", what, credential.Cookie, credential.Value, slices.Collect(maps.Values(worth)))
		}
	}
}

// fromApp reports whether an answer may be the app's. The gateway's own pages and errors may name the account; what waits at
// /resume is the app's answer to a login.
func (p *play) fromApp(b *browser, answer answered) bool {
	if rest, found := strings.CutPrefix(answer.target, p.target.Base); found {
		return strings.HasPrefix(rest, "/resume")
	}
	return slices.ContainsFunc(p.seen, func(seen tap.Seen) bool {
		return p.owner(seen.Client) == b && !seen.Begun.Before(answer.begun) && seen.Begun.Before(answer.ended)
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
