package gate

import (
	"slices"
	"testing"
)

var (
	allStates = []State{Anonymous, Pending, Enrolling, Verified}
	allPlaces = []Place{Protected, Public, Entry, Login, Logout, Own, Preflight, Shut}
)

var (
	allMethods = []string{
		"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "get", "post", "TRACE", "TRACK", "CONNECT", "", "X-ANYTHING",
	}
	// allActions are all actions, with whether the app sees the request.
	allActions = map[Action]bool{
		AskLogin: false, AskFactor: false, AskEnrolment: false, RefuseMethod: false, RefusePlace: false, RefuseForeign: false, ServeOwn: false,
		ForwardStranger: true, ForwardSuspect: true, ForwardLogin: true, ForwardPreflight: true, ForwardVerified: true,
	}
)

// everyRequest calls each with everything that Decide may be asked, and with some states and places that do not exist.
func everyRequest(each func(r Request)) {
	for _, state := range append(slices.Clone(allStates), State(9)) {
		for _, place := range append(slices.Clone(allPlaces), Place(99)) {
			for _, method := range allMethods {
				for bits := range 1 << 6 {
					each(Request{
						State: state, Place: place, Method: method,
						Upgrade: bits&1 != 0, ExtendedConnect: bits&2 != 0, Plain: bits&4 != 0, PageLoad: bits&8 != 0, Foreign: bits&16 != 0,
						Unwanted: bits&32 != 0,
					})
				}
			}
		}
	}
}

// TestP1_OnlyVerifiedSessionsReachTheApp walks the whole table: a user who has only the password is never taken for
// verified, whatever request she makes. She counts as a stranger where strangers may be, and nowhere else.
func TestP1_OnlyVerifiedSessionsReachTheApp(t *testing.T) {
	seen := map[Action]int{}
	everyRequest(func(r Request) {
		action := Decide(r)
		seen[action]++
		reaches, known := allActions[action]
		if !known {
			t.Fatalf("%+v: %v", r, action)
		}
		tunnel := r.Upgrade || r.ExtendedConnect
		never := map[string]bool{
			"through a door that is shut":                      r.Place == Shut,
			"past the gateway's own page":                      r.Place == Own,
			"though the answer repeats the cookies":            r.Method == "TRACE" || r.Method == "TRACK",
			"by a method that the app does not take":           r.Unwanted,
			"as a tunnel":                                      r.Method == "CONNECT" && !r.ExtendedConnect,
			"as a login from another site":                     r.Place == Login && r.Foreign,
			"as a login that is a socket":                      r.Place == Login && r.ExtendedConnect,
			"as another site's socket":                         r.Place != Login && tunnel && r.Foreign,
			"unverified, where strangers may not be":           r.State != Verified && r.Place != Public && r.Place != Entry && r.Place != Login && r.Place != Preflight,
			"unverified, as a socket":                          r.State != Verified && r.Place != Login && tunnel,
			"unverified, on the login page, with a credential": r.State != Verified && r.Place == Entry && !r.Plain,
			"on the login page, owing a factor":                (r.State == Pending || r.State == Enrolling) && r.Place == Entry && r.PageLoad,
		}
		for how, holds := range never {
			if holds && reaches {
				t.Errorf("%+v reached the app %s, by %v", r, how, action)
			}
		}
		switch action {
		case ForwardVerified:
			if r.State != Verified || r.Place == Login {
				t.Errorf("%+v reached the app as verified", r)
			}
		case ForwardStranger:
			if r.State == Verified || !r.Plain || r.Place != Public && r.Place != Entry {
				t.Errorf("%+v reached the app as a stranger's", r)
			}
		case ForwardSuspect:
			if r.State == Verified || r.Plain || r.Place != Public {
				t.Errorf("%+v reached the app as one that may sign in", r)
			}
		case ForwardPreflight:
			if r.Place != Preflight || r.Method != "OPTIONS" || tunnel {
				t.Errorf("%+v reached the app as a preflight", r)
			}
		case ForwardLogin:
			if r.Place != Login {
				t.Errorf("%+v reached the app as a login", r)
			}
		}
	})
	for action := range allActions {
		if seen[action] == 0 {
			t.Errorf("%v is never decided", action)
		}
	}
}

