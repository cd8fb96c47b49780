package vaultstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/vault/api"
)

// scripted is a method whose logins a test decides. It makes no network calls, so that it works in a bubble of
// synctest.
type scripted struct {
	logins   atomic.Int32
	follow   bool
	file     atomic.Pointer[credentialMark]
	looks    atomic.Int32 // how often the file was checked
	onLogin  func(ctx context.Context, number int) (*api.Secret, error)
	mutex    sync.Mutex
	began    []time.Time
	inFlight atomic.Int32
	most     atomic.Int32

	// respond answers all calls except the logins, in the bubble.
	respond    func(*http.Request) (status int, body string)
	connection *Connection
	once       sync.Once
}

func (s *scripted) Name() string    { return "scripted" }
func (s *scripted) validate() error { return nil }
func (s *scripted) follows() bool   { return s.follow }

func (s *scripted) mark() credentialMark {
	s.looks.Add(1)
	if mark := s.file.Load(); mark != nil {
		return *mark
	}
	return credentialMark{}
}

// write puts another credential in the file.
func (s *scripted) write(credential string) {
	var mark credentialMark
	copy(mark[:], credential)
	s.file.Store(&mark)
}

func (s *scripted) login(ctx context.Context, _ *api.Client) (*api.Secret, error) {
	s.once.Do(func() {
		s.connection.way.Load().present.Load().http.RegisterProtocol("http", roundTripper(func(r *http.Request) (*http.Response, error) {
			status, body := s.respond(r)
			return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
		}))
	})
	s.most.Store(max(s.most.Load(), s.inFlight.Add(1)))
	defer s.inFlight.Add(-1)
	s.mutex.Lock()
	s.began = append(s.began, time.Now())
	s.mutex.Unlock()
	return s.onLogin(ctx, int(s.logins.Add(1)))
}

// issued is the answer to a login: token n, for so many seconds, not renewable, so that the watcher only waits.
func issued(number, seconds int) *api.Secret {
	return &api.Secret{Auth: &api.SecretAuth{ClientToken: fmt.Sprintf("token-%d", number), LeaseDuration: seconds}}
}

var (
	errDown   = &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	errDenied = &api.ResponseError{StatusCode: http.StatusBadRequest, Errors: []string{"invalid role or secret ID"}}
)

// scriptedConnection is a Connection that signs in as the test says.
func scriptedConnection(t *testing.T, method *scripted) *Connection {
	t.Helper()
	c, err := NewConnection(ConnectionSettings{Address: "http://127.0.0.1:1", Method: method})
	if err != nil {
		t.Fatal(err)
	}
	method.connection = c
	t.Cleanup(c.Close)
	return c
}

// token returns the token of client; it fails the test if there is none.
func token(t *testing.T, c *Connection) string {
	t.Helper()
	client, err := c.client(t.Context())
	if err != nil {
		t.Fatalf("no client: %v", err)
	}
	return client.Token()
}

// TestOneLoginForAll: the first 500 callers share one login.
func TestOneLoginForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		method := &scripted{onLogin: func(_ context.Context, number int) (*api.Secret, error) {
			time.Sleep(300 * time.Millisecond)
			return issued(number, 0), nil
		}}
		c := scriptedConnection(t, method)
		var users sync.WaitGroup
		clients := make([]*api.Client, 500)
		for i := range clients {
			users.Go(func() { clients[i], _ = c.client(t.Context()) })
		}
		users.Wait()
		for _, client := range clients {
			if client == nil || client != clients[0] {
				t.Fatal("not all callers got the same client")
			}
		}
		if n := method.logins.Load(); n != 1 {
			t.Fatalf("%d logins", n)
		}
	})
}

// TestLateCaller: a caller that saw no token, and joins the login when it has just ended, uses its token and begins no
// other login.
func TestLateCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		method := &scripted{onLogin: func(_ context.Context, number int) (*api.Secret, error) { return issued(number, 0), nil }}
		c := scriptedConnection(t, method)
		want := token(t, c)
		for _, old := range []string{"", "the one before"} {
			if got, err := c.await(t.Context(), old, credentialMark{}); err != nil || got.token != want {
				t.Fatalf("%v", err)
			}
		}
		if n := method.logins.Load(); n != 1 {
			t.Fatalf("%d logins", n)
		}
		if got, err := c.await(t.Context(), want, credentialMark{}); err != nil || got.token != "token-2" {
			t.Fatalf("no other token: %v", err)
		}
	})
}

