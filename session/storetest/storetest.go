// Package storetest is the conformance suite that every session.Store must pass. It also tests for known faults of
// other stores.
//
// If several processes can share a store, the suite opens it several times, and puts a session.Shared of its own over
// each of these handles, so that locks within one process cannot hide a fault.
package storetest

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"testing"
	"time"

	"sallyport.example/sallyport/session"
)

// Parallel is how many attempts race in each test of a race.
const Parallel = 32

// Body is one body of stored sessions, empty at first. All of its functions are called from the test's own goroutine.
type Body struct {
	// Open makes a handle to the sessions, as one more process would have, and closes it with t.Cleanup. A store for a
	// single process returns the same handle each time.
	Open func() session.Store
	// Now is the time by the clock of the handles.
	Now func() time.Time
	// Advance lets time pass, for the handles and for a server behind them.
	Advance func(time.Duration)
	// Stored sweeps as the store does from time to time, and counts the remaining sessions and tombstones.
	Stored func() int
	// Strangers is how many anonymous sessions the handles keep, a few hundred at least.
	Strangers int
	// OwnTombstones says that tombstones have a bound of their own, and do not count in the strangers' share.
	OwnTombstones bool
}

// Run runs the suite. fresh makes a body for one test.
func Run(t *testing.T, fresh func(t *testing.T) *Body) {
	tests := []struct {
		name string
		test func(*testing.T, *Body)
	}{
		{"find and commit", testFindAndCommit},
		{"values of all kinds", testValues},
		{"copies", testCopies},
		{"unknown tokens leave nothing", testUnknown},
		{"a finished context", testFinishedContext},
		{"expiry", testExpiry},
		{"the past is refused", testPast},
		{"expired sessions are gone", testSweep},
		{"the dead stay dead", testDead},
		{"the dead stay dead in parallel", testDeadInParallel},
		{"tombstones end", testTombstonesEnd},
		{"claim", testClaim},
		{"claim in parallel", testClaimInParallel},
		{"swap", testSwap},
		{"swap of what is not there", testSwapGone},
		{"versions do not come back", testNoABA},
		{"swap in parallel", testSwapInParallel},
		{"count in parallel", testCount},
		{"move", testMove},
		{"move refused", testMoveRefused},
		{"move in parallel", testMoveInParallel},
		{"swap, move and delete in parallel", testMixInParallel},
		{"list", testList},
		{"list many", testListMany},
		{"list while sessions move", testListWhileMoving},
		{"index", testIndex},
		{"index: what was stored without it", testUnlabelled},
		{"index while sessions move", testIndexWhileMoving},
		{"strangers", testStrangers},
		{"managers", testManagers},
		{"managers: what an account may have", testManagersBound},
		{"managers: expiry", testManagersExpiry},
		{"managers: no update is lost", testManagersNoLostUpdate},
		{"managers: no update is lost to a renewal", testManagersRenewalKeepsUpdates},
		{"managers: one renewal wins", testManagersOneRenewal},
		{"managers: slow changes of dead sessions", testManagersSlowChange},
		{"managers: hanging up", testManagersHangUp},
		{"managers: revocation", testManagersRevocation},
		{"managers: nobody renews away from a revocation", testManagersRenewAway},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.test(t, fresh(t)) })
	}
}

// Token makes a token of the form under which sessions are stored.
func Token() string {
	var random [32]byte
	_, _ = rand.Read(random[:]) // it never fails
	return base64.RawURLEncoding.EncodeToString(random[:])
}

// handle is one handle with the checks that most tests make.
type handle struct {
	session.Store
	t *testing.T
}

func (b *Body) open(t *testing.T) *handle {
	t.Helper()
	return &handle{b.Open(), t}
}

func (b *Body) in(d time.Duration) time.Time { return b.Now().Add(d) }

// want requires that the token's session is exactly this; empty means none.
func (h *handle) want(token, stored string) {
	h.t.Helper()
	got, found, err := h.FindCtx(context.Background(), token)
	if err != nil || found != (stored != "") || string(got) != stored {
		h.t.Errorf("found %q, %v, %v; want %q", clip(string(got)), found, err, clip(stored))
	}
	again, version, found, err := h.FindVersionCtx(context.Background(), token)
	if err != nil || found != (stored != "") || string(again) != stored || found != (version != session.Version{}) {
		h.t.Errorf("found with its version %q, %v, %v; want %q", clip(string(again)), found, err, clip(stored))
	}
}

func (h *handle) commit(token, stored string, expiry time.Time, want error) {
	h.t.Helper()
	if err := h.CommitCtx(context.Background(), token, []byte(stored), expiry); !errors.Is(err, want) {
		h.t.Errorf("commit: %v, want %v", err, want)
	}
}

func (h *handle) remove(token string) {
	h.t.Helper()
	if err := h.DeleteCtx(context.Background(), token); err != nil {
		h.t.Errorf("delete: %v", err)
	}
}

func (h *handle) claim(token string, want bool) {
	h.t.Helper()
	if claimed, err := h.ClaimCtx(context.Background(), token); err != nil || claimed != want {
		h.t.Errorf("claim: %v, %v; want %v", claimed, err, want)
	}
}

func (h *handle) swap(token string, expected session.Version, stored string, expiry time.Time, want error) {
	h.t.Helper()
	if err := h.SwapCtx(context.Background(), token, expected, []byte(stored), expiry); !errors.Is(err, want) {
		h.t.Errorf("swap: %v, want %v", err, want)
	}
}

func (h *handle) move(token string, expected session.Version, newToken, stored string, expiry time.Time, want error) {
	h.t.Helper()
	if err := h.MoveCtx(context.Background(), token, expected, newToken, []byte(stored), expiry); !errors.Is(err, want) {
		h.t.Errorf("move: %v, want %v", err, want)
	}
}

// version returns the version of a session that must exist.
func (h *handle) version(token string) session.Version {
	h.t.Helper()
	_, version, found, err := h.FindVersionCtx(context.Background(), token)
	if err != nil || !found || version == (session.Version{}) {
		h.t.Fatalf("no version: %v, %v", found, err)
	}
	return version
}

func clip(text string) string {
	if len(text) > 40 {
		return text[:40] + "..."
	}
	return text
}
