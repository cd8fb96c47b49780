// Package explain says what a gateway does with a request, and why. It lets the gateway itself serve the request, with
// a session in memory and without the app behind it. So it repeats none of the gateway's rules, and cannot differ from
// them.
package explain

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway"
	"sallyport.example/sallyport/session"
)

// Decision is what the gateway does with a request, in a word.
type Decision string

// The decisions.
const (
	// Pass: the request goes on to the app.
	Pass Decision = "pass"
	// Login: it goes on to the app as a login, and the answer is withheld until it is judged.
	Login Decision = "login"
	// Own: the gateway's own pages answer.
	Own Decision = "own"
	// ToLoginPage: the browser is led to the app's login page.
	ToLoginPage Decision = "to_login_page"
	// LoginRequired: a script is told that nobody is signed in.
	LoginRequired Decision = "login_required"
	// ToChallenge: the browser is led to where the factor is asked for, or set up.
	ToChallenge Decision = "to_challenge"
	// FactorRequired: a script is told that the factor is owed.
	FactorRequired Decision = "factor_required"
	// Refuse: the request goes no further.
	Refuse Decision = "refuse"
)

// Parts are names of headers or cookies, sorted.
type Parts struct {
	// Kept go on to the app as they came, Dropped do not.
	Kept    []string `json:"kept"`
	Dropped []string `json:"dropped"`
}

// Explanation is what the gateway does with one request, and why.
type Explanation struct {
	// Reading is what the gateway reads in the request, with the rule that decided.
	gateway.Reading
	Decision Decision
	// Status is the status of the gateway's own answer; 0 if the app answers.
	Status int
	// Insecure: the request came over plain http from another machine, so that it was refused unread.
	Insecure bool
	// Headers and Cookies are those that the client sent, by whether they go on. A verified session's browser may also
	// send the cookies that the app gave it, which are unknown here.
	Headers, Cookies Parts
}

// User is the user who is signed in, in every state except anonymous. The caller's store says whether that user has a
// factor.
const User = "somebody"

// errSeen ends a request that has reached the app.
var errSeen = errors.New("the app would answer now")

// probing marks a request that the gateway makes by itself.
type probing struct{}

// Explain serves r with a gateway made from config, in a session of the given state. It changes r and reads its body.
// The configuration's stores should be in memory and empty, because it puts a session into them. It writes nothing
// else, and sends no request.
func Explain(config gateway.Config, r *http.Request, state gate.State) (Explanation, error) {
	sent := r.Header.Clone()
	now := time.Now
	if config.Now != nil {
		now = config.Now
	}
	prepare := config.PrepareProbe
	config.PrepareProbe = func(probe, beside *http.Request, w http.ResponseWriter) *http.Request {
		if prepare != nil {
			probe = prepare(probe, beside, w)
		}
		return probe.WithContext(context.WithValue(probe.Context(), probing{}, true))
	}
	if config.Front != nil {
		config.Front = func(*http.Request) string {
			if state == gate.Anonymous {
				return ""
			}
			return User
		}
	}
	g, err := gateway.New(config)
	if err != nil {
		return Explanation{}, err
	}
	if state != gate.Anonymous {
		taken, err := config.Sessions.Begin(r.Context(), gateway.HostOf(r), now(), session.SignIn(session.Arrival{
			User: User, State: state, Custody: session.Custody{Checked: now()}, At: now(),
		}))
		if err != nil {
			return Explanation{}, fmt.Errorf("a session in memory: %w", err)
		}
		r.Header.Add("Cookie", g.CookieName(r)+"="+taken.Token)
	}
	found := Explanation{Reading: g.Read(r, state, nil), Insecure: !g.TransportIsSafe(r)}
	answer := &unread{header: make(http.Header)}
	var went http.Header
	err = g.ServeHTTP(answer, r, func(_ http.ResponseWriter, r *http.Request) error {
		if r.Context().Value(probing{}) == nil && went == nil {
			went = r.Header.Clone()
		}
		return errSeen
	})
	if err != nil && !errors.Is(err, errSeen) {
		return Explanation{}, err
	}
	found.Decision = decide(&found, answer.status)
	if found.Decision != Pass && found.Decision != Login {
		found.Status = answer.status
	}
	found.Headers, found.Cookies = sortHeaders(sent, went), sortCookies(sent, went)
	return found, nil
}

// unread is a ResponseWriter of which only the status matters.
type unread struct {
	header http.Header
	status int
}

func (u *unread) Header() http.Header { return u.header }

func (u *unread) Write(piece []byte) (int, error) {
	u.WriteHeader(http.StatusOK)
	return len(piece), nil
}

func (u *unread) WriteHeader(status int) {
	if u.status == 0 {
		u.status = status
	}
}

// decide names what the gateway has done, by its action and by whether its answer is a redirect.
func decide(found *Explanation, status int) Decision {
	leads := status >= 300 && status < 400
	if found.Insecure || found.Refused != nil {
		return Refuse
	}
	switch found.Action {
	case gate.ForwardLogin:
		return Login
	case gate.ServeOwn:
		return Own
	case gate.ForwardStranger, gate.ForwardSuspect, gate.ForwardVerified, gate.ForwardPreflight:
		return Pass
	case gate.AskLogin:
		if leads {
			return ToLoginPage
		}
		return LoginRequired
	case gate.AskFactor, gate.AskEnrolment:
		if leads {
			return ToChallenge
		}
		return FactorRequired
	}
	return Refuse
}

// sortHeaders says which of the sent headers went on.
func sortHeaders(sent, went http.Header) (parts Parts) {
	for name := range sent {
		switch {
		case name == "Cookie":
		case strings.HasPrefix(name, "X-Second-Factor"): // the app gets only the gateway's own
			parts.Dropped = append(parts.Dropped, name)
		case slices.Equal(went[name], sent[name]):
			parts.Kept = append(parts.Kept, name)
		default:
			parts.Dropped = append(parts.Dropped, name)
		}
	}
	return parts.sorted()
}

// sortCookies says which of the sent cookies went on.
func sortCookies(sent, went http.Header) (parts Parts) {
	kept := names(went)
	for _, name := range names(sent) {
		if slices.Contains(kept, name) {
			parts.Kept = append(parts.Kept, name)
		} else {
			parts.Dropped = append(parts.Dropped, name)
		}
	}
	return parts.sorted()
}

// names returns the names of a request's cookies.
func names(header http.Header) (names []string) {
	for _, cookie := range (&http.Request{Header: header}).Cookies() {
		names = append(names, cookie.Name)
	}
	return names
}

// Of leaves out the names that are not in header.
func (p Parts) Of(header http.Header) Parts {
	other := func(name string) bool { return len(header[name]) == 0 }
	return Parts{Kept: slices.DeleteFunc(slices.Clone(p.Kept), other), Dropped: slices.DeleteFunc(slices.Clone(p.Dropped), other)}.sorted()
}

// sorted sorts the names, and replaces nil by an empty list.
func (p Parts) sorted() Parts {
	for _, list := range []*[]string{&p.Kept, &p.Dropped} {
		slices.Sort(*list)
		if *list = slices.Compact(*list); *list == nil {
			*list = []string{}
		}
	}
	return p
}
