package gateway

import (
	"sallyport/custody"
	"sallyport/session"
)

// underWay is what is known of the requests that are under way with the sessions of one app. It is kept as long as these are: over a
// reload of the configuration, during which gateways of before and after serve the same session, and for all gateways of one app, which
// may stand in several routes. One that kept its own let a request go to the app beside another gateway's that was
// signing somebody else in. The zero value is ready for use.
type underWay struct {
	// carriers are the requests that carry a stranger's cookies, or a session that may be raised.
	carriers carriers
	// raising are those that may raise a verified session.
	raising raising
	// room is for the large forms of strangers that are being read.
	room atOnce
	// trials are the passwords that are being tried.
	trials atOnce
	// learned are the names of cookies that logins put into custody.
	learned custody.Names
	// stores are those that fail, and endedLately the sessions that ended: what was told of them is not told again.
	stores      stores
	endedLately ended
	// unsure are sessions of which the store could not be told what the app had said.
	unsure unsure
}

// underWayKey is what it stands under beside the sessions.
type underWayKey struct{}

func underWayOf(sessions *session.Manager) *underWay {
	known, _ := sessions.Beside(underWayKey{}, func() any { return new(underWay) }).(*underWay)
	return known
}
