package signin

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/exchange"
	"sallyport.example/sallyport/gateway/upstream"
	"sallyport.example/sallyport/pages"
	"sallyport.example/sallyport/session"
)

// SignedIn is the result of a successful login.
type SignedIn struct {
	Identity string
	Mail     string      // the user's e-mail address; empty if the app named none
	Phone    string      // the user's telephone number, likewise
	Jar      custody.Jar // the app's session
	bonds    custody.Bonds
	token    string   // the bearer token, where the app issued one
	Granted  []string // names of cookies that the browser gets
	Delivery *session.Delivery
	// Oversized: the answer is too large to be kept until the factor is proved.
	Oversized bool
	// typed: the user signed in by a login, and not in another way.
	typed bool
	// InPlace: the app may sign somebody else in under the cookies that are held, unless the operator says that it
	// renews them.
	InPlace bool
	// Within: a request in the middle of a session found the sign-in. If that session has ended meanwhile, the sign-in
	// counts for nothing, because a slow request must not begin another session (P8).
	Within bool
}

// Accept is the only place where a session gets an identity. It reports whether a factor is owed; if so, the session is
// pending or enrolling, and the app's cookies stay in custody unused. Accept replaces everything that an earlier login
// left, and the token is a new one (P5, P8).
//
// If the secrets store cannot say whether a factor is owed, Accept leaves the session pending and returns the error.
// Nothing is lost: the challenge asks the store again (P6).
func (x *Exchange) Accept(next SignedIn) (owed bool, err error) {
	status, storeErr := x.Enrolled(next.Identity)
	state := gate.Owes(storeErr == nil, status.Enrolled, x.Config.RequireEveryone || status.Reset)
	if state == gate.Verified && next.Within {
		// A user who lost a factor because the app uses another name now has to set one up at once.
		lost, err := x.losesFactor(next.Identity)
		if err != nil {
			storeErr, state = err, gate.Pending
		} else if lost {
			state = gate.Enrolling
		}
	}
	stands, credential, device := NoFactor, "", ""
	var proofs []session.Proof
	if next.typed && storeErr == nil && status.Enrolled {
		if credential, device = x.trusted(next.Identity, status); credential != "" {
			state, stands = gate.Verified, StillTrusted(credential)
			proofs = []session.Proof{{Method: string(factor.MethodTOTP), At: x.Now, Trusted: true}}
		}
	}
	came, before := x.Origin(), x.Token
	step := session.SignIn(session.Arrival{
		User: next.Identity, State: state, Proofs: proofs,
		Custody: session.Custody{Held: next.Jar, Bonds: next.bonds, Token: next.token, Mail: next.Mail, Phone: next.Phone, InPlace: next.InPlace && !x.Config.Renews},
		Granted: next.Granted, Next: x.RememberedTarget(), Delivery: next.Delivery, Device: device,
		Origin: &session.Origin{Address: came.Address, Browser: came.Browser}, At: x.Now,
	})
	taken, err := x.Take(step)
	if errors.Is(err, session.ErrGone) && !next.Within {
		// Another request has ended the session of this login meanwhile, most likely another login of the same browser.
		x.Forget()
		taken, err = x.Take(step)
	}
	if err != nil {
		if next.Within && !errors.Is(err, session.ErrGone) {
			x.Above.Untold()
		}
		return true, err
	}
	// The app may answer other requests that carry these cookies as requests of the new user.
	if next.Within {
		x.Raising.End(before, x.Now)
	}
	x.Carriers.Remove(before, x.Above.Carrier())
	x.Carriers.Cut(before)
	exchange.ForgetTarget(&x.Exchange.Exchange)
	if state == gate.Verified {
		owed, err := x.OwedAfterAll(next.Delivery, x.Session().Next, stands)
		switch {
		case err != nil && x.State() != gate.Pending:
			return true, err
		case err != nil || owed:
			state, storeErr = gate.Pending, err
		case credential != "":
			x.KeepTrust(credential)
		}
	}
	if was := taken.Before; next.Within && was.State == gate.Verified && was.Identity != next.Identity {
		x.Tell(event.Event{Name: event.IdentityChanged, User: next.Identity, Was: was.Identity})
	}
	x.Tell(event.Event{Name: event.LoginAccepted, User: next.Identity, State: state.String()})
	if state == gate.Verified && credential != "" {
		x.Tell(event.Event{Name: event.ChallengePassed, User: next.Identity, Method: event.MethodTrusted})
		TellUnproved(x, next.Identity)
	}
	if next.typed && state == gate.Pending && storeErr == nil && status.Enrolled {
		expectProof(x, next.Identity)
	}
	return state != gate.Verified, storeErr
}

