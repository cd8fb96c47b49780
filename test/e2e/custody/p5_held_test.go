package custody

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/servers"
	"sallyport.example/sallyport/test/site"
)

// slowly raises the session in place, and has pages that wait before they are made: whose they are is looked up when
// the gate opens.
func slowly(g *gates) func(v *visit) bool {
	return func(v *visit) bool {
		switch path := v.r.URL.Path; {
		case path == "/login" && v.r.Method == http.MethodPost:
			if name, right := v.checked(); right {
				v.raise(realm, name)
				http.Redirect(v.w, v.r, "/", http.StatusSeeOther)
				return true
			}
			return false
		case path == "/login" && !v.fields.Has("slow"):
			if v.user() == "" {
				v.begin()
			}
			v.page()
			return true
		case !v.fields.Has("slow"):
			return false
		}
		v.w.Header().Set("Content-Type", "text/html")
		if kind := v.fields.Get("slow"); kind == "begun" || kind == "large" {
			fmt.Fprint(v.w, "<!doctype html>")
			if kind == "large" {
				fmt.Fprint(v.w, strings.Repeat("<!-- -->", 64<<10))
			}
			_ = http.NewResponseController(v.w).Flush() // the test finds out whether it was cut off
		}
		g.pass(v)
		if v.fields.Get("slow") == "rotates" {
			v.rotate()
		}
		v.page()
		return true
	}
}

// TestP5_BegunBeforeTheLogin: the attacker has a stranger's cookie of the app's, asks for a page that takes its time,
// and meanwhile signs in. The app raised that very session, and finished the page as alice's. Now a login takes the
// stranger's cookies out of the session, and the requests that carry them are cut; what their answers set is not kept.
func TestP5_BegunBeforeTheLogin(t *testing.T) {
	t.Parallel()
	g := newGates(t)
	h := open(t, common+form+asks, site.Options{}, slowly(g))
	factor := h.enrol(t, "alice")
	for _, path := range []string{
		"/static/x?slow=", "/static/x?slow=begun", "/static/x?slow=large", "/static/x?slow=rotates", "/login?slow=", "/login?slow=rotates", "/login?slow=begun",
	} {
		begin := func(s *site.Site, cookie string) *line {
			l := dial(t, s)
			l.say(s, cookie, "GET", path, "", "Connection: close")
			g.wait(t)
			return l
		}
		direct := h.direct(t)
		var cookie string
		for _, set := range direct.Get("/login").Cookies() {
			cookie = set.Name + "=" + set.Value
		}
		l := begin(h.app, cookie)
		logIn(direct, "alice")
		g.let()
		if text := l.rest(); !strings.Contains(text, secretOf("alice")) {
			t.Fatalf("%s: the app itself: %.300s", path, text)
		}

		c := h.Client(t)
		c.Get("/login")
		before := c.Token()
		l = begin(h.Site, "sallyport="+before)
		if got := logIn(c, "alice"); !asksFactor(got) {
			t.Fatalf("%s: the login: %d to %q", path, got.StatusCode, got.Location())
		}
		h.taken()
		g.let()
		text := l.rest()
		if strings.Contains(text, secretOf("alice")) || strings.Contains(text, sid+"=") {
			t.Errorf("%s: answered as alice's: %.500s", path, text)
		}
		h.taken()
		wantsState(t, c, "pending", "alice")
		h.wantsNothing(t, path, c)
		old := h.Client(t)
		old.SetCookie("sallyport", before)
		h.wantsNothing(t, path+", the old token", old)
		for len(g.left) > 0 {
			<-g.left
		}
	}
	h.stillHonest(t, factor)
}

