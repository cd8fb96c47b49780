package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/session"
)

// Patience is how long an operation that must succeed may take on a busy machine.
const Patience = 30 * time.Second

// Trouble is something that can be wrong between a store and its server, or with the server.
type Trouble struct {
	Name       string
	Begin, End func()
	// Silent says that a request may still arrive later, so that only reading is tried.
	Silent bool
}

// InTrouble tests a store that keeps its sessions on a server, while the server is in trouble: each call ends in time,
// with an error that does not mean "no session". Afterwards the sessions are found again, without a restart. No error
// shows the secret. limit is the store's timeout.
func InTrouble(t *testing.T, store session.Store, limit time.Duration, secret string, troubles []Trouble) {
	t.Helper()
	token := MustCommit(t, store, "one")
	for _, trouble := range troubles {
		t.Run(trouble.Name, func(t *testing.T) {
			trouble.Begin()
			began := time.Now()
			if stored, found, err := store.Find(token); err == nil || found || stored != nil {
				t.Errorf("found %q, %v, %v", stored, found, err)
			}
			if took := time.Since(began); took > limit+Patience/3 {
				t.Errorf("took %v", took)
			}
			if !trouble.Silent {
				WantRefused(t, store, token, secret)
			}
			trouble.End()
			Within(t, "recovery", func() error { return Finds(store, token, "one") })
			MustCommit(t, store, "two")
		})
	}
}

// WantRefused requires that every call returns an error that says nothing about the session and does not show the
// secret.
func WantRefused(t *testing.T, store session.Store, token, secret string) {
	t.Helper()
	ctx := context.Background()
	WantNoChange(t, store, token, secret)
	stored, found, findErr := store.Find(token)
	if stored != nil || found {
		t.Errorf("found %q beside %v", stored, findErr)
	}
	_, claimErr := store.ClaimCtx(ctx, token)
	wantFailures(t, secret, map[string]error{
		"find": findErr, "claim": claimErr, "delete": store.Delete(token),
		"each": store.EachCtx(ctx, func(string, []byte) error { return nil }),
	})
}

// WantNoChange requires the same of the calls that store something.
func WantNoChange(t *testing.T, store session.Store, token, secret string) {
	t.Helper()
	ctx, expiry := context.Background(), time.Now().Add(time.Hour)
	wantFailures(t, secret, map[string]error{
		"commit": store.Commit(token, []byte("x"), expiry),
		"create": store.SwapCtx(ctx, Token(), session.Version{}, []byte("x"), expiry),
		"swap":   store.SwapCtx(ctx, token, session.Version{1}, []byte("x"), expiry),
		"move":   store.MoveCtx(ctx, token, session.Version{1}, Token(), []byte("x"), expiry),
	})
}

func wantFailures(t *testing.T, secret string, errs map[string]error) {
	t.Helper()
	for what, err := range errs {
		if err == nil || errors.Is(err, session.ErrGone) || errors.Is(err, session.ErrChanged) {
			t.Errorf("%s: %v, want an error of the server", what, err)
		} else if strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the secret is in %v", what, err)
		}
	}
}

// Emptied tests a store whose server loses all data while a change is under way: all sessions are gone, and the change
// brings none back.
func Emptied(t *testing.T, store session.Store, empty func()) {
	t.Helper()
	ctx, expiry := context.Background(), time.Now().Add(time.Hour)
	token := MustCommit(t, store, "one")
	_, version, _, err := store.FindVersionCtx(ctx, token)
	if err != nil {
		t.Fatal(err)
	}
	empty()
	for what, err := range map[string]error{
		"swap": store.SwapCtx(ctx, token, version, []byte("late"), expiry),
		"move": store.MoveCtx(ctx, token, version, Token(), []byte("late"), expiry),
	} {
		if !errors.Is(err, session.ErrGone) {
			t.Errorf("%s: %v, want ErrGone", what, err)
		}
	}
	if err := Finds(store, token, ""); err != nil {
		t.Error(err)
	}
	MustCommit(t, store, "two")
}

// MustCommit stores a session and returns its token.
func MustCommit(t testing.TB, store session.Store, stored string) string {
	t.Helper()
	token := Token()
	Within(t, "storing a session", func() error { return store.Commit(token, []byte(stored), time.Now().Add(time.Hour)) })
	return token
}

// Finds returns an error unless the store finds the session; empty means that it must find none.
func Finds(store session.Store, token, want string) error {
	stored, found, err := store.Find(token)
	if err == nil && (string(stored) != want || found != (want != "")) {
		err = fmt.Errorf("found %q, %v; want %q", stored, found, want)
	}
	return err
}

// Within tries again until it succeeds, for as long as Patience lasts.
func Within(t testing.TB, what string, try func() error) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(Patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if err = try(); err == nil {
			return
		}
	}
	t.Fatalf("%s: %v", what, err)
}
