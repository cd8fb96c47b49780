package storetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/session"
)

// owner makes an account that no other test has.
func owner() (made session.Owner) {
	copy(made[:], Token())
	return made
}

func of(owner session.Owner) context.Context {
	return session.WithLabel(context.Background(), session.Label{Owner: owner})
}

func strangers() context.Context {
	return session.WithLabel(context.Background(), session.Label{Stranger: true})
}

// owned returns the sessions that the index has for the owners.
func (h *handle) owned(owners ...session.Owner) map[string]string {
	h.t.Helper()
	found := map[string]string{}
	err := h.OwnedCtx(context.Background(), owners, func(token string, stored []byte) error {
		found[token] = string(stored)
		return nil
	})
	if err != nil {
		h.t.Errorf("index: %v", err)
	}
	return found
}

func (h *handle) unlabelled() map[string]string {
	h.t.Helper()
	found := map[string]string{}
	err := h.UnlabelledCtx(context.Background(), func(token string, stored []byte) error {
		found[token] = string(stored)
		return nil
	})
	if err != nil {
		h.t.Errorf("without a label: %v", err)
	}
	return found
}

func (h *handle) wantOwned(want map[string]string, owners ...session.Owner) {
	h.t.Helper()
	got := h.owned(owners...)
	for token, stored := range want {
		if got[token] != stored {
			h.t.Errorf("the index has %q, want %q", got[token], stored)
		}
	}
	// A store may return more than it was asked for, but no dead session.
	for token, stored := range got {
		h.want(token, stored)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// testIndex follows a session from its beginning to its end.
func testIndex(t *testing.T, b *Body) {
	h, other := b.open(t), b.open(t)
	alice, bob := owner(), owner()
	token, second, moved := Token(), Token(), Token()
	must(t, h.SwapCtx(of(alice), token, session.Version{}, []byte("one"), b.in(time.Hour)))
	must(t, h.CommitCtx(of(alice), second, []byte("second"), b.in(time.Hour)))
	other.wantOwned(map[string]string{token: "one", second: "second"}, alice)
	must(t, other.SwapCtx(of(alice), token, h.version(token), []byte("two"), b.in(2*time.Hour)))
	h.wantOwned(map[string]string{token: "two", second: "second"}, alice)
	must(t, h.MoveCtx(of(alice), token, h.version(token), moved, []byte("three"), b.in(2*time.Hour)))
	other.wantOwned(map[string]string{moved: "three", second: "second"}, alice)
	if got := other.owned(bob); len(got) != 0 {
		t.Errorf("bob has %q", got)
	}
	// The session gets another owner, first with the same token and then with another.
	must(t, h.SwapCtx(of(bob), second, h.version(second), []byte("bob's"), b.in(time.Hour)))
	other.wantOwned(map[string]string{second: "bob's"}, bob)
	token = Token()
	must(t, other.MoveCtx(of(bob), moved, h.version(moved), token, []byte("four"), b.in(2*time.Hour)))
	h.wantOwned(map[string]string{second: "bob's", token: "four"}, bob)
	h.wantOwned(map[string]string{second: "bob's", token: "four"}, alice, bob)
	// Expiry, deletion and refused changes.
	b.Advance(time.Hour + moment)
	h.wantOwned(map[string]string{token: "four"}, bob)
	if err := h.SwapCtx(of(alice), token, session.Version{1}, []byte("late"), b.in(time.Hour)); !errors.Is(err, session.ErrChanged) {
		t.Errorf("swap: %v", err)
	}
	h.wantOwned(map[string]string{token: "four"}, bob)
	b.Stored() // cleans up
	h.wantOwned(map[string]string{token: "four"}, bob)
	other.remove(token)
	for _, who := range []session.Owner{alice, bob, {}} {
		h.wantOwned(nil, who)
	}
	// An error of visit is returned.
	must(t, h.CommitCtx(of(alice), Token(), []byte("five"), b.in(time.Hour)))
	enough := errors.New("enough")
	if err := h.OwnedCtx(context.Background(), []session.Owner{alice}, func(string, []byte) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("%v, want visit's error", err)
	}
	if got := h.unlabelled(); len(got) != 0 {
		for token, stored := range got {
			h.want(token, stored)
		}
	}
}

// testUnlabelled: sessions that a version without an index stored are found for as long as they live, and are in the
// index once they are stored again.
func testUnlabelled(t *testing.T, b *Body) {
	h, other := b.open(t), b.open(t)
	alice := owner()
	if got := h.unlabelled(); len(got) != 0 {
		t.Errorf("an empty store has %q", got)
	}
	before, short, ended := Token(), Token(), Token()
	h.commit(before, "before", b.in(2*time.Hour), nil)
	h.commit(short, "short", b.in(time.Hour), nil)
	h.commit(ended, "ended", b.in(time.Hour), nil)
	must(t, h.CommitCtx(of(alice), Token(), []byte("labelled"), b.in(time.Hour)))
	h.remove(ended)
	for range 2 {
		for token, stored := range map[string]string{before: "before", short: "short"} {
			if got := other.unlabelled(); got[token] != stored {
				t.Errorf("%q is found, want %q", got, stored)
			}
		}
	}
	b.Advance(time.Hour + moment)
	if got := other.unlabelled(); got[before] != "before" || got[short] != "" || got[ended] != "" {
		t.Errorf("later %q are found", got)
	}
	must(t, h.SwapCtx(of(alice), before, h.version(before), []byte("now hers"), b.in(time.Hour)))
	other.wantOwned(map[string]string{before: "now hers"}, alice)
	h.remove(before)
	b.Advance(25 * time.Hour)
	for range 2 {
		if got := other.unlabelled(); len(got) != 0 {
			t.Errorf("%q are found at the end", got)
		}
	}
	// Once more, because a store may remember that it found none.
	h.commit(before+"x", "again", b.in(time.Hour), nil)
	if got := other.unlabelled(); got[before+"x"] != "again" {
		t.Errorf("%q are found, want the new one", got)
	}
}

// testIndexWhileMoving: sessions are found while an attacker keeps renewing them, or switches them between two
// accounts.
func testIndexWhileMoving(t *testing.T, b *Body) {
	h, other := b.open(t), b.open(t)
	mine := []session.Owner{owner(), owner()}
	expiry := b.in(time.Hour)
	for range 50 {
		must(t, h.CommitCtx(of(owner()), Token(), []byte("another's"), expiry))
	}
	const movers = 4
	stop := make(chan struct{})
	var group sync.WaitGroup
	for i := range movers {
		token, stored := Token(), []byte(fmt.Sprint("mover ", i))
		must(t, h.CommitCtx(of(mine[0]), token, stored, expiry))
		version := h.version(token)
		group.Go(func() {
			for turn := 0; ; turn++ {
				select {
				case <-stop:
					return
				default:
				}
				next, as := token, of(mine[turn%2])
				var err error
				if turn%3 == 0 {
					err = other.SwapCtx(as, token, version, stored, expiry)
				} else {
					next = Token()
					err = other.MoveCtx(as, token, version, next, stored, expiry)
				}
				if err == nil {
					token = next
					_, version, _, err = other.FindVersionCtx(context.Background(), token)
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 100 {
		seen := slices.Collect(maps.Values(h.owned(mine...)))
		for i := range movers {
			if !slices.Contains(seen, fmt.Sprint("mover ", i)) {
				t.Errorf("mover %d was not found: %q", i, seen)
			}
		}
	}
	close(stop)
	group.Wait()
	if got := h.owned(mine...); len(got) != movers {
		t.Errorf("%d are left", len(got))
	}
}

// testStrangers: strangers have a limited share of the entries, including their tombstones. Beyond it the oldest of
// them ends, and no other session does.
func testStrangers(t *testing.T, b *Body) {
	handles := []*handle{b.open(t), b.open(t)}
	h := handles[0]
	alice := owner()
	signedIn, before, waits := Token(), Token(), Token()
	must(t, h.CommitCtx(of(alice), signedIn, []byte("signed in"), b.in(time.Hour)))
	h.commit(before, "before", b.in(time.Hour), nil)
	must(t, h.CommitCtx(strangers(), waits, []byte("stranger"), b.in(time.Hour)))
	must(t, h.SwapCtx(of(alice), waits, h.version(waits), []byte("waits"), b.in(time.Hour)))

	many := 3 * b.Strangers
	tokens := make([]string, many)
	for i := range tokens {
		tokens[i] = Token()
	}
	const workers = 16
	var group sync.WaitGroup
	for worker := range workers {
		group.Go(func() {
			on := handles[worker%2]
			for i := worker; i < many; i += workers {
				err := on.SwapCtx(strangers(), tokens[i], session.Version{}, []byte("stranger"), b.in(time.Hour))
				if err == nil && i%5 == 0 { // write again, like a session in use
					var version session.Version
					var found bool
					if _, version, found, err = on.FindVersionCtx(context.Background(), tokens[i]); found && err == nil {
						err = on.SwapCtx(strangers(), tokens[i], version, []byte("stranger"), b.in(time.Hour))
					}
					if errors.Is(err, session.ErrGone) {
						err = nil
					}
				}
				if err == nil && i%7 == 0 {
					err = on.DeleteCtx(context.Background(), tokens[i])
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	if stored := b.Stored(); stored > b.Strangers+b.Strangers/10+10 && !b.OwnTombstones {
		t.Errorf("%d entries, of which strangers may have %d", stored, b.Strangers)
	}
	alive := 0
	for _, stored := range h.list() {
		if stored == "stranger" {
			alive++
		}
	}
	if alive > b.Strangers+b.Strangers/10 || alive < b.Strangers/2 {
		t.Errorf("%d strangers are left of %d that may be", alive, b.Strangers)
	}
	// The newest are there, one after the other.
	latest := make([]string, b.Strangers/4)
	for i := range latest {
		latest[i] = Token()
		must(t, handles[i%2].SwapCtx(strangers(), latest[i], session.Version{}, []byte("stranger"), b.in(time.Hour)))
	}
	for _, token := range latest {
		h.want(token, "stranger")
	}
	h.want(tokens[0], "")
	h.want(signedIn, "signed in")
	h.want(before, "before")
	h.want(waits, "waits")
	h.wantOwned(map[string]string{signedIn: "signed in", waits: "waits"}, alice)
	// A slow change does not bring back a stranger's session that ended to make room, and one that signs in stays.
	late := latest[0]
	version := h.version(late)
	fresh := Token()
	must(t, h.MoveCtx(of(alice), late, version, fresh, []byte("came in"), b.in(time.Hour)))
	for range b.Strangers + b.Strangers/2 {
		must(t, h.SwapCtx(strangers(), Token(), session.Version{}, []byte("stranger"), b.in(time.Hour)))
	}
	h.want(fresh, "came in")
	if err := h.SwapCtx(strangers(), late, version, []byte("late"), b.in(time.Hour)); !errors.Is(err, session.ErrGone) {
		t.Errorf("a slow change: %v", err)
	}
	h.want(late, "")
}

// testManagersBound: if an account has one session too many, the least recently used one ends, but a pending session
// never ends a verified one. The settings page shows the remaining ones.
func testManagersBound(t *testing.T, b *Body) {
	var managers []*session.Manager
	for range 2 {
		managers = append(managers, session.NewShared(b.Open()).Manager(session.Config{App: "wiki", Now: b.Now, MaxVerified: 4, MaxWaiting: 3}))
	}
	var verified []string
	for i := range 4 {
		verified = append(verified, create(t, managers[i%2], session.Data{State: gate.Verified, Identity: "alice"}))
		b.Advance(time.Second)
	}
	bob := create(t, managers[0], session.Data{State: gate.Verified, Identity: "bob"})
	hers := create(t, managers[1], session.Data{State: gate.Pending, Identity: "alice", Origin: &session.Origin{Address: "192.0.2.1"}})
	var theirs []string
	for i := range 20 {
		b.Advance(time.Second)
		theirs = append(theirs, create(t, managers[i%2], session.Data{State: gate.Pending, Identity: "alice", Origin: &session.Origin{Address: "198.51.100.1"}}))
	}
	for _, token := range append(slices.Clone(verified), hers, bob, theirs[18], theirs[19]) {
		load(t, managers[0], token)
	}
	wantNoSession(t, managers, theirs[17])
	// The oldest is used again, so another one ends.
	b.Advance(2 * time.Minute)
	must(t, managers[1].Touch(context.Background(), verified[0], b.Now()))
	fifth, _, err := Renew(context.Background(), managers[0], hers, func(data *session.Data) error {
		data.State = gate.Verified
		return nil
	})
	must(t, err)
	for _, token := range []string{verified[0], verified[2], verified[3], fifth, bob} {
		load(t, managers[1], token)
	}
	wantNoSession(t, managers, verified[1])
	listed, err := managers[1].List(context.Background(), "alice", fifth)
	if err != nil || len(listed) != 6 || !listed[0].Current {
		t.Errorf("%d sessions are listed, %v", len(listed), err)
	}
	if found, err := managers[0].DestroyOne(context.Background(), "alice", listed[1].ID); err != nil || !found {
		t.Errorf("end one: %v, %v", found, err)
	}
	must(t, managers[1].DestroyOthers(context.Background(), "alice", fifth))
	if listed, err := managers[0].List(context.Background(), "alice", fifth); err != nil || len(listed) != 1 {
		t.Errorf("%d sessions are listed at the end, %v", len(listed), err)
	}
	load(t, managers[0], bob)
}
