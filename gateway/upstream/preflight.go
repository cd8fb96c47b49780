package upstream

import (
	"errors"
	"net/http"
	"strings"

	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/exchange"
	"sallyport.example/sallyport/pages"
)

// asksForPreflight are the headers of a preflight that the app gets: those of the question itself, and those that say
// who asks and in which language.
var asksForPreflight = map[string]bool{
	"Origin": true, "Access-Control-Request-Method": true, "Access-Control-Request-Headers": true, "Accept": true, "User-Agent": true,
	"X-Forwarded-For": true, "X-Forwarded-Proto": true, "X-Forwarded-Host": true, "Accept-Language": true,
}

// ForwardPreflight asks the app whether a page of another site may send it a request. Browsers ask this without a
// cookie, so nobody is signed in, and anybody may pretend to be a browser. So the app gets the question without a
// query, and the client gets what the app allows, but no status, body or other header of the app's answer.
func ForwardPreflight(x *Exchange) error {
	r := x.R
	for name := range r.Header {
		if !asksForPreflight[name] {
			delete(r.Header, name)
		}
	}
	r.URL.RawQuery, r.URL.ForceQuery = "", false
	r.RequestURI, _, _ = strings.Cut(r.RequestURI, "?")
	x.Sent, x.SentSaved = nil, true
	x.Prepare(&custody.Jar{})
	x.Config.Observe(r, exchange.Outcome{State: gate.Anonymous})
	answer, err := Capture(x.Next, r)
	switch {
	case r.Context().Err() != nil:
		return x.Left()
	case errors.Is(err, ErrTooLarge) || errors.Is(err, ErrBroken):
		return x.Fail(http.StatusBadGateway, pages.ErrorApp)
	case err != nil:
		return err
	}
	h := x.W.Header()
	pages.SecurityHeaders(h, "")
	delete(h, "Cross-Origin-Resource-Policy")
	for name, values := range answer.Headers {
		if strings.HasPrefix(name, "Access-Control-") || name == "Vary" {
			h[name] = values
		}
	}
	status := http.StatusNoContent
	if answer.Status >= http.StatusMultipleChoices {
		status = http.StatusForbidden
	}
	x.W.WriteHeader(status)
	return nil
}
