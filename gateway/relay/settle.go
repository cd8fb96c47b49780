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

// Events of sessions that end in more than one place.
var (
	signedOutOfApp = event.Event{Name: event.SignedOut, Reason: event.ReasonApp}
	endedByApp     = event.Event{Name: event.SessionEnded, Actor: event.ByGateway, Reason: event.ReasonApp}
	ofTwoUsers     = event.Event{
		Name: event.SessionEnded, Actor: event.ByGateway, Reason: event.ReasonTwoUsers, Setting: "identity",
	}
)

// settle decides, by what is already known, what becomes of an answer that sets cookies, ends the app's session, or may
// be the answer to a sign-in that the gateway could not see. The zero ruling means that the app has to be asked first.
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
		// Another than the app has said whose the session is, so the app is not asked.
		return x.commit(nil)
	case verified && !asks && x.unexplained(effect):
		return x.distrust(effect)
	case verified && !asks && x.Config.Logins.KnownBy(effect.Deleted, x.Config.Rotates):
		// The cookie by which the app knew its user is gone.
		return x.outlived()
	case verified && jar.Len() > 0 && after.Len() == 0:
		// Nothing is left of the app's session. If ours lived on, a script's cookie could take its place (P5).
		return x.outlived()
	case verified:
		return x.commit(nil)
	}
	return x.toStranger()
}

// signsOut reports whether the request asked the app to sign its user out and the status of the answer does not refuse.
// The user did not wish for it if another site's page sent the request, and the app may refuse it in words that no
// status shows. The callers therefore ask the app itself in that case.
func (x *settlement) signsOut() bool {
	return x.Place == gate.Logout && x.status >= 200 && x.status < 400
}

// signedOut ends the session of a user who signs out. The answer goes to the browser if the app says after it that
// nobody is signed in, or that she still is. Otherwise it could be another user's: an app that takes a name and
// password with any request takes them with this one too, and then shows that user's page. If nobody knows whose the
// answer is (doubtful), the login page takes its place.
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

// unasked decides on an answer that may be the answer to a sign-in, where the app cannot be asked. The gateway keeps
// nothing of what such an answer sets. If it sets something, the answer itself may be an account's page and is withheld
// too, unless it is the answer to a mere page load of what is public.
func (x *settlement) unasked(effect custody.Effect) ruling {
	x.sorted.Held = nil
	if len(effect.Changed) == 0 || x.Place != gate.Entry && x.Plain(x.R) {
		return x.toStranger()
	}
	x.Log.WarnContext(x.R.Context(), "what a stranger sent may have signed somebody in, and the app cannot be asked; its answer was withheld",
		"setting", "identity or public", "app", x.Config.App, "cookies", effect.Changed, "client", x.Config.ClientAddress(x.R))
	return instead(x.AskLogin)
}

// ask asks the app whose the changed cookies are, before one byte of the answer goes out (P5). If the error is
// custody.ErrFull, the app was not asked. The question goes on if the user hangs up meanwhile, so that she loses
// nothing.
func (x *settlement) ask() (upstream.Probed, error) {
	if client := x.R; x.State() == gate.Verified && client.Context().Err() == nil {
		x.R = client.WithContext(context.WithoutCancel(client.Context()))
		defer func() { x.R = client }()
	} // Otherwise the answer may not be the app's, which may still be at work on the request.
	after, _, err := x.Apply(x.jar(), x.sorted.Held)
	if err != nil {
		return upstream.Probed{}, err
	}
	return x.OfAnswer(after, x.sorted, x.jar(), x.Whose), nil
}

// settleBy decides by what the app said.
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
			// The app no longer knows anybody, by an answer to somebody. What that answer set is not a stranger's.
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
		// Nobody knows whether the session that this request took along is still a stranger's.
		if err := x.doubt(); err != nil && !errors.Is(err, session.ErrGone) {
			return instead(func() error { return x.StoreFailed("note the failed identity check", err) })
		}
	}
	return instead(func() error { return x.IdentityUnclear(said) })
}

