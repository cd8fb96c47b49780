package gateway

import (
	"errors"
	"net/http"
	"slices"

	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/login"
	"sallyport.example/sallyport/session"
)

// settle decides, by what is known already, what becomes of an answer that sets cookies, ends the app's session, or may
// stem from a sign-in that nobody could see. It returns false where the app has to be asked first.
func (x *exchange) settle(f *filter, status int, lines []string) (decided bool) {
	verified := x.state() == gate.Verified
	jar := x.jar()
	f.sorted = x.cookies.Sort(lines, jar.Holds, x.suspect && !verified)
	asks := x.config.Logins.Asks()
	leaves := verified && x.signsOut(status)
	after, effect, full := x.apply(jar, f.sorted.Held)
	switch {
	case full != nil:
		x.overflow(f, status, full)
	case asks && verified && (len(effect.Changed) > 0 || len(effect.Deleted) > 0 || x.suspect || leaves):
		return false
	case leaves && !gate.Foreign(x.r, nil):
		x.signedOut(f, status, len(effect.Changed) > 0 && !(x.plain() && x.bare()))
	case asks && !verified && (len(effect.Changed) > 0 && !x.bareEntry() || x.mayHaveSignedIn() && after.Len() > 0):
		return false
	case !verified && x.suspect && !asks:
		x.settleUnasked(f, status, effect)
	case x.config.Front != nil && verified:
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

// signsOut reports whether the request asked the app to sign its user out, and was answered as such a one is. What
// another site's page asks for is nobody's wish, and the app may refuse it, in words that no status tells: then the
// app's own word is needed.
func (x *exchange) signsOut(status int) bool {
	return x.place == gate.Logout && status >= 200 && status < 400
}

// signedOut ends the session of somebody who leaves. The answer is hers where the app said after it that nobody is
// signed in, or she still is: an app that takes a name and password with any request takes them with this one too, and
// shows what is another's then. In an answer of which nobody knows (doubtful), nothing is shown.
func (x *exchange) signedOut(f *filter, status int, doubtful bool) {
	doubtful = doubtful || f.goesOnUnwatched(status)
	switch {
	case !x.ended(f, signedOutOfApp):
	case doubtful:
		f.replace(x.askLogin)
	default:
		f.release(status, f.sorted.Browser)
	}
}

// settleUnasked is for an answer of which nobody can say whether it was a sign-in: what it sets goes nowhere. Where it
// sets something, the answer itself may be an account's, and goes nowhere either, unless it is a mere page load of what
// is public.
func (x *exchange) settleUnasked(f *filter, status int, effect custody.Effect) {
	f.sorted.Held = nil
	if len(effect.Changed) == 0 || x.place != gate.Entry && x.plain() {
		x.releaseToStranger(f, status)
		return
	}
	x.log.WarnContext(x.r.Context(), "what a stranger sent may have signed somebody in, and the app cannot be asked; its answer was withheld",
		"setting", "identity or public", "app", x.config.App, "cookies", effect.Changed, "client", x.config.ClientAddress(x.r))
	f.replace(x.askLogin)
}

// mayHaveSignedIn reports whether a stranger's request could have raised the session that it carried, without a sign in
// the answer, or another one of the session that is under way. A query may do so, by fields whose names nobody
// described.
func (x *exchange) mayHaveSignedIn() bool {
	return x.suspect || x.place == gate.Entry && !x.bareEntry() || x.carries && x.raising.any(x.visit.token)
}

// bareEntry reports whether the request is a mere look at the login page: there is nothing in it that a client could
// have chosen to sign somebody in by. Some apps begin another session with each question that a stranger's cookies come
// with, and would not know the page's form any more.
func (x *exchange) bareEntry() bool { return x.place == gate.Entry && x.bare() }

// bare reports whether the address is without a query of the client's choice.
func (x *exchange) bare() bool { return x.r.URL.RawQuery == "" || x.target == x.config.LoginPage }

// settleByProbe asks the app who the changed cookies belong to, before one byte of the answer goes out (P5).
func (x *exchange) settleByProbe(f *filter, status int) {
	verified := x.state() == gate.Verified
	after, _, err := x.apply(x.jar(), f.sorted.Held)
	if err != nil {
		x.overflow(f, status, err)
		return
	}
	said := x.whose(after)
	if said.verdict == login.Unclear && isTimeout(said.err) && f.whole() {
		said = x.whose(after) // of an app that could not say before it had got rid of its answer
	}
	leaves := verified && x.signsOut(status) && !gate.Foreign(x.r, nil)
	switch {
	case leaves && (said.verdict == login.NotSignedIn || said.verdict == login.Known && said.name == x.data.Identity):
		x.signedOut(f, status, false)
	case leaves && said.verdict == login.Unclear:
		x.signedOut(f, status, true)
	case said.verdict == login.Known && verified && said.name == x.data.Identity:
		x.noteAddress()
		x.commit(f, status, said.changes)
	case said.verdict == login.Known:
		x.switched(f, status, said)
	case said.verdict == login.NotSignedIn:
		if verified {
			// The app knows nobody any more, by an answer to somebody: what that set is no stranger's.
			x.outlived(f, status)
			return
		}
		f.sorted.Held = append(f.sorted.Held, said.changes...)
		x.releaseToStranger(f, status)
	case errors.Is(said.err, errTwoUsers):
		x.refuseTwoUsers(f)
	default:
		if verified {
			if err := x.unsettle(f.sorted.Held); err != nil && !errors.Is(err, session.ErrGone) {
				f.replace(func() error { return x.storeFailed("note the failed identity check", err) })
				return
			}
		} else if x.carries {
			// Nobody knows whether the session that it took along is still a stranger's.
			if err := x.doubt(); err != nil && !errors.Is(err, session.ErrGone) {
				f.replace(func() error { return x.storeFailed("note the failed identity check", err) })
				return
			}
		}
		f.replace(func() error { return x.identityUnclear(said) })
	}
}

// switched is a sign-in that came by another way than a login: a password-reset link, a registration, a second login
// endpoint. It is treated as a login of whom the app names.
func (x *exchange) switched(f *filter, status int, said probed) {
	if x.token == "" && x.blind() {
		// Another site's page may have brought it about, in a browser whose own session is not to be lost for it.
		f.replace(func() error { return x.act(gate.RefuseForeign) })
		return
	}
	within := x.state() == gate.Verified
	delivery := &session.Delivery{Cookies: f.sorted.Browser, Location: x.wanted(f.x.w.Header().Get("Location"))}
	owed, err := x.accept(signedIn{
		identity: said.name, jar: said.jar, granted: f.sorted.Granted, delivery: delivery, within: within,
		inPlace: true,
	})
	switch {
	case err != nil:
		f.replace(func() error { return x.storeFailed("sign in", err) })
	case owed:
		f.replace(x.askFactor)
	default:
		f.release(status, f.sorted.Browser)
	}
}

// commit stores what an answer changed in a verified session, before its first byte goes out. Answers that run side by
// side each change what is there when they come to it, so that none undoes another's.
func (x *exchange) commit(f *filter, status int, more []custody.Change) {
	if len(f.sorted.Held) > 0 || len(more) > 0 || !x.data.Knows(f.sorted.Granted) {
		set := x.cookiesSet(slices.Concat(f.sorted.Held, more), f.sorted.Granted...)
		_, err := x.take(session.Hold(set, x.data.Held, x.config.Logins.Asks()))
		switch {
		case errors.Is(err, session.ErrOverflow):
			x.overflow(f, status, err)
			return
		case err != nil && !errors.Is(err, session.ErrGone):
			f.replace(func() error { return x.storeFailed("keep the app's cookies", err) })
			return
		}
	}
	f.release(status, f.sorted.Browser)
}

// wanted is where a browser goes on after a factor that was asked for in the middle of its work: where the app's answer
// led, else the page that it had asked for.
func (x *exchange) wanted(location string) string {
	if target, ok := localTarget(location, x.r); ok {
		return target
	}
	if x.r.Method == http.MethodGet && isPageLoad(x.r) {
		if target, ok := localTarget(x.target, x.r); ok {
			return target
		}
	}
	return ""
}

// unexplained reports whether a held cookie changed that does not change in the app's normal use. Where the request may
// have carried a login that nobody could read, no use is known to be normal, and what a login's own address sets is
// never part of it.
func (x *exchange) unexplained(effect custody.Effect) bool {
	return slices.ContainsFunc(effect.Changed, func(name string) bool {
		return x.suspect || x.place == gate.Entry || !x.config.Rotates.Match(name)
	})
}

// distrust is what becomes of a verified session in which a held cookie changed, and no `identity` says whose it is
// now: it ends, and nothing of it goes anywhere, the answer included. Otherwise somebody with a factor of his own could
// exchange his session for another's, whose password he has, and prove his own factor for it (P4).
func (x *exchange) distrust(f *filter, effect custody.Effect) {
	if x.ended(f, event.Event{
		Name: event.SessionEnded, Actor: event.ByGateway, Reason: event.ReasonCookie,
		Setting: "identity or rotates", Cookies: effect.Changed,
	}) {
		f.replace(x.askLogin)
	}
}

// overflow is what becomes of an answer that sets more than custody holds: what did not fit cannot be asked about, so
// that nobody knows whose the session is with it.
func (x *exchange) overflow(f *filter, status int, err error) {
	if x.state() == gate.Verified {
		if x.ended(f, event.Event{
			Name: event.SessionEnded, Actor: event.ByGateway, Reason: event.ReasonOverflow,
			Setting: "pass", Detail: err.Error(),
		}) {
			f.replace(x.askLogin)
		}
		return
	}
	x.log.WarnContext(x.r.Context(),
		"the app sets more cookies than a stranger's session can hold; nothing of them is used", "setting", "pass", "app", x.config.App, "error", err)
	// Also what a request had taken out of the session, or it would come back.
	f.sorted.Held, x.carried = nil, custody.Jar{}
	if err := x.forgetGuest(); err != nil {
		f.replace(func() error { return x.storeFailed("forget the app's cookies", err) })
		return
	}
	x.releaseToStranger(f, status)
}

// refuseTwoUsers answers where the app's session is two users' at once.
func (x *exchange) refuseTwoUsers(f *filter) {
	if x.endTwoUsers(f) {
		f.replace(x.askLogin)
	}
}

func (x *exchange) endTwoUsers(f *filter) bool {
	return x.ended(f, ofTwoUsers)
}

// outlived ends a session whose app session has ended, and lets the answer go as a stranger's. A page is none to go on
// with: a form to sign in that it shows belongs to the app's session that is thrown away with ours. Then the login page
// takes its place.
func (x *exchange) outlived(f *filter, status int) {
	unwatched := f.goesOnUnwatched(status)
	switch {
	case !x.ended(f, endedByApp):
	case unwatched:
		f.replace(x.askLogin)
	case (x.place == gate.Protected || x.place == gate.Entry) && status == http.StatusOK && x.plain() && isPageLoad(x.r) && x.config.LoginPage != "":
		f.replace(x.askLogin)
	default:
		f.sorted.Held = nil
		x.releaseToStranger(f, status)
	}
}

// goesOnUnwatched reports whether more would come of an answer than what is there, or a tunnel, by a request that may
// sign somebody in after that. Once its session has ended, nobody could ask whose the rest is.
func (f *filter) goesOnUnwatched(status int) bool {
	return status == http.StatusSwitchingProtocols || f.asksOn()
}

// ended ends the session in the middle of an answer, and tells the event. Where the store cannot do it, the browser is
// told so in its place.
func (x *exchange) ended(f *filter, as event.Event) bool {
	if err := x.end(as); err != nil {
		f.replace(func() error { return x.storeFailed("end session", err) })
		return false
	}
	return true
}

// releaseToStranger lets an answer go to somebody who is not signed in, once what it sets is stored.
func (x *exchange) releaseToStranger(f *filter, status int) {
	if err := x.keepForStranger(f.sorted); err != nil && !errors.Is(err, session.ErrGone) {
		f.replace(func() error { return x.storeFailed("keep the app's cookies", err) })
		return
	}
	f.release(status, f.sorted.Browser)
}

// keepForStranger stores what an answer to a stranger set: held cookies in the guest's jar, names in the list of what
// the browser may send. While the page of a failed login is open, only another login page begins anew.
func (x *exchange) keepForStranger(sorted custody.Sorted) error {
	returns := x.suspect && x.carried.Len() > 0
	if len(sorted.Held) == 0 && !returns && x.data.Knows(sorted.Granted) {
		return nil
	}
	returning := custody.Jar{}
	if returns {
		returning = x.carried
	}
	_, err := x.take(session.KeepGuest(x.cookiesSet(sorted.Held, sorted.Granted...), returning, x.place == gate.Entry))
	return err
}

// forgetGuest throws the stranger's cookies away.
func (x *exchange) forgetGuest() error {
	if x.data == nil || x.data.Guest.Len() == 0 {
		return nil
	}
	_, err := x.take(session.ForgetGuest())
	if errors.Is(err, session.ErrGone) {
		return nil
	}
	return err
}
