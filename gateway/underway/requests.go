// Package underway holds what is known of the requests that are under way with the sessions of one app: which request
// waits for which, which session's cookies are at the app, and which events were emitted already. It decides nothing.
package underway

import (
	"sync/atomic"

	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/session"
)

// Requests is what is known of the requests that are under way with the sessions of one app. All gateways of an app in
// this process share one Requests, in several routes and over a reload of the configuration. It is kept as long as the
// sessions. If each gateway had its own, a request could go to the app while another gateway's request signs somebody
// else in. The zero value is ready for use.
type Requests struct {
	// Carriers are the requests that carry a stranger's cookies, or a session that may be raised.
	Carriers Carriers
	// Raising are those that may raise a verified session.
	Raising Raising
	// Doors are strangers' requests whose answers have begun and brought a session of the app's, and that may still
	// sign somebody in with it. If a login took that session along, it could become somebody else's after the login was
	// accepted. They take no turns, because a login waits only a moment for requests in Raising.
	Doors Raising
	// SignIns are the logins that are at the app.
	SignIns SignIns
	// Together are the first requests of one browser that sign in by the same password.
	Together Together
	// Unresolved are the sessions whose change could not be written to the store.
	Unresolved Unresolved
	// Room limits the large forms of strangers that are being read.
	Room AtOnce
	// trials limits the passwords that are being tried.
	trials AtOnce
	// drains limits the bodies that are read and discarded.
	drains AtOnce
	// Expected is how many sign-ins an eye is kept on until a factor is proved, and Latest the site, of those of the
	// app, that took the last one.
	Expected atomic.Int32
	Latest   atomic.Value
	// Learned are the names of cookies that logins put into custody.
	Learned custody.Names
	// Stores are the stores' health, and EndedLately the sessions that ended. They keep events from being emitted
	// twice.
	Stores      Stores
	EndedLately Ended
}

// requestsKey is the key of Requests beside the sessions (session.Manager.Beside).
type requestsKey struct{}

// Of returns the Requests kept beside the sessions of an app.
func Of(sessions *session.Manager) *Requests {
	known, _ := sessions.Beside(requestsKey{}, func() any { return new(Requests) }).(*Requests)
	return known
}
