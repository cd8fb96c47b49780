package session

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/alexedwards/scs/v2"
)

// Store is all that a store of this house offers. Every one passes package session/storetest. The methods that scs
// itself calls are those of scs.CtxStore; a Shared takes less than a Store too, and is then exact within one process
// only.
//
// Tokens are the names under which scs stores sessions: hashes of what browsers hold. What a store takes and hands out
// are copies. It bounds each call in time by itself, and a context that ends stops no write that has begun.
type Store interface {
	scs.CtxStore
	Claimer
	Swapper
	Lister
	Index
}

// TombstoneLife is how long at least a deleted token is remembered, so that no request which began before can bring it
// back; longer where its session would have lived longer.
const TombstoneLife = 24 * time.Hour

// NewVersion makes a Version at random, as stores need them whose sessions outlive the process.
func NewVersion() (fresh Version) {
	_, _ = rand.Read(fresh[:]) // it never fails
	return fresh
}

// Life is how long a session that is stored now will live: until the expiry, at least a millisecond. ErrGone: the
// expiry has passed.
func Life(expiry, now time.Time) (time.Duration, error) {
	if !expiry.After(now) {
		return 0, ErrGone
	}
	return max(expiry.Sub(now), time.Millisecond), nil
}

// Version tells two contents of one session in a store apart. None comes back, also not when a token is stored anew.
// The zero Version is that of no session.
type Version [16]byte

// Swapper is compare-and-set: what a store offers so that of two changes to one session, made by two processes at the
// same moment, neither is lost. Its writes may be sent twice by a driver that lost an answer: the second has no effect.
type Swapper interface {
	// FindVersionCtx is FindCtx, and tells the version of what was found; the zero Version when nothing was.
	FindVersionCtx(ctx context.Context, token string) (stored []byte, version Version, found bool, err error)

	// SwapCtx is CommitCtx under the condition that the stored session still has the expected version. ErrChanged: it
	// has another one. ErrGone: there is none, it was deleted, or the expiry has passed. The zero Version expects that
	// the store knows nothing of the token, dead or alive; otherwise that is ErrGone too. With an error of these two
	// nothing was written; with any other one it is not known.
	SwapCtx(ctx context.Context, token string, expected Version, stored []byte, expiry time.Time) error

	// MoveCtx is SwapCtx of the zero Version under newToken, and ClaimCtx of token under the condition that it still
	// has the expected version, which is not the zero Version: of several callers at the same time, one succeeds.
	// ErrChanged and ErrGone are as with SwapCtx: token is as it was, and newToken is nothing. After any other error
	// newToken may be stored, and token be dead.
	MoveCtx(
		ctx context.Context, token string, expected Version, newToken string, stored []byte, expiry time.Time,
	) error
}

// Lister goes over the sessions without holding all of them in memory.
type Lister interface {
	// EachCtx calls visit for each live session, with bytes that visit may keep. A session that is alive all the while
	// is visited, also if it moves to another token meanwhile: under one of the two at least. Some may be visited
	// twice. An error of visit ends the walk and is returned as it is. visit must not use the store.
	EachCtx(ctx context.Context, visit func(token string, stored []byte) error) error
}
