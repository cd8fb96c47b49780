// Package gateway is the pipeline: plain net/http middleware that joins the rooms of the core. It recognises who asks
// (session), decides (gate), forwards with the right cookies (custody), withholds and judges logins (login), asks for
// factors (factor) on its own pages (pages). It knows nothing of Caddy; package caddymodule is its only caller.
package gateway

import (
	"net/http"

	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/exchange"
	"sallyport.example/sallyport/gateway/portal"
	"sallyport.example/sallyport/gateway/relay"
	"sallyport.example/sallyport/gateway/signin"
	"sallyport.example/sallyport/gateway/upstream"
	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/login"
	"sallyport.example/sallyport/pages"
)

// Handler is the rest of the route: it ends in the app. An error means that no answer was written.
type Handler = upstream.Handler

// Config is everything that a Gateway needs.
type Config = exchange.Config

// Outcome is what the rest of the route may know of a request's session.
type Outcome = exchange.Outcome

// NameStore keeps names of cookies for a site, over restarts.
type NameStore = exchange.NameStore

// CheckCookie returns what is wrong with a name for the gateway's own cookie.
func CheckCookie(name string) error { return exchange.CheckCookie(name) }

// HostOf is the host that a request's session belongs to.
func HostOf(r *http.Request) string { return exchange.HostOf(r) }

// Gateway is the middleware of one site; safe for concurrent use.
type Gateway struct {
	site  *relay.Site
	pages *portal.Site
}

// New checks the configuration and makes a gateway of it. It does no I/O.
func New(config Config) (*Gateway, error) {
	site, err := exchange.NewSite(config)
	if err != nil {
		return nil, err
	}
	secure, plain := site.SecureName, site.PlainName
	own := []string{secure, plain, secure + signin.TrustSuffix, plain + signin.TrustSuffix, secure + exchange.NextSuffix, plain + exchange.NextSuffix}
	g := &Gateway{pages: portal.NewSite()}
	in := signin.NewSite(upstream.NewSite(site, own))
	in.Methods = portal.Methods
	g.site = relay.NewSite(in, func(x *relay.Exchange) error { return g.act(x, decideAgain(x)) })
	return g, nil
}

// CookieName is what the gateway's own cookie is called in a request.
func (g *Gateway) CookieName(r *http.Request) string { return g.site.CookieName(r) }

// TransportIsSafe reports whether a request came by https, or from this machine. Any other is refused unread.
func (g *Gateway) TransportIsSafe(r *http.Request) bool { return g.site.TransportIsSafe(r) }

// ServeHTTP takes one request through the pipeline. An error comes from the rest of the route; the gateway writes its
// own errors as answers. If an error is returned, the request holds neither the client's credentials nor cookies from
// custody, because the handler of the error may lead into the app.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request, next Handler) (err error) {
	x := relay.Begin(g.site, w, r, next)
	handled := false
	defer func() {
		x.Restore()
		if err != nil || !handled {
			x.Strip()
		}
	}()
	if err = g.serve(x); err != nil && r.Context().Err() == nil {
		if status := x.Config.Unanswered(r, err); status != 0 {
			x.Log.ErrorContext(r.Context(), "the app did not answer", "app", x.Config.App, "status", status, "error", err)
			err = x.Fail(status, pages.ErrorApp)
		}
	}
	handled = true
	return err
}

func (g *Gateway) serve(x *relay.Exchange) error {
	r := x.R
	if !x.TransportIsSafe(r) {
		x.Now = x.Config.Now()
		return x.Fail(http.StatusForbidden, pages.ErrorInsecure)
	}
	upstream.SettleBody(r)
	err := x.LoadSession()
	// The time is taken after the session was read: a request that came later than this one may have written times into
	// the session, and they must not lie in the future.
	x.Now = x.Config.Now()
	if err != nil {
		return x.StoreFailed("load session", err)
	}
	if err := x.LearnNames(); err != nil {
		return x.StoreFailed("read the names of held cookies", err)
	}
	upstream.WithoutUser(r)
	x.Target = r.RequestURI
	var admit login.Admit
	if x.State() != gate.Verified {
		admit = func() (leave func(), ok bool) { return x.Requests.BeginForm(match.Network(x.Client(x.R))) }
	}
	found := g.Read(r, x.State(), admit)
	x.Path, x.Attempt, x.Place, x.Suspect = found.Path, found.Attempt, found.Place, found.Unread
	if found.Refused != nil {
		drainRefused(x, found.Refused.Status)
		return x.Refuse(found.Refused)
	}
	if (x.Place == gate.Own || x.Place == gate.Login) && r.Method != http.MethodGet && r.Header.Get("Early-Data") != "" {
		// RFC 8470 §5.2: 0-RTT data can be replayed; a code or a password must not be.
		return x.Fail(http.StatusTooEarly, pages.ErrorTooEarly)
	}
	action := found.Action
	if (g.site.Basic != nil || x.Config.Front != nil) && !final(action) {
		if answer := x.Stand(); answer != nil {
			return answer()
		}
		action = decideAgain(x)
	}
	return g.act(x, action)
}

// final reports whether an action does not depend on who is signed in.
func final(action gate.Action) bool {
	return action == gate.ForwardPreflight || action == gate.RefuseMethod || action == gate.RefusePlace || action == gate.RefuseForeign || action == gate.ForwardLogin
}

func (g *Gateway) act(x *relay.Exchange, action gate.Action) error {
	if !forwards(action) {
		drain(x)
	}
	switch action {
	case gate.ServeOwn:
		return portal.Serve(g.pages, &x.Exchange)
	case gate.ForwardLogin:
		return x.SignIn(x.Attempt)
	case gate.ForwardVerified:
		return x.ForwardVerified()
	case gate.ForwardPreflight:
		return upstream.ForwardPreflight(&x.Exchange.Exchange)
	case gate.ForwardStranger:
		return x.ForwardStranger()
	case gate.ForwardSuspect:
		return x.ForwardSuspect()
	case gate.AskFactor, gate.AskEnrolment:
		return x.AskFactor()
	case gate.RefuseMethod:
		x.W.Header().Set("Allow", x.Policy.Allow())
		return x.Fail(http.StatusMethodNotAllowed, pages.ErrorMethod)
	case gate.RefusePlace:
		return x.Fail(http.StatusForbidden, pages.ErrorForbidden)
	case gate.RefuseForeign:
		return x.RefuseForeign()
	default:
		return x.AskLogin()
	}
}
