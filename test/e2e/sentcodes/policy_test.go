package sentcodes

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/factor/passkey/passkeytest"
	"sallyport.example/sallyport/test/servers"
	"sallyport.example/sallyport/test/site"
)

// every is block with every kind of factor, whose addresses the user types.
var every = strings.Replace(withPasskeys, "address  json /email", "address  user", 1)

// named is like every, but the app says what the mailbox is.
var named = withPasskeys

// startEvery starts a site with every kind of factor, at a name that passkeys can be bound to. The gateway for text
// messages is none.
func startEvery(t *testing.T, words, more string, server *servers.Mailpit) *place {
	t.Helper()
	app := demo.New(demo.Options{})
	t.Cleanup(app.Close)
	app.SetMail("alice", mailbox)
	global := "sessions memory\n\t\tmail smtp smtp://" + server.SMTP + " {\n\t\t\tfrom no-reply@example.com\n\t\t}\n" +
		"\t\tsms http " + nobody + " {\n\t\t\tbody form to={sms.to}&text={sms.text}\n\t\t}"
	return &place{site.Start(t, site.Serve(t, app), words+fast+more, site.Options{Host: "localhost", Sessions: global}), app}
}

// operatorCode has an operator do what makes a code for alice: code, or reset.
func operatorCode(t *testing.T, p *place, act string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), site.Binary(t), "user", act, "--json", "--address", "unix/"+filepath.Join(p.Folder, "admin.sock"),
		"ledger", "alice", "--reason", "first day")
	var said bytes.Buffer
	command.Stderr = &said
	out, err := command.Output()
	var made struct{ Code string }
	if err != nil || json.Unmarshal(out, &made) != nil || made.Code == "" {
		t.Fatalf("user %s: %v %s %s", act, err, out, said.String())
	}
	return made.Code
}

// passwordFrom is somebody who has typed alice's password, at an address of the loopback.
func passwordFrom(t *testing.T, p *place, address string) *site.Client {
	t.Helper()
	c := p.ClientFrom(t, address)
	page := c.Get("/login")
	answer := c.Post("/login", url.Values{
		"username": {"alice"}, "password": {demo.AlicePassword}, "csrf": {site.Find(t, csrfField, page.Text)},
	})
	if answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("signing in: %d", answer.StatusCode)
	}
	return c
}

// plants tries to set up a first factor of a kind, with more in the form, and returns the first answer that is a
// refusal. from is the page whose token the forms carry.
func plants(c *site.Client, from, kind string, more url.Values) site.Answer {
	values := url.Values{"kind": {kind}}
	for name := range more {
		values[name] = more[name]
	}
	switch kind {
	case "mail":
		values.Set("address", "mallory@example.com")
	case "sms":
		values.Set("address", "+358407654321")
	}
	begun := c.Own(from, "/setup", values)
	if begun.StatusCode >= 400 {
		return begun
	}
	if kind == "passkey" {
		return c.PostJSON("/second-factor/setup/passkey/options", "{}")
	}
	return c.Own(from, "/setup/confirm", url.Values{"code": {"123456"}})
}

// enrolled reports whether alice has a factor.
func enrolled(c *site.Client) bool { return strings.Contains(c.Status(), `"enrolled":true`) }

