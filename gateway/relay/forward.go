package relay

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/exchange"
	"sallyport.example/sallyport/gateway/signin"
	"sallyport.example/sallyport/gateway/upstream"
	"sallyport.example/sallyport/login"
	"sallyport.example/sallyport/pages"
	"sallyport.example/sallyport/session"
)

// maxRechecks is how often one request asks the app again because other answers change the cookies meanwhile.
const maxRechecks = 8

// errBusy is returned if the cookies change faster than the app can be asked.
var errBusy = fmt.Errorf("%w: held cookies change faster than the app can be asked about them", upstream.ErrBroken)

// ForwardVerified sends a request to the app with the cookies from custody. For most requests this is all: one look at
// the session, the headers, and the filter.
func (x *Exchange) ForwardVerified() error {
	insertion, refreshes, referrer := x.expectPage(), x.refreshes(), x.R.Header["Referer"]
	if x.Session().InPlace {
		x.static = isStatic(x)
		leave, answer := x.takeTurn()
		defer leave()
		if answer != nil {
			return answer()
		}
	}
	if x.Config.Logins.Asks() && !(refreshes && x.tokenRanOut()) {
		if due := x.checkDue(); due != gate.NoCheck && !x.LacksPassword() {
			if answer := x.recheck(due); answer != nil {
				return answer()
			}
		}
	}
	if x.Config.Sessions.NeedsTouch(x.Session(), x.Now) {
		if err := x.Config.Sessions.Touch(x.R.Context(), x.Token, x.Now); err != nil {
			return x.StoreFailed("note that the session is in use", err)
		}
		if answer := x.OwesByNow(); answer != nil {
			return answer()
		}
	}
	// This app may sign users in without setting a cookie, so it is asked after each request that could have done so.
	x.Suspect = x.Suspect || x.mayRaise()
	x.filter = filter{x: x, insertion: insertion, referrer: referrer}
	return forward(x, refreshes)
}

// forward sends a request of a verified session on, which nothing holds back any more.
func forward(x *Exchange, refreshes bool) error {
	// What a user sends may end a session, of another account too. WebSockets last too long to count.
	if x.R.Method != http.MethodGet && x.R.Method != http.MethodHead && x.R.Method != http.MethodConnect {
		at := x.SignIns.Begin()
		defer at.End()
	}
	prepareVerified(x)
	x.Observe()
	if refreshes {
		return refresh(x)
	}
	defer x.stream.end()
	if x.visit != nil {
		defer x.settledEarly()
	}
	return x.filter.run(x.Next, x.stream.watch(x))
}

// checkDue reports whether the app has to be asked who is signed in.
func (x *Exchange) checkDue() gate.Check {
	return x.site.checkDue(x.Session(), x.Now, x.Unresolved.Has(x.Token))
}

// checkDue is the same for a session that may have been read outside a request. If a held cookie has run out since the
// app was asked, the session is doubtful, because that cookie may have hidden another user's.
func (s *Site) checkDue(data *session.Data, now time.Time, unresolved bool) gate.Check {
	return gate.CheckDue(now, data.Checked, s.Config.Recheck, unresolved || data.Held.RanOut(data.Checked, now))
}

// recheck asks the app who is signed in while a session is in use (contract 4.2). If it returns no answer, the request
// goes on.
func (x *Exchange) recheck(due gate.Check) exchange.Answer {
	if due == gate.CheckOnce {
		taken, err := x.Take(session.ClaimCheck(x.Session().Checked, x.Now))
		if err != nil {
			return func() error { return x.StoreFailed("claim the identity check", err) }
		}
		if !taken.Done {
			return nil
		}
	}
	x.Patient = true
	defer func() { x.Patient = false }()
	answer := x.Whose(x.Session().Held)
	for range maxRechecks {
		if answer.Verdict != login.Known || answer.Name != x.Session().Identity {
			break
		}
		vouched, err := x.vouch(answer)
		if err != nil {
			return func() error { return x.StoreFailed("note the identity check", err) }
		}
		if vouched {
			return nil
		}
		answer = x.Whose(x.Session().Held)
	}
	switch answer.Verdict {
	case login.Known:
		if answer.Name == x.Session().Identity {
			return func() error { return x.IdentityUnclear(upstream.Probed{Err: errBusy}) }
		}
		owed, err := x.Accept(signin.SignedIn{
			Identity: answer.Name, Mail: answer.Mail, Phone: answer.Phone, Jar: answer.Jar, Delivery: &session.Delivery{Location: x.Wanted("")}, Within: true, InPlace: true,
		})
		if err != nil {
			return func() error { return x.StoreFailed("look up the second factor", err) }
		}
		if owed {
			return x.AskFactor
		}
		return nil
	case login.NotSignedIn:
		if x.tokenRanOut() {
			if err := x.unsettle(); err != nil {
				return func() error { return x.StoreFailed("note the failed identity check", err) }
			}
			return nil
		}
		if err := x.End(endedByApp); err != nil {
			return func() error { return x.StoreFailed("end session", err) }
		}
		return func() error { return x.site.Again(x) }
	default:
		if errors.Is(answer.Err, upstream.ErrTwoUsers) {
			if err := x.End(ofTwoUsers); err != nil {
				return func() error { return x.StoreFailed("end session", err) }
			}
			return x.AskLogin
		}
		if err := x.unsettle(answer.Changes...); err != nil {
			return func() error { return x.StoreFailed("note the failed identity check", err) }
		}
		return func() error { return x.IdentityUnclear(answer) }
	}
}

// vouch notes that the app named the session's own user, and reports whether that counts. It does not count if other
// cookies came into custody meanwhile: the app was not asked about those (P5) and has to be asked again.
func (x *Exchange) vouch(answer upstream.Probed) (vouched bool, err error) {
	token := x.Token
	taken, err := x.Take(session.Vouch(x.Session().Identity, x.Session().Held, x.CookiesSet(answer.Changes)))
	if taken.Done {
		x.Unresolved.Forget(token)
	}
	return taken.Done, err
}

// unsettle notes that the session must not be used before the app has said whose it is. asked are the cookies that the
// app set when it was asked.
func (x *Exchange) unsettle(asked ...custody.Change) error {
	defer x.Carriers.Doubt(x.Token)
	_, err := x.Take(session.Unsettle(x.CookiesSet(asked)))
	if err != nil && !errors.Is(err, session.ErrGone) {
		x.Untold()
	}
	return err
}

// RefuseForeign refuses a request that only this site's pages may send and that a page of another site sent.
func (x *Exchange) RefuseForeign() error {
	x.Log.InfoContext(x.R.Context(), "refused: another site's page sent it",
		"app", x.Config.App, "place", x.Place.String(), "client", x.Config.ClientAddress(x.R))
	return x.Fail(http.StatusForbidden, pages.ErrorForm)
}
