package gateway

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"sallyport/custody"
	"sallyport/factor"
	"sallyport/gate"
	"sallyport/login"
	"sallyport/pages"
	"sallyport/session"
)

// signIn sends a login to the app and withholds the answer until it is judged (design 4.1).
//
// Whatever the session's state, the login goes out as a stranger's. So a login in mid-session gets a session of its own
// from the app, and never turns the one that other requests of this browser are using into somebody else's (P5).
func (x *exchange) signIn(attempt *login.Attempt) error {
	guest, err := x.claimGuest()
	if err != nil {
		return x.storeFailed("claim the stranger's cookies", err)
	}
	x.prepare(&guest)
	x.config.Observe(x.r, Outcome{State: gate.Anonymous})
	setReadableEncodings(x.r.Header, x.r.Header)
	answer, err := capture(x.next, x.r)
	if err != nil {
		if errors.Is(err, errTooLarge) || errors.Is(err, errBroken) {
			return x.loginUnclear("login", err)
		}
		return err
	}
	lines := answer.cookies()
	seen, err := answer.judged(lines)
	if err != nil {
		return x.loginUnclear("login", err)
	}
	identity := x.config.Logins.Identity
	outcome := x.config.Logins.Judge(attempt.Block, seen, x.path)
	issued, err := login.ReadTokens(attempt.Block.Tokens, seen)
	switch {
	case outcome == login.Failed && len(issued) > 0 && seen.Status < http.StatusBadRequest && !login.WholeBody(attempt.Block.Tokens):
		return x.loginUnclear("success", errTokenOfFailure)
	case outcome == login.Failed:
		return x.signInFailed(answer, lines)
	case err != nil:
		return x.loginUnclear("token", err)
	}
	sorted := x.cookies.Sort(lines, nil, true)
	next := signedIn{
		identity: attempt.Name, jar: x.applied(guest, sorted.Held), granted: sorted.Granted, typed: true,
	}
	next.delivery, next.oversized = x.delivery(answer, sorted.Browser)
	if err := next.bind(issued); err != nil {
		return x.loginUnclear("token", err)
	}
	if identity != nil {
		said := x.probe(next.jar, x.tokenAttachment(next.token))
		switch said.verdict {
		case login.Known:
			next.identity, next.jar = said.name, said.jar
		case login.NotSignedIn:
			if next.token != "" {
				return x.loginUnclear("identity", errTokenOfNobody)
			}
			return x.signInFailed(answer, lines)
		default:
			return x.identityUnclear(said)
		}
	}
	if next.jar.Len() == 0 && next.token == "" {
		return x.loginUnclear("hold", errors.New("the login succeeded and set no cookie that can be held; name the session's cookie in hold"))
	}
	owed, err := x.accept(next)
	if err != nil {
		return x.storeFailed("sign in", err)
	}
	if owed {
		return x.askFactor()
	}
	if answered, err := x.offer(next); answered || err != nil {
		return err
	}
	return answer.send(x.w, x.r, sorted.Browser)
}

// claimGuest takes the stranger's cookies for this login and no other, by changing the session's token (P8).
//
// Some apps sign a session in under the cookie that it has already. Were that cookie to go out with two logins, the second
// could make the app's session another's after the first was accepted, and had its factor proved (P5); whoever holds the
// end of a login's body back can choose the moment. Of two logins the second goes without cookies.
func (x *exchange) claimGuest() (custody.Jar, error) {
	if x.data == nil || x.data.Guest.Len() == 0 {
		return custody.Jar{}, nil
	}
	switch err := x.renew(func(*session.Data) error { return nil }); {
	case errors.Is(err, session.ErrGone):
		x.token, x.data = "", nil
		return custody.Jar{}, nil
	case err != nil:
		return custody.Jar{}, err
	}
	return x.data.Guest, nil
}

// signInFailed passes the answer of a login that the app refused, its held cookies kept back: they are the next attempt's.
//
// The typed name is not logged: now and then it is a password in the wrong field.
func (x *exchange) signInFailed(answer *withheld, lines []string) error {
	x.log.InfoContext(x.r.Context(), "login failed", "app", x.config.App, "client", x.config.ClientAddress(x.r))
	sorted := x.cookies.Sort(lines, nil, false)
	if err := x.keepForStranger(sorted); err != nil && !errors.Is(err, session.ErrGone) {
		return x.storeFailed("keep the app's cookies", err)
	}
	return answer.send(x.w, x.r, sorted.Browser)
}

