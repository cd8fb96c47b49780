package gateway

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"sallyport/custody"
	"sallyport/factor"
	"sallyport/gate"
	"sallyport/login"
	"sallyport/match"
	"sallyport/pages"
	"sallyport/session"
)

// exchange is one request on its way through the pipeline. It belongs to one goroutine, as the request does.
type exchange struct {
	*Gateway
	w    http.ResponseWriter
	r    *http.Request
	next Handler
	now  time.Time

	token string        // the session's token; empty without one
	data  *session.Data // the session as it was read last; nil without one
	place gate.Place
	// path and target are the request's as they came in: handlers behind us may rewrite them in place.
	path   match.Path
	target string
	// suspect marks a request that may have carried a login that nobody could read.
	suspect bool
	// authorization is the request's own line of HTTP Basic, where it is the very one that was verified in the session.
	authorization string
	// withheld says that the app's answer to this very request waits at /resume, though it is no login.
	withheld bool
	// sent are the client's own Cookie headers, put back when the exchange is over, so that whatever handles an error
	// after us never meets a held cookie.
	sent      []string
	sentSaved bool
	// encodings are the client's own Accept-Encoding headers, where others went to the app; put back likewise.
	encodings      []string
	encodingsSaved bool

	filter filter
	stream stream
	form   form // what a POST to one of our own pages said
	// asked is what the secrets store said of the user's factors, where a page was on its way that shows it.
	asked *factor.Status
}

func (x *exchange) state() gate.State {
	if x.data == nil {
		return gate.Anonymous
	}
	return x.data.State
}

// jar holds the cookies that go to the app with a request of this session that is no login: those that a login has earned
// once the session is verified, and a stranger's before.
func (x *exchange) jar() custody.Jar {
	switch {
	case x.data == nil:
		return custody.Jar{}
	case x.data.State == gate.Verified:
		return x.data.Held
	}
	return x.data.Guest
}

// loadSession finds the session that the browser's token stands for. No token, a dead token and one of another host are the same:
// anonymous.
func (x *exchange) loadSession() error {
	token := x.Gateway.token(x.r)
	if token == "" {
		return nil
	}
	data, err := x.config.Sessions.Load(x.r.Context(), token)
	if err != nil || data == nil || data.Host != hostOf(x.r) {
		return err
	}
	x.token, x.data = token, data
	return nil
}

// change writes to the session that this request came with, or to a new anonymous one where it came with none.
// session.ErrGone is returned where the session ended meanwhile: then there is nobody left to remember anything for.
func (x *exchange) change(f func(*session.Data) error) error {
	ctx := context.WithoutCancel(x.r.Context())
	if x.token == "" {
		data := session.Data{Host: hostOf(x.r), State: gate.Anonymous, Created: x.now, Since: x.now, Seen: x.now}
		if err := f(&data); err != nil {
			return err
		}
		token, err := x.config.Sessions.Create(ctx, data)
		if err != nil {
			return err
		}
		x.token, x.data = token, &data
		x.setToken(x.w.Header(), x.r, token)
		return nil
	}
	data, err := x.config.Sessions.Update(ctx, x.token, f)
	if err != nil {
		return err
	}
	x.data = data
	return nil
}

// renew is change with a new token (P8). The old one is dead from here on; of two that renew at once, one gets ErrGone.
func (x *exchange) renew(f func(*session.Data) error) error {
	if x.token == "" {
		return x.change(f)
	}
	token, data, err := x.config.Sessions.Renew(context.WithoutCancel(x.r.Context()), x.token, f)
	if err != nil {
		return err
	}
	x.token, x.data = token, data
	x.stream.follow(token, data.Identity)
	x.setToken(x.w.Header(), x.r, token)
	return nil
}

// end destroys the session; the request goes on as a stranger's.
func (x *exchange) end() error {
	if x.token == "" {
		return nil
	}
	if err := x.config.Sessions.Destroy(context.WithoutCancel(x.r.Context()), x.token); err != nil {
		return err
	}
	x.token, x.data = "", nil
	x.stream.release()
	x.clearToken(x.w.Header(), x.r)
	return nil
}

