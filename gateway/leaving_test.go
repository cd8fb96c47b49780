package gateway

import (
	"fmt"
	"net/http"
	"testing"

	"sallyport.example/sallyport/login"
)

// TestP8_SignOutThatTheAppRefuses: a sign-out counts where the app has done it. One that the app refuses, for want of
// a token in its form, leaves the user signed in there, and so here; the page of a refusal is the app's.
func TestP8_SignOutThatTheAppRefuses(t *testing.T) {
	for _, status := range []int{http.StatusForbidden, http.StatusInternalServerError, http.StatusOK, http.StatusFound} {
		b := newAnswering(t, func(*login.Block) {})
		s := b.s
		s.serve(func(w http.ResponseWriter, r *http.Request) error {
			if r.URL.Path == "/logout" {
				w.WriteHeader(status)
				fmt.Fprint(w, "the app's word")
				return nil
			}
			answering(w, r)
			return nil
		})
		b.do("POST", "/login", asForm, "u=bob&p=pw-bob").wants(t, http.StatusOK, "")
		if got := b.do("POST", "/logout", asForm, ""); got.StatusCode != status || got.body != "the app's word" {
			t.Errorf("%d: %d %s", status, got.StatusCode, got.body)
		}
		if status < http.StatusBadRequest {
			b.wantsState("anonymous", "")
		} else {
			b.wantsState("verified", "bob")
		}
	}
}

// TestP8_AnotherSitesSignOutThatTheAppObeys: another site's page signs the user out of an app that lets it. No cookie
// changes by that; ours ends with the app's session all the same, and not at some later time.
func TestP8_AnotherSitesSignOutThatTheAppObeys(t *testing.T) {
	for _, obeys := range []bool{false, true} {
		app := new(raisingApp)
		s := newRaising(t, func(c *Config) { c.Renews = true })
		s.serve(func(w http.ResponseWriter, r *http.Request) error {
			if r.URL.Path != "/logout" {
				app.ServeHTTP(w, r)
				return nil
			}
			app.mutex.Lock()
			defer app.mutex.Unlock()
			if obeys {
				app.raise(sid(r), "")
			}
			return nil
		})
		carol := s.carol(t)
		carol.send("GET", "/logout", "", http.Header{"Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Mode": {"navigate"}})
		if obeys {
			carol.wantsState("anonymous", "")
		} else {
			carol.wantsState("verified", "carol")
		}
	}
}