// TestWaitBoundedByContext: a caller stops waiting when its context ends; the login that it began goes on for the
// others.
func TestWaitBoundedByContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		method := &scripted{onLogin: func(_ context.Context, number int) (*api.Secret, error) {
			time.Sleep(time.Second)
			return issued(number, 0), nil
		}}
		c := scriptedConnection(t, method)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		began := time.Now()
		_, err := c.client(ctx)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 100*time.Millisecond {
			t.Fatalf("after %v: %v", time.Since(began), err)
		}
		if got := token(t, c); got != "token-1" || time.Since(began) != time.Second {
			t.Fatalf("%s after %v", got, time.Since(began))
		}
	})
}

// TestLoginBounded: a login that Vault does not answer ends after the timeout, also for callers without a deadline.
func TestLoginBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := scriptedConnection(t, &scripted{onLogin: func(ctx context.Context, _ int) (*api.Secret, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}})
		began := time.Now()
		if _, err := c.client(context.Background()); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != DefaultTimeout {
			t.Fatalf("after %v: %v", time.Since(began), err)
		}
	})
}

// TestOutage: while Vault is not available, there are at most two attempts to sign in per second, one at a time. The
// first attempt after its return succeeds within two seconds.
func TestOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var up atomic.Bool
		method := &scripted{onLogin: func(_ context.Context, number int) (*api.Secret, error) {
			if !up.Load() {
				return nil, errDown
			}
			return issued(number, 0), nil
		}}
		c := scriptedConnection(t, method)
		began := time.Now()
		for time.Since(began) < time.Minute {
			for range 5 {
				go func() { _, _ = c.client(t.Context()) }()
			}
			time.Sleep(37 * time.Millisecond)
		}
		synctest.Wait()
		if n := method.logins.Load(); n < 100 || n > 121 {
			t.Fatalf("%d attempts in a minute", n)
		}
		if method.most.Load() != 1 {
			t.Fatalf("%d attempts at once", method.most.Load())
		}
		up.Store(true)
		returned := time.Now()
		for {
			if _, err := c.client(t.Context()); err == nil {
				break
			}
		}
		if took := time.Since(returned); took > 2*time.Second {
			t.Fatalf("recovered after %v", took)
		}
	})
}

// TestRefusedCredential: a wrong secret ID is not tried twice a second, because Vault locks a role after a few
// attempts. The error is returned at once, and a changed file is tried within a second.
func TestRefusedCredential(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		method := &scripted{}
		method.write("wrong")
		method.onLogin = func(_ context.Context, number int) (*api.Secret, error) {
			if want := (credentialMark{'r', 'i', 'g', 'h', 't'}); method.mark() != want {
				return nil, fmt.Errorf("unable to log in: %w", errDenied)
			}
			return issued(number, 0), nil
		}
		c := scriptedConnection(t, method)
		began := time.Now()
		for time.Since(began) < 5*time.Minute {
			before := time.Now()
			_, err := c.client(t.Context())
			if answer := new(api.ResponseError); !errors.As(err, &answer) || answer.StatusCode != http.StatusBadRequest {
				t.Fatalf("%v", err)
			}
			if time.Since(before) > attemptEvery {
				t.Fatalf("told after %v", time.Since(before))
			}
			time.Sleep(100 * time.Millisecond)
		}
		if n := method.logins.Load(); n < 10 || n > 30 {
			t.Fatalf("%d attempts in five minutes", n)
		}
		method.write("right")
		changed := time.Now()
		for {
			if _, err := c.client(t.Context()); err == nil {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
		if took := time.Since(changed); took > 1100*time.Millisecond {
			t.Fatalf("the changed file was tried after %v", took)
		}
	})
}

