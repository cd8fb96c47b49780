package portal

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"sallyport.example/sallyport/gate"
)

// TestP1_PagesAreForTheirStates: a stranger, or somebody who has only the password, opens every one of our pages. A
// page that is not meant for the state shows nothing and leads to where the user can go on. The control: each page is
// served in the states that it is meant for.
func TestP1_PagesAreForTheirStates(t *testing.T) {
	h := newHouse(t, nil)
	h.enrol()
	onTo := map[gate.State]string{
		gate.Anonymous: "/login", gate.Pending: "/second-factor/challenge", gate.Enrolling: "/second-factor/setup", gate.Verified: "/second-factor/",
	}
	for path, page := range ownPages {
		for state, location := range onTo {
			if page.get == nil {
				continue
			}
			lawful := len(page.states) == 0 || slices.Contains(page.states, state)
			w := h.visitor(state).get(path)
			sentOn := w.Code == http.StatusSeeOther && w.Header().Get("Location") == location
			switch {
			case !lawful && !sentOn:
				t.Errorf("%s, %s: %d to %q, want to %s", path, state, w.Code, w.Header().Get("Location"), location)
			case lawful && sentOn && path != "/offer" && path != "/setup" && path != "/trust" && path != "/recovery-used" && path != "/exposed":
				// These pages lead on if there is nothing to do there.
				t.Errorf("%s, %s: sent on to %s", path, state, location)
			}
		}
	}
}

// TestP1_UnknownSessionsAreStrangers: the token is made up, or its session has ended or is for another host.
func TestP1_UnknownSessionsAreStrangers(t *testing.T) {
	h := newHouse(t, nil)
	known := h.visitor(gate.Verified)
	if w := known.get("/"); w.Code != http.StatusOK {
		t.Fatalf("the control: %d", w.Code)
	}
	over := h.visitor(gate.Verified)
	if err := h.site.Config.Sessions.Destroy(t.Context(), over.token); err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]*visitor{
		"none": {h, ""}, "made up": {h, "0000000000000000000000000000000000000000000"}, "over": over,
	} {
		for _, path := range []string{"/", "/reset", "/recovery-codes", "/challenge", "/setup"} {
			w := v.get(path)
			if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/login" {
				t.Errorf("%s, %s: %d to %q", name, path, w.Code, w.Header().Get("Location"))
			}
		}
		wants(t, v.send(formOf("/disable", nil)), http.StatusSeeOther, "/login")
	}
	r := httptest.NewRequest(http.MethodGet, "http://other.example/second-factor/", nil)
	r.Header.Set("Accept", "text/html")
	wants(t, known.send(r), http.StatusSeeOther, "/login")
}

// TestMethodsAndAddresses: a method that a page does not take gets 405, which names those that it takes. An address
// that is no page gets 404 in every spelling.
func TestMethodsAndAddresses(t *testing.T) {
	h := newHouse(t, nil)
	v := h.visitor(gate.Verified)
	for path, allow := range map[string]string{"/disable": "GET, HEAD, POST", "/status": "GET, HEAD", "/later": "POST"} {
		r := httptest.NewRequest(http.MethodDelete, "/second-factor"+path, nil)
		if w := v.send(r); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != allow {
			t.Errorf("%s: %d, %q", path, w.Code, w.Header().Get("Allow"))
		}
	}
	for _, path := range []string{"/nothing", "/disable/", "//disable", "/DISABLE", "/disable;x", "/%64isable"} {
		if w := v.get(path); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}
