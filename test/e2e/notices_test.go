package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/process"
	"sallyport.example/sallyport/test/servers"
	"sallyport.example/sallyport/test/site"
)

// noticesBlock is ledgerBlock for an app that names addresses.
const noticesBlock = ledgerBlock + `
		remember 30d
		throttle {
			free 1
			stop 2
		}
		mail {
			address json /email
		}
		notify mail
		change_password /account/password
		brand {
			help "Call the help desk, extension 100"
		}
`

// mailed returns the line of the global block for a mail server.
func mailed(server string) string {
	return "mail smtp smtp://" + server + " {\n\t\t\tfrom \"Ledger <no-reply@example.com>\"\n\t\t\ttimeout 2s\n\t\t}"
}

// noticed is the demo app behind a gateway that sends notices, with addresses for Alice and Bob.
func noticed(t testing.TB, server, block string) *ledger {
	t.Helper()
	l := newLedger(t, demo.Knobs{}, block, site.Options{Sessions: "sessions memory\n\t\t" + mailed(server)})
	l.app.SetMail("alice", "alice@example.com")
	l.app.SetMail("bob", "bob@example.com")
	return l
}

// wantsNotice waits for the next message and checks it.
func wantsNotice(t testing.TB, server *servers.Mailpit, count int, to, subject string, parts ...string) servers.Received {
	t.Helper()
	all := server.Wait(count)
	got := all[count-1]
	if len(all) != count || len(got.To) != 1 || got.To[0].Address != to || got.Subject != subject+" – ledger" {
		t.Fatalf("message %d of %d is to %v: %q, want %s: %q", count, len(all), got.To, got.Subject, to, subject)
	}
	for _, part := range append(parts, "ledger") {
		if !strings.Contains(got.Text, part) || !strings.Contains(got.HTML, part) {
			t.Errorf("%q does not say %q:\n%s", subject, part, got.Text)
		}
	}
	if got.Header.Get("Auto-Submitted") != "auto-generated" || got.From.Address != "no-reply@example.com" {
		t.Errorf("%q: headers %v", subject, got.Header)
	}
	return got
}

// TestNotices: the owner gets a message about each change of the account, by a real mail server, and about nothing
// else.
func TestNotices(t *testing.T) {
	t.Parallel()
	server := servers.StartMailpit(t, servers.MailOptions{})
	l := noticed(t, server.SMTP, noticesBlock)
	const alice = "alice@example.com"
	c, authenticator := l.verified(t, "alice", demo.AlicePassword)
	added := wantsNotice(t, server, 1, alice, "A second factor was added to your account", "127.0.0.1", "/account/password", "extension 100")
	if added.Header["Content-Language"] == nil || strings.Contains(added.Raw, "http") {
		t.Errorf("wrong language or link:\n%s", added.Raw)
	}
	code := func() url.Values { return url.Values{"code": {authenticator.Code(t)}} }
	c.Own("/recovery-codes", "/recovery-codes", code()).Wants(t, http.StatusSeeOther, "")
	recovery := site.RecoveryCodes(t, c.Get("/second-factor/recovery-codes").Text)
	wantsNotice(t, server, 2, alice, "New recovery codes were made")

	c.SignOut()
	signIn(t, c, "alice", demo.AlicePassword)
	c.Own("/recovery", "/recovery", url.Values{"code": {recovery[0]}}).Wants(t, http.StatusSeeOther, "")
	wantsNotice(t, server, 3, alice, "A recovery code was used", "9")

	c.SignOut()
	signIn(t, c, "alice", demo.AlicePassword)
	c.Own("/challenge", "/challenge", url.Values{"code": {authenticator.Code(t)}, "trust": {"yes"}}).Wants(t, http.StatusSeeOther, "")
	wantsNotice(t, server, 4, alice, "A browser is trusted from now on")

	// The messages are in another language. The earlier address is told of the change, and later ones go to the new
	// address.
	l.app.SetMail("alice", "alice@new.example.com")
	c.Header = http.Header{"Accept-Language": {"de"}}
	c.SignOut()
	c = l.Client(t)
	c.Header = http.Header{"Accept-Language": {"de"}}
	signIn(t, c, "alice", demo.AlicePassword)
	c.Pass(authenticator).Wants(t, http.StatusSeeOther, "")
	moved := wantsNotice(t, server, 5, alice, "Ihre E-Mail-Adresse wurde geändert")
	if moved.Header.Get("Content-Language") != "de" || strings.Contains(moved.Raw, "new.example.com") {
		t.Errorf("the message has the new address, or is in %q", moved.Header.Get("Content-Language"))
	}
	c.Own("/reset", "/reset", code()).Wants(t, http.StatusSeeOther, "/second-factor/setup")
	authenticator = site.NewAuthenticator(site.Find(t, site.Secret, c.Get("/second-factor/setup").Text), skew)
	c.Own("/setup", "/setup/confirm", code()).Wants(t, http.StatusSeeOther, "")
	const moved2 = "alice@new.example.com"
	wantsNotice(t, server, 6, moved2, "Ein zweiter Faktor Ihres Kontos wurde ersetzt")

	// A thief with the password tries codes, and asks for a language that she does not read.
	thief := l.Client(t)
	thief.Header = http.Header{"Accept-Language": {"ja"}}
	signIn(t, thief, "alice", demo.AlicePassword)
	thief.Own("/challenge", "/challenge", url.Values{"code": {otherThan(t, authenticator.Key, skew)}}).Wants(t, http.StatusUnprocessableEntity, "")
	c.Own("/disable", "/disable", url.Values{"code": {recovery[1]}}) // throttled: not judged, no message
	if messages, err := server.Messages(); err != nil || len(messages) != 6 {
		t.Errorf("%d messages: %v", len(messages), err)
	}
	if log := l.Log(); strings.Contains(log, "alice@") || strings.Contains(log, "new.example.com") {
		t.Error("an address is in the log")
	}
}

