package vaultstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"

	"github.com/hashicorp/vault/api"
)

// DefaultTimeout is how long one call to Vault may take.
const DefaultTimeout = 2 * time.Second

const (
	// lookEvery is how often a token's file is checked, and for how long Vault's answer that a token lives is believed.
	lookEvery = time.Second
	// unclearEvery is how often a refusal that may or may not mean a dead token causes a new login.
	unclearEvery = 30 * time.Second
)

// ConnectionSettings say how to reach Vault and how to sign in. Empty settings come from the environment, read as the
// vault command reads it.
type ConnectionSettings struct {
	// Address of Vault: https://…, http://… or unix://…; empty: VAULT_AGENT_ADDR, VAULT_ADDR, or
	// https://127.0.0.1:8200.
	Address string
	// Namespace (Vault Enterprise); empty: VAULT_NAMESPACE.
	Namespace string
	// CACert is a file with the authorities that may have signed Vault's certificate; empty: VAULT_CACERT,
	// VAULT_CACERT_BYTES, VAULT_CAPATH, or the system's. A changed file is picked up.
	CACert string
	// ClientCert and ClientKey are files; empty: VAULT_CLIENT_CERT and VAULT_CLIENT_KEY. Changed files are picked up at
	// the next login, or when Vault refuses the certificate.
	ClientCert, ClientKey string
	// Timeout of one call; default DefaultTimeout. VAULT_CLIENT_TIMEOUT is ignored.
	Timeout time.Duration
	// Method of signing in; nil: the token in VAULT_TOKEN, read at each login.
	Method Method
	// Logger for what an operator should know; nil for none. Nothing secret is logged.
	Logger *slog.Logger
}

// Connection is a connection to Vault. It signs in at first use, once for all callers, and renews its token, or gets
// another one, until Close. Safe for concurrent use.
type Connection struct {
	address   string
	namespace string
	tls       tlsSettings
	timeout   time.Duration
	method    Method
	logger    *slog.Logger
	made      time.Time

	present atomic.Pointer[login]   // nil while there is no token that may work
	refusal atomic.Pointer[refusal] // Vault refused the credential; nil if the last attempt was not refused
	looked  atomic.Int64            // when the credential's file was last checked, in nanoseconds after made

	life context.Context // ends at Close
	end  context.CancelFunc
	work sync.WaitGroup // goroutines

	mutex       sync.Mutex // guards the following; never held during I/O
	closed      bool
	flight      *flight   // the attempt to sign in that callers join
	earliest    time.Time // when the next attempt may begin
	refusals    int       // consecutive ones
	hurried     int       // consecutive tokens that needed replacement before half their life
	lastUnclear time.Time // when an unclear refusal last caused a login
	troubled    string    // text of the last logged failure

	// The first attempt makes it. Only attempts use it, and there is one at a time.
	base *api.Client
	way  atomic.Pointer[transport]
}

// NewConnection checks the settings; an error names the wrong one. It does no I/O and starts nothing.
func NewConnection(settings ConnectionSettings) (*Connection, error) {
	environment := func(given string, names ...string) string {
		for _, name := range names {
			if given == "" {
				given = os.Getenv(name)
			}
		}
		return given
	}
	c := &Connection{
		address:   environment(settings.Address, api.EnvVaultAgentAddr, api.EnvVaultAddress),
		namespace: environment(settings.Namespace, api.EnvVaultNamespace),
		tls:       tlsSettings{caCert: settings.CACert, clientCert: settings.ClientCert, clientKey: settings.ClientKey},
		timeout:   settings.Timeout,
		method:    settings.Method,
		logger:    settings.Logger,
		made:      time.Now(),
	}
	if c.address == "" {
		c.address = api.DefaultAddress
	}
	c.address = strings.TrimRight(c.address, "/")
	if err := checkAddress(c.address); err != nil {
		return nil, fmt.Errorf("vaultstore: address: %w", err)
	}
	if strings.ContainsFunc(c.namespace, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }) {
		return nil, errors.New("vaultstore: namespace: it has spaces or control characters")
	}
	if c.tls.caCert == "" {
		c.tls.caCert = os.Getenv(api.EnvVaultCACert)
		c.tls.caCertBytes = os.Getenv(api.EnvVaultCACertBytes)
		c.tls.caPath = os.Getenv(api.EnvVaultCAPath)
	}
	if c.tls.clientCert == "" && c.tls.clientKey == "" {
		c.tls.clientCert, c.tls.clientKey = os.Getenv(api.EnvVaultClientCert), os.Getenv(api.EnvVaultClientKey)
	}
	if (c.tls.clientCert == "") != (c.tls.clientKey == "") {
		return nil, errors.New("vaultstore: client_cert, client_key: one goes with the other")
	}
	c.tls.serverName = os.Getenv(api.EnvVaultTLSServerName)
	if word := os.Getenv(api.EnvVaultSkipVerify); word != "" {
		var err error
		if c.tls.insecure, err = strconv.ParseBool(word); err != nil {
			return nil, fmt.Errorf("vaultstore: %s: neither true nor false", api.EnvVaultSkipVerify)
		}
	}
	if c.timeout < 0 {
		return nil, errors.New("vaultstore: timeout: it is negative")
	}
	if c.timeout == 0 {
		c.timeout = DefaultTimeout
	}
	if c.method == nil {
		c.method = environmentToken()
	}
	if err := c.method.validate(); err != nil {
		return nil, fmt.Errorf("vaultstore: %s: %w", c.method.Name(), err)
	}
	if method, ok := c.method.(certMethod); ok {
		if c.tls.clientCert == "" || !strings.HasPrefix(c.address, "https://") {
			return nil, errors.New("vaultstore: cert: it takes client_cert, client_key and an https address")
		}
		method.files = []string{c.tls.clientCert, c.tls.clientKey}
		c.method = method
	}
	if c.logger == nil {
		c.logger = slog.New(slog.DiscardHandler)
	}
	c.looked.Store(-int64(lookEvery))
	c.life, c.end = context.WithCancel(context.Background())
	return c, nil
}

