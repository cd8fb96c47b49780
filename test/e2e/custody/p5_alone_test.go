package custody

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/site"
)

// invited signs in by a link, with a second cookie beside the session's: at /static/join, and at /login with a ticket,
// which is no field of a login.
func invited(name string) func(v *visit) bool {
	return func(v *visit) bool {
		if cookie, err := v.r.Cookie(name); err == nil {
			v.mutex.Lock()
			if v.sessions[cookie.Value] != nil {
				v.id = cookie.Value
			}
			v.mutex.Unlock()
		}
		if who := v.user(); who == "alice" && v.r.URL.Path != "/me" && v.r.URL.Path != "/login" && v.fields.Get("ticket") == "" {
			v.mutex.Lock()
			v.log = append(v.log, seen{method: v.r.Method, uri: v.r.RequestURI, before: []string{who}})
			v.mutex.Unlock()
		}
		if who := v.fields.Get("ticket"); who != "" {
			v.id = v.newSession()
			v.raise(realm, who)
			http.SetCookie(v.w, &http.Cookie{Name: name, Value: v.id, Path: "/", HttpOnly: true})
			fmt.Fprint(v.w, "you are in")
			return true
		}
		return false
	}
}

// TestP5_TypedSessionIsTheLoginsAlone: an app that cannot be asked gives out, by a link, a second cookie that it
// believes before the session's. The attacker opens a link of alice's as a stranger, and then signs in as carol. Her
// session gets what carol's login set, and nothing that was there before. In an app that can be asked, the session is
// alice's, and her factor is asked for.
func TestP5_TypedSessionIsTheLoginsAlone(t *testing.T) {
	t.Parallel()
	for name, lines := range map[string]string{"typed": typed, "asked": form + asks} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t, common+lines, site.Options{}, invited("invitation"))
			factor := h.enrol(t, "alice")
			direct := h.direct(t)
			direct.Get("/static/join?ticket=alice")
			logIn(direct, "carol")
			h.control(t, "the link, then carol", direct)

			c := h.Client(t)
			c.Get("/static/join?ticket=alice")
			if logIn(c, "carol"); name == "typed" {
				wantsState(t, c, "verified", "carol")
				if got := c.Get("/account"); !strings.Contains(got.Text, secretOf("carol")) {
					t.Errorf("carol does not see her own: %d", got.StatusCode)
				}
			}
			h.wantsNothing(t, "the link, then carol", c)
			if name == "asked" {
				h.stillHonest(t, factor)
			}
		})
	}
}

// TestP5_TicketAtTheLogin: the app signs in by a ticket in the address of its login page. What a login's address sets
// never counts as a rotation, whatever `rotates` says. If the app can be asked, it is.
func TestP5_TicketAtTheLogin(t *testing.T) {
	t.Parallel()
	for name, lines := range map[string]string{"typed, rotates": typed + "\t\trotates " + sid + "\n", "asked": form + asks} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t, common+lines, site.Options{}, invited(sid))
			factor := h.enrol(t, "alice")
			mallory := h.enrol(t, "mallory")
			direct := h.direct(t)
			logIn(direct, "mallory")
			direct.Get("/login?ticket=alice")
			h.control(t, "the ticket", direct)
			h.taken()

			c := h.signedIn(t, "mallory", mallory)
			wantsNothingIn(t, "mallory's ticket", c.Get("/login?ticket=alice"))
			h.wantsNothing(t, "mallory's ticket", c)
			if state, _ := stateOf(t, c); state == "verified" {
				t.Error("the session is verified")
			}
			if name == "asked" {
				c = h.Client(t)
				c.Get("/login")
				c.Get("/login?ticket=alice")
				wantsState(t, c, "pending", "alice")
				h.wantsNothing(t, "a stranger's ticket", c)
				h.stillHonest(t, factor)
			}
		})
	}
}

// TestP4_GuestsAreNobody: the app gives a name to clients that are not signed in. A login that failed counted as one of
// that name: the attacker set up her own authenticator for it, and from then on everybody else was asked for it.
func TestP4_GuestsAreNobody(t *testing.T) {
	t.Parallel()
	for name, lines := range map[string]string{
		"found": form + asks, "declared": form + "\t\tidentity /me {\n\t\t\tname json /name\n\t\t\tguest nobody anonymous\n\t\t}\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t, common+lines, site.Options{}, func(v *visit) bool {
				if v.r.URL.Path == "/me" && v.user() == "" {
					fmt.Fprint(v.w, `{"name":"anonymous"}`)
					return true
				}
				if v.r.URL.Path == "/login" && v.r.Method == http.MethodGet && v.id == "" {
					v.begin() // guests have a session too
				}
				return false
			})
			factor := h.enrol(t, "alice")
			if got := h.direct(t).Get("/me"); !strings.Contains(got.Text, "anonymous") {
				t.Fatalf("the app itself: %s", got.Text)
			}
			for range 2 {
				c := h.Client(t)
				c.Get("/login")
				c.Post("/login", url.Values{"username": {"alice"}, "password": {"wrong"}})
				wantsState(t, c, "anonymous", "")
				if got := c.Get("/second-factor/setup"); got.StatusCode == http.StatusOK {
					t.Errorf("a guest sets a factor up: %s", got.Text)
				}
				h.wantsNothing(t, "a guest", c)
			}
			if warned := strings.Contains(h.Log(), "gives a name to whoever is not signed in"); warned != (name == "found") {
				t.Errorf("warned: %t", warned)
			}
			h.stillHonest(t, factor)
		})
	}
}

