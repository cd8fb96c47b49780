package vaultstore

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"sallyport.example/sallyport/factor"
)

const (
	// maxLooked is how many documents are read for one page at most.
	maxLooked = 512
	// lookers is how many of them are read at the same time. Sign-ins need turns too (maxCalls).
	lookers = 32
	// folderAge is how long the list of an app's documents may be used for the following pages of a walk.
	folderAge = 10 * time.Second
	// maxNames bounds how many users' names are remembered, and maxFolders how many apps' lists.
	maxNames, maxFolders = 200_000, 16
)

// listings caches what lists need. Vault's KV has no order by name, no search and no index: it lists only the hashes at
// which the documents are, and the names are in the documents. The name behind a hash never changes, so it is read
// once. Safe for concurrent use.
type listings struct {
	mutex   sync.Mutex
	names   map[string]string // the users by the places of their documents
	folders map[string]folderList
}

type folderList struct {
	documents []string
	at        time.Time
}

func newListings() *listings {
	return &listings{names: make(map[string]string), folders: make(map[string]folderList)}
}

// user returns the user whose document is at a place, if that is known.
func (l *listings) user(place string) (user string, known bool) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	user, known = l.names[place]
	return user, known
}

func (l *listings) learn(place, user string) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if len(l.names) >= maxNames {
		clear(l.names)
	}
	l.names[place] = user
}

// documents returns the names of an app's documents, in order. A walk that has begun may go on with the list that it
// began with.
func (s *Store) documents(ctx context.Context, under string, begun bool) ([]string, error) {
	l := s.listings
	l.mutex.Lock()
	present, ok := l.folders[under]
	l.mutex.Unlock()
	if age := time.Since(present.at); ok && begun && age >= 0 && age < folderAge {
		return present.documents, nil
	}
	documents, err := s.engine.list(ctx, under)
	if err != nil {
		return nil, err
	}
	documents = slices.DeleteFunc(documents, func(name string) bool { return strings.HasSuffix(name, "/") })
	slices.Sort(documents)
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if len(l.folders) >= maxFolders {
		clear(l.folders)
	}
	l.folders[under] = folderList{documents: documents, at: time.Now()}
	return documents, nil
}

// List implements factor.Lister, in the order of the hashes: with one call, and one for each document on the page, and
// for each whose user is not known yet. A page stops at maxLooked documents.
func (s *Store) List(ctx context.Context, query factor.Query) (factor.Page, error) {
	query = query.Bounded()
	if err := s.ready(ctx); err != nil {
		return factor.Page{}, err
	}
	under := s.path + "/" + folder(query.App)
	documents, err := s.documents(ctx, under, query.After != "")
	if err != nil {
		return factor.Page{}, err
	}
	at, found := slices.BinarySearch(documents, query.After)
	if found {
		at++
	}
	var page factor.Page
	for looked := 0; at < len(documents); {
		if len(page.Users) == query.Limit || looked >= maxLooked {
			page.Next = documents[at-1]
			break
		}
		// Look at so many only that the page cannot become too long.
		var few []string
		last := at
		for last < len(documents) && len(few) < min(lookers, query.Limit-len(page.Users), maxLooked-looked) {
			place := under + "/" + documents[last]
			if user, known := s.listings.user(place); !known || strings.HasPrefix(user, query.Prefix) {
				few = append(few, place)
			}
			last++
		}
		at, looked = last, looked+len(few)
		if err := s.look(ctx, query, few, &page); err != nil {
			return factor.Page{}, err
		}
	}
	return page, nil
}

// look reads documents at the same time, and puts those that are wanted on the page, in their order.
func (s *Store) look(ctx context.Context, query factor.Query, places []string, page *factor.Page) error {
	type result struct {
		listed factor.Listed
		err    error
	}
	results := make([]result, len(places))
	var group sync.WaitGroup
	for i, place := range places {
		group.Go(func() { results[i].listed, results[i].err = s.listedAt(ctx, query.App, place) })
	}
	group.Wait()
	for _, r := range results {
		switch {
		case errors.Is(r.err, factor.ErrNotFound): // deleted since it was listed
		case errors.Is(r.err, factor.ErrCorrupt):
			page.Unreadable++
		case r.err != nil:
			return r.err
		case query.Wants(r.listed):
			page.Users = append(page.Users, r.listed)
		}
	}
	return nil
}

// listedAt reads what a list shows of the document at a place. It opens no secret.
func (s *Store) listedAt(ctx context.Context, app, place string) (factor.Listed, error) {
	present, err := s.engine.read(ctx, place)
	if err != nil {
		return factor.Listed{}, err
	}
	var names struct{ App, User string }
	if json.Unmarshal(present.content, &names) != nil || names.App != app || s.place(factor.Key(names)) != place {
		return factor.Listed{}, corrupt("at " + s.engine.mount + "/" + place + " lies no document of this gateway")
	}
	d, err := decodeDocument(factor.Key(names), present.content)
	if err != nil {
		return factor.Listed{}, err
	}
	s.listings.learn(place, names.User)
	if d.Disabled {
		return factor.Listed{}, factor.ErrNotFound
	}
	listed, err := factor.DecodeListed(d.Record)
	if err != nil || listed.User != names.User {
		return factor.Listed{}, corrupt("the record is another user's, or cannot be read")
	}
	return listed, nil
}

var _ factor.Lister = (*Store)(nil)
