package notify

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf16"

	"sallyport.example/sallyport/locale"
	"sallyport.example/sallyport/mail"
	"sallyport.example/sallyport/sms"
)

// Code is a one-time code on its way to a user, and what the message says of it. It prints nothing.
type Code struct {
	// To is the address, Code the code, and Lifetime how long it is good.
	To, Code string
	Lifetime time.Duration
	// Browser is a short name of the browser that asked for it, and Client that one's address.
	Browser, Client string
	// Host is the site's, without a port.
	Host string
	// Language is the tag of the language that the user reads.
	Language string
}

// String shows no secret.
func (Code) String() string { return "notify.Code{redacted}" }

// GoString shows no secret.
func (c Code) GoString() string { return c.String() }

// Format shows no secret, whatever the verb.
func (c Code) Format(state fmt.State, _ rune) { _, _ = state.Write([]byte(c.String())) }

// CodeOptions are the settings of Codes. Name is required.
type CodeOptions struct {
	// Mail and SMS send the messages; nil where the kind cannot be sent.
	Mail mail.Sender
	SMS  sms.Sender
	// Name is what people know the app by.
	Name string
	// Help, HelpLink, Password and Language are as in MailOptions.
	Help, HelpLink, Password, Language string
}

// Codes sends one-time codes while somebody waits for them. Safe for concurrent use.
type Codes struct{ options CodeOptions }

// NewCodes makes a Codes.
func NewCodes(options CodeOptions) *Codes { return &Codes{options} }

// ErrNoSender says that there is nothing to send such a message by.
var ErrNoSender = errors.New("notify: there is no sender")

// Unsure reports whether a message may have been sent in spite of the error.
func Unsure(err error) bool { return errors.Is(err, mail.ErrSlow) || errors.Is(err, sms.ErrSlow) }

// words are those of the language that a code's reader understands.
func (c *Codes) words(code Code) *locale.Catalogue {
	language := code.Language
	if c.options.Language != "" {
		language = c.options.Language
	}
	return locale.All()[locale.Best(language)]
}

// Mail sends a code by e-mail. The subject has no code: it is what a locked telephone shows, and what logs keep. The
// text is the only part, and has no number of six digits but the code, which is what programs look for.
func (c *Codes) Mail(ctx context.Context, code Code) error {
	if c.options.Mail == nil {
		return ErrNoSender
	}
	words := c.words(code)
	w := &writer{words: words}
	paragraphs := []string{
		w.text("mail.code.lead", c.options.Name), code.Code, w.lasts(code.Lifetime) + "\n" + w.text("mail.code.where"),
		w.asker(code), c.objection(w), w.text("mail.automatic", c.options.Name),
	}
	message := mail.Message{
		To: code.To, Subject: w.text("mail.code.subject", c.options.Name), Language: words.Language,
		Text: strings.Join(paragraphs, "\n\n") + "\n",
	}
	if w.err != nil {
		return fmt.Errorf("notify: writing a code: %w", w.err)
	}
	return c.options.Mail.Send(ctx, message)
}

// lasts says how long a code is good.
func (w *writer) lasts(lifetime time.Duration) string {
	if lifetime%time.Minute == 0 {
		return w.text("mail.code.minutes", int64(lifetime/time.Minute))
	}
	return w.text("mail.code.seconds", locale.Up(lifetime, time.Second))
}

// asker says from where a code was asked for. A browser calls itself what it likes.
func (w *writer) asker(code Code) string {
	var lines []string
	if browser := withoutCodes(code.Browser); browser != "" {
		lines = append(lines, w.text("mail.browser", browser))
	}
	if code.Client != "" {
		lines = append(lines, w.text("mail.address", code.Client))
	}
	return strings.Join(lines, "\n")
}

// longNumber is what could be taken for a code.
var longNumber = regexp.MustCompile(`\pN{6,}`)

// withoutCodes is a text of the client's in which nothing can be taken for a code.
func withoutCodes(text string) string { return longNumber.ReplaceAllString(text, "…") }

// objection is what to do for somebody who did not ask for it.
func (c *Codes) objection(w *writer) string {
	line := w.text("mail.code.object", c.options.Name)
	if c.options.Password != "" {
		line = w.text("mail.code.object-at", c.options.Name, c.options.Password)
	}
	if c.options.Help == "" {
		return line + "\n" + w.text("mail.ask")
	}
	help, _ := w.piece(piece{words: c.options.Help, link: c.options.HelpLink})
	return line + "\n" + help
}

// maxText is how long a text message is at most, in UTF-16 units, as telephones count.
const maxText = 320

// Text sends a code by text message. Its last line is what a browser looks for that fills in a code by itself, and only
// at the site of that host (https://wicg.github.io/sms-one-time-codes/).
func (c *Codes) Text(ctx context.Context, code Code) error {
	if c.options.SMS == nil {
		return ErrNoSender
	}
	w := &writer{words: c.words(code)}
	last := "\n\n@" + hostOf(code.Host) + " #" + code.Code
	write := func(name string) string {
		return w.text("mail.code.text", code.Code, name) + "\n" + w.lasts(code.Lifetime) + "\n" + w.text("mail.code.nobody") + last
	}
	name := []rune(c.options.Name)
	text := write(c.options.Name)
	for tooLong(text) && len(name) > 0 {
		name = name[:max(0, len(name)-8)]
		text = write(string(name) + "…")
	}
	if w.err != nil {
		return fmt.Errorf("notify: writing a code: %w", w.err)
	}
	if tooLong(text) { // the host's name has more than a hundred characters
		text = code.Code + last
	}
	return c.options.SMS.Send(ctx, sms.Message{To: code.To, Text: text})
}

func tooLong(text string) bool { return len(utf16.Encode([]rune(text))) > maxText }

// hostOf is a host as it can stand in the last line: a client may call it what it likes at a site of all hosts.
func hostOf(host string) string {
	host = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(".-:[]", r) {
			return r
		}
		return -1
	}, host)
	return host[:min(len(host), 253)]
}
