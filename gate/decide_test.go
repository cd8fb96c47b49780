package gate

import (
	"testing"
)

var (
	allStates = []State{Anonymous, Pending, Enrolling, Verified}
	allPlaces = []Place{Protected, Public, Entry, Login, Logout, Own, Shut}
)

// TestP1_OnlyVerifiedSessionsReachTheApp walks the whole table: every state, place, method and upgrade.
func TestP1_OnlyVerifiedSessionsReachTheApp(t *testing.T) {
	methods := []string{
		"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "get", "post", "TRACE", "TRACK", "CONNECT", "", "X-ANYTHING",
	}
	for _, state := range append(allStates, State(9)) {
		for _, place := range allPlaces {
			for _, method := range methods {
				for _, upgrade := range []bool{false, true} {
					r := Request{State: state, Place: place, Method: method, Upgrade: upgrade}
					action := Decide(r)
					switch action {
					case ForwardVerified, ForwardStranger, ForwardLogin:
						if place == Shut {
							t.Errorf("%+v got through a door that is shut", r)
						}
					}
					switch action {
					case ForwardVerified:
						if state != Verified {
							t.Errorf("%+v reached the app as verified", r)
						}
					case ForwardStranger:
						if place != Public && place != Entry || upgrade {
							t.Errorf("%+v reached the app as a stranger's", r)
						}
					case ForwardLogin:
						if place != Login {
							t.Errorf("%+v reached the app as a login", r)
						}
					}
				}
			}
		}
	}
}

func TestDecide(t *testing.T) {
	for _, test := range []struct {
		name string
		r    Request
		want Action
	}{
		{"stranger at the door", Request{Method: "GET"}, AskLogin},
		{"password only", Request{State: Pending, Method: "GET"}, AskFactor},
		{"password only, sign-out", Request{State: Pending, Place: Logout, Method: "POST"}, AskFactor},
		{"must enrol", Request{State: Enrolling, Method: "GET"}, AskEnrolment},
		{"verified", Request{State: Verified, Method: "GET"}, ForwardVerified},
		{"verified on a public path keeps the session", Request{State: Verified, Place: Public, Method: "GET"}, ForwardVerified},
		{"verified signs in again", Request{State: Verified, Place: Login, Method: "POST"}, ForwardLogin},
		{"verified WebSocket", Request{State: Verified, Method: "GET", Upgrade: true}, ForwardVerified},
		{"stranger's WebSocket on a public path", Request{Place: Public, Method: "GET", Upgrade: true}, AskLogin},
		{"pending WebSocket on a public path", Request{State: Pending, Place: Public, Method: "GET", Upgrade: true}, AskFactor},
		{"h2 WebSocket", Request{State: Verified, Method: "CONNECT", ExtendedConnect: true}, ForwardVerified},
		{"pending h2 WebSocket", Request{State: Pending, Method: "CONNECT", ExtendedConnect: true}, AskFactor},
		{"stranger's h2 WebSocket, public", Request{Place: Public, Method: "CONNECT", ExtendedConnect: true}, AskLogin},
		{"CONNECT tunnel", Request{State: Verified, Method: "CONNECT"}, RefuseMethod},
		{"TRACE would echo the cookies", Request{State: Verified, Method: "TRACE"}, RefuseMethod},
		{"own pages", Request{Place: Own, Method: "GET"}, ServeOwn},
		{"a state from a newer version has no rights", Request{State: 9, Method: "GET"}, AskLogin},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := Decide(test.r); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestWords(t *testing.T) {
	for _, state := range allStates {
		if !state.Known() || state.String() == "" {
			t.Errorf("%d has no word", state)
		}
	}
	if State(4).Known() || State(4).String() != "state(4)" {
		t.Error("an unknown state must be seen as one")
	}
	if Place(99).String() != "shut" || Protected.String() != "protected" || ForwardVerified.String() != "forward verified" {
		t.Error("words")
	}
}
