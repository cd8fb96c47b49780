package relay

import (
	"errors"
	"net/http"
	"slices"

	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/exchange"
	"sallyport.example/sallyport/gateway/signin"
	"sallyport.example/sallyport/gateway/upstream"
	"sallyport.example/sallyport/login"
	"sallyport.example/sallyport/session"
)

// Sessions that end in more than one place.
var (
	signedOutOfApp = event.Event{Name: event.SignedOut, Reason: event.ReasonApp}
	endedByApp     = event.Event{Name: event.SessionEnded, Actor: event.ByGateway, Reason: event.ReasonApp}
	ofTwoUsers     = event.Event{
		Name: event.SessionEnded, Actor: event.ByGateway, Reason: event.ReasonTwoUsers, Setting: "identity",
	}
)

// jar holds the cookies that go to the app with a request of this session that is no login: those that a login has
// earned once the session is verified, and a stranger's before.
func (x *Exchange) jar() custody.Jar {
	switch {
	case x.Data == nil:
		return custody.Jar{}
	case x.Data.State == gate.Verified:
		return x.Data.Held
	}
	return x.carried
}

// settle decides, by what is known already, what becomes of an answer that sets cookies, ends the app's session, or may
// stem from a sign-in that nobody could see. It returns false where the app has to be asked first.
func (x *Exchange) settle(f *filter, status int, lines []string) (decided bool) {
	verified := x.State() == gate.Verified
	jar := x.jar()
	f.sorted = x.site.Cookies.Sort(lines, jar.Holds, x.Suspect && !verified)
	// What another site's page asks for is nobody's wish. The app may refuse it, in words that no status tells.
	leaves := verified && x.Place == gate.Logout && status >= 200 && status < 400
	foreign := leaves && gate.Foreign(x.R, nil)
	asks := x.Config.Logins.Asks()
	if leaves && !foreign {
		if f.leaves = asks && x.Suspect; f.leaves {
			return false
		}
		if x.ended(f, signedOutOfApp) {
			f.release(status, f.sorted.Browser)
		}
		return true
	}
	after, effect, full := x.Apply(jar, f.sorted.Held)
	switch {
	case full != nil:
		x.overflow(f, status, full)
	case asks && verified && (len(effect.Changed) > 0 || len(effect.Deleted) > 0 || x.Suspect || foreign):
		return false
	case asks && !verified && (len(effect.Changed) > 0 && !x.bareEntry() || x.mayHaveSignedIn() && after.Len() > 0):
		return false
	case !verified && x.Suspect && !asks:
		x.settleUnasked(f, status, effect)
	case x.Config.Front != nil && verified:
		// Whose the session is has been said by another than the app.
		x.commit(f, status, nil)
	case verified && !asks && x.unexplained(effect):
		x.distrust(f, effect)
	case verified && jar.Len() > 0 && after.Len() == 0:
		// Nothing is left of the app's session. Were ours to live on, a script's cookie could come in its place (P5).
		x.outlived(f, status)
	case verified:
		x.commit(f, status, nil)
	default:
		x.releaseToStranger(f, status)
	}
	return true
}