// loginUnclear refuses a login whose answer cannot be judged, or whose session cannot be held (P4).
func (x *exchange) loginUnclear(setting string, err error) error {
	x.log.ErrorContext(x.r.Context(), "login refused: its answer cannot be judged", "setting", setting, "app", x.config.App, "error", err)
	return x.fail(http.StatusBadGateway, pages.ErrorApp)
}

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
	state, method := x.stateAfterPassword(status, storeErr)
	stands, credential, device := noFactor, "", ""
	if next.typed && storeErr == nil && status.Enrolled {
		if credential, device = x.trusted(next.identity, status); credential != "" {
			state, method, stands = gate.Verified, string(factor.MethodTOTP), stillTrusted(credential)
		}
	}
	origin, target := x.origin(), x.rememberedTarget()
	write := func(data *session.Data) error {
		if target != "" {
			data.Next = target
		}
		data.State, data.Identity, data.Method = state, next.identity, method
		data.Held, data.Guest = next.jar, custody.Jar{}
		data.Bonds, data.Token = next.bonds, next.token
		data.Granted = grant(slices.DeleteFunc(slices.Clone(data.Granted), next.jar.Holds), next.granted)
		data.Since, data.Seen, data.Checked = x.now, x.now, x.now
		data.Factored, data.Proposal, data.Codes, data.Notice = time.Time{}, nil, nil, ""
		data.Address, data.Browser = origin.Address, origin.Browser
		data.Device, data.Delivery = device, nil
		if state != gate.Verified {
			data.Delivery = next.delivery
		}
		return nil
	}
	if err := x.renew(write); errors.Is(err, session.ErrGone) && !next.within {
		// The session that the login came with has ended meanwhile, by another login of the same browser most likely.
		x.token, x.data = "", nil
		if err := x.renew(write); err != nil {
			return true, err
		}
	} else if err != nil {
		return true, err
	}
	x.forgetTarget()
	if state == gate.Verified {
		owed, err := x.owedAfterAll(next.delivery, stands)
		if err != nil {
			return true, err
		}
		if owed {
			state = gate.Pending
		} else if credential != "" {
			x.keepTrust(credential)
		}
	}
	x.log.InfoContext(x.r.Context(), "login accepted by the app",
		"app", x.config.App, "user", next.identity, "state", state.String(), "client", x.config.ClientAddress(x.r))
	return state != gate.Verified, storeErr
}

// noFactor is why no factor is owed by somebody who has none.
func noFactor(status factor.Status) bool { return !status.Enrolled }

// owedAfterAll looks once more whether a factor is owed, after a session was written that needs none, for the reason that stands
// tells. A change of factors is recorded first, and ends the user's other sessions then: one that was written too late to be among
// those is found here.
func (x *exchange) owedAfterAll(delivery *session.Delivery, stands func(factor.Status) bool) (owed bool, err error) {
	status, err := x.enrolled(x.data.Identity)
	if err == nil && stands(status) {
		return false, nil
	}
	changed := x.change(func(data *session.Data) error {
		data.State, data.Method, data.Since, data.Delivery = gate.Pending, "", x.now, delivery
		return nil
	})
	if changed != nil {
		// Nobody gets to know the token of what could not be taken back.
		x.clearToken(x.w.Header(), x.r)
		return true, changed
	}
	return true, err
}

// stateAfterPassword decides what a password alone is good for. Only a clear "not enrolled" ever means that no factor is
// owed (P6).
func (g *Gateway) stateAfterPassword(status factor.Status, err error) (gate.State, string) {
	switch {
	case err != nil || status.Enrolled:
		return gate.Pending, ""
	case g.config.RequireEveryone:
		return gate.Enrolling, ""
	default:
		return gate.Verified, string(factor.MethodNone)
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
	delivery.Body = answer.body.Bytes()
	return delivery, false
}

// keepForStranger stores what an answer to a stranger set: held cookies in the guest's jar, names in the list of what the
// browser may send.
func (x *exchange) keepForStranger(sorted custody.Sorted) error {
	if len(sorted.Held) == 0 && x.knows(sorted.Granted) {
		return nil
	}
	return x.change(func(data *session.Data) error {
		data.Guest = x.applied(data.Guest, sorted.Held)
		data.Granted = grant(data.Granted, sorted.Granted)
		return nil
	})
}