// TestP1_AskedForWhatIsOwed: a request that does not reach the app is answered by what the session owes, or refused for
// a reason that holds.
func TestP1_AskedForWhatIsOwed(t *testing.T) {
	owed := map[State]Action{Anonymous: AskLogin, Pending: AskFactor, Enrolling: AskEnrolment, State(9): AskLogin}
	everyRequest(func(r Request) {
		switch action := Decide(r); action {
		case AskLogin, AskFactor, AskEnrolment:
			if want, unverified := owed[r.State]; !unverified || action != want || r.Place == Own || r.Place == Login || r.Place == Shut {
				t.Errorf("%+v: %v", r, action)
			}
		case RefuseMethod:
			if r.Method != "TRACE" && r.Method != "TRACK" && r.Method != "CONNECT" && !(r.Place == Login && r.ExtendedConnect) &&
				!(r.Unwanted && r.Place != Own) && r.Place != Preflight {
				t.Errorf("%+v: %v", r, action)
			}
		case RefusePlace:
			if r.Place != Shut {
				t.Errorf("%+v: %v", r, action)
			}
		case RefuseForeign:
			if !r.Foreign || r.Place != Login && !(r.State == Verified && (r.Upgrade || r.ExtendedConnect)) {
				t.Errorf("%+v: %v", r, action)
			}
		case ServeOwn:
			if r.Place != Own {
				t.Errorf("%+v: %v", r, action)
			}
		default:
			// One more thing against the request never makes the answer less strict.
			worse := r
			worse.Plain = false
			if Decide(worse) == ForwardStranger {
				t.Errorf("%+v: as a stranger's, and is not plain", worse)
			}
		}
	})
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
		{"own page from elsewhere, which it sees to itself", Request{Place: Own, Method: "POST", Foreign: true}, ServeOwn},
		{"login page", Request{Place: Entry, Method: "GET", Plain: true, PageLoad: true}, ForwardStranger},
		{"login page from a link elsewhere", Request{Place: Entry, Method: "GET", Plain: true, PageLoad: true, Foreign: true}, ForwardStranger},
		{"login page with a password in its query", Request{Place: Entry, Method: "GET", PageLoad: true}, AskLogin},
		{"login page, factor owed", Request{State: Pending, Place: Entry, Method: "GET", Plain: true, PageLoad: true}, AskFactor},
		{"login page, set-up owed", Request{State: Enrolling, Place: Entry, Method: "GET", Plain: true, PageLoad: true}, AskEnrolment},
		{"login page's own script, factor owed", Request{State: Pending, Place: Entry, Method: "GET", Plain: true}, ForwardStranger},
		{"login page with a body, factor owed", Request{State: Pending, Place: Entry, Method: "GET"}, AskFactor},
		{"login page, verified", Request{State: Verified, Place: Entry, Method: "GET", PageLoad: true}, ForwardVerified},
		{"public", Request{Place: Public, Method: "GET", Plain: true}, ForwardStranger},
		{"public, pending", Request{State: Pending, Place: Public, Method: "GET", Plain: true, PageLoad: true}, ForwardStranger},
		{"public, that may sign in", Request{Place: Public, Method: "POST"}, ForwardSuspect},
		{"public, that may sign in, pending", Request{State: Pending, Place: Public, Method: "POST"}, ForwardSuspect},
		{"public, embedded elsewhere", Request{Place: Public, Method: "GET", Plain: true, Foreign: true}, ForwardStranger},
		{"login from elsewhere", Request{Place: Login, Method: "POST", Foreign: true}, RefuseForeign},
		{"login from elsewhere, verified", Request{State: Verified, Place: Login, Method: "POST", Foreign: true}, RefuseForeign},
		{"pending signs in again", Request{State: Pending, Place: Login, Method: "POST"}, ForwardLogin},
		{"login with an upgrade, which is left out", Request{Place: Login, Method: "POST", Upgrade: true}, ForwardLogin},
		{"login as an h2 WebSocket", Request{Place: Login, Method: "CONNECT", ExtendedConnect: true}, RefuseMethod},
		{"verified WebSocket from elsewhere", Request{State: Verified, Method: "GET", Upgrade: true, Foreign: true}, RefuseForeign},
		{"verified h2 WebSocket from elsewhere", Request{State: Verified, Method: "CONNECT", ExtendedConnect: true, Foreign: true}, RefuseForeign},
		{"verified, from elsewhere", Request{State: Verified, Method: "POST", Foreign: true}, ForwardVerified},
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
	words := map[string]bool{}
	for action := range allActions {
		words[action.String()] = true
	}
	if len(words) != len(allActions) {
		t.Errorf("%d words for %d actions: %v", len(words), len(allActions), words)
	}
	if State(4).Known() || State(4).String() != "state(4)" {
		t.Error("an unknown state must be seen as one")
	}
	if Place(99).String() != "shut" || Protected.String() != "protected" || ForwardVerified.String() != "forward verified" {
		t.Error("words")
	}
}
