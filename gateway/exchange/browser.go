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

// maxUserAgent is how many bytes of a User-Agent are looked at.
const maxUserAgent = 512

// browserName returns the kind of browser that sends a request, such as "Firefox, Linux". Lists for people show it, and
// a trusted browser has to remain of its kind. It leaves out versions, because browsers update themselves. It returns
// "" if the client does not say.
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

// LoadsAhead reports whether a browser fetches something in advance that perhaps nobody will ever look at. Browsers
// send these headers only with a load that nobody has asked for.
func LoadsAhead(r *http.Request) bool {
	return r.Header["Sec-Purpose"] != nil || r.Header["Purpose"] != nil || strings.Contains(strings.ToLower(r.Header.Get("X-Moz")), "prefetch")
}

// Client returns the address that a request comes from, without a port.
func (s *Site) Client(r *http.Request) string {
	address := s.Config.ClientAddress(r)
	if host, _, err := net.SplitHostPort(address); err == nil {
		return host
	}
	return address
}

// Origin returns where the request comes from.
func (x *Exchange) Origin() factor.Origin {
	return factor.Origin{Address: x.Client(x.R), Browser: browserName(x.R)}
}

// Noting returns the request's context together with the origin that the record is to remember.
func (x *Exchange) Noting() context.Context {
	origin := x.Origin()
	origin.Site, origin.Addresses = x.OriginOf(x.R), addresses(x)
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

// addresses are what the app says the addresses of the session's user are.
func addresses(x *Exchange) map[factor.Method]string {
	if x.data == nil {
		return nil
	}
	return map[factor.Method]string{factor.MethodMail: x.data.Mail, factor.MethodSMS: x.data.Phone}
}
