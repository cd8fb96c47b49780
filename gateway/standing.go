package gateway

import (
	"errors"
	"net/http"

	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/login"
	"sallyport.example/sallyport/pages"
	"sallyport.example/sallyport/session"
)

// A standing login is made anew with every request: by a handler in front of us (front.go), or by the app itself, which
// gets a password each time (basic.go). So each request tells whose it is, and the session only remembers for whom a
// factor was passed.

// checkStanding completes New for sites whose login stands in every request.
func (g *Gateway) checkStanding() error {
	g.basic = g.config.Logins.Basic()
	switch placeholder := g.config.Logins.Placeholder() != ""; {
	case placeholder != (g.config.Front != nil):
		return errors.New("username placeholder: it and Front need each other")
	case g.config.LoginPage == "" && g.basic == nil && !placeholder:
		return errors.New("login_page: name the app's login page")
	}
	return nil
}

// stand looks at the login that stands in the request. It reports whether the request was answered; where not, it goes
// on in the state that the session has by then.
func (x *exchange) stand() (answered bool, err error) {
	switch {
	case x.token == "" && x.needsSession() && x.blind():
		// A session begun here would take the place of the one that the browser has.
		return true, x.closed()
	case x.config.Front != nil:
		return x.standByFront()
	case x.basic != nil && x.place != gate.Own:
		return x.standByPassword()
	}
	return false, nil
}

// enter has the session be of whom a standing login names. Where no factor is owed the request goes on at once.
func (x *exchange) enter(next signedIn) (answered bool, err error) {
	next.typed = true
	next.delivery = &session.Delivery{Location: x.wanted("")}
	owed, err := x.accept(next)
	if err != nil {
		return true, x.storeFailed("sign in", err)
	}
	if owed || x.place == gate.Own {
		return false, nil
	}
	return x.offer(next)
}

// refuseStranger answers where there is no login page that a stranger could be sent to.
func (x *exchange) refuseStranger() error {
	if x.basic != nil {
		return x.askPassword()
	}
	return x.closed()
}

// closed says that nobody is signed in.
func (x *exchange) closed() error {
	if isPageLoad(x.r) {
		return x.fail(http.StatusForbidden, pages.ErrorIdentity)
	}
	return x.writeProblem(problem{Type: problemLogin, Title: "Login required", Status: http.StatusUnauthorized})
}

// normalised is a name in the form under which a record is kept; empty where it can be nobody's.
func (x *exchange) normalised(name string) string {
	if x.data != nil && name == x.data.Identity {
		return name // which is in that form
	}
	normal, err := x.config.Logins.Names.Normalise(name)
	if err != nil {
		x.log.WarnContext(x.r.Context(), "a login was made for a name that cannot be used here; nobody is signed in",
			"setting", "usernames", "app", x.config.App, "error", err)
		return ""
	}
	if normal == login.NoName {
		return "" // that is what apps without names have
	}
	return normal
}
