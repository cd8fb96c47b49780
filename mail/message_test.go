package mail_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"sallyport.example/sallyport/mail"
	"sallyport.example/sallyport/test/servers"
)

// TestNothingIsInjected is an attack: whoever can choose a name, an issuer or an address tries to add a header, a
// recipient or another message. The server gets one message, to one address, with no header but ours.
func TestNothingIsInjected(t *testing.T) {
	t.Parallel()
	server := servers.StartMailpit(t, servers.MailOptions{})
	s := sender(t, "smtp://"+server.SMTP)
	for _, injected := range []string{
		"\r\nBcc: eve@example.org", "\nBcc: eve@example.org", "\rBcc: eve@example.org", "\r\n\r\nanother body", "\r\n.\r\nMAIL FROM:<eve@example.org>",
		"\u2028Bcc: eve@example.org", "\x00", "=?utf-8?q?=0D=0ABcc:_eve@example.org?=",
	} {
		for _, to := range []string{
			"ada@example.com" + injected, injected + "ada@example.com", "ada" + injected + "@example.com", "ada@exam" + injected + "ple.com",
		} {
			message := hello
			if message.To = to; !errors.Is(s.Send(t.Context(), message), mail.ErrAddress) {
				t.Errorf("%q is taken for an address", to)
			}
		}
	}
	message := hello
	message.Subject = "Wiki\r\nBcc: eve@example.org\r\n\r\nbody"
	message.Language = "de\r\nBcc: eve@example.org"
	message.Text = "line\r\n.\r\nMAIL FROM:<eve@example.org>\r\n.\r\nQUIT\r\nend"
	if err := s.Send(t.Context(), message); err != nil {
		t.Fatal(err)
	}
	got := server.Wait(1)
	if len(got) != 1 || len(got[0].To) != 1 || got[0].Header["Bcc"] != nil || strings.Contains(got[0].Raw, "\nBcc:") {
		t.Errorf("got %+v", got)
	}
	if got[0].Subject != "Wiki Bcc: eve@example.org body" || !strings.Contains(got[0].Text, "QUIT\r\nend") {
		t.Errorf("subject %q, text %q", got[0].Subject, got[0].Text)
	}
}

// TestAddresses: what is one mailbox, and what is not.
func TestAddresses(t *testing.T) {
	t.Parallel()
	for address, good := range map[string]bool{
		"ada@example.com": true, "a.b+c_d-e@sub.example.co": true, "o'hara@example.com": true, "ü@exämple.de": true, "ada@[192.0.2.1]": true,
		"": false, "ada": false, "@example.com": false, "ada@": false, "ada@example.com ": false, "Ada <ada@example.com>": false,
		"<ada@example.com>": false, "ada@example.com,eve@example.org": false, "ada@example.com;eve@example.org": false,
		"ada@example.com (Ada)": false, `"a b"@example.com`: false, `"a\r\nb"@example.com`: false, "ada@exa mple.com": false,
		"ada\u200b@example.com": false, "ada\u202e@example.com": false, "a@b@c": false, "undisclosed:;": false, "ada@example.com\xff": false,
		strings.Repeat("a", 250) + "@example.com": false,
	} {
		if err := mail.CheckAddress(address); (err == nil) != good {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// TestP9_MessagesPrintNothing: a message in a log shows neither whom it is to nor what it says.
func TestP9_MessagesPrintNothing(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		for _, value := range []any{hello, &hello} {
			if text := fmt.Sprintf(verb, value); strings.Contains(text, "ada") || strings.Contains(text, "Ada") || strings.Contains(text, "616461") {
				t.Errorf("%s: %s", verb, text)
			}
		}
	}
}

// FuzzCheckAddress: whatever is taken for an address can stand in a header.
func FuzzCheckAddress(f *testing.F) {
	f.Add("ada@example.com")
	f.Add("a\r\nb@example.com")
	f.Fuzz(func(t *testing.T, address string) {
		if mail.CheckAddress(address) != nil {
			return
		}
		if strings.ContainsAny(address, "\r\n\x00 <>,;\"") || strings.Count(address, "@") != 1 {
			t.Errorf("%q is taken for an address", address)
		}
	})
}
