package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/login"
	"sallyport.example/sallyport/session"
)

// probeTimeout is how long the app may take to say who is signed in.
const probeTimeout = 10 * time.Second

// probed is what the app said when it was asked who is signed in.
type probed struct {
	verdict login.Verdict
	name    string           // where verdict is login.Known
	changes []custody.Change // the held cookies that the answer set, for apps that change them with each answer
	jar     custody.Jar      // the jar that was sent, with the changes
	answer  *withheld        // nil where there was none
	status  int
	err     error
}

// question is a request of the gateway's own to the app.
type question struct {
	method string
	// target is a path, perhaps with a query, as it stands in a request's first line.
	target            string
	contentType, body string
	form              askedAs
}

// askedAs is the form of a question. The zero value is what the client's own request would ask.
type askedAs uint8

const (
	inClientsForm askedAs = iota
	// inPlainForm is without anything that the client chose: with what custody holds alone.
	inPlainForm
	// withNothing is as somebody asks who was never here, and who says nothing of herself.
	withNothing
	// asStranger is what the client's own request would ask without a session or another credential.
	asStranger
	// withAllHeaders is with all that a request of a verified session may carry.
	withAllHeaders
)

// signedOut forms carry nothing by which the app could know anybody.
func (f askedAs) signedOut() bool { return f == withNothing || f == asStranger }

// plain forms have nothing of a client's choice.
func (f askedAs) plain() bool { return f == withNothing || f == inPlainForm }

// askApp asks the app something, through the same route, as the request that it is asked beside would ask: with what
// that one carries, cleaned alike, since apps bind their sessions to headers, addresses and hosts. Left out is what
// belongs to the request's own errand: what would have the app answer with less, or with something else.
//
// The question carries every cookie that any request of the session would carry, whatever the cookie's path: a cookie
// that nobody was asked about goes nowhere. One with nothing carries none, and no other credential.
func (x *exchange) askApp(what question, jar custody.Jar, with attachment) (*withheld, error) {
	ctx, cancel := context.WithTimeout(x.r.Context(), probeTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, what.method, what.target, strings.NewReader(what.body))
	if err != nil {
		return nil, err
	}
	path, query, _ := strings.Cut(what.target, "?")
	request.URL = &url.URL{Path: path, RawQuery: query}
	request.RequestURI = what.target
	request.Host, request.RemoteAddr, request.TLS = x.r.Host, x.r.RemoteAddr, x.r.TLS
	request.Proto, request.ProtoMajor, request.ProtoMinor = "HTTP/1.1", 1, 1
	request.Header = x.askingHeaders(what.form)
	if what.contentType != "" {
		request.Header["Content-Type"] = []string{what.contentType}
	}
	if with.header != "" {
		request.Header.Set(with.header, with.value)
	}
	switch {
	case what.form == inPlainForm:
		x.setCookies(request, custody.AnyPath, nil, &jar, nil)
	case !what.form.signedOut():
		x.setCookies(request, custody.AnyPath, x.clientCookies(), &jar, x.granted())
	}
	lastOfConnection(request)
	answer, err := captureWithin(x.next, x.config.PrepareProbe(request, x.r, &withheld{header: make(http.Header)}))
	if gone := ctx.Err(); gone != nil && err == nil {
		// Then whoever carries requests to the app may have answered in its own words (499, say), which are none of the
		// app's.
		return nil, fmt.Errorf("%w: %w", errBroken, gone)
	} else if gone != nil && !errors.Is(err, gone) {
		err = fmt.Errorf("%w: %w", gone, err)
	}
	return answer, err
}

// errandHeaders belong to what a request is for, and not to who asks: a question has its own, or none. All else goes
// with it.
var errandHeaders = func() map[string]bool {
	headers := make(map[string]bool)
	headers[connectionAsItIs] = true // of a request with a body
	for name := range strings.FieldsSeq(`Accept Accept-Encoding Authorization Cache-Control Connection Content-Disposition
		Content-Encoding Content-Language Content-Length Content-Range Content-Type Cookie Expect If-Match If-Modified-Since
		If-None-Match If-Range If-Unmodified-Since Keep-Alive Origin Pragma Purpose Range Referer Sec-Fetch-Dest Sec-Fetch-Mode
		Sec-Fetch-Site Sec-Fetch-User Sec-Purpose Sec-Websocket-Extensions Sec-Websocket-Key Sec-Websocket-Protocol
		Sec-Websocket-Version Te Trailer Transfer-Encoding Upgrade Upgrade-Insecure-Requests X-Requested-With
		X-Second-Factor X-Second-Factor-User`) {
		headers[name] = true
	}
	return headers
}()

