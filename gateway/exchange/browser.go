package exchange

import (
	"context"
	"net"
	"net/http"
	"strings"

	"github.com/mileusna/useragent"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/pages"
)

// maxUserAgent is how much of a User-Agent is looked at, in bytes.
const maxUserAgent = 512

// browserName is what kind of browser sends a request, such as "Firefox, Linux": for lists that people read, and for a
// trusted browser to remain of its kind. Versions are left out, for browsers renew themselves. Empty where the client
// does not say.
func browserName(r *http.Request) string {
	text := r.UserAgent()
	agent := useragent.Parse(text[:min(len(text), maxUserAgent)])
	switch {
	case agent.Name == "":
		return agent.OS
	case agent.OS == "":
		return agent.Name
	}
	return agent.Name + ", " + agent.OS
}

// LoadsAhead reports whether a browser fetches something in advance, which perhaps nobody will ever look at. Where a
// header says what a load is for, that is no load that somebody asked for.
func LoadsAhead(r *http.Request) bool {
	return r.Header["Sec-Purpose"] != nil || r.Header["Purpose"] != nil || strings.Contains(strings.ToLower(r.Header.Get("X-Moz")), "prefetch")
}

// Client is the address that a request comes from, without a port.
func (s *Site) Client(r *http.Request) string {
	address := s.Config.ClientAddress(r)
	if host, _, err := net.SplitHostPort(address); err == nil {
		return host
	}
	return address
}

// Origin is where a request comes from.
func (x *Exchange) Origin() factor.Origin {
	return factor.Origin{Address: x.Client(x.R), Browser: browserName(x.R)}
}

// Noting is the request's context for what the record is to remember.
func (x *Exchange) Noting() context.Context {
	origin := x.Origin()
	if x.data != nil && x.Config.Contacts {
		origin.Contact = factor.Contact{Mail: x.data.Mail, Language: pages.Language(x.Config.Pages, Languages(x.R))}
		origin.Moved = &x.moved
	}
	if x.data != nil {
		x.Watch = factor.Watch{Session: Mark(x), Over: x.Now.Add(-x.Config.Sessions.Pending())}
		origin.Watch = &x.Watch
	}
	return factor.WithOrigin(x.R.Context(), origin)
}
