package custody

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/site"
)

// twoKinds has two kinds of account in one session, which it raises in place. Each kind has a login and a who-am-I of
// its own. /portal is a further sign-in of the second kind, and /desk one of the first; no login describes either.
func twoKinds(v *visit) bool {
	path := v.r.URL.Path
	switch {
	case path == "/admin/me":
		v.me("admin")
	case v.r.Method == http.MethodPost && (path == "/admin/login" || path == "/portal" || path == "/login" || path == "/desk"):
		kind := "admin"
		if path == "/login" || path == "/desk" {
			kind = realm
		}
		if name, right := v.checked(); right {
			v.raise(kind, name)
			http.Redirect(v.w, v.r, "/", http.StatusSeeOther)
			return true
		}
		http.Redirect(v.w, v.r, path, http.StatusSeeOther)
	case path == "/login" || path == "/admin/login":
		if v.user() == "" && v.userOf("admin") == "" {
			v.begin()
		}
		v.page()
	case strings.HasPrefix(path, "/admin/"):
		if v.userOf("admin") == "" {
			http.Redirect(v.w, v.r, "/admin/login", http.StatusSeeOther)
			return true
		}
		v.page()
	default:
		return false
	}
	return true
}

const bothLogins = form + "\t\tlogin /admin/login {\n\t\t\tusername form username\n\t\t}\n"

// TestP5_TwoKindsOfAccount: an app has users and administrators in one session. The attacker signs in as alice at one
// login, of whose kind the identity address knows nothing ("nobody"), and then as carol at the other with the same
// cookies. She was verified as carol, with alice's administration. Now the cookies that went out with one login go with
// no other. If the app is asked about both kinds, alice is asked for her factor.
func TestP5_TwoKindsOfAccount(t *testing.T) {
	t.Parallel()
	for name, lines := range map[string]string{
		"one asked": bothLogins + asks, "both asked": bothLogins + asks + "\t\tidentity /admin/me json /name\n",
		"one described": form + asks, "one described, both asked": form + asks + "\t\tidentity /admin/me json /name\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t, common+lines, site.Options{}, twoKinds)
			factor := h.enrol(t, "alice")

			direct := h.direct(t)
			direct.Get("/login")
			direct.Post("/admin/login", url.Values{"username": {"alice"}, "password": {"alice-pw"}})
			logIn(direct, "carol")
			if me := direct.Get("/me"); me.Text != `{"name":"carol"}` {
				t.Fatalf("the app itself: %s", me.Text)
			}
			h.control(t, name, direct)

			for _, login := range []string{"/admin/login", "/portal"} {
				for _, first := range []string{"/login", "/admin/login", ""} {
					what := login + " after " + first
					c := h.Client(t)
					if first != "" {
						c.Get(first)
					}
					got := c.Do("POST", login, formHeader(), credentials("alice"))
					wantsNothingIn(t, what, got)
					if described, both := strings.Contains(lines, login), strings.Contains(lines, "/admin/me"); described && both {
						wantsState(t, c, "pending", "alice")
					} else {
						wantsState(t, c, "anonymous", "")
					}
					h.wantsNothing(t, what, c)
					logIn(c, "carol")
					wantsState(t, c, "verified", "carol")
					if got := c.Get("/account"); !strings.Contains(got.Text, secretOf("carol")) {
						t.Errorf("%s: carol does not see her own: %d", what, got.StatusCode)
					}
					h.wantsNothing(t, what+", then carol", c)
				}
			}
			h.stillHonest(t, factor)
		})
	}
}

// TestP5_SecondKindInAVerifiedSession: carol is verified, and signs in as alice at the other login, or at an
// undescribed one, which raises carol's own session without a cookie. Her session is then two users', and ends.
func TestP5_SecondKindInAVerifiedSession(t *testing.T) {
	t.Parallel()
	h := open(t, common+bothLogins+asks+"\t\tidentity /admin/me json /name\n", site.Options{}, twoKinds)
	factor := h.enrol(t, "alice")
	mallory := h.enrol(t, "mallory")
	for login, first := range map[string]string{"/admin/login": "/login", "/portal": "/login", "/desk": "/admin/login"} {
		direct := h.direct(t)
		direct.Get("/login")
		direct.Do("POST", first, formHeader(), credentials("mallory"))
		direct.Do("POST", login, formHeader(), credentials("alice"))
		if got := direct.Get("/login"); !strings.Contains(got.Text, secretOf("alice")) || !strings.Contains(got.Text, secretOf("mallory")) {
			t.Fatalf("%s: the app itself: %s", login, got.Text)
		}

		c := h.Client(t)
		c.Get("/login")
		c.Do("POST", first, formHeader(), credentials("mallory"))
		c.Pass(mallory).Wants(t, http.StatusSeeOther, "")
		wantsState(t, c, "verified", "mallory")
		h.taken()
		token := c.Token()
		wantsNothingIn(t, login, c.Do("POST", login, formHeader(), credentials("alice")))
		if state, user := stateOf(t, c); state == "verified" {
			t.Errorf("%s: the session is verified as %s", login, user)
		}
		h.wantsNothing(t, login, c)
		if c.Token() != "" && strings.Contains(c.Status(), `"pending"`) {
			c.Pass(mallory).Wants(t, http.StatusUnprocessableEntity, "")
			h.wantsNothing(t, login+", and mallory's code", c)
		}
		old := h.Client(t)
		old.SetCookie("sallyport", token)
		wantsState(t, old, "anonymous", "")
		h.wantsNothing(t, login+", the old token", old)
	}
	h.stillHonest(t, factor)
}

