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

// Reading is what a request asks for, what becomes of it, and why.
type Reading struct {
	Path match.Path
	// Attempt is the login that the request makes; nil if it makes none.
	Attempt *login.Attempt
	// Place is what the request asks for, and Rule is the operator's rule that says so. If a login block has the
	// request refused, Rule is that block.
	Place gate.Place
	Rule  gate.Rule
	// Unread: the request may be a login that the gateway could not read.
	Unread bool
	// Refused is why the request goes no further. If it is set, there is no Action.
	Refused *login.RefusedError
	Action  gate.Action
}

// Read decides what becomes of a request that came in a session of the given state. It asks no store, writes nothing
// and answers nothing. If the request may be a login, Read reads its body, which can be read again afterwards. admit is
// asked before a large body is kept in memory; nil means that there is always room.
//
// ServeHTTP begins with it. So a caller that explains or observes requests by Read says what ServeHTTP does.
func (g *Gateway) Read(r *http.Request, state gate.State, admit login.Admit) Reading {
	site := g.site.Site.Site.Site
	found := Reading{Path: match.ParsePath(r.URL)}
	if found.Refused = unreadable(r, found.Path); found.Refused != nil {
		return found
	}
	if gate.IsPreflight(r, site.Config.CORS) {
		if place, rule := site.Policy.PlaceAndRule(r, found.Path, false, false); gate.Answers(place, found.Path) {
			found.Place, found.Rule = gate.Preflight, rule
			found.Action = decide(site, r, state, found.Place, nil)
			return found
		}
	}
	recognised, err := site.Config.Logins.RecogniseWithin(r, found.Path, admit)
	found.Attempt = recognised.Attempt
	if err != nil {
		if found.Refused, found.Unread = judgeRefusal(err, state); found.Refused != nil {
			found.Rule = loginRule(site, recognised.Block, found.Path)
			return found
		}
	}
	found.Place, found.Rule = site.Policy.PlaceAndRule(r, found.Path, found.Attempt != nil, recognised.Entry)
	if found.Rule.Word == gate.WordLogin {
		found.Rule = loginRule(site, recognised.Block, found.Path)
	}
	if state == gate.Verified && gate.Leaves(found.Place) && site.Config.Logins.SignsOut(r, found.Path) {
		found.Place, found.Rule = gate.Logout, gate.Rule{Word: gate.WordLogout, Pattern: found.Path.Text}
	}
	found.Action = decide(site, r, state, found.Place, found.Attempt)
	return found
}

// unreadable returns why a request is refused because of its form; nil if it is not.
func unreadable(r *http.Request, path match.Path) *login.RefusedError {
	switch {
	case path.EndsEarly():
		return &login.RefusedError{
			Status: http.StatusBadRequest, Reason: "The address could not be read.", Log: "path with a zero byte",
		}
	case path.Climbs():
		return &login.RefusedError{
			Status: http.StatusBadRequest, Reason: "The address could not be read.", Log: "path with dot segments",
		}
	case upstream.LoadsWithBody(r):
		return &login.RefusedError{
			Status: http.StatusBadRequest, Reason: "The request could not be read.", Log: "a page load with a body",
		}
	}
	return nil
}

// loginRule returns the rule of the login block with this number.
func loginRule(site *exchange.Site, number int, path match.Path) gate.Rule {
	rule := gate.Rule{Word: gate.WordLogin, Login: number}
	patterns := site.Config.Logins.Blocks[number-1].Paths
	if at := patterns.Index(path.Text); at >= 0 {
		rule.Pattern = string(patterns[at])
		return rule
	}
	// It is spelled in another way.
	for _, pattern := range patterns {
		if path.Fits(match.LooseGlob(pattern)) {
			rule.Pattern = string(pattern)
			break
		}
	}
	return rule
}

// judgeRefusal decides what becomes of a request that looks like a login and could not be read as one.
//
// A body that could not be examined as a whole may be an upload, in an app that has one path for everything. Only a
// verified session may send one, and then the app is asked who is signed in before a byte of the answer goes out.
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

// decide describes a request to package gate and returns its decision.
func decide(site *exchange.Site, r *http.Request, state gate.State, place gate.Place, attempt *login.Attempt) gate.Action {
	request := gate.Request{
		State: state, Place: place, Method: r.Method,
		Upgrade:         len(r.Header["Upgrade"]) > 0,
		ExtendedConnect: r.ProtoMajor >= 2 && r.Header.Get(":protocol") == "websocket",
	}
	sent := r.Method
	if request.ExtendedConnect {
		sent = http.MethodGet // a WebSocket of HTTP/2 goes to the app by this method
	}
	request.Unwanted = !site.Policy.Takes(sent)
	switch {
	case place == gate.Login:
		request.Foreign = gate.Foreign(r, attempt.Block.From)
	case request.Upgrade || request.ExtendedConnect:
		request.Foreign = gate.Foreign(r, site.Config.Origins)
	case state != gate.Verified:
		request.Plain, request.PageLoad = site.Plain(r), exchange.IsPageLoad(r)
	}
	return gate.Decide(request)
}

// decideAgain decides what becomes of a request whose session may have come into another state since it was read.
func decideAgain(x *relay.Exchange) gate.Action {
	return decide(x.Site, x.R, x.State(), x.Place, x.Attempt)
}
