package vaultstore

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/vault/api"
)

// tlsSettings say how the two ends authenticate. Files are read at first use, and again when a change may matter.
type tlsSettings struct {
	caCert      string // file
	caCertBytes string // PEM, from the environment
	caPath      string // directory
	clientCert  string // file
	clientKey   string // file
	serverName  string
	insecure    bool // VAULT_SKIP_VERIFY
}

// load reads the files. The digest covers everything that was read, to find out whether another load read something
// new.
func (s tlsSettings) load() (*tls.Config, [sha256.Size]byte, error) {
	digest := sha256.New()
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: s.serverName}
	if s.insecure {
		config.InsecureSkipVerify = true // the operator's VAULT_SKIP_VERIFY, which the vault command obeys too
	}
	sources, err := s.authorities()
	if err != nil {
		return nil, [sha256.Size]byte{}, err
	}
	for _, source := range sources {
		if config.RootCAs == nil {
			config.RootCAs = x509.NewCertPool()
		}
		if !config.RootCAs.AppendCertsFromPEM(source.content) {
			return nil, [sha256.Size]byte{}, fmt.Errorf("%s has no certificate in PEM", source.name)
		}
		_, _ = fmt.Fprintf(digest, "%q %q\n", source.name, source.content)
	}
	if s.clientCert != "" {
		certificate, err := os.ReadFile(s.clientCert)
		if err != nil {
			return nil, [sha256.Size]byte{}, fmt.Errorf("reading the client certificate: %w", err)
		}
		key, err := os.ReadFile(s.clientKey)
		if err != nil {
			return nil, [sha256.Size]byte{}, fmt.Errorf("reading the client certificate's key: %w", err)
		}
		pair, err := tls.X509KeyPair(certificate, key)
		if err != nil {
			return nil, [sha256.Size]byte{}, fmt.Errorf("client certificate %s with key %s: %w", s.clientCert, s.clientKey, err)
		}
		// Vault does not list every authority whose certificates its cert method accepts, so its list is ignored.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
		_, _ = fmt.Fprintf(digest, "%q %q\n", certificate, key)
	}
	return config, [sha256.Size]byte(digest.Sum(nil)), nil
}

// authority is one source of certificates that may have signed Vault's.
type authority struct {
	name    string
	content []byte
}

