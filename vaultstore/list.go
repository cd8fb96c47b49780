package vaultstore

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"sallyport.example/sallyport/factor"
)

// Keys lists every record, for operators and for moving to another store: one call for each app, and one for each
// record. A document that this package did not write is factor.ErrCorrupt and the error names its place.
func (s *Store) Keys(ctx context.Context) ([]factor.Key, error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	folders, err := s.engine.list(ctx, s.path)
	if err != nil {
		return nil, err
	}
	var keys []factor.Key
	for _, name := range folders {
		if !strings.HasSuffix(name, "/") || name == checkFolder+"/" {
			continue
		}
		documents, err := s.engine.list(ctx, s.path+"/"+name)
		if err != nil {
			return nil, err
		}
		for _, document := range documents {
			key, found, err := s.keyAt(ctx, s.path+"/"+name+document)
			if err != nil {
				return nil, err
			}
			if found {
				keys = append(keys, key)
			}
		}
	}
	return keys, nil
}

// keyAt reads the key of the document at a place.
func (s *Store) keyAt(ctx context.Context, place string) (key factor.Key, found bool, err error) {
	present, err := s.engine.read(ctx, place)
	if errors.Is(err, factor.ErrNotFound) {
		return factor.Key{}, false, nil // deleted since it was listed
	}
	if err != nil {
		return factor.Key{}, false, err
	}
	var names struct{ App, User string }
	if json.Unmarshal(present.content, &names) != nil || s.place(factor.Key(names)) != place {
		return factor.Key{}, false, corrupt("at " + s.engine.mount + "/" + place + " lies no document of this gateway")
	}
	d, err := decodeDocument(factor.Key(names), present.content)
	return factor.Key(names), err == nil && !d.Disabled, err
}
