package signin

import (
	"errors"
	"net/http"
	"net/url"

	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/exchange"
	"sallyport.example/sallyport/gateway/upstream"
	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/login"
	"sallyport.example/sallyport/pages"
)

// errOpen is returned if the address at which passwords are tried gives the same answer without one.
var errOpen = errors.New("the app answers without a password as it does with one, so that nothing is known of it; " +
	"name an address that needs one, or set identity")

// standByPassword compares the request's Authorization with the one that was verified in the session (contract 4.6).
// Any other one first goes to the app with a question of the gateway's own; until the app has confirmed it, it does not
// reach the app with the client's request.
func (x *Exchange) standByPassword() exchange.Answer {
	line, refused := login.BasicLine(x.R.Header)
	known := false
	switch {
	case refused != nil:
		return func() error { return x.Refuse(refused) }
	case line != "":
		known = x.State() != gate.Anonymous && x.Session().Bonds.Basic(line)
	}
	switch {
	case known:
		x.Authorization = line
		return nil
	case line == "" && x.LacksPassword() && x.Place != gate.Public && x.Place != gate.Entry:
		// Without the password, the request counts as a stranger's.
		return x.askPassword
	case line == "", x.State() == gate.Anonymous && x.Place == gate.Public:
		return nil
	}
	return x.tryPassword(line)
}

// LacksPassword reports whether the app cannot know whose this request is. That is so if the session signed in by a
// password that every request has to carry, the app set no cookie for it, and this request has no password.
func (x *Exchange) LacksPassword() bool {
	return x.State() == gate.Verified && x.Session().Bonds.HasBasic() && x.Session().Held.Len() == 0 && x.Authorization == ""
}

// tryPassword asks the app whose a password is, unless too many passwords of this client are being tried already. A
// trial counts until its answer is written.
func (x *Exchange) tryPassword(line string) (answer exchange.Answer) {
	name, refused := x.Config.Logins.ReadBasic(line)
	if refused != nil {
		return func() error { return x.Refuse(refused) }
	}
	leave, ok := x.Requests.BeginTrial(match.Network(x.Client(x.R)))
	if !ok {
		return func() error { return tooManyTrials(x) }
	}
	defer func() {
		if answer == nil {
			leave()
		}
	}()
	judge := func() exchange.Answer { return judgePassword(x, line, name) }
	if refusal := signInTogether(x, line, judge); refusal != nil {
		return func() error {
			defer leave()
			return refusal()
		}
	}
	return nil
}

// judgePassword binds the session to the user whose password the app says it is.
func judgePassword(x *Exchange, line, name string) exchange.Answer {
	next := SignedIn{Identity: name, bonds: custody.Bonds{}.BindBasic(line)}
	if x.Config.Logins.Asks() {
		said := x.Probe(custody.Jar{}, upstream.BasicAttachment(line))
		switch said.Verdict {
		case login.Known:
			next.Identity, next.Mail, next.Jar = said.Name, said.Mail, said.Jar
		case login.NotSignedIn:
			return func() error { return x.passwordRefused(said.Answer) }
		default:
			return func() error { return x.IdentityUnclear(said) }
		}
	} else {
		address := &url.URL{Path: x.site.Basic.Address()}
		right, lines, err := x.tried(address, upstream.BasicAttachment(line))
		if err != nil {
			return func() error { return x.trialFailed(err) }
		}
		if !right.succeeded {
			return func() error { return x.passwordRefused(right.answer) }
		}
		// If the app gave strangers the same answer, any password would do.
		if open, _, err := x.tried(address, upstream.Attachment{}); err != nil {
			return func() error { return x.trialFailed(err) }
		} else if open.succeeded {
			return func() error { return x.LoginUnclear("login", errOpen) }
		}
		sorted := x.site.Cookies.Sort(lines, nil, true)
		if next.Jar, _, err = (custody.Jar{}).Apply(sorted.Held, x.R.Host, address.Path, x.Now); err != nil {
			return func() error { return x.LoginUnclear("hold", err) }
		}
		if asksItself(x, address) {
			return func() error { return x.answerTrial(next, right.answer, sorted) }
		}
	}
	answer := x.enter(next)
	if answer == nil {
		x.Authorization = line
	}
	return answer
}

