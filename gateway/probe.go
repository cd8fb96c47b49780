package gateway

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"sallyport/custody"
	"sallyport/login"
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
}

// askApp asks the app something, through the same route. The question carries nothing of the request that it is asked beside but
// what apps bind their sessions to: host, address, and the browser's name, languages and encodings.
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
	for _, name := range []string{"User-Agent", "Accept-Language", "Accept-Charset"} {
		if values := x.r.Header[name]; values != nil {
			request.Header[name] = values
		}
	}
	request.Header.Set("Accept", "application/json, text/html;q=0.9, */*;q=0.5")
	setReadableEncodings(request.Header, x.r.Header)
	if what.contentType != "" {
		request.Header.Set("Content-Type", what.contentType)
	}
	if with.header != "" {
		request.Header.Set(with.header, with.value)
	}
	x.setCookies(request, path, nil, &jar, nil)
	return capture(x.next, x.config.PrepareProbe(request, x.r, x.w))
}

// probe asks the app who the session in the jar, and what goes with it, belongs to.
func (x *exchange) probe(jar custody.Jar, with attachment) probed {
	identity := x.config.Logins.Identity
	answer, err := x.askApp(question{
		method: identity.Method, target: identity.Path, contentType: identity.ContentType, body: identity.Body,
	}, jar, with)
	if err != nil {
		return probed{verdict: login.Unclear, err: err}
	}
	sorted := x.cookies.Sort(answer.cookies(), holds(jar), false)
	result := probed{changes: sorted.Held, jar: x.appliedByProbe(jar, sorted.Held), answer: answer, status: answer.status}
	seen, err := answer.judged(nil)
	if err != nil {
		// The route did answer: what it said cannot be read.
		result.verdict, result.err = login.Unclear, fmt.Errorf("%w: %w", errBroken, err)
		return result
	}
	result.name, result.verdict = identity.Read(seen)
	return result
}

// whose is probe for a session that may have more than cookies to prove itself with. The app may believe either: so the cookies are
// asked about by themselves first, and where they are another user's that is the answer (P5).
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

// holds tells whether a jar has a cookie of that name, in any spelling that an app could confuse with it.
func holds(jar custody.Jar) func(string) bool { return jar.Holds }

// applied is a jar after the changes that an answer to this request makes to it. What does not fit is left out.
func (x *exchange) applied(jar custody.Jar, changes []custody.Change) custody.Jar {
	return x.appliedFor(jar, changes, x.path.Text)
}

// appliedByProbe is a jar after the changes that an answer to the question who is signed in makes to it.
func (x *exchange) appliedByProbe(jar custody.Jar, changes []custody.Change) custody.Jar {
	if len(changes) == 0 {
		return jar
	}
	path, _, _ := strings.Cut(x.config.Logins.Identity.Path, "?")
	return x.appliedFor(jar, changes, path)
}

func (x *exchange) appliedFor(jar custody.Jar, changes []custody.Change, path string) custody.Jar {
	next, _, err := jar.Apply(changes, x.r.Host, path, x.now)
	if err != nil {
		x.log.WarnContext(x.r.Context(), "the app sets more cookies than a session can hold; the rest was left out",
			"app", x.config.App, "error", err)
	}
	return next
}