// TestOldTokenServes: when a token's life is about to end a new login is made in the background. While that takes long,
// or fails, callers get the old token at once.
func TestOldTokenServes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		method := &scripted{onLogin: func(_ context.Context, number int) (*api.Secret, error) {
			switch {
			case number == 1 || number == 6:
				return issued(number, 3600), nil
			case number == 2:
				time.Sleep(1900 * time.Millisecond)
			}
			return nil, errDown
		}}
		c := scriptedConnection(t, method)
		token(t, c)
		for method.logins.Load() < 6 {
			before := time.Now()
			if got := token(t, c); got != "token-1" || time.Since(before) != 0 {
				t.Fatalf("%s after %v", got, time.Since(before))
			}
			time.Sleep(time.Second)
		}
		synctest.Wait()
		if got := token(t, c); got != "token-6" {
			t.Fatalf("got %s", got)
		}
		// The first login comes after 80 to 90 % of the hour, the others with a growing pause.
		if at := method.began[1].Sub(method.began[0]); at < 2400*time.Second || at > 3400*time.Second {
			t.Errorf("the second login came %v after the first", at)
		}
		for i := 3; i < 6; i++ {
			pause := method.began[i].Sub(method.began[i-1])
			if most := firstBackOff << (i - 2); pause < most/2 || pause > most {
				t.Errorf("pause %d: %v", i, pause)
			}
		}
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestRenewalFails: renewals that fail are tried again, with a growing pause, and lead to no login before two thirds of
// the token's life are over. By default Vault's watcher would ask without a pause (vault/api 1.23 takes the end of its
// back-off for a pause of zero).
func TestRenewalFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var renewals atomic.Int32
		var up atomic.Bool
		method := &scripted{onLogin: func(_ context.Context, number int) (*api.Secret, error) {
			secret := issued(number, 60)
			secret.Auth.Renewable = true
			return secret, nil
		}}
		method.respond = func(*http.Request) (int, string) {
			renewals.Add(1)
			if !up.Load() {
				return http.StatusServiceUnavailable, `{"errors":["Vault is sealed"]}`
			}
			return http.StatusOK, `{"auth":{"client_token":"token-1","renewable":true,"lease_duration":60}}`
		}
		c := scriptedConnection(t, method)
		token(t, c)
		time.Sleep(30 * time.Second)
		if n := renewals.Load(); n < 4 || n > 8 || method.logins.Load() != 1 {
			t.Fatalf("half the life: %d renewals, %d logins", n, method.logins.Load())
		}
		up.Store(true)
		time.Sleep(time.Hour)
		if n := renewals.Load(); n < 70 || n > 110 || method.logins.Load() != 1 {
			t.Fatalf("an hour with Vault: %d renewals, %d logins", n, method.logins.Load())
		}
		up.Store(false)
		time.Sleep(10 * time.Minute)
		if n := method.logins.Load(); n < 10 || n > 16 { // each login's token is used for two thirds of a minute
			t.Fatalf("ten minutes of failing renewals: %d logins", n)
		}
	})
}

// TestNoLoginStorm: if renewals are much shorter than the login's lifetime, Vault's watcher treats the token as ended
// at once, and logins would follow each other without a pause. The pause between them must grow.
func TestNoLoginStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		method := &scripted{onLogin: func(_ context.Context, number int) (*api.Secret, error) {
			secret := issued(number, 3600)
			secret.Auth.Renewable = true
			return secret, nil
		}}
		method.respond = func(*http.Request) (int, string) {
			return http.StatusOK, `{"auth":{"client_token":"token-1","renewable":true,"lease_duration":5}}`
		}
		c := scriptedConnection(t, method)
		token(t, c)
		time.Sleep(10 * time.Minute)
		if n := method.logins.Load(); n < 5 || n > 50 {
			t.Fatalf("%d logins in ten minutes", n)
		}
	})
}

// TestTokenWithoutEnd: a token that never ends (a root token) is neither watched nor replaced.
func TestTokenWithoutEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		method := &scripted{onLogin: func(_ context.Context, number int) (*api.Secret, error) { return issued(number, 0), nil }}
		c := scriptedConnection(t, method)
		token(t, c)
		time.Sleep(100 * 24 * time.Hour)
		if n := method.logins.Load(); n != 1 {
			t.Fatalf("%d logins", n)
		}
	})
}

