package caddymodule

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/session/store/seal"
	"sallyport.example/sallyport/vaultstore"
)

func init() { caddy.RegisterModule(new(SecretsVault)) }

// SecretsVault keeps second factors in HashiCorp Vault.
//
//	secrets vault [<address>] {
//		mount       <mount>
//		path        <path>
//		auth        token <token>
//		auth        token_file <file>
//		auth        approle <role_id> <secret_id_file>
//		auth        kubernetes <role> [<token_file>]
//		auth        cert [<role>]
//		auth_mount  <mount>
//		namespace   <name>
//		ca_cert     <file>
//		client_cert <file> <key_file>
//		transit     <mount>/<key>
//		timeout     <duration>
//	}
//
// Placeholders in every text are replaced. Vault is not called before the configuration has started.
type SecretsVault struct {
	// The address of Vault, such as `https://vault.internal:8200`. Default: $VAULT_ADDR
	Address string `json:"address,omitempty"`
	// The mount of a KV engine, version 2. Default: `secret`
	Mount string `json:"mount,omitempty"`
	// The folder below the mount. Default: `sallyport`
	Path string `json:"path,omitempty"`
	// How the gateway signs in to Vault. Default: with the token in $VAULT_TOKEN
	Auth *VaultAuth `json:"auth,omitempty"`
	// The namespace of Vault Enterprise. Default: $VAULT_NAMESPACE
	Namespace string `json:"namespace,omitempty"`
	// The file of the authorities that may sign Vault's certificate. Default: $VAULT_CACERT, else the system's
	CACert string `json:"ca_cert,omitempty"`
	// The file of a client certificate. Default: $VAULT_CLIENT_CERT
	ClientCert string `json:"client_cert,omitempty"`
	// The file of the certificate's key. Default: $VAULT_CLIENT_KEY
	ClientKey string `json:"client_key,omitempty"`
	// The key of Vault's transit engine, `<mount>/<key>`, that seals seeds in addition. Default: none
	Transit string `json:"transit,omitempty"`
	// How long one call may take. Default: `2s`
	Timeout caddy.Duration `json:"timeout,omitempty"`

	pooled *pooledVault
	key    string
}

// VaultAuth is how the gateway signs in to Vault.
type VaultAuth struct {
	// The auth method: `token`, `token_file`, `approle`, `kubernetes` or `cert`. Required.
	Method string `json:"method"`
	// The token: a placeholder such as `{env.NAME}`, or a stand-in for a token that the Caddyfile spells out.
	Token string `json:"token,omitempty"`
	// The file of the token (`token_file`), the secret ID (`approle`) or the service account's token (`kubernetes`).
	File string `json:"file,omitempty"`
	// The role ID of `approle`.
	RoleID string `json:"role_id,omitempty"`
	// The role of `kubernetes` or `cert`.
	Role string `json:"role,omitempty"`
	// The mount of the auth method. Default: the method's name
	Mount string `json:"mount,omitempty"`
}

// vaults are the connections of all configurations, by their settings. A reload goes on with the token that it has.
var vaults = caddy.NewUsagePool()

// pooledVault keeps nothing of the configuration that made it.
type pooledVault struct {
	connection *vaultstore.Connection
	store      *vaultstore.Store
}

// Destruct stops the renewal of the token once no configuration uses the connection any more.
func (p *pooledVault) Destruct() error {
	p.connection.Close()
	return nil
}

// CaddyModule returns the Caddy module information.
func (*SecretsVault) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "second_factor.secrets.vault", New: func() caddy.Module { return new(SecretsVault) }}
}

// Provision checks the settings, and takes over the previous configuration's connection if the settings are equal.
func (s *SecretsVault) Provision(caddy.Context) error {
	resolved, err := s.resolve()
	if err != nil {
		return err
	}
	settings, err := json.Marshal(resolved)
	if err != nil {
		return err
	}
	// A hash, because the settings may contain a token, and Caddy writes the keys of a pool into errors.
	hash := sha256.Sum256(settings)
	key := hex.EncodeToString(hash[:])
	value, _, err := vaults.LoadOrNew(key, func() (caddy.Destructor, error) { return resolved.open() })
	if err != nil {
		return err
	}
	s.pooled, s.key = value.(*pooledVault), key
	return nil
}

// Cleanup releases the connection, if Provision took it.
func (s *SecretsVault) Cleanup() error {
	if s.pooled == nil {
		return nil
	}
	s.pooled = nil
	_, err := vaults.Delete(s.key)
	return err
}

// Open checks Vault in the background and logs the result: a gateway must also start without Vault, and recover when
// Vault returns.
func (s *SecretsVault) Open() error {
	store := s.pooled.store
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		report := store.Check(ctx)
		if err := report.Err(); err != nil {
			forwardLog.Error("secrets are kept in Vault, but not everything works; `second-factor vault check` says what to do",
				"place", store.String(), "error", err)
			return
		}
		forwardLog.Info("secrets are kept in Vault, and everything needed works", "place", store.String(), "clock_ahead", report.Clock.String())
	}()
	return nil
}

