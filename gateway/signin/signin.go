package signin

import (
	"errors"
	"net/http"
	"slices"

	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/exchange"
	"sallyport.example/sallyport/gateway/underway"
	"sallyport.example/sallyport/gateway/upstream"
	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/login"
	"sallyport.example/sallyport/pages"
)

// errNoCookie is returned if a login succeeded but brought nothing that custody could hold.
var errNoCookie = errors.New("the login succeeded and left nothing in custody by which the app knows the user; name the session's cookie in hold")

// errNoChange is returned if a typed login succeeded by the rules but its answer sets no cookie. The app's session may
// then belong to somebody who was signed in before and whose name is unknown.
var errNoChange = errors.New("the login succeeded by the rules and its answer sets no held cookie, so that nothing says whose session it is")

// errContradiction is returned if a typed login failed by the rules although its answer contains what only a right
// password brings.
var errContradiction = errors.New("the answer to the login has what success names as its proof, and fails by its status or another line; " +
	"name the status in success, or another proof")

// tried is a login's answer with what is known of it before the app is asked. The cookies that the answer sets are in a
// jar of their own; no request carries them before it is known whose they are.
type tried struct {
	*login.Attempt
	at     *underway.SignIn
	answer *upstream.Withheld
	status int
	says   login.Outcome
	// named: a failure line fits the answer; page: it is a page for people; again: that page has the login's form.
	named, page, again bool
	// html: the answer calls itself a page, whether or not it is one.
	html   bool
	sorted custody.Sorted
	// sent is what went out with the login, own is what the answer itself set, and jar is both together.
	sent, own, jar custody.Jar
	// whole is jar together with the cookies that the answer gives to the browser.
	whole    custody.Jar
	effect   custody.Effect
	issued   []login.Token
	tokenErr error
}

// SignIn sends a login to the app and withholds the answer until it is judged (contract 4.1).
//
// The login goes out as a stranger's whatever the session's state. So a login in the middle of a session gets a new
// session from the app, and never turns the one that other requests of this browser are using into somebody else's
// (P5).
//
// Rules do not decide what goes into custody, because somebody who has the password can bring about any answer: with
// another status, in another language, at another address. So the app is always asked whose the answer's cookies are,
// and its word counts. If the app cannot be asked, little is believed (docs/decisions/0015).
func (x *Exchange) SignIn(attempt *login.Attempt) error {
	guest, err := x.claimGuest(attempt.Name)
	if err != nil {
		return x.StoreFailed("claim the stranger's cookies", err)
	}
	x.Prepare(&guest)
	x.Config.Observe(x.R, exchange.Outcome{State: gate.Anonymous})
	upstream.SetReadableEncodings(x.R.Header, x.R.Header)
	at := x.SignIns.Begin()
	defer at.End()
	answer, err := captureLogin(x, attempt.Block)
	if answer != nil {
		defer answer.Forget()
	}
	if x.R.Context().Err() != nil {
		return x.Left()
	}
	if err != nil {
		if errors.Is(err, upstream.ErrTooLarge) || errors.Is(err, upstream.ErrBroken) {
			return x.LoginUnclear("login", err)
		}
		return err
	}
	try := tried{Attempt: attempt, at: at, answer: answer, status: answer.Status, sent: guest}
	lines := answer.Cookies()
	seen, err := answer.Judged(lines)
	if err != nil {
		return x.LoginUnclear("login", err)
	}
	try.says = x.Config.Logins.Judge(attempt.Block, seen, x.Path)
	try.named, try.page = !seen.BodyUnknown && x.Config.Logins.FailsByName(attempt.Block, seen, x.Path), isPage(seen)
	try.html = isHTML(seen) && len(seen.Body) > 0
	try.again = try.page && !seen.BodyUnknown && x.Config.Logins.AsksAgain(attempt.Block, x.Path, seen.Body)
	try.issued, try.tokenErr = login.ReadTokens(attempt.Block.Tokens, seen)
	try.sorted = x.site.Cookies.Sort(lines, guest.Holds, true)
	if try.jar, try.effect, err = guest.Apply(try.sorted.Held, x.R.Host, x.Path.Text, x.Now); err != nil {
		return x.LoginUnclear("hold", err)
	}
	if try.whole, _, err = try.jar.Apply(custody.Changes(try.sorted.Browser), x.R.Host, x.Path.Text, x.Now); err != nil {
		return x.LoginUnclear("pass", err)
	}
	if try.own, _, err = (custody.Jar{}).Apply(try.sorted.Held, x.R.Host, x.Path.Text, x.Now); err != nil {
		return x.LoginUnclear("hold", err)
	}
	if x.Config.Logins.Typed {
		return x.judgeTyped(&try)
	}
	return x.judgeAsked(&try)
}

