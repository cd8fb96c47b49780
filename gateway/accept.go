package gateway

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"sallyport/custody"
	"sallyport/event"
	"sallyport/factor"
	"sallyport/gate"
	"sallyport/session"
)

// signedIn is what a successful login leaves behind.
type signedIn struct {
	identity string
	jar      custody.Jar // the app's session
	bonds    custody.Bonds
	token    string   // the bearer token, where the app issued one
	granted  []string // names of cookies that the browser gets
	delivery *session.Delivery
	// oversized: the answer is too large to wait for the factor.
	oversized bool
	// typed: it is a login, and no sign-in by another way.
	typed bool
	// inPlace: the app may sign somebody else in under the cookies that are held, unless the operator says that it renews them.
	inPlace bool
	// within: it was found in mid-session, by a request of that session. Where the session has ended meanwhile, nothing
	// comes of it: a slow request must not begin another one (P8).
	within bool
}

// accept is the only place where a session gets an identity. It reports whether a factor is owed; then the session is
// pending, or enrolling, and the app's session stays in custody unused. Everything an earlier login left is replaced, and
// the token is a new one (P5, P8).
//
// Where the secrets store cannot say whether a factor is owed, the session is left pending and the error returned: nothing
// is lost, and the challenge asks the store again (P6).
func (x *exchange) accept(next signedIn) (owed bool, err error) {
	status, storeErr := x.enrolled(next.identity)
	state := x.stateAfterPassword(status, storeErr)
	if state == gate.Verified && next.within {
		// Who lost a factor by being called otherwise sets another one up at once.
		lost, err := x.losesFactor(next.identity)
		if err != nil {
			storeErr, state = err, gate.Pending
		} else if lost {
			state = gate.Enrolling
		}
	}
	stands, credential, device := noFactor, "", ""
	var proofs []session.Proof
	if next.typed && storeErr == nil && status.Enrolled {
		if credential, device = x.trusted(next.identity, status); credential != "" {
			state, stands = gate.Verified, stillTrusted(credential)
			proofs = []session.Proof{{Method: string(factor.MethodTOTP), At: x.now, Trusted: true}}
		}
	}
	came, before := x.origin(), x.token
	step := session.SignIn(session.Arrival{
		User: next.identity, State: state, Proofs: proofs,
		Custody: session.Custody{Held: next.jar, Bonds: next.bonds, Token: next.token, InPlace: next.inPlace && !x.config.Renews},
		Granted: next.granted, Next: x.rememberedTarget(), Delivery: next.delivery, Device: device,
		Origin: &session.Origin{Address: came.Address, Browser: came.Browser}, At: x.now,
	})
	taken, err := x.take(step)
	if errors.Is(err, session.ErrGone) && !next.within {
		// The session that the login came with has ended meanwhile, by another login of the same browser most likely.
		x.token, x.data = "", nil
		taken, err = x.take(step)
	}
	if err != nil {
		if next.within && !errors.Is(err, session.ErrGone) {
			x.unsure.note(before, x.now)
		}
		return true, err
	}
	x.unsure.forget(before)
	// Whatever else is under way with the cookies may be answered as to whoever has signed in.
	if next.within {
		x.raising.end(before, x.now)
	}
	x.carriers.remove(before, &x.stream)
	x.carriers.cut(before)
	x.forgetTarget()
	if state == gate.Verified {
		owed, err := x.owedAfterAll(next.delivery, x.data.Next, stands)
		switch {
		case err != nil && x.state() != gate.Pending:
			return true, err
		case err != nil || owed:
			state, storeErr = gate.Pending, err
		case credential != "":
			x.keepTrust(credential)
		}
	}
	if was := taken.Before; next.within && was.State == gate.Verified && was.Identity != next.identity {
		x.tell(event.Event{Name: event.IdentityChanged, User: next.identity, Was: was.Identity})
	}
	x.tell(event.Event{Name: event.LoginAccepted, User: next.identity, State: state.String()})
	if state == gate.Verified && credential != "" {
		x.tell(event.Event{Name: event.ChallengePassed, User: next.identity, Method: event.MethodTrusted})
	}
	return state != gate.Verified, storeErr
}