// TestFollowedFile: another token in the file is noticed at the next use after a second, and no caller waits for that.
// A token that Vault does not accept changes nothing.
func TestFollowedFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		method := &scripted{follow: true}
		method.onLogin = func(_ context.Context, _ int) (*api.Secret, error) {
			mark := method.mark()
			if mark[0] == 'h' {
				return nil, errDenied
			}
			return &api.Secret{Auth: &api.SecretAuth{ClientToken: string(mark[:1])}}, nil
		}
		method.write("a")
		c := scriptedConnection(t, method)
		use := func(want string) {
			t.Helper()
			if got := token(t, c); got != want {
				t.Fatalf("got %q and not %q", got, want)
			}
			synctest.Wait()
		}
		use("a")
		method.write("b")
		time.Sleep(time.Second)
		use("a") // begins the login
		use("b")
		method.write("h") // half a token
		time.Sleep(time.Second)
		use("b")
		use("b")
		for range 30 {
			time.Sleep(time.Second)
			use("b")
		}
		method.write("c") // during the pause after the refusals, which is several seconds by now
		time.Sleep(time.Second)
		use("b")
		use("c")
		method.file.Store(nil) // empty or missing
		for range 10 {
			time.Sleep(time.Second)
			use("c")
		}
		if n := method.logins.Load(); n > 12 {
			t.Fatalf("%d logins", n)
		}
		looks := method.looks.Load()
		for range 1000 {
			time.Sleep(10 * time.Millisecond)
			use("c")
		}
		if looks = method.looks.Load() - looks; looks > 11 {
			t.Fatalf("checked the file %d times in ten seconds", looks)
		}
	})
}

// TestReplacedTokenIsLetGo: a token that was replaced before its end is no longer renewed, and leads to no login.
func TestReplacedTokenIsLetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		method := &scripted{follow: true}
		method.onLogin = func(_ context.Context, number int) (*api.Secret, error) {
			if number == 1 {
				return issued(number, 60), nil
			}
			return issued(number, 3600), nil
		}
		method.write("a")
		c := scriptedConnection(t, method)
		token(t, c)
		time.Sleep(time.Second)
		method.write("b")
		token(t, c)
		synctest.Wait()
		if got := token(t, c); got != "token-2" {
			t.Fatalf("got %s", got)
		}
		time.Sleep(30 * time.Minute)
		if n := method.logins.Load(); n != 2 {
			t.Fatalf("%d logins", n)
		}
	})
}

// TestClose: after Close nothing goes on, and nothing new begins.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		method := &scripted{onLogin: func(_ context.Context, number int) (*api.Secret, error) { return issued(number, 60), nil }}
		c := scriptedConnection(t, method)
		token(t, c)
		c.Close()
		c.Close()
		time.Sleep(time.Hour)
		if n := method.logins.Load(); n != 1 {
			t.Fatalf("%d logins", n)
		}
		if got := token(t, c); got != "token-1" {
			t.Fatalf("got %s", got)
		}

		unused := scriptedConnection(t, &scripted{})
		unused.Close()
		if _, err := unused.client(t.Context()); !errors.Is(err, errClosed) {
			t.Fatalf("after Close: %v", err)
		}
	})
}

// TestCloseEndsLogin: a login in flight ends with Close, and so does the wait for it.
func TestCloseEndsLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := scriptedConnection(t, &scripted{onLogin: func(ctx context.Context, _ int) (*api.Secret, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}})
		began, outcome := time.Now(), make(chan error, 1)
		go func() {
			_, err := c.client(context.Background())
			outcome <- err
		}()
		synctest.Wait()
		c.Close()
		if err := <-outcome; err == nil || time.Since(began) != 0 {
			t.Fatalf("after %v: %v", time.Since(began), err)
		}
	})
}

func TestBackOff(t *testing.T) {
	for failures, most := range map[int]time.Duration{
		0: firstBackOff, 1: firstBackOff, 2: 2 * firstBackOff, 3: 4 * firstBackOff, 6: 32 * firstBackOff,
		7: maxBackOff, 8: maxBackOff, 9: maxBackOff, 64: maxBackOff, 1 << 40: maxBackOff,
	} {
		for range 100 {
			if got := backOff(failures); got < most/2 || got > most {
				t.Fatalf("after %d failures: %v", failures, got)
			}
		}
	}
}
