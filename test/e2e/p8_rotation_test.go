package e2e

import (
	"net/http"
	"net/url"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/site"
)

// TestP8_TokenChangesAtEachStep: a token that an attacker learned before the login, before the factor, or before a
// change of factors is worth nothing afterwards.
func TestP8_TokenChangesAtEachStep(t *testing.T) {
	t.Parallel()
	l := newLedger(t, demo.Knobs{}, "", site.Options{})
	c := l.Client(t)
	seen := map[string]string{}
	step := func(name string) {
		t.Helper()
		token := c.Token()
		if token == "" {
			t.Fatalf("%s: no token", name)
		}
		if earlier, again := seen[token]; again {
			t.Errorf("%s has the token of %s", name, earlier)
		}
		for old, earlier := range seen {
			if got := l.with(t, old).Status(); got == "" || got[:len(`{"state":"anonymous"`)] != `{"state":"anonymous"` {
				t.Errorf("%s: the token of %s is still alive: %s", name, earlier, got)
			}
		}
		seen[token] = name
	}
	c.Get("/login")
	step("the login page")
	signIn(t, c, "alice", demo.AlicePassword).Wants(t, http.StatusSeeOther, "/")
	step("the login")
	authenticator, _ := c.Enrol(skew)
	step("the set-up")
	c.Own("/reset", "/reset", url.Values{"code": {authenticator.Code(t)}})
	next := site.NewAuthenticator(site.Find(t, site.Secret, c.Get("/second-factor/setup").Text), skew)
	c.Own("/setup", "/setup/confirm", url.Values{"code": {next.Code(t)}})
	step("the reset")
	c.SignOut()
	signIn(t, c, "alice", demo.AlicePassword)
	step("the second login")
	c.Pass(next).Wants(t, http.StatusSeeOther, "/")
	step("the challenge")
	wantsEntries(t, c, "alice")
	c.Own("/recovery-codes", "/recovery-codes", url.Values{"code": {next.Code(t)}}).Wants(t, http.StatusSeeOther, "/second-factor/recovery-codes")
	step("new recovery codes")
	c.Own("/disable", "/disable", url.Values{"code": {next.Code(t)}}).Wants(t, http.StatusSeeOther, "/second-factor/")
	step("the end of the second factor")
	wantsEntries(t, c, "alice")
}

// TestP8_PlantedToken: mallory plants a token of his own choice, or that of his own anonymous session, in alice's
// browser and waits for her to sign in with it.
func TestP8_PlantedToken(t *testing.T) {
	t.Parallel()
	l := newLedger(t, demo.Knobs{}, "", site.Options{})
	alice := l.enrolled(t, "alice", demo.AlicePassword)
	mallory := l.Client(t)
	mallory.Get("/login")
	for name, planted := range map[string]string{
		"made up": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "his own": mallory.Token(), "nonsense": "x",
	} {
		c := l.Client(t)
		c.SetCookie("sallyport", planted)
		signIn(t, c, "alice", demo.AlicePassword).Wants(t, http.StatusSeeOther, "/second-factor/challenge")
		wantsState(t, l.with(t, planted), "anonymous", "")
		c.Pass(alice).Wants(t, http.StatusSeeOther, "/")
		wantsState(t, l.with(t, planted), "anonymous", "")
		if c.Token() == planted {
			t.Errorf("%s: alice has the planted token", name)
		}
	}
}

// TestP8_SlowRequestAfterSignOut: a request of a session is under way when its user signs out, or when the session is
// renewed. Its answer sets a cookie and comes afterwards. It must not bring the old token back to life, with its old
// rights.
func TestP8_SlowRequestAfterSignOut(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"gateway's logout", "app's logout", "another login"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			var gate *doors
			l := newWrapped(t, demo.Knobs{Rotate: true}, commonLines+formLogin+jsonLogin+askIdentity+staticPublic, func(app *demo.App) http.Handler {
				gate = newDoors(t, app, func(r *http.Request) bool { return r.URL.Path == "/source" })
				return gate
			})
			c, _ := l.verified(t, "alice", demo.AlicePassword)
			token := c.Token()
			done := make(chan site.Answer, 1)
			go func() {
				slow := l.with(t, token)
				answer, err := slow.Try("GET", "/source?bytes=10", nil, "")
				if err != nil {
					t.Errorf("slow request: %v", err)
				}
				done <- answer
			}()
			gate.wait(t)
			switch how {
			case "gateway's logout":
				c.SignOut()
			case "app's logout":
				c.Get("/logout").Wants(t, http.StatusSeeOther, "/login")
			case "another login":
				signInScript(c, "alice", demo.AlicePassword)
			}
			wantsState(t, l.with(t, token), "anonymous", "")
			gate.open <- struct{}{}
			answer := <-done
			if fresh := tokenOf(answer); fresh != "" {
				wantsState(t, l.with(t, fresh), "anonymous", "")
			}
			wantsNothingOf(t, answer)
			wantsState(t, l.with(t, token), "anonymous", "")
			wantsShut(t, l.with(t, token))
		})
	}
}

// TestP8_TokenOfAnotherSite: two sites share one process and one session store in memory. The token of one site counts
// for nothing at the other.
func TestP8_TokenOfAnotherSite(t *testing.T) {
	t.Parallel()
	upstream := site.Serve(t, demo.New(demo.Options{}))
	l := newLedger(t, demo.Knobs{}, "", site.Options{})
	port := l.Address[len("127.0.0.1:"):]
	l.Stop()
	l.Write(l.Caddyfile() + "\nhttp://localhost:" + port + ` {
	second_factor {
		app other
		login /login {
			username form username
		}
		identity /api/me json /login
		renews
	}
	reverse_proxy ` + upstream + "\n}\n")
	l.Run()
	c, _ := l.verified(t, "alice", demo.AlicePassword)
	wantsEntries(t, c, "alice")
	got := l.with(t, c.Token()).Do("GET", "/api/entries", http.Header{"Host": {"localhost:" + port}}, "")
	if got.StatusCode != http.StatusSeeOther || got.Location() != "/login" {
		t.Fatalf("a token of one site opens another: %d %s", got.StatusCode, got.Text)
	}
}