// TestP1_PasswordAlonePlantsNoFirstFactor is an attack: somebody who has only the password of a user without a factor
// sets up one of her own, of each kind, and so has the account. With `enrolment code` it takes a code that an operator
// made, also for her who guesses one, where a factor is required and where it is set up by choice, and where she begins
// with a passkey's script. The control: with the code the user sets up an authenticator, and the code is used up.
func TestP1_PasswordAlonePlantsNoFirstFactor(t *testing.T) {
	t.Parallel()
	server := servers.StartMailpit(t, servers.MailOptions{})
	for name, require := range map[string]string{"required": "\t\trequire everyone\n", "by choice": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := startEvery(t, every, "\t\tenrolment code\n"+require, server)
			thief, from := signedIn(t, p), "/"
			if require != "" {
				from = "/setup"
			}
			guess := url.Values{"enrolment_code": {"1111-2222-3333-4444-5555"}}
			for _, kind := range []string{"totp", "passkey", "mail", "sms"} {
				more := url.Values{}
				if kind == "sms" && require != "" { // else nothing is known of alice when the code is made
					more = guess
				}
				if answer := plants(thief, from, kind, more); answer.StatusCode != http.StatusUnprocessableEntity || strings.Contains(answer.Text, `id="qr"`) {
					t.Errorf("%s: %d to %s", kind, answer.StatusCode, answer.Location())
				} else if !strings.Contains(answer.Text, `name="enrolment_code"`) || !strings.Contains(answer.Text, `name="kind" value="`+kind+`"`) {
					t.Errorf("%s: the page does not ask for the code, or forgets the kind: %s", kind, answer.Text)
				}
				for _, path := range []string{"/setup/passkey/options", "/setup/passkey", "/setup/confirm"} {
					if answer := thief.PostJSON("/second-factor"+path, `{"code":"123456"}`); answer.StatusCode < 400 {
						t.Errorf("%s: %d", path, answer.StatusCode)
					}
				}
			}
			if messages, err := server.Messages(); err != nil || len(messages) != 0 {
				t.Errorf("%d messages: %v", len(messages), err)
			}
			if enrolled(thief) {
				t.Fatal("she has a factor")
			}
			code := operatorCode(t, p, "code")
			owner := signedIn(t, p)
			owner.Own(from, "/setup", url.Values{"enrolment_code": {code}}).Wants(t, http.StatusSeeOther, "/second-factor/setup")
			thief.Own(from, "/setup", url.Values{"enrolment_code": {code}}).Wants(t, http.StatusUnprocessableEntity, "")
			app := site.NewAuthenticator(site.Find(t, site.Secret, owner.Get("/second-factor/setup").Text), 10)
			owner.Own("/setup", "/setup/confirm", url.Values{"code": {app.Code(t)}}).Wants(t, http.StatusSeeOther, "/second-factor/recovery-codes")
			if !enrolled(owner) {
				t.Error("the owner has no factor")
			}
			if strings.Contains(p.Log(), "sets up one of her own") {
				t.Error("the log warns of what cannot be done")
			}
		})
	}
}

// TestP1_NoFirstFactorFromElsewhere is an attack: somebody with the password sits outside of the operator's network,
// and sets up a first factor of each kind from there, also with a forged X-Forwarded-For, also in a set-up that she has
// begun inside and goes on with outside. The control: from inside it is set up, and a further one then from anywhere.
func TestP1_NoFirstFactorFromElsewhere(t *testing.T) {
	t.Parallel()
	const inside = "127.0.0.66"
	server := servers.StartMailpit(t, servers.MailOptions{})
	p := startEvery(t, every, "\t\tenrolment network 127.0.0.64/28 2001:db8::/32\n", server)
	forged := http.Header{"X-Forwarded-For": {inside}, "X-Real-Ip": {inside}, "Forwarded": {"for=" + inside}}
	for _, header := range []http.Header{nil, forged} {
		thief := signedIn(t, p)
		thief.Header = header
		for _, kind := range []string{"totp", "passkey", "mail", "sms"} {
			if answer := plants(thief, "/", kind, nil); answer.StatusCode != http.StatusForbidden || !strings.Contains(answer.Text, `role="alert"`) ||
				!strings.Contains(answer.Text, "networks") {
				t.Errorf("%s: %d to %s: %s", kind, answer.StatusCode, answer.Location(), answer.Text)
			}
		}
		if answer := thief.Get("/second-factor/setup"); answer.StatusCode != http.StatusForbidden {
			t.Errorf("GET /setup: %d", answer.StatusCode)
		}
		for _, path := range []string{"/setup/passkey/options", "/setup/passkey"} {
			if answer := thief.PostJSON("/second-factor"+path, "{}"); answer.StatusCode != http.StatusForbidden {
				t.Errorf("%s: %d %s", path, answer.StatusCode, answer.Text)
			}
		}
	}

	for _, kind := range []string{"totp", "passkey", "mail"} {
		begun := passwordFrom(t, p, inside)
		begun.Own("/", "/setup", url.Values{"kind": {kind}, "address": {"mallory@example.com"}}).Wants(t, http.StatusSeeOther, "/second-factor/setup")
		page := begun.Get("/second-factor/setup")
		token := site.Find(t, site.OwnToken, page.Text)
		outside := p.Client(t)
		outside.SetCookie("sallyport", begun.Token())
		if answer := outside.Get("/second-factor/setup"); answer.StatusCode != http.StatusForbidden {
			t.Errorf("%s, outside: %d", kind, answer.StatusCode)
		}
		code := "123456"
		if kind == "totp" {
			code = site.NewAuthenticator(site.Find(t, site.Secret, page.Text), 10).Code(t)
		}
		answer := outside.Post("/second-factor/setup/confirm", url.Values{"csrf_token": {token}, "code": {code}})
		if kind == "passkey" {
			answer = outside.PostJSON("/second-factor/setup/passkey/options", "{}")
		}
		if answer.StatusCode != http.StatusForbidden {
			t.Errorf("%s, confirmed outside: %d to %s", kind, answer.StatusCode, answer.Location())
		}
		if enrolled(begun) {
			t.Fatalf("%s was set up", kind)
		}
	}

	owner := passwordFrom(t, p, inside)
	app, codes := owner.Enrol(10)
	outside := signedIn(t, p)
	outside.Pass(app)
	device := passkeytest.New(t, p.URL)
	outside.Own("/add?kind=passkey", "/add", url.Values{"kind": {"passkey"}, "code": {codes[0]}}).Wants(t, http.StatusSeeOther, "/second-factor/setup")
	options := outside.PostJSON("/second-factor/setup/passkey/options", "{}")
	if answer := outside.PostJSON("/second-factor/setup/passkey", device.Create(t, options.Text)); answer.StatusCode != http.StatusCreated {
		t.Errorf("a further factor from outside: %d %s", answer.StatusCode, answer.Text)
	}

	code := operatorCode(t, p, "reset")
	away := signedIn(t, p)
	away.Own("/setup", "/setup", nil).Wants(t, http.StatusUnprocessableEntity, "")
	away.Own("/setup", "/setup", url.Values{"enrolment_code": {code}}).Wants(t, http.StatusSeeOther, "/second-factor/setup")
}

