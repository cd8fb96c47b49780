package postgres

import (
	"context"
	"fmt"
	"testing"
	"time"

	"sallyport.example/sallyport/session"
	"sallyport.example/sallyport/session/storetest"
	"sallyport.example/sallyport/test/servers"
)

// TestTableFromBefore: a gateway of the version before labels made the table, and runs beside this one until it is
// replaced. The sessions that it stores are found, before and after the table is brought up to date.
func TestTableFromBefore(t *testing.T) {
	server := servers.StartPostgres(t)
	store := newStore(t, server.URL(server.Address, server.NewDatabase()), Options{})
	ctx := t.Context()
	older := func(token string) {
		t.Helper()
		_, err := store.pool.Exec(ctx, `INSERT INTO sallyport_sessions AS stored (token, version, value, expires)
			VALUES ($1, $2, $3, now() + make_interval(secs => 3600))`, []byte(token), []byte("0123456789abcdef"), []byte("before"))
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, statement := range []string{migrations[0], fmt.Sprintf("COMMENT ON TABLE sallyport_sessions IS '%s1'", versionPrefix)} {
		if _, err := store.pool.Exec(ctx, statement); err != nil {
			t.Fatal(err)
		}
	}
	first, second := storetest.Token(), storetest.Token()
	older(first)
	storetest.MustCommit(t, store, "without")
	older(second)
	if version, err := tableVersion(ctx, store.pool); err != nil || version != len(migrations) {
		t.Errorf("the table is of version %d, %v", version, err)
	}
	list := func(ask func(context.Context, func(string, []byte) error) error) (found map[string]bool) {
		t.Helper()
		found = map[string]bool{}
		if err := ask(ctx, func(token string, _ []byte) error { found[token] = true; return nil }); err != nil {
			t.Fatal(err)
		}
		return found
	}
	if found := list(store.UnlabelledCtx); len(found) != 3 || !found[first] || !found[second] {
		t.Errorf("found %v without a label", found)
	}
	alice := session.Owner{1}
	mine := session.WithLabel(context.Background(), session.Label{Owner: alice})
	if err := store.CommitCtx(mine, first, []byte("now hers"), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	owned := func(ctx context.Context, visit func(string, []byte) error) error {
		return store.OwnedCtx(ctx, []session.Owner{alice}, visit)
	}
	if found := list(owned); len(found) != 1 || !found[first] {
		t.Errorf("found %v in the index", found)
	}
	if found := list(store.UnlabelledCtx); len(found) != 2 || found[first] {
		t.Errorf("found %v without a label afterwards", found)
	}
}
