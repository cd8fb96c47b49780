package demo

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

var aliceForm = url.Values{"username": {"alice"}, "password": {AlicePassword}}

func TestLooseLogin(t *testing.T) {
	knobs := Knobs{NoFormToken: true, LooseLogin: true}
	body := aliceForm.Encode()
	for name, try := range map[string]func(*browser) answer{
		"a form":       func(b *browser) answer { return b.post("/login", aliceForm) },
		"PUT":          func(b *browser) answer { return b.send("PUT", "/login", body) },
		"a GET":        func(b *browser) answer { return b.get("/login?" + body) },
		"HEAD":         func(b *browser) answer { return b.send("HEAD", "/login?"+body, "") },
		"a GET's body": func(b *browser) answer { return b.send("GET", "/login", body) },
		"JSON": func(b *browser) answer {
			return b.postJSON("/login", `{"username":"alice","password":"`+AlicePassword+`"}`)
		},
		"JSON of the interface": func(b *browser) answer {
			return b.postJSON("/login", `{"user":{"name":"alice","password":"`+AlicePassword+`"}}`)
		},
		"multipart": func(b *browser) answer {
			text := "--e\r\nContent-Disposition: form-data; name=\"username\"\r\n\r\nalice\r\n--e\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\n" + AlicePassword + "\r\n--e--\r\n"
			return b.send("POST", "/login", text, "Content-Type", "multipart/form-data; boundary=e")
		},
		"the interface by PUT": func(b *browser) answer {
			return b.send("PUT", "/api/login", `{"user":{"name":"alice","password":"`+AlicePassword+`"}}`, "Content-Type", "application/json")
		},
	} {
		b := open(t, Options{Knobs: knobs})
		if got := try(b); got.StatusCode >= 400 || b.me() != "alice" {
			t.Errorf("%s: %d, now %s", name, got.StatusCode, b.me())
		}
	}
	b := open(t, Options{Knobs: knobs})
	if got := b.post("/login", url.Values{"username": {"alice"}, "password": {"wrong"}}); got.StatusCode != http.StatusOK || b.me() != unauthorized {
		t.Errorf("a wrong password: %d, now %s", got.StatusCode, b.me())
	}
	if got := b.post("/login", url.Values{"username": {"alice"}}); got.StatusCode != http.StatusBadRequest {
		t.Errorf("no password: %d", got.StatusCode)
	}
	strict := open(t, Options{})
	if got := strict.post("/login", aliceForm); got.StatusCode != http.StatusForbidden || strict.me() != unauthorized {
		t.Errorf("without the knobs: %d, now %s", got.StatusCode, strict.me())
	}
	if got := strict.send("PUT", "/login", body); got.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("without the knobs by PUT: %d", got.StatusCode)
	}
}

func TestEmailField(t *testing.T) {
	form := url.Values{"username": {"nobody"}, "email": {"alice@example.com"}, "password": {AlicePassword}}
	b := open(t, Options{Knobs: Knobs{NoFormToken: true, EmailField: true}})
	if b.post("/login", form); b.me() != "alice" {
		t.Errorf("now %s", b.me())
	}
	c := open(t, Options{Knobs: Knobs{NoFormToken: true}})
	if c.post("/login", form); c.me() != unauthorized {
		t.Errorf("without the knob: %s", c.me())
	}
}

func TestOneAddress(t *testing.T) {
	b := open(t, Options{Knobs: Knobs{NoFormToken: true, OneAddress: true}})
	if got := b.get("/?do=login"); got.StatusCode != http.StatusOK || !strings.Contains(got.body, `id="login"`) {
		t.Errorf("the login page: %d", got.StatusCode)
	}
	if got := b.post("/?do=missing", aliceForm); got.StatusCode != http.StatusNotFound || got.Header.Get("X-Ledger-User") != "alice" || b.me() != "alice" {
		t.Errorf("at a page that there is not: %d %v, now %s", got.StatusCode, got.Header, b.me())
	}
	if got := b.get("/?do=api/me"); got.body != "{\"login\":\"alice\"}\n" {
		t.Errorf("who: %s", got.body)
	}
	c := b.another()
	if c.post("/static/style.css", aliceForm); c.me() != "alice" {
		t.Errorf("at a public path: %s", c.me())
	}
	d := b.another()
	if got := d.post("/?do=login", aliceForm); got.StatusCode != http.StatusSeeOther {
		t.Errorf("at the login page: %d", got.StatusCode)
	}
	e := b.another()
	if got := e.post("/?do=login", url.Values{"username": {"alice"}, "password": {"wrong"}}); got.StatusCode != http.StatusOK || e.me() != unauthorized {
		t.Errorf("a wrong password: %d, now %s", got.StatusCode, e.me())
	}
}

