package custody

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/site"
)

// dripping signs in in the existing session, or with a cookie of its own (`?new=1`), begins its answer, and waits in
// the middle of it. It does so at the login, at /portal, which no login describes, at the public /static/enter, and at
// the link /static/join. apart makes the login itself always begin another session; without that nobody can sign in if
// the app is not asked.
func dripping(g *gates, apart bool) func(v *visit) bool {
	return func(v *visit) bool {
		path := v.r.URL.Path
		switch {
		case path == "/login" && v.r.Method == http.MethodGet:
			if v.user() == "" {
				v.begin()
			}
			v.page()
			return true
		case v.r.Method == http.MethodPost && (path == "/login" || path == "/portal" || path == "/static/enter"), path == "/static/join":
		default:
			return false
		}
		name, right := v.checked()
		if path == "/static/join" {
			name, right = v.fields.Get("invitation"), true
		}
		switch {
		case !right:
			http.Redirect(v.w, v.r, "/login", http.StatusSeeOther)
			return true
		case v.fields.Get("new") != "", apart && path == "/login":
			v.signIn(name)
		default:
			v.raise(realm, name)
		}
		if v.fields.Get("drip") != "" {
			v.w.Header().Set("Content-Type", "text/html")
			if v.fields.Get("drip") == "body" {
				fmt.Fprint(v.w, "<!doctype html>")
				_ = http.NewResponseController(v.w).Flush() // a client that has left sees nothing of it
			}
			g.pass(v)
			v.page()
			return true
		}
		http.Redirect(v.w, v.r, "/", http.StatusSeeOther)
		return true
	}
}

// leave makes a client leave in the middle of an answer, in one of the ways in which clients leave.
func (h *house) leave(t *testing.T, g *gates, how string, s *site.Site, cookie, method, target, body string) {
	t.Helper()
	l := dial(t, s)
	l.say(s, cookie, method, target, body)
	g.wait(t)
	if how == "half closed" {
		l.halfClose()
	} else {
		_ = l.conn.Close()
	}
	if !g.stays {
		g.gone(t)
	}
	g.let()
	if how == "half closed" {
		if text := l.rest(); s == h.Site && strings.Contains(text, secretOf("alice")) {
			t.Errorf("%s: what came after she hung up: %.300s", target, text)
		}
	}
}

// TestP5_HungUpInALogin: the attacker hangs up, or closes her half of the connection, in the middle of the answer to a
// login that works. Nobody had judged that answer, and the session that the app had raised stayed a stranger's. Now
// what nobody saw is thrown away.
func TestP5_HungUpInALogin(t *testing.T) {
	t.Parallel()
	for name, lines := range map[string]string{"asked": form + asks, "typed": strings.Replace(typed, "fields password", "fields password drip new", 1)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGates(t)
			h := open(t, common+lines, site.Options{}, dripping(g, name == "typed"))
			factor := h.enrol(t, "alice")
			for _, target := range []string{"/login?drip=head", "/login?drip=body", "/login?drip=head&new=1", "/login?drip=body&new=1"} {
				for _, how := range []string{"half closed", "closed"} {
					what := target + " " + how
					direct := h.direct(t)
					direct.Get("/login")
					h.leave(t, g, how, h.app, directCookie(direct), "POST", target, credentials("alice"))
					if !strings.Contains(target, "new=") && name == "asked" {
						until(t, "the app has raised the session", func() bool { return strings.Contains(direct.Get("/account").Text, secretOf("alice")) })
						h.control(t, what, direct)
					}
					h.taken()

					c := h.Client(t)
					c.Get("/login")
					h.leave(t, g, how, h.Site, "sallyport="+c.Token(), "POST", target, credentials("alice"))
					h.settle(t, "POST "+target)
					wantsState(t, c, "anonymous", "")
					h.wantsNothing(t, what, c)
					logIn(c, "carol")
					wantsState(t, c, "verified", "carol")
					h.wantsNothing(t, what+", then carol", c)
				}
			}
			h.stillHonest(t, factor)
		})
	}
}

// directCookie returns the office's cookie of a browser at the app itself.
func directCookie(c *site.Client) string {
	answer := c.Get("/login") // this gives another cookie out
	for _, cookie := range answer.Cookies() {
		if cookie.Name == sid {
			return sid + "=" + cookie.Value
		}
	}
	return ""
}

