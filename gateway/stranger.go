package gateway

import (
	"context"
	"errors"
	"strings"
	"time"

	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/login"
	"sallyport.example/sallyport/session"
)

// forwardStranger sends a request to the app with what a stranger may have. A pending session is one: what its login
// put into custody is attached to nothing yet.
//
// A query may sign somebody in by fields whose names nobody described: at a login's page, and everywhere where the app
// cannot be asked, it goes as what may be a sign-in does.
func (x *exchange) forwardStranger() error {
	if !x.bare() && (x.config.Logins.Typed || x.place == gate.Entry) {
		return x.forwardSuspect()
	}
	if x.data != nil && (x.data.Doubt || x.data.Guest.RanOut(time.Time{}, x.now)) {
		if answered, err := x.settleDoubt(); answered || err != nil {
			return err
		}
	}
	insertion := x.expectPage()
	x.openOnly()
	if x.data != nil && x.data.Guest.Len() > 0 {
		token := x.token
		x.carriers.add(token, &x.stream)
		defer x.carriers.remove(token, &x.stream)
		// A query that the operator lets through may raise the session that these cookies are.
		x.visit = x.raising.join(token, !x.bare(), true)
		defer x.visit.leave()
		if _, alone := x.visit.wait(x.r.Context()); alone {
			if err := x.carry(); err != nil {
				return x.storeFailed("load session", err)
			}
		}
	}
	x.prepare(&x.carried)
	x.observe()
	x.filter = filter{x: x, insertion: insertion}
	if !x.carries {
		return x.filter.run(x.next, x.r)
	}
	defer x.stream.end()
	return x.filter.run(x.next, x.stream.watch(x))
}

// carry takes the stranger's cookies along, unless a login has claimed them since the session was read.
func (x *exchange) carry() error {
	data, err := x.config.Sessions.LoadNow(x.r.Context(), x.token)
	if err != nil {
		return err
	}
	if data == nil || data.State == gate.Verified || data.Guest.Len() == 0 {
		return nil
	}
	x.data, x.carried, x.carries = data, data.Guest, true
	return nil
}

// disowned reports whether a login has claimed the cookies meanwhile that this request took to the app. Then its answer
// may be one to whoever has signed in. It may be a login at another node, which the store knows of.
func (x *exchange) disowned() (bool, error) {
	if !x.carries {
		return false, nil
	}
	ctx, done := context.WithTimeout(context.WithoutCancel(x.r.Context()), lookTimeout)
	defer done()
	data, err := x.config.Sessions.LoadNow(ctx, x.token)
	return data == nil, err
}

// forwardSuspect sends a stranger's request to the app that could sign somebody in, on a path that the operator opened
// for it. As a login does, it takes the stranger's cookies out of the session, and the app is asked about them before
// they come back. Where the app cannot be asked, they are not sent.
func (x *exchange) forwardSuspect() error {
	x.suspect = true
	switch {
	case x.data == nil || x.data.Guest.Len() == 0:
	case x.config.Logins.Asks():
		taken, err := x.claim()
		if err != nil {
			return x.storeFailed("claim the stranger's cookies", err)
		}
		x.carried = taken.guest
	}
	insertion := x.expectPage()
	x.openOnly()
	x.prepare(&x.carried)
	x.observe()
	x.filter = filter{x: x, insertion: insertion}
	defer x.stream.end()
	if x.token == "" || x.carried.Len() == 0 {
		return x.filter.run(x.next, x.r) // which is nobody's that could end
	}
	return x.filter.run(x.next, x.stream.watch(x))
}

// openOnly takes the query off a stranger's request where only the path is public.
func (x *exchange) openOnly() {
	r := x.r
	if x.place == gate.Public && (r.URL.RawQuery != "" || r.URL.ForceQuery) && !x.policy.KeepsQuery(r, x.path) {
		r.URL.RawQuery, r.URL.ForceQuery = "", false
		r.RequestURI, _, _ = strings.Cut(r.RequestURI, "?")
	}
}

// unseen is called where nobody saw how the app answered: it broke off, or the client left first. Whatever a request
// may have done it is taken to have done.
//
// A session that the app can be asked about is asked about before its next use, and for a while after each, since the
// app may be at work still. Where it cannot be asked, one ends that could have become another's; a mere page load,
// which people leave at any time, leaves it. A stranger's cookies are forgotten where the request could have signed
// somebody in.
func (x *exchange) unseen() {
	var err error
	switch {
	case x.state() == gate.Verified && x.config.Logins.Asks():
		if x.mayRaise() {
			x.raising.linger(x.token)
		}
		err = x.unsettle(nil)
	case x.state() == gate.Verified && !x.plain():
		err = x.destroy(event.Event{
			Name: event.SessionEnded, Actor: event.ByGateway, Reason: event.ReasonUnseen, Setting: "identity",
		})
	case x.carries && x.state() != gate.Verified && x.mayHaveSignedIn():
		err = x.forgetGuest()
	case x.carries && x.state() != gate.Verified:
		err = x.doubt()
	}
	if err != nil && !errors.Is(err, session.ErrGone) {
		x.storeFails(err)
		x.log.ErrorContext(x.r.Context(), "store failed; an answer that was not seen could not be noted",
			"setting", "sessions", "app", x.config.App, "error", err)
	}
}

// doubt notes that nobody knows whether the stranger's cookies are still a stranger's.
func (x *exchange) doubt() error {
	if !x.config.Logins.Asks() {
		return nil
	}
	_, err := x.take(session.DoubtGuest())
	return err
}

// settleDoubt asks the app whose the stranger's cookies are. It reports whether the request was answered.
func (x *exchange) settleDoubt() (answered bool, err error) {
	if !x.config.Logins.Asks() {
		if err := x.forgetGuest(); err != nil && !errors.Is(err, session.ErrGone) {
			return true, x.storeFailed("forget the app's cookies", err)
		}
		return false, nil
	}
	said := x.probe(x.data.Guest, attachment{})
	switch said.verdict {
	case login.NotSignedIn:
		_, err := x.take(session.ReviewGuest(x.cookiesSet(said.changes), true, true))
		if err != nil && !errors.Is(err, session.ErrGone) {
			return true, x.storeFailed("keep the app's cookies", err)
		}
		return false, nil
	case login.Known:
		owed, err := x.accept(signedIn{
			identity: said.name, jar: said.jar, delivery: &session.Delivery{Location: x.wanted("")}, within: true, inPlace: true,
		})
		switch {
		case err != nil:
			return true, x.storeFailed("sign in", err)
		case owed:
			return true, x.askFactor()
		}
		return true, x.act(x.decide())
	}
	if err := x.forgetGuest(); err != nil {
		return true, x.storeFailed("forget the app's cookies", err)
	}
	return true, x.identityUnclear(said)
}