// TestP5_BegunWithAnotherLogin is the same if an undescribed request on a public path signs in meanwhile. It takes the
// cookies along as a login does.
func TestP5_BegunWithAnotherLogin(t *testing.T) {
	t.Parallel()
	g := newGates(t)
	slow := slowly(g)
	h := open(t, common+"\t\tpublic GET POST /static/*?*\n"+form+asks, site.Options{}, func(v *visit) bool {
		if v.r.URL.Path == "/static/enter" {
			if name, right := v.checked(); right {
				v.raise(realm, name)
			}
			v.page()
			return true
		}
		return slow(v)
	})
	factor := h.enrol(t, "alice")
	c := h.Client(t)
	c.Get("/login")
	l := dial(t, h.Site)
	l.say(h.Site, "sallyport="+c.Token(), "GET", "/static/x?slow=", "", "Connection: close")
	g.wait(t)
	got := c.Do("POST", "/static/enter", formHeader(), credentials("alice"))
	if wantsNothingIn(t, "another login", got); !asksFactor(got) {
		t.Errorf("another login: %d to %q", got.StatusCode, got.Location())
	}
	h.taken()
	g.let()
	if text := l.rest(); strings.Contains(text, secretOf("alice")) {
		t.Errorf("answered as alice's: %.300s", text)
	}
	h.taken()
	h.wantsNothing(t, "another login", c)
	h.stillHonest(t, factor)
}

// TestP5_BegunAtAnotherNode: two gateways share their sessions. The page is begun at one of them, and the login goes to
// the other, which cannot cut the page. So the first gateway asks the store whether the cookies that the page took
// along are still a stranger's.
func TestP5_BegunAtAnotherNode(t *testing.T) {
	t.Parallel()
	redis := servers.StartRedis(t)
	g := newGates(t)
	block := common + form + asks + "\t\trequire everyone\n"
	// Both nodes have the same key, with which sessions are sealed.
	folder := t.TempDir()
	first, second := filepath.Join(folder, "one.db"), filepath.Join(folder, "two.db")
	options := site.Options{Sessions: "sessions redis " + redis.URL(redis.Address), Secrets: "secrets file " + first}
	one := open(t, block, options, slowly(g))
	one.Stop()
	for _, ending := range []string{"", ".key"} {
		content, err := os.ReadFile(first + ending)
		if err == nil {
			err = os.WriteFile(second+ending, content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	one.Run()
	options.Secrets = "secrets file " + second
	two := &house{office: one.office, Site: site.Start(t, one.app.Address, block, options), app: one.app}
	for _, path := range []string{"/static/x?slow=", "/static/x?slow=rotates", "/login?slow=", "/login?slow=rotates"} {
		c := two.Client(t)
		c.Get("/login")
		before := c.Token()
		l := dial(t, one.Site)
		l.say(one.Site, "sallyport="+before, "GET", path, "", "Connection: close")
		g.wait(t)
		got := logIn(c, "alice")
		g.let() // at once, because within a second each node checks by itself whether its sessions still exist
		got.Wants(t, http.StatusSeeOther, "/second-factor/setup")
		if text := l.rest(); strings.Contains(text, secretOf("alice")) || strings.Contains(text, sid+"=") {
			t.Errorf("%s: answered as alice's: %.500s", path, text)
		}
		wantsState(t, c, "enrolling", "alice")
		one.taken()
		old := one.Client(t)
		old.SetCookie("sallyport", before)
		one.wantsNothing(t, path+", the old token", old)
		two.wantsNothing(t, path, c)
		for len(g.left) > 0 {
			<-g.left
		}
	}
	// The control: a page is answered, at either node, if nobody signs in at the same time.
	c := one.Client(t)
	c.Get("/login")
	c.Get("/login")
	one.taken()
	l := dial(t, two.Site)
	l.say(two.Site, "sallyport="+c.Token(), "GET", "/static/x?slow=", "", "Connection: close")
	g.wait(t)
	g.let()
	if text := l.rest(); !strings.HasPrefix(text, "HTTP/1.1 200") {
		t.Errorf("a page of nobody's: %.200s", text)
	}
	log := slices.DeleteFunc(one.taken(), func(e seen) bool { return e.uri == "/me" }) // the gateway's question
	if len(log) != 1 || !strings.Contains(log[0].header.Get("Cookie"), sid+"=") {
		t.Errorf("the nodes do not share their sessions: the test shows nothing: %+v", log)
	}
}