// captureLogin reads the answer to a login. If no rule reads the body, the answer may be larger than what can be
// judged: a single-page app may answer with all of itself.
func captureLogin(x *Exchange, block *login.Block) (*upstream.Withheld, error) {
	inBody := func(token login.TokenSource) bool { return token.Kind != login.Header }
	if block.ReadsBody() || slices.ContainsFunc(block.Tokens, inBody) {
		return upstream.Capture(x.Next, x.R)
	}
	network := match.Network(x.Client(x.R))
	return upstream.CaptureLarge(x.Next, x.R, func() (leave func(), ok bool) { return x.Requests.BeginForm(network) })
}

// judgeAsked asks the app who is signed in with the cookies of a login's answer.
func (x *Exchange) judgeAsked(try *tried) error {
	next, err := x.signedIn(try)
	if err != nil {
		return x.LoginUnclear("token", err)
	}
	with := x.TokenAttachment(next.token)
	said := x.OfAnswer(try.whole, try.sorted, try.sent, func(jar custody.Jar) upstream.Probed { return x.Probe(jar, with) })
	if said.Verdict == login.Known && (len(x.R.Header["Cookie"]) > 0 || try.whole.Len() != try.jar.Len()) {
		// The app may know the user by cookies that the browser has or is to get.
		said = x.withoutBrowser(said, try.sorted.Granted, with)
	}
	switch {
	case x.R.Context().Err() != nil:
		return x.Left()
	case said.Verdict == login.Known && said.Jar.Len() == 0 && next.token == "":
		x.Learn(append(x.Granted(), try.sorted.Granted...))
		return x.LoginUnclear("hold", errNoCookie)
	case said.Verdict == login.Known:
		if try.tokenErr != nil {
			return x.LoginUnclear("token", try.tokenErr)
		}
		next.Identity, next.Mail, next.Phone, next.Jar = said.Name, said.Mail, said.Phone, said.Jar
		next.InPlace = next.Jar.Len() > 0
		if !x.Config.Renews && renews(try.effect, try.sent) && x.site.toldOfRenews.CompareAndSwap(false, true) {
			x.Log.InfoContext(x.R.Context(), "the app gave the session another cookie at this sign-in. Where it does so at each, by every way "+
				"in, renews says so, and spares questions and waiting", "setting", "renews", "app", x.Config.App)
		}
		return x.admit(next, try)
	case errors.Is(said.Err, upstream.ErrNotKept):
		x.Tell(event.Event{Name: event.LoginRefused, Reason: event.ReasonUnclear, Setting: "identity", Detail: said.Err.Error()})
		return x.AskLogin()
	case said.Verdict != login.NotSignedIn:
		return x.IdentityUnclear(said)
	case try.tokenErr != nil && try.status < http.StatusBadRequest:
		return x.LoginUnclear("token", try.tokenErr)
	case next.token != "" && try.status < http.StatusBadRequest && !(try.says == login.Failed && login.WholeBody(try.Block.Tokens)):
		return x.LoginUnclear("identity", ErrTokenOfNobody)
	case try.says == login.Succeeded:
		x.Log.WarnContext(x.R.Context(), "by success this login succeeded, and by identity nobody is signed in: one of the two is wrong",
			"setting", "identity or success", "app", x.Config.App, "status", try.status, "identity", x.Config.Logins.Identities[0].Where())
		return x.Fail(http.StatusBadGateway, pages.ErrorApp)
	}
	return x.signInFailed(try)
}