// withTwoKeys is alice with two passkeys, codes by e-mail and an authenticator, at a site with the words. It returns
// the device with the first passkey, the authenticator, and her recovery codes.
func withTwoKeys(t *testing.T, p *place, server *servers.Mailpit) (*passkeytest.Authenticator, *site.Authenticator, []string) {
	t.Helper()
	c := signedIn(t, p)
	app, codes := c.Enrol(10)
	prove := func() url.Values { code := codes[0]; codes = codes[1:]; return url.Values{"code": {code}} }
	var device *passkeytest.Authenticator
	for range 2 {
		device = passkeytest.New(t, p.URL)
		values := prove()
		values.Set("kind", "passkey")
		c.Own("/add?kind=passkey", "/add", values).Wants(t, http.StatusSeeOther, "/second-factor/setup")
		options := c.PostJSON("/second-factor/setup/passkey/options", "{}")
		if answer := c.PostJSON("/second-factor/setup/passkey", device.Create(t, options.Text)); answer.StatusCode != http.StatusCreated {
			t.Fatalf("the passkey: %d %s", answer.StatusCode, answer.Text)
		}
	}
	values := prove()
	values.Set("kind", "mail")
	before := len(messages(t, server))
	c.Own("/add?kind=mail", "/add", values).Wants(t, http.StatusSeeOther, "/second-factor/setup")
	c.Own("/setup", "/setup/confirm", url.Values{"code": {mailed(t, server, before+1)}}).Wants(t, http.StatusSeeOther, "/second-factor/")
	return device, app, codes
}

func messages(t *testing.T, server *servers.Mailpit) (all []string) {
	t.Helper()
	found, err := server.Messages()
	if err != nil {
		t.Fatal(err)
	}
	for _, message := range found {
		all = append(all, message.Text)
	}
	return all
}

