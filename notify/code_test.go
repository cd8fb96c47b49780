package notify

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"sallyport.example/sallyport/locale"
	"sallyport.example/sallyport/mail"
	"sallyport.example/sallyport/sms"
)

// outbox keeps what is sent by either way, or fails.
type outbox struct {
	mails []mail.Message
	texts []sms.Message
	err   error
}

type (
	mailbox struct{ *outbox }
	phone   struct{ *outbox }
)

func (b mailbox) Send(_ context.Context, m mail.Message) error {
	b.mails = append(b.mails, m)
	return b.err
}

func (p phone) Send(_ context.Context, m sms.Message) error {
	p.texts = append(p.texts, m)
	return p.err
}

// codesTo are codes that are sent to an outbox.
func codesTo(change ...func(*CodeOptions)) (*Codes, *outbox) {
	box := new(outbox)
	options := CodeOptions{Mail: mailbox{box}, SMS: phone{box}, Name: "Example Wiki"}
	for _, c := range change {
		c(&options)
	}
	return NewCodes(options), box
}

var aCode = Code{
	To: "ada@example.com", Code: "042917", Lifetime: 10 * time.Minute, Browser: "Firefox, Linux", Client: "192.0.2.7", Host: "wiki.example.com", Language: "en",
}

var sixDigits = regexp.MustCompile(`\d{6,}`)

// TestCodeByMail: what the message says, in every language, and that its subject has no code.
func TestCodeByMail(t *testing.T) {
	t.Parallel()
	codes, box := codesTo()
	if err := codes.Mail(t.Context(), aCode); err != nil {
		t.Fatal(err)
	}
	const want = `Your code for Example Wiki:

042917

It is valid for 10 minutes and can be used once.
It works only in the browser that asked for it.

Browser: Firefox, Linux
Address: 192.0.2.7

If you did not ask for it, somebody may know your password: change your password in Example Wiki at once, and give this code to nobody.
Then tell your administrator.

Example Wiki sent this message automatically. It has no link to your account: open it as you always do.
`
	got := box.mails[0]
	if got.Text != want || got.Subject != "Your code for Example Wiki" || got.To != aCode.To || got.HTML != "" || got.Language != "en" {
		t.Errorf("got %q, %q to %q:\n%s", got.Subject, got.Language, got.To, got.Text)
	}
	for _, words := range locale.All() {
		for _, lifetime := range []time.Duration{time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 1500 * time.Millisecond, 90 * time.Second} {
			code := aCode
			code.Language, code.Lifetime = words.Language, lifetime
			codes, box := codesTo(func(o *CodeOptions) { o.Password, o.Help = "/account/password", "Call 100" })
			if err := errors.Join(codes.Mail(t.Context(), code), codes.Text(t.Context(), code)); err != nil {
				t.Fatalf("%s: %v", words.Language, err)
			}
			mail, text := box.mails[0], box.texts[0].Text
			if found := sixDigits.FindAllString(mail.Text, -1); len(found) != 1 || found[0] != code.Code || sixDigits.MatchString(mail.Subject) {
				t.Errorf("%s: numbers %q, subject %q", words.Language, found, mail.Subject)
			}
			for _, part := range []string{"Example Wiki", "Firefox, Linux", "192.0.2.7", "/account/password", "Call 100"} {
				if !strings.Contains(mail.Text, part) {
					t.Errorf("%s: no %s", words.Language, part)
				}
			}
			if mail.Language != words.Language || strings.Contains(mail.Text+text, "{") {
				t.Errorf("%s: %s\n%s", words.Language, mail.Text, text)
			}
			if size := len(utf16.Encode([]rune(text))); size > 320 || !strings.HasSuffix(text, "\n\n@wiki.example.com #042917") || !strings.Contains(text, "Example Wiki") {
				t.Errorf("%s: %d characters: %s", words.Language, size, text)
			}
		}
	}
}