// switched handles a sign-in that came another way than by a login: by a password-reset link, a registration, or a
// second login endpoint. It is treated as a login of the user whom the app names.
func (x *settlement) switched(said upstream.Probed) ruling {
	if x.Token == "" && x.Blind() {
		// Another site's page may have caused it in this browser, whose own session is not to be lost for that.
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

// commit stores what an answer changed in a verified session, before its first byte goes out. Concurrent answers each
// apply their changes to what is stored at that moment, so that none undoes another's.
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

// unexplained reports whether a held cookie changed that does not change in the app's normal use. If the request may
// have carried a login that the gateway could not read, every change counts as unexplained, and so does every change at
// a login's own address.
func (x *settlement) unexplained(effect custody.Effect) bool {
	return slices.ContainsFunc(effect.Changed, func(name string) bool {
		return x.Suspect || x.Place == gate.Entry || !x.Config.Rotates.Match(name)
	})
}

// distrust ends a verified session in which a held cookie changed while no `identity` says whose the session is now.
// Nothing of it is let through, not even the answer. Otherwise somebody with a factor of his own could exchange his
// session for that of another user, whose password he has, and then prove his own factor for it (P4).
func (x *settlement) distrust(effect custody.Effect) ruling {
	return x.endWith(event.Event{
		Name: event.SessionEnded, Actor: event.ByGateway, Reason: event.ReasonCookie,
		Setting: "identity or rotates", Cookies: effect.Changed,
	})
}

// overflow decides on an answer that sets more than custody can hold. The app cannot be asked about what did not fit,
// so nobody would know whose the session is.
func (x *settlement) overflow(err error) ruling {
	if x.State() == gate.Verified {
		return x.endWith(event.Event{
			Name: event.SessionEnded, Actor: event.ByGateway, Reason: event.ReasonOverflow,
			Setting: "pass", Detail: err.Error(),
		})
	}
	x.Log.WarnContext(x.R.Context(),
		"the app sets more cookies than a stranger's session can hold; nothing of them is used", "setting", "pass", "app", x.Config.App, "error", err)
	// This includes what the request had taken out of the session; otherwise it would come back.
	x.sorted.Held, x.carried = nil, custody.Jar{}
	if err := x.forgetGuest(); err != nil {
		return instead(func() error { return x.StoreFailed("forget the app's cookies", err) })
	}
	return x.toStranger()
}

// outlived ends a session whose app session has ended, and lets the answer go out as a stranger's. A page is not let
// through, because the user could not go on with it: if it shows a form to sign in, the form belongs to the app's
// session, which is thrown away with ours. The login page takes its place.
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
			// As an app's own sign-out does. Nothing else of the answer goes out.
			return instead(func() error { return exchange.RedirectAs(&x.Exchange.Exchange.Exchange.Exchange, x.status, target) })
		}
		return instead(x.AskLogin)
	case (x.Place == gate.Protected || x.Place == gate.Entry) && x.status == http.StatusOK && x.Plain(x.R) && exchange.IsPageLoad(x.R) && x.Config.LoginPage != "":
		return instead(x.AskLogin)
	}
	x.sorted.Held = nil
	return x.toStranger()
}

// goesOnUnwatched reports whether more of the answer, or a tunnel, is still to come for a request that may sign
// somebody in later. Once its session has ended, nobody could ask whose the rest is.
func (x *settlement) goesOnUnwatched() bool {
	return x.status == http.StatusSwitchingProtocols || x.asksOn()
}

// ended ends the session in the middle of an answer and emits the event. If the store cannot end it, failed is the
// answer that tells the browser so in place of the app's.
func (x *settlement) ended(as event.Event) (failed exchange.Answer) {
	if err := x.End(as); err != nil {
		return func() error { return x.StoreFailed("end session", err) }
	}
	return nil
}

// endWith ends the session and withholds the whole answer.
func (x *settlement) endWith(as event.Event) ruling {
	if failed := x.ended(as); failed != nil {
		return instead(failed)
	}
	return instead(x.AskLogin)
}

// toStranger lets an answer go to somebody who is not signed in, after storing what it sets.
func (x *settlement) toStranger() ruling {
	err := x.enterDoor()
	if err == nil {
		err = x.keepForStranger()
	}
	if err == nil {
		err = x.enterDoor() // in case there was no session before
	}
	switch {
	case errors.Is(err, errDoorElsewhere):
		return instead(x.AskLogin)
	case err != nil && !errors.Is(err, session.ErrGone):
		return instead(func() error { return x.StoreFailed("keep the app's cookies", err) })
	}
	return x.letGo()
}

// keepForStranger stores what an answer to a stranger set: held cookies go into the guest's jar, and the names that the
// browser may send go into their list. While the page of a failed login is open, only another login page starts afresh.
func (x *settlement) keepForStranger() error {
	returns := x.Suspect && x.carried.Len() > 0
	if len(x.sorted.Held) == 0 && !returns && x.Session().Knows(x.sorted.Granted) {
		return nil
	}
	returning := custody.Jar{}
	if returns {
		returning = x.carried
	}
	if len(x.sorted.Held) > 0 {
		brings(x.Exchange)
	}
	_, err := x.Take(session.KeepGuest(x.CookiesSet(x.sorted.Held, x.sorted.Granted...), returning, x.Place == gate.Entry))
	switch {
	case err != nil:
		leaveBrought(x.Exchange)
	case len(x.sorted.Held) > 0:
		brings(x.Exchange)
	}
	return err
}