// renews reports whether the app replaced the session's cookie at a sign-in. The result is good only for a hint to the
// operator: an app also replaces a cookie that it no longer knows, and somebody who signs in can wait until that is so.
func renews(effect custody.Effect, before custody.Jar) bool {
	return slices.ContainsFunc(effect.Changed, before.Holds)
}

// withoutBrowser asks the app again with the cookies in custody alone. If the app then knows nobody, or somebody else,
// the browser holds the app's session and could use it before the factor is proved.
func (x *Exchange) withoutBrowser(said upstream.Probed, granted []string, with upstream.Attachment) upstream.Probed {
	sent := x.Sent
	x.Sent = nil
	defer func() { x.Sent = sent }()
	alone := x.Probe(said.Jar.Without(granted), with)
	if alone.Verdict == login.Unclear || alone.Verdict == login.Known && alone.Name == said.Name {
		return alone
	}
	said.Jar = custody.Jar{}
	return said
}

// judgeTyped judges a login whose app cannot be asked. The login succeeds if the rules say so and its own answer
// brought a session. Earlier cookies are thrown away, since nobody can say whose they are.
func (x *Exchange) judgeTyped(try *tried) error {
	next, err := x.signedIn(try)
	switch {
	case try.says == login.Contradictory:
		return x.LoginUnclear("success", errContradiction)
	case try.says != login.Succeeded && len(try.issued) > 0 && try.status < http.StatusBadRequest && !login.WholeBody(try.Block.Tokens):
		return x.LoginUnclear("success", errTokenOfFailure)
	case try.says != login.Succeeded:
		return x.signInFailed(try)
	case err != nil:
		return x.LoginUnclear("token", err)
	case try.tokenErr != nil:
		return x.LoginUnclear("token", try.tokenErr)
	case len(try.effect.Changed) == 0 && next.token == "":
		x.Learn(append(x.Granted(), try.sorted.Granted...))
		return x.LoginUnclear("hold", errNoChange)
	}
	next.Identity, next.Jar = try.Name, try.own
	return x.admit(next, try)
}

// signedIn returns what a successful login leaves behind. The caller fills in the identity and the cookies.
func (x *Exchange) signedIn(try *tried) (next SignedIn, err error) {
	next = SignedIn{Granted: try.sorted.Granted, typed: true}
	next.Delivery, next.Oversized = x.Delivery(try.answer, try.sorted.Browser)
	err = next.Bind(try.issued)
	return next, err
}

// admit begins the session of a user whose password was right.
func (x *Exchange) admit(next SignedIn, try *tried) error {
	x.Learn(try.own.Names())
	leads := next.Delivery.Location
	if asked, home := goesHome(x, next.Delivery); home {
		next.Delivery.Location = asked
		try.answer.Headers["Location"] = []string{asked}
	}
	owed, err := x.Accept(next)
	if err != nil {
		return x.StoreFailed("sign in", err)
	}
	if owed {
		return x.AskFactor()
	}
	if exchange.IsPageLoad(x.R) {
		x.LedTo(leads, "")
	}
	if answer := asksWhose(x, next); answer != nil {
		return answer()
	}
	if answer := x.offer(next); answer != nil {
		return answer()
	}
	return try.answer.Send(x.W, x.R, try.sorted.Browser)
}

// LoginUnclear refuses a login if its answer cannot be judged or its session cannot be held (P4).
func (x *Exchange) LoginUnclear(setting string, err error) error {
	x.Tell(event.Event{Name: event.LoginRefused, Reason: event.ReasonUnclear, Setting: setting, Detail: err.Error()})
	return x.Fail(http.StatusBadGateway, pages.ErrorApp)
}
