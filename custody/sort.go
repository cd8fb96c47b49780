package custody

import (
	"time"

	"sallyport.example/sallyport/internal/match"
)

// Policy says which of the app's cookies are kept in custody and which the browser may keep and send.
type Policy struct {
	// Hold are the cookies that are kept in custody whatever their attributes. They win over Pass. Names that an app
	// could mistake for one of them (match.FoldName) are treated alike.
	Hold match.Globs
	// Pass are the cookies that the browser may keep and send, including HttpOnly ones. The names are compared exactly.
	Pass match.Globs
	// Learned are names that a login once put into custody. They are treated like those of Hold, but Pass wins over
	// them.
	Learned *Names
	// Own are the names of the gateway's own cookies, of letters, digits, - and _: never sent to the app, and never
	// taken from it.
	Own []string
	// Now is the clock by which Sort judges whether a line deletes a cookie. Nil: time.Now.
	Now func() time.Time
}

// Sorted is the result of Sort. Each line is in Held or Browser, or was dropped.
type Sorted struct {
	// Held go into custody and nowhere else. They are in the answer's order.
	Held []Change
	// Browser are the lines that may go to the browser, unchanged and in the answer's order.
	Browser []string
	// Granted are the names of the cookies that Browser sets (not those that it deletes), each once: the browser may
	// send them from now on.
	Granted []string
	// Dropped is the number of lines that were dropped.
	Dropped int
	// Broken is how many of those have control characters. No browser keeps such a cookie, and an app may know somebody
	// by it all the same.
	Broken int
}

// Sort divides the Set-Cookie lines of one answer, given as raw header values. held reports whether a cookie of that
// name is already in custody, usually [Jar.Holds]; nil means that none is. login says that the answer is that of a
// successful login, whose cookies are all held except for Pass and the tokens that scripts must read.
//
// The first rule that fits decides:
//
//   - no name, control characters, or a name that folds to one of Own: dropped;
//   - fits Hold, or is in custody already: held;
//   - a name that is no token, or begins with `$`: held, for [Policy.CookieHeader] would not let the browser send it;
//   - fits Pass: browser;
//   - its name is in Learned: held;
//   - HttpOnly: held;
//   - deletes a cookie and carries no value: browser;
//   - a value that the browser could not send back (white space, bytes beyond ASCII, stray quotes): held;
//   - the name has csrf or xsrf in it: browser;
//   - login: held;
//   - else: browser.
//
// A name that one line of the answer puts into custody is in custody for all its lines.
func (p *Policy) Sort(lines []string, held func(name string) bool, login bool) Sorted {
	changes := make([]Change, len(lines))
	verdicts := make([]verdict, len(lines))
	now := p.now()
	for i, line := range lines {
		var ok bool
		if changes[i], ok = ParseSetCookie(line); ok {
			verdicts[i] = p.judge(&changes[i], held, login, now)
		}
	}
	for i := range lines {
		if verdicts[i] != toCustody {
			continue
		}
		for k := range lines {
			if verdicts[k] == toBrowser && sameFold(changes[i].name, changes[k].name) {
				verdicts[k] = toCustody
			}
		}
	}
	var sorted Sorted
	for i, line := range lines {
		switch verdicts[i] {
		case toCustody:
			sorted.Held = append(sorted.Held, changes[i])
		case toBrowser:
			sorted.Browser = append(sorted.Browser, line)
			if _, deleted := changes[i].expiry(now); !deleted {
				sorted.Granted = appendOnce(sorted.Granted, changes[i].name)
			}
		default:
			sorted.Dropped++
			if hasControl(line) {
				sorted.Broken++
			}
		}
	}
	return sorted
}

type verdict uint8

const (
	toNobody verdict = iota
	toCustody
	toBrowser
)

func (p *Policy) judge(change *Change, held func(name string) bool, login bool, now time.Time) verdict {
	name := change.name
	switch {
	case p.owns(name):
		return toNobody
	case globsFold(p.Hold, name), held != nil && held(name), !returnableName(name):
		return toCustody
	case p.Pass.Match(name):
		return toBrowser
	case p.Learned.Has(name):
		return toCustody
	case change.httpOnly:
		return toCustody
	case change.erases(now):
		return toBrowser
	case !returnableValue(change.value):
		return toCustody
	case forScripts(name):
		return toBrowser
	case login:
		return toCustody
	}
	return toBrowser
}

// erases reports whether a line only deletes a cookie, so that its value is no secret. PHP's value is the word deleted.
func (c *Change) erases(now time.Time) bool {
	if c.value != "" && c.value != `""` && c.value != "deleted" {
		return false
	}
	_, deleted := c.expiry(now)
	return deleted
}

func (p *Policy) now() time.Time {
	if p.Now != nil {
		return p.Now()
	}
	return time.Now()
}
