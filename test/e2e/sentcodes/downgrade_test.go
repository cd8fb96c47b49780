package sentcodes

import (
	"net/http"
	"net/url"
	"regexp"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/factor/passkey/passkeytest"
	"sallyport.example/sallyport/test/servers"
	"sallyport.example/sallyport/test/site"
)

var factorID = regexp.MustCompile(`data-factor="([^"]+)" data-kind="passkey"`)

// TestMailboxTakesNoPasskeyAway is an attack: whoever has the password and the mailbox of a user with a passkey signs
// in by e-mail, and removes the passkey, adds a factor of her own, makes recovery codes or disables all. None of it
// goes by a code that was sent, not even within `reauth`; with the passkey it does.
func TestMailboxTakesNoPasskeyAway(t *testing.T) {
	t.Parallel()
	server := servers.StartMailpit(t, servers.MailOptions{})
	app := demo.New(demo.Options{})
	t.Cleanup(app.Close)
	app.SetMail("alice", mailbox)
	global := "sessions memory\n\t\tmail smtp smtp://" + server.SMTP + " {\n\t\t\tfrom no-reply@example.com\n\t\t}\n" +
		"\t\tsms http " + nobody + " {\n\t\t\tbody form to={sms.to}&text={sms.text}\n\t\t}"
	more := "\t\treauth 10m\n" + fast
	p := &place{site.Start(t, site.Serve(t, app), withPasskeys+more, site.Options{Host: "localhost", Sessions: global}), app}

	owner, device := signedIn(t, p), passkeytest.New(t, p.URL)
	options := func(c *site.Client, path string) string {
		answer := c.PostJSON("/second-factor"+path+"/options", "{}")
		if answer.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d %s", path, answer.StatusCode, answer.Text)
		}
		return answer.Text
	}
	owner.Own("/", "/setup", url.Values{"kind": {"passkey"}})
	if answer := owner.PostJSON("/second-factor/setup/passkey", device.Create(t, options(owner, "/setup/passkey"))); answer.StatusCode != http.StatusCreated {
		t.Fatalf("the passkey: %d %s", answer.StatusCode, answer.Text)
	}
	owner.Get("/second-factor/recovery-codes")
	owner.Own("/add?kind=mail", "/add", url.Values{"kind": {"mail"}}).Wants(t, http.StatusSeeOther, "/second-factor/setup")
	owner.Own("/setup", "/setup/confirm", url.Values{"code": {mailed(t, server, 1)}}).Wants(t, http.StatusSeeOther, "/second-factor/")
	id := site.Find(t, factorID, owner.Get("/second-factor/").Text)

	thief := signedIn(t, p)
	send(thief, "mail")
	code := mailed(t, server, 2)
	if answer := give(thief, "mail", code); answer.StatusCode != http.StatusNoContent {
		t.Fatalf("the sign-in itself: %d %s", answer.StatusCode, answer.Text)
	}
	if answer := send(thief, "mail"); answer.StatusCode != http.StatusForbidden {
		t.Errorf("a code for a change: %d %s", answer.StatusCode, answer.Text)
	}
	for _, path := range []string{"/factors/" + id + "/remove", "/factors/" + id + "/rename", "/add", "/disable", "/recovery-codes", "/reset"} {
		for _, proof := range []url.Values{{}, {"proof": {"mail"}, "code": {code}}} {
			values := url.Values{"kind": {"totp"}, "name": {"mine"}}
			for name := range proof {
				values[name] = proof[name]
			}
			if answer := thief.Own("/", path, values); answer.StatusCode < 400 {
				t.Errorf("%s with %v: %d to %s", path, proof, answer.StatusCode, answer.Location())
			}
		}
	}
	if messages, err := server.Messages(); err != nil || len(messages) != 2 {
		t.Errorf("%d messages: %v", len(messages), err)
	}
	again := signedIn(t, p)
	if answer := again.PostJSON("/second-factor/challenge/passkey", device.Get(t, options(again, "/challenge/passkey"))); answer.StatusCode != http.StatusOK {
		t.Fatalf("the passkey is gone: %d %s", answer.StatusCode, answer.Text)
	}
	// Within reauth, by the passkey.
	again.Own("/", "/factors/"+id+"/remove", nil).Wants(t, http.StatusSeeOther, "/second-factor/")
}
