// Package signin gives a session its identity: by a form or a script, by a password that every request carries, or by
// the name that an earlier handler gives. It also decides which browsers need no code for it.
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
	// Basic is the login that every request carries in its Authorization; nil if the site has none.
	Basic *login.Block
	// Methods returns how the user of a pending session can go on; set once, before the first request. Without it
	// scripts are not told.
	Methods func(*Exchange) []string
	homes   homes
	// toldOfRenews: the operator was told that `renews` may be missing.
	toldOfRenews atomic.Bool
}

// NewSite makes the Site of package signin around that of package upstream.
func NewSite(site *upstream.Site) *Site { return &Site{Site: site, Basic: site.Config.Logins.Basic()} }

// Exchange is one request, and the login attempt if it is one.
type Exchange struct {
	upstream.Exchange
	site *Site

	// Attempt is the login attempt that the request makes; nil if it makes none.
	Attempt *login.Attempt
}

// Begin makes x the exchange of a request.
func (x *Exchange) Begin(site *Site, w http.ResponseWriter, r *http.Request, next upstream.Handler) {
	x.site = site
	x.Exchange.Begin(site.Site, w, r, next)
}
