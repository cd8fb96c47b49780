package gate

import "testing"

// TestP1_OnlyTheMethodsOfTheApp: the gateway could not judge what an app makes of a method that it does not take as
// HTTP. So such a request goes to no app, from nobody, whatever it asks for. The gateway's own pages are not concerned,
// since the app does not see those requests. The control is the same request by a method that the app takes.
func TestP1_OnlyTheMethodsOfTheApp(t *testing.T) {
	everyRequest(func(r Request) {
		r.Unwanted = false
		taken := Decide(r)
		r.Unwanted = true
		switch action := Decide(r); {
		case action == RefuseMethod && (r.Place != Own || taken == RefuseMethod):
		case action == ServeOwn && r.Place == Own && taken == ServeOwn:
		default:
			t.Errorf("%+v: %v, and by another method %v", r, action, taken)
		}
	})
}

func TestTakes(t *testing.T) {
	all, err := NewPolicy(Rules{Base: "/second-factor"})
	if err != nil {
		t.Fatal(err)
	}
	some, err := NewPolicy(Rules{Base: "/second-factor", Methods: []string{"GET", "POST"}})
	if err != nil {
		t.Fatal(err)
	}
	for method, want := range map[string]bool{
		"GET": true, "POST": true, "HEAD": false, "PUT": false, "get": false, "Post": false, "GET ": false, "": false, "GETX": false, "FOO": false,
	} {
		if got := some.Takes(method); got != want || !all.Takes(method) {
			t.Errorf("%q: %t, want %t; without the word %t", method, got, want, all.Takes(method))
		}
	}
	if got := some.Allow(); got != "GET, POST" {
		t.Errorf("Allow: %s", got)
	}
	for _, method := range []string{"", "get", "Post", "GET,POST", "GE T", "/x", "TRACE", "TRACK", "CONNECT", "GET\r\n"} {
		if _, err := NewPolicy(Rules{Base: "/second-factor", Methods: []string{"GET", method}}); err == nil {
			t.Errorf("%q is a method", method)
		}
	}
}