// TestNoticesOfTheEnd: there are also messages when the record is deleted, and when no more codes are judged.
func TestNoticesOfTheEnd(t *testing.T) {
	t.Parallel()
	server := servers.StartMailpit(t, servers.MailOptions{})
	l := noticed(t, server.SMTP, strings.Replace(noticesBlock, "stop 2", "stop 1", 1))
	c, authenticator := l.verified(t, "alice", demo.AlicePassword)
	server.Wait(1)
	c.Own("/disable", "/disable", url.Values{"code": {authenticator.Code(t)}}).Wants(t, http.StatusSeeOther, "")
	wantsNotice(t, server, 2, "alice@example.com", "Two-factor authentication was disabled", "From now on your password alone opens your account.")

	bob, key := l.verified(t, "bob", demo.BobPassword)
	wantsNotice(t, server, 3, "bob@example.com", "A second factor was added to your account")
	bob.SignOut()
	signIn(t, bob, "bob", demo.BobPassword)
	bob.Own("/challenge", "/challenge", url.Values{"code": {otherThan(t, key.Key, skew)}}).Wants(t, http.StatusUnprocessableEntity, "")
	wantsNotice(t, server, 4, "bob@example.com", "Too many wrong codes", "unlocks it")
}

// TestNoticeOfAnOperatorsReset: an operator's reset has no session of the user, and with --open no record remains. The
// message still goes to the address that the record had, in the user's language.
func TestNoticeOfAnOperatorsReset(t *testing.T) {
	t.Parallel()
	server := servers.StartMailpit(t, servers.MailOptions{})
	l := noticed(t, server.SMTP, noticesBlock)
	const subject = "Die Administration hat Ihre zweiten Faktoren entfernt"
	for i, flags := range [][]string{nil, {"--open"}} {
		c, authenticator := l.verified(t, []string{"alice", "bob"}[i], []string{demo.AlicePassword, demo.BobPassword}[i])
		server.Wait(2*i + 1)
		c.SignOut()
		c.Header = http.Header{"Accept-Language": {"de"}}
		signIn(t, c, []string{"alice", "bob"}[i], []string{demo.AlicePassword, demo.BobPassword}[i])
		c.Pass(authenticator).Wants(t, http.StatusSeeOther, "")
		command := append([]string{"user", "reset", "--address", "unix/" + filepath.Join(l.Folder, "admin.sock"), "--reason", "lost her phone"}, flags...)
		output, err := exec.CommandContext(t.Context(), site.Binary(t), append(command, "ledger", []string{"alice", "bob"}[i])...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, output)
		}
		got := wantsNotice(t, server, 2*i+2, []string{"alice@example.com", "bob@example.com"}[i], subject)
		if strings.Contains(got.Raw, "lost her phone") {
			t.Error("the message has the operator's reason, which is for the log")
		}
	}
}

