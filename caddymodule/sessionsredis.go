package caddymodule

import (
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"sallyport.example/sallyport/session/store/redis"
)

func init() { caddy.RegisterModule(new(SessionsRedis)) }

// SessionsRedis keeps sessions in Redis, for one gateway or several that share them. Each session is sealed with a key
// from the secrets.
//
//	sessions redis <url> {
//		ca_cert <file>
//		timeout <duration>
//	}
//
// The URL begins with redis:// for one server, or with redis+sentinel:// or redis+cluster://; with rediss instead of
// redis it uses TLS. Placeholders in every text are replaced. Redis is not called before the configuration has started.
type SessionsRedis struct {
	// The URL, or a stand-in for a URL with a password that the Caddyfile spells out. Required.
	Address string `json:"address"`
	// The file of the authorities that may sign the server's certificate. Default: the system's
	CACert string `json:"ca_cert,omitempty"`
	// How long one call may take. Default: `2s`
	Timeout caddy.Duration `json:"timeout,omitempty"`

	serverSessions
	address, caCert string
}

// CaddyModule returns the Caddy module information.
func (*SessionsRedis) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "second_factor.sessions.redis", New: func() caddy.Module { return new(SessionsRedis) }}
}

// Provision replaces placeholders.
func (s *SessionsRedis) Provision(caddy.Context) (err error) {
	if s.address, err = revealAddress(s.Address); err != nil {
		return fmt.Errorf("sessions redis: %w", err)
	}
	if s.caCert, err = caddy.NewReplacer().ReplaceOrErr(s.CACert, true, true); err != nil {
		return fmt.Errorf("sessions redis: ca_cert: %w", err)
	}
	return nil
}

// Connect takes over the previous configuration's connections, or prepares to connect at first use.
func (s *SessionsRedis) Connect(secrets Secrets) error {
	settings := fmt.Sprintf("redis %q %q %v", s.address, s.caCert, s.Timeout)
	return s.connect(settings, secrets, func() (closableStore, error) {
		options := redis.Options{Timeout: time.Duration(s.Timeout)}
		if s.caCert != "" {
			text, err := os.ReadFile(s.caCert)
			if err != nil {
				return nil, fmt.Errorf("redis: ca_cert: %w", err)
			}
			options.Roots = x509.NewCertPool()
			if !options.Roots.AppendCertsFromPEM(text) {
				return nil, errors.New("redis: ca_cert: the file holds no certificate in PEM")
			}
		}
		store, err := redis.New(s.address, options)
		if err != nil {
			return nil, fmt.Errorf("redis: %w", err)
		}
		return store, nil
	})
}

// UnmarshalCaddyfile reads the module's own words.
func (s *SessionsRedis) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return readServer(d, &s.Address, redisWords(), s)
}

// redisWords are the words of `sessions redis`.
func redisWords() table[SessionsRedis] {
	return table[SessionsRedis]{
		row("ca_cert", "<file>", text(nil), func(s *SessionsRedis) *string { return &s.CACert }, nil),
		row("timeout", "<duration>", atLeast(leastTimeout), func(s *SessionsRedis) *caddy.Duration { return &s.Timeout }, nil),
	}
}

var (
	_ Sessions              = (*SessionsRedis)(nil)
	_ caddy.Provisioner     = (*SessionsRedis)(nil)
	_ caddy.CleanerUpper    = (*SessionsRedis)(nil)
	_ caddyfile.Unmarshaler = (*SessionsRedis)(nil)
)
