// Package relay carries a session's requests to the app and the answers back. Answers pass unbuffered unless the app
// has to be asked; then they wait until the app has said whose the session is.
package relay

import (
	"net/http"

	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/gateway/signin"
	"sallyport.example/sallyport/gateway/underway"
	"sallyport.example/sallyport/gateway/upstream"
)

// Site is what all exchanges of one site share. It does not change.
type Site struct {
	*signin.Site
	// Again decides anew, in the session's present state, what becomes of a request, and does it.
	Again func(*Exchange) error
	// harmless are the addresses that sign nobody in. static are those at which users get the same as strangers.
	harmless *underway.Harmless
	static   underway.Static
	// watchers look after requests that take long.
	watchers watchers
}

// NewSite makes one.
func NewSite(site *signin.Site, again func(*Exchange) error) *Site {
	return &Site{Site: site, Again: again, harmless: underway.NewHarmless()}
}

// Exchange is one request on its way through the pipeline. It belongs to one goroutine, as the request does.
type Exchange struct {
	signin.Exchange
	site *Site

	// carries: this request takes a stranger's cookies to the app, or its answer has brought them.
	carries bool
	// mayBring: the answer may bring a stranger's cookies. brought is the session's token once it has.
	mayBring bool
	brought  string
	// encodingsSaved: encodings was read.
	encodingsSaved bool
	// carried are the stranger's cookies that go with this request, if they are not (or no longer) those of the
	// session.
	carried custody.Jar
	// answered are the stranger's cookies as they stood after this answer, when the app was asked about them.
	answered custody.Jar
	// static: the request goes without the session, since strangers get the same.
	static bool
	// door is set for a stranger's request that may sign somebody in after its answer has begun; nil otherwise.
	door *underway.Visit
	// encodings are the client's own Accept-Encoding headers, if the app got others. They are put back at the end of
	// the exchange, for the handlers in front of this one.
	encodings []string

	// visit is the request's entry among those of a session that may be raised; nil otherwise.
	visit  *underway.Visit
	filter filter
	stream stream
}

// Begin makes an exchange of a request.
func Begin(site *Site, w http.ResponseWriter, r *http.Request, next upstream.Handler) *Exchange {
	x := &Exchange{site: site}
	x.Exchange.Begin(site.Site, w, r, next)
	x.Above = x
	return x
}
