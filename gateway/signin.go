package gateway

import (
	"errors"
	"net/http"
	"slices"

	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/login"
	"sallyport.example/sallyport/pages"
)

// errNoCookie is returned where a login succeeded and nothing came of it that could be held.
var errNoCookie = errors.New("the login succeeded and left nothing in custody by which the app knows the user; name the session's cookie in hold")

// errNoChange is returned where a typed login succeeded by the rules, and its answer sets nothing: it may be that of
// somebody who was signed in before, whose name nobody knows.
var errNoChange = errors.New("the login succeeded by the rules and its answer sets no held cookie, so that nothing says whose session it is")

// errContradiction is returned where a typed login's answer has what only a right password brings, and fails all the
// same.
var errContradiction = errors.New("the answer to the login has what success names as its proof, and fails by its status or another line; " +
	"name the status in success, or another proof")

// tried is a login's answer with what can be said of it before anybody was asked. What it sets stands in a jar of its
// own, and goes nowhere before that jar is somebody's.
type tried struct {
	*login.Attempt
	answer *withheld
	status int
	says   login.Outcome
	// named: a failure line holds of it; page: it is a page for people.
	named, page bool
	sorted      custody.Sorted
	// sent is what went out with the login, own what the answer itself set, and jar both together.
	sent, own, jar custody.Jar
	// whole is jar with what the answer gives to the browser as well.
	whole    custody.Jar
	effect   custody.Effect
	issued   []login.Token
	tokenErr error
}

// signIn sends a login to the app and withholds the answer until it is judged (contract 4.1).
//
// Whatever the session's state, the login goes out as a stranger's. So a login in mid-session gets a session of its own
// from the app, and never turns the one that other requests of this browser are using into somebody else's (P5).
//
// Rules do not decide about custody. Whoever holds the password can bring about any answer: one of another status, in
// another language, to another address. So the app is asked, always, and what it says of the answer's cookies holds;
// where it cannot be asked, little is believed (docs/decisions/0015).
func (x *exchange) signIn(attempt *login.Attempt) error {
	guest, err := x.claimGuest(attempt.Name)
	if err != nil {
		return x.storeFailed("claim the stranger's cookies", err)
	}
	x.prepare(&guest)
	x.config.Observe(x.r, Outcome{State: gate.Anonymous})
	setReadableEncodings(x.r.Header, x.r.Header)
	answer, err := capture(x.next, x.r)
	if x.r.Context().Err() != nil {
		return x.left()
	}
	if err != nil {
		if errors.Is(err, errTooLarge) || errors.Is(err, errBroken) {
			return x.loginUnclear("login", err)
		}
		return err
	}
	try := tried{Attempt: attempt, answer: answer, status: answer.status, sent: guest}
	lines := answer.cookies()
	seen, err := answer.judged(lines)
	if err != nil {
		return x.loginUnclear("login", err)
	}
	try.says = x.config.Logins.Judge(attempt.Block, seen, x.path)
	try.named, try.page = x.config.Logins.FailsByName(attempt.Block, seen, x.path), isPage(seen)
	try.issued, try.tokenErr = login.ReadTokens(attempt.Block.Tokens, seen)
	try.sorted = x.cookies.Sort(lines, guest.Holds, true)
	if try.jar, try.effect, err = guest.Apply(try.sorted.Held, x.r.Host, x.path.Text, x.now); err != nil {
		return x.loginUnclear("hold", err)
	}
	if try.whole, _, err = try.jar.Apply(custody.Changes(try.sorted.Browser), x.r.Host, x.path.Text, x.now); err != nil {
		return x.loginUnclear("pass", err)
	}
	if try.own, _, err = (custody.Jar{}).Apply(try.sorted.Held, x.r.Host, x.path.Text, x.now); err != nil {
		return x.loginUnclear("hold", err)
	}
	if x.config.Logins.Typed {
		return x.judgeTyped(&try)
	}
	return x.judgeAsked(&try)
}

