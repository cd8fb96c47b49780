package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/filestore"
	"sallyport.example/sallyport/session/store/seal"
)

func init() { caddy.RegisterModule(new(SecretsFile)) }

// SecretsFile keeps second factors in one encrypted file, for a single gateway.
//
//	secrets file [<path>] {
//		key_file <path>
//	}
type SecretsFile struct {
	// The path of the file. Placeholders are replaced. Default: `sallyport/secrets.db` in Caddy's data directory
	Path string `json:"path,omitempty"`
	// The path of the key that seals the records. It is made at the very first start, with mode 0600. Placeholders are
	// replaced. Default: `path` with `.key` at its end
	KeyFile string `json:"key_file,omitempty"`

	pooled *pooledFile
	key    string
	log    *slog.Logger
}

// openFiles are the files that are open, over all configurations: a reload must find the one that it has open already,
// for it is locked.
var openFiles = caddy.NewUsagePool()

// pooledFile opens its file when it is first needed, and keeps nothing of the configuration that made it.
type pooledFile struct {
	path, keyFile string

	mu    sync.Mutex
	store *filestore.Store
}

// CaddyModule returns the Caddy module information.
func (*SecretsFile) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "second_factor.secrets.file", New: func() caddy.Module { return new(SecretsFile) }}
}

// places are where the file and its key lie. Nothing else works them out.
func (s *SecretsFile) places() (path, keyFile string, err error) {
	replacer := caddy.NewReplacer()
	if path, err = replacer.ReplaceOrErr(s.Path, true, true); err != nil {
		return "", "", fmt.Errorf("path: %w", err)
	}
	if keyFile, err = replacer.ReplaceOrErr(s.KeyFile, true, true); err != nil {
		return "", "", fmt.Errorf("key_file: %w", err)
	}
	if path == "" {
		path = filepath.Join(caddy.AppDataDir(), "sallyport", "secrets.db")
	}
	if path, err = filepath.Abs(path); err != nil {
		return "", "", fmt.Errorf("path: %w", err)
	}
	if keyFile, err = filepath.Abs(filestore.KeyPath(path, keyFile)); err != nil {
		return "", "", fmt.Errorf("key_file: %w", err)
	}
	return path, keyFile, nil
}

// Provision finds the file's place. It touches nothing.
func (s *SecretsFile) Provision(ctx caddy.Context) error {
	path, keyFile, err := s.places()
	if err != nil {
		return err
	}
	s.log = ctx.Slogger()
	key := path + "\x00" + keyFile
	value, _, err := openFiles.LoadOrNew(key, func() (caddy.Destructor, error) {
		return &pooledFile{path: path, keyFile: keyFile}, nil
	})
	if err != nil {
		return err
	}
	s.pooled, s.key = value.(*pooledFile), key
	return nil
}

// Cleanup lets go of the file. Caddy calls it after a failed Provision too: what was not taken must not be given back,
// or the running configuration loses it.
func (s *SecretsFile) Cleanup() error {
	if s.pooled == nil {
		return nil
	}
	s.pooled = nil
	_, err := openFiles.Delete(s.key)
	return err
}

// Open opens the file. Where neither it nor its key is there it makes both, and says so: that may be a first start,
// or a volume that is not mounted.
func (s *SecretsFile) Open() error {
	store, opened, err := s.pooled.open()
	if err == nil && opened && store.Made() {
		s.log.Warn("neither the secrets file nor its key was there: both were made anew, and nobody is enrolled",
			"setting", "secrets", "path", s.pooled.path)
	}
	return err
}

// Store is the file as a factor.Store, opened on first use.
func (s *SecretsFile) Store() factor.Store { return s.pooled }

// SessionKeys is one key, which the file's own key makes.
func (s *SecretsFile) SessionKeys() seal.Keys {
	pooled := s.pooled
	return seal.NewCached(func(context.Context) (*seal.Ring, error) {
		store, err := pooled.ready()
		if err != nil {
			return nil, err
		}
		return seal.NewRing(1, map[seal.KeyID][]byte{1: store.DeriveKey("sessions at rest")})
	}, 24*time.Hour, 0)
}

// Identity names the file.
func (s *SecretsFile) Identity() string { return "file " + s.key }

// UnmarshalCaddyfile reads the module's own words.
func (s *SecretsFile) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	_, err := readModule(d, &s.Path, fileWords(), s)
	return err
}

// fileWords are the words of `secrets file`.
func fileWords() table[SecretsFile] {
	return table[SecretsFile]{
		row("key_file", "<path>", text(nil), func(s *SecretsFile) *string { return &s.KeyFile }, nil),
	}
}

// open opens the file unless it is open; opened reports whether it was not.
func (p *pooledFile) open() (store *filestore.Store, opened bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.store != nil {
		return p.store, false, nil
	}
	if p.store, err = filestore.Open(p.path, filestore.Options{KeyFile: p.keyFile}); err != nil {
		return nil, false, err
	}
	return p.store, true, nil
}

// Destruct closes the file when the last configuration that uses it is gone.
func (p *pooledFile) Destruct() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.store == nil {
		return nil
	}
	return p.store.Close()
}

// ready opens the file for an operation. Whatever stands in the way, it is never "no such record" (P6).
func (p *pooledFile) ready() (*filestore.Store, error) {
	store, _, err := p.open()
	if err != nil && !errors.Is(err, factor.ErrCorrupt) {
		return nil, fmt.Errorf("%w: %w", factor.ErrUnavailable, err)
	}
	return store, err
}

// Get implements factor.Store.
func (p *pooledFile) Get(ctx context.Context, key factor.Key) (factor.Record, factor.Version, error) {
	store, err := p.ready()
	if err != nil {
		return factor.Record{}, 0, err
	}
	return store.Get(ctx, key)
}

// Put implements factor.Store.
func (p *pooledFile) Put(ctx context.Context, key factor.Key, record factor.Record, expected factor.Version) (factor.Version, error) {
	store, err := p.ready()
	if err != nil {
		return 0, err
	}
	return store.Put(ctx, key, record, expected)
}

// Delete implements factor.Store.
func (p *pooledFile) Delete(ctx context.Context, key factor.Key, expected factor.Version) error {
	store, err := p.ready()
	if err != nil {
		return err
	}
	return store.Delete(ctx, key, expected)
}

var (
	_ Secrets               = (*SecretsFile)(nil)
	_ factor.Store          = (*pooledFile)(nil)
	_ caddy.Provisioner     = (*SecretsFile)(nil)
	_ caddy.CleanerUpper    = (*SecretsFile)(nil)
	_ caddyfile.Unmarshaler = (*SecretsFile)(nil)
)