// A sign-in of one realm keeps that of the other in the same session.
func TestRealms(t *testing.T) {
	b := open(t, Options{Knobs: Knobs{NoFormToken: true, Realms: true}})
	if got := b.get("/admin/"); got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != "/admin/login" {
		t.Errorf("a stranger: %d", got.StatusCode)
	}
	if got := b.post("/admin/login", aliceForm); got.Header.Get("Location") != "/admin/" || b.me() != unauthorized {
		t.Errorf("%d, now %s", got.StatusCode, b.me())
	}
	b.post("/login", url.Values{"username": {"bob"}, "password": {BobPassword}})
	if got := b.get("/api/admin/me"); got.body != "{\"login\":\"alice\"}\n" || b.me() != "bob" {
		t.Errorf("%s and %s", got.body, b.me())
	}
	if got := b.get("/admin/"); got.StatusCode != http.StatusOK || got.Header.Get("X-Ledger-Admin") != "alice" {
		t.Errorf("the page: %d", got.StatusCode)
	}
	if got := open(t, Options{}).get("/admin/login"); got.StatusCode != http.StatusNotFound {
		t.Errorf("without the knob: %d", got.StatusCode)
	}
}

func TestAPISession(t *testing.T) {
	b := open(t, Options{Knobs: Knobs{NoFormToken: true, APISession: true}})
	got := b.postJSON("/api/login", `{"user":{"name":"alice","password":"`+AlicePassword+`"}}`)
	if line := got.Header.Get("Set-Cookie"); !strings.HasPrefix(line, APICookie+"=") || !strings.Contains(line, "Path=/api") {
		t.Errorf("%q", line)
	}
	b.post("/login", url.Values{"username": {"bob"}, "password": {BobPassword}})
	if got := b.get("/whoami"); got.body != "{\"login\":\"bob\"}\n" || b.me() != "alice" {
		t.Errorf("%s elsewhere, %s at the interface", got.body, b.me())
	}
	if got := b.get("/whoami", "Cookie", strings.Split(got.Header.Get("Set-Cookie"), ";")[0]); got.body != "{\"login\":\"alice\"}\n" {
		t.Errorf("with the interface's cookie: %s", got.body)
	}
}

func TestOddAnswersOfALogin(t *testing.T) {
	b := open(t, Options{Knobs: Knobs{NoFormToken: true, LoginStatus: http.StatusNotFound}})
	if got := b.post("/login", aliceForm); got.StatusCode != http.StatusNotFound || !strings.Contains(got.body, `id="whoami">alice`) || b.me() != "alice" {
		t.Errorf("%d, now %s", got.StatusCode, b.me())
	}
	c := open(t, Options{Knobs: Knobs{NoFormToken: true, PickyAccept: true}})
	if got := c.post("/login", aliceForm, "Accept", "application/xml"); got.StatusCode != http.StatusNotAcceptable || c.me() != "alice" {
		t.Errorf("%d, now %s", got.StatusCode, c.me())
	}
	if got := c.post("/login", aliceForm, "Accept", "text/html"); got.StatusCode != http.StatusSeeOther {
		t.Errorf("HTML: %d", got.StatusCode)
	}
}

func TestSendOn(t *testing.T) {
	nobody := url.Values{"username": {"nobody"}, "password": {"guess"}, "next": {"/files"}}
	b := open(t, Options{Knobs: Knobs{NoFormToken: true, SendOn: true}})
	if got := b.post("/login", nobody); got.StatusCode != http.StatusOK {
		t.Errorf("a stranger: %d", got.StatusCode)
	}
	b.post("/login", aliceForm)
	if got := b.post("/login", nobody); got.Header.Get("Location") != "/files" || b.me() != "alice" {
		t.Errorf("%d, now %s", got.StatusCode, b.me())
	}
}

func TestSetAlways(t *testing.T) {
	b := open(t, Options{Knobs: Knobs{NoFormToken: true, SetAlways: true}})
	if got := b.get("/static/style.css"); !strings.HasPrefix(got.Header.Get("Set-Cookie"), SessionCookie+"=") {
		t.Errorf("a stranger: %v", got.Header["Set-Cookie"])
	}
	b.post("/login", aliceForm)
	before := b.cookie(SessionCookie)
	if got := b.get("/static/style.css"); !strings.HasPrefix(got.Header.Get("Set-Cookie"), SessionCookie+"="+before) || b.me() != "alice" {
		t.Errorf("%v, now %s", got.Header["Set-Cookie"], b.me())
	}
}

