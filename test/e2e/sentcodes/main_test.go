// Package sentcodes tests codes by e-mail and text message over the wire: the real binary in front of the demo app,
// with a real mail server and a real gateway for text messages.
package sentcodes

import (
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/servers"
	"sallyport.example/sallyport/test/site"
)

func TestMain(m *testing.M) { os.Exit(site.Main(m)) }

const mailbox, phone = "alice@example.com", "+358401234567"

// block is what the Caddyfile says about the demo app.
const block = `
		app ledger
		login /login {
			username form username
		}
		identity /api/me json /login
		renews
		logout /logout
		public /static/* /favicon.ico
		pass   theme
		totp {
			skew 10
		}
		factors totp mail sms
		mail {
			address  json /email
			lifetime 10m
		}
		sms {
			address  user
			lifetime 5m
		}
`

// withPasskeys is block where passkeys can be set up, too.
var withPasskeys = strings.Replace(block, "factors totp", "factors totp passkey", 1)

// fast are limits that a test does not run into.
const fast = `
		sending {
			delay 1ms
			hour  100
			day   100
		}
`

// place is the demo app behind a gateway that sends codes.
type place struct {
	*site.Site
	app *demo.App
}

// start starts one. smtp and sms are where the senders are.
func start(t *testing.T, smtp, sms, more string) *place {
	t.Helper()
	app := demo.New(demo.Options{Knobs: demo.Knobs{Record: 500}})
	t.Cleanup(app.Close)
	app.SetMail("alice", mailbox)
	global := "sessions memory\n\t\tmail smtp smtp://" + smtp + " {\n\t\t\tfrom \"Ledger <no-reply@example.com>\"\n\t\t\ttimeout 2s\n\t\t}\n" +
		"\t\tsms http " + sms + " {\n\t\t\tmethod GET\n\t\t\tbody form " + servers.KannelForm + "\n\t\t\tsuccess status 202\n\t\t\ttimeout 2s\n\t\t}"
	return &place{site.Start(t, site.Serve(t, app), block+more, site.Options{Sessions: global}), app}
}

// nobody is where no gateway is: nothing is sent there in a test that uses it.
const nobody = "http://127.0.0.1:1/send"

var (
	csrfField = regexp.MustCompile(`name="csrf" value="([^"]*)"`)
	sixDigits = regexp.MustCompile(`\b\d{6}\b`)
)

// signedIn is somebody who has typed alice's password.
func signedIn(t *testing.T, p *place) *site.Client {
	t.Helper()
	c := p.Client(t)
	page := c.Get("/login")
	answer := c.Post("/login", url.Values{
		"username": {"alice"}, "password": {demo.AlicePassword}, "csrf": {site.Find(t, csrfField, page.Text)},
	})
	if answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("signing in: %d", answer.StatusCode)
	}
	return c
}

// mailed is the code of message number count.
func mailed(t *testing.T, server *servers.Mailpit, count int) string {
	t.Helper()
	all := server.Wait(count)
	codes := sixDigits.FindAllString(all[count-1].Text, -1)
	if len(codes) != 1 {
		t.Fatalf("message %d has the numbers %q:\n%s", count, codes, all[count-1].Text)
	}
	return codes[0]
}

// withMail is somebody who has set up codes by e-mail.
func withMail(t *testing.T, p *place, server *servers.Mailpit) *site.Client {
	t.Helper()
	c := signedIn(t, p)
	c.Own("/", "/setup", url.Values{"kind": {"mail"}}).Wants(t, http.StatusSeeOther, "/second-factor/setup")
	c.Own("/setup", "/setup/confirm", url.Values{"code": {mailed(t, server, 1)}}).Wants(t, http.StatusSeeOther, "/second-factor/recovery-codes")
	c.Get("/second-factor/recovery-codes")
	return c
}

// send asks for a code by script.
func send(c *site.Client, kind string) site.Answer {
	return c.PostJSON("/second-factor/challenge/send", `{"kind":"`+kind+`"}`)
}

// give types a code in by script.
func give(c *site.Client, kind, code string) site.Answer {
	return c.PostJSON("/second-factor/challenge", `{"kind":"`+kind+`","code":"`+code+`"}`)
}
