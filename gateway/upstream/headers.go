package upstream

import (
	"net/http"
	"strings"

	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/internal/match"
)

// WithoutUser removes user and password from the address of a request.
func WithoutUser(r *http.Request) { r.URL.User = nil }

// placeClosed reports whether the operator closed the request's place by its path.
func (x *Exchange) placeClosed() bool { return x.Policy.Closes(x.Path) }

// Prepare cleans the request's headers and rebuilds its Cookie header from the jar and from what this browser may send
// (P3). Every request to the app goes through here.
func (x *Exchange) Prepare(jar *custody.Jar) {
	r := x.R
	isLogin := x.Place == gate.Login
	options := x.cleaning()
	if x.site.Tokens {
		if cleaned := custody.CleanQuery(r.URL.RawQuery, options.Token); cleaned != r.URL.RawQuery {
			r.URL.RawQuery = cleaned
			path, _, _ := strings.Cut(r.RequestURI, "?") // servers behind us may read it, and logs show it
			if r.RequestURI = path; cleaned != "" {
				r.RequestURI += "?" + cleaned
			}
		}
		custody.CleanProtocols(r.Header, options.Token)
	}
	x.site.Headers.Clean(r.Header, options)
	if x.Authorization != "" && x.State() == gate.Verified && !isLogin {
		r.Header["Authorization"] = []string{x.Authorization}
	}
	// A trailer is a header that comes later, and some servers treat it as one.
	r.Trailer = nil
	if isLogin {
		x.prepareLogin()
	}
	if !options.Verified && !match.HasBody(r) {
		// Without a body these headers mean nothing, except to apps that choose a protocol by them.
		for _, name := range BodyHeaders {
			delete(r.Header, name)
		}
	}
	granted := x.Granted()
	if x.Config.Logins.Typed && (isLogin || x.Suspect && !options.Verified) {
		// The app could sign in a session that the browser keeps. The app could not be asked whose that session is
		// (P5).
		granted = nil
	}
	x.setCookies(r, x.Path.Text, x.ClientCookies(), jar, granted)
	lastOfConnection(r)
}

// BodyHeaders are the headers that describe a body.
var BodyHeaders = []string{"Content-Type", "Content-Encoding", "Content-Disposition", "Content-Language", "Content-Range"}

// cleaning returns the options by which the request's headers are cleaned.
func (x *Exchange) cleaning() custody.CleanOptions {
	options := custody.CleanOptions{
		Verified: x.State() == gate.Verified, Login: x.Place == gate.Login, Path: x.Path, Closed: x.placeClosed,
	}
	if x.site.Tokens && options.Verified && !options.Login {
		options.Token = x.Session().Bonds.Token
	}
	return options
}

// prepareLogin makes a login ask for the whole answer, so that it can be judged. A part of the answer could be the part
// with the token, or the one without the word that shows success (P2, P4). If the typed name counts, the client does
// not choose the language of the answer either.
func (x *Exchange) prepareLogin() {
	h := x.R.Header
	for _, name := range []string{
		"Upgrade", "Connection", "Range", "If-Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since",
	} {
		delete(h, name)
	}
	if !x.Config.Logins.Typed {
		return
	}
	if delete(h, "Accept-Language"); x.Config.Language != "" {
		h["Accept-Language"] = []string{x.Config.Language}
	}
}

// Granted returns the names of cookies that the app gave the browser in this session.
func (x *Exchange) Granted() []string {
	if x.Session() == nil {
		return nil
	}
	return x.Session().Granted
}

func (x *Exchange) setCookies(r *http.Request, path string, client []string, jar *custody.Jar, granted []string) {
	if line := x.site.Cookies.CookieHeader(client, jar, granted, r.Host, path, x.Now); line != "" {
		r.Header["Cookie"] = x.line(line)
	} else {
		delete(r.Header, "Cookie")
	}
}

// line makes the value of a header with one line. The headers of a request share one slice, which is cut so that none
// of them can grow into the next.
func (x *Exchange) line(value string) []string {
	if x.lines == nil {
		x.lines = make([]string, 0, 3)
	}
	x.lines = append(x.lines, value)
	end := len(x.lines)
	return x.lines[end-1 : end : end]
}

// Strip removes everything from the request by which an app could recognise the client or a held session, or by which
// somebody could sign in. The handler of an error may lead into an app, and nobody judges that app's answer. So Strip
// also removes the body, the query (which may contain names, passwords and tokens), and the request for a WebSocket.
func (x *Exchange) Strip() {
	r := x.R
	bare := custody.HeaderPolicy{Token: x.site.Headers.Token}
	bare.Clean(r.Header, custody.CleanOptions{})
	for _, name := range []string{
		"Cookie", "Authorization", "X-Second-Factor", "X-Second-Factor-User", x.Config.TokenHeader, "Content-Length", "Connection", "Upgrade",
		"Sec-Websocket-Protocol",
	} {
		r.Header.Del(name)
	}
	for _, name := range BodyHeaders {
		r.Header.Del(name)
	}
	delete(r.Header, connectionAsItIs)
	r.URL.RawQuery, r.URL.ForceQuery = "", false
	r.RequestURI, _, _ = strings.Cut(r.RequestURI, "?")
	if r.Body != nil {
		// The body is closed too, because the handler of the error may have an earlier copy of the request.
		_ = r.Body.Close()
	}
	r.Body, r.ContentLength, r.TransferEncoding, r.Trailer = http.NoBody, 0, nil, nil
}

// Observe tells the rest of the route and the app who is signed in (contract 4.3).
func (x *Exchange) Observe() {
	outcome := x.Outcome()
	if outcome.State == gate.Verified {
		x.R.Header["X-Second-Factor"] = x.line(outcome.Method)
		x.R.Header["X-Second-Factor-User"] = x.line(headerText(outcome.User))
	}
	x.Config.Observe(x.R, outcome)
}

// headerText returns an identity in a form that a header can carry. Identities have no control characters; everything
// else is sent as UTF-8, as app servers expect.
func headerText(identity string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, identity)
}
