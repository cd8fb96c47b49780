package gateway

import (
	"context"
	"net/http"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/factor"
)

// overtaken is a store in which something happens after it has answered and before the caller gets the answer.
type overtaken struct {
	factor.Store
	// skip is the number of calls before that.
	skip int
	then func()
}

func (o *overtaken) count() {
	if then := o.then; then != nil {
		if o.skip--; o.skip < 0 {
			o.then = nil
			then()
		}
	}
}

func (o *overtaken) Get(ctx context.Context, key factor.Key) (factor.Record, factor.Version, error) {
	defer o.count()
	return o.Store.Get(ctx, key)
}

func (o *overtaken) Put(ctx context.Context, key factor.Key, record factor.Record, expected factor.Version) (factor.Version, error) {
	defer o.count()
	return o.Store.Put(ctx, key, record, expected)
}

// TestP5_EnrolledDuringTheSignIn: mallory has bob's password, and signs in at the very moment in which bob confirms his
// second factor in a session of his own. Her sign-in has just read, for the first or the second time, that no factor is
// owed. Bob's enrolment ends his other sessions, but hers does not exist yet. It must not become verified afterwards.
func TestP5_EnrolledDuringTheSignIn(t *testing.T) {
	reads := 0
	for ; ; reads++ {
		store := &overtaken{Store: factor.NewMemoryStore(), skip: reads}
		s := newSite(t, demo.Knobs{}, func(c *Config) {
			c.Factors = factor.NewService(store, factor.Config{App: "ledger", Kinds: kinds(), Now: c.Now})
		})
		store.then = func() { s.enrolled("bob", demo.BobPassword) }
		b := s.browser()
		signedIn := b.signIn("bob", demo.BobPassword)
		if store.then != nil {
			break // a sign-in reads no more often than that
		}
		if got := b.get("/api/entries"); got.StatusCode == http.StatusOK {
			t.Errorf("enrolled at read %d, the sign-in is answered with %d, and the app is open", reads+1, signedIn.StatusCode)
		}
	}
	if reads < 2 {
		t.Errorf("a sign-in read %d times", reads)
	}
}
