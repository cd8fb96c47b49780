// Package sealtest holds a ring of keys for tests.
package sealtest

import (
	"bytes"
	"context"
	"maps"
	"sync"

	"sallyport.example/sallyport/session/store/seal"
)

// Keys is a source of rings whose keys, current key and failures are the test's to set. Ring answers with what was read
// last, as a cache does; Refresh reads. Safe for concurrent use.
type Keys struct {
	mutex     sync.Mutex
	keys      map[seal.KeyID][]byte
	current   seal.KeyID
	cached    *seal.Ring
	err       error
	refreshes int
}

// NewKeys makes a source with key 1.
func NewKeys() *Keys {
	k := &Keys{keys: map[seal.KeyID][]byte{}}
	k.Add(1)
	return k
}

// Key makes the key of a number, the same one each time.
func Key(id seal.KeyID) []byte { return bytes.Repeat([]byte{byte(id), byte(id >> 8)}, seal.KeySize/2) }

// Add publishes a key and makes it the current one. Ring does not know of it before the next Refresh.
func (k *Keys) Add(id seal.KeyID) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	k.keys = maps.Clone(k.keys)
	k.keys[id], k.current = Key(id), id
}

// Remove takes a key away.
func (k *Keys) Remove(id seal.KeyID) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	k.keys = maps.Clone(k.keys)
	delete(k.keys, id)
}

// Fail makes the source answer with an error from now on, and Ring forget what it knew; nil ends that.
func (k *Keys) Fail(err error) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	k.err, k.cached = err, nil
}

// FailRefresh makes Refresh alone fail, as when the store of secrets is away and a ring was read before; nil ends that.
func (k *Keys) FailRefresh(err error) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	k.err = err
}

// Refreshes counts the calls of Refresh.
func (k *Keys) Refreshes() int {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	return k.refreshes
}

// Ring implements seal.Keys.
func (k *Keys) Ring(context.Context) (*seal.Ring, error) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if k.cached != nil {
		return k.cached, nil
	}
	return k.read()
}

// Refresh implements seal.Keys.
func (k *Keys) Refresh(context.Context) (*seal.Ring, error) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	k.refreshes++
	return k.read()
}

func (k *Keys) read() (*seal.Ring, error) {
	if k.err != nil {
		return nil, k.err
	}
	ring, err := seal.NewRing(k.current, k.keys)
	if err == nil {
		k.cached = ring
	}
	return ring, err
}
