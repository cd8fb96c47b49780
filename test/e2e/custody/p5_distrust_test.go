package custody

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/site"
)

// flooding fills custody at /static/flood and /flood. The plain login begins another session. Every other sign-in
// raises the existing session, and gives out a cookie too large for the remaining room.
func flooding(v *visit) bool {
	switch path := v.r.URL.Path; {
	case strings.HasSuffix(path, "/flood"):
		for i := range 14 {
			http.SetCookie(v.w, &http.Cookie{Name: fmt.Sprintf("junk%d", i), Value: padded(2000), Path: "/", HttpOnly: true})
		}
		v.page()
	case v.r.Method == http.MethodPost && (path == "/portal" || path == "/static/enter" || path == "/login"):
		name, right := v.checked()
		if !right {
			return false
		}
		if path == "/login" && !v.fields.Has("large") {
			v.signIn(name) // as most apps do: this does not show that the session is raised elsewhere
		} else {
			v.raise(realm, name)
			http.SetCookie(v.w, &http.Cookie{Name: "remember", Value: padded(3900), Path: "/", HttpOnly: true})
		}
		http.Redirect(v.w, v.r, "/", http.StatusSeeOther)
	case path == "/login":
		if v.user() == "" {
			v.begin()
		}
		v.page()
	default:
		return false
	}
	return true
}

// TestP5_CustodyIsFull: the attacker makes the app fill custody, and then signs in as alice. The app raises the session
// and sets a cookie that does not fit. Nobody was asked whose the session is, because nothing had changed. Now a cookie
// that does not fit counts as unseen, and so as a change.
func TestP5_CustodyIsFull(t *testing.T) {
	t.Parallel()
	h := open(t, common+"\t\tpublic POST /static/enter?*\n"+form+asks, site.Options{}, flooding)
	factor := h.enrol(t, "alice")
	for _, path := range []string{"/portal", "/static/enter", "/login?large=1", "/login"} {
		direct := h.direct(t)
		direct.Get("/login")
		direct.Do("POST", path, formHeader(), credentials("alice"))
		h.control(t, path, direct)

		c := h.Client(t)
		c.Get("/login")
		c.Get("/static/flood").Wants(t, http.StatusOK, "")
		token := c.Token()
		got := c.Do("POST", path, formHeader(), credentials("alice"))
		wantsNothingIn(t, "a stranger at "+path, got)
		h.wantsNothing(t, "a stranger at "+path, c)
		old := h.Client(t)
		old.SetCookie("sallyport", token)
		h.wantsNothing(t, "a stranger's old token at "+path, old)

		c = h.Client(t)
		c.Get("/login")
		c.Do("POST", "/login", formHeader(), credentials("carol"))
		wantsState(t, c, "verified", "carol")
		c.Get("/flood").Wants(t, http.StatusOK, "")
		wantsState(t, c, "verified", "carol")
		token = c.Token()
		h.taken()
		wantsNothingIn(t, "carol at "+path, c.Do("POST", path, formHeader(), credentials("alice")))
		h.wantsNothing(t, "carol at "+path, c)
		old = h.Client(t)
		old.SetCookie("sallyport", token)
		h.wantsNothing(t, "carol's old token at "+path, old)
	}
	h.stillHonest(t, factor)
}

// portal is a sign-in that no login describes. The request chooses how it answers.
func portal(v *visit) bool {
	if v.r.URL.Path != "/portal" {
		return false
	}
	name, right := v.checked()
	if !right {
		return false
	}
	v.signIn(name)
	switch to := v.fields.Get("to"); to {
	case "":
		v.page()
	case "401":
		v.w.WriteHeader(http.StatusUnauthorized)
	default:
		http.Redirect(v.w, v.r, to, http.StatusSeeOther)
	}
	return true
}

// TestP5_DistrustedSessionEnds: the app cannot be asked. mallory, with a factor of her own, signs in as alice at an
// address that no login describes, and the session's cookie changes. The session became pending with the app's cookies
// in it, old or new, and mallory's own code opened alice's account. If the answer led to the login page, the new cookie
// stayed, as a stranger's. Now the session ends, and nothing of it is left.
func TestP5_DistrustedSessionEnds(t *testing.T) {
	t.Parallel()
	h := open(t, common+typed, site.Options{}, portal)
	factor := h.enrol(t, "alice")
	mallory := h.enrol(t, "mallory")
	for _, path := range []string{"/portal", "/portal?to=/", "/portal?to=/login", "/portal?to=/static/x", "/portal?to=401"} {
		direct := h.direct(t)
		logIn(direct, "mallory")
		direct.Do("POST", path, formHeader(), credentials("alice"))
		h.control(t, path, direct)

		c := h.signedIn(t, "mallory", mallory)
		token := c.Token()
		wantsNothingIn(t, path, c.Do("POST", path, formHeader(), credentials("alice")))
		wantsState(t, c, "anonymous", "")
		h.wantsNothing(t, path, c)
		old := h.Client(t)
		old.SetCookie("sallyport", token)
		wantsState(t, old, "anonymous", "")

		// She signs in as herself again, with what is left, and proves her own factor.
		logIn(c, "mallory")
		wantsState(t, c, "pending", "mallory")
		h.wantsNothing(t, path+", then mallory", c)
		c.Pass(mallory).Wants(t, http.StatusSeeOther, "")
		if got := c.Get("/account"); !strings.Contains(got.Text, secretOf("mallory")) {
			t.Errorf("%s: mallory does not see her own: %d", path, got.StatusCode)
		}
		h.wantsNothing(t, path+", then mallory with her code", c)
	}
	h.stillHonest(t, factor)
}

// TestP5_ADistrustedPathOfStrangers: the same sign-in on a public path, by a stranger and by a user who owes a factor.
// Nobody can be asked, so what it sets is not kept.
func TestP5_ADistrustedPathOfStrangers(t *testing.T) {
	t.Parallel()
	h := open(t, common+"\t\tpublic POST /portal\n"+typed, site.Options{}, portal)
	factor := h.enrol(t, "alice")
	mallory := h.enrol(t, "mallory")
	for _, path := range []string{"/portal?to=/login", "/portal?to=/", "/portal?to=401"} {
		direct := h.direct(t)
		direct.Do("POST", path, formHeader(), credentials("alice"))
		h.control(t, path, direct)

		c := h.Client(t)
		c.Get("/login")
		wantsNothingIn(t, path, c.Do("POST", path, formHeader(), credentials("alice")))
		wantsState(t, c, "anonymous", "")
		h.wantsNothing(t, path, c)

		logIn(c, "mallory")
		wantsNothingIn(t, path+", owing a factor", c.Do("POST", path, formHeader(), credentials("alice")))
		wantsState(t, c, "pending", "mallory")
		h.wantsNothing(t, path+", owing a factor", c)
		c.Pass(mallory).Wants(t, http.StatusSeeOther, "")
		h.wantsNothing(t, path+", with mallory's code", c)
	}
	h.stillHonest(t, factor)
}
