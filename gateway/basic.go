package gateway

import (
	"errors"
	"net/http"
	"net/url"

	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/login"
	"sallyport.example/sallyport/pages"
)

// errOpen is returned where the address at which passwords are tried answers without one as it does with one.
var errOpen = errors.New("the app answers without a password as it does with one, so that nothing is known of it; " +
	"name an address that needs one, or set identity")

// standByPassword holds the Authorization of a request against the one that was verified in the session (contract 4.6).
// No other reaches the app: it is tried by a question of our own first, and never with what the client wants done.
func (x *exchange) standByPassword() (answered bool, err error) {
	line, refused := login.BasicLine(x.r.Header)
	known := false
	switch {
	case refused != nil:
		return true, x.refuse(refused)
	case line != "":
		known = x.state() != gate.Anonymous && x.data.Bonds.Basic(line)
	}
	switch {
	case known:
		x.authorization = line
		return false, nil
	case line == "" && x.lacksPassword() && x.place != gate.Public && x.place != gate.Entry:
		// The password stands in every request, or in none that counts.
		return true, x.askPassword()
	case line == "", x.state() == gate.Anonymous && x.place == gate.Public:
		return false, nil
	}
	return x.tryPassword(line)
}

// lacksPassword reports whether the app could not know whose a request of this session is: it signed in by a password
// that stands in every request, got no cookie for it, and this request has no password.
func (x *exchange) lacksPassword() bool {
	return x.state() == gate.Verified && x.data.Bonds.HasBasic() && x.data.Held.Len() == 0 && x.authorization == ""
}

// tryPassword asks the app whose a password is.
func (x *exchange) tryPassword(line string) (answered bool, err error) {
	name, refused := x.config.Logins.ReadBasic(line)
	if refused != nil {
		return true, x.refuse(refused)
	}
	leave, ok := x.mayTry()
	if !ok {
		return true, x.tooManyTrials()
	}
	defer leave()
	next := signedIn{identity: name, bonds: custody.Bonds{}.BindBasic(line)}
	if x.config.Logins.Asks() {
		said := x.probe(custody.Jar{}, basicAttachment(line))
		switch said.verdict {
		case login.Known:
			next.identity, next.jar = said.name, said.jar
		case login.NotSignedIn:
			return true, x.passwordRefused(said.answer)
		default:
			return true, x.identityUnclear(said)
		}
	} else {
		address := &url.URL{Path: x.basic.Address()}
		right, lines, err := x.tried(address, basicAttachment(line))
		if err != nil {
			return true, x.trialFailed(err)
		}
		if !right.succeeded {
			return true, x.passwordRefused(right.answer)
		}
		// Were it to answer strangers alike, any password would do.
		if open, _, err := x.tried(address, attachment{}); err != nil {
			return true, x.trialFailed(err)
		} else if open.succeeded {
			return true, x.loginUnclear("login", errOpen)
		}
		sorted := x.cookies.Sort(lines, nil, true)
		if next.jar, _, err = (custody.Jar{}).Apply(sorted.Held, x.r.Host, address.Path, x.now); err != nil {
			return true, x.loginUnclear("hold", err)
		}
		if x.asksItself(address) {
			return true, x.answerTrial(next, right.answer, sorted)
		}
	}
	if answered, err = x.enter(next); !answered && err == nil {
		x.authorization = line
	}
	return answered, err
}

// asksItself reports whether a script asks for the very address at which passwords are tried, as the scripts of some
// apps do to sign in: then the answer to our question is the answer to theirs, and is not asked for twice.
func (x *exchange) asksItself(address *url.URL) bool {
	return x.r.Method == http.MethodGet && x.path.Canonical && x.path.Text == address.Path && x.r.URL.RawQuery == "" && !isPageLoad(x.r)
}

// answerTrial gives a script the answer that its password was tried with, at once or after the factor.
func (x *exchange) answerTrial(next signedIn, answer *withheld, sorted custody.Sorted) error {
	next.typed, next.granted = true, sorted.Granted
	next.delivery, _ = x.delivery(answer, sorted.Browser)
	owed, err := x.accept(next)
	if err != nil {
		return x.storeFailed("sign in", err)
	}
	if owed {
		x.withheld = true
		return x.askFactor()
	}
	return answer.send(x.w, x.r, sorted.Browser)
}