// TestNoNoticeWithoutAGateway: a reset on the stores, where no gateway runs, sends no notice, and the command says so
// on standard error, where its audit line is too. The control is TestNoticeOfAnOperatorsReset: a gateway sends one.
func TestNoNoticeWithoutAGateway(t *testing.T) {
	t.Parallel()
	server := servers.StartMailpit(t, servers.MailOptions{})
	l := noticed(t, server.SMTP, noticesBlock)
	l.verified(t, "alice", demo.AlicePassword)
	server.Wait(1)
	l.Stop()
	var out, said bytes.Buffer
	command := exec.CommandContext(t.Context(), site.Binary(t), "user", "reset", "--json", "--config", filepath.Join(l.Folder, "Caddyfile"), "--reason", "lost her phone", "ledger", "alice")
	command.Stdout, command.Stderr = &out, &said
	if err := command.Run(); err != nil || json.Unmarshal(out.Bytes(), new(madeCode)) != nil {
		t.Fatalf("%v: %s%s", err, out.String(), said.String())
	}
	for _, want := range []string{"nobody is told by e-mail or webhook", `"event":"operator_reset"`} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("it does not say %q: %s", want, said.String())
		}
	}
	l.Run() // and stopped again at the end: what waits is sent
	signIn(t, l.Client(t), "alice", demo.AlicePassword).Wants(t, http.StatusSeeOther, "/second-factor/setup")
	if messages, err := server.Messages(); err != nil || len(messages) != 1 {
		t.Errorf("%d messages, want 1: %v", len(messages), err)
	}
}

// TestNoticesAreInNobodysWay: if the mail server never answers, does not exist, or refuses messages, no sign-in and no
// change takes longer. The log has each lost notice, with the setting to look at.
func TestNoticesAreInNobodysWay(t *testing.T) {
	t.Parallel()
	free, err := process.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	refusing := servers.StartMailpit(t, servers.MailOptions{Untaken: "Recipient:550:100"})
	for name, test := range map[string]struct{ server, logs string }{
		"silent": {silent(t), ""}, "away": {free, ""}, "refuses": {refusing.SMTP, "the server refuses the message (550"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := noticed(t, test.server, noticesBlock)
			began := time.Now()
			c, authenticator := l.verified(t, "alice", demo.AlicePassword)
			for range 3 {
				c.SignOut()
				signIn(t, c, "alice", demo.AlicePassword)
				c.Pass(authenticator).Wants(t, http.StatusSeeOther, "")
			}
			if took := time.Since(began); took > 30*time.Second {
				t.Errorf("it took %s", took)
			}
			if test.logs != "" {
				l.wantsLine(t, test.logs)
			}
			l.Stop() // logs the messages that were still waiting
			if log := l.Log(); !strings.Contains(log, "a user was not told of an event") || strings.Contains(log, "alice@") {
				t.Errorf("the loss is not in the log, or the address is")
			}
		})
	}
}

// silent is a server that accepts connections and sends nothing.
func silent(t testing.TB) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			line, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(io.Discard, line) }()
		}
	}()
	return listener.Addr().String()
}

// wantsLine waits for a line of the log.
func (l *ledger) wantsLine(t testing.TB, text string) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for !strings.Contains(l.Log(), text) {
		if time.Now().After(deadline) {
			t.Fatalf("the log does not say %q", text)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