func TestBinds(t *testing.T) {
	b := open(t, Options{Knobs: Knobs{NoFormToken: true, Binds: "Client-IP"}})
	b.post("/login", aliceForm, "Client-IP", "192.0.2.6")
	if got := b.me("Client-IP", "192.0.2.6"); got != "alice" {
		t.Errorf("with it: %s", got)
	}
	for _, header := range [][]string{nil, {"Client-IP", "192.0.2.7"}} {
		if got := b.me(header...); got != unauthorized {
			t.Errorf("%v: %s", header, got)
		}
	}
}

func TestNamesStrangers(t *testing.T) {
	b := open(t, Options{Knobs: Knobs{NoFormToken: true, NamesStrangers: true}})
	if got := b.me(); got != "anonymous" {
		t.Errorf("a stranger: %s", got)
	}
	if b.post("/login", aliceForm); b.me() != "alice" {
		t.Errorf("now %s", b.me())
	}
}

func TestTranslates(t *testing.T) {
	wrong := url.Values{"username": {"alice"}, "password": {"wrong"}}
	b := open(t, Options{Knobs: Knobs{NoFormToken: true, Translates: true}})
	if got := b.post("/login", wrong); !strings.Contains(got.body, "Wrong user name") {
		t.Errorf("English: %s", got.body)
	}
	if got := b.post("/login", wrong, "Accept-Language", "de"); strings.Contains(got.body, "Wrong user name") {
		t.Error("no German")
	}
	if got := b.post("/login", wrong, "Range", "bytes=0-7"); got.StatusCode != http.StatusPartialContent || len(got.body) != 8 {
		t.Errorf("a part: %d %q", got.StatusCode, got.body)
	}
}

func TestMounts(t *testing.T) {
	b := open(t, Options{Knobs: Knobs{NoFormToken: true, Mounts: true}})
	for _, name := range []string{"X-Script-Name", "X_Script_Name", "X-Forwarded-Prefix", "X-Ingress-Path", "X-Base-Path", "X-Mount-Path"} {
		if got := b.get("/static/login", name, "/static"); got.StatusCode != http.StatusOK || !strings.Contains(got.body, `id="login"`) {
			t.Errorf("%s: %d", name, got.StatusCode)
		}
	}
	if got := b.get("/static/login"); got.StatusCode != http.StatusNotFound {
		t.Errorf("without: %d", got.StatusCode)
	}
	if got := b.get("/staticlogin", "X-Script-Name", "/static"); got.StatusCode != http.StatusNotFound {
		t.Errorf("half a name: %d", got.StatusCode)
	}
}

func TestFillsAndTellsByCookie(t *testing.T) {
	b := open(t, Options{Knobs: Knobs{NoFormToken: true, Fills: true, TellsByCookie: true}})
	if got := b.get("/login?fill=3"); len(got.Header["Set-Cookie"]) < 33 {
		t.Errorf("%d cookies", len(got.Header["Set-Cookie"]))
	}
	if b.cookie(LastCookie) != "" {
		t.Error("the cookie is set without a sign-in")
	}
	b.post("/login", aliceForm)
	first := b.cookie(LastCookie)
	b.post("/login", aliceForm)
	if second := b.cookie(LastCookie); first == "" || second == "" || first == second {
		t.Errorf("%q, %q", first, second)
	}
}

// TestOneSession: a sign-in ends the account's other sessions, and may choose how long its cookie lasts, and for which
// domain.
func TestOneSession(t *testing.T) {
	b := open(t, Options{Knobs: Knobs{NoFormToken: true, OneSession: true, ChoosesCookie: true}})
	b.asAlice()
	other := b.another()
	other.asAlice()
	if b.me() == "alice" || other.me() != "alice" {
		t.Errorf("first %q, second %q", b.me(), other.me())
	}
	line := b.another().post("/login?cookie_for=-60&cookie_domain=other.example", aliceForm).Header.Get("Set-Cookie")
	if !strings.HasSuffix(line, "; Max-Age=-60; Domain=other.example") {
		t.Errorf("the cookie: %s", line)
	}
}

// TestRemembers: the second cookie signs in once the session is over, until a sign-out.
func TestRemembers(t *testing.T) {
	b := open(t, Options{Knobs: Knobs{NoFormToken: true, OneSession: true, Remembers: true}})
	b.asAlice()
	b.another().asAlice()
	if b.cookie(RememberCookie) == "" || b.me() != "alice" {
		t.Errorf("the cookie %q, and %q", b.cookie(RememberCookie), b.me())
	}
	b.post("/logout", nil)
	if b.me() == "alice" {
		t.Error("the cookie still signs in after a sign-out")
	}
}
