package gateway

import "sallyport.example/sallyport/gate"

// standByFront holds the session against whom a handler in front of us has signed in, at every request. Nobody is
// nobody here too, whatever the session says; another one than before is another login (P5).
func (x *exchange) standByFront() (answered bool, err error) {
	if x.place == gate.Own && x.path.Text == x.config.Base+"/logout" {
		return false, nil // whoever wants to end a session has no need to be somebody
	}
	name := x.config.Front(x.r)
	if name != "" {
		name = x.normalised(name)
	}
	switch {
	case name == "":
		x.token, x.data = "", nil
		return false, nil
	case x.state() != gate.Anonymous && x.data.Identity == name:
		return false, nil
	case x.state() == gate.Anonymous && !x.needsSession():
		return false, nil
	}
	return x.enter(signedIn{identity: name})
}

// needsSession reports whether a request is for something that is not for strangers.
func (x *exchange) needsSession() bool {
	switch x.place {
	case gate.Public, gate.Entry:
		return false
	case gate.Own:
		return x.path.Text != x.config.Base+"/logo" && x.path.Text != x.config.Base+guardPath
	}
	return true
}
