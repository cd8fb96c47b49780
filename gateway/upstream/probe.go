package upstream

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

// probeTimeout is how long the app may take to say who is signed in, and patientTimeout where nothing but a request
// that has not begun waits for it.
const (
	probeTimeout   = 10 * time.Second
	patientTimeout = time.Minute
)

// Probed is what the app said when it was asked who is signed in.
type Probed struct {
	Verdict login.Verdict
	Name    string           // where verdict is login.Known
	Changes []custody.Change // the held cookies that the answer set, for apps that change them with each answer
	Jar     custody.Jar      // the jar that was sent, with the changes
	Answer  *Withheld        // nil where there was none
	Status  int
	Err     error
}

// Question is a request of the gateway's own to the app.
type Question struct {
	Method string
	// Target is a path, perhaps with a query, as it stands in a request's first line.
	Target            string
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

// AskApp asks the app something, through the same route, as the request that it is asked beside would ask: with what
// that one carries, cleaned alike, since apps bind their sessions to headers, addresses and hosts. Left out is what
// belongs to the request's own errand: what would have the app answer with less, or with something else.
//
// The question carries every cookie that any request of the session would carry, whatever the cookie's path: a cookie
// that nobody was asked about goes nowhere. One with nothing carries none, and no other credential.
func (x *Exchange) AskApp(what Question, jar custody.Jar, with Attachment) (*Withheld, error) {
	timeout := probeTimeout
	if x.Patient && !what.form.signedOut() { // one of nobody's session waits for nobody's lock, and all others for it
		timeout = patientTimeout
	}
	ctx, cancel := context.WithTimeout(x.R.Context(), timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, what.Method, what.Target, strings.NewReader(what.body))
	if err != nil {
		return nil, err
	}
	path, query, _ := strings.Cut(what.Target, "?")
	request.URL = &url.URL{Path: path, RawQuery: query}
	request.RequestURI = what.Target
	request.Host, request.RemoteAddr, request.TLS = x.R.Host, x.R.RemoteAddr, x.R.TLS
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
		x.setCookies(request, custody.AnyPath, x.ClientCookies(), &jar, x.Granted())
	}
	lastOfConnection(request)
	answer, err := captureWithin(x.Next, x.Config.PrepareProbe(request, x.R, &Withheld{Headers: make(http.Header)}))
	if gone := ctx.Err(); gone != nil && err == nil {
		// Then whoever carries requests to the app may have answered in its own words (499, say), which are none of the
		// app's.
		return nil, fmt.Errorf("%w: %w", ErrBroken, gone)
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
func (x *Exchange) askingHeaders(form askedAs) http.Header {
	headers := make(http.Header, len(x.R.Header)+4)
	for name, values := range x.R.Header {
		if !errandHeaders[name] && (!form.plain() || onTheWay[name]) {
			headers[name] = values
		}
	}
	policy := x.site.Headers
	if form.signedOut() {
		policy = custody.NewHeaderPolicy(nil)
	}
	options := custody.CleanOptions{Path: x.Path}
	if form == withAllHeaders {
		options.Verified, options.Closed = true, func() bool { return true }
	}
	policy.Clean(headers, options)
	if x.Config.Logins.Typed {
		delete(headers, "Accept-Language")
	}
	headers["Accept"] = []string{"application/json, text/html;q=0.9, */*;q=0.5"}
	headers["Cache-Control"] = []string{"no-cache"}
	if form.plain() {
		headers["User-Agent"] = []string{plainAgent}
		return headers
	}
	SetReadableEncodings(headers, x.R.Header)
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
func (x *Exchange) askRealm(identity *login.Identity, jar custody.Jar, with Attachment, form askedAs) Probed {
	said := x.askForm(identity, jar, with, form)
	if form.signedOut() || said.Verdict != login.NotSignedIn || said.Status != http.StatusOK || jar.Len() == 0 && with.header == "" {
		return said
	}
	again := x.askForm(identity, said.Jar, with, inPlainForm)
	again.Changes = append(said.Changes, again.Changes...)
	if again.Verdict == login.Known {
		return again
	}
	if again.Answer != nil {
		said.Jar, said.Changes = again.Jar, again.Changes
	}
	return said
}

// askForm asks the question in one form.
func (x *Exchange) askForm(identity *login.Identity, jar custody.Jar, with Attachment, form askedAs) Probed {
	if identity.Needs != "" && !form.signedOut() && with.header == "" && !slices.ContainsFunc(jar.Names(), identity.Needs.Match) {
		return Probed{Verdict: login.NotSignedIn, Jar: jar}
	}
	answer, err := x.AskApp(Question{
		Method: identity.Method, Target: identity.Path, contentType: identity.ContentType, body: identity.Body, form: form,
	}, jar, with)
	if err != nil {
		return Probed{Verdict: login.Unclear, Jar: jar, Err: err}
	}
	sorted := x.site.Cookies.Sort(answer.Cookies(), holds(jar), false)
	path, _, _ := strings.Cut(identity.Path, "?")
	result := Probed{Changes: answeredTo(path, sorted.Held), Answer: answer, Status: answer.Status}
	if result.Jar, _, err = jar.Apply(sorted.Held, x.R.Host, path, x.Now); err != nil {
		result.Verdict, result.Err = login.Unclear, fmt.Errorf("%w: %w", ErrBroken, err)
		return result
	}
	seen, err := answer.Judged(nil)
	if err != nil {
		// The route did answer: what it said cannot be read.
		result.Verdict, result.Err = login.Unclear, fmt.Errorf("%w: %w", ErrBroken, err)
		return result
	}
	result.Name, result.Verdict = identity.Read(seen)
	return result
}

// Whose is probe for a session that may have more than cookies to prove itself with. The app may believe either: so the
// cookies are asked about by themselves first, and where they are another user's that is the answer (P5).
func (x *Exchange) Whose(jar custody.Jar) Probed {
	with := x.attachment()
	if with.header == "" || jar.Len() == 0 {
		return x.Probe(jar, with)
	}
	alone := x.Probe(jar, Attachment{})
	if alone.Verdict == login.Unclear || alone.Verdict == login.Known && alone.Name != x.Session().Identity {
		return alone
	}
	said := x.Probe(alone.Jar, with)
	said.Changes = append(alone.Changes, said.Changes...)
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

// Apply is a jar after the changes that an answer to this request makes to it. The error is custody.ErrFull.
func (x *Exchange) Apply(jar custody.Jar, changes []custody.Change) (custody.Jar, custody.Effect, error) {
	return jar.Apply(changes, x.R.Host, x.Path.Text, x.Now)
}

// CookiesSet is what an answer to this request set, for a step.
func (x *Exchange) CookiesSet(held []custody.Change, granted ...string) session.Cookies {
	return session.Cookies{Held: held, Granted: granted, Host: x.R.Host, Path: x.Path.Text, At: x.Now}
}
