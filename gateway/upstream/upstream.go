// Package upstream is the app's side of an exchange: it prepares requests for the app, asks the app the gateway's own
// questions (who is signed in with this?), and captures answers that nobody may see before they are judged.
package upstream

import (
	"net/http"

	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/gateway/exchange"
)

// Handler is the rest of the route: it ends in the app. An error means that no answer was written.
type Handler func(w http.ResponseWriter, r *http.Request) error

// Site is what all exchanges of one site share. It does not change.
type Site struct {
	*exchange.Site
	Cookies custody.Policy
	Headers *custody.HeaderPolicy
	// Tokens: the app issues bearer tokens.
	Tokens bool
	// guests are the names that the app gives to strangers.
	guests guests
	// learning makes sure that the names in Config.Names are read.
	learning learning
}

// NewSite makes a site. own are the names of the gateway's own cookies.
func NewSite(site *exchange.Site, own []string) *Site {
	config := &site.Config
	s := &Site{Site: site, Headers: custody.NewHeaderPolicy(config.PassHeaders)}
	if s.Tokens = len(config.Logins.Tokens()) > 0; s.Tokens {
		s.Headers.Token = config.TokenHeader
	}
	s.Cookies = custody.Policy{Hold: config.Hold, Pass: config.Pass, Own: own, Learned: &site.Learned}
	return s
}

// Exchange is one request with what goes to the app in it.
type Exchange struct {
	exchange.Exchange
	Next Handler
	site *Site

	// Suspect marks a request that may have carried a login that the gateway could not read.
	Suspect bool
	// Patient makes questions wait longer. It is set before a request goes to the app: an app that keeps a session to
	// one request at a time, as PHP does, answers no question about the session until the other request is over. It
	// would not answer this request any sooner.
	Patient bool
	// Authorization is the request's own line of HTTP Basic, if it is the very one that was verified in the session.
	Authorization string
	// lines are the values of headers that are set in the request; see line.
	lines []string
}

// Begin makes x the exchange of a request.
func (x *Exchange) Begin(site *Site, w http.ResponseWriter, r *http.Request, next Handler) {
	x.Site, x.W, x.R, x.Next, x.site = site.Site, w, r, next, site
}