// NoFactor reports whether no factor is owed because the user has none, and no operator has taken it away.
func NoFactor(status factor.Status) bool { return status.Bare() }

// OwedAfterAll checks once more whether a factor is owed, after a session was written that needs none. stands reports
// whether the reason for needing none still holds. A change of factors is recorded first and ends the user's other
// sessions afterwards, so it would miss a session that is written in between. delivery and next, the page first asked
// for, are kept until the factor is proved.
func (x *Exchange) OwedAfterAll(delivery *session.Delivery, next string, stands func(factor.Status) bool) (owed bool, err error) {
	status, err := x.Enrolled(x.Session().Identity)
	if err == nil && stands(status) {
		return false, nil
	}
	_, changed := x.Take(session.Owe(x.Session().Identity, delivery, next, x.Now))
	if changed != nil {
		// As long as the session stands as written, nobody may learn its token.
		exchange.ClearToken(&x.Exchange.Exchange)
		return true, changed
	}
	return true, err
}

// losesFactor reports whether the session's user has a factor and would lose it, because the app now calls the user by
// a name that has none.
func (x *Exchange) losesFactor(identity string) (bool, error) {
	if x.State() == gate.Anonymous || x.Session().Identity == identity {
		return false, nil
	}
	before, err := x.Enrolled(x.Session().Identity)
	return before.Enrolled, err
}

// Delivery returns what is kept of a withheld answer: where it would have led and, for a script, its body. oversized
// reports that the body is too large to be kept.
func (x *Exchange) Delivery(answer *upstream.Withheld, cookies []string) (delivery *session.Delivery, oversized bool) {
	delivery = &session.Delivery{Status: answer.Status, Cookies: cookies}
	if target, ok := exchange.LocalTarget(answer.Headers.Get("Location"), x.R); ok {
		delivery.Location = target
	}
	if exchange.IsPageLoad(x.R) {
		return delivery, false
	}
	if answer.Body.Len() > session.MaxDelivery {
		return delivery, true
	}
	delivery.ContentType = answer.Headers.Get("Content-Type")
	delivery.ContentEncoding = answer.Headers.Get("Content-Encoding")
	delivery.Headers = scriptHeaders(answer.Headers)
	delivery.Body = answer.Body.Bytes()
	return delivery, false
}

// MaxScriptHeaders is how many bytes of further headers are kept with an answer.
const MaxScriptHeaders = 2 << 10

// scriptHeaders returns the headers by which apps tell their own scripts what to do, such as where to go on
// (HX-Redirect, X-Icinga-Redirect), as names and values by turns. It leaves out what servers and browsers obey, what
// the gateway sets itself, and what may be a credential.
func scriptHeaders(header http.Header) (lines []string) {
	size := 0
	for _, name := range slices.Sorted(maps.Keys(header)) {
		if !strings.HasPrefix(name, "X-") && !strings.HasPrefix(name, "Hx-") || strings.HasPrefix(name, "X-Accel-") || notForScripts[name] ||
			custody.Sensitive(name) {
			continue
		}
		for _, value := range header[name] {
			if size += len(name) + len(value); size > MaxScriptHeaders {
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

// DeliverCookies sets those cookies of the withheld answer that the browser may have.
func (x *Exchange) DeliverCookies(delivery *session.Delivery) {
	if delivery != nil {
		h := x.W.Header()
		h["Set-Cookie"] = append(h["Set-Cookie"], delivery.Cookies...)
	}
}

// IdentityUnclear refuses a request because the app could not say who is signed in (P4).
func (x *Exchange) IdentityUnclear(answer upstream.Probed) error {
	if x.R.Context().Err() != nil && !x.Above.Begun() {
		return x.Left()
	}
	x.Log.ErrorContext(x.R.Context(), "the app did not say who is signed in; the request was refused",
		"setting", "identity", "app", x.Config.App, "identity", x.Config.Logins.Identities[0].Where(), "status", answer.Status, "error", answer.Err)
	if answer.Err != nil && !errors.Is(answer.Err, upstream.ErrBroken) && !errors.Is(answer.Err, upstream.ErrTooLarge) && !x.Above.Begun() {
		return answer.Err
	}
	return x.Fail(http.StatusBadGateway, pages.ErrorIdentity)
}
