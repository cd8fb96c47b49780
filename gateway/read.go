package gateway

import (
	"errors"
	"fmt"
	"net/http"

	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/exchange"
	"sallyport.example/sallyport/gateway/relay"
	"sallyport.example/sallyport/gateway/upstream"
	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/login"
)

// reading is what a request asks for, as far as it says so itself.
type reading struct {
	path match.Path
	// attempt is the login that it is; nil where it is none.
	attempt *login.Attempt
	place   gate.Place
	// unread: it may be a login that nobody could read.
	unread bool
}

// read says what a request is that came in a session of that state, or why it is refused. It asks no store and answers
// nothing; it reads the body where a login may stand in that, which stays readable. admit is asked for room for a large
// one; nil where there is room always.
func read(site *exchange.Site, r *http.Request, state gate.State, admit login.Admit) (found reading, refused *login.RefusedError) {
	found.path = match.ParsePath(r.URL)
	switch {
	case found.path.EndsEarly():
		return found, &login.RefusedError{
			Status: http.StatusBadRequest, Reason: "The address could not be read.", Log: "path with a zero byte",
		}
	case found.path.Climbs():
		return found, &login.RefusedError{
			Status: http.StatusBadRequest, Reason: "The address could not be read.", Log: "path with dot segments",
		}
	case upstream.LoadsWithBody(r):
		return found, &login.RefusedError{
			Status: http.StatusBadRequest, Reason: "The request could not be read.", Log: "a page load with a body",
		}
	}
	if gate.IsPreflight(r, site.Config.CORS) && gate.Answers(site.Policy.Place(r, found.path, false, false), found.path) {
		found.place = gate.Preflight
		return found, nil
	}
	recognised, err := site.Config.Logins.RecogniseWithin(r, found.path, admit)
	if err != nil {
		if refused, found.unread = judgeRefusal(err, state); refused != nil {
			return found, refused
		}
	}
	found.attempt = recognised.Attempt
	found.place = site.Policy.Place(r, found.path, recognised.Attempt != nil, recognised.Entry)
	if state == gate.Verified && gate.Leaves(found.place) && site.Config.Logins.SignsOut(r, found.path) {
		found.place = gate.Logout
	}
	return found, nil
}

// judgeRefusal decides what becomes of a request that looks like a login and cannot be read as one.
//
// A body that could not be examined whole may be an upload in a verified session, to an app that has one path for
// everything; then the app is asked who is signed in before a byte of the answer goes out. Nobody else may send one.
func judgeRefusal(err error, state gate.State) (refusal *login.RefusedError, unread bool) {
	var refused *login.RefusedError
	if errors.As(err, &refused) {
		return refused, false
	}
	var unexamined *login.UnexaminedError
	if errors.As(err, &unexamined) {
		if state == gate.Verified {
			return nil, true
		}
		return &login.RefusedError{Status: unexamined.Status, Reason: unexamined.Reason, Log: unexamined.Log}, false
	}
	return &login.RefusedError{Status: http.StatusBadRequest, Reason: "The request could not be read.", Log: fmt.Sprint(err)}, false
}

// decide has package gate say what becomes of the request in the state that its session has now.
func decide(x *relay.Exchange) gate.Action {
	r := x.R
	request := gate.Request{
		State: x.State(), Place: x.Place, Method: r.Method,
		Upgrade:         len(r.Header["Upgrade"]) > 0,
		ExtendedConnect: r.ProtoMajor >= 2 && r.Header.Get(":protocol") == "websocket",
	}
	sent := r.Method
	if request.ExtendedConnect {
		sent = http.MethodGet // which is how a WebSocket of HTTP/2 goes to the app
	}
	request.Unwanted = !x.Policy.Takes(sent)
	switch {
	case x.Place == gate.Login:
		request.Foreign = gate.Foreign(r, x.Attempt.Block.From)
	case request.Upgrade || request.ExtendedConnect:
		request.Foreign = gate.Foreign(r, x.Config.Origins)
	case request.State != gate.Verified:
		request.Plain, request.PageLoad = x.Plain(), exchange.IsPageLoad(r)
	}
	return gate.Decide(request)
}
