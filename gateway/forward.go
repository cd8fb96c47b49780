package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"sallyport/age"
	"sallyport/custody"
	"sallyport/login"
	"sallyport/pages"
	"sallyport/session"
)

// maxRechecks is how often one request asks again whose the cookies are that other answers are changing meanwhile.
const maxRechecks = 8

// errBusy is returned where they change faster than that.
var errBusy = fmt.Errorf("%w: held cookies change faster than the app can be asked about them", errBroken)

// forwardVerified sends a request to the app with the session that is held for it. Most requests in a site's life take
// this way, and nothing else: one look at the session, the headers, the filter.
func (x *exchange) forwardVerified() error {
	insertion, refreshes := x.expectPage(), x.refreshes()
	if x.data.InPlace {
		leave, answered, err := x.takeTurn()
		defer leave()
		if answered || err != nil {
			return err
		}
	}
	if x.config.Logins.Asks() && !(refreshes && x.tokenRanOut()) && x.mustAsk() && !x.lacksPassword() {
		if answered, err := x.recheck(); answered || err != nil {
			return err
		}
	}
	if x.config.Sessions.NeedsTouch(x.data, x.now) {
		if err := x.config.Sessions.Touch(x.r.Context(), x.token, x.now); err != nil {
			return x.storeFailed("note that the session is in use", err)
		}
	}
	// This app may sign people in without a sign: it is asked after each request that could have done so.
	x.suspect = x.suspect || x.mayRaise()
	x.prepare(&x.data.Held)
	x.observe()
	x.filter = filter{x: x, insertion: insertion}
	if refreshes {
		return x.refresh()
	}
	defer x.stream.end()
	if x.visit != nil {
		defer x.settledEarly()
	}
	return x.filter.run(x.next, x.stream.watch(x))
}

// mustAsk reports whether it is time to ask the app who is signed in. What was asked in the future was asked by another clock.
func (x *exchange) mustAsk() bool { return x.isDue(x.data, x.now) || x.unsure.has(x.token) }

func (g *Gateway) isDue(data *session.Data, now time.Time) bool {
	return !age.Within(now, data.Checked, g.config.Recheck) || uncovered(data, now)
}

// uncovered reports whether a held cookie has run out since the app was asked: it may have stood above another user's.
func uncovered(data *session.Data, now time.Time) bool { return data.Held.RanOut(data.Checked, now) }

// recheck asks the app who is signed in while a session is in use (contract 4.2). It reports whether the request was
// answered already; where not, it goes on.
func (x *exchange) recheck() (answered bool, err error) {
	seen := x.data.Checked
	if !seen.IsZero() && !uncovered(x.data, x.now) && !x.unsure.has(x.token) {
		// One request of those that come at the same time asks. A session that must not be used unasked has no such luck:
		// its time is zero, and each request asks for itself.
		taken, err := x.take(session.ClaimCheck(seen, x.now))
		if err != nil {
			return true, x.storeFailed("claim the identity check", err)
		}
		if !taken.Done {
			return false, nil
		}
	}
	answer := x.whose(x.data.Held)
	for range maxRechecks {
		if answer.verdict != login.Known || answer.name != x.data.Identity {
			break
		}
		vouched, err := x.vouch(answer)
		if err != nil {
			return true, x.storeFailed("note the identity check", err)
		}
		if vouched {
			return false, nil
		}
		answer = x.whose(x.data.Held)
	}
	switch answer.verdict {
	case login.Known:
		if answer.name == x.data.Identity {
			return true, x.identityUnclear(probed{err: errBusy})
		}
		owed, err := x.accept(signedIn{
			identity: answer.name, jar: answer.jar, delivery: &session.Delivery{Location: x.wanted("")}, within: true, inPlace: true,
		})
		if err != nil {
			return true, x.storeFailed("look up the second factor", err)
		}
		if owed {
			return true, x.askFactor()
		}
		return false, nil
	case login.NotSignedIn:
		if x.tokenRanOut() {
			if err := x.unsettle(nil); err != nil {
				return true, x.storeFailed("note the failed identity check", err)
			}
			return false, nil
		}
		if err := x.end(endedByApp); err != nil {
			return true, x.storeFailed("end session", err)
		}
		return true, x.act(x.decide())
	default:
		if errors.Is(answer.err, errTwoUsers) {
			if err := x.end(ofTwoUsers); err != nil {
				return true, x.storeFailed("end session", err)
			}
			return true, x.askLogin()
		}
		if err := x.unsettle(answer.changes); err != nil {
			return true, x.storeFailed("note the failed identity check", err)
		}
		return true, x.identityUnclear(answer)
	}
}

// vouch notes that the app named the session's own user. It reports whether that is worth anything: where cookies came
// into custody meanwhile of which nobody knows whose they are, the app was not asked about them (P5), and is asked again.
func (x *exchange) vouch(answer probed) (vouched bool, err error) {
	taken, err := x.take(session.Vouch(x.data.Identity, x.data.Held, x.cookiesSet(answer.changes)))
	if taken.Done {
		x.unsure.forget(x.token)
	}
	return taken.Done, err
}

// unsettle notes that a session must not be used before the app has said whose it is.
func (x *exchange) unsettle(changes []custody.Change) error {
	defer x.carriers.doubt(x.token)
	_, err := x.take(session.Unsettle(x.cookiesSet(changes)))
	if err != nil && !errors.Is(err, session.ErrGone) {
		x.unsure.note(x.token, x.now)
	}
	return err
}

// identityUnclear answers where the app could not be asked who is signed in. What cannot be established is refused (P4).
func (x *exchange) identityUnclear(answer probed) error {
	if x.r.Context().Err() != nil && x.filter.mode == notStarted {
		return x.left()
	}
	x.log.ErrorContext(x.r.Context(), "the app did not say who is signed in; the request was refused",
		"setting", "identity", "app", x.config.App, "identity", x.config.Logins.Identities[0].Where(), "status", answer.status, "error", answer.err)
	if answer.err != nil && !errors.Is(answer.err, errBroken) && !errors.Is(answer.err, errTooLarge) && x.filter.mode == notStarted {
		return answer.err
	}
	return x.fail(http.StatusBadGateway, pages.ErrorApp)
}
