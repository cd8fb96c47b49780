package gateway

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/factor"
)

// TestP8_AppEndsItsSessionInOtherWords: the app has ended the session, and says so in another way than to strangers,
// who are led to a page. That ends our session. At a sign-in such an answer does not mean "nobody"; if it did not here
// either, the user could neither go on nor start again.
func TestP8_AppEndsItsSessionInOtherWords(t *testing.T) {
	for _, status := range []int{http.StatusOK, http.StatusUnauthorized, http.StatusForbidden, http.StatusGone, http.StatusFound} {
		app, ended := new(raisingApp), false
		s := newRaising(t, nil)
		s.serve(func(w http.ResponseWriter, r *http.Request) error {
			app.mutex.Lock()
			who := app.users[sid(r)]
			app.mutex.Unlock()
			switch {
			case r.URL.Path != "/me" || who != "" && !ended:
				app.ServeHTTP(w, r)
			case sid(r) == "":
				w.Header().Set("Location", "/signed-out")
				w.WriteHeader(http.StatusFound)
			default:
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(status)
				fmt.Fprint(w, `{}`)
			}
			return nil
		})
		carol := s.carol(t)
		if got := carol.get("/x"); got.body != "secrets of carol" {
			t.Fatalf("the control: %d %s", got.StatusCode, got.body)
		}
		ended = true
		s.clock.Advance(2 * time.Minute)
		if got := carol.get("/x"); strings.Contains(got.body, "carol") || got.Header.Get("Location") != "/login" {
			t.Errorf("%d: %d to %q %s", status, got.StatusCode, got.Header.Get("Location"), got.body)
		}
		carol.wantsState("anonymous", "")
		ended = false
		carol.do("POST", "/login", asForm, "u=carol&p=pw-carol").wants(t, http.StatusOK, "")
		carol.wantsState("verified", "carol")
	}
}

// TestP1_NobodyByItsStatus: after a wrong password the app says that nobody is signed in, by 401 or by naming nobody,
// also in an app that leads strangers to a page. The page of the failed login is shown.
func TestP1_NobodyByItsStatus(t *testing.T) {
	for status, want := range map[int]int{http.StatusOK: http.StatusForbidden, http.StatusUnauthorized: http.StatusForbidden, http.StatusForbidden: http.StatusBadGateway} {
		app := new(raisingApp)
		s := newRaising(t, nil)
		s.serve(func(w http.ResponseWriter, r *http.Request) error {
			switch {
			case r.URL.Path == "/me" && sid(r) == "":
				w.Header().Set("Location", "/signed-out")
				w.WriteHeader(http.StatusFound)
			case r.URL.Path == "/me":
				w.WriteHeader(status)
				fmt.Fprint(w, `{}`)
			default:
				app.ServeHTTP(w, r)
			}
			return nil
		})
		b := s.browser()
		b.get("/login")
		if got := b.do("POST", "/login", asForm, "u=alice&p=guess"); got.StatusCode != want {
			t.Errorf("%d: %d %s", status, got.StatusCode, got.body)
		}
	}
}

// TestTrustedIsToldAsItsFactor: for a session that a trusted browser has made verified, the app is told the factor by
// which the trust was given, and not `none`.
func TestTrustedIsToldAsItsFactor(t *testing.T) {
	s, _, b := trustingOver(t, factor.NewMemoryStore())
	b.signIn("bob", demo.BobPassword).wants(t, http.StatusSeeOther, "/")
	told := ""
	s.serve(func(w http.ResponseWriter, r *http.Request) error {
		if r.URL.Path == "/files" {
			told = r.Header.Get("X-Second-Factor")
		}
		s.app.ServeHTTP(w, r)
		return nil
	})
	if got := b.get("/files"); got.StatusCode != http.StatusOK || told != "totp" {
		t.Errorf("%d, and the app hears %q", got.StatusCode, told)
	}
}