// TestCodeByText: what the message says, and that it is never longer than 320 characters: the name gives way.
func TestCodeByText(t *testing.T) {
	t.Parallel()
	code := aCode
	code.To, code.Lifetime = "+358401234567", 5*time.Minute
	codes, box := codesTo()
	if err := codes.Text(t.Context(), code); err != nil {
		t.Fatal(err)
	}
	const want = `042917 is your code for Example Wiki.
It is valid for 5 minutes and can be used once.
Give it to nobody. If you did not ask for it, change your password.

@wiki.example.com #042917`
	if got := box.texts[0]; got.Text != want || got.To != code.To {
		t.Errorf("got %s", got.Text)
	}
	for _, words := range locale.All() {
		for _, name := range []string{strings.Repeat("long name ", 50), strings.Repeat("\U0001f600", 300), "x"} {
			for _, host := range []string{"wiki.example.com", strings.Repeat("a.", 126) + "b"} {
				code.Language, code.Host = words.Language, host
				codes, box := codesTo(func(o *CodeOptions) { o.Name = name })
				if err := codes.Text(t.Context(), code); err != nil {
					t.Fatal(err)
				}
				text := box.texts[0].Text
				if size := len(utf16.Encode([]rune(text))); size > 320 || !strings.HasSuffix(text, "\n\n@"+host+" #042917") {
					t.Errorf("%s: %d characters: %s", words.Language, size, text)
				}
			}
		}
	}
}

// TestCodesInjectNothing is an attack: whoever can choose a browser's name, a host or the app's name has another line
// in the message, another code, or another site for which a telephone fills the code in.
func TestCodesInjectNothing(t *testing.T) {
	t.Parallel()
	code := aCode
	code.Browser, code.Host = "Firefox 123456\r\n\r\nYour code: 654321", "wiki.example.com\n@evil.example #123456"
	codes, box := codesTo(func(o *CodeOptions) { o.Name = "Wiki\r\nBcc: eve@example.org\n@evil.example #111" })
	if err := errors.Join(codes.Mail(t.Context(), code), codes.Text(t.Context(), code)); err != nil {
		t.Fatal(err)
	}
	mail, text := box.mails[0], box.texts[0].Text
	if found := sixDigits.FindAllString(mail.Text, -1); len(found) != 1 || strings.ContainsAny(mail.Subject+mail.Text, "\r") || strings.Contains(mail.Text, "\nYour code: ") {
		t.Errorf("the message:\n%s", mail.Text)
	}
	if strings.ContainsAny(mail.Subject, "\r\n") {
		t.Errorf("the subject is %q", mail.Subject)
	}
	var marked []string
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "@") {
			marked = append(marked, line)
		}
	}
	if len(marked) != 1 || !strings.HasSuffix(text, " #042917") || strings.Count(marked[0], "@") != 1 {
		t.Errorf("the text message:\n%s", text)
	}
}

// TestP9_CodesPrintNothing: a code in a log shows neither itself nor whom it is for, and what is sent by nobody is an
// error that says so.
func TestP9_CodesPrintNothing(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		if text := fmt.Sprintf(verb, aCode); strings.Contains(text, "042917") || strings.Contains(text, "ada@") {
			t.Errorf("%s: %s", verb, text)
		}
	}
	none := NewCodes(CodeOptions{Name: "Wiki"})
	if err := none.Mail(t.Context(), aCode); !errors.Is(err, ErrNoSender) {
		t.Error(err)
	}
	if err := none.Text(t.Context(), aCode); !errors.Is(err, ErrNoSender) {
		t.Error(err)
	}
	codes, box := codesTo()
	box.err = &mail.SendError{Kind: mail.ErrSlow}
	if err := codes.Mail(t.Context(), aCode); !Unsure(err) {
		t.Errorf("%v may have been sent", err)
	}
	box.err = &mail.SendError{Kind: mail.ErrRefused}
	if err := codes.Mail(t.Context(), aCode); err == nil || Unsure(err) {
		t.Errorf("%v was not sent", err)
	}
}

// TestCodesInTheSitesLanguage: where the site has one language, that is the message's.
func TestCodesInTheSitesLanguage(t *testing.T) {
	t.Parallel()
	codes, box := codesTo(func(o *CodeOptions) { o.Language = "de" })
	if err := codes.Mail(t.Context(), aCode); err != nil || box.mails[0].Language != "de" || !strings.Contains(box.mails[0].Text, "Ihr Code") {
		t.Errorf("%v: %+v", err, box.mails[0].Language)
	}
}