// settle waits until the office has answered a request and the gateway is done with it, so that the next request meets
// the final state.
func (h *house) settle(t *testing.T, request string) {
	t.Helper()
	until(t, "the office answers "+request, func() bool {
		h.office.mutex.Lock()
		defer h.office.mutex.Unlock()
		for _, entry := range h.log {
			if entry.method+" "+entry.uri == request {
				return true
			}
		}
		return false
	})
	h.taken()
}

// TestP5_HungUpInASession: carol is verified, and signs in as alice at an address that no login describes, or follows a
// link of alice's; then she hangs up. The app has raised her session, or made another one, and no answer showed it to
// the gateway.
func TestP5_HungUpInASession(t *testing.T) {
	t.Parallel()
	for name, lines := range map[string]string{"asked": form + asks, "typed": typed} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGates(t)
			h := open(t, common+lines, site.Options{}, dripping(g, name == "typed"))
			factor := h.enrol(t, "alice")
			mallory := h.enrol(t, "mallory")
			for _, request := range []string{
				"POST /portal?drip=head", "POST /portal?drip=body", "POST /static/enter?drip=head", "POST /portal?drip=head&new=1", "GET /static/join?drip=head&invitation=alice",
			} {
				method, target, _ := strings.Cut(request, " ")
				body := credentials("alice")
				if method == "GET" {
					body = ""
				}
				if name == "typed" && (method == "GET" || strings.HasSuffix(target, "=body")) {
					continue // no answer of this app would have shown it, and nobody can be asked
				}
				for _, how := range []string{"half closed", "closed"} {
					what := request + " " + how
					if !strings.Contains(target, "new=") {
						direct := h.direct(t)
						h.leave(t, g, how, h.app, directCookie(direct), method, target, body)
						until(t, "the app has raised the session", func() bool { return strings.Contains(direct.Get("/account").Text, secretOf("alice")) })
						h.control(t, what, direct)
					}
					c := h.signedIn(t, "mallory", mallory)
					g.stays = name == "asked" // a request that may raise such a session goes on to its end
					h.leave(t, g, how, h.Site, "sallyport="+c.Token(), method, target, body)
					g.stays = false
					h.settle(t, request)
					h.wantsNothing(t, what, c)
				}
			}
			h.stillHonest(t, factor)
		})
	}
}

// TestP5_HungUpByAStranger: the attacker has a stranger's cookie, follows a link of alice's by which the app raises
// that session without another cookie, and hangs up before the answer. Nobody knows then whose the cookie is. The app
// is asked before the cookie goes anywhere again. If it cannot be asked, and the request was more than a page load, the
// cookie goes nowhere.
func TestP5_HungUpByAStranger(t *testing.T) {
	t.Parallel()
	for name, lines := range map[string]string{"asked": form + asks, "typed": typed} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGates(t)
			h := open(t, common+"\t\tpublic POST /static/enter?*\n"+lines, site.Options{}, dripping(g, name == "typed"))
			factor := h.enrol(t, "alice")
			for _, request := range []string{"GET /static/join?drip=head&invitation=alice", "POST /static/enter?drip=head", "POST /static/enter?drip=head&new=1", "POST /static/enter?drip=body"} {
				method, target, _ := strings.Cut(request, " ")
				body := ""
				if method == "POST" {
					body = credentials("alice")
				} else if name == "typed" {
					continue // no answer of this app would have shown it, and nobody can be asked
				}
				for _, how := range []string{"half closed", "closed"} {
					what := request + " " + how
					if !strings.Contains(target, "new=") {
						direct := h.direct(t)
						h.leave(t, g, how, h.app, directCookie(direct), method, target, body)
						until(t, "the app has raised the session", func() bool { return strings.Contains(direct.Get("/account").Text, secretOf("alice")) })
						h.control(t, what, direct)
					}
					c := h.Client(t)
					c.Get("/login")
					h.leave(t, g, how, h.Site, "sallyport="+c.Token(), method, target, body)
					h.settle(t, request)
					h.wantsNothing(t, what, c)
					if state, user := stateOf(t, c); state != "anonymous" && (state != "pending" || user != "alice" || name == "typed") {
						t.Errorf("%s: %s of %q", what, state, user)
					}
				}
			}
			h.stillHonest(t, factor)
		})
	}
}
