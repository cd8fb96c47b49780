package demo

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
)

func TestLoginForm(t *testing.T) {
	b := open(t, Options{})
	before := b.token("/login")
	stranger := b.cookie(SessionCookie)

	wrong := b.post("/login", url.Values{"csrf": {before}, "username": {"alice"}, "password": {"wrong"}, "next": {"/files"}})
	if wrong.StatusCode != http.StatusOK || !strings.Contains(wrong.body, `role="alert">Wrong user name or password.`) {
		t.Fatalf("a wrong password: %d %s", wrong.StatusCode, wrong.body)
	}
	if !strings.Contains(wrong.body, `name="next" value="/files"`) || !strings.Contains(wrong.body, `value="alice"`) {
		t.Error("the typed name is not shown again")
	}
	if strings.Contains(wrong.body, "wrong\"") || len(wrong.Header["Set-Cookie"]) != 0 && strings.Contains(strings.Join(wrong.Header["Set-Cookie"], ""), SessionCookie) {
		t.Error("a wrong password is shown again, or changes the session")
	}
	if got := b.me(); got != unauthorized {
		t.Fatalf("signed in with a wrong password: %s", got)
	}

	right := b.post("/login", url.Values{"csrf": {before}, "username": {"alice"}, "password": {AlicePassword}, "next": {"/files?x=1"}})
	if right.StatusCode != http.StatusSeeOther || right.Header.Get("Location") != "/files?x=1" {
		t.Fatalf("a right password: %d to %q", right.StatusCode, right.Header.Get("Location"))
	}
	line := right.Header.Get("Set-Cookie")
	if !strings.HasPrefix(line, SessionCookie+"=") || !strings.HasSuffix(line, "; Path=/; HttpOnly; SameSite=Lax") {
		t.Errorf("the cookie is %q", line)
	}
	if got := b.me(); got != "alice" {
		t.Errorf("signed in as %s", got)
	}
	if b.cookie(SessionCookie) == stranger {
		t.Error("the session was not rotated")
	}
	if got := b.another().me("Cookie", SessionCookie+"="+stranger); got != unauthorized {
		t.Errorf("the stranger's session lives on as %s", got)
	}
	if got := b.get("/login?next=/files"); got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != "/files" {
		t.Errorf("the form for one who is signed in: %d", got.StatusCode)
	}
}

func TestLoginNeedsItsFormToken(t *testing.T) {
	for name, knobs := range map[string]Knobs{"session": {}, "double submit": {DoubleSubmit: true}} {
		t.Run(name, func(t *testing.T) {
			b := open(t, Options{Knobs: knobs})
			for _, token := range []string{"", "x", b.another().token("/login")} {
				got := b.post("/login", url.Values{"csrf": {token}, "username": {"alice"}, "password": {AlicePassword}})
				if got.StatusCode != http.StatusForbidden || !strings.Contains(got.body, `role="alert"`) {
					t.Errorf("token %q: %d", token, got.StatusCode)
				}
			}
			b.asAlice()
		})
	}
}

func TestDoubleSubmitNeedsNoSession(t *testing.T) {
	b := open(t, Options{Knobs: Knobs{DoubleSubmit: true}})
	page := b.get("/login")
	lines := strings.Join(page.Header["Set-Cookie"], "\n")
	if strings.Contains(lines, SessionCookie) || !strings.Contains(lines, TokenCookie+"=") || strings.Contains(lines, "HttpOnly") {
		t.Errorf("cookies: %s", lines)
	}
	if b.token("/login") != b.cookie(TokenCookie) {
		t.Error("form and cookie differ")
	}
}

func TestLoginAliases(t *testing.T) {
	b := open(t, Options{})
	for _, name := range []string{"alice", "ALICE", " alice ", "\tAlice\n", "alice\u00a0", "alice@example.com", "Alice@Example.com"} {
		c := b.another()
		c.signIn(name, AlicePassword, "")
		if got := c.me(); got != "alice" {
			t.Errorf("%q signs in as %s", name, got)
		}
	}
	for _, name := range []string{"", "al ice", "alicе", "bob", "alice\x00"} {
		c := b.another()
		if got := c.signIn(name, AlicePassword, ""); got.StatusCode != http.StatusOK || c.me() != unauthorized {
			t.Errorf("%q signs in: %d", name, got.StatusCode)
		}
	}
}

// In most apps a wrong password within a session does not sign its user out.
func TestFailedLoginKeepsTheSession(t *testing.T) {
	b := open(t, Options{})
	b.asAlice()
	got := b.post("/login", url.Values{"csrf": {b.token("/")}, "username": {"bob"}, "password": {"wrong"}})
	if got.StatusCode != http.StatusOK || b.me() != "alice" {
		t.Errorf("%d, now %s", got.StatusCode, b.me())
	}
}

func TestLoginAsAnother(t *testing.T) {
	b := open(t, Options{})
	b.asAlice()
	before := b.cookie(SessionCookie)
	b.post("/login", url.Values{"csrf": {b.token("/")}, "username": {"bob"}, "password": {BobPassword}})
	if got := b.me(); got != "bob" {
		t.Errorf("now %s", got)
	}
	if got := b.another().me("Cookie", SessionCookie+"="+before); got != unauthorized {
		t.Errorf("the session before lives on as %s", got)
	}
}

func TestLoginRefusesBrokenBodies(t *testing.T) {
	b := open(t, Options{})
	for _, body := range []string{"username=%zz", strings.Repeat("x", bodyLimit+1)} {
		got := b.send(http.MethodPost, "/login", body, "Content-Type", "application/x-www-form-urlencoded")
		if got.StatusCode != http.StatusBadRequest {
			t.Errorf("%.20q: %d", body, got.StatusCode)
		}
	}
}

