package vaultstore

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
)

// testAuthority signs certificates.
type testAuthority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pem         string
}

func newAuthority(t *testing.T) *testAuthority {
	t.Helper()
	a := &testAuthority{}
	a.certificate = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.certificate, a.key, a.pem = a.sign(t, a.certificate)
	return a
}

// sign makes a certificate; the first one is the authority's own.
func (a *testAuthority) sign(t *testing.T, template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer := a.key
	if signer == nil {
		signer = key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return certificate, key, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// issue makes a certificate for 127.0.0.1 and for a client of that name, with its key, in PEM.
func (a *testAuthority) issue(t *testing.T, name string) (certificate, key string) {
	t.Helper()
	_, private, certificate := a.sign(t, &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	})
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return certificate, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// double is a server that answers the lookup of a token like Vault. It is for tests that a real server cannot serve,
// such as of wrong schemes and odd bodies.
func double(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(server.Close)
	return server
}

// live answers that the token lives.
func live(w http.ResponseWriter, _ *http.Request) {
	_ = json.NewEncoder(w).Encode(map[string]any{"data": map[string]any{"ttl": 0, "renewable": false}})
}

func connect(t *testing.T, settings ConnectionSettings) *Connection {
	t.Helper()
	c, err := NewConnection(settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// TestTLSFilesChange: with a wrong CA the call is an x509 error and nothing is sent. The right CA in the same file is
// picked up at the next use, also by a client that was handed out before. Half a file changes nothing.
func TestTLSFilesChange(t *testing.T) {
	noEnvironment(t)
	old, next := newAuthority(t), newAuthority(t)
	var served atomic.Pointer[tls.Certificate]
	serve := func(a *testAuthority) {
		certificate, key := a.issue(t, "vault")
		pair, err := tls.X509KeyPair([]byte(certificate), []byte(key))
		if err != nil {
			t.Fatal(err)
		}
		served.Store(&pair)
	}
	serve(old)
	var calls atomic.Int32
	server := double(t, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		w.Header().Set("Connection", "close")
		live(w, r)
	})
	server.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		return &tls.Config{Certificates: []tls.Certificate{*served.Load()}}, nil
	}}
	server.StartTLS()

	file := write(t, filepath.Join(t.TempDir(), "ca.pem"), next.pem)
	c := connect(t, ConnectionSettings{Address: server.URL, CACert: file, Method: Token("hvs.one")})
	var unknown x509.UnknownAuthorityError
	if _, err := c.client(t.Context()); !errors.As(err, &unknown) {
		t.Fatalf("with the wrong CA: %v", err)
	}
	if calls.Load() != 0 {
		t.Fatal("the token was sent to a server with an untrusted certificate")
	}
	write(t, file, old.pem)
	client, err := c.client(t.Context())
	if err != nil {
		t.Fatalf("with the right CA: %v", err)
	}
	ask := func() error {
		_, err := client.Auth().Token().LookupSelfWithContext(t.Context())
		return err
	}
	serve(next)
	server.CloseClientConnections()
	if err := ask(); !errors.As(err, &unknown) {
		t.Fatalf("Vault has another certificate: %v", err)
	}
	write(t, file, next.pem[:len(next.pem)/2])
	if err := ask(); !errors.As(err, &unknown) {
		t.Fatalf("half a file: %v", err)
	}
	write(t, file, next.pem)
	before := calls.Load()
	if err := ask(); err != nil || calls.Load() != before+1 {
		t.Fatalf("the file has the right one: %v, %d calls", err, calls.Load()-before)
	}
}

// TestTLSSources: a file wins over the environment's text, and that over a directory. An empty directory does not mean
// the system's authorities.
func TestTLSSources(t *testing.T) {
	right, wrong := newAuthority(t), newAuthority(t)
	folder := t.TempDir()
	file := write(t, filepath.Join(folder, "ca.pem"), right.pem)
	if err := os.Symlink(t.TempDir(), filepath.Join(folder, "..data")); err != nil { // as Kubernetes does
		t.Fatal(err)
	}
	certificate, _ := right.issue(t, "vault")
	block, _ := pem.Decode([]byte(certificate))
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	for name, settings := range map[string]tlsSettings{
		"file":      {caCert: file, caCertBytes: wrong.pem, caPath: "/nowhere"},
		"text":      {caCertBytes: right.pem, caPath: "/nowhere"},
		"directory": {caPath: folder},
	} {
		config, _, err := settings.load()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, err := leaf.Verify(x509.VerifyOptions{Roots: config.RootCAs}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if config, _, err := (tlsSettings{}).load(); err != nil || config.RootCAs != nil || config.InsecureSkipVerify {
		t.Errorf("without settings: %v", err)
	}
	for name, settings := range map[string]tlsSettings{
		"no file":         {caCert: "/nowhere"},
		"no PEM":          {caCertBytes: "PEM"},
		"no directory":    {caPath: "/nowhere"},
		"empty directory": {caPath: t.TempDir()},
		"no certificate":  {clientCert: "/nowhere", clientKey: file},
		"no key":          {clientCert: file, clientKey: file},
	} {
		if _, _, err := settings.load(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestRedirects: a standby's 307 is followed with the token and the body. A redirect to another scheme is not, in
// either direction: where TLS was configured a token must not go over plain HTTP, and where plain HTTP was configured
// no answer may lead it to another server.
func TestRedirects(t *testing.T) {
	noEnvironment(t)
	authority := newAuthority(t)
	certificate, key := authority.issue(t, "vault")
	pair, err := tls.X509KeyPair([]byte(certificate), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	file := write(t, filepath.Join(t.TempDir(), "ca.pem"), authority.pem)
	var tokens atomic.Int32
	var bodies atomic.Pointer[string]
	active := func() *httptest.Server {
		return double(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-Vault-Token") != "" {
				tokens.Add(1)
			}
			body, _ := io.ReadAll(r.Body)
			text := string(body)
			bodies.Store(&text)
			live(w, r)
		})
	}
	plain, secure := active(), active()
	plain.Start()
	secure.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	secure.StartTLS()
	for name, test := range map[string]struct {
		from    string // scheme
		to      string
		reached bool
	}{
		"http to http":   {"http", plain.URL, true},
		"https to https": {"https", secure.URL, true},
		"https to http":  {"https", plain.URL, false},
		"http to https":  {"http", secure.URL, false},
	} {
		standby := double(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", test.to+r.URL.Path)
			w.WriteHeader(http.StatusTemporaryRedirect)
			_, _ = io.WriteString(w, strings.Repeat("moved ", 1000))
		})
		var connections atomic.Int32
		standby.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				connections.Add(1)
			}
		}
		if test.from == "https" {
			standby.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
			standby.StartTLS()
		} else {
			standby.Start()
		}
		tokens.Store(0)
		c := connect(t, ConnectionSettings{Address: standby.URL, CACert: file, Method: Token("hvs.one")})
		client, err := c.client(t.Context())
		if (err == nil) != test.reached || (tokens.Load() > 0) != test.reached {
			t.Errorf("%s: %v, %d tokens", name, err, tokens.Load())
			continue
		}
		if !test.reached {
			continue
		}
		if _, err := client.Logical().WriteWithContext(t.Context(), "secret/data/a", map[string]any{"a": "b"}); err != nil || *bodies.Load() != `{"a":"b"}` {
			t.Errorf("%s: a write: %v, %s", name, err, *bodies.Load())
		}
		if n := connections.Load(); n > 1 { // an unread body of a redirect would keep the first one busy
			t.Errorf("%s: %d connections to the standby, one after the other", name, n)
		}
	}
}

// TestEachCallOnce: a write is not sent again when Vault answers 5xx, 412 or 429, or hangs up. No call takes longer
// than the timeout, whatever the environment says.
func TestEachCallOnce(t *testing.T) {
	noEnvironment(t)
	t.Setenv("VAULT_MAX_RETRIES", "5")
	t.Setenv("VAULT_CLIENT_TIMEOUT", "1h")
	t.Setenv("VAULT_WRAP_TTL", "60s")
	t.Setenv("VAULT_TOKEN", "hvs.of-the-environment")
	var status, writes atomic.Int32
	var headers atomic.Pointer[http.Header]
	release := make(chan struct{})
	server := double(t, func(w http.ResponseWriter, r *http.Request) {
		header := r.Header.Clone()
		headers.Store(&header)
		if r.Method == http.MethodGet {
			live(w, r)
			return
		}
		writes.Add(1)
		switch code := int(status.Load()); code {
		case 0:
			panic(http.ErrAbortHandler)
		case 1:
			select {
			case <-release:
			case <-r.Context().Done():
			}
		default:
			w.WriteHeader(code)
		}
	})
	server.Start()
	defer close(release)
	c := connect(t, ConnectionSettings{Address: server.URL, Method: Token("hvs.one"), Namespace: "team", Timeout: 300 * time.Millisecond})
	client, err := c.client(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range []int{0, 1, 412, 429, 500, 502, 503, 504} {
		status.Store(int32(code))
		writes.Store(0)
		began := time.Now()
		_, err := client.Logical().WriteWithContext(t.Context(), "secret/data/a", map[string]any{"a": "b"})
		if err == nil || writes.Load() != 1 || time.Since(began) > 5*time.Second {
			t.Errorf("%d: %d writes in %v: %v", code, writes.Load(), time.Since(began), err)
		}
		var answer *api.ResponseError
		if code > 1 && (!errors.As(err, &answer) || answer.StatusCode != code) {
			t.Errorf("%d: %v", code, err)
		}
		if code == 1 && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("no answer: %v", err)
		}
	}
	for name, want := range map[string]string{"X-Vault-Token": "hvs.one", "X-Vault-Namespace": "team", "X-Vault-Wrap-Ttl": ""} {
		if got := headers.Load().Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestLoginCarriesNoToken: the environment's token is not sent with the login of another method.
func TestLoginCarriesNoToken(t *testing.T) {
	noEnvironment(t)
	t.Setenv("VAULT_TOKEN", "hvs.of-the-environment")
	t.Setenv("VAULT_NAMESPACE", "team")
	var sent atomic.Pointer[http.Header]
	server := double(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == loginPath {
			header := r.Header.Clone()
			sent.Store(&header)
		}
		_, _ = io.WriteString(w, `{"auth":{"client_token":"hvs.one","lease_duration":0}}`)
	})
	server.Start()
	file := write(t, filepath.Join(t.TempDir(), "secret-id"), "secret")
	c := connect(t, ConnectionSettings{Address: server.URL, Method: AppRole("role", file)})
	if got := token(t, c); got != "hvs.one" {
		t.Error(got)
	}
	if header := *sent.Load(); header.Get("X-Vault-Token") != "" || header.Get("X-Vault-Namespace") != "team" {
		t.Errorf("%v", header)
	}
}

// silence is a network that can fail without notice to either end: existing connections hang, and new ones work.
type silence struct {
	net.Listener
	to     string
	frozen atomic.Pointer[chan struct{}] // closed when the present connections fall silent
	ended  chan struct{}
}

func newSilence(t *testing.T, to string) *silence {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &silence{Listener: listener, to: to, ended: make(chan struct{})}
	s.fall()
	t.Cleanup(func() {
		close(s.ended)
		_ = listener.Close()
	})
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := new(net.Dialer).DialContext(context.WithoutCancel(t.Context()), "tcp", to)
			if err != nil {
				_ = near.Close()
				continue
			}
			frozen := *s.frozen.Load()
			go s.carry(near, far, frozen)
			go s.carry(far, near, frozen)
		}
	}()
	return s
}

// fall silences the existing connections.
func (s *silence) fall() {
	next := make(chan struct{})
	if present := s.frozen.Swap(&next); present != nil {
		close(*present)
	}
}

func (s *silence) carry(from, to net.Conn, frozen chan struct{}) {
	defer func() {
		_ = from.Close()
		_ = to.Close()
	}()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		select {
		case <-frozen:
			<-s.ended
			return
		default:
		}
		if err != nil {
			return
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// TestSilentConnection: the other end of an open connection disappears without notice, like a machine that loses its
// power. Calls must not time out on it for ever: within a few timeouts there is a new connection.
func TestSilentConnection(t *testing.T) {
	noEnvironment(t)
	authority := newAuthority(t)
	certificate, key := authority.issue(t, "vault")
	pair, err := tls.X509KeyPair([]byte(certificate), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	file := write(t, filepath.Join(t.TempDir(), "ca.pem"), authority.pem)
	for _, scheme := range []string{"http", "https"} {
		server := double(t, live)
		if scheme == "https" {
			server.EnableHTTP2 = true
			server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
			server.StartTLS()
		} else {
			server.Start()
		}
		wire := newSilence(t, server.Listener.Addr().String())
		c := connect(t, ConnectionSettings{
			Address: scheme + "://" + wire.Addr().String(), CACert: file, Method: Token("hvs.one"), Timeout: 300 * time.Millisecond,
		})
		client, err := c.client(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		wire.fall()
		began := time.Now()
		for {
			if _, err := client.Auth().Token().LookupSelfWithContext(t.Context()); err == nil {
				break
			}
			if time.Since(began) > 10*time.Second {
				t.Fatalf("%s: the silent connection is used for ten seconds", scheme)
			}
		}
	}
}

// TestUnixSocket: the address may be a Unix socket, on which Vault Agent can listen.
func TestUnixSocket(t *testing.T) {
	noEnvironment(t)
	path := filepath.Join(t.TempDir(), "agent.sock")
	listener, err := new(net.ListenConfig).Listen(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := double(t, live)
	_ = server.Listener.Close()
	server.Listener = listener
	server.Start()
	c := connect(t, ConnectionSettings{Address: "unix://" + path, Method: Token("hvs.one")})
	if _, err := c.client(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestProxy: the proxy that the vault command would use is used.
func TestProxy(t *testing.T) {
	noEnvironment(t)
	var seen atomic.Bool
	proxy := double(t, func(w http.ResponseWriter, r *http.Request) {
		seen.Store(slices.Contains([]string{"vault.invalid:8200"}, r.URL.Host))
		live(w, r)
	})
	proxy.Start()
	t.Setenv("VAULT_PROXY_ADDR", proxy.URL)
	c := connect(t, ConnectionSettings{Address: "http://vault.invalid:8200", Method: Token("hvs.one")})
	if _, err := c.client(t.Context()); err != nil || !seen.Load() {
		t.Fatal(err)
	}
}
