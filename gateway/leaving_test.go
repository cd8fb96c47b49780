package gateway

import (
	"fmt"
	"net/http"
	"testing"

	"sallyport.example/sallyport/login"
)

// TestP8_SignOutThatTheAppRefuses: a sign-out counts only if the app has done it. If the app refuses it, because a
// token is missing in its form, the user stays signed in there, and so she does here. The page of the refusal is the
// app's.
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

// TestP8_AnotherSitesSignOutThatTheAppObeys: another site's page signs the user out of an app that obeys it. No cookie
// changes by that. Our session ends with the app's all the same, and not only at some later time.
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
