package caddymodule

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"sallyport.example/sallyport/mail"
)

func init() { caddy.RegisterModule(new(MailSMTP)) }

// MailSMTP sends e-mail over SMTP.
//
//	mail smtp <url> {
//		from    <address>
//		ca_cert <file>
//		timeout <duration>
//	}
//
// The URL begins with smtps:// for TLS from the first byte, or with smtp:// for STARTTLS, which is demanded unless the
// server is on this machine. Placeholders in every text are replaced. The server is not called before there is a
// message.
type MailSMTP struct {
	// The URL, or a stand-in for a URL with a password that the Caddyfile spells out. Required.
	Address string `json:"address"`
	// The address that messages come from, perhaps with a name in front. Required.
	From string `json:"from,omitempty"`
	// The file of the authorities that may sign the server's certificate. Default: the system's
	CACert string `json:"ca_cert,omitempty"`
	// How long sending a message may take. Default: `10s`
	Timeout caddy.Duration `json:"timeout,omitempty"`

	pooled *pooledMail
	key    string
}

// mails are the senders of all configurations, by their settings, so that waiting messages survive a reload.
var mails = caddy.NewUsagePool()

// pooledMail keeps nothing of the configuration that made it.
type pooledMail struct {
	sender *mail.SMTP
	queue  *mail.Queue
}

// mailPatience is how long the end of the process, or a reload with other settings, waits for messages that are being
// sent.
const mailPatience = 5 * time.Second

// Destruct ends the queue once no configuration uses it any more.
func (p *pooledMail) Destruct() error {
	p.queue.Close(mailPatience)
	return nil
}

// CaddyModule returns the Caddy module information.
func (*MailSMTP) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "second_factor.mail.smtp", New: func() caddy.Module { return new(MailSMTP) }}
}

// Provision replaces placeholders, reads the file of authorities, and takes over the previous configuration's queue if
// its settings are equal.
func (s *MailSMTP) Provision(caddy.Context) error {
	options := mail.Options{Timeout: time.Duration(s.Timeout)}
	var err error
	if options.URL, err = revealMailURL(s.Address); err != nil {
		return fmt.Errorf("mail smtp: %w", err)
	}
	replacer := caddy.NewReplacer()
	if options.From, err = replacer.ReplaceOrErr(s.From, true, true); err != nil {
		return fmt.Errorf("mail smtp: from: %w", err)
	}
	file, err := replacer.ReplaceOrErr(s.CACert, true, true)
	if err != nil {
		return fmt.Errorf("mail smtp: ca_cert: %w", err)
	}
	var authorities []byte
	if file != "" {
		if authorities, err = os.ReadFile(file); err != nil {
			return fmt.Errorf("mail smtp: ca_cert: %w", err)
		}
		options.Roots = x509.NewCertPool()
		if !options.Roots.AppendCertsFromPEM(authorities) {
			return errors.New("mail smtp: ca_cert: the file holds no certificate in PEM")
		}
	}
	sender, err := mail.NewSMTP(options)
	if err != nil {
		return fmt.Errorf("mail smtp: %w", err)
	}
	// A hash, because the settings may contain a password, and Caddy writes the keys of a pool into errors.
	hash := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %v", options.URL, options.From, authorities, options.Timeout))
	key := hex.EncodeToString(hash[:])
	value, _, err := mails.LoadOrNew(key, func() (caddy.Destructor, error) {
		return &pooledMail{sender: sender, queue: mail.NewQueue(sender, mail.QueueOptions{})}, nil
	})
	if err != nil {
		return err
	}
	s.pooled, s.key = value.(*pooledMail), key
	return nil
}

// Cleanup releases the queue, if it was taken.
func (s *MailSMTP) Cleanup() error {
	if s.pooled == nil {
		return nil
	}
	s.pooled = nil
	_, err := mails.Delete(s.key)
	return err
}

// Sender sends a message while the caller waits.
func (s *MailSMTP) Sender() mail.Sender { return s.pooled.sender }

// Queue sends messages in the background.
func (s *MailSMTP) Queue() *mail.Queue { return s.pooled.queue }

// UnmarshalCaddyfile reads the module's own words.
func (s *MailSMTP) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	said, err := readModule(d, &s.Address, mailWords(), s)
	if err != nil {
		return err
	}
	name, _ := said.last("")
	switch {
	case s.Address == "":
		return name.wrap(named(name.token.Text, errors.New("the server's URL is missing")))
	case s.From == "":
		return name.wrap(named(name.token.Text, errors.New("'from' is missing: the address that messages come from")))
	}
	if err := checkMailURL(s.Address); err != nil {
		return name.wrap(named(name.token.Text, err))
	}
	s.Address = hideAddress(s.Address)
	return nil
}

// mailWords are the words of `mail smtp`.
func mailWords() table[MailSMTP] {
	return table[MailSMTP]{
		row("from", "<address>", text(checkFrom), func(s *MailSMTP) *string { return &s.From }, nil),
		row("ca_cert", "<file>", text(nil), func(s *MailSMTP) *string { return &s.CACert }, nil),
		row("timeout", "<duration>", atLeast(leastTimeout), func(s *MailSMTP) *caddy.Duration { return &s.Timeout }, nil),
	}
}

// checkFrom checks the sender's address, unless it has placeholders, which are not replaced yet.
func checkFrom(from string) error {
	if placeholder.MatchString(from) {
		return nil
	}
	_, err := mail.ParseFrom(from)
	return err
}

// checkMailURL checks a URL, unless it has placeholders.
func checkMailURL(address string) error {
	if placeholder.MatchString(address) {
		return nil
	}
	_, err := mail.NewSMTP(mail.Options{URL: address, From: "a@example.com"})
	return err
}

// revealMailURL replaces the placeholders of a URL. In front of the host it escapes their values, because users are
// often addresses with an @, and a password may have any characters. If the whole URL is one placeholder, its value is
// used as it is.
func revealMailURL(address string) (string, error) {
	host := strings.LastIndexByte(address, '@')
	if strings.HasPrefix(address, literalPrefix) || host < 0 {
		return revealAddress(address)
	}
	var failed error
	account := placeholder.ReplaceAllStringFunc(address[:host], func(name string) string {
		value, err := caddy.NewReplacer().ReplaceOrErr(name, true, true)
		if err != nil && failed == nil {
			failed = err
		}
		return url.User(value).String()
	})
	if failed != nil {
		return "", fmt.Errorf("address: %w", failed)
	}
	rest, err := revealAddress(address[host:])
	return account + rest, err
}

var (
	_ Mail                  = (*MailSMTP)(nil)
	_ caddy.Provisioner     = (*MailSMTP)(nil)
	_ caddy.CleanerUpper    = (*MailSMTP)(nil)
	_ caddyfile.Unmarshaler = (*MailSMTP)(nil)
)
