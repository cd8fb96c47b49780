package custody

import (
	"net/http"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/site"
)

// linked signs in in the existing session, without a cookie: by a ticket in any query, and by the path /in/<name>,
// whose answer waits at the gate if there is one. The login begins another session, so that users can sign in if the
// app is not asked.
func linked(g *gates, apart bool) func(v *visit) bool {
	return func(v *visit) bool {
		path := v.r.URL.Path
		who, byPath := strings.CutPrefix(path, "/in/")
		switch {
		case path == "/me":
			return false
		case path == "/login" && v.r.Method == http.MethodPost:
			name, right := v.checked()
			if !right {
				return false
			}
			if apart {
				v.signIn(name)
			} else {
				v.raise(realm, name)
			}
			http.Redirect(v.w, v.r, "/", http.StatusSeeOther)
			return true
		case byPath:
			if v.raise(realm, who); g != nil {
				g.pass(v)
			}
		case v.fields.Get("ticket") != "":
			v.raise(realm, v.fields.Get("ticket"))
		case path == "/login" && v.user() == "":
			v.begin()
		default:
			return false
		}
		v.page()
		return true
	}
}

// TestP5_TypedLinkRaisesAStranger: an app that cannot be asked signs in by a link on a public path, and raises the
// existing session. The attacker has opened the login page, and so has a stranger's session. She follows a link of
// alice's, and then the public pages were made for alice. Nobody knows what a request with a query asks for, so it goes
// there without the stranger's cookies. The control: a page load without a query carries them.
func TestP5_TypedLinkRaisesAStranger(t *testing.T) {
	t.Parallel()
	h := open(t, common+typed, site.Options{}, linked(nil, true))
	factor := h.enrol(t, "alice")
	direct := h.direct(t)
	direct.Get("/login")
	direct.Get("/static/x?ticket=alice")
	h.control(t, "the link", direct)
	for _, path := range []string{"/static/x?ticket=alice", "/login?ticket=alice", "/static/x?a=b&ticket=alice"} {
		c := h.Client(t)
		c.Get("/login").Wants(t, http.StatusOK, "")
		h.taken()
		c.Get("/static/x").Wants(t, http.StatusOK, "")
		if log := h.taken(); !strings.Contains(log[len(log)-1].header.Get("Cookie"), sid+"=") {
			t.Fatalf("a stranger has no cookies: the test shows nothing: %+v", log)
		}
		c.Get(path)
		h.taken()
		h.wantsNothing(t, path, c)
	}
	h.stillHonest(t, factor)
}

// TestP5_LinkRaisesAStranger is the same with an app that can be asked: it is alice's sign-in then, and her factor is
// asked for.
func TestP5_LinkRaisesAStranger(t *testing.T) {
	t.Parallel()
	h := open(t, common+form+asks, site.Options{}, linked(nil, false))
	factor := h.enrol(t, "alice")
	for _, path := range []string{"/static/x?ticket=alice", "/login?ticket=alice", "/login?a=b&ticket=alice"} {
		direct := h.direct(t)
		direct.Get("/login")
		direct.Get(path)
		h.control(t, path, direct)
		c := h.Client(t)
		c.Get("/login").Wants(t, http.StatusOK, "")
		before := c.Token()
		wantsNothingIn(t, path, c.Get(path))
		wantsState(t, c, "pending", "alice")
		h.taken()
		h.wantsNothing(t, path, c)
		old := h.Client(t)
		old.SetCookie("sallyport", before)
		h.wantsNothing(t, path+", the old token", old)
	}
	h.stillHonest(t, factor)
}

// TestP5_HungUpInALink: carol is verified, follows a link whose path signs alice in within the existing session, and
// hangs up before the answer: nobody saw what came of it. So the app is asked before the session's next use. The
// control: the app itself then takes the session for alice's.
func TestP5_HungUpInALink(t *testing.T) {
	t.Parallel()
	g := newGates(t)
	h := open(t, common+form+asks, site.Options{}, linked(g, false))
	factor := h.enrol(t, "alice")
	for _, how := range []string{"half closed", "closed"} {
		direct := h.direct(t)
		h.leave(t, g, how, h.app, directCookie(direct), "GET", "/in/alice", "")
		h.control(t, how, direct)
		c := h.signedIn(t, "carol", nil)
		h.leave(t, g, how, h.Site, "sallyport="+c.Token(), "GET", "/in/alice", "")
		h.settle(t, "GET /in/alice")
		h.wantsNothing(t, how, c)
	}
	h.stillHonest(t, factor)
}

// TestP4_TheQuestionTakesTheSameRoute: the operator lets a variable choose the app that a request goes to. A question
// without the variable would go to another app, or to none: nobody could sign in, or a user whom that other app knows
// could.
func TestP4_TheQuestionTakesTheSameRoute(t *testing.T) {
	t.Parallel()
	other := site.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"name":"mallory"}`)) }))
	o := new(office)
	upstream := site.Serve(t, o)
	route := "@all path *\nvars @all backend " + upstream + "\n@lost not vars {vars.backend} " + upstream + "\nreverse_proxy @lost " + other + "\nreverse_proxy " + upstream
	h := &house{office: o, Site: site.Start(t, upstream, common+form+asks, site.Options{Block: route}), app: &site.Site{Address: upstream, URL: "http://" + upstream}}
	h.stillHonest(t, h.enrol(t, "alice"))
}
