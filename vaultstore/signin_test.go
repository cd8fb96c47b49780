package vaultstore

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"

	"sallyport.example/sallyport/test/vault"
)

// appPolicy lets its holder read and write one folder.
const appPolicy = `path "secret/data/app/*" { capabilities = ["create", "read", "update"] }`

// journal is a log at DEBUG. It is safe for concurrent use.
type journal struct {
	mutex sync.Mutex
	text  strings.Builder
}

func (j *journal) Write(line []byte) (int, error) {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	return j.text.Write(line)
}

func (j *journal) String() string {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	return j.text.String()
}

func (j *journal) logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(j, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// quiet fails the test if a secret is in the log (P9).
func (j *journal) quiet(t *testing.T, secrets ...string) {
	t.Helper()
	for _, secret := range secrets {
		if strings.Contains(j.String(), secret) {
			t.Errorf("P9: a secret is in the log:\n%s", j)
		}
	}
}

// await polls until the condition holds, for at most 30 seconds.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

// read reads what appPolicy allows, as the store does: a refusal is repeated once if denied says so.
func read(ctx context.Context, c *Connection) error {
	return readPath(ctx, c, "secret/data/app/one")
}

func readPath(ctx context.Context, c *Connection, path string) error {
	for again := false; ; again = true {
		client, err := c.client(ctx)
		if err != nil {
			return err
		}
		_, err = client.Logical().ReadWithContext(ctx, path)
		var answer *api.ResponseError
		if again || !errors.As(err, &answer) || answer.StatusCode != http.StatusForbidden || !c.denied(ctx, client) {
			return err
		}
	}
}

// mustRead fails the test if Vault cannot be used.
func mustRead(t *testing.T, c *Connection) {
	t.Helper()
	if err := read(t.Context(), c); err != nil {
		t.Fatalf("read: %v", err)
	}
}

// recovers fails the test if Vault cannot be used within two seconds from now.
func recovers(t *testing.T, c *Connection) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(2 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if err = read(t.Context(), c); err == nil {
			return
		}
	}
	t.Fatalf("no recovery within two seconds: %v", err)
}

// status returns the status of the answer in an error's chain; 0 if there is none.
func status(err error) int {
	var answer *api.ResponseError
	if errors.As(err, &answer) {
		return answer.StatusCode
	}
	return 0
}

// approleFile makes a role with appPolicy, and a file with its secret ID.
func approleFile(t *testing.T, server *vault.Server, settings ...map[string]any) (roleID, secretID, file string) {
	t.Helper()
	roleID, secretID = server.AppRole(appPolicy, settings...)
	return roleID, secretID, write(t, t.TempDir()+"/secret-id", secretID+"\n")
}

const (
	loginPath  = "/v1/auth/approle/login"
	lookupPath = "/v1/auth/token/lookup-self"
	renewPath  = "/v1/auth/token/renew-self"
)

// TestFirstUsers: 500 callers at the gateway's start lead to one login, by the server's count.
func TestFirstUsers(t *testing.T) {
	noEnvironment(t)
	server := vault.Start(t, vault.Options{})
	roleID, _, file := approleFile(t, server)
	server.ResetRequests()
	c := connect(t, ConnectionSettings{Address: server.Address, Method: AppRole(roleID, file), Timeout: 20 * time.Second})
	var users sync.WaitGroup
	failures := make(chan error, 500)
	for range 500 {
		users.Go(func() {
			if err := read(t.Context(), c); err != nil {
				failures <- err
			}
		})
	}
	users.Wait()
	close(failures)
	for err := range failures {
		t.Fatal(err)
	}
	if n := server.Requests().Of("PUT", loginPath); n != 1 {
		t.Fatalf("%d logins", n)
	}
	if n := server.Requests().Of("GET", "/v1/secret/data/app/one"); n != 500 {
		t.Fatalf("%d reads", n)
	}
}

