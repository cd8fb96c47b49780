package custody

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"sallyport.example/sallyport/test/site"
)

// namesakes is twoKinds with a user of the second kind who has an administrator's name: alice of the users is the
// attacker's own account, with a password of her own. The office's log and pages call her twin.
func namesakes(v *visit) bool {
	const twin = "twin"
	switch path := v.r.URL.Path; {
	case path == "/me":
		name := v.user()
		if name == twin {
			name = "alice"
		}
		v.w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(v.w, `{"name":%q}`, name)
		return true
	case path == "/login" && v.r.Method == http.MethodPost && v.fields.Get("username") == "alice":
		if v.fields.Get("password") != "twin-pw" {
			http.Redirect(v.w, v.r, "/login", http.StatusSeeOther)
			return true
		}
		v.raise(realm, twin)
		http.Redirect(v.w, v.r, "/", http.StatusSeeOther)
		return true
	}
	return twoKinds(v)
}

// TestP5_TwoKindsWithOneName: the app has users and administrators in one session, and the identity address knows of
// the users only. The attacker has the password of the administrator alice, and made herself a user account with that
// very name. After the first login ("nobody" to the question) the app's session was kept for another try under that
// name. At the other login, where that name is hers, it became a session of both: verified, with alice's
// administration. Now a jar goes only with another try at the same login.
func TestP5_TwoKindsWithOneName(t *testing.T) {
	t.Parallel()
	for name, lines := range map[string]string{
		"two blocks": bothLogins + asks,
		"one block":  "\t\tlogin /login /admin/login {\n\t\t\tusername form username\n\t\t}\n" + asks,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t, common+lines, site.Options{}, namesakes)
			admin, own := url.Values{"username": {"alice"}, "password": {"alice-pw"}}, url.Values{"username": {"alice"}, "password": {"twin-pw"}}
			direct := h.direct(t)
			direct.Get("/login")
			direct.Post("/admin/login", admin)
			direct.Post("/login", own)
			if me := direct.Get("/me"); me.Text != `{"name":"alice"}` {
				t.Fatalf("the app itself: %s", me.Text)
			}
			h.control(t, name, direct)

			for _, first := range []string{"/login", "/admin/login", ""} {
				c := h.Client(t)
				if first != "" {
					c.Get(first)
				}
				c.Post("/admin/login", admin)
				wantsState(t, c, "anonymous", "")
				h.taken()
				c.Post("/login", own)
				h.wantsNoneTaken(t, "the second login after "+first)
				wantsState(t, c, "verified", "alice") // by the name that both have; the users' account is her own
				for _, path := range around {
					wantsNothingIn(t, first+": "+path, c.Get(path))
				}
				h.wantsNoneTaken(t, "after "+first)
			}
			// An ordinary second try, at the same login, has its jar.
			c := h.Client(t)
			c.Get("/login")
			h.taken()
			c.Post("/login", url.Values{"username": {"alice"}, "password": {"wrong"}})
			c.Post("/login", own)
			wantsState(t, c, "verified", "alice")
			if log := h.taken(); log[len(log)-1].header.Get("Cookie") == "" {
				t.Error("the second try came without the session of the first")
			}
		})
	}
}

// TestP5_TwoKindsAtOnce: the same two kinds of account, and the second login right after the first one, with no page
// load in between that would begin another session. What went out with alice's login, which by the app's word failed,
// goes with no login under another name. The control: at the app itself the session is then carol's with alice's
// administration.
func TestP5_TwoKindsAtOnce(t *testing.T) {
	t.Parallel()
	h := open(t, common+bothLogins+asks, site.Options{}, twoKinds)
	h.enrol(t, "alice")
	admin, carol := url.Values{"username": {"alice"}, "password": {"alice-pw"}}, url.Values{"username": {"carol"}, "password": {"carol-pw"}}
	direct := h.direct(t)
	direct.Get("/login")
	direct.Post("/admin/login", admin)
	direct.Post("/login", carol)
	h.control(t, "at once", direct)
	for _, first := range []string{"/login", "/admin/login", ""} {
		c := h.Client(t)
		if first != "" {
			c.Get(first)
		}
		c.Post("/admin/login", admin)
		h.taken()
		c.Post("/login", carol)
		h.wantsNoneTaken(t, "the second login after "+first)
		wantsState(t, c, "verified", "carol")
		h.wantsNothing(t, "at once after "+first, c)
	}
}
