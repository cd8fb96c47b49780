package custody

import (
	"net/http"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/site"
)

// linked signs in where the session is, without a cookie: by a ticket in any query, and by the path /in/<name>, whose
// answer waits at the gate where there is one. The login begins another session, so that people can sign in where the
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
// session that is there. The thief opened the login page, and so has one of a stranger's, follows a link of alice's,
// and then what is public was made for alice. A request with a query, of which nobody knows what it asks for, goes
// without the stranger's cookies there. The control: a page without one has them.
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

// TestP5_LinkRaisesAStranger: the same where the app can be asked: it is alice's sign-in then, and her factor is asked
// for.
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

// TestP5_HungUpInALink: carol is verified, follows a link whose path signs alice in within the session that is there,
// and hangs up before the answer: nobody saw what came of it. The session is asked about before its next use. The
// control: the app itself takes it for alice's then.
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

// TestP4_TheQuestionTakesTheSameRoute: the operator has a variable choose the app that a request goes to. A question
// without it would go to another app, or to none: nobody could sign in, or somebody whom that one knows.
func TestP4_TheQuestionTakesTheSameRoute(t *testing.T) {
	t.Parallel()
	other := site.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"name":"mallory"}`)) }))
	o := new(office)
	upstream := site.Serve(t, o)
	route := "@all path *\nvars @all backend " + upstream + "\n@lost not vars {vars.backend} " + upstream + "\nreverse_proxy @lost " + other + "\nreverse_proxy " + upstream
	h := &house{office: o, Site: site.Start(t, upstream, common+form+asks, site.Options{Block: route}), app: &site.Site{Address: upstream, URL: "http://" + upstream}}
	h.stillHonest(t, h.enrol(t, "alice"))
}
