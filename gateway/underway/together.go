package underway

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"time"
)

// togetherLasts is for how long requests join the sign-in of an earlier one. A browser that is started again asks for
// all its tabs within seconds.
const togetherLasts = 10 * time.Second

// mostTogether bounds the sign-ins that are remembered. Beyond it each request signs in by itself.
const mostTogether = 1024

// Together finds the first requests of one browser that sign in by the same password in every request. Each would begin
// a session of its own, and the browser would keep the cookie of the last: the form that it shows would then belong to
// another session. Together is safe for concurrent use; the zero value knows none.
type Together struct {
	mutex sync.Mutex
	key   []byte
	of    map[[sha256.Size]byte]*First
}

// First is the sign-in that the others join.
type First struct {
	all   *Together
	is    [sha256.Size]byte
	at    time.Time
	done  chan struct{}
	token string
}

// Join returns the sign-in under way, or just over, of what is told apart by the parts: the password, and all by which
// a browser is known. leads reports that the caller is the first; it must call End. The result is nil if there are too
// many, and the caller is then by itself.
func (t *Together) Join(now time.Time, parts ...string) (first *First, leads bool) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if t.key == nil {
		t.key = make([]byte, sha256.Size)
		_, _ = rand.Read(t.key) // never fails
		t.of = make(map[[sha256.Size]byte]*First)
	}
	hash := hmac.New(sha256.New, t.key)
	for _, part := range parts {
		_ = binary.Write(hash, binary.BigEndian, uint64(len(part)))
		hash.Write([]byte(part))
	}
	is := [sha256.Size]byte(hash.Sum(nil))
	if first = t.of[is]; first != nil && first.fresh(now) {
		return first, false
	}
	for other, of := range t.of {
		if !of.fresh(now) {
			delete(t.of, other)
		}
	}
	if len(t.of) >= mostTogether {
		return nil, false
	}
	first = &First{all: t, is: is, at: now, done: make(chan struct{})}
	t.of[is] = first
	return first, true
}

// fresh reports whether others may still join.
func (f *First) fresh(now time.Time) bool {
	age := now.Sub(f.at)
	return age >= 0 && age < togetherLasts
}

// End says with which session's token the sign-in ended; "" if with none that others may have. It is called once, by
// the caller that leads.
func (f *First) End(token string) {
	if f.token = token; token == "" {
		f.all.mutex.Lock()
		if f.all.of[f.is] == f {
			delete(f.all.of, f.is)
		}
		f.all.mutex.Unlock()
	}
	close(f.done)
}

// Token waits until the sign-in has ended, and returns its session's token; "" if there is none, or if the context ends
// first.
func (f *First) Token(ctx context.Context) string {
	select {
	case <-f.done:
		return f.token
	case <-ctx.Done():
		return ""
	}
}
