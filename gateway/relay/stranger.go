package relay

import (
	"errors"
	"strings"
	"time"

	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/exchange"
	"sallyport.example/sallyport/gateway/signin"
	"sallyport.example/sallyport/gateway/underway"
	"sallyport.example/sallyport/gateway/upstream"
	"sallyport.example/sallyport/login"
	"sallyport.example/sallyport/session"
)

// ForwardStranger sends a stranger's request to the app. A pending session is a stranger's too: no request carries the
// cookies of its login yet.
//
// A query may sign somebody in by fields that no login block describes. At a login's page, and everywhere where the app
// cannot be asked, a request with a query is therefore forwarded like a possible sign-in (ForwardSuspect).
func (x *Exchange) ForwardStranger() error {
	if !x.bare() && (x.Config.Logins.Typed || x.Place == gate.Entry) {
		return x.ForwardSuspect()
	}
	if x.Session() != nil && (x.Session().Doubt || x.Session().Guest.RanOut(time.Time{}, x.Now)) {
		if answer := x.settleDoubt(); answer != nil {
			return answer()
		}
	}
	at := x.SignIns.Begin()
	defer at.End()
	insertion, referrer := x.expectPage(), x.R.Header["Referer"]
	openOnly(x)
	if x.Session() != nil && x.Session().Guest.Len() > 0 {
		token := x.Token
		x.Carriers.Add(token, &x.stream)
		defer x.Carriers.Remove(token, &x.stream)
		// A query that the operator lets through may raise the session that these cookies belong to.
		x.visit = x.Raising.Join(token, !x.bare(), true)
		defer x.visit.Leave()
		if _, alone := x.visit.Wait(x.R.Context()); alone {
			if err := x.carry(); err != nil {
				return x.StoreFailed("load session", err)
			}
		}
	}
	x.Prepare(&x.carried)
	x.Observe()
	x.filter = filter{x: x, insertion: insertion, referrer: referrer}
	defer x.stream.end()
	defer leaveDoor(x)
	if !x.carries {
		x.mayBring = true
		defer leaveBrought(x)
		return x.filter.run(x.Next, x.R)
	}
	return x.filter.run(x.Next, x.stream.watch(x))
}

// brings makes a request one of those that carry the stranger's cookies, because its answer brings them. What is still
// to come of that answer is meant for whoever is signed in with them by then. It is called before the cookies are
// written (Carriers.Add); and after that, in case there was no session before.
func brings(x *Exchange) {
	if !x.mayBring || x.brought != "" || x.Token == "" {
		return
	}
	x.brought, x.carries = x.Token, true
	x.Carriers.Add(x.Token, &x.stream)
	if x.visit == nil {
		x.visit = x.Raising.Join(x.Token, false, true)
	}
	x.stream.begin(x)
}

// leaveBrought makes it a request of its own again: it is over, or nothing of what it brought was kept.
func leaveBrought(x *Exchange) {
	if x.brought == "" {
		return
	}
	x.Carriers.Remove(x.brought, &x.stream)
	x.visit.Leave()
	x.Release()
	x.brought, x.carries, x.mayBring = "", false, false
}

// carry attaches the stranger's cookies, unless a login has claimed them since the session was read.
func (x *Exchange) carry() error {
	data, err := x.Config.Sessions.LoadNow(x.R.Context(), x.Token)
	if err != nil {
		return err
	}
	if data == nil || data.State == gate.Verified || data.Guest.Len() == 0 {
		return nil
	}
	x.Adopt(x.Token, data)
	x.carried, x.carries = data.Guest, true
	return nil
}

// disowned reports whether a login has claimed the cookies that this request took to the app. The answer may then be
// meant for the user who has signed in. The login may have been at another node, so the store is asked.
func (x *Exchange) disowned() (bool, error) {
	if !x.carries {
		return false, nil
	}
	data, err := x.site.lookNow(x.R.Context(), x.Token)
	return data == nil, err
}

