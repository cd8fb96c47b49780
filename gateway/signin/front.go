package signin

import (
	"slices"
	"strings"

	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/exchange"
)

// standByFront compares, at every request, the session's user with the user whom an earlier handler of the route has
// signed in. If that handler names nobody, nobody is signed in here either, whatever the session says. If it names
// another user than before, that is another login (P5).
func (x *Exchange) standByFront() exchange.Answer {
	if x.Place == gate.Own && x.Path.Text == x.Config.Base+"/logout" {
		return nil // nobody has to be signed in to end a session
	}
	name := x.Config.Front(x.R)
	if name != "" {
		name = normalised(x, name)
	}
	switch {
	case name == "":
		x.Forget()
		return nil
	case x.State() != gate.Anonymous && x.Session().Identity == name:
		return nil
	case x.State() == gate.Anonymous && !x.needsSession():
		return nil
	}
	return x.enter(SignedIn{Identity: name})
}

// needsSession reports whether a request asks for something that is not open to strangers.
func (x *Exchange) needsSession() bool {
	switch x.Place {
	case gate.Public, gate.Entry:
		return false
	case gate.Own:
		path := strings.TrimPrefix(x.Path.Text, x.Config.Base)
		return !slices.Contains([]string{"/logo", exchange.GuardPath, exchange.GuardDialogPath, exchange.LinkPath}, path)
	}
	return true
}
