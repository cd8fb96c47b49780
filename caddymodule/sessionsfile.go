package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"sallyport/session"
	"sallyport/sessionstore/file"
	"sallyport/sessionstore/seal"
)

func init() { caddy.RegisterModule(new(SessionsFile)) }

// SessionsFile keeps sessions in one file, for a single gateway: they survive a restart. Each is sealed with a key that
// comes from the secrets.
//
//	sessions file [<path>]
type SessionsFile struct {
	// Path of the file. Default: `sallyport/sessions.db` in Caddy's data directory. Placeholders are replaced.
	Path string `json:"path,omitempty"`

	path   string
	pooled *pooledSessionsFile
	key    string
}

// sessionFiles are the files that are in use, over all configurations, by path and by where their key comes from.
var sessionFiles = caddy.NewUsagePool()

// pooledSessionsFile keeps nothing of the configuration that made it but for the keys, which it is pooled by.
type pooledSessionsFile struct {
	store  *file.Store
	shared *session.Shared
}

// Destruct closes the file when the last configuration that uses it is gone.
func (p *pooledSessionsFile) Destruct() error { return p.store.Close() }

// CaddyModule tells Caddy the module's name.
func (*SessionsFile) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "second_factor.sessions.file", New: func() caddy.Module { return new(SessionsFile) }}
}

// Provision finds the file's place. It touches nothing.
func (s *SessionsFile) Provision(caddy.Context) error {
	path, err := caddy.NewReplacer().ReplaceOrErr(s.Path, true, true)
	if err != nil {
		return fmt.Errorf("path: %w", err)
	}
	if path == "" {
		path = filepath.Join(caddy.AppDataDir(), "sallyport", "sessions.db")
	}
	s.path, err = filepath.Abs(path)
	return err
}

// Connect takes the file of the configuration before this one, or makes ready to open it at its first use.
func (s *SessionsFile) Connect(secrets Secrets) error {
	key := s.path + "\x00" + secrets.Identity()
	value, _, err := sessionFiles.LoadOrNew(key, func() (caddy.Destructor, error) {
		store := file.New(s.path, file.Options{Logger: forwardLog})
		sealed := seal.New(store, secrets.SessionKeys(), seal.Options{Unreadable: func(err error) {
			if errors.Is(err, seal.ErrDamaged) {
				forwardLog.WarnContext(context.Background(), "a stored session cannot be opened; its owner has to sign in again", "error", err)
			}
		}})
		return &pooledSessionsFile{store: store, shared: session.NewShared(sealed)}, nil
	})
	if err != nil {
		return err
	}
	s.pooled, s.key = value.(*pooledSessionsFile), key
	return nil
}

// Cleanup lets go of the file, if Connect took it.
func (s *SessionsFile) Cleanup() error {
	if s.pooled == nil {
		return nil
	}
	s.pooled = nil
	_, err := sessionFiles.Delete(s.key)
	return err
}

// Shared is the store of sessions.
func (s *SessionsFile) Shared() *session.Shared { return s.pooled.shared }

// UnmarshalCaddyfile reads the module's own words.
func (s *SessionsFile) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	if err := optionalArgument(d, &s.Path); err != nil {
		return err
	}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		return unknown(d)
	}
	return nil
}

var (
	_ Sessions              = (*SessionsFile)(nil)
	_ caddy.Provisioner     = (*SessionsFile)(nil)
	_ caddy.CleanerUpper    = (*SessionsFile)(nil)
	_ caddyfile.Unmarshaler = (*SessionsFile)(nil)
)
