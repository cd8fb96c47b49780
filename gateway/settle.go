package gateway

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"sallyport/custody"
	"sallyport/gate"
	"sallyport/login"
	"sallyport/session"
)

// maxGranted is how many cookie names of the app's a browser may have in one session.
const maxGranted = 64

// settle decides, by what is known already, what becomes of an answer that sets cookies, ends the app's session, or may
// stem from a login that nobody could read. It returns false where the app has to be asked first.
func (x *exchange) settle(f *filter, status int, lines []string) (decided bool) {
	verified := x.state() == gate.Verified
	jar := x.jar()
	f.sorted = x.cookies.Sort(lines, holds(jar), false)
	if verified && x.place == gate.Logout && status >= 200 && status < 400 {
		x.log.InfoContext(x.r.Context(), "signed out by the app", "app", x.config.App, "user", x.data.Identity)
		if x.ended(f) {
			f.release(status, f.sorted.Browser)
		}
		return true
	}
	after, effect, _ := jar.Apply(f.sorted.Held, x.r.Host, x.path.Text, x.now)
	switch {
	case x.config.Logins.Identity != nil && (len(effect.Changed) > 0 || verified && len(effect.Deleted) > 0 || x.suspect && verified):
		return false
	case x.config.Front != nil && verified:
		// Whose the session is has been said by another than the app.
		x.commit(f, status, nil)
	case verified && x.config.Logins.Identity == nil && x.unexplained(effect):
		x.distrust(f, status, effect)
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

// settleByProbe asks the app who the changed cookies belong to, before one byte of the answer goes out (P5).
func (x *exchange) settleByProbe(f *filter, status int) {
	verified := x.state() == gate.Verified
	jar := x.jar()
	said := x.whose(x.applied(jar, f.sorted.Held))
	switch {
	case said.verdict == login.Known && verified && said.name == x.data.Identity:
		x.commit(f, status, said.changes)
	case said.verdict == login.Known:
		x.switched(f, status, said)
	case said.verdict == login.NotSignedIn:
		if verified && !x.ended(f) {
			return
		}
		f.sorted.Held = append(f.sorted.Held, said.changes...)
		x.releaseToStranger(f, status)
	default:
		if verified {
			if err := x.unsettle(f.sorted.Held); err != nil {
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
	delivery := &session.Delivery{Cookies: f.sorted.Browser, Location: x.wanted(f.w.Header().Get("Location"))}
	owed, err := x.accept(signedIn{
		identity: said.name, jar: said.jar, granted: f.sorted.Granted, delivery: delivery, within: x.state() == gate.Verified,
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
	if len(f.sorted.Held) > 0 || len(more) > 0 || !x.knows(f.sorted.Granted) {
		asked := x.data
		err := x.change(func(data *session.Data) error {
			if x.config.Logins.Identity != nil && !data.Held.Equal(asked.Held) {
				// Another answer was quicker. Nobody has asked the app about both changes together.
				data.Checked = time.Time{}
			}
			data.Held = x.applied(data.Held, f.sorted.Held)
			data.Held = x.appliedByProbe(data.Held, more)
			data.Granted = grant(data.Granted, f.sorted.Granted)
			return nil
		})
		if err != nil && !errors.Is(err, session.ErrGone) {
			f.replace(func() error { return x.storeFailed("keep the app's cookies", err) })
			return
		}
	}
	f.release(status, f.sorted.Browser)
}

// wanted is where a browser goes on after a factor that was asked for in the middle of its work: where the app's answer led,
// else the page that it had asked for.
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

// unexplained tells whether a held cookie changed that does not change in the app's normal use. Where the request may have carried a
// login that nobody could read, no use is known to be normal.
func (x *exchange) unexplained(effect custody.Effect) bool {
	return slices.ContainsFunc(effect.Changed, func(name string) bool { return x.suspect || !x.config.Rotates.Match(name) })
}

// distrust is what becomes of a verified session in which a held cookie changed, and no `identity` says whose it is now.
// The factor is asked for again, and the new value thrown away: otherwise somebody with a factor of his own could exchange
// his session for another's, whose password he has, and prove his own factor for it (P4).
//
// On the way to the login page the app has ended its session, as it does after its own idle time. Then ours ends too.
func (x *exchange) distrust(f *filter, status int, effect custody.Effect) {
	header := f.w.Header()
	target, _ := localTarget(header.Get("Location"), x.r)
	if x.place == gate.Entry || target != "" && x.policy.LeadsToLogin(target) {
		x.outlived(f, status)
		return
	}
	x.log.WarnContext(x.r.Context(), "a held cookie changed outside a login; the second factor is asked for again",
		"setting", "identity or rotates", "app", x.config.App, "user", x.data.Identity, "cookies", effect.Changed)
	factors, storeErr := x.enrolled(x.data.Identity)
	if storeErr == nil && !factors.Enrolled {
		// There is no factor to ask for. Who is there cannot be established.
		if x.ended(f) {
			f.replace(x.askLogin)
		}
		return
	}
	err := x.renew(func(data *session.Data) error {
		data.State, data.Method, data.Since, data.Device, data.Proposal, data.Codes = gate.Pending, "", x.now, "", nil, nil
		data.Delivery = &session.Delivery{Location: x.wanted(target)}
		return nil
	})
	if err == nil {
		err = storeErr
	}
	if err != nil {
		f.replace(func() error { return x.storeFailed("ask for the second factor again", err) })
		return
	}
	f.replace(x.askFactor)
}

// outlived ends a session whose app session has ended, and lets the answer go as a stranger's.
func (x *exchange) outlived(f *filter, status int) {
	x.log.InfoContext(x.r.Context(), "the app ended its session; so does the gateway", "app", x.config.App, "user", x.data.Identity)
	if x.ended(f) {
		x.releaseToStranger(f, status)
	}
}

// ended ends the session in the middle of an answer. Where the store cannot do it, the browser is told so in its place.
func (x *exchange) ended(f *filter) bool {
	if err := x.end(); err != nil {
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

// knows tells whether the browser is known to have all these cookies.
func (x *exchange) knows(names []string) bool {
	for _, name := range names {
		if x.data == nil || !slices.Contains(x.data.Granted, name) {
			return false
		}
	}
	return true
}

// grant adds names to the list of what the browser may send.
func grant(granted, names []string) []string {
	granted = slices.Clip(granted)
	for _, name := range names {
		if len(granted) < maxGranted && !slices.Contains(granted, name) {
			granted = append(granted, name)
		}
	}
	return granted
}
