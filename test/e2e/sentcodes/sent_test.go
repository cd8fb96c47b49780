package sentcodes

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"sallyport.example/sallyport/test/servers"
)

// TestCodesOverRealServers: the whole way, by e-mail and by text message, with what the messages must and must not say.
// The code is in no log, no metric, no address and no configuration.
func TestCodesOverRealServers(t *testing.T) {
	t.Parallel()
	server, kannel := servers.StartMailpit(t, servers.MailOptions{}), servers.StartKannel(t)
	p := start(t, server.SMTP, kannel.URL, fast)
	c := withMail(t, p, server)
	first := server.Wait(1)[0]
	if len(first.To) != 1 || first.To[0].Address != mailbox || !strings.Contains(first.Subject, "ledger") || sixDigits.MatchString(first.Subject) ||
		first.Header.Get("Auto-Submitted") != "auto-generated" || first.Header.Get("Content-Language") != "en" || first.HTML != "" {
		t.Errorf("the message: %q to %v, %v", first.Subject, first.To, first.Header)
	}
	for _, part := range []string{"10 minutes", "127.0.0.1", "password", "ledger"} {
		if !strings.Contains(first.Text, part) {
			t.Errorf("the message lacks %q:\n%s", part, first.Text)
		}
	}

	// A number beside it: the proof is a code by e-mail, since there is nothing stronger.
	c.Own("/add?kind=sms", "/challenge/send", url.Values{"kind": {"mail"}, "from": {"/add?kind=sms"}}).Wants(t, http.StatusSeeOther, "/second-factor/add?kind=sms&proof=mail")
	proof := url.Values{"kind": {"sms"}, "proof": {"mail"}, "code": {mailed(t, server, 2)}}
	c.Own("/add?kind=sms", "/add", proof).Wants(t, http.StatusSeeOther, "/second-factor/setup")
	c.Own("/setup", "/setup", url.Values{"kind": {"sms"}, "address": {phone}}).Wants(t, http.StatusSeeOther, "/second-factor/setup")
	text := kannel.Wait(1)[0]
	code := text.Text[strings.LastIndexByte(text.Text, '#')+1:]
	if text.To != phone || !strings.HasSuffix(text.Text, "\n@127.0.0.1 #"+code) || len(code) != 6 || len([]rune(text.Text)) > 320 {
		t.Errorf("the text message to %s: %s", text.To, text.Text)
	}
	c.Own("/setup", "/setup/confirm", url.Values{"code": {code}}).Wants(t, http.StatusSeeOther, "/second-factor/")

	for kind, count := range map[string]int{"mail": 3, "sms": 2} {
		again := signedIn(t, p)
		if answer := send(again, kind); answer.StatusCode != http.StatusOK || strings.Contains(answer.Text, mailbox) || strings.Contains(answer.Text, phone) {
			t.Fatalf("%s: %d %s", kind, answer.StatusCode, answer.Text)
		}
		var code string
		if kind == "mail" {
			code = mailed(t, server, count)
		} else {
			text := kannel.Wait(count)[count-1].Text
			code = text[strings.LastIndexByte(text, '#')+1:]
		}
		if answer := give(again, kind, code); answer.StatusCode != http.StatusNoContent {
			t.Errorf("%s: %d %s", kind, answer.StatusCode, answer.Text)
		}
		if echo := again.Get("/echo"); !strings.Contains(echo.Text, `"X-Second-Factor"`) || !strings.Contains(echo.Text, `"`+kind+`"`) {
			t.Errorf("the app is told %s", echo.Text)
		}
	}
	said := p.Log() + p.Admin(t, "/metrics") + p.Admin(t, "/config/")
	for _, message := range server.Wait(3) {
		if code := sixDigits.FindString(message.Text); strings.Contains(said, code+`"`) || strings.Contains(said, "="+code) || strings.Contains(said, " "+code) {
			t.Errorf("the code %s is in a log, a metric or the configuration", code)
		}
	}
	for _, secret := range []string{mailbox, phone, phone[1:], servers.Password, servers.EscapedPassword} {
		if strings.Contains(said, secret) {
			t.Errorf("%s is in a log, a metric or the configuration", secret)
		}
	}
	for _, metric := range []string{`sallyport_codes_sent_total{app="ledger",kind="mail",outcome="sent"} 3`, `sallyport_codes_sent_total{app="ledger",kind="sms",outcome="sent"} 2`} {
		if !strings.Contains(said, metric) {
			t.Errorf("no %s", metric)
		}
	}
}

