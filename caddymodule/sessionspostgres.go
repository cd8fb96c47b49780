package caddymodule

import (
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"sallyport.example/sallyport/session/store/postgres"
)

func init() { caddy.RegisterModule(new(SessionsPostgres)) }

// SessionsPostgres keeps sessions in PostgreSQL, for one gateway or several that share them. Each session is sealed
// with a key from the secrets.
//
//	sessions postgres <dsn> {
//		timeout <duration>
//	}
//
// The DSN is what libpq takes, a URL or quoted words. Placeholders in it are replaced. PostgreSQL is not called before
// the configuration has started.
type SessionsPostgres struct {
	// The DSN, or a stand-in for a DSN with a password that the Caddyfile spells out. Required.
	Address string `json:"address"`
	// How long one call may take. Default: `2s`
	Timeout caddy.Duration `json:"timeout,omitempty"`

	serverSessions
	address string
}

// CaddyModule returns the Caddy module information.
func (*SessionsPostgres) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "second_factor.sessions.postgres", New: func() caddy.Module { return new(SessionsPostgres) }}
}

// Provision replaces placeholders.
func (s *SessionsPostgres) Provision(caddy.Context) (err error) {
	if s.address, err = revealAddress(s.Address); err != nil {
		return fmt.Errorf("sessions postgres: %w", err)
	}
	return nil
}

// Connect takes over the previous configuration's connections, or prepares to connect at first use.
func (s *SessionsPostgres) Connect(secrets Secrets) error {
	settings := fmt.Sprintf("postgres %q %v", s.address, s.Timeout)
	return s.connect(settings, secrets, func() (closableStore, error) {
		store, err := postgres.New(s.address, postgres.Options{Timeout: time.Duration(s.Timeout)})
		if err != nil {
			return nil, fmt.Errorf("postgres: %w", err)
		}
		return store, nil
	})
}

// UnmarshalCaddyfile reads the module's own words.
func (s *SessionsPostgres) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return readServer(d, &s.Address, postgresWords(), s)
}

// postgresWords are the words of `sessions postgres`.
func postgresWords() table[SessionsPostgres] {
	return table[SessionsPostgres]{
		row("timeout", "<duration>", atLeast(leastTimeout), func(s *SessionsPostgres) *caddy.Duration { return &s.Timeout }, nil),
	}
}

var (
	_ Sessions              = (*SessionsPostgres)(nil)
	_ caddy.Provisioner     = (*SessionsPostgres)(nil)
	_ caddy.CleanerUpper    = (*SessionsPostgres)(nil)
	_ caddyfile.Unmarshaler = (*SessionsPostgres)(nil)
)
