package signin

import (
	"net/http"
	"slices"
	"testing"
)

// TestForStrangers: strangers get the standard headers of an answer, and the app's own if these are no credentials.
func TestForStrangers(t *testing.T) {
	h := http.Header{}
	kept := []string{"Content-Type", "X-Csrf-Token", "Hx-Redirect", "Www-Authenticate", "Access-Control-Allow-Origin", "X-Icinga-Container"}
	gone := []string{"Authorization", "Set-Cookie", "Refresh", "Uid", "Access-Token", "X-Auth-Token", "Sid"}
	for _, name := range slices.Concat(kept, gone) {
		h.Set(name, "x")
	}
	forStrangers(h)
	for _, name := range kept {
		if h.Get(name) == "" {
			t.Errorf("%s is missing", name)
		}
	}
	for _, name := range gone {
		if h.Get(name) != "" {
			t.Errorf("%s is there", name)
		}
	}
}