// TestP7_CodeOfAnotherBrowser is an attack: a code is asked for in one browser and typed in another; and two are asked
// for in one browser. The one that was sent last is right, once, in the browser that asked, and no other.
func TestP7_CodeOfAnotherBrowser(t *testing.T) {
	t.Parallel()
	server := servers.StartMailpit(t, servers.MailOptions{})
	p := start(t, server.SMTP, nobody, fast)
	withMail(t, p, server)
	asking, thief := signedIn(t, p), signedIn(t, p)
	send(asking, "mail")
	first := mailed(t, server, 2)
	if answer := give(thief, "mail", first); answer.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("in another browser: %d", answer.StatusCode)
	}
	if answer := thief.Get("/"); answer.StatusCode == http.StatusOK {
		t.Error("the thief is in")
	}
	send(asking, "mail")
	second := mailed(t, server, 3)
	if answer := give(asking, "mail", first); first != second && answer.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("the first of two: %d", answer.StatusCode)
	}
	if answer := give(asking, "mail", second); answer.StatusCode != http.StatusNoContent {
		t.Errorf("in the browser that asked: %d %s", answer.StatusCode, answer.Text)
	}
	if answer := give(asking, "mail", second); answer.StatusCode == http.StatusNoContent {
		t.Error("a second time")
	}
}

// TestManyCodes is an attack: whoever has the password asks for hundreds of codes, in several browsers and at once.
// Five go out within the hour, that of the set-up included, and each of the others is told when to come back.
func TestManyCodes(t *testing.T) {
	t.Parallel()
	server := servers.StartMailpit(t, servers.MailOptions{})
	p := start(t, server.SMTP, nobody, "\t\tsending {\n\t\t\tdelay 1ms\n\t\t}\n")
	withMail(t, p, server)
	var all sync.WaitGroup
	var mutex sync.Mutex
	counts := map[int]int{}
	for range 8 {
		c := signedIn(t, p)
		all.Go(func() {
			for range 40 {
				answer := send(c, "mail")
				mutex.Lock()
				counts[answer.StatusCode]++
				mutex.Unlock()
				if answer.StatusCode == http.StatusTooManyRequests && (answer.Header.Get("Retry-After") == "" || !strings.Contains(answer.Text, "too-many-codes")) {
					t.Errorf("%v %s", answer.Header, answer.Text)
				}
			}
		})
	}
	all.Wait()
	if counts[http.StatusOK] != 4 || counts[http.StatusOK]+counts[http.StatusTooManyRequests] != 320 {
		t.Errorf("answers: %v", counts)
	}
	if messages, err := server.Messages(); err != nil || len(messages) != 5 {
		t.Errorf("%d messages went out: %v", len(messages), err)
	}
}

// TestSenderInTrouble: a sender that is down, slow, or refuses is said within its time, nothing is counted against the
// user, and a recovery code is still another way. What may have been sent all the same counts in the hour.
func TestSenderInTrouble(t *testing.T) {
	t.Parallel()
	server := servers.StartMailpit(t, servers.MailOptions{})
	proxy := servers.NewProxy(t, server.SMTP)
	p := start(t, proxy.Address, nobody, fast)
	withMail(t, p, server)
	for name, trouble := range map[string]func(){"down": proxy.Down, "hangs": proxy.Hang} {
		trouble()
		c := signedIn(t, p)
		answer := c.Own("/challenge?kind=mail", "/challenge/send", url.Values{"kind": {"mail"}})
		if answer.StatusCode != http.StatusServiceUnavailable || !strings.Contains(answer.Text, `role="alert"`) || !strings.Contains(answer.Text, "/second-factor/recovery") {
			t.Errorf("%s: %d %.500s", name, answer.StatusCode, answer.Text)
		}
		if answer := send(c, "mail"); answer.StatusCode != http.StatusServiceUnavailable || !strings.Contains(answer.Text, "sender-unavailable") {
			t.Errorf("%s: %d %s", name, answer.StatusCode, answer.Text)
		}
		proxy.Up()
		if answer := send(c, "mail"); answer.StatusCode != http.StatusOK {
			t.Errorf("%s, and up again: %d %s", name, answer.StatusCode, answer.Text)
		}
	}
}

// TestNothingIsInjected is an attack: an account whose address in the app would be another header, or a second address.
// It is offered no codes by e-mail, and nothing goes out; the control has a good one.
func TestNothingIsInjected(t *testing.T) {
	t.Parallel()
	server := servers.StartMailpit(t, servers.MailOptions{})
	p := start(t, server.SMTP, nobody, fast)
	for _, address := range []string{mailbox + "\r\nBcc: eve@example.org", mailbox + ", eve@example.org", "Ada <" + mailbox + ">", ""} {
		p.app.SetMail("alice", address)
		c := signedIn(t, p)
		if answer := c.Own("/", "/setup", url.Values{"kind": {"mail"}}); answer.StatusCode != http.StatusBadRequest {
			t.Errorf("%q: %d", address, answer.StatusCode)
		}
	}
	if messages, err := server.Messages(); err != nil || len(messages) != 0 {
		t.Errorf("%d messages: %v", len(messages), err)
	}
	p.app.SetMail("alice", mailbox)
	withMail(t, p, server)
}
