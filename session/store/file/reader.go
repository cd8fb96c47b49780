package file

import (
	bolt "go.etcd.io/bbolt"
)

// read runs work in a read-only transaction. entries is nil if nothing was ever written to the file.
//
// A fault while bbolt begins a transaction leaves its locks taken, and callers would wait for these for ever. So
// transactions begin and end one at a time, and not at all once the handle is lost.
func (db *database) read(work func(entries *bolt.Bucket) error) error {
	tx, err := db.beginRead()
	if err != nil {
		return translated(err)
	}
	defer db.endRead(tx)
	return translated(db.handle.Guard(func() error { return work(tx.Bucket(entriesBucket)) }))
}

func (db *database) beginRead() (tx *bolt.Tx, err error) {
	db.reading.Lock()
	defer db.reading.Unlock()
	if db.handle.Lost() {
		return nil, ErrDamaged
	}
	err = db.handle.Guard(func() (err error) {
		tx, err = db.handle.Begin(false)
		return err
	})
	return tx, err
}

func (db *database) endRead(tx *bolt.Tx) {
	db.reading.Lock()
	defer db.reading.Unlock()
	if db.handle.Lost() {
		return
	}
	_ = db.handle.Guard(tx.Rollback) // it only releases memory
}
