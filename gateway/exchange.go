package gateway

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/login"
	"sallyport.example/sallyport/pages"
	"sallyport.example/sallyport/session"
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
	// attempt is the login that the request is; nil where it is none.
	attempt *login.Attempt
	// path and target are the request's as they came in: handlers behind us may rewrite them in place.
	path   match.Path
	target string
	place  gate.Place
	// suspect marks a request that may have carried a login that nobody could read.
	suspect bool
	// withheld says that the app's answer to this very request waits at /resume, though it is no login.
	withheld bool
	// carries says that this request takes a stranger's cookies to the app.
	carries bool
	// sentSaved and encodingsSaved say that sent and encodings were read.
	sentSaved, encodingsSaved bool
	// authorization is the request's own line of HTTP Basic, where it is the very one that was verified in the session.
	authorization string
	// carried are the stranger's cookies that go with this request, where they are not those of the session (any more).
	carried custody.Jar
	// sent are the client's own Cookie headers.
	sent []string
	// encodings are the client's own Accept-Encoding headers, where others went to the app: put back when the exchange
	// is over, for those in front of us.
	encodings []string
	// lines are the values of headers that are set in the request; see line.
	lines []string

	// visit is the request's in a session that may be raised; nil in all others.
	visit  *visit
	filter filter
	stream stream
	form   *form // what a POST to one of our own pages said; nil in all other requests
	// asked is what the secrets store said of the user's factors, where a page was on its way that shows it.
	asked *factor.Status
}

func (x *exchange) state() gate.State {
	if x.data == nil {
		return gate.Anonymous
	}
	return x.data.State
}

// jar holds the cookies that go to the app with a request of this session that is no login: those that a login has
// earned once the session is verified, and a stranger's before.
func (x *exchange) jar() custody.Jar {
	switch {
	case x.data == nil:
		return custody.Jar{}
	case x.data.State == gate.Verified:
		return x.data.Held
	}
	return x.carried
}

// loadSession finds the session that the browser's token stands for. No token, a dead token and one of another host are
// the same: anonymous.
func (x *exchange) loadSession() error {
	token := x.Gateway.token(x.r)
	if token == "" {
		return nil
	}
	data, err := x.config.Sessions.Load(x.r.Context(), token)
	if err != nil {
		return looking(err)
	}
	if x.storeWorks(storeSessions, false); data == nil || data.Host != hostOf(x.r) {
		return nil
	}
	x.token, x.data = token, data
	return nil
}

// take takes a step in the session that this request came with, or in a new anonymous one where it came with none.
// session.ErrGone is returned where the session ended meanwhile, or is no longer in the state that the step begins at:
// then there is nobody left to take it for. Where the token changes with it, the old one is dead from here on (P8).
//
// A request that may be another site's, sent without the cookie that the browser has, remembers nothing: a new cookie
// in its answer would take the place of that one, and sign the user out, or in as somebody else.
func (x *exchange) take(step session.Step) (session.Taken, error) {
	ctx := context.WithoutCancel(x.r.Context())
	var taken session.Taken
	var err error
	switch {
	case x.token != "":
		taken, err = x.config.Sessions.Take(ctx, x.token, step)
	case x.blind():
		err = session.ErrGone
	default:
		taken, err = x.config.Sessions.Begin(ctx, hostOf(x.r), x.now, step)
	}
	if err != nil {
		return session.Taken{}, err
	}
	if taken.Done {
		x.storeWorks(storeSessions, true)
	}
	before := x.token
	x.token, x.data = taken.Token, taken.After
	if taken.Token != before {
		if before != "" {
			x.stream.follow(taken.Token, taken.After.Identity)
		}
		x.setToken(x.w.Header(), x.r, taken.Token)
	}
	return taken, nil
}

// blind reports whether the request may be another site's, sent without the cookie that the browser has. A login that
// the operator lets come from there is not among them.
func (x *exchange) blind() bool { return x.place != gate.Login && gate.Blind(x.r) }

// end destroys the session, and tells the event; the request goes on as a stranger's.
func (x *exchange) end(as event.Event) error {
	if x.token == "" {
		return nil
	}
	if err := x.destroy(as); err != nil {
		return err
	}
	x.token, x.data = "", nil
	x.stream.release()
	x.clearToken(x.w.Header(), x.r)
	return nil
}