// trial is how the app took a password.
type trial struct {
	answer    *withheld
	succeeded bool
}

// tried asks for the address at which passwords are tried. The cookies that the answer sets are apart from it.
func (x *exchange) tried(address *url.URL, with attachment) (trial, []string, error) {
	answer, err := x.askApp(question{method: http.MethodGet, target: address.EscapedPath()}, custody.Jar{}, with)
	if err != nil {
		return trial{}, nil, err
	}
	lines := answer.cookies()
	seen, err := answer.judged(lines)
	if err != nil {
		return trial{}, nil, errors.Join(errBroken, err)
	}
	outcome := x.config.Logins.Judge(x.basic, seen, match.ParsePath(address))
	return trial{answer, outcome == login.Succeeded}, lines, nil
}

// trialFailed answers where the app, or the route to it, had no answer that can be judged.
func (x *exchange) trialFailed(err error) error {
	if errors.Is(err, errTooLarge) || errors.Is(err, errBroken) {
		return x.loginUnclear("login", err)
	}
	return err
}

// askPassword has the app itself ask a stranger for a password, so that the browser does.
func (x *exchange) askPassword() error {
	leave, ok := x.mayTry()
	if !ok {
		return x.tooManyTrials()
	}
	defer leave()
	asked, _, err := x.tried(&url.URL{Path: x.basic.Address()}, attachment{})
	if err != nil {
		return x.trialFailed(err)
	}
	if asked.answer.header["Www-Authenticate"] == nil {
		x.log.WarnContext(x.r.Context(), "the app asks strangers for no password at this address",
			"setting", "login", "app", x.config.App, "path", x.basic.Address(), "status", asked.answer.status)
		return x.closed()
	}
	return x.passAsking(asked.answer)
}

// passwordRefused passes on that the app did not take a password. The session, if there is one, stays what it was.
func (x *exchange) passwordRefused(answer *withheld) error {
	x.tell(event.Event{Name: event.LoginFailed})
	if answer.status < http.StatusBadRequest {
		return x.closed()
	}
	return x.passAsking(answer)
}

// passAsking passes on an answer by which the app asks for a password, or refuses one. It was given at another address
// than the one that the client asked for, so that nothing may keep it for that.
func (x *exchange) passAsking(answer *withheld) error {
	asking := &withheld{header: make(http.Header), status: answer.status, body: answer.body}
	for _, name := range []string{"Www-Authenticate", "Content-Type", "Content-Encoding", "Content-Language", "Retry-After"} {
		if values := answer.header[name]; values != nil {
			asking.header[name] = values
		}
	}
	asking.header["Cache-Control"] = []string{"no-store"}
	asking.header["X-Content-Type-Options"] = []string{"nosniff"}
	asking.header["Content-Security-Policy"] = []string{"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"}
	return asking.send(x.w, x.r, nil)
}

// tooManyTrials answers a client that has more passwords tried at once than any browser.
func (x *exchange) tooManyTrials() error {
	x.log.WarnContext(x.r.Context(), "too many passwords are being tried at once; the request was refused",
		"app", x.config.App, "client", x.config.ClientAddress(x.r))
	x.w.Header().Set("Retry-After", "1")
	return x.fail(http.StatusTooManyRequests, pages.ErrorThrottled)
}

// basicAttachment is how a password goes with a question.
func basicAttachment(line string) attachment { return attachment{header: "Authorization", value: line} }

// attachment is what goes with a question of ours in the place of cookies, or beside them. The zero value is nothing.
type attachment struct{ header, value string }

// attachment is what this request's session can prove itself with.
func (x *exchange) attachment() attachment {
	switch {
	case x.state() != gate.Verified:
		return attachment{}
	case x.authorization != "":
		return basicAttachment(x.authorization)
	}
	return x.tokenAttachment(x.data.Token)
}

// withoutUser takes a user and a password out of the address of a request, where some clients and servers know them.
func withoutUser(r *http.Request) { r.URL.User = nil }
