package caddymodule

import (
	"fmt"
	"path/filepath"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"sallyport.example/sallyport/session/store/file"
)

func init() { caddy.RegisterModule(new(SessionsFile)) }

// SessionsFile keeps sessions in one file, for a single gateway. They survive a restart. Each session is sealed with a
// key from the secrets.
//
//	sessions file [<path>]
type SessionsFile struct {
	// The path of the file. Placeholders are replaced. Default: `sallyport/sessions.db` in Caddy's data directory
	Path string `json:"path,omitempty"`

	sealedSessions
	path string
}

// CaddyModule returns the Caddy module information.
func (*SessionsFile) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "second_factor.sessions.file", New: func() caddy.Module { return new(SessionsFile) }}
}

// Provision finds the file's path. It opens nothing.
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

// Connect takes over the previous configuration's file, or prepares to open it at first use.
func (s *SessionsFile) Connect(secrets Secrets) error {
	return s.connect("file "+s.path, secrets, func() (closableStore, error) {
		return file.New(s.path, file.Options{Logger: forwardLog}), nil
	})
}

// UnmarshalCaddyfile reads the module's own words.
func (s *SessionsFile) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	_, err := readModule(d, &s.Path, nil, s)
	return err
}

var (
	_ Sessions              = (*SessionsFile)(nil)
	_ caddy.Provisioner     = (*SessionsFile)(nil)
	_ caddy.CleanerUpper    = (*SessionsFile)(nil)
	_ caddyfile.Unmarshaler = (*SessionsFile)(nil)
)
