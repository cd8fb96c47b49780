package relay

import (
	"errors"
	"net/http"

	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/gateway/exchange"
	"sallyport.example/sallyport/gateway/signin"
	"sallyport.example/sallyport/gateway/upstream"
	"sallyport.example/sallyport/login"
	"sallyport.example/sallyport/session"
)

// refreshes reports whether the app answers this request with another bearer token.
func (x *Exchange) refreshes() bool {
	return len(x.Config.Refresh) > 0 && x.Path.Canonical && x.Config.Refresh.Match(x.Path.Text)
}

// tokenRanOut reports whether this session's bearer token may have expired while the app's session goes on, so that the
// app will issue another one. Until then the app does not know whose the session's requests are.
func (x *Exchange) tokenRanOut() bool {
	return len(x.Config.Refresh) > 0 && x.Session().Token != "" && x.Session().Held.Len() == 0
}

// errNoToken is returned if the app answers a request for another bearer token without one.
var errNoToken = errors.New("the answer holds no token where one should stand")

// refresh sends a request for another bearer token to the app, and withholds the answer until the app has said whose
// the token is (P5). The request is already prepared.
func refresh(x *Exchange) error {
	upstream.SetReadableEncodings(x.R.Header, x.R.Header)
	answer, err := upstream.Capture(x.Next, x.R)
	if err != nil {
		if errors.Is(err, upstream.ErrTooLarge) || errors.Is(err, upstream.ErrBroken) {
			return x.LoginUnclear("refresh", err)
		}
		return err
	}
	lines := answer.Headers["Set-Cookie"]
	seen, err := answer.Judged(lines)
	if err != nil {
		return x.LoginUnclear("refresh", err)
	}
	var issued []login.Token
	if answer.Status/100 == 2 {
		if issued, err = login.ReadTokens(x.Config.Logins.Tokens(), seen); err != nil {
			return x.LoginUnclear("token", err)
		}
		if len(issued) == 0 && answer.Body.Len() > 0 {
			return x.LoginUnclear("token", errNoToken) // the token may stand on a page, for clients that ask for pages
		}
	}
	if len(issued) > 0 {
		if answer := admitTokens(x, issued, answer, lines); answer != nil {
			return answer()
		}
	}
	defer x.stream.end()
	return x.filter.run(func(w http.ResponseWriter, r *http.Request) error { return answer.Send(w, r, lines) }, x.stream.watch(x))
}

// admitTokens binds bearer tokens to the session if the app says that they belong to its user. If they belong to
// another user, that is a sign-in, and admitTokens returns an answer.
func admitTokens(x *Exchange, issued []login.Token, answer *upstream.Withheld, lines []string) exchange.Answer {
	user := x.Session().Identity
	said := x.Probe(custody.Jar{}, x.TokenAttachment(issued[0].Text))
	switch {
	case said.Verdict == login.Known && said.Name == user:
		var tokens []string
		for _, token := range issued {
			tokens = append(tokens, token.Text)
		}
		if _, err := x.Take(session.BindTokens(user, tokens, x.Now)); err != nil {
			return func() error { return x.StoreFailed("bind a token", err) }
		}
		return nil
	case said.Verdict == login.Known:
		sorted := x.site.Cookies.Sort(lines, nil, true)
		jar, _, full := x.Apply(custody.Jar{}, sorted.Held)
		if full != nil {
			return func() error { return x.LoginUnclear("hold", full) }
		}
		next := signin.SignedIn{Identity: said.Name, Mail: said.Mail, Phone: said.Phone, Jar: jar, Granted: sorted.Granted, Within: true}
		next.Delivery, next.Oversized = x.Delivery(answer, sorted.Browser)
		if err := next.Bind(issued); err != nil {
			return func() error { return x.LoginUnclear("token", err) }
		}
		owed, err := x.Accept(next)
		if err != nil {
			return func() error { return x.StoreFailed("sign in", err) }
		}
		if owed {
			x.Withheld = true
			return x.AskFactor
		}
		return func() error { return answer.Send(x.W, x.R, sorted.Browser) }
	case said.Verdict == login.NotSignedIn:
		return func() error { return x.LoginUnclear("refresh", signin.ErrTokenOfNobody) }
	default:
		return func() error { return x.IdentityUnclear(said) }
	}
}
