package storetest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/session"
)

// managers returns a manager for each of two handles, each with a Shared of its own, as two processes would have.
func (b *Body) managers(t *testing.T) []*session.Manager {
	t.Helper()
	var managers []*session.Manager
	for range 2 {
		managers = append(managers, session.NewShared(b.Open()).Manager(session.Config{App: "wiki", Now: b.Now}))
	}
	return managers
}

func create(t *testing.T, m *session.Manager, data session.Data) string {
	t.Helper()
	token, err := Create(context.Background(), m, data)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func load(t *testing.T, m *session.Manager, token string) *session.Data {
	t.Helper()
	data, err := m.Load(context.Background(), token)
	if err != nil || data == nil {
		t.Fatalf("loaded %v, %v; want a session", data, err)
	}
	return data
}

func keep(*session.Data) error { return nil }

func wantNoSession(t *testing.T, managers []*session.Manager, token string) {
	t.Helper()
	ctx := context.Background()
	for _, m := range managers {
		if data, err := m.Load(ctx, token); err != nil || data != nil {
			t.Errorf("load: %v, %v; want no session", data, err)
		}
		if data, err := Update(ctx, m, token, keep); !errors.Is(err, session.ErrGone) || data != nil {
			t.Errorf("update: %v, %v; want ErrGone", data, err)
		}
		if fresh, data, err := Renew(ctx, m, token, keep); !errors.Is(err, session.ErrGone) || data != nil || fresh != "" {
			t.Errorf("renew: %v, %v; want ErrGone", data, err)
		}
	}
}

// testManagers signs in at one process and uses the session at the other.
func testManagers(t *testing.T, b *Body) {
	managers := b.managers(t)
	ctx := context.Background()
	anonymous := create(t, managers[0], session.Data{Errand: session.Errand{Next: "/page"}})
	pending, _, err := Renew(ctx, managers[1], anonymous, func(data *session.Data) error {
		data.State, data.Identity = gate.Pending, "alice"
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	verified, _, err := Renew(ctx, managers[0], pending, func(data *session.Data) error {
		data.State, data.Proofs = gate.Verified, []session.Proof{{Method: "totp", At: b.Now()}}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range managers {
		if data := load(t, m, verified); data.State != gate.Verified || data.Identity != "alice" || data.Next != "/page" {
			t.Errorf("loaded %v", data)
		}
	}
	b.Advance(2 * time.Minute)
	if err := managers[1].Touch(ctx, verified, b.Now()); err != nil {
		t.Error(err)
	}
	if data := load(t, managers[0], verified); b.Now().Sub(data.Seen) > moment {
		t.Errorf("seen %v ago", b.Now().Sub(data.Seen))
	}
	wantNoSession(t, managers, anonymous)
	wantNoSession(t, managers, pending)
	if err := managers[1].Destroy(ctx, verified); err != nil {
		t.Error(err)
	}
	wantNoSession(t, managers, verified)
}

func testManagersExpiry(t *testing.T, b *Body) {
	managers := b.managers(t)
	tokens := map[gate.State]string{}
	for _, state := range []gate.State{gate.Anonymous, gate.Pending, gate.Verified} {
		tokens[state] = create(t, managers[0], session.Data{State: state, Identity: "alice"})
	}
	for _, step := range []struct {
		after time.Duration
		ends  gate.State
	}{{10 * time.Minute, gate.Pending}, {20 * time.Minute, gate.Anonymous}, {30 * time.Minute, gate.Verified}} {
		b.Advance(step.after - moment)
		load(t, managers[1], tokens[step.ends])
		b.Advance(moment)
		wantNoSession(t, managers, tokens[step.ends])
	}
	b.Advance(moment)
	if stored := b.Stored(); stored != 0 {
		t.Errorf("%d entries are left", stored)
	}
}

// testManagersNoLostUpdate: two processes change one session at the same time, and each change adds a cookie of the
// app.
func testManagersNoLostUpdate(t *testing.T, b *Body) {
	managers := b.managers(t)
	token := create(t, managers[0], session.Data{State: gate.Verified, Identity: "alice"})
	now := b.Now()
	var group sync.WaitGroup
	for i := range Parallel {
		group.Go(func() {
			_, err := Update(context.Background(), managers[i%2], token, func(data *session.Data) error {
				change, ok := custody.ParseSetCookie(fmt.Sprintf("cookie%d=%d; HttpOnly; Path=/", i, i))
				if !ok {
					return errors.New("no cookie")
				}
				held, _, err := data.Held.Apply([]custody.Change{change}, "wiki.example.com", "/", now)
				data.Held = held
				runtime.Gosched()
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for _, m := range managers {
		if held := load(t, m, token).Held.Len(); held != Parallel {
			t.Errorf("%d of %d cookies are left", held, Parallel)
		}
	}
}

// testManagersRenewalKeepsUpdates: when one process stores a cookie while the other renews the session, the cookie is
// in the renewed session, or its change gets ErrGone.
func testManagersRenewalKeepsUpdates(t *testing.T, b *Body) {
	managers := b.managers(t)
	ctx := context.Background()
	for range 10 {
		token := create(t, managers[0], session.Data{State: gate.Pending, Identity: "alice"})
		var stored atomic.Int64
		var group sync.WaitGroup
		for i := range 8 {
			group.Go(func() {
				_, err := Update(ctx, managers[0], token, func(data *session.Data) error {
					data.Granted = append(data.Granted, fmt.Sprint(i))
					return nil
				})
				switch {
				case err == nil:
					stored.Add(1)
				case !errors.Is(err, session.ErrGone):
					t.Error(err)
				}
			})
		}
		var renewed string
		group.Go(func() {
			var err error
			renewed, _, err = Renew(ctx, managers[1], token, func(data *session.Data) error {
				runtime.Gosched()
				data.State = gate.Verified
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
		group.Wait()
		if t.Failed() {
			return
		}
		if granted := load(t, managers[0], renewed).Granted; len(granted) != int(stored.Load()) {
			t.Errorf("%d changes were stored, %d are left", stored.Load(), len(granted))
		}
		wantNoSession(t, managers, token)
	}
}

func testManagersOneRenewal(t *testing.T, b *Body) {
	managers := b.managers(t)
	h := b.open(t)
	token := create(t, managers[0], session.Data{State: gate.Pending, Identity: "alice"})
	won := make(chan string, Parallel)
	var group sync.WaitGroup
	for i := range Parallel {
		group.Go(func() {
			fresh, _, err := Renew(context.Background(), managers[i%2], token, func(*session.Data) error {
				runtime.Gosched()
				return nil
			})
			switch {
			case err == nil:
				won <- fresh
			case !errors.Is(err, session.ErrGone):
				t.Error(err)
			}
		})
	}
	group.Wait()
	close(won)
	if len(won) != 1 {
		t.Fatalf("%d renewals won", len(won))
	}
	load(t, managers[1], <-won)
	if left := len(h.list()); left != 1 {
		t.Errorf("%d sessions are left", left)
	}
}

// testManagersSlowChange: a slow request has read the session; before it writes, the other process ends it. Neither the
// token nor the session under another token may come back.
func testManagersSlowChange(t *testing.T, b *Body) {
	managers := b.managers(t)
	h := b.open(t)
	ctx := context.Background()
	for name, end := range map[string]func(token string) error{
		"destroyed": func(token string) error { return managers[1].Destroy(ctx, token) },
		"revoked":   func(string) error { return managers[1].DestroyOthers(ctx, "alice", "") },
		"renewed":   func(token string) error { _, _, err := Renew(ctx, managers[1], token, keep); return err },
	} {
		for _, renew := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " ", renew), func(t *testing.T) {
				token := create(t, managers[0], session.Data{State: gate.Verified, Identity: "alice"})
				change := func(data *session.Data) error { data.Notice = "late"; return end(token) }
				var err error
				if renew {
					_, _, err = Renew(ctx, managers[0], token, change)
				} else {
					_, err = Update(ctx, managers[0], token, change)
				}
				if !errors.Is(err, session.ErrGone) || errors.Is(err, session.ErrStore) {
					t.Errorf("%v, want ErrGone", err)
				}
				wantNoSession(t, managers, token)
				want := 0
				if name == "renewed" {
					want = 1
				}
				if left := len(h.list()); left != want {
					t.Errorf("%d sessions are left, want %d", left, want)
				}
				if err := managers[0].DestroyOthers(ctx, "alice", ""); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// testManagersHangUp: a browser that hangs up must not cancel a commit, as it did in stores that use the request's
// context.
func testManagersHangUp(t *testing.T, b *Body) {
	managers := b.managers(t)
	gone, hangUp := context.WithCancel(context.Background())
	hangUp()
	token, err := Create(gone, managers[0], session.Data{State: gate.Verified, Identity: "alice"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Update(gone, managers[0], token, func(data *session.Data) error { data.Notice = "kept"; return nil }); err != nil {
		t.Error(err)
	}
	during, hangUp := context.WithCancel(context.Background())
	fresh, _, err := Renew(during, managers[1], token, func(data *session.Data) error { hangUp(); data.Next = "/kept"; return nil })
	if err != nil {
		t.Fatal(err)
	}
	if data := load(t, managers[0], fresh); data.Notice != "kept" || data.Next != "/kept" {
		t.Errorf("loaded %v", data)
	}
	// A client that hangs up may get an error or the session, but never "no session".
	if data, err := managers[0].Load(gone, fresh); err == nil && data == nil || err != nil && !errors.Is(err, session.ErrStore) {
		t.Errorf("loaded %v, %v", data, err)
	}
	if err := managers[0].DestroyOthers(gone, "alice", fresh); err != nil {
		t.Error(err)
	}
	if err := managers[0].Destroy(gone, fresh); err != nil {
		t.Error(err)
	}
	wantNoSession(t, managers, fresh)
}

func testManagersRevocation(t *testing.T, b *Body) {
	managers := b.managers(t)
	ctx := context.Background()
	shop := session.NewShared(b.Open()).Manager(session.Config{App: "shop", Now: b.Now})
	verified := session.Data{State: gate.Verified, Identity: "alice"}
	mine := create(t, managers[0], verified)
	others := []string{
		create(t, managers[0], verified), create(t, managers[1], verified),
		create(t, managers[1], session.Data{State: gate.Pending, Identity: "alice"}),
	}
	bob := create(t, managers[1], session.Data{State: gate.Verified, Identity: "bob"})
	stranger := create(t, managers[0], session.Data{})
	elsewhere := create(t, shop, verified)
	if err := managers[0].DestroyOthers(ctx, "alice", mine); err != nil {
		t.Fatal(err)
	}
	for _, m := range managers {
		load(t, m, mine)
		load(t, m, bob)
		load(t, m, stranger)
	}
	load(t, shop, elsewhere)
	for _, token := range others {
		wantNoSession(t, managers, token)
	}
}

// testManagersRenewAway: an attacker who has the password keeps renewing pending sessions at one process, while the
// owner's change of factors at the other one ends them.
func testManagersRenewAway(t *testing.T, b *Body) {
	managers := b.managers(t)
	h := b.open(t)
	ctx := context.Background()
	for range 5 {
		const sessions = 4
		last := make([]string, sessions)
		began := make(chan struct{}, sessions)
		var group sync.WaitGroup
		for i := range sessions {
			token := create(t, managers[0], session.Data{State: gate.Pending, Identity: "alice"})
			group.Go(func() {
				began <- struct{}{}
				for range 1000 {
					fresh, _, err := Renew(ctx, managers[0], token, keep)
					if errors.Is(err, session.ErrGone) {
						break
					}
					if err != nil {
						t.Error(err)
						break
					}
					token = fresh
				}
				last[i] = token
			})
		}
		<-began
		err := managers[1].DestroyOthers(ctx, "alice", "")
		group.Wait()
		if err != nil {
			if !errors.Is(err, session.ErrStore) {
				t.Error(err)
			}
			continue // the error tells that not all have ended
		}
		for _, token := range last {
			wantNoSession(t, managers, token)
		}
		if left := len(h.list()); left != 0 {
			t.Fatalf("%d sessions escaped", left)
		}
	}
}