// twoPaths keeps a second cookie for the paths below /api, and judges those pages by that cookie alone. /api/login
// gives it out, under a name of its own or under the very name of the other cookie.
func twoPaths(name string) func(v *visit) bool {
	return func(v *visit) bool {
		second := ""
		for _, cookie := range v.r.Cookies() {
			if cookie.Name == name {
				second = cookie.Value
				break // the cookie with the longer path comes first
			}
		}
		api := &visit{office: v.office, w: v.w, r: v.r, id: second, fields: v.fields}
		switch path := v.r.URL.Path; {
		case path == "/api/login" && v.r.Method == http.MethodPost:
			who, right := v.checked()
			if !right {
				http.Error(v.w, "no", http.StatusUnauthorized)
				return true
			}
			api.id = v.newSession()
			api.raise("api", who)
			http.SetCookie(v.w, &http.Cookie{Name: name, Value: api.id, Path: "/api" + v.fields.Get("below"), HttpOnly: true})
			http.Redirect(v.w, v.r, "/", http.StatusSeeOther)
		case path == "/api/me":
			api.me("api")
		case path == "/me" && v.user() == "":
			api.me("api")
		case strings.HasPrefix(path, "/api/"):
			if who := api.userOf("api"); who == "alice" {
				v.mutex.Lock()
				v.log = append(v.log, seen{method: v.r.Method, uri: v.r.RequestURI, before: []string{"alice"}})
				v.mutex.Unlock()
			}
			api.page()
		default:
			return false
		}
		return true
	}
}

// TestP5_CookieOfAnotherPath: a cookie for /api only was never part of the question, and went with each request below
// /api. The attacker signs in as alice where the app gives that cookie out: as a stranger at a public path and at a
// described login, and within her own verified session. Now the app is asked about all cookies of a session, and each
// name has one value.
func TestP5_CookieOfAnotherPath(t *testing.T) {
	t.Parallel()
	for name, lines := range map[string]string{
		"public":              form + asks + "\t\tpublic GET POST /api/*\n",
		"described":           form + "\t\tlogin /api/login {\n\t\t\tusername form username\n\t\t}\n" + asks + "\t\tpublic /api/*\n",
		"described, asked":    form + "\t\tlogin /api/login {\n\t\t\tusername form username\n\t\t}\n" + asks + "\t\tidentity /api/me json /name\n\t\tpublic /api/*\n",
		"public, asked":       form + asks + "\t\tidentity /api/me json /name\n\t\tpublic GET POST /api/*\n",
		"in a session, asked": form + asks + "\t\tidentity /api/me json /name\n",
	} {
		for _, cookie := range []string{sid, "apisid"} {
			t.Run(name+", "+cookie, func(t *testing.T) {
				t.Parallel()
				h := open(t, common+lines, site.Options{}, twoPaths(cookie))
				factor := h.enrol(t, "alice")
				mallory := h.enrol(t, "mallory")

				direct := h.direct(t)
				logIn(direct, "mallory")
				got := direct.Do("POST", "/api/login", formHeader(), credentials("alice"))
				direct.Header = http.Header{"Cookie": {cookie + "=" + got.Cookies()[0].Value}}
				h.control(t, "the app itself", direct)

				if name != "in a session, asked" {
					for _, begun := range []bool{false, true} {
						c := h.Client(t)
						if begun {
							c.Get("/login")
						}
						got := c.Do("POST", "/api/login", formHeader(), credentials("alice"))
						if wantsNothingIn(t, "a stranger", got); !asksFactor(got) {
							t.Errorf("a stranger: %d to %q", got.StatusCode, got.Location())
						}
						wantsState(t, c, "pending", "alice")
						h.wantsNothing(t, "a stranger", c)
					}
				}
				if !strings.Contains(name, "asked") && cookie != sid {
					// Where the one address knows of one cookie only, the operator must name the other address too.
					return
				}
				c := h.signedIn(t, "mallory", mallory)
				wantsNothingIn(t, "mallory", c.Do("POST", "/api/login", formHeader(), credentials("alice")))
				if state, user := stateOf(t, c); state == "verified" {
					t.Errorf("mallory's session is verified as %s", user)
				}
				h.wantsNothing(t, "mallory", c)
				if strings.Contains(c.Status(), `"pending"`) {
					c.Pass(mallory).Wants(t, http.StatusUnprocessableEntity, "")
					h.wantsNothing(t, "mallory, with her code", c)
				}
				if name == "in a session, asked" {
					// First one of her own, with a longer path: of several cookies with one name, apps take the one
					// that comes first.
					c = h.signedIn(t, "carol", nil)
					c.Do("POST", "/api/login?below=/much/further", formHeader(), credentials("carol"))
					wantsState(t, c, "verified", "carol")
					h.taken()
					wantsNothingIn(t, "further down", c.Do("POST", "/api/login", formHeader(), credentials("alice")))
					h.wantsNothing(t, "further down", c)
				}
				h.stillHonest(t, factor)
			})
		}
	}
}
