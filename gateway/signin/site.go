// Package signin is how a session gets an identity: by a form or a script, by a password that stands in each request,
// or by what an earlier handler says; and which browsers need no code for it.
package signin

import (
	"net/http"
	"sync/atomic"

	"sallyport.example/sallyport/gateway/upstream"
	"sallyport.example/sallyport/login"
)

// Site is what all exchanges of one site share. It does not change.
type Site struct {
	*upstream.Site
	// Basic is the login that stands in the Authorization of every request; nil where there is none.
	Basic *login.Block
	homes homes
	// toldOfRenews: the operator was told that `renews` may be missing.
	toldOfRenews atomic.Bool
}

// NewSite makes one.
func NewSite(site *upstream.Site) *Site { return &Site{Site: site, Basic: site.Config.Logins.Basic()} }

// Exchange is one request with the login that it may be.
type Exchange struct {
	upstream.Exchange
	site *Site

	// Attempt is the login that the request is; nil where it is none.
	Attempt *login.Attempt
}

// Begin makes it that of a request.
func (x *Exchange) Begin(site *Site, w http.ResponseWriter, r *http.Request, next upstream.Handler) {
	x.site = site
	x.Exchange.Begin(site.Site, w, r, next)
}
