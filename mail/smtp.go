package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// DefaultTimeout is how long sending a message may take in all.
const DefaultTimeout = 10 * time.Second

// Options are the settings of an SMTP sender.
type Options struct {
	// URL is smtp://[user:password@]host[:port] (STARTTLS, demanded unless the host is this machine) or smtps:// (TLS
	// from the first byte). Default ports: 587 and 465.
	URL string
	// From is the sender's address, perhaps with a name: `Example <no-reply@example.com>`.
	From string
	// Roots are the authorities that may sign the server's certificate. Default: the system's.
	Roots *x509.CertPool
	// Timeout is how long sending a message may take in all. Default DefaultTimeout.
	Timeout time.Duration
}

// SMTP sends messages to one server. Each goes over a connection of its own: they are rare, and a connection that was
// kept is one that has ended when it is needed.
type SMTP struct {
	from           *mail.Address
	address, host  string // host and port; the host alone
	port           int
	user, password string
	implicit       bool // TLS from the first byte
	plain          bool // no encryption at all: the server is on this machine
	roots          *x509.CertPool
	timeout        time.Duration
}

// NewSMTP checks the settings. It opens no connection. Its errors do not repeat the URL, which has a password.
func NewSMTP(options Options) (*SMTP, error) {
	s := &SMTP{roots: options.Roots, timeout: options.Timeout}
	if s.timeout == 0 {
		s.timeout = DefaultTimeout
	}
	var err error
	if s.from, err = ParseFrom(options.From); err != nil {
		return nil, errors.New("from: " + err.Error())
	}
	return s, s.parse(options.URL)
}

func (s *SMTP) parse(text string) error {
	const want = "want smtp://[user:password@]host[:port], or the same with smtps"
	parsed, err := url.Parse(text)
	switch {
	case err != nil:
		return errors.New(want + "; what is no letter or digit in a user or password is written with %, as in any URL")
	case parsed.Scheme != "smtp" && parsed.Scheme != "smtps":
		return errors.New(want)
	case parsed.Hostname() == "" || parsed.Path != "" && parsed.Path != "/" || parsed.RawQuery != "" || parsed.Fragment != "":
		return errors.New(want)
	}
	s.implicit, s.host, s.port = parsed.Scheme == "smtps", parsed.Hostname(), 587
	if s.implicit {
		s.port = 465
	}
	if port := parsed.Port(); port != "" {
		if s.port, err = strconv.Atoi(port); err != nil || s.port < 1 || s.port > 65535 {
			return errors.New(want)
		}
	}
	s.address = net.JoinHostPort(s.host, strconv.Itoa(s.port))
	if parsed.User != nil {
		s.user = parsed.User.Username()
		s.password, _ = parsed.User.Password()
		if s.user == "" || s.password == "" {
			return errors.New("the URL names a user and no password, or a password and no user")
		}
	}
	// On this machine nobody listens in, and mail servers have certificates there that nobody could check. With
	// authorities of its own the operator says that this one has a good one.
	s.plain = !s.implicit && s.roots == nil && isLoopback(s.host)
	return nil
}

// isLoopback reports whether a host is this machine.
func isLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}

// Address is host and port of the server.
func (s *SMTP) Address() string { return s.address }

// Send implements Sender. It returns within the timeout, whatever the server does.
func (s *SMTP) Send(ctx context.Context, message Message) error {
	composed, err := compose(s.from, message)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	var line net.Conn
	// The library leaves the connection open where it could not begin on it.
	defer func() {
		if line != nil {
			_ = line.Close()
		}
	}()
	client, err := s.client(func(network, address string, encryption *tls.Config) (net.Conn, error) {
		dialled, err := s.dial(ctx, network, address, encryption)
		if err == nil {
			line = dialled
		}
		return dialled, err
	})
	if err != nil {
		return &SendError{Kind: ErrUnreachable, Server: s.address, why: "the settings cannot be used"}
	}
	connection, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return s.fail(ctx, err, s.user != "")
	}
	defer func() { _ = client.CloseWithSMTPClient(connection) }() // the message was taken, or was not, by then
	if err := client.SendWithSMTPClient(connection, composed); err != nil && !composed.IsDelivered() {
		return s.fail(ctx, err, false)
	}
	return nil
}

// client makes the library's client for one message.
func (s *SMTP) client(dial func(network, address string, encryption *tls.Config) (net.Conn, error)) (*gomail.Client, error) {
	encryption := &tls.Config{ServerName: s.host, RootCAs: s.roots, MinVersion: tls.VersionTLS12}
	options := []gomail.Option{
		gomail.WithPort(s.port), gomail.WithTimeout(s.timeout), gomail.WithTLSConfig(encryption), gomail.WithoutNoop(),
		gomail.WithDialContextFunc(func(_ context.Context, network, address string) (net.Conn, error) {
			return dial(network, address, encryption)
		}),
		// The library knows of no encryption that it did not begin itself; dial does, for smtps.
		gomail.WithTLSPolicy(gomail.TLSMandatory),
	}
	if s.implicit || s.plain {
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	}
	if s.user != "" {
		ways := []gomail.SMTPAuthType{
			gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthSCRAMSHA1, gomail.SMTPAuthPlain, gomail.SMTPAuthLogin, gomail.SMTPAuthCramMD5,
		}
		if s.plain {
			ways = append([]gomail.SMTPAuthType{gomail.SMTPAuthPlainNoEnc, gomail.SMTPAuthLoginNoEnc}, ways...)
		}
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthOpportunistic), gomail.WithUsername(s.user), gomail.WithPassword(s.password),
			gomail.WithOpportunisticSMTPAuth(ways...))
	}
	return gomail.NewClient(s.host, options...)
}

// dial connects. Whatever is done with the connection ends with the context.
func (s *SMTP) dial(ctx context.Context, network, address string, encryption *tls.Config) (net.Conn, error) {
	raw, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	until, _ := ctx.Deadline()
	bound := &boundConn{Conn: raw, until: until}
	_ = bound.SetDeadline(until)
	context.AfterFunc(ctx, func() { _ = raw.SetDeadline(time.Unix(1, 0)) })
	if !s.implicit {
		return bound, nil
	}
	encrypted := tls.Client(bound, encryption)
	if err := encrypted.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, err
	}
	return encrypted, nil
}

// boundConn is a connection whose deadline can be brought forward and not put off: the library begins its time anew in
// each phase, and a server that is slow in each would hold a message for as long as there are phases.
type boundConn struct {
	net.Conn
	until time.Time
}

// SetDeadline sets the earlier one of both.
func (c *boundConn) SetDeadline(at time.Time) error {
	if at.IsZero() || at.After(c.until) {
		at = c.until
	}
	return c.Conn.SetDeadline(at)
}
