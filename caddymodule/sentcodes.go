package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/sentcode"
	"sallyport.example/sallyport/gateway/exchange"
	"sallyport.example/sallyport/internal/sendlimit"
	"sallyport.example/sallyport/login"
	"sallyport.example/sallyport/notify"
)

// SentCodes says where a user's e-mail address, or telephone number, stands, and how long a code is good that is sent
// there.
type SentCodes struct {
	// The place of the address: `json` and a pointer into the answer to `identity`, or `user` for one that the user
	// types at the set-up and proves by a code. Required.
	Address []string `json:"address,omitempty"`
	// How long a code is good, at most 10 minutes. Default: `10m` for e-mail, `5m` for text messages
	Lifetime caddy.Duration `json:"lifetime,omitempty"`
}

// Sending limits the codes that are sent to each user: over all kinds, sessions and gateways.
type Sending struct {
	// The wait after the first code; it doubles with every further one within an hour. Default: `30s`
	Delay caddy.Duration `json:"delay,omitempty"`
	// The most codes within an hour, at most 100. Default: 5
	Hour int `json:"hour,omitempty"`
	// The most codes within a day, at most 100. Default: 20
	Day int `json:"day,omitempty"`
}

// sentWords are the words of `mail` and `sms` in a site.
func sentWords() table[SentCodes] {
	return table[SentCodes]{
		row("address", "json <pointer> | user", readSentAddress, func(m *SentCodes) *[]string { return &m.Address }, nil),
		row("lifetime", "<duration>", readSentLifetime, func(m *SentCodes) *caddy.Duration { return &m.Lifetime }, nil),
	}
}

func readSentAddress(arguments []string, value *[]string) error {
	*value = arguments
	switch {
	case len(arguments) == 1 && arguments[0] == "user":
		return nil
	case len(arguments) != 2 || arguments[0] != "json":
		return errCount
	}
	return login.CheckPointer(arguments[1])
}

func readSentLifetime(arguments []string, value *caddy.Duration) error {
	if err := atLeast(1)(arguments, value); err != nil {
		return err
	}
	return reason(sentcode.CheckLifetime(time.Duration(*value)), "lifetime ")
}

func checkSent(m *SentCodes) error {
	if len(m.Address) == 0 {
		return errors.New("want a block with 'address json <pointer>' or 'address user'")
	}
	return nil
}

// check checks what a Caddyfile has checked already, and a JSON configuration has not. word is the block's.
func (m *SentCodes) check(word string) error {
	if m == nil {
		return nil
	}
	var address []string
	if readSentAddress(m.Address, &address) != nil {
		return fmt.Errorf("%s: address: want json <pointer>, or user", word)
	}
	if m.Lifetime != 0 {
		return reason(sentcode.CheckLifetime(duration(m.Lifetime)), "")
	}
	return nil
}

// pointer is where the address stands in the answer to `identity`; empty if nothing says so.
func (m *SentCodes) pointer() string {
	if m == nil || len(m.Address) != 2 {
		return ""
	}
	return m.Address[1]
}

// sendingWords are the words of `sending`.
func sendingWords() table[Sending] {
	return table[Sending]{
		row("delay", "<duration>", atLeast(1), func(s *Sending) *caddy.Duration { return &s.Delay }, nil),
		row("hour", "<number>", number(1, 100), func(s *Sending) *int { return &s.Hour }, nil),
		row("day", "<number>", number(1, 100), func(s *Sending) *int { return &s.Day }, nil),
	}
}

func checkSending(s *Sending) error { return s.limits().Validate() }

// limits returns the limits on what is sent.
func (s *Sending) limits() sendlimit.Limits {
	if s == nil {
		return sendlimit.Limits{}
	}
	return sendlimit.Limits{Delay: duration(s.Delay), Hour: s.Hour, Day: s.Day}
}

// named reports whether `factors` names a kind.
func (h *Handler) named(kind factor.Method) bool { return slices.Contains(h.Factors, string(kind)) }

// checkSentFactors checks that the kinds that `factors` names have an address to go to.
func (h *Handler) checkSentFactors() error {
	const want = "say where the codes go, in a block '%s { ... }': address json <pointer>, or address user"
	switch {
	case h.named(factor.MethodMail) && h.Mail == nil:
		return fmt.Errorf("mail: "+want, "mail")
	case h.named(factor.MethodSMS) && h.SMS == nil:
		return fmt.Errorf("sms: "+want, "sms")
	}
	return nil
}

// checkSenders checks that there is something to send them by, which a site cannot know while it is read.
func (h *Handler) checkSenders(app *App) error {
	switch {
	case h.named(factor.MethodMail) && app.mail == nil:
		return errors.New("factors: mail: there is no server to send codes by: mail smtp <url> among the global options of second_factor")
	case h.named(factor.MethodSMS) && app.sms == nil:
		return errors.New("factors: sms: there is no gateway to send codes by: sms http <url> among the global options of second_factor")
	}
	return nil
}

// sentKinds are the kinds of factors whose codes are sent. One that `factors` does not name is judged for who has it.
func (h *Handler) sentKinds() (kinds []factor.Kind) {
	options := func(m *SentCodes) sentcode.Options {
		return sentcode.Options{Typed: m.pointer() == "", Lifetime: duration(m.Lifetime)}
	}
	if h.Mail != nil {
		kinds = append(kinds, sentcode.Mail(options(h.Mail)))
	}
	if h.SMS != nil {
		kinds = append(kinds, sentcode.SMS(options(h.SMS)))
	}
	return kinds
}

// sendCode returns what sends codes; nil if nothing does.
func (h *Handler) sendCode(app *App) func(context.Context, exchange.Letter) error {
	options := notify.CodeOptions{Name: h.name(), Password: h.ChangePassword, Language: h.Language}
	if h.Brand != nil {
		options.Help, options.HelpLink = h.Brand.Help, h.Brand.HelpLink
	}
	if h.Mail != nil && app.mail != nil {
		options.Mail = app.mail.Sender()
	}
	if h.SMS != nil && app.sms != nil {
		options.SMS = app.sms.Sender()
	}
	if options.Mail == nil && options.SMS == nil {
		return nil
	}
	codes := notify.NewCodes(options)
	return func(ctx context.Context, letter exchange.Letter) error {
		code := notify.Code{
			To: letter.To, Code: letter.Code, Lifetime: letter.Lifetime, Browser: letter.Browser, Client: letter.Client, Host: letter.Host,
			Language: letter.Language,
		}
		send := codes.Mail
		if letter.Kind == factor.MethodSMS {
			send = codes.Text
		}
		err := send(ctx, code)
		if err != nil && notify.Unsure(err) {
			return fmt.Errorf("%w: %w", factor.ErrUnsure, err)
		}
		return err
	}
}

// tellSent logs at start that what is sent is weaker than other factors.
func (h *Handler) tellSent() (found []warning) {
	for _, told := range []struct {
		kind factor.Method
		why  string
	}{
		{factor.MethodSMS, "codes by text message are weaker than an authenticator app or a passkey: telephone numbers can be taken over, and NIST SP 800-63B-4 " +
			"restricts them"},
		{factor.MethodMail, "codes by e-mail are weaker than an authenticator app or a passkey: whoever can read the mailbox has them, and NIST SP 800-63B-4 " +
			"does not count e-mail as a second factor"},
	} {
		if h.named(told.kind) {
			found = append(found, warning{"factors", told.why})
		}
	}
	return found
}
