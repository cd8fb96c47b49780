package vaultstore

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/storetest"
	"sallyport.example/sallyport/test/vault"
)

// TestTenThousandUsers: the first page needs no more documents than are on it. A search over
// names that are known reads only the documents that it finds.
func TestTenThousandUsers(t *testing.T) {
	server := vault.Start(t, vault.Options{})
	store := newStore(t, server, Settings{Path: newPath()})
	const users = 10_000
	var group sync.WaitGroup
	for worker := range 32 {
		group.Go(func() {
			for i := worker; i < users; i += 32 {
				user := fmt.Sprintf("user-%05d", i)
				if _, err := store.Put(t.Context(), factor.Key{App: "wiki", User: user}, storetest.NewWaiting(user), 0); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	if t.Failed() {
		t.FailNow()
	}
	other := newStore(t, server, Settings{Path: strings.TrimPrefix(strings.TrimPrefix(store.String(), "vault "), DefaultMount+"/")})
	server.ResetRequests()
	began := time.Now()
	page, err := other.List(t.Context(), factor.Query{App: "wiki"})
	took := time.Since(began)
	t.Logf("the list of documents alone took %s", func() time.Duration {
		began := time.Now()
		_, _ = other.documents(t.Context(), other.path+"/wiki", false)
		return time.Since(began)
	}())
	if err != nil || len(page.Users) != factor.MaxPage || page.Next == "" {
		t.Fatalf("%d users, %v", len(page.Users), err)
	}
	t.Logf("the first page took %s", took)
	if requests := len(server.Requests()); requests > factor.MaxPage+20 {
		t.Errorf("the first page took %d requests", requests)
	}
	seen := make(map[string]bool)
	pages := 0
	for query := (factor.Query{App: "wiki", Prefix: "user-0999"}); ; pages++ {
		server.ResetRequests()
		page, err := other.List(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		if requests := len(server.Requests()); requests > maxLooked+2*lookers {
			t.Fatalf("one answer took %d requests", requests)
		}
		for _, user := range page.Users {
			seen[user.User] = true
		}
		if query.After = page.Next; query.After == "" {
			break
		}
	}
	if len(seen) != 10 || pages < 10 {
		t.Errorf("%d found on %d pages", len(seen), pages)
	}
	server.ResetRequests()
	page, err = other.List(t.Context(), factor.Query{App: "wiki", Prefix: "user-0999"})
	if requests := len(server.Requests()); err != nil || len(page.Users) != 10 || page.Next != "" || requests > 20 {
		t.Errorf("now that the names are known: %d on the first page, %v, %d requests", len(page.Users), err, requests)
	}
}
