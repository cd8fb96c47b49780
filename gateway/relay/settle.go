package relay

import (
	"context"
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

// settle decides, by what is known already, what becomes of an answer that sets cookies, ends the app's session, or may
// stem from a sign-in that nobody could see. The app may have to be asked first.
func (x *settlement) settle(lines []string) ruling {
	verified := x.State() == gate.Verified
	jar := x.jar()
	x.sorted = x.site.Cookies.Sort(lines, jar.Holds, x.Suspect && !verified)
	asks := x.Config.Logins.Asks()
	leaves := verified && x.signsOut()
	after, effect, full := x.Apply(jar, x.sorted.Held)
	switch {
	case full != nil:
		return x.overflow(full)
	case asks && verified && (len(effect.Changed) > 0 || len(effect.Deleted) > 0 || x.Suspect || leaves):
		return ruling{}
	case leaves && !gate.Foreign(x.R, nil):
		return x.signedOut(len(effect.Changed) > 0 && !(x.Plain(x.R) && x.bare()))
	case asks && !verified && (len(effect.Changed) > 0 && (x.carries || !x.bareEntry()) || x.mayHaveSignedIn() && after.Len() > 0):
		return ruling{}
	case !verified && x.Suspect && !asks:
		return x.unasked(effect)
	case x.Config.Front != nil && verified:
		// Whose the session is has been said by another than the app.
		return x.commit(nil)
	case verified && !asks && x.unexplained(effect):
		return x.distrust(effect)
	case verified && !asks && x.Config.Logins.KnownBy(effect.Deleted, x.Config.Rotates):
		// What its user was known by is gone.
		return x.outlived()
	case verified && jar.Len() > 0 && after.Len() == 0:
		// Nothing is left of the app's session. Were ours to live on, a script's cookie could come in its place (P5).
		return x.outlived()
	case verified:
		return x.commit(nil)
	}
	return x.toStranger()
}

// signsOut reports whether the request asked the app to sign its user out, and was answered as such a one is. What
// another site's page asks for is nobody's wish, and the app may refuse it, in words that no status tells: then the
// app's own word is needed.
func (x *settlement) signsOut() bool {
	return x.Place == gate.Logout && x.status >= 200 && x.status < 400
}

// signedOut ends the session of somebody who leaves. The answer is hers where the app said after it that nobody is
// signed in, or she still is: an app that takes a name and password with any request takes them with this one too, and
// shows what is another's then. In an answer of which nobody knows (doubtful), nothing is shown.
func (x *settlement) signedOut(doubtful bool) ruling {
	doubtful = doubtful || x.goesOnUnwatched()
	failed := x.ended(signedOutOfApp)
	switch {
	case failed != nil:
		return instead(failed)
	case doubtful:
		return instead(x.AskLogin)
	}
	return x.letGo()
}

// unasked is for an answer of which nobody can say whether it was a sign-in: what it sets goes nowhere. Where it
// sets something, the answer itself may be an account's, and goes nowhere either, unless it is a mere page load of what
// is public.
func (x *settlement) unasked(effect custody.Effect) ruling {
	x.sorted.Held = nil
	if len(effect.Changed) == 0 || x.Place != gate.Entry && x.Plain(x.R) {
		return x.toStranger()
	}
	x.Log.WarnContext(x.R.Context(), "what a stranger sent may have signed somebody in, and the app cannot be asked; its answer was withheld",
		"setting", "identity or public", "app", x.Config.App, "cookies", effect.Changed, "client", x.Config.ClientAddress(x.R))
	return instead(x.AskLogin)
}

// ask asks the app who the changed cookies belong to, before one byte of the answer goes out (P5). The error is
// custody.ErrFull, and then nobody was asked. A user who hangs up meanwhile loses nothing: the question goes on.
func (x *settlement) ask() (upstream.Probed, error) {
	if client := x.R; x.State() == gate.Verified && client.Context().Err() == nil {
		x.R = client.WithContext(context.WithoutCancel(client.Context()))
		defer func() { x.R = client }()
	} // else the answer may be none of the app's, and that be at work on the request still
	after, _, err := x.Apply(x.jar(), x.sorted.Held)
	if err != nil {
		return upstream.Probed{}, err
	}
	return x.OfAnswer(after, x.sorted, x.jar(), x.Whose), nil
}

// settleBy decides by what the app has said.
func (x *settlement) settleBy(said upstream.Probed) ruling {
	verified := x.State() == gate.Verified
	leaves := verified && x.signsOut() && !gate.Foreign(x.R, nil)
	switch {
	case leaves && (said.Verdict == login.NotSignedIn || said.Verdict == login.Known && said.Name == x.Session().Identity):
		return x.signedOut(false)
	case leaves && said.Verdict == login.Unclear:
		return x.signedOut(true)
	case said.Verdict == login.Known && verified && said.Name == x.Session().Identity:
		x.noteAddress()
		return x.commit(said.Changes)
	case said.Verdict == login.Known:
		return x.switched(said)
	case said.Verdict == login.NotSignedIn:
		if verified {
			// The app knows nobody any more, by an answer to somebody: what that set is no stranger's.
			return x.outlived()
		}
		x.sorted.Held = append(x.sorted.Held, said.Changes...)
		x.answered = said.Jar
		return x.toStranger()
	case errors.Is(said.Err, upstream.ErrTwoUsers):
		return x.endWith(ofTwoUsers)
	}
	if verified {
		if err := x.unsettle(); err != nil && !errors.Is(err, session.ErrGone) {
			return instead(func() error { return x.StoreFailed("note the failed identity check", err) })
		}
	} else if x.carries {
		// Nobody knows whether the session that it took along is still a stranger's.
		if err := x.doubt(); err != nil && !errors.Is(err, session.ErrGone) {
			return instead(func() error { return x.StoreFailed("note the failed identity check", err) })
		}
	}
	return instead(func() error { return x.IdentityUnclear(said) })
}

// switched is a sign-in that came by another way than a login: a password-reset link, a registration, a second login
// endpoint. It is treated as a login of whom the app names.
func (x *settlement) switched(said upstream.Probed) ruling {
	if x.Token == "" && x.Blind() {
		// Another site's page may have brought it about, in a browser whose own session is not to be lost for it.
		return instead(x.RefuseForeign)
	}
	within := x.State() == gate.Verified
	delivery := &session.Delivery{Cookies: x.sorted.Browser, Location: x.Wanted(x.W.Header().Get("Location"))}
	owed, err := x.Accept(signin.SignedIn{
		Identity: said.Name, Mail: said.Mail, Jar: said.Jar, Granted: x.sorted.Granted, Delivery: delivery, Within: within,
		InPlace: true,
	})
	switch {
	case err != nil:
		return instead(func() error { return x.StoreFailed("sign in", err) })
	case owed:
		return instead(x.AskFactor)
	}
	return x.letGo()
}

// commit stores what an answer changed in a verified session, before its first byte goes out. Answers that run side by
// side each change what is there when they come to it, so that none undoes another's.
func (x *settlement) commit(more []custody.Change) ruling {
	if len(x.sorted.Held) > 0 || len(more) > 0 || !x.Session().Knows(x.sorted.Granted) {
		set := x.CookiesSet(slices.Concat(x.sorted.Held, more), x.sorted.Granted...)
		_, err := x.Take(session.Hold(set, x.Session().Held, x.Config.Logins.Asks()))
		switch {
		case errors.Is(err, session.ErrOverflow):
			return x.overflow(err)
		case err != nil && !errors.Is(err, session.ErrGone):
			return instead(func() error { return x.StoreFailed("keep the app's cookies", err) })
		}
	}
	return x.letGo()
}

// unexplained reports whether a held cookie changed that does not change in the app's normal use. Where the request may
// have carried a login that nobody could read, no use is known to be normal, and what a login's own address sets is
// never part of it.
func (x *settlement) unexplained(effect custody.Effect) bool {
	return slices.ContainsFunc(effect.Changed, func(name string) bool {
		return x.Suspect || x.Place == gate.Entry || !x.Config.Rotates.Match(name)
	})
}

// distrust is what becomes of a verified session in which a held cookie changed, and no `identity` says whose it is
// now: it ends, and nothing of it goes anywhere, the answer included. Otherwise somebody with a factor of his own could
// exchange his session for another's, whose password he has, and prove his own factor for it (P4).
func (x *settlement) distrust(effect custody.Effect) ruling {
	return x.endWith(event.Event{
		Name: event.SessionEnded, Actor: event.ByGateway, Reason: event.ReasonCookie,
		Setting: "identity or rotates", Cookies: effect.Changed,
	})
}

// overflow is what becomes of an answer that sets more than custody holds: what did not fit cannot be asked about, so
// that nobody knows whose the session is with it.
func (x *settlement) overflow(err error) ruling {
	if x.State() == gate.Verified {
		return x.endWith(event.Event{
			Name: event.SessionEnded, Actor: event.ByGateway, Reason: event.ReasonOverflow,
			Setting: "pass", Detail: err.Error(),
		})
	}
	x.Log.WarnContext(x.R.Context(),
		"the app sets more cookies than a stranger's session can hold; nothing of them is used", "setting", "pass", "app", x.Config.App, "error", err)
	// Also what a request had taken out of the session, or it would come back.
	x.sorted.Held, x.carried = nil, custody.Jar{}
	if err := x.forgetGuest(); err != nil {
		return instead(func() error { return x.StoreFailed("forget the app's cookies", err) })
	}
	return x.toStranger()
}

// outlived ends a session whose app session has ended, and lets the answer go as a stranger's. A page is none to go on
// with: a form to sign in that it shows belongs to the app's session that is thrown away with ours. Then the login page
// takes its place.
func (x *settlement) outlived() ruling {
	unwatched := x.goesOnUnwatched()
	failed := x.ended(endedByApp)
	switch {
	case failed != nil:
		return instead(failed)
	case unwatched:
		return instead(x.AskLogin)
	case !x.Plain(x.R) || !x.bare():
		location := x.W.Header().Get("Location")
		if target, local := exchange.LocalTarget(location, x.R); local && x.status >= 300 && x.status < 400 && (target == x.Target || x.LeadsToSignIn(location)) {
			// As an app's own sign-out does. Nothing else of the answer is let go.
			return instead(func() error { return exchange.RedirectAs(&x.Exchange.Exchange.Exchange.Exchange, x.status, target) })
		}
		return instead(x.AskLogin)
	case (x.Place == gate.Protected || x.Place == gate.Entry) && x.status == http.StatusOK && x.Plain(x.R) && exchange.IsPageLoad(x.R) && x.Config.LoginPage != "":
		return instead(x.AskLogin)
	}
	x.sorted.Held = nil
	return x.toStranger()
}

// goesOnUnwatched reports whether more would come of an answer than what is there, or a tunnel, by a request that may
// sign somebody in after that. Once its session has ended, nobody could ask whose the rest is.
func (x *settlement) goesOnUnwatched() bool {
	return x.status == http.StatusSwitchingProtocols || x.asksOn()
}

// ended ends the session in the middle of an answer, and tells the event. Where the store cannot do it, failed tells
// the browser so in the place of the app's answer.
func (x *settlement) ended(as event.Event) (failed exchange.Answer) {
	if err := x.End(as); err != nil {
		return func() error { return x.StoreFailed("end session", err) }
	}
	return nil
}

// endWith ends the session, and nothing of the answer goes anywhere.
func (x *settlement) endWith(as event.Event) ruling {
	if failed := x.ended(as); failed != nil {
		return instead(failed)
	}
	return instead(x.AskLogin)
}

// toStranger lets an answer go to somebody who is not signed in, once what it sets is stored.
func (x *settlement) toStranger() ruling {
	err := x.enterDoor()
	if err == nil {
		err = x.keepForStranger()
	}
	if err == nil {
		err = x.enterDoor() // where there was no session before
	}
	switch {
	case errors.Is(err, errDoorElsewhere):
		return instead(x.AskLogin)
	case err != nil && !errors.Is(err, session.ErrGone):
		return instead(func() error { return x.StoreFailed("keep the app's cookies", err) })
	}
	return x.letGo()
}

// keepForStranger stores what an answer to a stranger set: held cookies in the guest's jar, names in the list of what
// the browser may send. While the page of a failed login is open, only another login page begins anew.
func (x *settlement) keepForStranger() error {
	returns := x.Suspect && x.carried.Len() > 0
	if len(x.sorted.Held) == 0 && !returns && x.Session().Knows(x.sorted.Granted) {
		return nil
	}
	returning := custody.Jar{}
	if returns {
		returning = x.carried
	}
	_, err := x.Take(session.KeepGuest(x.CookiesSet(x.sorted.Held, x.sorted.Granted...), returning, x.Place == gate.Entry))
	return err
}
