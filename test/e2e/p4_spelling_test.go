package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/site"
)

// loginsReceived counts what reached the app as a login, however its address was spelled.
func (l *ledger) loginsReceived() (count int) {
	for _, received := range l.app.Received() {
		if !strings.EqualFold(received.Method, http.MethodGet) {
			count++
		}
	}
	return count
}

// TestP4_LoginPathSpelledOtherwise: the attacker types the right password at an address that the app takes for its
// login page and a naive gateway does not. That gateway would forward it as an ordinary request, and not withhold the
// answer. Each spelling is refused before it reaches the app, and nobody gains anything: neither a stranger, nor
// somebody with a session and a factor of his own.
func TestP4_LoginPathSpelledOtherwise(t *testing.T) {
	t.Parallel()
	l := newLedger(t, demo.Knobs{LoosePaths: true}, commonLines+formLogin+jsonLogin+askIdentity+staticPublic, site.Options{})
	l.enrolled(t, "alice", demo.AlicePassword)
	bob, _ := l.verified(t, "bob", demo.BobPassword)
	spellings := []string{
		"//login", "/login/", "/login;x", "/login;x=y", "/LOGIN", "/Login", "/%6cogin", "/%6Cogin", "/login%00", "/login%00.css", "/login%2500.css", "/log%00in",
		"/login%20", "/login%C2%A0", "/login.", "/./login", "/static/../login", "/static/%2e%2e/login", "/login//", "/%2flogin", "/login%2f",
		"/login%3bx", `/%5clogin`, "/%256cogin", "/login%09",
	}
	for _, who := range []struct {
		name   string
		client func() *site.Client
		state  string
		user   string
	}{
		{"stranger", func() *site.Client { return l.Client(t) }, "anonymous", ""},
		{"verified", func() *site.Client { return bob }, "verified", "bob"},
	} {
		for _, path := range spellings {
			for _, method := range []string{"POST", "post", "Post"} {
				c := who.client()
				form := url.Values{"username": {"alice"}, "password": {demo.AlicePassword}}
				if who.name == "stranger" {
					form.Set("csrf", site.Find(t, csrfField, c.Get("/login").Text))
				}
				l.app.ForgetReceived()
				got := c.Do(method, path, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, form.Encode())
				if got.StatusCode != http.StatusBadRequest {
					t.Errorf("%s: %s %s: %d to %q, want 400", who.name, method, path, got.StatusCode, got.Location())
				}
				wantsNothingOf(t, got)
				if n := l.loginsReceived(); n != 0 {
					t.Errorf("%s: %s %s reached the app", who.name, method, path)
				}
				wantsState(t, c, who.state, who.user)
			}
		}
		for _, path := range []string{"/api/login/", "/API/login", "//api/login", "/api//login", "/api/login;x", "/api/%6cogin", "/api/login%00", "/api/login%00.css", "/static/../api/login"} {
			c := who.client()
			l.app.ForgetReceived()
			if got := c.PostJSON(path, credentials("alice", demo.AlicePassword)); got.StatusCode != http.StatusBadRequest || l.loginsReceived() != 0 {
				t.Errorf("%s: %s: %d, want 400", who.name, path, got.StatusCode)
			}
			wantsState(t, c, who.state, who.user)
		}
	}
	wantsEntries(t, bob, "bob")

	// The plain spelling is a login, and leads to the challenge.
	c := l.Client(t)
	l.app.ForgetReceived()
	signIn(t, c, "alice", demo.AlicePassword).Wants(t, http.StatusSeeOther, "/second-factor/challenge")
	if l.loginsReceived() != 1 {
		t.Error("the control never reached the app")
	}
	wantsState(t, c, "pending", "alice")
}