// TestP5_RenamedWithinASession: alice changes in her profile the name that the app answers with, and has no factor
// under the new one. Her session went on without one, and so did each later login. Now she is asked to set one up at
// once, and the log says so.
func TestP5_RenamedWithinASession(t *testing.T) {
	t.Parallel()
	h := open(t, common+form+asks+"\t\trecheck 1ms\n", site.Options{}, func(v *visit) bool {
		if v.r.URL.Path != "/rename" || v.r.Method != http.MethodPost {
			return false
		}
		v.raise(realm, v.fields.Get("to"))
		v.page()
		return true
	})
	factor := h.enrol(t, "alice")
	c := h.signedIn(t, "alice", factor)
	// An app that was not seen to renew its sessions is asked at once, any other at the next check.
	c.Post("/rename", url.Values{"to": {"alice2"}}).Wants(t, http.StatusSeeOther, "/second-factor/setup")
	c.Get("/account").Wants(t, http.StatusSeeOther, "/second-factor/setup")
	wantsState(t, c, "enrolling", "alice2")
	if log := h.Log(); !strings.Contains(log, `"user":"alice2"`) || !strings.Contains(log, `"was":"alice"`) {
		t.Error("it is not in the log, with both names")
	}
	for _, path := range []string{"/account", "/", "/api/account"} {
		if got := c.Get(path); strings.Contains(got.Text, secretOf("alice2")) {
			t.Errorf("%s goes on without a factor: %s", path, got.Text)
		}
	}
	// A user without a factor loses none by another name.
	carol := h.signedIn(t, "carol", nil)
	carol.Post("/rename", url.Values{"to": {"carol2"}})
	carol.Get("/account").Wants(t, http.StatusOK, "")
	wantsState(t, carol, "verified", "carol2")
}

// TestP5_TheBrowsersOwnCookie: the app gives browsers a cookie that scripts may read, knows its users by it, and raises
// it in place. After the password alone the attacker's browser has alice's session itself. So a login counts only if
// the app knows the user without what the browser sends. From then on no browser sends a cookie of that name.
func TestP5_TheBrowsersOwnCookie(t *testing.T) {
	t.Parallel()
	const name = "csrf_session"
	h := open(t, common+form+asks, site.Options{}, func(v *visit) bool {
		if cookie, err := v.r.Cookie(name); err == nil {
			v.id = cookie.Value
		}
		switch {
		case v.r.URL.Path == "/login" && v.r.Method == http.MethodGet:
			if v.user() == "" {
				v.id = v.newSession()
				http.SetCookie(v.w, &http.Cookie{Name: name, Value: v.id, Path: "/"})
			}
			// This gives custody something to hold too, so that there is a session at all.
			http.SetCookie(v.w, &http.Cookie{Name: "theme", Value: "dark", Path: "/", HttpOnly: true})
			v.page()
			return true
		case v.r.URL.Path == "/login":
			if who, right := v.checked(); right && v.id != "" {
				v.raise(realm, who)
				http.Redirect(v.w, v.r, "/", http.StatusSeeOther)
				return true
			}
		}
		if v.user() == "alice" && v.r.URL.Path != "/me" {
			v.mutex.Lock()
			v.log = append(v.log, seen{method: v.r.Method, uri: v.r.RequestURI, before: []string{"alice"}})
			v.mutex.Unlock()
		}
		return false
	})
	direct := h.direct(t)
	direct.Get("/login")
	logIn(direct, "alice")
	h.control(t, "the browser's own cookie", direct)

	c := h.Client(t)
	c.Get("/login")
	logIn(c, "alice").Wants(t, http.StatusBadGateway, "")
	wantsState(t, c, "anonymous", "")
	h.taken()
	h.wantsNothing(t, "the browser's own cookie", c)
}

// TestP4_TypedLoginThatSetsNothing: the app cannot be asked, and says welcome to a user who is already signed in,
// whatever name is typed. A login whose own answer sets no held cookie does not say whose the session is, and does not
// count.
func TestP4_TypedLoginThatSetsNothing(t *testing.T) {
	t.Parallel()
	block := "\t\tidentity typed\n\t\tlogin /login {\n\t\t\tusername form username\n\t\t\tfields password\n\t\t\tsuccess body welcome\n\t\t}\n"
	h := open(t, common+block, site.Options{}, func(v *visit) bool {
		if v.r.URL.Path != "/login" {
			return false
		}
		switch name, right := v.checked(); {
		case v.r.Method == http.MethodGet && v.user() == "":
			v.begin()
			v.page()
		case right && v.fields.Get("username") == "carol":
			v.signIn(name)
			fmt.Fprint(v.w, "welcome")
		case right:
			v.raise(realm, name)
			fmt.Fprint(v.w, "welcome")
		case v.user() != "":
			fmt.Fprint(v.w, "welcome")
		default:
			return false
		}
		return true
	})
	direct := h.direct(t)
	direct.Get("/login")
	logIn(direct, "alice")
	if got := direct.Post("/login", url.Values{"username": {"nobody"}, "password": {"x"}}); got.Text != "welcome" {
		t.Fatalf("the app itself: %s", got.Text)
	}
	h.control(t, "the app itself", direct)
	c := h.Client(t)
	c.Get("/login")
	logIn(c, "alice").Wants(t, http.StatusBadGateway, "")
	wantsState(t, c, "anonymous", "")
	h.wantsNothing(t, "a login that sets nothing", c)
	c.Post("/login", url.Values{"username": {"nobody"}, "password": {"x"}})
	wantsState(t, c, "anonymous", "")
	h.wantsNothing(t, "and then nobody", c)
	h.signedIn(t, "carol", nil)
}