// askingHeaders are those of a question: what a login could carry too, whoever asks. By more than that a verified
// session could have the app answer another question than ours (an override of the method), so that it seems to know
// nobody. One without a session carries nothing that the operator lets clients say of themselves, and a plain one has
// no choice of a client's at all.
//
// One with all headers carries what the request itself may, but for an override of the method: an app may know another
// session by it.
func (x *exchange) askingHeaders(form askedAs) http.Header {
	headers := make(http.Header, len(x.r.Header)+4)
	for name, values := range x.r.Header {
		if !errandHeaders[name] && (!form.plain() || onTheWay[name]) {
			headers[name] = values
		}
	}
	policy := x.headers
	if form.signedOut() {
		policy = custody.NewHeaderPolicy(nil)
	}
	options := custody.CleanOptions{Path: x.path}
	if form == withAllHeaders {
		options.Verified, options.Closed = true, func() bool { return true }
	}
	policy.Clean(headers, options)
	if x.config.Logins.Typed {
		delete(headers, "Accept-Language")
	}
	headers["Accept"] = []string{"application/json, text/html;q=0.9, */*;q=0.5"}
	headers["Cache-Control"] = []string{"no-cache"}
	if form.plain() {
		headers["User-Agent"] = []string{plainAgent}
		return headers
	}
	setReadableEncodings(headers, x.r.Header)
	return headers
}

// onTheWay are the headers that whoever stands in front of an app says of a request.
var onTheWay = map[string]bool{"X-Forwarded-For": true, "X-Forwarded-Host": true, "X-Forwarded-Proto": true, "Via": true}

// plainAgent is who asks where nothing of the client's is to have a say. Some apps turn away what is no browser.
const plainAgent = "Mozilla/5.0 (compatible; Sallyport)"

// askRealm asks at one address who is signed in.
//
// A page that names nobody may do so since the client chose its form, by a header or a cookie of the browser's: there
// are views for telephones, and in other languages, that leave the name out. It is asked for once more then, in its
// plain form, and a name in either counts. An app that binds its sessions to the browser's name does not know this one,
// and says so by naming nobody again.
func (x *exchange) askRealm(identity *login.Identity, jar custody.Jar, with attachment, form askedAs) probed {
	said := x.askForm(identity, jar, with, form)
	if form.signedOut() || said.verdict != login.NotSignedIn || said.status != http.StatusOK || jar.Len() == 0 && with.header == "" {
		return said
	}
	again := x.askForm(identity, said.jar, with, inPlainForm)
	again.changes = append(said.changes, again.changes...)
	if again.verdict == login.Known {
		return again
	}
	if again.answer != nil {
		said.jar, said.changes = again.jar, again.changes
	}
	return said
}

// askForm asks the question in one form.
func (x *exchange) askForm(identity *login.Identity, jar custody.Jar, with attachment, form askedAs) probed {
	if identity.Needs != "" && !form.signedOut() && with.header == "" && !slices.ContainsFunc(jar.Names(), identity.Needs.Match) {
		return probed{verdict: login.NotSignedIn, jar: jar}
	}
	answer, err := x.askApp(question{
		method: identity.Method, target: identity.Path, contentType: identity.ContentType, body: identity.Body, form: form,
	}, jar, with)
	if err != nil {
		return probed{verdict: login.Unclear, jar: jar, err: err}
	}
	sorted := x.cookies.Sort(answer.cookies(), holds(jar), false)
	path, _, _ := strings.Cut(identity.Path, "?")
	result := probed{changes: answeredTo(path, sorted.Held), answer: answer, status: answer.status}
	if result.jar, _, err = jar.Apply(sorted.Held, x.r.Host, path, x.now); err != nil {
		result.verdict, result.err = login.Unclear, fmt.Errorf("%w: %w", errBroken, err)
		return result
	}
	seen, err := answer.judged(nil)
	if err != nil {
		// The route did answer: what it said cannot be read.
		result.verdict, result.err = login.Unclear, fmt.Errorf("%w: %w", errBroken, err)
		return result
	}
	result.name, result.verdict = identity.Read(seen)
	return result
}

// whose is probe for a session that may have more than cookies to prove itself with. The app may believe either: so the
// cookies are asked about by themselves first, and where they are another user's that is the answer (P5).
func (x *exchange) whose(jar custody.Jar) probed {
	with := x.attachment()
	if with.header == "" || jar.Len() == 0 {
		return x.probe(jar, with)
	}
	alone := x.probe(jar, attachment{})
	if alone.verdict == login.Unclear || alone.verdict == login.Known && alone.name != x.data.Identity {
		return alone
	}
	said := x.probe(alone.jar, with)
	said.changes = append(alone.changes, said.changes...)
	return said
}

// holds reports whether a jar has a cookie of that name, in any spelling that an app could confuse with it.
func holds(jar custody.Jar) func(string) bool { return jar.Holds }

// answeredTo are changes that an answer to a request for a path made.
func answeredTo(path string, changes []custody.Change) []custody.Change {
	placed := make([]custody.Change, len(changes))
	for i := range changes {
		placed[i] = changes[i].AnsweredTo(path)
	}
	return placed
}

// apply is a jar after the changes that an answer to this request makes to it. The error is custody.ErrFull.
func (x *exchange) apply(jar custody.Jar, changes []custody.Change) (custody.Jar, custody.Effect, error) {
	return jar.Apply(changes, x.r.Host, x.path.Text, x.now)
}

// cookiesSet is what an answer to this request set, for a step.
func (x *exchange) cookiesSet(held []custody.Change, granted ...string) session.Cookies {
	return session.Cookies{Held: held, Granted: granted, Host: x.r.Host, Path: x.path.Text, At: x.now}
}
