// Package underway holds what is known of the requests that are under way with the sessions of one app: who waits for
// whom, whose cookies are at the app, and what was told already. It decides nothing.
package underway

import (
	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/session"
)

// Requests is what is known of the requests that are under way with the sessions of one app. It is kept as long as
// these are: over a reload of the configuration, during which gateways of before and after serve the same session, and
// for all gateways of one app, which may stand in several routes. One that kept its own let a request go to the app
// beside another gateway's that was signing somebody else in. The zero value is ready for use.
type Requests struct {
	// Carriers are the requests that carry a stranger's cookies, or a session that may be raised.
	Carriers Carriers
	// Raising are those that may raise a verified session.
	Raising Raising
	// Doors are those of strangers whose answers have begun, with a session of the app's, and that may sign somebody in
	// with it yet. What a login took along of such a session would become somebody else's after it was accepted. They
	// take no turns: of a link in Raising a login waits for a moment only.
	Doors Raising
	// Unresolved are the sessions of which the store could not be told what became of them.
	Unresolved Unresolved
	// Room is for the large forms of strangers that are being read.
	Room AtOnce
	// trials are the passwords that are being tried.
	trials AtOnce
	// drains are the bodies that are read for nobody.
	drains AtOnce
	// Learned are the names of cookies that logins put into custody.
	Learned custody.Names
	// Stores are those that fail, and EndedLately the sessions that ended: what was told of them is not told again.
	Stores      Stores
	EndedLately Ended
}

// requestsKey is what it stands under beside the sessions.
type requestsKey struct{}

// Of is what is kept beside the sessions of an app.
func Of(sessions *session.Manager) *Requests {
	known, _ := sessions.Beside(requestsKey{}, func() any { return new(Requests) }).(*Requests)
	return known
}
