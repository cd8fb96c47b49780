package session

import (
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	pick "math/rand/v2"
	"time"

	"github.com/alexedwards/scs/v2"
)

// Store is what each of our stores implements; each passes package session/storetest. scs itself calls the methods of
// scs.CtxStore. A Shared also takes a store that implements less, and is then exact within one process only.
//
// Tokens are the names under which scs stores sessions: hashes of what browsers hold. A store copies what it gets and
// returns. It limits the time of each call itself, and a context that ends does not stop a write that has begun.
type Store interface {
	scs.CtxStore
	Claimer
	Swapper
	Lister
	Index
}

// TombstoneLife is how long at least a deleted token is remembered, so that no request that began before can bring it
// back. If its session would have lived longer, it is remembered for that long.
const TombstoneLife = 24 * time.Hour

// NewVersion makes a random Version, for stores whose sessions outlive the process.
func NewVersion() (fresh Version) {
	_, _ = rand.Read(fresh[:]) // it never fails
	return fresh
}

// Life returns how long a session that is stored now will live: until the expiry, at least a millisecond. It returns
// ErrGone if the expiry has passed.
func Life(expiry, now time.Time) (time.Duration, error) {
	if !expiry.After(now) {
		return 0, ErrGone
	}
	return max(expiry.Sub(now), time.Millisecond), nil
}

// Version distinguishes the contents of a session in a store over time. No Version occurs twice, even if a token is
// stored anew. The zero Version is no session's.
type Version [16]byte

// Swapper is compare-and-set: a store that offers it loses neither of two changes to one session that two processes
// make at the same moment. A driver that lost an answer may send a write twice: the second has no effect.
type Swapper interface {
	// FindVersionCtx is FindCtx, and also returns the version of what was found; the zero Version if nothing was.
	FindVersionCtx(ctx context.Context, token string) (stored []byte, version Version, found bool, err error)

	// SwapCtx is CommitCtx under the condition that the stored session still has the expected version. It returns
	// ErrChanged if the session has another one, and ErrGone if there is none, it was deleted, or the expiry has
	// passed. The zero Version expects that the store does not know the token, dead or alive; otherwise the error is
	// ErrGone too. After these two errors nothing was written; after any other it is not known.
	SwapCtx(ctx context.Context, token string, expected Version, stored []byte, expiry time.Time) error

	// MoveCtx is SwapCtx of the zero Version under newToken, and ClaimCtx of token under the condition that it still
	// has the expected version, which is not the zero Version: of several callers at the same time, one succeeds. After
	// ErrChanged and ErrGone, as with SwapCtx, token is unchanged and newToken does not exist. After any other error
	// newToken may be stored, and token may be dead.
	MoveCtx(
		ctx context.Context, token string, expected Version, newToken string, stored []byte, expiry time.Time,
	) error
}

// Lister walks over the sessions without holding all of them in memory.
type Lister interface {
	// EachCtx calls visit for each live session, with bytes that visit may keep. A session that is alive during the
	// whole walk is visited, even if it moves to another token: under at least one of the two. Some may be visited
	// twice. An error of visit ends the walk and is returned unchanged. visit must not use the store.
	EachCtx(ctx context.Context, visit func(token string, stored []byte) error) error
}

// Contextless has the methods of scs.Store, over a store that does its work in those with a context. Such a store
// embeds it.
type Contextless struct{ store scs.CtxStore }

// NewContextless makes a Contextless over the store that is about to embed it.
func NewContextless(store scs.CtxStore) Contextless { return Contextless{store} }

// Find is FindCtx without a context.
func (c Contextless) Find(token string) ([]byte, bool, error) {
	return c.store.FindCtx(context.Background(), token)
}

// Commit is CommitCtx without a context.
func (c Contextless) Commit(token string, stored []byte, expiry time.Time) error {
	return c.store.CommitCtx(context.Background(), token, stored, expiry)
}

// Delete is DeleteCtx without a context.
func (c Contextless) Delete(token string) error {
	return c.store.DeleteCtx(context.Background(), token)
}

// longestPause is the longest pause before a change is tried again.
const longestPause = 32 * time.Millisecond

// untilUnchanged repeats an attempt for as long as other processes are quicker, and no longer than a write may take.
// The pauses are short and of random length, so that two that got in each other's way do not meet again.
func untilUnchanged(ctx context.Context, attempt func() error) error {
	ctx, cancel := detach(ctx)
	defer cancel()
	for pause := time.Millisecond; ; pause = min(2*pause, longestPause) {
		err := attempt()
		if !errors.Is(err, ErrChanged) {
			return err
		}
		timer := time.NewTimer(pick.N(pause)) //nolint:gosec // a pause need not be unpredictable
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("%w: other processes change the session faster than it can be written", ErrStore)
		}
	}
}

// tokenLength is the length of the tokens that scs makes: 32 random bytes in base64url without padding.
const tokenLength = 43

// tokenBytes are the characters of base64url. A table, because every request passes here.
var tokenBytes = func() (table [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") {
		table[c] = true
	}
	return table
}()

// wellFormed reports whether a token could have come from scs. Others are not worth asking the store about, and need
// not be hashed, locked or logged.
func wellFormed(token string) bool {
	if len(token) != tokenLength {
		return false
	}
	for i := range len(token) {
		if !tokenBytes[token[i]] {
			return false
		}
	}
	return true
}

// storeKey returns the name under which scs stores a well-formed token when HashTokenInStore is set, so that a reader
// of the store learns no token. It is written anew because scs does not export it, and because this one allocates only
// its result; a test compares the two.
func storeKey(token string) string {
	var plain [tokenLength]byte
	copy(plain[:], token)
	sum := sha256.Sum256(plain[:])
	var key [tokenLength]byte
	base64.RawURLEncoding.Encode(key[:], sum[:])
	return string(key[:])
}

// KeySize is the size of the keys that Keys returns, in bytes.
const KeySize = 32

// Keyring is offered by a store with keys of its own, which are the same for all who share its sessions.
type Keyring interface {
	// PurposeKeys derives keys of KeySize bytes for a purpose: first the current one, then the former ones. No keys and
	// no error: this store has no keys.
	PurposeKeys(ctx context.Context, purpose string) ([][]byte, error)
}

// Keys derives keys for a purpose, for data that browsers carry so that no session has to be stored for it. The first
// key is the current one; older data may have been made with any of them. If sessions are sealed, the keys have the
// same source as the seal's, and are the same at each node and after each start; else they live as long as this Shared.
// An error wraps ErrStore: the keys are not available now.
func (s *Shared) Keys(ctx context.Context, purpose string) ([][]byte, error) {
	if able, ok := s.store.store.(Keyring); ok {
		keys, err := able.PurposeKeys(ctx, purpose)
		if err != nil || len(keys) > 0 {
			return keys, failed("keys", err)
		}
	}
	key, err := hkdf.Expand(sha256.New, s.secret[:], purpose, KeySize)
	if err != nil {
		return nil, fmt.Errorf("%w: deriving a key: %w", ErrStore, err)
	}
	return [][]byte{key}, nil
}

// Keys is Shared.Keys for this manager's store.
func (m *Manager) Keys(ctx context.Context, purpose string) ([][]byte, error) {
	return m.shared.Keys(ctx, purpose)
}

func newSecret() (secret [KeySize]byte) {
	_, _ = rand.Read(secret[:]) // it never fails
	return secret
}
