package gateway

import (
	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/underway"
	"sallyport.example/sallyport/gateway/upstream"
	"sallyport.example/sallyport/login"
)

// passage is one request on its way through the pipeline. It belongs to one goroutine, as the request does.
type passage struct {
	upstream.Exchange
	*Gateway

	// attempt is the login that the request is; nil where it is none.
	attempt *login.Attempt
	// carries says that this request takes a stranger's cookies to the app.
	carries bool
	// encodingsSaved says that encodings was read.
	encodingsSaved bool
	// carried are the stranger's cookies that go with this request, where they are not those of the session (any more).
	carried custody.Jar
	// encodings are the client's own Accept-Encoding headers, where others went to the app: put back when the exchange
	// is over, for those in front of us.
	encodings []string

	// visit is the request's in a session that may be raised; nil in all others.
	visit  *underway.Visit
	filter filter
	stream stream
	form   *form // what a POST to one of our own pages said; nil in all other requests
	// asked is what the secrets store said of the user's factors, where a page was on its way that shows it.
	asked *factor.Status
}

// jar holds the cookies that go to the app with a request of this session that is no login: those that a login has
// earned once the session is verified, and a stranger's before.
func (x *passage) jar() custody.Jar {
	switch {
	case x.Data == nil:
		return custody.Jar{}
	case x.Data.State == gate.Verified:
		return x.Data.Held
	}
	return x.carried
}

// restore puts the client's Accept-Encoding back.
func (x *passage) restore() {
	switch {
	case !x.encodingsSaved:
	case x.encodings == nil:
		delete(x.R.Header, "Accept-Encoding")
	default:
		x.R.Header["Accept-Encoding"] = x.encodings
	}
}
