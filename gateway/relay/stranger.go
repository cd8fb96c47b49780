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

// ForwardStranger sends a request to the app with what a stranger may have. A pending session is one: what its login
// put into custody is attached to nothing yet.
//
// A query may sign somebody in by fields whose names nobody described: at a login's page, and everywhere where the app
// cannot be asked, it goes as what may be a sign-in does.
func (x *Exchange) ForwardStranger() error {
	if !x.bare() && (x.Config.Logins.Typed || x.Place == gate.Entry) {
		return x.ForwardSuspect()
	}
	if x.Session() != nil && (x.Session().Doubt || x.Session().Guest.RanOut(time.Time{}, x.Now)) {
		if answer := x.settleDoubt(); answer != nil {
			return answer()
		}
	}
	insertion, referrer := x.expectPage(), x.R.Header["Referer"]
	openOnly(x)
	if x.Session() != nil && x.Session().Guest.Len() > 0 {
		token := x.Token
		x.Carriers.Add(token, &x.stream)
		defer x.Carriers.Remove(token, &x.stream)
		// A query that the operator lets through may raise the session that these cookies are.
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
	if !x.carries {
		return x.filter.run(x.Next, x.R)
	}
	defer x.stream.end()
	defer leaveDoor(x)
	return x.filter.run(x.Next, x.stream.watch(x))
}

// carry takes the stranger's cookies along, unless a login has claimed them since the session was read.
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

// disowned reports whether a login has claimed the cookies meanwhile that this request took to the app. Then its answer
// may be one to whoever has signed in. It may be a login at another node, which the store knows of.
func (x *Exchange) disowned() (bool, error) {
	if !x.carries {
		return false, nil
	}
	data, err := x.site.lookNow(x.R.Context(), x.Token)
	return data == nil, err
}

// ForwardSuspect sends a stranger's request to the app that could sign somebody in, on a path that the operator opened
// for it. As a login does, it takes the stranger's cookies out of the session, and the app is asked about them before
// they come back. Where the app cannot be asked, they are not sent.
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
	insertion, referrer := x.expectPage(), x.R.Header["Referer"]
	openOnly(x)
	x.Prepare(&x.carried)
	x.Observe()
	x.filter = filter{x: x, insertion: insertion, referrer: referrer}
	defer x.stream.end()
	defer leaveDoor(x)
	if x.Token == "" || x.carried.Len() == 0 {
		return x.filter.run(x.Next, x.R) // which is nobody's that could end
	}
	return x.filter.run(x.Next, x.stream.watch(x))
}

// enterDoor notes, before the head of an answer goes out, and with it a session of the app's, that the request may sign
// somebody in after that. Until it is over no login takes that session along, at any gateway.
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
		return errDoorElsewhere // which takes the session's one mark back when it is over
	}
	x.door.Marked.Store(err == nil)
	return err
}

// errDoorElsewhere is returned where such a request of the same session is under way at another gateway.
var errDoorElsewhere = errors.New("another request of the session may sign somebody in, at another gateway")

// leaveDoor says that the request is over. Where nobody saw its end the app may be at work on it for a while still. The
// last one takes the mark in the store back.
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

// openOnly takes the query off a stranger's request where only the path is public.
func openOnly(x *Exchange) {
	r := x.R
	if x.Place == gate.Public && (r.URL.RawQuery != "" || r.URL.ForceQuery) && !x.Policy.KeepsQuery(r, x.Path) {
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

// doubt notes that nobody knows whether the stranger's cookies are still a stranger's.
func (x *Exchange) doubt() error {
	if !x.Config.Logins.Asks() {
		return nil
	}
	_, err := x.Take(session.DoubtGuest())
	return err
}

// settleDoubt asks the app whose the stranger's cookies are. There is no answer where they are a stranger's.
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

// jar holds the cookies that go to the app with a request of this session that is no login: those that a login has
// earned once the session is verified, and a stranger's before.
func (x *Exchange) jar() custody.Jar {
	switch {
	case x.Session() == nil:
		return custody.Jar{}
	case x.Session().State == gate.Verified:
		return x.Session().Held
	}
	return x.carried
}

// mayHaveSignedIn reports whether a stranger's request could have raised the session that it carried, without a sign in
// the answer, or another one of the session that is under way. A query may do so, by fields whose names nobody
// described.
func (x *Exchange) mayHaveSignedIn() bool {
	return x.Suspect || x.Place == gate.Entry && !x.bareEntry() || x.carries && x.Raising.Any(x.visit.Token)
}

// bareEntry reports whether the request is a mere look at the login page: there is nothing in it that a client could
// have chosen to sign somebody in by. Some apps begin another session with each question that a stranger's cookies come
// with, and would not know the page's form any more.
//
// Where it took cookies along that the answer changes, those may have signed in: an app may remember people by a cookie
// of which its identity address knows nothing.
func (x *Exchange) bareEntry() bool { return x.Place == gate.Entry && x.bare() }

// bare reports whether the address is without a query of the client's choice.
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