// destroy ends the session in the store. Whose session was none's is no event, and one that several requests end at the
// same time is one.
func (x *exchange) destroy(as event.Event) error {
	if err := x.config.Sessions.Destroy(context.WithoutCancel(x.r.Context()), x.token); err != nil {
		x.untold()
		return err
	}
	x.unresolved.forget(x.token)
	x.storeWorks(storeSessions, true)
	if x.data != nil && x.data.Identity != "" && x.endedLately.first(x.token) {
		as.User = x.data.Identity
		x.tell(as)
	}
	return nil
}

// placeClosed reports whether the operator closed the request's place by its path.
func (x *exchange) placeClosed() bool { return x.policy.Closes(x.path) }

// prepare cleans the request's headers and rebuilds its Cookie header from the jar and from what this browser may send
// (P3). Every request to the app goes through here.
func (x *exchange) prepare(jar *custody.Jar) {
	r := x.r
	isLogin := x.place == gate.Login
	options := x.cleaning()
	if x.tokens {
		if cleaned := custody.CleanQuery(r.URL.RawQuery, options.Token); cleaned != r.URL.RawQuery {
			r.URL.RawQuery = cleaned
			path, _, _ := strings.Cut(r.RequestURI, "?") // which servers behind us may read, and logs show
			if r.RequestURI = path; cleaned != "" {
				r.RequestURI += "?" + cleaned
			}
		}
		custody.CleanProtocols(r.Header, options.Token)
	}
	x.headers.Clean(r.Header, options)
	if x.authorization != "" && x.state() == gate.Verified && !isLogin {
		r.Header["Authorization"] = []string{x.authorization}
	}
	// A trailer is a header that comes later; some servers make no difference.
	r.Trailer = nil
	if isLogin {
		x.prepareLogin()
	}
	if !options.Verified && !match.HasBody(r) {
		// Without a body they say nothing, but to apps that choose a protocol by them.
		for _, name := range bodyHeaders {
			delete(r.Header, name)
		}
	}
	granted := x.granted()
	if x.config.Logins.Typed && (isLogin || x.suspect && !options.Verified) {
		// An app could sign in a session that the browser has, and nobody can be asked whose it is then (P5).
		granted = nil
	}
	x.setCookies(r, x.path.Text, x.clientCookies(), jar, granted)
	lastOfConnection(r)
}

// bodyHeaders say what a body is.
var bodyHeaders = []string{"Content-Type", "Content-Encoding", "Content-Disposition", "Content-Language", "Content-Range"}

// cleaning is for whom the request's headers are cleaned.
func (x *exchange) cleaning() custody.CleanOptions {
	options := custody.CleanOptions{
		Verified: x.state() == gate.Verified, Login: x.place == gate.Login, Path: x.path, Closed: x.placeClosed,
	}
	if x.tokens && options.Verified && !options.Login {
		options.Token = x.data.Bonds.Token
	}
	return options
}

// prepareLogin has a login ask for a whole answer, which can be judged: a part of it may be the part with the token, or
// without the word that tells success (P2, P4). Where the typed name counts, the words are not the client's choice
// either.
func (x *exchange) prepareLogin() {
	h := x.r.Header
	for _, name := range []string{
		"Upgrade", "Connection", "Range", "If-Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since",
	} {
		delete(h, name)
	}
	if !x.config.Logins.Typed {
		return
	}
	if delete(h, "Accept-Language"); x.config.Language != "" {
		h["Accept-Language"] = []string{x.config.Language}
	}
}

// clientCookies are the cookies that the client sent, as they came.
func (x *exchange) clientCookies() []string {
	if !x.sentSaved {
		x.sent, x.sentSaved = x.r.Header["Cookie"], true
	}
	return x.sent
}

// granted are the names of cookies that the app gave the browser in this session.
func (x *exchange) granted() []string {
	if x.data == nil {
		return nil
	}
	return x.data.Granted
}

func (x *exchange) setCookies(r *http.Request, path string, client []string, jar *custody.Jar, granted []string) {
	if line := x.cookies.CookieHeader(client, jar, granted, r.Host, path, x.now); line != "" {
		r.Header["Cookie"] = x.line(line)
	} else {
		delete(r.Header, "Cookie")
	}
}

// line is a header of one line. Those of a request share one list, cut so that none can grow into the next.
func (x *exchange) line(value string) []string {
	if x.lines == nil {
		x.lines = make([]string, 0, 3)
	}
	x.lines = append(x.lines, value)
	end := len(x.lines)
	return x.lines[end-1 : end : end]
}