// asksItself reports whether a script asks for the very address at which passwords are tried, as some apps' scripts do
// to sign in. The answer to our question is then also the answer to the script, so the app is not asked twice.
func asksItself(x *Exchange, address *url.URL) bool {
	return x.R.Method == http.MethodGet && x.Path.Canonical && x.Path.Text == address.Path && x.R.URL.RawQuery == "" && !exchange.IsPageLoad(x.R)
}

// answerTrial gives a script the answer to the trial of its password, at once or after the factor is proved.
func (x *Exchange) answerTrial(next SignedIn, answer *upstream.Withheld, sorted custody.Sorted) error {
	next.typed, next.Granted = true, sorted.Granted
	next.Delivery, _ = x.Delivery(answer, sorted.Browser)
	owed, err := x.Accept(next)
	if err != nil {
		return x.StoreFailed("sign in", err)
	}
	if owed {
		x.Withheld = true
		return x.AskFactor()
	}
	return answer.Send(x.W, x.R, sorted.Browser)
}

// trial is the result of trying a password at the app.
type trial struct {
	answer    *upstream.Withheld
	succeeded bool
}

// tried asks the app for the address at which passwords are tried. It returns the cookies that the answer sets
// separately.
func (x *Exchange) tried(address *url.URL, with upstream.Attachment) (trial, []string, error) {
	answer, err := x.AskApp(upstream.Question{Method: http.MethodGet, Target: address.EscapedPath()}, custody.Jar{}, with)
	if err != nil {
		return trial{}, nil, err
	}
	lines := answer.Cookies()
	seen, err := answer.Judged(lines)
	if err != nil {
		return trial{}, nil, errors.Join(upstream.ErrBroken, err)
	}
	outcome := x.Config.Logins.Judge(x.site.Basic, seen, match.ParsePath(address))
	return trial{answer, outcome == login.Succeeded}, lines, nil
}

// trialFailed answers a request whose trial got no answer that can be judged.
func (x *Exchange) trialFailed(err error) error {
	if errors.Is(err, upstream.ErrTooLarge) || errors.Is(err, upstream.ErrBroken) {
		return x.LoginUnclear("login", err)
	}
	return err
}

// askPassword passes on the answer by which the app asks strangers for a password, so that the browser asks its user.
func (x *Exchange) askPassword() error {
	leave, ok := x.Requests.BeginTrial(match.Network(x.Client(x.R)))
	if !ok {
		return tooManyTrials(x)
	}
	defer leave()
	asked, _, err := x.tried(&url.URL{Path: x.site.Basic.Address()}, upstream.Attachment{})
	if err != nil {
		return x.trialFailed(err)
	}
	if asked.answer.Headers["Www-Authenticate"] == nil {
		x.Log.WarnContext(x.R.Context(), "the app asks strangers for no password at this address",
			"setting", "login", "app", x.Config.App, "path", x.site.Basic.Address(), "status", asked.answer.Status)
		return x.closed()
	}
	return passAsking(x, asked.answer)
}

// passwordRefused passes on the app's refusal of a password. The session, if there is one, does not change.
func (x *Exchange) passwordRefused(answer *upstream.Withheld) error {
	x.Tell(event.Event{Name: event.LoginFailed})
	if answer.Status < http.StatusBadRequest {
		return x.closed()
	}
	return passAsking(x, answer)
}

// passAsking passes on an answer by which the app asks for a password or refuses one. No cache may keep that answer,
// because the app gave it at another address than the client asked for.
func passAsking(x *Exchange, answer *upstream.Withheld) error {
	asking := &upstream.Withheld{Headers: make(http.Header), Status: answer.Status, Body: answer.Body}
	for _, name := range []string{"Www-Authenticate", "Content-Type", "Content-Encoding", "Content-Language", "Retry-After"} {
		if values := answer.Headers[name]; values != nil {
			asking.Headers[name] = values
		}
	}
	asking.Headers["Cache-Control"] = []string{"no-store"}
	asking.Headers["X-Content-Type-Options"] = []string{"nosniff"}
	asking.Headers["Content-Security-Policy"] = []string{"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"}
	return asking.Send(x.W, x.R, nil)
}

// tooManyTrials refuses a client that has more passwords tried at once than a browser would.
func tooManyTrials(x *Exchange) error {
	x.Log.WarnContext(x.R.Context(), "too many passwords are being tried at once; the request was refused",
		"app", x.Config.App, "client", x.Config.ClientAddress(x.R))
	x.W.Header().Set("Retry-After", "1")
	return x.Fail(http.StatusTooManyRequests, pages.ErrorThrottled)
}
