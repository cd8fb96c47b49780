package signin

import (
	"net/http"

	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/exchange"
	"sallyport.example/sallyport/login"
	"sallyport.example/sallyport/pages"
	"sallyport.example/sallyport/session"
)

// offer leads a user who has just signed in without a factor to the page that offers one, once, unless none may be set
// up from there. The address to which the app would have led is kept. If anything fails, there is no offer and nothing
// else changes.
func (x *Exchange) offer(next SignedIn) exchange.Answer {
	if !x.Config.Offer || x.Config.RequireEveryone || x.Session().Method() != session.None || !exchange.IsPageLoad(x.R) {
		return nil
	}
	if !gate.MayEnrol(x.Config.EnrolFrom, x.Client(x.R)) {
		return nil
	}
	first, err := x.Config.Factors.Offer(x.R.Context(), x.Session().Identity)
	if err != nil {
		x.Log.WarnContext(x.R.Context(), "no second factor could be offered", "setting", "offer", "app", x.Config.App, "error", err)
	}
	if !first {
		return nil
	}
	if _, err := x.Take(session.Offer(next.Delivery)); err != nil {
		return nil // the session ended meanwhile, or cannot be written: the app's answer goes out
	}
	x.DeliverCookies(next.Delivery)
	return func() error { return x.Redirect(x.Config.Base + "/offer") }
}

// A standing login is made anew by every request: an earlier handler names the user (front.go), or the request carries
// a password for the app (basic.go). Each request therefore says whose it is, and the session only remembers for whom a
// factor was proved.

// Stand judges the standing login of a request. If it returns no answer, the request goes on in the session's new
// state.
func (x *Exchange) Stand() exchange.Answer {
	switch {
	case x.Token == "" && x.needsSession() && x.Blind():
		// A session begun here would replace the one that the browser has.
		return x.closed
	case x.Config.Front != nil:
		return x.standByFront()
	case x.site.Basic != nil && x.Place != gate.Own:
		return x.standByPassword()
	}
	return nil
}

// enter binds the session to the user of a standing login. If no factor is owed, the request goes on at once.
func (x *Exchange) enter(next SignedIn) exchange.Answer {
	next.typed = true
	next.Delivery = &session.Delivery{Location: x.Wanted("")}
	owed, err := x.Accept(next)
	if err != nil {
		return func() error { return x.StoreFailed("sign in", err) }
	}
	if owed || x.Place == gate.Own {
		return nil
	}
	return x.offer(next)
}

// RefuseStranger implements exchange.Above.
func (x *Exchange) RefuseStranger() error {
	if x.site.Basic != nil {
		return x.askPassword()
	}
	return x.closed()
}

// Methods implements exchange.Above.
func (x *Exchange) Methods() []string {
	if x.site.Methods == nil {
		return nil
	}
	return x.site.Methods(x)
}

// closed answers that nobody is signed in.
func (x *Exchange) closed() error {
	if exchange.IsPageLoad(x.R) {
		return x.Fail(http.StatusForbidden, pages.ErrorIdentity)
	}
	return x.WriteProblem(exchange.Problem{Type: exchange.ProblemLogin, Title: "Login required", Status: http.StatusUnauthorized})
}

// normalised returns a name in the form under which records are kept. It returns "" if the name can be no user's.
func normalised(x *Exchange, name string) string {
	if x.Session() != nil && name == x.Session().Identity {
		return name // it has that form already
	}
	normal, err := x.Config.Logins.Names.Normalise(name)
	if err != nil {
		x.Log.WarnContext(x.R.Context(), "a login was made for a name that cannot be used here; nobody is signed in",
			"setting", "usernames", "app", x.Config.App, "error", err)
		return ""
	}
	if normal == login.NoName {
		return "" // apps without names have this one
	}
	return normal
}
