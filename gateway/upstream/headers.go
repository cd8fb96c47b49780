package upstream

import (
	"net/http"
	"strings"

	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/internal/match"
)

// WithoutUser takes a user and a password out of the address of a request, where some clients and servers know them.
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
			path, _, _ := strings.Cut(r.RequestURI, "?") // which servers behind us may read, and logs show
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
	// A trailer is a header that comes later; some servers make no difference.
	r.Trailer = nil
	if isLogin {
		x.prepareLogin()
	}
	if !options.Verified && !match.HasBody(r) {
		// Without a body they say nothing, but to apps that choose a protocol by them.
		for _, name := range BodyHeaders {
			delete(r.Header, name)
		}
	}
	granted := x.Granted()
	if x.Config.Logins.Typed && (isLogin || x.Suspect && !options.Verified) {
		// An app could sign in a session that the browser has, and nobody can be asked whose it is then (P5).
		granted = nil
	}
	x.setCookies(r, x.Path.Text, x.ClientCookies(), jar, granted)
	lastOfConnection(r)
}

// BodyHeaders say what a body is.
var BodyHeaders = []string{"Content-Type", "Content-Encoding", "Content-Disposition", "Content-Language", "Content-Range"}

// cleaning is for whom the request's headers are cleaned.
func (x *Exchange) cleaning() custody.CleanOptions {
	options := custody.CleanOptions{
		Verified: x.State() == gate.Verified, Login: x.Place == gate.Login, Path: x.Path, Closed: x.placeClosed,
	}
	if x.site.Tokens && options.Verified && !options.Login {
		options.Token = x.Session().Bonds.Token
	}
	return options
}

// prepareLogin has a login ask for a whole answer, which can be judged: a part of it may be the part with the token, or
// without the word that tells success (P2, P4). Where the typed name counts, the words are not the client's choice
// either.
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

// Granted are the names of cookies that the app gave the browser in this session.
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

// line is a header of one line. Those of a request share one list, cut so that none can grow into the next.
func (x *Exchange) line(value string) []string {
	if x.lines == nil {
		x.lines = make([]string, 0, 3)
	}
	x.lines = append(x.lines, value)
	end := len(x.lines)
	return x.lines[end-1 : end : end]
}

// Strip takes everything out of the request by which a client, or custody, could be known to an app, or somebody could
// sign in: what handles the error may lead into an app, and nobody judges its answer. So the body goes too, and the
// query, in which names, passwords and tokens may stand, and the wish for a WebSocket.
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
		// Closed as well: whoever handles the error may have a copy of the request, made before it came here.
		_ = r.Body.Close()
	}
	r.Body, r.ContentLength, r.TransferEncoding, r.Trailer = http.NoBody, 0, nil, nil
}

// Observe tells the rest of the route, and the app, who is there (contract 4.3).
func (x *Exchange) Observe() {
	outcome := x.Outcome()
	if outcome.State == gate.Verified {
		x.R.Header["X-Second-Factor"] = x.line(outcome.Method)
		x.R.Header["X-Second-Factor-User"] = x.line(headerText(outcome.User))
	}
	x.Config.Observe(x.R, outcome)
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