// settleUnasked is for an answer of which nobody can say whether it was a sign-in: what it sets goes nowhere. Where it
// sets something, the answer itself may be an account's, and goes nowhere either, unless it is a mere page load of what
// is public.
func (x *Exchange) settleUnasked(f *filter, status int, effect custody.Effect) {
	f.sorted.Held = nil
	if len(effect.Changed) == 0 || x.Place != gate.Entry && x.Plain() {
		x.releaseToStranger(f, status)
		return
	}
	x.Log.WarnContext(x.R.Context(), "what a stranger sent may have signed somebody in, and the app cannot be asked; its answer was withheld",
		"setting", "identity or public", "app", x.Config.App, "cookies", effect.Changed, "client", x.Config.ClientAddress(x.R))
	f.replace(x.AskLogin)
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
func (x *Exchange) bareEntry() bool { return x.Place == gate.Entry && x.bare() }

// bare reports whether the address is without a query of the client's choice.
func (x *Exchange) bare() bool { return x.R.URL.RawQuery == "" || x.Target == x.Config.LoginPage }

// settleByProbe asks the app who the changed cookies belong to, before one byte of the answer goes out (P5).
func (x *Exchange) settleByProbe(f *filter, status int) {
	verified := x.State() == gate.Verified
	after, _, err := x.Apply(x.jar(), f.sorted.Held)
	if err != nil {
		x.overflow(f, status, err)
		return
	}
	said := x.Whose(after)
	if said.Verdict == login.Unclear && upstream.IsTimeout(said.Err) && f.whole() {
		said = x.Whose(after) // of an app that could not say before it had got rid of its answer
	}
	switch {
	case f.leaves:
		x.leave(f, status, said)
	case said.Verdict == login.Known && verified && said.Name == x.Data.Identity:
		x.noteAddress()
		x.commit(f, status, said.Changes)
	case said.Verdict == login.Known:
		x.switched(f, status, said)
	case said.Verdict == login.NotSignedIn:
		if verified {
			// The app knows nobody any more, by an answer to somebody: what that set is no stranger's.
			x.outlived(f, status)
			return
		}
		f.sorted.Held = append(f.sorted.Held, said.Changes...)
		x.releaseToStranger(f, status)
	case errors.Is(said.Err, upstream.ErrTwoUsers):
		x.refuseTwoUsers(f)
	default:
		if verified {
			if err := x.unsettle(f.sorted.Held); err != nil && !errors.Is(err, session.ErrGone) {
				f.replace(func() error { return x.StoreFailed("note the failed identity check", err) })
				return
			}
		} else if x.carries {
			// Nobody knows whether the session that it took along is still a stranger's.
			if err := x.doubt(); err != nil && !errors.Is(err, session.ErrGone) {
				f.replace(func() error { return x.StoreFailed("note the failed identity check", err) })
				return
			}
		}
		f.replace(func() error { return x.IdentityUnclear(said) })
	}
}

// switched is a sign-in that came by another way than a login: a password-reset link, a registration, a second login
// endpoint. It is treated as a login of whom the app names.
func (x *Exchange) switched(f *filter, status int, said upstream.Probed) {
	if x.Token == "" && x.Blind() {
		// Another site's page may have brought it about, in a browser whose own session is not to be lost for it.
		f.replace(func() error { return x.RefuseForeign() })
		return
	}
	within := x.State() == gate.Verified
	delivery := &session.Delivery{Cookies: f.sorted.Browser, Location: x.Wanted(f.x.W.Header().Get("Location"))}
	owed, err := x.Accept(signin.SignedIn{
		Identity: said.Name, Jar: said.Jar, Granted: f.sorted.Granted, Delivery: delivery, Within: within,
		InPlace: true,
	})
	switch {
	case err != nil:
		f.replace(func() error { return x.StoreFailed("sign in", err) })
	case owed:
		f.replace(x.AskFactor)
	default:
		f.release(status, f.sorted.Browser)
	}
}

// commit stores what an answer changed in a verified session, before its first byte goes out. Answers that run side by
// side each change what is there when they come to it, so that none undoes another's.
func (x *Exchange) commit(f *filter, status int, more []custody.Change) {
	if len(f.sorted.Held) > 0 || len(more) > 0 || !x.Data.Knows(f.sorted.Granted) {
		set := x.CookiesSet(slices.Concat(f.sorted.Held, more), f.sorted.Granted...)
		_, err := x.Take(session.Hold(set, x.Data.Held, x.Config.Logins.Asks()))
		switch {
		case errors.Is(err, session.ErrOverflow):
			x.overflow(f, status, err)
			return
		case err != nil && !errors.Is(err, session.ErrGone):
			f.replace(func() error { return x.StoreFailed("keep the app's cookies", err) })
			return
		}
	}
	f.release(status, f.sorted.Browser)
}

// unexplained reports whether a held cookie changed that does not change in the app's normal use. Where the request may
// have carried a login that nobody could read, no use is known to be normal, and what a login's own address sets is
// never part of it.
func (x *Exchange) unexplained(effect custody.Effect) bool {
	return slices.ContainsFunc(effect.Changed, func(name string) bool {
		return x.Suspect || x.Place == gate.Entry || !x.Config.Rotates.Match(name)
	})
}

// distrust is what becomes of a verified session in which a held cookie changed, and no `identity` says whose it is
// now: it ends, and nothing of it goes anywhere, the answer included. Otherwise somebody with a factor of his own could
// exchange his session for another's, whose password he has, and prove his own factor for it (P4).
func (x *Exchange) distrust(f *filter, effect custody.Effect) {
	if x.ended(f, event.Event{
		Name: event.SessionEnded, Actor: event.ByGateway, Reason: event.ReasonCookie,
		Setting: "identity or rotates", Cookies: effect.Changed,
	}) {
		f.replace(x.AskLogin)
	}
}

// overflow is what becomes of an answer that sets more than custody holds: what did not fit cannot be asked about, so
// that nobody knows whose the session is with it.
func (x *Exchange) overflow(f *filter, status int, err error) {
	if x.State() == gate.Verified {
		if x.ended(f, event.Event{
			Name: event.SessionEnded, Actor: event.ByGateway, Reason: event.ReasonOverflow,
			Setting: "pass", Detail: err.Error(),
		}) {
			f.replace(x.AskLogin)
		}
		return
	}
	x.Log.WarnContext(x.R.Context(),
		"the app sets more cookies than a stranger's session can hold; nothing of them is used", "setting", "pass", "app", x.Config.App, "error", err)
	// Also what a request had taken out of the session, or it would come back.
	f.sorted.Held, x.carried = nil, custody.Jar{}
	if err := x.forgetGuest(); err != nil {
		f.replace(func() error { return x.StoreFailed("forget the app's cookies", err) })
		return
	}
	x.releaseToStranger(f, status)
}

// refuseTwoUsers answers where the app's session is two users' at once.
func (x *Exchange) refuseTwoUsers(f *filter) {
	if x.endTwoUsers(f) {
		f.replace(x.AskLogin)
	}
}

func (x *Exchange) endTwoUsers(f *filter) bool {
	return x.ended(f, ofTwoUsers)
}

// outlived ends a session whose app session has ended, and lets the answer go as a stranger's. A page is none to go on
// with: a form to sign in that it shows belongs to the app's session that is thrown away with ours. Then the login page
// takes its place.
func (x *Exchange) outlived(f *filter, status int) {
	unwatched := f.goesOnUnwatched(status)
	switch {
	case !x.ended(f, endedByApp):
	case unwatched:
		f.replace(x.AskLogin)
	case (x.Place == gate.Protected || x.Place == gate.Entry) && status == http.StatusOK && x.Plain() && exchange.IsPageLoad(x.R) && x.Config.LoginPage != "":
		f.replace(x.AskLogin)
	default:
		f.sorted.Held = nil
		x.releaseToStranger(f, status)
	}
}

// leave is for an answer to a sign-out, by a request that may have signed somebody else in. Our session ends in any
// case. The answer goes out where the app knows nobody any more, or still the same user.
func (x *Exchange) leave(f *filter, status int, said upstream.Probed) {
	harmless := said.Verdict == login.NotSignedIn || said.Verdict == login.Known && said.Name == x.Data.Identity
	unwatched := f.goesOnUnwatched(status)
	switch {
	case !x.ended(f, signedOutOfApp):
	case harmless && !unwatched:
		f.release(status, f.sorted.Browser)
	default:
		f.replace(x.AskLogin)
	}
}

// goesOnUnwatched reports whether more would come of an answer than what is there, or a tunnel, by a request that may
// sign somebody in after that. Once its session has ended, nobody could ask whose the rest is.
func (f *filter) goesOnUnwatched(status int) bool {
	return status == http.StatusSwitchingProtocols || f.asksOn()
}

// ended ends the session in the middle of an answer, and tells the event. Where the store cannot do it, the browser is
// told so in its place.
func (x *Exchange) ended(f *filter, as event.Event) bool {
	if err := x.End(as); err != nil {
		f.replace(func() error { return x.StoreFailed("end session", err) })
		return false
	}
	return true
}

// releaseToStranger lets an answer go to somebody who is not signed in, once what it sets is stored.
func (x *Exchange) releaseToStranger(f *filter, status int) {
	if err := x.keepForStranger(f.sorted); err != nil && !errors.Is(err, session.ErrGone) {
		f.replace(func() error { return x.StoreFailed("keep the app's cookies", err) })
		return
	}
	f.release(status, f.sorted.Browser)
}

// keepForStranger stores what an answer to a stranger set: held cookies in the guest's jar, names in the list of what
// the browser may send. While the page of a failed login is open, only another login page begins anew.
func (x *Exchange) keepForStranger(sorted custody.Sorted) error {
	returns := x.Suspect && x.carried.Len() > 0
	if len(sorted.Held) == 0 && !returns && x.Data.Knows(sorted.Granted) {
		return nil
	}
	returning := custody.Jar{}
	if returns {
		returning = x.carried
	}
	_, err := x.Take(session.KeepGuest(x.CookiesSet(sorted.Held, sorted.Granted...), returning, x.Place == gate.Entry))
	return err
}

// forgetGuest throws the stranger's cookies away.
func (x *Exchange) forgetGuest() error {
	if x.Data == nil || x.Data.Guest.Len() == 0 {
		return nil
	}
	_, err := x.Take(session.ForgetGuest())
	if errors.Is(err, session.ErrGone) {
		return nil
	}
	return err
}