func TestLoginJSON(t *testing.T) {
	b := open(t, Options{})
	for _, test := range []struct {
		body   string
		status int
	}{
		{`{"user":{"name":" Alice","password":"` + AlicePassword + `"}}`, 200},
		{`{"user":{"name":"alice","password":"wrong"}}`, 401},
		{`{"user":{"name":"nobody","password":"x"}}`, 401},
		{`{}`, 401},
		{`{"user":`, 400},
		{`{"user":{"name":"alice","password":"` + AlicePassword + `"}} {}`, 400},
		{`{"user":{"name":"` + strings.Repeat("x", bodyLimit) + `"}}`, 413},
	} {
		c := b.another()
		got := c.postJSON("/api/login", test.body)
		if got.StatusCode != test.status {
			t.Errorf("%.60s: %d %s", test.body, got.StatusCode, got.body)
		}
		if signedIn := c.me() == "alice"; signedIn != (test.status == 200) {
			t.Errorf("%.60s: signed in is %v", test.body, signedIn)
		}
		if test.status == 200 && got.body != "{\"login\":\"alice\"}\n" {
			t.Errorf("the answer is %q", got.body)
		}
	}
	got := b.send(http.MethodPost, "/api/login", `{"user":{"name":"alice","password":"`+AlicePassword+`"}}`, "Content-Type", "text/plain")
	if got.StatusCode != http.StatusUnsupportedMediaType {
		t.Errorf("plain text is taken: %d", got.StatusCode)
	}
}

func TestLogout(t *testing.T) {
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		b := open(t, Options{})
		b.asAlice()
		before := b.cookie(SessionCookie)
		got := b.send(method, "/logout", "")
		if got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != "/login" || b.cookie(SessionCookie) != "" {
			t.Errorf("%s: %d", method, got.StatusCode)
		}
		if got := b.another().me("Cookie", SessionCookie+"="+before); got != unauthorized {
			t.Errorf("%s: the session lives on as %s", method, got)
		}
	}
}

func TestResetLink(t *testing.T) {
	b := open(t, Options{ResetTokens: map[string]string{"known": "Alice"}})
	made, err := b.app.ResetToken("bob")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.app.ResetToken("nobody"); err == nil {
		t.Error("a token for nobody")
	}
	for token, login := range map[string]string{"known": "alice", made: "bob"} {
		c := b.another()
		if got := c.get("/reset?token=" + token); got.StatusCode != http.StatusSeeOther || c.me() != login {
			t.Errorf("%s: %d, %s", login, got.StatusCode, c.me())
		}
		c = b.another()
		if got := c.get("/reset?token=" + token); got.StatusCode != http.StatusForbidden || c.me() != unauthorized {
			t.Errorf("%s again: %d, %s", login, got.StatusCode, c.me())
		}
	}
	if got := b.get("/reset"); got.StatusCode != http.StatusForbidden {
		t.Errorf("no token: %d", got.StatusCode)
	}
}

func TestResetLinkIsGoodOnceInParallel(t *testing.T) {
	b := open(t, Options{ResetTokens: map[string]string{"known": "alice"}})
	var group sync.WaitGroup
	won := make(chan int, 20)
	for range 20 {
		c := b.another()
		group.Go(func() { won <- c.get("/reset?token=known").StatusCode })
	}
	group.Wait()
	close(won)
	count := 0
	for status := range won {
		if status == http.StatusSeeOther {
			count++
		}
	}
	if count != 1 {
		t.Errorf("%d signed in", count)
	}
}

func TestTheme(t *testing.T) {
	b := open(t, Options{})
	if got := b.get("/login"); !strings.Contains(got.body, `data-theme="auto"`) || b.cookie(ThemeCookie) != "auto" {
		t.Errorf("first: %q", b.cookie(ThemeCookie))
	}
	for sent, kept := range map[string]string{"dark": "dark", "light": "light", `"><script>`: "auto"} {
		got := b.post("/theme", url.Values{"theme": {sent}, "next": {"/login"}})
		line := got.Header.Get("Set-Cookie")
		if got.Header.Get("Location") != "/login" || !strings.HasPrefix(line, "theme="+kept+";") || strings.Contains(line, "HttpOnly") {
			t.Errorf("%q: %d %q", sent, got.StatusCode, line)
		}
		if page := b.get("/login"); !strings.Contains(page.body, fmt.Sprintf("data-theme=%q", kept)) {
			t.Errorf("%q does not show", sent)
		}
	}
}

// An open redirect on the login form sends people to another site's copy of it.
func TestSafeNext(t *testing.T) {
	for next, want := range map[string]string{
		"/": "/", "/files?a=b#c": "/files?a=b#c", "/a//b": "/a//b", "/%2F": "/",
		"": "/", "//evil": "/", `/\evil`: "/", "/\tevil": "/", "https://evil": "/", "https:evil": "/", "javascript:x": "/",
		"evil": "/", "/a\r\nb": "/", "/ä": "/", "/%zz": "/", "/" + strings.Repeat("a", 2000): "/",
	} {
		if got := safeNext(next); got != want {
			t.Errorf("%q: %q, want %q", next, got, want)
		}
	}
}

func FuzzSafeNext(f *testing.F) {
	for _, seed := range []string{"/", "//evil", `/\evil`, "/\t/evil", "/files?x=//evil", "/%2F%2Fevil", "https:evil", "/@evil"} {
		f.Add(seed)
	}
	base, err := url.Parse("https://ledger.example/login")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, next string) {
		got := safeNext(next)
		target, err := base.Parse(got)
		if err != nil || target.Host != "ledger.example" || target.Scheme != "https" || strings.ContainsAny(got, "\r\n\t\\") {
			t.Errorf("%q leads to %v (%v)", got, target, err)
		}
	})
}