// noFactor is why no factor is owed by somebody who has none.
func noFactor(status factor.Status) bool { return !status.Enrolled }

// owedAfterAll looks once more whether a factor is owed, after a session was written that needs none, for the reason that stands
// tells. A change of factors is recorded first, and ends the user's other sessions then: one that was written too late to be among
// those is found here. What it was to lead to is for when the factor is proved: delivery, or the page first asked for, next.
func (x *exchange) owedAfterAll(delivery *session.Delivery, next string, stands func(factor.Status) bool) (owed bool, err error) {
	status, err := x.enrolled(x.data.Identity)
	if err == nil && stands(status) {
		return false, nil
	}
	_, changed := x.take(session.Owe(x.data.Identity, delivery, next, x.now))
	if changed != nil {
		// Nobody gets to know the token of what could not be taken back.
		x.clearToken(x.w.Header(), x.r)
		return true, changed
	}
	return true, err
}

// losesFactor reports whether the user of this session has a factor, and somebody else, as whom the app knows the session now, would
// go on without one.
func (x *exchange) losesFactor(identity string) (bool, error) {
	if x.state() == gate.Anonymous || x.data.Identity == identity {
		return false, nil
	}
	before, err := x.enrolled(x.data.Identity)
	return before.Enrolled, err
}

// stateAfterPassword decides what a password alone is good for. Only a clear "not enrolled" ever means that no factor is
// owed (P6).
func (g *Gateway) stateAfterPassword(status factor.Status, err error) gate.State {
	switch {
	case err != nil || status.Enrolled:
		return gate.Pending
	case g.config.RequireEveryone:
		return gate.Enrolling
	default:
		return gate.Verified
	}
}

// delivery is what is remembered of a withheld answer: where it would have led, and, for a script, its body. A body that is too
// large for that is left out.
func (x *exchange) delivery(answer *withheld, cookies []string) (delivery *session.Delivery, oversized bool) {
	delivery = &session.Delivery{Status: answer.status, Cookies: cookies}
	if target, ok := localTarget(answer.header.Get("Location"), x.r); ok {
		delivery.Location = target
	}
	if isPageLoad(x.r) {
		return delivery, false
	}
	if answer.body.Len() > session.MaxDelivery {
		return delivery, true
	}
	delivery.ContentType = answer.header.Get("Content-Type")
	delivery.ContentEncoding = answer.header.Get("Content-Encoding")
	delivery.Headers = scriptHeaders(answer.header)
	delivery.Body = answer.body.Bytes()
	return delivery, false
}

// maxScriptHeaders is how much of an answer's further headers waits with it, in bytes.
const maxScriptHeaders = 2 << 10

// scriptHeaders are those of an answer in which apps tell their own scripts what to do, such as where to go on (HX-Redirect,
// X-Icinga-Redirect): names and values by turns. What servers and browsers obey is not among them, nor
// what is ours to say, nor what may be a credential.
func scriptHeaders(header http.Header) (lines []string) {
	size := 0
	for _, name := range slices.Sorted(maps.Keys(header)) {
		if !strings.HasPrefix(name, "X-") && !strings.HasPrefix(name, "Hx-") || strings.HasPrefix(name, "X-Accel-") || notForScripts[name] ||
			custody.Sensitive(name) {
			continue
		}
		for _, value := range header[name] {
			if size += len(name) + len(value); size > maxScriptHeaders {
				return lines
			}
			lines = append(lines, name, value)
		}
	}
	return lines
}

var notForScripts = map[string]bool{
	"X-Sendfile": true, "X-Lighttpd-Send-File": true, "X-Frame-Options": true, "X-Content-Type-Options": true, "X-Xss-Protection": true,
	"X-Permitted-Cross-Domain-Policies": true, "X-Robots-Tag": true, "X-Dns-Prefetch-Control": true, "X-Ua-Compatible": true, "X-Powered-By": true,
}
