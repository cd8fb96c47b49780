package caddymodule

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/observed"
	"sallyport.example/sallyport/mail"
	"sallyport.example/sallyport/session"
	"sallyport.example/sallyport/session/store/seal"
)

func init() { caddy.RegisterModule(new(App)) }

// appID is the app's name in Caddy's configuration.
const appID = "second_factor"

// App holds what all sites of a server share: the stores of second factors and of sessions. By default, second factors
// are kept in an encrypted file in Caddy's data directory, and sessions in memory.
type App struct {
	// The store of second factors. Default: `file`
	SecretsRaw json.RawMessage `json:"secrets,omitempty" caddy:"namespace=second_factor.secrets inline_key=module"`

	// The store of sessions. Default: `memory`
	SessionsRaw json.RawMessage `json:"sessions,omitempty" caddy:"namespace=second_factor.sessions inline_key=module"`

	// The server that e-mail is sent by. Default: none, and no site can send any
	MailRaw json.RawMessage `json:"mail,omitempty" caddy:"namespace=second_factor.mail inline_key=module"`

	secrets  Secrets
	sessions Sessions
	mail     Mail // nil if there is none
	sites    sites
}

// Secrets is implemented by the guest modules of second_factor.secrets.
//
// Provision must not open anything: it also runs for `caddy validate`, perhaps beside a server that has the same file
// open. Open is called when the configuration starts, and may be called by several sites at once.
type Secrets interface {
	// Open makes the store ready. Until it has succeeded, Store answers with factor.ErrUnavailable.
	Open() error
	// Store is the store that all sites use; safe for concurrent use.
	Store() factor.Store
	// SessionKeys are the keys that seal sessions at rest; safe for concurrent use.
	SessionKeys() seal.Keys
	// Identity distinguishes one store of secrets from another. It contains no secret.
	Identity() string
}

// Sessions is implemented by the guest modules of second_factor.sessions. If one has a method Open, it is called when
// the configuration starts; it must not wait for anything then.
type Sessions interface {
	// Connect is called once, when both guests have been provisioned. It opens nothing either.
	Connect(secrets Secrets) error
	// Shared is the store that all sites use; safe for concurrent use.
	Shared() *session.Shared
}

// Mail is implemented by the guest modules of second_factor.mail.
type Mail interface {
	// Sender sends a message while the caller waits; safe for concurrent use.
	Sender() mail.Sender
	// Queue sends messages in the background.
	Queue() *mail.Queue
}

// CaddyModule returns the Caddy module information.
func (*App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: appID, New: func() caddy.Module { return new(App) }}
}

// Provision loads the guest modules.
func (a *App) Provision(ctx caddy.Context) error {
	logger := ctx.Slogger()
	if a.SecretsRaw == nil {
		a.SecretsRaw = json.RawMessage(`{"module":"file"}`)
		logger.Warn("second factors are kept in an encrypted file on this machine; for production, keep them in HashiCorp Vault",
			"setting", "secrets")
	}
	if a.SessionsRaw == nil {
		a.SessionsRaw = json.RawMessage(`{"module":"memory"}`)
	}
	guest, err := ctx.LoadModule(a, "SecretsRaw")
	if err != nil {
		return fmt.Errorf("secrets: %w", err)
	}
	a.secrets = guest.(Secrets)
	if guest, err = ctx.LoadModule(a, "SessionsRaw"); err != nil {
		return fmt.Errorf("sessions: %w", err)
	}
	a.sessions = guest.(Sessions)
	if a.MailRaw != nil {
		if guest, err = ctx.LoadModule(a, "MailRaw"); err != nil {
			return fmt.Errorf("mail: %w", err)
		}
		a.mail = guest.(Mail)
	}
	if err := a.sessions.Connect(a.secrets); err != nil {
		return fmt.Errorf("sessions: %w", err)
	}
	return a.measure(ctx)
}

// measure registers this app's metrics with the configuration's registry.
func (a *App) measure(ctx caddy.Context) error {
	shown := &gauges{shared: a.sessions.Shared(), apps: a.sites.names, now: time.Now, life: ctx}
	if able, ok := a.secrets.(interface {
		TokenExpires() func() (time.Time, bool)
	}); ok {
		shown.token = able.TokenExpires()
	}
	return registerMetrics(ctx.GetMetricsRegistry(), shown)
}

// store is the store of second factors, with its calls counted.
func (a *App) store() factor.Store { return observed.New(a.secrets.Store(), secretsMeter) }

// Start opens the stores. A wrong key or a damaged file stops the server, or the reload, here.
func (a *App) Start() error {
	if err := a.secrets.Open(); err != nil {
		return fmt.Errorf("secrets: %w", err)
	}
	if able, ok := a.sessions.(interface{ Open() }); ok {
		able.Open()
	}
	return nil
}

// Stop does nothing: the guests release what they hold in Cleanup.
func (a *App) Stop() error { return nil }

var (
	_ caddy.App         = (*App)(nil)
	_ caddy.Provisioner = (*App)(nil)
)
