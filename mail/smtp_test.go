package mail_test

import (
	"bufio"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/mail"
	"sallyport.example/sallyport/test/process"
	"sallyport.example/sallyport/test/servers"
)

var hello = mail.Message{
	To: "ada@example.com", Subject: "Grüße von Sallyport", Language: "de",
	Text: "Hallo Ada,\n\ndies ist ein Satz mit Umlauten: äöü.\n", HTML: "<p>Hallo Ada</p>",
}

// sender is a sender to a server, with the settings changed.
func sender(t *testing.T, address string, change ...func(*mail.Options)) *mail.SMTP {
	t.Helper()
	options := mail.Options{URL: address, From: "Example Wiki <no-reply@example.com>"}
	for _, each := range change {
		each(&options)
	}
	made, err := mail.NewSMTP(options)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func trusting(t *testing.T, file string) func(*mail.Options) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		t.Fatal("no certificate")
	}
	return func(o *mail.Options) { o.Roots = roots }
}

func within(d time.Duration) func(*mail.Options) { return func(o *mail.Options) { o.Timeout = d } }

// TestSendsWhatItSays: a real server gets the message with the headers that it should have, over plain SMTP on this
// machine.
func TestSendsWhatItSays(t *testing.T) {
	t.Parallel()
	server := servers.StartMailpit(t, servers.MailOptions{})
	if err := sender(t, "smtp://"+server.SMTP).Send(t.Context(), hello); err != nil {
		t.Fatal(err)
	}
	got := server.Wait(1)[0]
	if got.Subject != hello.Subject || len(got.To) != 1 || got.To[0].Address != hello.To || got.From.Name != "Example Wiki" ||
		got.From.Address != "no-reply@example.com" {
		t.Errorf("got %+v", got)
	}
	if strings.TrimSpace(strings.ReplaceAll(got.Text, "\r", "")) != strings.TrimSpace(hello.Text) || !strings.Contains(got.HTML, "Hallo Ada") {
		t.Errorf("text %q, html %q", got.Text, got.HTML)
	}
	for name, want := range map[string]string{
		"Auto-Submitted": "auto-generated", "Content-Language": "de", "X-Auto-Response-Suppress": "All", "MIME-Version": "1.0",
	} {
		if got.Header.Get(name) != want && got.Header[name] == nil {
			t.Errorf("%s: %q", name, got.Header[name])
		}
	}
	if at, err := time.Parse(time.RFC1123Z, got.Header.Get("Date")); err != nil || time.Since(at).Abs() > time.Hour {
		t.Errorf("Date: %q: %v", got.Header.Get("Date"), err)
	}
	machine, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	id := got.Header.Get("Message-Id")
	if !strings.HasSuffix(id, "@example.com>") || len(id) < 30 || strings.Contains(id, machine) {
		t.Errorf("Message-ID: %q", id)
	}
	if got.Header.Get("User-Agent") != "" || got.Header.Get("X-Mailer") != "" {
		t.Error("it says what wrote it")
	}
}

// TestSendsEncryptedAndSignedIn: with TLS from the first byte, and with STARTTLS, by a certificate that is checked, and
// with a password.
func TestSendsEncryptedAndSignedIn(t *testing.T) {
	t.Parallel()
	for scheme, options := range map[string]servers.MailOptions{
		"smtps": {TLS: true, Auth: true}, "smtp": {STARTTLS: true, Auth: true},
	} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			server := servers.StartMailpit(t, options)
			account := url.UserPassword(servers.MailUser, servers.Password).String() + "@"
			if err := sender(t, scheme+"://"+account+server.SMTP, trusting(t, server.CACert)).Send(t.Context(), hello); err != nil {
				t.Fatal(err)
			}
			server.Wait(1)
			wants(t, sender(t, scheme+"://nobody:wrong@"+server.SMTP, trusting(t, server.CACert)), mail.ErrLogin, false)
			wants(t, sender(t, scheme+"://"+server.SMTP, trusting(t, server.CACert)), mail.ErrLogin, false)
			// Another authority: the certificate is not believed, and no password is sent.
			other := servers.StartMailpit(t, servers.MailOptions{STARTTLS: true})
			wants(t, sender(t, scheme+"://"+account+server.SMTP, trusting(t, other.CACert)), mail.ErrTLS, false)
			if messages, err := server.Messages(); err != nil || len(messages) != 1 {
				t.Errorf("%d messages came, want the first one: %v", len(messages), err)
			}
		})
	}
}

// TestPasswordOnThisMachine: a server on this machine without encryption may ask for a password too.
func TestPasswordOnThisMachine(t *testing.T) {
	t.Parallel()
	server := servers.StartMailpit(t, servers.MailOptions{Auth: true})
	account := url.UserPassword(servers.MailUser, servers.Password).String() + "@"
	if err := sender(t, "smtp://"+account+server.SMTP).Send(t.Context(), hello); err != nil {
		t.Fatal(err)
	}
	server.Wait(1)
	wants(t, sender(t, "smtp://nobody:wrong@"+server.SMTP), mail.ErrLogin, false)
}

// wants sends a message, which must fail in this way, and the error must not repeat what is secret or personal.
func wants(t *testing.T, s mail.Sender, kind error, temporary bool) {
	t.Helper()
	began := time.Now()
	err := s.Send(t.Context(), hello)
	if !errors.Is(err, kind) || mail.Temporary(err) != temporary {
		t.Errorf("%v (temporary: %t), want %v", err, mail.Temporary(err), kind)
		return
	}
	for _, secret := range []string{servers.Password, "wrong", "ada@", "Hallo"} {
		if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), secret) {
			t.Errorf("the error says %q: %v", secret, err)
		}
	}
	if time.Since(began) > time.Minute {
		t.Errorf("it took %s", time.Since(began))
	}
	t.Logf("%v", err)
}

