package custody

import (
	"net/http"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/site"
)

// leaving signs out at /logout, and at /desk?do=logout. A user who sends a name and password along is signed in first,
// as lax does it.
func leaving(raises bool) func(v *visit) bool {
	return func(v *visit) bool {
		// Of two values for one field the last one counts, as in PHP.
		leaves := v.r.URL.Path == "/logout"
		if all := v.fields["do"]; v.r.URL.Path == "/desk" && len(all) > 0 {
			leaves = all[len(all)-1] == "logout"
		}
		if v.fields.Has("username") || !leaves {
			return lax(true, raises)(v)
		}
		v.begin() // a session in which nobody is signed in, as many apps begin one
		http.Redirect(v.w, v.r, "/login", http.StatusSeeOther)
		return true
	}
}

// TestP5_SignInAtTheLogout: at the address of the sign-out the app takes a name and password as anywhere. Mallory,
// verified with a factor of her own, posts alice's there. Nobody judged the answer, alice's page with her token,
// because the session ended in any case. Now the app is asked after a sign-out as well, and another user's page is not
// shown at the end.
func TestP5_SignInAtTheLogout(t *testing.T) {
	t.Parallel()
	const exits = "\t\tlogout /logout /desk?do=logout\n"
	for name, test := range map[string]struct {
		lines  string
		raises bool
	}{
		"asked":         {form + asks + exits, false},
		"asked, raised": {form + asks + exits, true},
		"asked, renews": {form + asks + exits + "\t\trenews\n", false},
		"typed":         {typed + exits, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t, common+test.lines, site.Options{}, leaving(test.raises))
			factor := h.enrol(t, "alice")
			mallory := h.enrol(t, "mallory")
			for _, request := range []string{
				"POST /logout", "PUT /logout", "POST /desk?do=logout", "POST /desk?do=logout&do=show", "GET /logout?" + credentials("alice"),
				"GET /desk?do=logout&do=show&" + credentials("alice"),
			} {
				method, path, _ := strings.Cut(request, " ")
				body := ""
				if method != "GET" {
					body = credentials("alice")
				}
				direct := h.direct(t)
				logIn(direct, "mallory")
				if got := direct.Do(method, path, formHeader(), body); !strings.Contains(got.Text, secretOf("alice")) {
					t.Fatalf("%s: the app itself: %d %s", request, got.StatusCode, got.Text)
				}
				h.control(t, request, direct)

				c := h.signedIn(t, "mallory", mallory)
				token := c.Token()
				got := c.Do(method, path, formHeader(), body)
				if wantsNothingIn(t, request, got); strings.Contains(got.Text, "bearer-of-alice") {
					t.Errorf("%s: alice's token came out", request)
				}
				if state, user := stateOf(t, c); state == "verified" {
					t.Errorf("%s: verified as %s", request, user)
				}
				h.taken()
				h.wantsNothing(t, request, c)
				old := h.Client(t)
				old.SetCookie("sallyport", token)
				h.wantsNothing(t, request+", the old token", old)
			}
			// A user who signs out honestly is out, and sees the app's answer.
			for _, path := range []string{"/logout", "/desk?do=logout"} {
				for _, method := range []string{"GET", "POST"} {
					c := h.signedIn(t, "mallory", mallory)
					c.Do(method, path, formHeader(), "").Wants(t, http.StatusSeeOther, "/login")
					wantsState(t, c, "anonymous", "")
				}
			}
			h.stillHonest(t, factor)
		})
	}
}
