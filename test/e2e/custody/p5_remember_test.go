package custody

import (
	"net/http"
	"testing"

	"sallyport.example/sallyport/test/site"
)

// remembering gives out, at a public address, a cookie by which it signs in a client that opens the login page. The
// identity address knows sessions only.
func remembering(v *visit) bool {
	who := ""
	if cookie, err := v.r.Cookie("remember"); err == nil {
		who = cookie.Value
	}
	switch {
	case v.r.URL.Path == "/static/enter" && v.r.Method == http.MethodPost:
		if name, right := v.checked(); right {
			http.SetCookie(v.w, &http.Cookie{Name: "remember", Value: name, Path: "/", HttpOnly: true})
		}
		return true
	case v.r.URL.Path == "/login" && v.r.Method == http.MethodGet && v.user() == "":
		if v.begin(); who != "" {
			v.raise(realm, who)
		}
		v.page()
		return true
	}
	return false
}

// TestP5_RememberedAtTheLoginPage: the app remembers users by a cookie that its identity address knows nothing of, and
// signs in by it a client that opens the login page. The attacker gets one at a public address with alice's password
// ("nobody" to the question) and opens the page. The app is not asked after a bare look at it, so the page was alice's,
// and then the public pages too. Now the app is asked if cookies went along and the answer changes them. The control:
// the same at the app itself, and the login page without any cookies is open to all.
func TestP5_RememberedAtTheLoginPage(t *testing.T) {
	t.Parallel()
	h := open(t, common+"\t\tpublic POST /static/enter\n"+form+asks, site.Options{}, remembering)
	factor := h.enrol(t, "alice")
	direct := h.direct(t)
	direct.Do("POST", "/static/enter", formHeader(), credentials("alice"))
	direct.Get("/login")
	h.control(t, "remembered", direct)
	c := h.Client(t)
	c.Get("/login")
	c.Do("POST", "/static/enter", formHeader(), credentials("alice"))
	wantsState(t, c, "anonymous", "")
	h.taken()
	c2 := h.Client(t)
	c2.Do("POST", "/static/enter", formHeader(), credentials("alice"))
	wantsNothingIn(t, "the login page", c2.Get("/login"))
	h.wantsNothing(t, "remembered", c2)
	h.wantsNothing(t, "remembered, after the page", c)
	h.stillHonest(t, factor)
}