// ForwardSuspect forwards a stranger's request that could sign somebody in, on a path that the operator opened for it.
// It takes the stranger's cookies out of the session, as a login does, and the app is asked about them before they come
// back. If the app cannot be asked, the request goes without them.
func (x *Exchange) ForwardSuspect() error {
	x.Suspect = true
	switch {
	case x.Session() == nil || x.Session().Guest.Len() == 0:
	case x.Config.Logins.Asks():
		taken, err := x.Claim()
		if err != nil {
			return x.StoreFailed("claim the stranger's cookies", err)
		}
		x.carried = taken.Guest
	}
	at := x.SignIns.Begin()
	defer at.End()
	insertion, referrer := x.expectPage(), x.R.Header["Referer"]
	openOnly(x)
	x.Prepare(&x.carried)
	x.Observe()
	x.filter = filter{x: x, insertion: insertion, referrer: referrer}
	defer x.stream.end()
	defer leaveDoor(x)
	if x.Token == "" || x.carried.Len() == 0 {
		return x.filter.run(x.Next, x.R) // no session whose end would have to be watched
	}
	return x.filter.run(x.Next, x.stream.watch(x))
}

// enterDoor notes that this request may sign somebody in after the head of its answer has gone out. It is called before
// the head goes out, because the head may bring the browser a session of the app's. Until the request is over, no login
// at any gateway takes that session along.
func (x *Exchange) enterDoor() error {
	if x.door != nil || !x.asksOn() {
		return nil
	}
	alone := !x.Doors.Any(x.Token)
	x.door = x.Doors.Join(x.Token, true, false)
	if !x.Config.Sessions.Remote() {
		return nil
	}
	now := x.Config.Now()
	taken, err := x.Take(session.Raise(now, now, underway.MayTake))
	if err == nil && !taken.Done && alone {
		return errDoorElsewhere // errDoorElsewhere: the other request removes the session's one mark when it is over
	}
	x.door.Marked.Store(err == nil)
	return err
}

// errDoorElsewhere is returned where such a request of the same session is under way at another gateway.
var errDoorElsewhere = errors.New("another request of the session may sign somebody in, at another gateway")

// leaveDoor notes that the request is over. If nobody saw its end, the app may still be at work on it for a while. The
// last such request of the session removes the mark in the store.
func leaveDoor(x *Exchange) {
	if x.door == nil {
		return
	}
	if x.R.Context().Err() != nil {
		x.Doors.Linger(x.door.Token)
	}
	if x.door.Leave(); !x.Doors.Any(x.door.Token) {
		x.site.unmark(x.R.Context(), x.door)
	}
}

// openOnly removes the query of a stranger's request if only the path is public.
func openOnly(x *Exchange) {
	r := x.R
	if x.Place == gate.Public && (r.URL.RawQuery != "" || r.URL.ForceQuery) && !x.Policy.KeepsQuery(r, x.Path) {
		r.URL.RawQuery, r.URL.ForceQuery = "", false
		r.RequestURI, _, _ = strings.Cut(r.RequestURI, "?")
	}
}

// unseen is called if nobody saw how the app answered, because the app broke off or the client left first. The request
// is then taken to have done whatever it may have done.
//
// If the app can be asked, it is asked before the session's next use, and for a while after each use, since the app may
// still be at work. If it cannot be asked, the session ends when the request could have made it another user's; a mere
// page load, which people leave at any time, does not end it. A stranger's cookies are forgotten if the request could
// have signed somebody in.
func (x *Exchange) unseen() {
	var err error
	switch {
	case x.State() == gate.Verified && x.Config.Logins.Asks():
		if x.mayRaise() {
			x.Raising.Linger(x.Token)
		}
		err = x.unsettle()
	case x.State() == gate.Verified && !x.Plain(x.R):
		err = x.Destroy(event.Event{
			Name: event.SessionEnded, Actor: event.ByGateway, Reason: event.ReasonUnseen, Setting: "identity",
		})
	case x.carries && x.State() != gate.Verified && x.mayHaveSignedIn():
		err = x.forgetGuest()
	case x.carries && x.State() != gate.Verified:
		err = x.doubt()
	}
	if err != nil && !errors.Is(err, session.ErrGone) {
		x.StoreFails(err)
		x.Log.ErrorContext(x.R.Context(), "store failed; an answer that was not seen could not be noted",
			"setting", "sessions", "app", x.Config.App, "error", err)
	}
}

