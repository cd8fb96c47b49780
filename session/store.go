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

// Life is how long a session that is stored now will live: until the expiry, at least a millisecond. ErrGone: the
// expiry has passed.
func Life(expiry, now time.Time) (time.Duration, error) {
	if !expiry.After(now) {
		return 0, ErrGone
	}
	return max(expiry.Sub(now), time.Millisecond), nil
}

// Version distinguishes the contents of a session in a store over time. No Version occurs twice, even if a token is
// stored anew. The zero Version is no session's.
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

// longestPause is how long at most a change waits before it is tried again.
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

// storeKey is the name under which scs stores a well-formed token when HashTokenInStore is set: whoever reads the store
// learns no token. Written anew because scs keeps it to itself, and because this one allocates only its result; a test
// holds the two together.
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

// Keyring is what a store may offer that has keys of its own, which all who share its sessions have too.
type Keyring interface {
	// PurposeKeys derives keys of KeySize bytes for a purpose, the one to use first, then those that were in use before
	// it. None, and no error: this store has no keys.
	PurposeKeys(ctx context.Context, purpose string) ([][]byte, error)
}

// Keys derives keys for a purpose: for what a browser carries, so that no session has to be stored for it. The first
// one is to be used; what it made before may have been made with any of them. Where sessions are sealed the keys come
// from where the seal's come from, and are the same at each node and after each start; else they live as long as this
// Shared does. An error wraps ErrStore: the keys cannot be had now.
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

// Keys is Shared.Keys, of the store that this manager's sessions are in.
func (m *Manager) Keys(ctx context.Context, purpose string) ([][]byte, error) {
	return m.shared.Keys(ctx, purpose)
}

func newSecret() (secret [KeySize]byte) {
	_, _ = rand.Read(secret[:]) // it never fails
	return secret
}