// TestP5_NoWayDownFromPasskeys is an attack: somebody has the password and the mailbox of a user with two passkeys, and
// the codes of her authenticator, read over her shoulder. She asks for a code by e-mail, types the authenticator's, and
// neither is a way in, by form or script, and no message is sent. A recovery code leads to a new passkey, and says so.
// The controls: the passkey signs in; and where the operator says `fallback any`, the authenticator and the mailbox do.
func TestP5_NoWayDownFromPasskeys(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		words string
		opens bool
	}{
		"by default": {words: ""},
		"same":       {words: "\t\tfallback same\n"},
		"none":       {words: "\t\tfallback none\n"},
		"any":        {words: "\t\tfallback any\n", opens: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := servers.StartMailpit(t, servers.MailOptions{})
			p := startEvery(t, named, test.words, server)
			device, app, codes := withTwoKeys(t, p, server)
			before := len(messages(t, server))

			thief := signedIn(t, p)
			page := thief.Get("/second-factor/challenge?kind=mail").Text
			status := thief.Status()
			for _, kind := range []string{"totp", "mail"} {
				if offered := strings.Contains(page, `data-kind="`+kind+`"`) || strings.Contains(page, `data-kind=`+kind); offered != test.opens {
					t.Errorf("the challenge offers %s: %t", kind, offered)
				}
				if listed := strings.Contains(status, `"`+kind+`"`); listed != test.opens {
					t.Errorf("methods: %s", status)
				}
			}
			sent, code := send(thief, "mail"), "123456"
			if test.opens {
				sent.Wants(t, http.StatusOK, "")
				code = mailed(t, server, before+1)
			} else {
				sent.Wants(t, http.StatusConflict, "")
				thief.Own("/challenge", "/challenge/send", url.Values{"kind": {"mail"}}).Wants(t, http.StatusConflict, "")
				if got := messages(t, server); len(got) != before {
					t.Errorf("%d messages, there were %d", len(got), before)
				}
			}
			want := map[bool]int{true: http.StatusNoContent, false: http.StatusUnprocessableEntity}[test.opens]
			give(thief, "mail", code).Wants(t, want, "")
			byApp := signedIn(t, p)
			give(byApp, "totp", app.Code(t)).Wants(t, want, "")
			if !test.opens {
				byApp.Pass(app).Wants(t, http.StatusUnprocessableEntity, "")
				byApp.Get("/").Wants(t, http.StatusSeeOther, "/second-factor/challenge")
			}

			lost := signedIn(t, p)
			answer := lost.Own("/recovery", "/recovery", url.Values{"code": {codes[0]}, "then": {"ask"}})
			if test.opens {
				answer.Wants(t, http.StatusSeeOther, "/second-factor/recovery-used")
			} else {
				answer.Wants(t, http.StatusSeeOther, "/second-factor/add?kind=passkey")
				if page := lost.Get(answer.Location()); page.StatusCode != http.StatusOK || !strings.Contains(page.Text, `role="status"`) {
					t.Errorf("the page that it leads to: %d %s", page.StatusCode, page.Text)
				}
				lost.Own("/add?kind=passkey", "/add", url.Values{"kind": {"passkey"}}).Wants(t, http.StatusSeeOther, "/second-factor/setup")
			}
			if again := signedIn(t, p).Own("/recovery", "/recovery", url.Values{"code": {codes[0]}}); again.StatusCode != http.StatusUnprocessableEntity {
				t.Errorf("the recovery code again: %d", again.StatusCode)
			}

			owner := signedIn(t, p)
			options := owner.PostJSON("/second-factor/challenge/passkey/options", "{}")
			owner.PostJSON("/second-factor/challenge/passkey", device.Get(t, options.Text)).Wants(t, http.StatusOK, "")
		})
	}
}

// TestP5_NoKeyNoTrust is an attack: somebody copies the cookies of a browser that was trusted without a key, and signs
// in with them and the password. With `remember <d> key` no browser is trusted that holds none, not even by a client
// that asks for it. The control: without `key` it is.
func TestP5_NoKeyNoTrust(t *testing.T) {
	t.Parallel()
	server := servers.StartMailpit(t, servers.MailOptions{})
	for words, trusted := range map[string]bool{"\t\tremember 30d key\n": false, "\t\tremember 30d\n": true} {
		p := startEvery(t, every, words, server)
		app, _ := signedIn(t, p).Enrol(10)
		answer := signedIn(t, p).PostJSON("/second-factor/challenge", `{"code":"`+app.Code(t)+`","trust":"yes"}`)
		answer.Wants(t, http.StatusNoContent, "")
		kept := slices.ContainsFunc(answer.Cookies(), func(cookie *http.Cookie) bool { return strings.HasSuffix(cookie.Name, "-trusted") })
		if kept != trusted {
			t.Errorf("with %q the browser is trusted: %t", words, kept)
		}
	}
}