// doubt notes that the stranger's cookies may no longer be a stranger's.
func (x *Exchange) doubt() error {
	if !x.Config.Logins.Asks() {
		return nil
	}
	_, err := x.Take(session.DoubtGuest())
	return err
}

// settleDoubt asks the app whose the stranger's cookies are. It returns no answer if they are still a stranger's.
func (x *Exchange) settleDoubt() exchange.Answer {
	if !x.Config.Logins.Asks() {
		if err := x.forgetGuest(); err != nil && !errors.Is(err, session.ErrGone) {
			return func() error { return x.StoreFailed("forget the app's cookies", err) }
		}
		return nil
	}
	said := x.Probe(x.Session().Guest, upstream.Attachment{})
	switch said.Verdict {
	case login.NotSignedIn:
		_, err := x.Take(session.ReviewGuest(x.CookiesSet(said.Changes), true, true))
		if err != nil && !errors.Is(err, session.ErrGone) {
			return func() error { return x.StoreFailed("keep the app's cookies", err) }
		}
		return nil
	case login.Known:
		owed, err := x.Accept(signin.SignedIn{
			Identity: said.Name, Mail: said.Mail, Jar: said.Jar, Delivery: &session.Delivery{Location: x.Wanted("")}, Within: true, InPlace: true,
		})
		switch {
		case err != nil:
			return func() error { return x.StoreFailed("sign in", err) }
		case owed:
			return x.AskFactor
		}
		return func() error { return x.site.Again(x) }
	}
	if err := x.forgetGuest(); err != nil {
		return func() error { return x.StoreFailed("forget the app's cookies", err) }
	}
	return func() error { return x.IdentityUnclear(said) }
}

// jar holds the cookies that go to the app with a request of this session that is no login. In a verified session these
// are the cookies of its login; before that they are the stranger's cookies that this request took along.
func (x *Exchange) jar() custody.Jar {
	switch {
	case x.Session() == nil:
		return custody.Jar{}
	case x.Session().State == gate.Verified:
		return x.Session().Held
	}
	return x.carried
}

// mayHaveSignedIn reports whether a stranger's request, or another request of the session that is under way, could have
// raised the session that it carried without a sign of it in the answer. A query may do so, by fields that no login
// block describes.
func (x *Exchange) mayHaveSignedIn() bool {
	return x.Suspect || x.Place == gate.Entry && !x.bareEntry() || x.carries && x.Raising.Any(x.visit.Token)
}

// bareEntry reports whether the request is a mere look at the login page, with nothing in it that a client could have
// chosen to sign somebody in. The app is not asked after such a look, because some apps begin another session with each
// question that a stranger's cookies come with, and would then no longer know the page's form.
//
// If the request took cookies along and the answer changes them, the app is asked all the same: it may remember people
// by a cookie of which its identity address knows nothing.
func (x *Exchange) bareEntry() bool { return x.Place == gate.Entry && x.bare() }

// bare reports whether the address has no query of the client's choice.
func (x *Exchange) bare() bool { return x.R.URL.RawQuery == "" || x.Target == x.Config.LoginPage }

// forgetGuest throws the stranger's cookies away.
func (x *Exchange) forgetGuest() error {
	if x.Session() == nil || x.Session().Guest.Len() == 0 {
		return nil
	}
	_, err := x.Take(session.ForgetGuest())
	if errors.Is(err, session.ErrGone) {
		return nil
	}
	return err
}
