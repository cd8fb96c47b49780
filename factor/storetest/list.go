package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"sallyport.example/sallyport/factor"
)

// testReset replaces a record with factors by one that an operator has reset, and back.
func testReset(t *testing.T, store factor.Store) {
	key := factor.Key{App: "wiki", User: "alice"}
	version := put(t, store, key, NewMixed("alice", 1), 0)
	version = put(t, store, key, NewReset("alice", 2), version)
	want(t, store, key, NewReset("alice", 2), version)
	claimed := NewReset("alice", 2)
	claimed.Code.Claim, claimed.Code.Hash = claimed.Code.Hash, nil
	version = put(t, store, key, claimed, version)
	want(t, store, key, claimed, version)
	version = put(t, store, key, NewRecord("alice", 3), version)
	want(t, store, key, NewRecord("alice", 3), version)
}

// walk lists all pages.
func walk(t *testing.T, store factor.Store, query factor.Query) (all []factor.Listed) {
	t.Helper()
	for range 1000 {
		page, err := store.(factor.Lister).List(t.Context(), query)
		if err != nil {
			t.Fatalf("List: %v", err)
		}
		if most := query.Bounded().Limit; len(page.Users) > most || page.Unreadable != 0 {
			t.Errorf("%d on a page for %d, %d unreadable", len(page.Users), most, page.Unreadable)
		}
		all = append(all, page.Users...)
		if query.After = page.Next; page.Next == "" {
			return all
		}
	}
	t.Fatal("the list does not end")
	return nil
}

func users(listed []factor.Listed) (names []string) {
	for _, l := range listed {
		names = append(names, l.User)
	}
	slices.Sort(names)
	return names
}

// testList checks that the pages have each record of the app once, with what a list shows of it.
func testList(t *testing.T, store factor.Store) {
	if all := walk(t, store, factor.Query{App: "wiki"}); len(all) != 0 {
		t.Fatalf("an empty store lists %v", all)
	}
	records := map[string]factor.Record{
		"alice": NewRecord("alice", 1), "albert": NewMixed("albert", 2), "bob": NewWaiting("bob"), "carol": NewReset("carol", 3),
	}
	for i := range 20 {
		user := fmt.Sprintf("user-%02d", i)
		records[user] = NewReady(user, byte(i))
	}
	var names []string
	for user, record := range records {
		put(t, store, factor.Key{App: "wiki", User: user}, record, 0)
		names = append(names, user)
	}
	slices.Sort(names)
	for _, other := range []string{"git", "wik", "wiki2", "wiki/"} {
		put(t, store, factor.Key{App: other, User: "zoe"}, NewRecord("zoe", 1), 0)
	}
	for _, limit := range []int{1, 7, 24, 0, 1000} {
		all := walk(t, store, factor.Query{App: "wiki", Limit: limit})
		if got := users(all); !slices.Equal(got, names) {
			t.Errorf("pages of %d: %q", limit, got)
		}
		for _, listed := range all {
			if got, want := fmt.Sprint(listed), fmt.Sprint(records[listed.User].Listed()); got != want {
				t.Errorf("%s: %s, want %s", listed.User, got, want)
			}
		}
	}
	for prefix, want := range map[string][]string{
		"al": {"albert", "alice"}, "alice": {"alice"}, "alicee": nil, "A": nil, "user-1": names[14:], "*": nil, "": names,
	} {
		for _, limit := range []int{1, 100} {
			if got := users(walk(t, store, factor.Query{App: "wiki", Prefix: prefix, Limit: limit})); !slices.Equal(got, want) {
				t.Errorf("prefix %q by %d: %q, want %q", prefix, limit, got, want)
			}
		}
	}
	waiting := func(listed factor.Listed) bool { return listed.Waiting }
	if got := users(walk(t, store, factor.Query{App: "wiki", Keep: waiting, Limit: 1})); !slices.Equal(got, []string{"bob", "carol"}) {
		t.Errorf("those without a factor: %q", got)
	}
}

// testListMeanwhile changes the store during a walk: a record that stays is listed once, and a changed record as it is
// now.
func testListMeanwhile(t *testing.T, store factor.Store) {
	versions := make(map[string]factor.Version)
	for i := range 12 {
		user := fmt.Sprintf("user-%02d", i)
		versions[user] = put(t, store, factor.Key{App: "wiki", User: user}, NewReady(user, byte(i)), 0)
	}
	seen := make(map[string]int)
	query := factor.Query{App: "wiki", Limit: 2}
	for {
		page, err := store.(factor.Lister).List(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		for _, listed := range page.Users {
			seen[listed.User]++
			if err := store.Delete(t.Context(), factor.Key{App: "wiki", User: listed.User}, versions[listed.User]); err != nil {
				t.Fatal(err)
			}
		}
		if query.After = page.Next; page.Next == "" {
			break
		}
	}
	for user := range versions {
		if seen[user] != 1 {
			t.Errorf("%s was listed %d times", user, seen[user])
		}
	}
	if all := walk(t, store, factor.Query{App: "wiki"}); len(all) != 0 {
		t.Errorf("all were deleted, and these are listed: %v", all)
	}
	key := factor.Key{App: "wiki", User: "user-01"}
	version := put(t, store, key, NewWaiting("user-01"), 0)
	if all := walk(t, store, factor.Query{App: "wiki"}); len(all) != 1 || !all[0].Waiting {
		t.Errorf("put again: %v", all)
	}
	put(t, store, key, NewRecord("user-01", 1), version)
	if all := walk(t, store, factor.Query{App: "wiki"}); len(all) != 1 || all[0].Waiting || all[0].Throttle.Failures != 6 {
		t.Errorf("changed: %v", all)
	}
}

// testListNames lists hostile names, each by itself.
func testListNames(t *testing.T, store factor.Store) {
	names := slices.Clone(Names())
	for i, name := range names {
		put(t, store, factor.Key{App: "a/b", User: name}, NewRecord(name, byte(i)), 0)
	}
	slices.Sort(names)
	if got := users(walk(t, store, factor.Query{App: "a/b", Limit: 10})); !slices.Equal(got, names) {
		t.Errorf("%q\nwant %q", got, names)
	}
	for _, prefix := range names {
		var want []string
		for _, name := range names {
			if strings.HasPrefix(name, prefix) {
				want = append(want, name)
			}
		}
		if got := users(walk(t, store, factor.Query{App: "a/b", Prefix: prefix})); !slices.Equal(got, want) {
			t.Errorf("prefix %q: %q, want %q", prefix, got, want)
		}
	}
}