// restore puts the client's Accept-Encoding back.
func (x *exchange) restore() {
	switch {
	case !x.encodingsSaved:
	case x.encodings == nil:
		delete(x.r.Header, "Accept-Encoding")
	default:
		x.r.Header["Accept-Encoding"] = x.encodings
	}
}

// strip takes everything out of the request by which a client, or custody, could be known to an app, or somebody could
// sign in: what handles the error may lead into an app, and nobody judges its answer. So the body goes too, and the
// query, in which names, passwords and tokens may stand, and the wish for a WebSocket.
func (x *exchange) strip() {
	r := x.r
	bare := custody.HeaderPolicy{Token: x.headers.Token}
	bare.Clean(r.Header, custody.CleanOptions{})
	for _, name := range []string{
		"Cookie", "Authorization", "X-Second-Factor", "X-Second-Factor-User", x.config.TokenHeader, "Content-Length", "Connection", "Upgrade",
		"Sec-Websocket-Protocol",
	} {
		r.Header.Del(name)
	}
	for _, name := range bodyHeaders {
		r.Header.Del(name)
	}
	delete(r.Header, connectionAsItIs)
	r.URL.RawQuery, r.URL.ForceQuery = "", false
	r.RequestURI, _, _ = strings.Cut(r.RequestURI, "?")
	if r.Body != nil {
		// Closed as well: whoever handles the error may have a copy of the request, made before it came here.
		_ = r.Body.Close()
	}
	r.Body, r.ContentLength, r.TransferEncoding, r.Trailer = http.NoBody, 0, nil, nil
}

// outcome is what the rest of the route may know.
func (x *exchange) outcome() Outcome {
	outcome := Outcome{State: x.state()}
	if outcome.State == gate.Verified {
		outcome.User, outcome.Method = x.data.Identity, x.data.Method()
	}
	return outcome
}

// observe tells the rest of the route, and the app, who is there (contract 4.3).
func (x *exchange) observe() {
	outcome := x.outcome()
	if outcome.State == gate.Verified {
		x.r.Header["X-Second-Factor"] = x.line(outcome.Method)
		x.r.Header["X-Second-Factor-User"] = x.line(headerText(outcome.User))
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
	if gone := x.r.Context().Err(); gone != nil && errors.Is(err, gone) {
		return x.left()
	}
	if errors.Is(err, session.ErrGone) {
		// The session ended while the request was under way: what it wanted is no longer anybody's.
		return x.askLogin()
	}
	x.log.ErrorContext(x.r.Context(), "store failed; the request was refused",
		"setting", x.storeFails(err), "doing", doing, "app", x.config.App, "error", err)
	x.w.Header().Set("Retry-After", "5")
	return x.fail(http.StatusServiceUnavailable, pages.ErrorUnavailable)
}

// enrolled asks the secrets store whether somebody has a second factor. An error is never a no (P6).
func (x *exchange) enrolled(identity string) (factor.Status, error) {
	status, err := x.config.Factors.Status(x.r.Context(), identity)
	if err != nil {
		return status, looking(err)
	}
	x.storeWorks(storeSecrets, false)
	return status, nil
}

// statusClientLeft is nobody's to read: the client has gone. It is what access logs show then (nginx's 499).
const statusClientLeft = 499

// left ends a request whose client has gone. Whatever came of it was not seen, and is thrown away.
func (x *exchange) left() error {
	x.log.DebugContext(x.r.Context(), "the client left before its answer", "app", x.config.App, "place", x.place.String())
	clear(x.w.Header())
	x.w.WriteHeader(statusClientLeft)
	return nil
}

// refuse answers a login that is ambiguous, malformed or too large; the app never sees it.
func (x *exchange) refuse(refused *login.RefusedError) error {
	x.tell(event.Event{
		Name: event.LoginRefused, Reason: event.ReasonRequest, Status: refused.Status, Detail: refused.Log,
	})
	if refused.Status == http.StatusMethodNotAllowed {
		allowed := slices.DeleteFunc([]string{http.MethodGet, http.MethodHead, http.MethodPost}, func(method string) bool { return !x.policy.Takes(method) })
		x.w.Header().Set("Allow", strings.Join(allowed, ", "))
	}
	if refused.Status == http.StatusTooManyRequests {
		x.w.Header().Set("Retry-After", "60")
		x.w.Header().Set("Connection", "close") // or the server would wait for the rest of the body before it answers
	}
	return x.failWith(refused.Status, pages.ErrorRequest, refused.Reason)
}
