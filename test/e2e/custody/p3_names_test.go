package custody

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/site"
)

// secondCookie is an app that knows its users by a cookie whose name does not show that: scripts may read it, and
// custody learns of it when somebody signs in.
func secondCookie(name string) func(v *visit) bool {
	return func(v *visit) bool {
		if cookie, err := v.r.Cookie(name); err == nil {
			v.id = cookie.Value
		}
		if who := v.user(); who == "alice" && v.r.URL.Path != "/me" && v.r.URL.Path != "/login" {
			v.mutex.Lock()
			v.log = append(v.log, seen{method: v.r.Method, uri: v.r.RequestURI, before: []string{who}})
			v.mutex.Unlock()
		}
		if v.r.URL.Path != "/login" || v.r.Method != http.MethodPost {
			return false
		}
		who, right := v.checked()
		if !right {
			return false
		}
		v.id = v.newSession()
		v.raise(realm, who)
		http.SetCookie(v.w, &http.Cookie{Name: name, Value: v.id, Path: "/", HttpOnly: true})
		http.Redirect(v.w, v.r, "/", http.StatusSeeOther)
		return true
	}
}

// TestP3_ASessionCookieThatCustodyLearns: somebody has a session of alice's at the app, and sends its cookie from a new
// browser. Its name is one that browsers may send, and custody learns only at a login that it is a session's. After
// anybody has signed in, the cookie is held on the whole site, even after a restart, in each spelling, and under the
// names that other servers read as the same.
func TestP3_ASessionCookieThatCustodyLearns(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"XSRF-SESSION", "csrf.auth"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t, common+form+asks, site.Options{}, secondCookie(name))
			factor := h.enrol(t, "alice")
			direct := h.direct(t)
			var stolen string
			for _, cookie := range logIn(direct, "alice").Cookies() {
				stolen = cookie.Value
			}
			thief := h.direct(t)
			thief.Header = http.Header{"Cookie": {name + "=" + stolen}}
			h.control(t, "the cookie at the app", thief)
			attack := func(when string) {
				for _, line := range []string{
					name + "=" + stolen, strings.ToLower(name) + "=" + stolen, strings.ReplaceAll(name, ".", "_") + "=" + stolen,
					name + "=x; " + name + "=" + stolen, "a=b; " + name + "=" + stolen, "csrf=x," + name + "=" + stolen,
				} {
					for _, path := range []string{"/static/x", "/login", "/account"} {
						c := h.Client(t)
						got := c.Do("GET", path, http.Header{"Cookie": {line}}, "")
						wantsNothingIn(t, when+": "+line+" to "+path, got)
						c = h.Client(t)
						c.Get("/login")
						wantsNothingIn(t, when+": "+line+" to "+path, c.Do("GET", path, http.Header{"Cookie": {"sallyport=" + c.Token() + "; " + line}}, ""))
					}
					h.wantsNoneTaken(t, when+": "+line)
				}
				carol := h.signedIn(t, "carol", nil)
				wantsNothingIn(t, when+": carol", carol.Do("GET", "/account", http.Header{"Cookie": {"sallyport=" + carol.Token() + "; " + name + "=" + stolen}}, ""))
				h.wantsNoneTaken(t, when+": carol")
			}
			attack("after a login")
			if log := h.Log(); !strings.Contains(log, "held on the whole site") || !strings.Contains(log, name) {
				t.Error("the log does not say that the name is held")
			}
			h.Stop()
			h.Run()
			attack("after a restart")
			h.stillHonest(t, factor)
		})
	}
}

// mounted believes headers that say where it is mounted, and serves /ledger to every client that reaches it: only the
// gateway guards that page. It also takes sessions and keys from headers.
func mounted(v *visit) bool {
	path := v.r.URL.Path
	for _, name := range mountHeaders {
		if value := v.r.Header.Get(name); value != "" {
			if rest, found := strings.CutPrefix(path, strings.TrimSuffix(value, "/")); found && strings.HasPrefix(rest, "/") {
				path = rest
			}
		}
	}
	for name, values := range v.r.Header {
		if slices.Contains(keyHeaders, name) && strings.Contains(values[0], "alice-key") {
			path = "/ledger"
		}
	}
	if path != "/ledger" {
		return false
	}
	v.mutex.Lock()
	v.log = append(v.log, seen{method: v.r.Method, uri: v.r.RequestURI, before: []string{"alice"}})
	v.mutex.Unlock()
	v.w.Header().Set("Content-Type", "text/html")
	_, _ = v.w.Write([]byte(secretOf("alice")))
	return true
}

var (
	mountHeaders = []string{
		"X-Script-Name", "Script-Name", "X-Ingress-Path", "X-Base-Path", "X-Mount-Path", "X-Forwarded-Prefix", "X-Forwarded-Path", "X-Base-Url", "X-Root-Path",
		"X-Proxy-Prefix", "X-App-Root", "X-Request-Base", "X-Original-Prefix", "X-Context-Path", "X-Scriptname",
	}
	keyHeaders = []string{
		"X-Cookie", "Http-Cookie", "X-Apikeys", "X-Actual-Token", "X-Seafile-Token", "Cookie2", "X-Session", "Api-Key", "X-Vendor-Api-Key2", "X-Auth",
		"Token", "X-Gitlab-Job-Token", "Private-Token", "X-Plex-Token", "X-Emby-Token", "X-Remote-User", "X-Any-Session-Id", "X-Jwt", "X-Whatever-It-Is-Called",
	}
)

// TestP3_HeadersByAllowList: a header says under which path the app is mounted, and so puts every page under a public
// one; or it is a credential under a name that no list has. From a client that is not verified the app gets headers
// that are known to be harmless, and no others.
func TestP3_HeadersByAllowList(t *testing.T) {
	t.Parallel()
	h := open(t, common+form+asks, site.Options{}, mounted)
	h.signedIn(t, "carol", nil)
	mallory := h.enrol(t, "mallory")
	direct := h.direct(t)
	owing := h.Client(t)
	logIn(owing, "mallory")
	verified := h.signedIn(t, "mallory", mallory)
	say := func(name, value, path string) {
		got := direct.Do("GET", path, http.Header{name: {value}}, "")
		if !strings.Contains(got.Text, secretOf("alice")) {
			t.Fatalf("%s: the app itself: %d %s", name, got.StatusCode, got.Text)
		}
		h.taken()
		for _, spelled := range []string{name, strings.ToLower(name), strings.ReplaceAll(name, "-", "_"), "Http-" + name} {
			for who, c := range map[string]*site.Client{"a stranger": h.Client(t), "one who owes": owing} {
				wantsNothingIn(t, spelled+" of "+who, c.Do("GET", path, http.Header{spelled: {value}}, ""))
				wantsNothingIn(t, spelled+" of "+who, c.Do("POST", "/login", http.Header{spelled: {value}, "Content-Type": {"application/x-www-form-urlencoded"}}, "username=carol&password=wrong"))
			}
			h.wantsNoneTaken(t, spelled)
		}
		if name == "X-Whatever-It-Is-Called" {
			return // in a verified session an app's own headers go through, except the known classes
		}
		wantsNothingIn(t, name+" of mallory", verified.Do("GET", path, http.Header{name: {value}}, ""))
		h.wantsNoneTaken(t, name+" of mallory")
	}
	for _, name := range mountHeaders {
		say(name, "/static", "/static/ledger")
		say(name, "/login", "/login/ledger")
	}
	for _, name := range keyHeaders {
		say(name, "alice-key", "/static/x")
	}
}