// judgeAsked has the app say who is signed in with what a login brought.
func (x *exchange) judgeAsked(try *tried) error {
	next, err := x.signedIn(try)
	if err != nil {
		return x.loginUnclear("token", err)
	}
	with := x.tokenAttachment(next.token)
	said := x.probe(try.whole, with)
	if said.verdict == login.Known && (len(x.r.Header["Cookie"]) > 0 || try.whole.Len() != try.jar.Len()) {
		// What the browser has, or is to get, may be what the app knows the user by.
		said = x.withoutBrowser(said, try.sorted.Granted, with)
	}
	switch {
	case x.r.Context().Err() != nil:
		return x.left()
	case said.verdict == login.Known && said.jar.Len() == 0 && next.token == "":
		x.learn(append(x.granted(), try.sorted.Granted...))
		return x.loginUnclear("hold", errNoCookie)
	case said.verdict == login.Known:
		if try.tokenErr != nil {
			return x.loginUnclear("token", try.tokenErr)
		}
		next.identity, next.jar = said.name, said.jar
		next.inPlace = next.jar.Len() > 0
		if !x.config.Renews && renews(try.effect, try.sent) && x.toldOfRenews.CompareAndSwap(false, true) {
			x.log.InfoContext(x.r.Context(), "the app gave the session another cookie at this sign-in. Where it does so at each, by every way "+
				"in, renews says so, and spares questions and waiting", "setting", "renews", "app", x.config.App)
		}
		return x.admit(next, try)
	case said.verdict != login.NotSignedIn:
		return x.identityUnclear(said)
	case try.tokenErr != nil && try.status < http.StatusBadRequest:
		return x.loginUnclear("token", try.tokenErr)
	case next.token != "" && try.status < http.StatusBadRequest && !(try.says == login.Failed && login.WholeBody(try.Block.Tokens)):
		return x.loginUnclear("identity", errTokenOfNobody)
	case try.says == login.Succeeded:
		x.log.WarnContext(x.r.Context(), "by success this login succeeded, and by identity nobody is signed in: one of the two is wrong",
			"setting", "identity or success", "app", x.config.App, "status", try.status, "identity", x.config.Logins.Identities[0].Where())
		return x.fail(http.StatusBadGateway, pages.ErrorApp)
	}
	return x.signInFailed(try)
}

// renews reports whether the app gave the session another cookie with a sign-in. It is worth a hint to the operator and
// nothing else: an app that no longer knows the cookie gives another one too, and whoever signs in can wait for that.
func renews(effect custody.Effect, before custody.Jar) bool {
	return slices.ContainsFunc(effect.Changed, before.Holds)
}

// withoutBrowser asks again, with what is in custody alone. Where the app then knows nobody, or somebody else, the
// session is one that the browser has: such a one can be used before the factor is passed, and by whom nobody asked for
// it.
func (x *exchange) withoutBrowser(said probed, granted []string, with attachment) probed {
	sent := x.sent
	x.sent = nil
	defer func() { x.sent = sent }()
	alone := x.probe(said.jar.Without(granted), with)
	if alone.verdict == login.Unclear || alone.verdict == login.Known && alone.name == said.name {
		return alone
	}
	said.jar = custody.Jar{}
	return said
}

// judgeTyped believes a login whose app cannot be asked: by its rules, and where its own answer brought a session. What
// was there before is thrown away, since nobody can say whose that is.
func (x *exchange) judgeTyped(try *tried) error {
	next, err := x.signedIn(try)
	switch {
	case try.says == login.Contradictory:
		return x.loginUnclear("success", errContradiction)
	case try.says != login.Succeeded && len(try.issued) > 0 && try.status < http.StatusBadRequest && !login.WholeBody(try.Block.Tokens):
		return x.loginUnclear("success", errTokenOfFailure)
	case try.says != login.Succeeded:
		return x.signInFailed(try)
	case err != nil:
		return x.loginUnclear("token", err)
	case try.tokenErr != nil:
		return x.loginUnclear("token", try.tokenErr)
	case len(try.effect.Changed) == 0 && next.token == "":
		x.learn(append(x.granted(), try.sorted.Granted...))
		return x.loginUnclear("hold", errNoChange)
	}
	next.identity, next.jar = try.Name, try.own
	return x.admit(next, try)
}

// signedIn is what a login leaves behind if it is one; whose it is, and which cookies it has, is for the caller.
func (x *exchange) signedIn(try *tried) (next signedIn, err error) {
	next = signedIn{granted: try.sorted.Granted, typed: true}
	next.delivery, next.oversized = x.delivery(try.answer, try.sorted.Browser)
	err = next.bind(try.issued)
	return next, err
}

// admit begins the session of somebody whose password was right.
func (x *exchange) admit(next signedIn, try *tried) error {
	x.learn(try.own.Names())
	owed, err := x.accept(next)
	if err != nil {
		return x.storeFailed("sign in", err)
	}
	if owed {
		return x.askFactor()
	}
	if answered, err := x.offer(next); answered || err != nil {
		return err
	}
	return try.answer.send(x.w, x.r, try.sorted.Browser)
}

// loginUnclear refuses a login whose answer cannot be judged, or whose session cannot be held (P4).
func (x *exchange) loginUnclear(setting string, err error) error {
	x.tell(event.Event{Name: event.LoginRefused, Reason: event.ReasonUnclear, Setting: setting, Detail: err.Error()})
	return x.fail(http.StatusBadGateway, pages.ErrorApp)
}
