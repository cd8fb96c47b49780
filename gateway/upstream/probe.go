package upstream

import (
	"context"
	"encoding/json"
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

// probeTimeout is how long the app may take to say who is signed in. patientTimeout is for a question for which only a
// request waits that has not gone to the app yet.
const (
	probeTimeout   = 10 * time.Second
	patientTimeout = time.Minute
)

// Probed is what the app said when it was asked who is signed in.
type Probed struct {
	Verdict login.Verdict
	Name    string           // set if Verdict is login.Known
	Mail    string           // the user's e-mail address; empty if the app named none
	Phone   string           // the user's telephone number, likewise
	Changes []custody.Change // the held cookies that the answer set, for apps that change them with each answer
	Jar     custody.Jar      // the jar that was sent, with the changes
	Answer  *Withheld        // nil if there was none
	Status  int
	Err     error
	// read: the answer is of the kind that the operator says, JSON or a page, and has no name in it.
	read bool
}

// Question is a request of the gateway's own to the app.
type Question struct {
	Method string
	// Target is a path with an optional query, as in a request's first line.
	Target            string
	contentType, body string
	form              askedAs
}

// AsStranger makes a question for an address that carries no credential.
func AsStranger(method, target string) Question {
	return Question{Method: method, Target: target, form: withNothing}
}

// askedAs is the form of a question. The zero value asks in the form of the client's own request.
type askedAs uint8

const (
	inClientsForm askedAs = iota
	// inPlainForm carries what custody holds and nothing that the client chose.
	inPlainForm
	// withNothing carries no credential and nothing that the client chose.
	withNothing
	// asStranger is the client's own request without a session or another credential.
	asStranger
	// withAllHeaders carries all headers that a request of a verified session may carry.
	withAllHeaders
)

// signedOut reports whether a question of this form carries no credential.
func (f askedAs) signedOut() bool { return f == withNothing || f == asStranger }

// plain reports whether a question of this form carries nothing that the client chose.
func (f askedAs) plain() bool { return f == withNothing || f == inPlainForm }

// AskApp sends a question to the app by the route of the client's request. The question carries the request's headers,
// cleaned in the same way, because apps bind their sessions to headers, addresses and hosts. It leaves out the headers
// that concern only the purpose of the request and could change the answer.
//
// The question carries every cookie that any request of the session would carry, whatever the cookie's path, because no
// cookie may be used that the app was not asked about. A question in the form withNothing carries no cookie and no
// other credential.
func (x *Exchange) AskApp(what Question, jar custody.Jar, with Attachment) (*Withheld, error) {
	timeout := probeTimeout
	// A signed-out question has no session, and so waits for no session's lock.
	if x.Patient && !what.form.signedOut() {
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
		// The proxy may have answered instead of the app, for example with 499.
		return nil, fmt.Errorf("%w: %w", ErrBroken, gone)
	} else if gone != nil && !errors.Is(err, gone) {
		err = fmt.Errorf("%w: %w", gone, err)
	}
	return answer, err
}

// errandHeaders are headers that say what a request is for, and not who sends it. A question has its own values for
// them, or none; it carries all other headers of the request.
var errandHeaders = func() map[string]bool {
	headers := make(map[string]bool)
	headers[connectionAsItIs] = true // set for a request with a body
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

// askingHeaders returns the headers of a question: those that a login may carry too, in every state. With more headers,
// a verified session could make the app answer another question than ours, for example by an override of the method, so
// that the app seems to know nobody. A signed-out question carries none of the headers that the operator lets clients
// send. A plain one carries nothing that the client chose.
//
// A question in the form withAllHeaders carries what the request itself may carry, except an override of the method,
// because an app may know another session by such headers.
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

// onTheWay are the headers that proxies in front of an app set.
var onTheWay = map[string]bool{"X-Forwarded-For": true, "X-Forwarded-Host": true, "X-Forwarded-Proto": true, "Via": true}

// plainAgent is the User-Agent of a plain question. Some apps refuse clients that are no browsers.
const plainAgent = "Mozilla/5.0 (compatible; Sallyport)"

// askRealm asks one address who is signed in.
//
// If an answer names nobody, the client may have chosen that, by a header or a cookie: some views for telephones, or in
// other languages, leave the name out, and some apps take crawlers for strangers on every page. So the app is asked
// once more in the plain form, and a name in either form counts. An app that binds its sessions to the User-Agent names
// nobody the second time either.
func (x *Exchange) askRealm(identity *login.Identity, jar custody.Jar, with Attachment, form askedAs) Probed {
	said := x.askForm(identity, jar, with, form)
	if form.signedOut() || said.Verdict != login.NotSignedIn || said.Answer == nil || jar.Len() == 0 && with.header == "" {
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
		// The route answered, but its answer cannot be read.
		result.Verdict, result.Err = login.Unclear, fmt.Errorf("%w: %w", ErrBroken, err)
		return result
	}
	if result.Name, result.Verdict = identity.Read(seen); result.Verdict == login.Known && !form.signedOut() {
		result.Mail = identity.MailAddress(seen, x.Config.Logins.Mail)
		result.Phone = identity.PhoneNumber(seen, x.Config.Logins.Phone)
	}
	result.read = result.Verdict == login.NotSignedIn && (identity.Kind != login.JSON || json.Valid(seen.Body))
	return result
}

// Whose is like Probe for a session that may have another credential besides cookies. The app may believe either of
// them, so Whose asks about the cookies alone first. If the cookies are another user's, that is the answer (P5).
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

// answeredTo notes with each change the path of the request whose answer made it.
func answeredTo(path string, changes []custody.Change) []custody.Change {
	placed := make([]custody.Change, len(changes))
	for i := range changes {
		placed[i] = changes[i].AnsweredTo(path)
	}
	return placed
}

// Apply returns the jar after the changes by an answer to this request. The error is custody.ErrFull.
func (x *Exchange) Apply(jar custody.Jar, changes []custody.Change) (custody.Jar, custody.Effect, error) {
	return jar.Apply(changes, x.R.Host, x.Path.Text, x.Now)
}

// CookiesSet returns what an answer to this request set, in the form that a step takes.
func (x *Exchange) CookiesSet(held []custody.Change, granted ...string) session.Cookies {
	return session.Cookies{Held: held, Granted: granted, Host: x.R.Host, Path: x.Path.Text, At: x.Now}
}
