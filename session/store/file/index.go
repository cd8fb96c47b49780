package file

import (
	"bytes"
	"context"
	"encoding/binary"

	bolt "go.etcd.io/bbolt"

	"sallyport.example/sallyport/session"
)

// There are two indexes besides the entries, changed in the same transactions: the sessions of each owner, by owner and
// token, and those of strangers, by the number in whose order they began and the token.
var (
	ownersBucket    = []byte("owners 1")
	strangersBucket = []byte("strangers 1")
)

func ownerKey(owner session.Owner, token string) []byte { return append(owner[:], token...) }

func strangerKey(order uint64, token string) []byte {
	return append(binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(token)), order), token...)
}

// put stores an entry in place of the token's present one, and updates the indexes.
func (c *change) put(token string, fresh entry) error {
	stored := c.entries.Get([]byte(token))
	if stored == nil {
		c.added++
	}
	old, _ := parseEntry(stored) // no entry if there is none, or an unreadable one
	if err := c.unindex(token, old, fresh); err != nil {
		return err
	}
	if fresh.stranger && old.stranger {
		fresh.order = old.order
	} else if fresh.stranger {
		order, err := c.strangers.NextSequence()
		if err != nil {
			return err
		}
		fresh.order = order
		if err := c.strangers.Put(strangerKey(order, token), nil); err != nil {
			return err
		}
		c.strangersAdded++
	}
	if fresh.owner != (session.Owner{}) && fresh.owner != old.owner {
		if err := c.owners.Put(ownerKey(fresh.owner, token), nil); err != nil {
			return err
		}
	}
	c.unlabelled += fresh.unlabelled() - old.unlabelled()
	c.wrote = true
	return c.entries.Put([]byte(token), fresh.append(make([]byte, 0, entryHead+longestLabel+len(fresh.value))))
}

// unindex removes from the indexes what is not true of the fresh entry.
func (c *change) unindex(token string, old, fresh entry) error {
	if old.owner != (session.Owner{}) && old.owner != fresh.owner {
		if err := c.owners.Delete(ownerKey(old.owner, token)); err != nil {
			return err
		}
	}
	if old.stranger && !fresh.stranger {
		c.strangersAdded--
		return c.strangers.Delete(strangerKey(old.order, token))
	}
	return nil
}

// remove removes an entry.
func (c *change) remove(token string) error {
	stored := c.entries.Get([]byte(token))
	if stored == nil {
		return nil
	}
	old, _ := parseEntry(stored)
	if err := c.unindex(token, old, entry{}); err != nil {
		return err
	}
	c.unlabelled -= old.unlabelled()
	c.added--
	c.wrote = true
	return c.entries.Delete([]byte(token))
}

// endOldestStranger makes room by removing the oldest stranger's entry, and reports whether there was one.
func (c *change) endOldestStranger() (bool, error) {
	key, _ := c.strangers.Cursor().First()
	if len(key) < 8 {
		return false, nil
	}
	key = bytes.Clone(key)
	token := string(key[8:])
	old, _ := parseEntry(c.entries.Get([]byte(token)))
	if old.stranger && old.order == binary.BigEndian.Uint64(key) {
		return true, c.remove(token)
	}
	// The index names an entry that no longer exists: a version without indexes has used the file.
	c.strangersAdded--
	c.wrote = true
	return true, c.strangers.Delete(key)
}

// keepShare removes the oldest strangers' entries until there is room for one more.
func (c *change) keepShare() error {
	for c.strangersAdded >= c.strangersRoom {
		if ended, err := c.endOldestStranger(); err != nil || !ended {
			return err
		}
	}
	return nil
}

// OwnedCtx implements session.Index. It sees the sessions as of one moment.
func (s *Store) OwnedCtx(ctx context.Context, owners []session.Owner, visit func(token string, stored []byte) error) error {
	now := s.options.Now().UnixNano()
	return s.view(ctx, func(entries *bolt.Bucket) error {
		if entries == nil {
			return nil
		}
		index := entries.Tx().Bucket(ownersBucket)
		if index == nil {
			return nil
		}
		for _, owner := range owners {
			cursor := index.Cursor()
			for key, _ := cursor.Seek(owner[:]); bytes.HasPrefix(key, owner[:]); key, _ = cursor.Next() {
				token := string(key[len(owner):])
				found, ok := parseEntry(entries.Get([]byte(token)))
				if !ok || found.dead || found.expiry <= now || found.owner != owner {
					continue
				}
				if err := visit(token, bytes.Clone(found.value)); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// UnlabelledCtx implements session.Index.
func (s *Store) UnlabelledCtx(ctx context.Context, visit func(token string, stored []byte) error) error {
	opening, cancel := s.bound(ctx)
	defer cancel()
	db, err := s.open(opening)
	if err != nil {
		return err
	}
	if db.unlabelled.Load() == 0 {
		return nil
	}
	return s.EachCtx(ctx, visit)
}
