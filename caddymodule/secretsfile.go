package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"sallyport/factor"
	"sallyport/filestore"
	"sallyport/sessionstore/seal"
)

func init() { caddy.RegisterModule(new(SecretsFile)) }

// SecretsFile keeps second factors in one encrypted file, for a single gateway.
//
//	secrets file [<path>] {
//		key_file <path>
//	}
type SecretsFile struct {
	// Path of the file. Default: `sallyport/secrets.db` in Caddy's data directory. Placeholders are replaced.
	Path string `json:"path,omitempty"`
	// KeyFile holds the key that seals the records; it is made on first use, with mode 0600. Default: Path with `.key`
	// at its end. Placeholders are replaced.
	KeyFile string `json:"key_file,omitempty"`

	pooled *pooledFile
	key    string
}

// openFiles are the files that are open, over all configurations: a reload must find the one that it has open already, for
// it is locked.
var openFiles = caddy.NewUsagePool()

// pooledFile opens its file when it is first needed, and keeps nothing of the configuration that made it.
type pooledFile struct {
	path, keyFile string

	mu    sync.Mutex
	store *filestore.Store
}

// CaddyModule tells Caddy the module's name.
func (*SecretsFile) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "second_factor.secrets.file", New: func() caddy.Module { return new(SecretsFile) }}
}

// Provision finds the file's place. It touches nothing.
func (s *SecretsFile) Provision(caddy.Context) error {
	replacer := caddy.NewReplacer()
	path, err := replacer.ReplaceOrErr(s.Path, true, true)
	if err != nil {
		return fmt.Errorf("path: %w", err)
	}
	keyFile, err := replacer.ReplaceOrErr(s.KeyFile, true, true)
	if err != nil {
		return fmt.Errorf("key_file: %w", err)
	}
	if path == "" {
		path = filepath.Join(caddy.AppDataDir(), "sallyport", "secrets.db")
	}
	if path, err = filepath.Abs(path); err != nil {
		return err
	}
	if keyFile == "" {
		keyFile = path + ".key"
	}
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

// Cleanup lets go of the file. Caddy calls it after a failed Provision too: what was not taken must not be given back, or
// the running configuration loses it.
func (s *SecretsFile) Cleanup() error {
	if s.pooled == nil {
		return nil
	}
	s.pooled = nil
	_, err := openFiles.Delete(s.key)
	return err
}

// Open opens the file.
func (s *SecretsFile) Open() error {
	_, err := s.pooled.open()
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
	if err := optionalArgument(d, &s.Path); err != nil {
		return err
	}
	words := newWords(d)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if err := words.once(); err != nil {
			return err
		}
		switch d.Val() {
		case "key_file":
			if err := oneArgument(d, &s.KeyFile); err != nil {
				return err
			}
		default:
			return unknown(d)
		}
	}
	return nil
}

func (p *pooledFile) open() (*filestore.Store, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.store != nil {
		return p.store, nil
	}
	store, err := filestore.Open(p.path, filestore.Options{KeyFile: p.keyFile})
	if err != nil {
		return nil, err
	}
	p.store = store
	return store, nil
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
	store, err := p.open()
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
