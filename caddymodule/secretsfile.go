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
	// replaced. Default: `path` with `.key` appended
	KeyFile string `json:"key_file,omitempty"`

	pooled *pooledFile
	key    string
	log    *slog.Logger
}

// openFiles are the open files of all configurations. An open file is locked, so a reload must find the one that is
// already open.
var openFiles = caddy.NewUsagePool()

// pooledFile opens its file at first use. It keeps nothing of the configuration that made it.
type pooledFile struct {
	path, keyFile string

	mu    sync.Mutex
	store *filestore.Store
}

// CaddyModule returns the Caddy module information.
func (*SecretsFile) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "second_factor.secrets.file", New: func() caddy.Module { return new(SecretsFile) }}
}

// places returns the paths of the file and its key. Nothing else computes them.
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

// Provision finds the file's path. It opens nothing.
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

// Cleanup releases the file. Caddy also calls it after a failed Provision, and then it must not release what was not
// taken: the running configuration would lose it.
func (s *SecretsFile) Cleanup() error {
	if s.pooled == nil {
		return nil
	}
	s.pooled = nil
	_, err := openFiles.Delete(s.key)
	return err
}

// Open opens the file. If neither the file nor its key exists it makes both, and logs that: it may be a first start, or
// a volume that is not mounted.
func (s *SecretsFile) Open() error {
	store, opened, err := s.pooled.open()
	if err == nil && opened && store.Made() {
		s.log.Warn("neither the secrets file nor its key was there: both were made anew, and nobody is enrolled",
			"setting", "secrets", "path", s.pooled.path)
	}
	return err
}

// Store is the file as a factor.Store, opened at first use.
func (s *SecretsFile) Store() factor.Store { return s.pooled }

// SessionKeys is a single key, derived from the file's own key.
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

// open opens the file unless it is already open; opened reports whether this call did.
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

// Destruct closes the file once no configuration uses it any more.
func (p *pooledFile) Destruct() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.store == nil {
		return nil
	}
	return p.store.Close()
}

// ready opens the file for an operation. No failure to do so is ever reported as "no such record" (P6).
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

// List implements factor.Lister.
func (p *pooledFile) List(ctx context.Context, query factor.Query) (factor.Page, error) {
	store, err := p.ready()
	if err != nil {
		return factor.Page{}, err
	}
	return store.List(ctx, query)
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
	_ factor.Lister         = (*pooledFile)(nil)
	_ caddy.Provisioner     = (*SecretsFile)(nil)
	_ caddy.CleanerUpper    = (*SecretsFile)(nil)
	_ caddyfile.Unmarshaler = (*SecretsFile)(nil)
)
