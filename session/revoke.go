package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// revokePasses bounds the passes over the store. A second one finds what was renewed during the first; more than that
// takes somebody who keeps signing in while we look.
const revokePasses = 25

// revokeWorkers is how many sessions are ended at the same time.
const revokeWorkers = 16

// DestroyOthers ends all sessions of an identity in this app, except the one with keepToken (which may be empty): every
// session that a login has been made in, whatever its state. A session that is being renewed meanwhile does not escape:
// the store is asked until no other session is left. It goes over the whole store only where that has no index, or
// holds sessions from before the index, which nodes that were not replaced yet may take for good.
//
// An error wraps ErrStore: sessions may be left then, and the caller should say so or try again.
func (m *Manager) DestroyOthers(ctx context.Context, identity, keepToken string) error {
	keep := ""
	if wellFormed(keepToken) {
		keep = storeKey(keepToken)
	}
	for range revokePasses {
		found, err := m.destroyOthersOnce(ctx, identity, keep)
		if err != nil || found == 0 {
			return err
		}
	}
	return fmt.Errorf("%w: sessions were renewed faster than they could be ended", ErrStore)
}

func (m *Manager) destroyOthersOnce(ctx context.Context, identity, keep string) (found int, err error) {
	// First all names, then the deletions: a store need not bear being changed by the one who walks over it.
	var names []string
	note := func(key string, _ []byte) {
		if key != keep && !slices.Contains(names, key) {
			names = append(names, key)
		}
	}
	// In this order: a session from before the index that is stored anew goes into it, and is found in one of the two.
	if err = m.shared.store.unlabelled(ctx, m.ifOf(identity, note)); err == nil {
		err = m.shared.store.ownedNow(ctx, ownerOf(m.config.App, identity), m.ifOf(identity, note))
	}
	if err != nil {
		return 0, err
	}
	// Side by side: a session that is renewed between the listing and its deletion escapes to the next pass, so the
	// deletions must not wait for each other.
	var group sync.WaitGroup
	errs := make([]error, min(len(names), revokeWorkers))
	for worker := range errs {
		group.Go(func() {
			for i := worker; i < len(names) && errs[worker] == nil; i += len(errs) {
				errs[worker] = m.shared.store.DeleteCtx(ctx, names[i])
			}
		})
	}
	group.Wait()
	return len(names), errors.Join(errs...)
}