// TestToldApart: an operator is told what is wrong: nothing there, no answer, no encryption, a refusal now or for good.
func TestToldApart(t *testing.T) {
	t.Parallel()
	free, err := process.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	wants(t, sender(t, "smtp://"+free), mail.ErrUnreachable, true)
	wants(t, sender(t, "smtps://"+free), mail.ErrUnreachable, true)

	silent := serve(t, func(line net.Conn) { _, _ = io.Copy(io.Discard, line) })
	wants(t, sender(t, "smtp://"+silent, within(300*time.Millisecond)), mail.ErrSlow, true)
	wants(t, sender(t, "smtps://"+silent, within(300*time.Millisecond)), mail.ErrSlow, true)

	hangsUp := serve(t, func(net.Conn) {})
	wants(t, sender(t, "smtp://"+hangsUp), mail.ErrUnreachable, true)
	wants(t, sender(t, "smtp://user:secret@"+hangsUp), mail.ErrUnreachable, true)

	plain := servers.StartMailpit(t, servers.MailOptions{})
	wants(t, sender(t, "smtps://"+plain.SMTP), mail.ErrTLS, false)
	// Encryption was asked for, by naming an authority, and the server offers none.
	encrypted := servers.StartMailpit(t, servers.MailOptions{TLS: true})
	wants(t, sender(t, "smtp://"+plain.SMTP, trusting(t, encrypted.CACert)), mail.ErrTLS, false)

	for code, temporary := range map[int]bool{451: true, 550: false} {
		for _, stage := range []string{"Sender", "Recipient"} {
			refusing := servers.StartMailpit(t, servers.MailOptions{Untaken: fmt.Sprintf("%s:%d:100", stage, code)})
			s := sender(t, "smtp://"+refusing.SMTP)
			wants(t, s, mail.ErrRefused, temporary)
			var failure *mail.SendError
			if err := s.Send(t.Context(), hello); !errors.As(err, &failure) || failure.Code != code {
				t.Errorf("%s: %v, want code %d", stage, err, code)
			}
		}
	}
}

// TestSlowInEachStep: a server that answers each command just in time does not hold a message for longer than the
// timeout.
func TestSlowInEachStep(t *testing.T) {
	t.Parallel()
	slow := serve(t, func(line net.Conn) {
		for lines, answer := bufio.NewScanner(line), "220 slow"; ; {
			time.Sleep(100 * time.Millisecond) // it is what the server does, and not what the test waits for
			if _, err := io.WriteString(line, answer+"\r\n"); err != nil || !lines.Scan() {
				return
			}
			if answer = "250 ok"; lines.Text() == "DATA" {
				answer = "354 go on"
			}
		}
	})
	began := time.Now()
	err := sender(t, "smtp://"+slow, within(350*time.Millisecond)).Send(t.Context(), hello)
	if !errors.Is(err, mail.ErrSlow) || time.Since(began) > 30*time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
	// Who gives up earlier does not wait for the timeout.
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	defer cancel()
	if err := sender(t, "smtp://"+slow, within(time.Hour)).Send(ctx, hello); !errors.Is(err, mail.ErrSlow) {
		t.Errorf("%v", err)
	}
}

// TestOffThisMachine: without STARTTLS nothing is sent to another machine, whatever it offers.
func TestOffThisMachine(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"smtp://localhost": true, "smtp://127.0.0.1:25": true, "smtp://[::1]:25": true, "smtp://127.8.9.1": true,
		"smtp://mail.example.com": false, "smtp://192.0.2.1": false, "smtp://localhost.example.com": false, "smtps://localhost": false,
	} {
		if got := mail.Plain(sender(t, address)); got != want {
			t.Errorf("%s: plain %t", address, got)
		}
	}
}

// TestSettings: what cannot be used is refused before anything is sent, and no error repeats a password.
func TestSettings(t *testing.T) {
	t.Parallel()
	for _, options := range []mail.Options{
		{URL: "", From: "a@example.com"},
		{URL: "http://mail.example.com", From: "a@example.com"},
		{URL: "mail.example.com:25", From: "a@example.com"},
		{URL: "smtp://", From: "a@example.com"},
		{URL: "smtp://mail.example.com/path", From: "a@example.com"},
		{URL: "smtp://mail.example.com?x=hunter2", From: "a@example.com"},
		{URL: "smtp://mail.example.com:0", From: "a@example.com"},
		{URL: "smtp://mail.example.com:hunter2", From: "a@example.com"},
		{URL: "smtp://user@mail.example.com", From: "a@example.com"},
		{URL: "smtp://:hunter2@mail.example.com", From: "a@example.com"},
		{URL: "smtp://u:hunter2%zz@mail.example.com", From: "a@example.com"},
		{URL: "smtp://mail.example.com", From: ""},
		{URL: "smtp://mail.example.com", From: "Example"},
		{URL: "smtp://mail.example.com", From: "a@example.com, b@example.com"},
		{URL: "smtp://mail.example.com", From: "Example\r\nBcc: b@example.com <a@example.com>"},
	} {
		_, err := mail.NewSMTP(options)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%+v: %v", options, err)
		}
	}
}

// serve runs a server that does with each connection as it is told.
func serve(t *testing.T, answer func(net.Conn)) string {
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
			go func() {
				defer func() { _ = line.Close() }()
				answer(line)
			}()
		}
	}()
	return listener.Addr().String()
}
