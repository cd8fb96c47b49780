// Package upstream is the app's side of an exchange: it makes requests ready for the app, asks the app questions of our
// own (who is signed in with this?), and captures answers that nobody may see before they are judged.
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
	// guests are the names that the app gives to whoever is not signed in.
	guests guests
	// learning sees to the names in Config.Names.
	learning learning
}

// NewSite makes one. own are the names of the cookies of our own.
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

	// Suspect marks a request that may have carried a login that nobody could read.
	Suspect bool
	// Patient has questions wait longer: before a request goes to the app, one that keeps a session to itself, as PHP
	// does, answers no question of that session until another request of it is over, as it would not answer this one.
	Patient bool
	// Authorization is the request's own line of HTTP Basic, where it is the very one that was verified in the session.
	Authorization string
	// lines are the values of headers that are set in the request; see line.
	lines []string
}

// Begin makes it that of a request.
func (x *Exchange) Begin(site *Site, w http.ResponseWriter, r *http.Request, next Handler) {
	x.Site, x.W, x.R, x.Next, x.site = site.Site, w, r, next, site
}