// TestP4_TwoNames: one login carries two names. The gateway reads bob, who has no factor or whose factor the attacker
// has, and the app signs alice in. What can be read in two ways is refused before it reaches the app, even with
// `identity`.
func TestP4_TwoNames(t *testing.T) {
	t.Parallel()
	for name, block := range map[string]string{
		"identity":    commonLines + formLogin + jsonLogin + askIdentity + staticPublic,
		"no identity": commonLines + typedLogins + staticPublic,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLedger(t, demo.Knobs{}, block, site.Options{})
			const form, multipart, script = "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "application/json"
			part := func(field, value string) string {
				return "--b\r\nContent-Disposition: form-data; name=\"" + field + "\"\r\n\r\n" + value + "\r\n"
			}
			alice := "&password=" + demo.AlicePassword
			for _, attack := range []struct{ path, contentType, body string }{
				{"/login", form, "username=bob&username=alice" + alice},
				{"/login", form, "username=alice&username=bob" + alice},
				{"/login", form, "username=alice&username=alice" + alice},
				{"/login?username=bob", form, "username=alice" + alice},
				{"/login?username=alice", form, "username=bob" + alice},
				{"/login?username=alice", form, "password=" + demo.AlicePassword},
				{"/login?%75sername=bob", form, "username=alice" + alice},
				{"/login", form, "username=bob&%75sername=alice" + alice},
				{"/login", form, "username=bob&username[]=alice" + alice},
				{"/login", form, "username=bob;username=alice" + alice},
				{"/login", form, "username=bob&USERNAME=alice" + alice},
				{"/login", form, "username=bob%00alice" + alice},
				{"/login", form + "; charset=utf-16", "username=bob" + alice},
				{"/login", multipart, part("username", "bob") + part("username", "alice") + part("password", demo.AlicePassword) + "--b--\r\n"},
				{"/login?username=bob", multipart, part("username", "alice") + part("password", demo.AlicePassword) + "--b--\r\n"},
				{"/api/login", script, `{"user":{"name":"bob","name":"alice","password":"` + demo.AlicePassword + `"}}`},
				{"/api/login", script, `{"user":{"name":"alice","name":"bob","password":"` + demo.AlicePassword + `"}}`},
				{"/api/login", script, `{"user":{"name":"bob","password":"x"},"user":{"name":"alice","password":"` + demo.AlicePassword + `"}}`},
				{"/api/login", script, `{"user":{"name":"bob","NAME":"alice","password":"` + demo.AlicePassword + `"}}`},
				{"/api/login", script, `{"USER":{"name":"alice","password":"` + demo.AlicePassword + `"},"user":{"name":"bob"}}`},
				{"/api/login", script, `{"u\u017fer":{"name":"alice","password":"` + demo.AlicePassword + `"},"user":{"name":"bob"}}`},
				{"/api/login", script, `{"user":{"name":"bob","n\u0061me":"alice","password":"` + demo.AlicePassword + `"}}`},
				{"/api/login", script, `{"user":{"name":"bob","password":"x"}}{"user":{"name":"alice","password":"` + demo.AlicePassword + `"}}`},
				{"/api/login?user=bob&name=bob", form, `{"user":{"name":"alice","password":"` + demo.AlicePassword + `"}}`},
			} {
				c := l.Client(t)
				body := attack.body
				if attack.path != "/api/login" && attack.contentType == form {
					body += "&csrf=" + site.Find(t, csrfField, c.Get("/login").Text)
				}
				l.app.ForgetReceived()
				got := c.Do("POST", attack.path, http.Header{"Content-Type": {attack.contentType}}, body)
				if got.StatusCode != http.StatusBadRequest || l.loginsReceived() != 0 {
					t.Errorf("%s %s: %d, want 400, and nothing at the app", attack.path, attack.body, got.StatusCode)
				}
				wantsState(t, c, "anonymous", "")
			}
			signIn(t, l.Client(t), "alice", demo.AlicePassword).Wants(t, http.StatusSeeOther, "/")
			signInScript(l.Client(t), "alice", demo.AlicePassword).Wants(t, http.StatusOK, "")
		})
	}
}

// TestP4_OtherNamesOfOneAccount: the app takes ALICE, ` alice ` and alice@example.com for alice. With `identity`
// alice's own factor is asked for with each of them, because the app's word counts.
func TestP4_OtherNamesOfOneAccount(t *testing.T) {
	t.Parallel()
	l := newLedger(t, demo.Knobs{}, commonLines+formLogin+jsonLogin+askIdentity+staticPublic, site.Options{})
	authenticator := l.enrolled(t, "alice", demo.AlicePassword)
	for _, name := range []string{"alice", "ALICE", " alice ", "\u00a0alice", "alice@example.com", " Alice@Example.COM"} {
		c := l.Client(t)
		signIn(t, c, name, demo.AlicePassword).Wants(t, http.StatusSeeOther, "/second-factor/challenge")
		wantsState(t, c, "pending", "alice")
		wantsShut(t, c)

		c = l.Client(t)
		signInScript(c, name, demo.AlicePassword).Wants(t, http.StatusUnauthorized, "")
		wantsState(t, c, "pending", "alice")
		c.Pass(authenticator).Wants(t, http.StatusSeeOther, "/")
		wantsState(t, c, "verified", "alice")
		wantsEntries(t, c, "alice")
	}
}

// TestP4_OtherNamesWithoutIdentity tests what contract 4.2 promises if the app cannot be asked: typed names are
// trimmed, brought into NFKC and lower-cased, so for ALICE alice's factor is asked for. An e-mail address is another
// name, and would be another user, who is not enrolled. That stays open, the start-up log says so, and `usernames`
// closes it.
func TestP4_OtherNamesWithoutIdentity(t *testing.T) {
	t.Parallel()
	block := commonLines + typedLogins + staticPublic
	l := newLedger(t, demo.Knobs{}, block, site.Options{})
	l.enrolled(t, "alice", demo.AlicePassword)
	for _, name := range []string{"alice", "ALICE", " alice ", "\u00a0alice", "aLiCe\u3000"} {
		c := l.Client(t)
		signIn(t, c, name, demo.AlicePassword).Wants(t, http.StatusSeeOther, "/second-factor/challenge")
		wantsState(t, c, "pending", "alice")
		wantsShut(t, c)
	}
	c := l.Client(t)
	signIn(t, c, "alice@example.com", demo.AlicePassword).Wants(t, http.StatusSeeOther, "/")
	wantsState(t, c, "verified", "alice@example.com")
	if !strings.Contains(l.Log(), "other spellings of one account's name are other users here") {
		t.Error("the log does not say what stays open without identity")
	}

	strict := newLedger(t, demo.Knobs{}, block+"\n\t\tusernames ^[a-z]+$\n", site.Options{})
	strict.enrolled(t, "alice", demo.AlicePassword)
	for _, name := range []string{"alice@example.com", "ALICE@EXAMPLE.COM", "alice\n", "alice.", "al ice"} {
		c := strict.Client(t)
		page := c.Get("/login")
		strict.app.ForgetReceived()
		got := c.Post("/login", url.Values{"username": {name}, "password": {demo.AlicePassword}, "csrf": {site.Find(t, csrfField, page.Text)}})
		if got.StatusCode != http.StatusBadRequest || strict.loginsReceived() != 0 {
			t.Errorf("%q: %d, want 400, and nothing at the app", name, got.StatusCode)
		}
		wantsState(t, c, "anonymous", "")
	}
	c = strict.Client(t)
	signIn(t, c, " ALICE ", demo.AlicePassword).Wants(t, http.StatusSeeOther, "/second-factor/challenge")
	wantsState(t, c, "pending", "alice")
}
