package custody

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/site"
)

// The rules of contract 4.1's own example: in each of the ways below, a login that works looks failed by them.
const exampleRules = "\t\tlogin /login {\n\t\t\tusername form username\n\t\t\tsuccess status 302 303\n\t\t\tfailure location /login*\n\t\t\tfailure body \"unacceptable\"\n\t\t}\n"

// ways are ways in which somebody who has the password can make the app sign her in and give an answer that rules take
// for a failure.
var ways = []struct{ name, path, accept string }{
	{"led back to the login", "/login?next=/login", "text/html"},
	{"led to another login page", "/login?next=/login/help", "text/html"},
	{"not acceptable", "/login", "application/xml"},
	{"not acceptable, by a browser's word", "/login", "text/html, application/xml"},
	{"200", "/login?status=200", "text/html"},
	{"204", "/login?status=204", "text/html"},
	{"404", "/login?status=404", "text/html"},
	{"401", "/login?status=401", "text/html"},
	{"429", "/login?status=429", "text/html"},
	{"500", "/login?status=500", "text/html"},
	{"503", "/login?status=503", "text/html"},
	{"304", "/login?status=304", "text/html"},
	{"by script", "/login?next=/login", "application/json"},
}

// oddly signs in and answers as it is asked to. It sends a user who is already signed in on from the login, with
// another cookie.
func oddly(v *visit) bool {
	if v.r.URL.Path != "/login" || v.r.Method != http.MethodPost {
		return false
	}
	name, right := v.checked()
	switch {
	case v.user() != "":
		v.rotate()
		v.w.Header().Set("Location", "/")
		v.w.WriteHeader(http.StatusSeeOther)
		fmt.Fprint(v.w, "welcome back")
		return true
	case !right:
		return false
	}
	v.signIn(name)
	status, _ := strconv.Atoi(v.fields.Get("status"))
	switch next := v.fields.Get("next"); {
	case next != "":
		http.Redirect(v.w, v.r, next, http.StatusSeeOther)
	case strings.Contains(v.r.Header.Get("Accept"), "application/xml"):
		v.w.WriteHeader(http.StatusNotAcceptable)
		fmt.Fprint(v.w, "unacceptable")
		v.page()
	case status == http.StatusNoContent || status == http.StatusNotModified:
		v.w.WriteHeader(status)
	case status != 0:
		v.w.WriteHeader(status)
		v.page()
	default:
		v.w.Header().Set("Location", "/")
		v.w.WriteHeader(http.StatusSeeOther)
		fmt.Fprint(v.w, "welcome")
	}
	return true
}

// TestP4_RulesDoNotDecide: the attacker signs in with the password, and brings about an answer that the rules call
// failed: by an address that makes the app lead her back to the login, an Accept that it cannot serve, and the like. A
// gateway that believed the rules gave her the answer, which shows alice's page, and kept the app's session for her as
// a stranger's. Now the app is asked, and it is a login of alice's.
func TestP4_RulesDoNotDecide(t *testing.T) {
	t.Parallel()
	h := open(t, common+exampleRules+asks, site.Options{}, oddly)
	factor := h.enrol(t, "alice")
	for _, way := range ways {
		header := formHeader("Accept", way.accept)
		direct := h.direct(t)
		direct.Do("POST", way.path, header, credentials("alice"))
		h.control(t, way.name, direct)
		for _, begun := range []bool{false, true} {
			c := h.Client(t)
			if begun {
				c.Get("/login")
			}
			got := c.Do("POST", way.path, header, credentials("alice"))
			wantsNothingIn(t, way.name, got)
			if !asksFactor(got) {
				t.Errorf("%s: %d to %q, want the challenge", way.name, got.StatusCode, got.Location())
			}
			wantsState(t, c, "pending", "alice")
			h.wantsNothing(t, way.name, c)

			// The same with a wrong password signs nobody in, and shows the app's answer.
			c = h.Client(t)
			c.Do("POST", way.path, header, "username=alice&password=wrong")
			wantsState(t, c, "anonymous", "")
		}
	}
	h.stillHonest(t, factor)
}

// TestP4_SuccessThatTheAppDenies: the rules say that a login succeeded, and the app says that nobody is signed in.
// Neither is believed: nothing of the answer goes out, and the log says so.
func TestP4_SuccessThatTheAppDenies(t *testing.T) {
	t.Parallel()
	h := open(t, common+"\t\tlogin /login {\n\t\t\tusername form username\n\t\t\tsuccess status 303\n\t\t}\n"+asks, site.Options{}, nil)
	h.enrol(t, "alice")
	c := h.Client(t)
	c.Post("/login", url.Values{"username": {"alice"}, "password": {"wrong"}}).Wants(t, http.StatusBadGateway, "")
	wantsState(t, c, "anonymous", "")
	h.wantsNothing(t, "a success that is none", c)
	if !strings.Contains(h.Log(), "by identity nobody is signed in") {
		t.Error("nothing of it is in the log")
	}
	direct := h.direct(t)
	direct.Post("/login", url.Values{"username": {"alice"}, "password": {"wrong"}}).Wants(t, http.StatusSeeOther, "/login")
}

// TestP4_FailedLoginGoesNowhere: the app cannot be asked, and the attacker brings about an answer that the rules call
// failed. What it set is thrown away. No page load carries it, and neither does a login under another name, at which
// the app would lead alice on as signed in.
func TestP4_FailedLoginGoesNowhere(t *testing.T) {
	t.Parallel()
	block := common + "\t\tidentity typed\n\t\tlogin /login {\n\t\t\tusername form username\n\t\t\tfields password next status\n\t\t\tsuccess body welcome\n\t\t}\n"
	h := open(t, block, site.Options{}, oddly)
	factor := h.enrol(t, "alice")
	for _, way := range ways {
		header := formHeader("Accept", way.accept)
		direct := h.direct(t)
		direct.Do("POST", way.path, header, credentials("alice"))
		h.control(t, way.name, direct)
		// And then as nobody: the app leads her on as alice.
		direct.Post("/login", url.Values{"username": {"nobody"}, "password": {"x"}}).Wants(t, http.StatusSeeOther, "/")
		h.control(t, way.name+", then nobody", direct)

		for _, begun := range []bool{false, true} {
			c := h.Client(t)
			if begun {
				c.Get("/login")
			}
			for _, cookie := range c.Do("POST", way.path, header, credentials("alice")).Cookies() {
				if cookie.Name == sid {
					t.Errorf("%s: the office's session came out", way.name)
				}
			}
			wantsState(t, c, "anonymous", "")
			h.wantsNothing(t, way.name, c)
			for _, name := range []string{"nobody", "carol"} {
				c := h.Client(t)
				if begun {
					c.Get("/login")
				}
				c.Do("POST", way.path, header, credentials("alice"))
				h.taken()
				got := c.Post("/login", url.Values{"username": {name}, "password": {"x"}})
				wantsNothingIn(t, way.name+", then "+name, got)
				wantsState(t, c, "anonymous", "")
				h.wantsNothing(t, way.name+", then "+name, c)
			}
			c = h.Client(t)
			c.Do("POST", way.path, header, credentials("alice"))
			logIn(c, "carol")
			wantsState(t, c, "verified", "carol")
			h.wantsNothing(t, way.name+", then carol", c)
		}
	}
	h.stillHonest(t, factor)
}