// authorities reads the authorities; none means the system's. As for the vault command, a file wins over the
// environment's text, and that over a directory.
func (s tlsSettings) authorities() ([]authority, error) {
	switch {
	case s.caCert != "":
		content, err := os.ReadFile(s.caCert)
		if err != nil {
			return nil, fmt.Errorf("reading the CA certificate: %w", err)
		}
		return []authority{{s.caCert, content}}, nil
	case s.caCertBytes != "":
		return []authority{{api.EnvVaultCACertBytes, []byte(s.caCertBytes)}}, nil
	case s.caPath != "":
		var found []authority
		err := filepath.WalkDir(s.caPath, func(path string, _ fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			// A Kubernetes volume has links to files, and a link to a directory, which is skipped.
			if info, err := os.Stat(path); err != nil || info.IsDir() {
				return err
			}
			content, err := os.ReadFile(path) //nolint:gosec // the operator names the directory
			found = append(found, authority{path, content})
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("reading the CA certificates: %w", err)
		}
		if len(found) == 0 { // never fall back to the system's authorities if others were named
			return nil, fmt.Errorf("there is no CA certificate in %s", s.caPath)
		}
		return found, nil
	}
	return nil, nil
}

// errRedirectScheme refuses to send a token over another scheme than the configured one.
var errRedirectScheme = errors.New("redirected to another scheme, which is not followed")

// newBaseClient makes the client that the others are copied from, and reads the TLS files. It has no token.
func newBaseClient(address, namespace string, tlsSettings tlsSettings, timeout time.Duration) (*api.Client, *transport, error) {
	// DefaultConfig reads the environment as the vault command does, including files; the settings override it.
	config := api.DefaultConfig()
	if config.Error != nil {
		return nil, nil, fmt.Errorf("reading the VAULT_ variables of the environment: %w", config.Error)
	}
	way := &transport{settings: tlsSettings, timeout: timeout}
	if pooled, ok := config.HttpClient.Transport.(*http.Transport); ok {
		way.proxy = pooled.Proxy
	}
	way.scheme, _, _ = strings.Cut(address, "://")
	if way.scheme == "unix" {
		way.scheme, way.socket = "http", strings.TrimPrefix(address, "unix://")
	}
	loaded, digest, err := tlsSettings.load()
	if err != nil {
		return nil, nil, err
	}
	way.present.Store(&generation{http: way.make(loaded), digest: digest})

	config.Address, config.AgentAddress = address, ""
	config.Timeout = timeout
	config.MaxRetries = 0 // the caller judges a write whose answer was lost, so it is not sent again
	config.CheckRetry = func(context.Context, *http.Response, error) (bool, error) { return false, nil }
	config.SRVLookup = false // it ignores deadlines
	client, err := api.NewClient(config)
	if err != nil {
		return nil, nil, fmt.Errorf("making a client: %w", err)
	}
	config.HttpClient.Transport = way // set last: for a Unix socket, NewClient accepts only net/http's kind
	client.ClearToken()
	// Otherwise VAULT_WRAP_TTL would wrap the answers.
	client.SetWrappingLookupFunc(func(string, string) string { return "" })
	return client.WithNamespace(namespace), way, nil
}

// withToken copies a client without I/O. The copy shares the transport and has the given token.
func withToken(client *api.Client, token string) *api.Client {
	copied := client.WithNamespace(client.Namespace())
	copied.SetToken(token)
	return copied
}

// generation is a transport that was made with one state of the TLS files.
type generation struct {
	http   *http.Transport
	digest [sha256.Size]byte
}

// transport is the transport that all clients of a Connection share. It must not have net/http's method to close idle
// connections, because Vault's client calls that after each failure, and it would affect all other callers.
type transport struct {
	settings tlsSettings
	scheme   string // http or https; every request must have it
	socket   string // path of a Unix socket, or empty
	timeout  time.Duration
	proxy    func(*http.Request) (*url.URL, error)

	present atomic.Pointer[generation]
	mutex   sync.Mutex // held while the files are read; a caller with a working connection does not take it
}

// RoundTrip sends one request. After a TLS failure the files are read again. If they have changed, later requests use
// the new ones. This request is repeated with them if Vault's certificate was refused here, because nothing was sent
// then.
func (t *transport) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.URL.Scheme != t.scheme {
		if request.Body != nil {
			_ = request.Body.Close()
		}
		return nil, errRedirectScheme
	}
	used := t.present.Load()
	response, err := used.http.RoundTrip(request)
	if err != nil && troubleWithCertificates(err) && t.refresh(used) {
		var refusedHere *tls.CertificateVerificationError
		if errors.As(err, &refusedHere) {
			if again := repeatable(request); again != nil {
				response, err = t.present.Load().http.RoundTrip(again)
			}
		}
	}
	if err != nil {
		return nil, err
	}
	if response.StatusCode >= 300 && response.StatusCode < 400 {
		// Vault's client follows one redirect without reading the body of the first answer, which would keep the
		// connection busy.
		_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10))
		_ = response.Body.Close()
		response.Body = http.NoBody
	}
	return response, nil
}

// repeatable returns the request with its body from the beginning; nil if it cannot be repeated.
func repeatable(request *http.Request) *http.Request {
	again := request.Clone(request.Context())
	if request.Body == nil || request.Body == http.NoBody {
		return again
	}
	if request.GetBody == nil {
		return nil
	}
	body, err := request.GetBody()
	if err != nil {
		return nil
	}
	again.Body = body
	return again
}

// refresh reads the TLS files again, unless another caller has done so since the given generation was in use. It
// reports whether there is a newer generation now. Unusable files change nothing: they may be half written.
func (t *transport) refresh(used *generation) bool {
	if t.scheme != "https" {
		return false
	}
	t.mutex.Lock()
	defer t.mutex.Unlock()
	present := t.present.Load()
	if present != used {
		return true
	}
	config, digest, err := t.settings.load()
	if err != nil || digest == present.digest {
		return false
	}
	t.present.Store(&generation{http: t.make(config), digest: digest})
	present.http.CloseIdleConnections()
	return true
}

// make builds a transport.
func (t *transport) make(config *tls.Config) *http.Transport {
	dialer := &net.Dialer{Timeout: t.timeout, KeepAlive: 30 * time.Second}
	dial := dialer.DialContext
	if t.socket != "" {
		dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", t.socket)
		}
	}
	return &http.Transport{
		Proxy:               t.proxy,
		DialContext:         dial,
		TLSClientConfig:     config,
		TLSHandshakeTimeout: t.timeout,
		ForceAttemptHTTP2:   true,
		MaxIdleConns:        100,
		MaxIdleConnsPerHost: 100,
		IdleConnTimeout:     30 * time.Second,
		// Without pings, each call would wait on a connection whose other end has vanished, until TCP gives it up.
		HTTP2: &http.HTTP2Config{SendPingTimeout: t.timeout, PingTimeout: t.timeout},
	}
}

// troubleWithCertificates reports whether one end did not accept the other's certificate.
func troubleWithCertificates(err error) bool {
	var refusedHere *tls.CertificateVerificationError
	if errors.As(err, &refusedHere) {
		return true
	}
	var network *net.OpError
	return errors.As(err, &network) && network.Op == "remote error" // a TLS alert from Vault
}