// Store is Vault as a factor.Store.
func (s *SecretsVault) Store() factor.Store { return s.pooled.store }

// SessionKeys returns the session keys, which are stored beside the records and read once a minute.
func (s *SecretsVault) SessionKeys() seal.Keys {
	store := s.pooled.store
	return seal.NewCached(func(ctx context.Context) (*seal.Ring, error) {
		keys, err := store.SessionKeys(ctx)
		if err != nil {
			return nil, err
		}
		byNumber := make(map[seal.KeyID][]byte, len(keys))
		for _, key := range keys {
			byNumber[seal.KeyID(key.ID)] = key.Key
		}
		return seal.NewRing(seal.KeyID(keys[len(keys)-1].ID), byNumber)
	}, time.Minute, 10*time.Second)
}

// TokenExpires returns a function that says when the token of Vault ends unless it is renewed; false if there is none,
// or one without end. It may be called after the configuration has ended.
func (s *SecretsVault) TokenExpires() func() (time.Time, bool) {
	return s.pooled.connection.TokenExpires
}

// Identity is a hash of the settings.
func (s *SecretsVault) Identity() string { return "vault " + s.key }

// resolve returns a copy with all placeholders replaced. It contains all secrets, so it must never be shown.
func (s *SecretsVault) resolve() (*SecretsVault, error) {
	resolved := &SecretsVault{Timeout: s.Timeout, Auth: new(VaultAuth)}
	from := s.Auth
	if from == nil {
		from = new(VaultAuth)
	}
	for _, setting := range []struct {
		name   string
		value  string
		target *string
	}{
		{"address", s.Address, &resolved.Address},
		{"mount", s.Mount, &resolved.Mount},
		{"path", s.Path, &resolved.Path},
		{"namespace", s.Namespace, &resolved.Namespace},
		{"ca_cert", s.CACert, &resolved.CACert},
		{"client_cert", s.ClientCert, &resolved.ClientCert},
		{"client_cert", s.ClientKey, &resolved.ClientKey},
		{"transit", s.Transit, &resolved.Transit},
		{"auth", from.Method, &resolved.Auth.Method},
		{"auth token", from.Token, &resolved.Auth.Token},
		{"auth", from.File, &resolved.Auth.File},
		{"auth", from.RoleID, &resolved.Auth.RoleID},
		{"auth", from.Role, &resolved.Auth.Role},
		{"auth_mount", from.Mount, &resolved.Auth.Mount},
	} {
		value, err := revealLiteral(setting.name, setting.value)
		if err != nil {
			return nil, fmt.Errorf("secrets vault: %w", err)
		}
		*setting.target = value
	}
	return resolved, nil
}

// method returns how to sign in; nil means as the vault command does.
func (a *VaultAuth) method() (vaultstore.Method, error) {
	var options []vaultstore.MethodOption
	if a.Mount != "" {
		options = append(options, vaultstore.Mount(a.Mount))
	}
	switch a.Method {
	case "":
		return nil, nil //nolint:nilnil // no method is the default
	case "token":
		if a.Token == "" {
			return nil, errors.New("auth token: the token is empty")
		}
		return vaultstore.Token(a.Token), nil
	case "token_file":
		return vaultstore.TokenFile(a.File), nil
	case "approle":
		return vaultstore.AppRole(a.RoleID, a.File, options...), nil
	case "kubernetes":
		if a.File != "" {
			options = append(options, vaultstore.ServiceAccountTokenFile(a.File))
		}
		return vaultstore.Kubernetes(a.Role, options...), nil
	case "cert":
		return vaultstore.Cert(a.Role, options...), nil
	}
	return nil, fmt.Errorf("auth: unknown method '%s'", a.Method)
}

// open makes the connection and the store from resolved settings. It makes no call.
func (s *SecretsVault) open() (*pooledVault, error) {
	method, err := s.Auth.method()
	if err != nil {
		return nil, fmt.Errorf("secrets vault: %w", err)
	}
	connection, err := vaultstore.NewConnection(vaultstore.ConnectionSettings{
		Address: s.Address, Namespace: s.Namespace, CACert: s.CACert, ClientCert: s.ClientCert, ClientKey: s.ClientKey,
		Timeout: time.Duration(s.Timeout), Method: method, Logger: forwardLog,
	})
	if err != nil {
		return nil, fmt.Errorf("secrets vault: %w", err)
	}
	store, err := vaultstore.New(vaultstore.Settings{
		Connection: connection, Mount: s.Mount, Path: s.Path, Transit: s.Transit, Timeout: time.Duration(s.Timeout), Logger: forwardLog,
	})
	if err != nil {
		connection.Close()
		return nil, fmt.Errorf("secrets vault: %w", err)
	}
	return &pooledVault{connection: connection, store: store}, nil
}

var (
	_ Secrets            = (*SecretsVault)(nil)
	_ caddy.Provisioner  = (*SecretsVault)(nil)
	_ caddy.CleanerUpper = (*SecretsVault)(nil)
)