// prepare cleans the request's headers and rebuilds its Cookie header from the jar and from what this browser may send
// (P3). Every request to the app goes through here.
func (x *exchange) prepare(jar *custody.Jar) {
	r := x.r
	isLogin := x.place == gate.Login
	options := custody.CleanOptions{Verified: x.state() == gate.Verified, Login: isLogin}
	if x.tokens {
		if options.Verified && !isLogin {
			options.Token = x.data.Bonds.Token
		}
		if cleaned := custody.CleanQuery(r.URL.RawQuery, options.Token); cleaned != r.URL.RawQuery {
			r.URL.RawQuery = cleaned
			path, _, _ := strings.Cut(r.RequestURI, "?") // which servers behind us may read, and logs show
			if r.RequestURI = path; cleaned != "" {
				r.RequestURI += "?" + cleaned
			}
		}
		custody.CleanProtocols(r.Header, options.Token)
		if isLogin {
			// A part of an answer may be the part with the token, and not be recognised as such (P2).
			r.Header.Del("Range")
			r.Header.Del("If-Range")
		}
	}
	x.headers.Clean(r.Header, options)
	if x.authorization != "" && x.state() == gate.Verified && !isLogin {
		r.Header["Authorization"] = []string{x.authorization}
	}
	// A trailer is a header that comes later; some servers make no difference.
	r.Trailer = nil
	if isLogin {
		r.Header.Del("Upgrade")
		r.Header.Del("Connection")
	}
	if !x.sentSaved {
		x.sent, x.sentSaved = r.Header["Cookie"], true
	}
	var granted []string
	if x.data != nil {
		granted = x.data.Granted
	}
	x.setCookies(r, x.path.Text, x.sent, jar, granted)
}

func (x *exchange) setCookies(r *http.Request, path string, client []string, jar *custody.Jar, granted []string) {
	if line := x.cookies.CookieHeader(client, jar, granted, r.Host, path, x.now); line != "" {
		r.Header["Cookie"] = []string{line}
	} else {
		delete(r.Header, "Cookie")
	}
}

func (x *exchange) restore() {
	if x.sentSaved {
		putBack(x.r.Header, "Cookie", x.sent)
	}
	if x.encodingsSaved {
		putBack(x.r.Header, "Accept-Encoding", x.encodings)
	}
}

func putBack(h http.Header, name string, lines []string) {
	if lines == nil {
		delete(h, name)
	} else {
		h[name] = lines
	}
}

// outcome is what the rest of the route may know.
func (x *exchange) outcome() Outcome {
	outcome := Outcome{State: x.state()}
	if outcome.State == gate.Verified {
		outcome.User, outcome.Method = x.data.Identity, x.data.Method
	}
	return outcome
}

// observe tells the rest of the route, and the app, who is there (design 4.3).
func (x *exchange) observe() {
	outcome := x.outcome()
	if outcome.State == gate.Verified {
		x.r.Header["X-Second-Factor"] = []string{outcome.Method}
		x.r.Header["X-Second-Factor-User"] = []string{headerText(outcome.User)}
	}
	x.config.Observe(x.r, outcome)
}

// headerText is an identity in a form that a header can carry. Identities hold no control characters; what is beyond
// ASCII goes as UTF-8, which is how every app server of note reads it.
func headerText(identity string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, identity)
}

// storeFailed answers for a session or secrets store that could not be asked, or did not answer (P6).
func (x *exchange) storeFailed(doing string, err error) error {
	if errors.Is(err, session.ErrGone) {
		// The session ended while the request was under way: what it wanted is no longer anybody's.
		return x.askLogin()
	}
	kind := "sessions"
	if !errors.Is(err, session.ErrStore) {
		kind = "secrets"
	}
	x.log.ErrorContext(x.r.Context(), "store failed; the request was refused",
		"setting", kind, "doing", doing, "app", x.config.App, "error", err)
	x.w.Header().Set("Retry-After", "5")
	return x.fail(http.StatusServiceUnavailable, pages.ErrorUnavailable)
}

// enrolled asks the secrets store whether somebody has a second factor. An error is never a no (P6).
func (x *exchange) enrolled(identity string) (factor.Status, error) {
	return x.config.Factors.Status(x.r.Context(), identity)
}

// refuse answers a login that is ambiguous, malformed or too large; the app never sees it.
func (x *exchange) refuse(refused *login.RefusedError) error {
	x.log.InfoContext(x.r.Context(), "login refused",
		"app", x.config.App, "status", refused.Status, "why", refused.Log, "client", x.config.ClientAddress(x.r))
	return x.failWith(refused.Status, pages.ErrorRequest, refused.Reason)
}