// TestRenewal: a token is renewed and used beyond its time to live. When it cannot be renewed any more another one
// replaces it, and at no moment is there none.
func TestRenewal(t *testing.T) {
	noEnvironment(t)
	server := vault.Start(t, vault.Options{})
	roleID, secretID, file := approleFile(t, server, map[string]any{"token_ttl": "2s", "token_max_ttl": "6s"})
	server.ResetRequests()
	log := &journal{}
	c := connect(t, ConnectionSettings{Address: server.Address, Method: AppRole(roleID, file), Logger: log.logger()})
	began, first := time.Now(), ""
	var second time.Time
	for {
		client, err := c.client(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Logical().ReadWithContext(t.Context(), "secret/data/app/one"); err != nil {
			t.Fatalf("after %v: %v", time.Since(began), err)
		}
		if first == "" {
			first = client.Token()
		}
		if client.Token() != first {
			second = time.Now()
			break
		}
		if time.Since(began) > 20*time.Second {
			t.Fatal("the first token works for longer than its longest life")
		}
		time.Sleep(10 * time.Millisecond)
	}
	if lived := second.Sub(began); lived < 3*time.Second {
		t.Errorf("it was renewed for %v only", lived)
	}
	requests := server.Requests()
	if logins, renewals := requests.Of("PUT", loginPath), requests.Of("PUT", renewPath); logins != 2 || renewals < 3 || renewals > 15 {
		t.Errorf("%d logins, %d renewals", logins, renewals)
	}
	log.quiet(t, secretID, first, roleID)
}

// TestRevoked: 50 callers whose token has been revoked lead to one lookup of it and one login, and none of them fails.
func TestRevoked(t *testing.T) {
	noEnvironment(t)
	server := vault.Start(t, vault.Options{})
	roleID, secretID, file := approleFile(t, server)
	log := &journal{}
	c := connect(t, ConnectionSettings{Address: server.Address, Method: AppRole(roleID, file), Logger: log.logger(), Timeout: 20 * time.Second})
	mustRead(t, c)
	old, err := c.client(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	revoked := old.Token()
	server.Revoke(revoked)
	server.ResetRequests()
	var users sync.WaitGroup
	for range 50 {
		users.Go(func() {
			if err := read(t.Context(), c); err != nil {
				t.Error(err)
			}
		})
	}
	users.Wait()
	if n := server.Requests().Of("PUT", loginPath); n != 1 {
		t.Errorf("%d logins", n)
	}
	if n := server.Requests().Of("GET", lookupPath); n != 1 {
		t.Errorf("%d looks at the token", n)
	}
	if !c.denied(t.Context(), old) { // one more, whose refusal comes late
		t.Error("a late refusal of the old token is not repeated with the new one")
	}
	if n := server.Requests().Of("GET", lookupPath); n != 1 {
		t.Errorf("%d looks at the token", n)
	}
	log.quiet(t, secretID, revoked, token(t, c))
}

// TestLiveTokenWithoutPolicy: if the token does not allow a call, the refusal causes no login, and a hundred refusals
// do not cause a hundred lookups.
func TestLiveTokenWithoutPolicy(t *testing.T) {
	noEnvironment(t)
	server := vault.Start(t, vault.Options{})
	roleID, _, file := approleFile(t, server)
	c := connect(t, ConnectionSettings{Address: server.Address, Method: AppRole(roleID, file), Timeout: 20 * time.Second})
	mustRead(t, c)
	before := token(t, c)
	server.ResetRequests()
	began := time.Now()
	for range 100 {
		if err := readPath(t.Context(), c, "secret/data/other"); status(err) != http.StatusForbidden {
			t.Fatal(err)
		}
	}
	seconds := int(time.Since(began)/time.Second) + 1
	requests := server.Requests()
	if logins, looks := requests.Of("PUT", loginPath), requests.Of("GET", lookupPath); logins != 0 || looks > seconds || looks == 0 {
		t.Errorf("%d logins, %d looks at the token in %d seconds", logins, looks, seconds)
	}
	if token(t, c) != before {
		t.Error("another token")
	}
}

// TestTokenThatMayNotLookAtItself: with a role that lacks the policy "default", a refusal may or may not mean a revoked
// token. It leads to a login, but a policy that is too small does not lead to one login after the other.
func TestTokenThatMayNotLookAtItself(t *testing.T) {
	noEnvironment(t)
	server := vault.Start(t, vault.Options{})
	roleID, _, file := approleFile(t, server, map[string]any{"token_no_default_policy": true})
	c := connect(t, ConnectionSettings{Address: server.Address, Method: AppRole(roleID, file)})
	mustRead(t, c)
	server.Revoke(token(t, c))
	// Simulate a Vault that answers the same for a dead token.
	server.Faults(vault.Fault{Path: lookupPath, Status: http.StatusForbidden, Message: "permission denied"})
	recovers(t, c)
	server.ResetRequests()
	for range 50 {
		if err := readPath(t.Context(), c, "secret/data/other"); status(err) != http.StatusForbidden {
			t.Fatal(err)
		}
	}
	if n := server.Requests().Of("PUT", loginPath); n > 1 {
		t.Errorf("%d logins", n)
	}
	mustRead(t, c)
}

// TestExpiredWhileAway: the token ends while Vault cannot be reached. Within two seconds after Vault's return, calls
// work with a new token.
func TestExpiredWhileAway(t *testing.T) {
	noEnvironment(t)
	server := vault.Start(t, vault.Options{})
	roleID, _, file := approleFile(t, server, map[string]any{"token_ttl": "2s"})
	c := connect(t, ConnectionSettings{Address: server.Address, Method: AppRole(roleID, file)})
	mustRead(t, c)
	old := token(t, c)
	server.Down()
	await(t, "the token's end", func() bool {
		_, err := server.Client().Auth().Token().LookupWithContext(t.Context(), old)
		return status(err) == http.StatusForbidden || status(err) == http.StatusNotFound
	})
	began := time.Now()
	if err := read(t.Context(), c); err == nil || status(err) != 0 {
		t.Fatalf("away: %v", err)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("a refused connection was told after %v", took)
	}
	server.Up()
	recovers(t, c)
	if token(t, c) == old {
		t.Error("the connection still uses the dead token")
	}
}

// TestSealed: Vault is sealed before the first login, and after it.
func TestSealed(t *testing.T) {
	noEnvironment(t)
	server := vault.Start(t, vault.Options{})
	roleID, _, file := approleFile(t, server)
	signedIn := connect(t, ConnectionSettings{Address: server.Address, Method: AppRole(roleID, file)})
	mustRead(t, signedIn)
	fresh := connect(t, ConnectionSettings{Address: server.Address, Method: AppRole(roleID, file)})
	server.Seal()
	for name, c := range map[string]*Connection{"signed in": signedIn, "fresh": fresh} {
		if err := read(t.Context(), c); status(err) != http.StatusServiceUnavailable {
			t.Errorf("%s: %v", name, err)
		}
	}
	server.Unseal()
	recovers(t, signedIn)
	recovers(t, fresh)
}

// TestRestart: Vault is killed and started again; the connection goes on with its token.
func TestRestart(t *testing.T) {
	noEnvironment(t)
	server := vault.Start(t, vault.Options{Storage: vault.File})
	roleID, _, file := approleFile(t, server)
	c := connect(t, ConnectionSettings{Address: server.Address, Method: AppRole(roleID, file)})
	mustRead(t, c)
	before := token(t, c)
	server.Kill()
	if err := read(t.Context(), c); err == nil {
		t.Fatal("read from a Vault that was killed")
	}
	server.Restart()
	recovers(t, c)
	if token(t, c) != before {
		t.Error("signed in again although the token is valid")
	}
}

// TestHanging: if Vault does not answer, a call takes the timeout and not more, at the login and afterwards. While a
// token works, a login that hangs in the background delays no call.
func TestHanging(t *testing.T) {
	noEnvironment(t)
	server := vault.Start(t, vault.Options{})
	roleID, _, file := approleFile(t, server, map[string]any{"token_ttl": "3s", "token_max_ttl": "3s"})
	const timeout = 400 * time.Millisecond
	c := connect(t, ConnectionSettings{Address: server.Address, Method: AppRole(roleID, file), Timeout: timeout})
	server.Faults(vault.Fault{Delay: time.Hour})
	began := time.Now()
	if err := read(t.Context(), c); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 4*timeout {
		t.Fatalf("after %v: %v", time.Since(began), err)
	}
	server.Clear()
	recovers(t, c)
	old := token(t, c)
	server.Faults(vault.Fault{Path: "/v1/auth/*", Delay: time.Hour})
	server.AwaitHeld(1) // a renewal or a new login
	for range 20 {
		began := time.Now()
		if got := token(t, c); got != old || time.Since(began) > timeout/2 {
			t.Fatalf("the old token was there after %v", time.Since(began))
		}
	}
	server.Clear()
	await(t, "another token", func() bool { return token(t, c) != old })
	mustRead(t, c)
}

// TestStrangeAnswers: an answer without a token gives none, whatever its status. Vault's rate limit counts as an
// outage, not as a refusal of the credential.
func TestStrangeAnswers(t *testing.T) {
	noEnvironment(t)
	server := vault.Start(t, vault.Options{})
	roleID, _, file := approleFile(t, server)
	for _, fault := range []vault.Fault{
		{Status: 200, Body: `{}`},
		{Status: 200, Body: `null`},
		{Status: 200, Body: `[]`},
		{Status: 200, Body: `{"auth":null}`},
		{Status: 200, Body: `{"auth":{"client_token":""}}`},
		{Status: 200, Body: `{"auth":{"client_token":"a\r\nb"}}`},
		{Status: 200, Body: `{"auth":{"client_token":7}}`},
		{Status: 200, Body: `<html>`},
		{Status: 204, Body: ""},
		{Status: 404, Body: ""},
		{Status: 404, Body: `{"data":{"a":"b"}}`},
		{Status: 302, Body: "there"},
		{Status: 429},
		{Status: 500},
		{Status: 502, Body: "<html>"},
		{Half: true},
		{Cut: vault.Before},
		{Cut: vault.After},
	} {
		server.Faults(fault)
		c := connect(t, ConnectionSettings{Address: server.Address, Method: AppRole(roleID, file)})
		client, err := c.client(t.Context())
		if err == nil || client != nil {
			t.Errorf("%+v: signed in", fault)
			continue
		}
		if strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "html") {
			t.Errorf("%+v: %q", fault, err)
		}
		server.Clear()
		recovers(t, c)
	}
}

// TestCertificateChanged: Vault gets a certificate of another authority. If that authority is in the configured file,
// no call fails; if not, calls fail with an x509 error.
func TestCertificateChanged(t *testing.T) {
	noEnvironment(t)
	server := vault.Start(t, vault.Options{TLS: true})
	roleID, _, file := approleFile(t, server)
	c := connect(t, ConnectionSettings{Address: server.Address, CACert: server.CACert(), Method: AppRole(roleID, file)})
	mustRead(t, c)
	server.NewCertificate(vault.Certificate{Overwrite: true})
	server.Down()
	server.Up()
	mustRead(t, c)
	server.NewCertificate(vault.Certificate{SameAuthority: true})
	server.Down()
	server.Up()
	mustRead(t, c)
	server.NewCertificate(vault.Certificate{})
	server.Down()
	server.Up()
	if err := read(t.Context(), c); !troubleWithCertificates(err) {
		t.Fatalf("with an untrusted certificate: %v", err)
	}
}

// TestStandby: a standby forwards calls, or redirects its clients with 307.
func TestStandby(t *testing.T) {
	noEnvironment(t)
	server := vault.Start(t, vault.Options{Storage: vault.Raft, Standby: true, TLS: true})
	roleID, _, file := approleFile(t, server)
	c := connect(t, ConnectionSettings{
		Address: server.Standby.Address, CACert: server.CACert(), Method: AppRole(roleID, file), Timeout: 20 * time.Second,
	})
	mustRead(t, c)
	client, err := c.client(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	server.ResetRequests()
	sentOn := withToken(client, client.Token())
	sentOn.AddHeader("X-Vault-No-Request-Forwarding", "true")
	data := map[string]any{"data": map[string]any{"a": "b"}}
	if _, err := sentOn.Logical().WriteWithContext(t.Context(), "secret/data/app/one", data); err != nil {
		t.Fatal(err)
	}
	if n := server.Requests().Of("PUT", "/v1/secret/data/app/one"); n != 1 {
		t.Errorf("the active node saw %d writes", n)
	}
}

// TestNothingLeft: after Close no goroutine of the connection is left, with a token, without one, and with a login
// under way.
func TestNothingLeft(t *testing.T) {
	noEnvironment(t)
	server := vault.Start(t, vault.Options{TLS: true})
	roleID, _, file := approleFile(t, server, map[string]any{"token_ttl": "3s"})
	settings := ConnectionSettings{Address: server.Address, CACert: server.CACert(), Method: AppRole(roleID, file)}
	for name, use := range map[string]func(*Connection){
		"unused":    func(*Connection) {},
		"signed in": func(c *Connection) { mustRead(t, c) },
		"signing in": func(c *Connection) {
			server.Faults(vault.Fault{Path: loginPath, Delay: time.Hour})
			defer server.Clear()
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				server.On(t).AwaitHeld(1)
				cancel()
			}()
			if _, err := c.client(ctx); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		},
		"denied": func(c *Connection) {
			mustRead(t, c)
			server.Revoke(token(t, c))
			mustRead(t, c)
		},
		"vault away": func(c *Connection) {
			mustRead(t, c)
			server.Down()
			defer server.Up()
			if err := read(t.Context(), c); err == nil {
				t.Error("no error")
			}
		},
	} {
		c := connect(t, settings)
		use(c)
		c.Close()
		c.Close()
		await(t, name+": the end of all goroutines", func() bool {
			stacks := make([]byte, 1<<20)
			stacks = stacks[:runtime.Stack(stacks, true)]
			left := 0
			for stack := range strings.SplitSeq(string(stacks), "\n\n") {
				// Goroutines of the connection itself, of Vault's client, and of the transport's connections to this
				// server.
				if strings.Contains(stack, "vaultstore.(*Connection)") || strings.Contains(stack, "LifetimeWatcher") || strings.Contains(stack, "http2ClientConn") {
					left++
				}
			}
			return left == 0
		})
	}
}