// checkAddress refuses addresses that Vault's client would silently misread.
func checkAddress(address string) error {
	parsed, err := url.Parse(address)
	switch {
	case err != nil:
		return errors.New("it is not a URL") // the parser's error repeats it, including a password
	case parsed.User != nil:
		return errors.New("it must not carry a user or password")
	case parsed.Scheme == "unix" && parsed.Path != "":
		return nil
	case parsed.Scheme != "http" && parsed.Scheme != "https":
		return errors.New("it has to begin with https://, http:// or unix://")
	case parsed.Hostname() == "":
		return errors.New("it names no host")
	case parsed.RawQuery != "" || parsed.Fragment != "":
		return errors.New("it has more than a host and a path")
	}
	return nil
}

// Close stops the renewal and waits for its end, for as long as a call to Vault may take. The token is not revoked:
// clients that were handed out keep working, and client goes on handing them out, without renewal. Further calls do
// nothing.
func (c *Connection) Close() {
	c.mutex.Lock()
	c.closed = true
	c.mutex.Unlock()
	c.end()
	c.work.Wait()
	if way := c.way.Load(); way != nil {
		letGo := way.present.Load().http.CloseIdleConnections
		letGo()
		time.AfterFunc(c.timeout, letGo) // for connections that were still in use
	}
}

// client returns a client with the current token. If there is a token it returns at once, even during a renewal or
// login. Otherwise it waits for the login in flight, or begins one, until ctx ends. The error's chain has what Vault
// (*api.ResponseError), the network or TLS said, or why ctx ended. Callers must not change the client: it is shared.
func (c *Connection) client(ctx context.Context) (*api.Client, error) {
	if present := c.present.Load(); present != nil {
		c.follow(present)
		return present.client, nil
	}
	present, err := c.await(ctx, "", credentialMark{})
	if err != nil {
		return nil, err
	}
	return present.client, nil
}

// denied says what to do after Vault answered 403 to a call made with a client of this Connection. If it returns true,
// there is another token now, and the call may be repeated once with a new client. It asks Vault whether the token
// lives, once for all callers and at most once a second, and signs in again if it does not. For a live token that lacks
// the permission it returns false. It returns when ctx ends.
func (c *Connection) denied(ctx context.Context, used *api.Client) bool {
	token := used.Token()
	present := c.present.Load()
	switch {
	case present == nil:
		return c.replaced(ctx, token, credentialMark{})
	case present.token != token:
		return true
	}
	if c.method.follows() {
		if now := c.method.mark(); now != (credentialMark{}) && now != present.mark && c.replaced(ctx, token, now) {
			return true
		}
	}
	switch c.inquire(ctx, present) {
	case tokenDead:
		c.drop(present)
		return c.replaced(ctx, token, credentialMark{})
	case tokenUnclear:
		c.mutex.Lock()
		again := time.Since(c.lastUnclear) >= unclearEvery
		if again {
			c.lastUnclear = time.Now()
		}
		c.mutex.Unlock()
		return again && c.replaced(ctx, token, credentialMark{})
	default:
		return false
	}
}

// replaced waits for the login in flight, or a new one, and reports whether that brought another token.
func (c *Connection) replaced(ctx context.Context, token string, seen credentialMark) bool {
	present, err := c.await(ctx, token, seen)
	return err == nil && present.token != token
}

// follow begins a login, without waiting, if the file that the token came from has another one now.
func (c *Connection) follow(present *login) {
	if c.method.follows() && c.mayLook() {
		if now := c.method.mark(); now != (credentialMark{}) && now != present.mark {
			_, _ = c.join(present.token, now)
		}
	}
}

// mayLook lets one caller a second check the credential's file.
func (c *Connection) mayLook() bool {
	now, last := int64(time.Since(c.made)), c.looked.Load()
	return now-last >= int64(lookEvery) && c.looked.CompareAndSwap(last, now)
}
