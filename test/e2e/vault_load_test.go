package e2e

import (
	"context"
	"encoding/base32"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/storetest"
	"sallyport.example/sallyport/test/site"
	"sallyport.example/sallyport/test/vault"
	"sallyport.example/sallyport/vaultstore"
)

// TestVault_Calls counts the calls to Vault. A request of a signed-in user needs none, a sign-in one read, and a
// verification one read, one write, and one call to transit.
func TestVault_Calls(t *testing.T) {
	t.Parallel()
	for _, transit := range []bool{false, true} {
		v := newVault(t, transit, vault.Options{})
		l := newLedger(t, demo.Knobs{}, "", site.Options{Secrets: v.line()})
		c, authenticator := l.verified(t, "alice", demo.AlicePassword)
		c.SignOut()
		// This asks once for the version of transit's key.
		l.challenged(t, "alice", demo.AlicePassword).Pass(authenticator)
		c = l.challenged(t, "alice", demo.AlicePassword)
		page := url.Values{"csrf_token": {site.Find(t, site.OwnToken, c.Get("/second-factor/challenge").Text)}, "code": {authenticator.Code(t)}}
		decrypts := 0
		if transit {
			decrypts = 1
		}
		v.ResetRequests()
		c.Post("/second-factor/challenge", page).Wants(t, http.StatusSeeOther, "/")
		if r := v.Requests(); r.Of("GET", "/v1/secret/data/") != 1 || r.Of("PUT", "/v1/secret/data/") != 1 ||
			r.Of("PUT", "/v1/transit/decrypt/") != decrypts || r.Total() != 2+decrypts {
			t.Errorf("transit %v: a verification: %+v", transit, r)
		}
		v.ResetRequests()
		for range 20 {
			c.Get("/files").Wants(t, http.StatusOK, "")
		}
		if r := v.Requests(); r.Total() != 0 {
			t.Errorf("transit %v: twenty requests: %+v", transit, r)
		}
		v.ResetRequests()
		l.challenged(t, "alice", demo.AlicePassword)
		if r := v.Requests(); r.Of("GET", "/v1/secret/data/") != 1 || r.Total() != 1+decrypts {
			t.Errorf("transit %v: a sign-in: %+v", transit, r)
		}
	}
}

// crowd are users of the demo app, all of whom are enrolled.
type crowd struct {
	l              *ledger
	v              *vaultSecrets
	authenticators []*site.Authenticator
}

const (
	crowdPassword = "a-password-of-many"
	// crowdSkew makes each code live for minutes, for machines on which a crowd takes long.
	crowdSkew = skew / 2
)

func crowdName(i int) string { return fmt.Sprintf("user%03d", i) }

func newCrowd(t testing.TB, size int, transit bool) *crowd {
	t.Helper()
	c := &crowd{v: newVault(t, transit, vault.Options{}), authenticators: make([]*site.Authenticator, size)}
	users := make([]demo.User, size)
	for i := range users {
		users[i] = demo.User{Login: crowdName(i), Name: crowdName(i), Password: crowdPassword}
	}
	app := demo.New(demo.Options{Users: users})
	t.Cleanup(app.Close)
	c.l = &ledger{site.Start(t, site.Serve(t, app), ledgerBlock, site.Options{Secrets: c.v.line()}), app}
	store := c.v.store(t)
	c.all(func(i int) {
		// The records are written as the gateway would write them. Enrolling hundreds of users by its pages would take
		// minutes, because of the recovery codes' hashes.
		record := storetest.NewReady(crowdName(i), byte(i))
		if _, err := store.Put(context.Background(), factor.Key{App: "ledger", User: crowdName(i)}, record, 0); err != nil {
			t.Error(err)
		}
		key := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(record.Factors[0].Secret)
		c.authenticators[i] = site.NewAuthenticator(key, crowdSkew)
	}, 8)
	return c
}

// store returns the same place in Vault as the gateway's, for a test to prepare and to look into.
func (v *vaultSecrets) store(t testing.TB) *vaultstore.Store {
	t.Helper()
	connection, err := vaultstore.NewConnection(vaultstore.ConnectionSettings{Address: v.Address, Method: vaultstore.Token(v.Token()), CACert: v.CACert()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(connection.Close)
	settings := vaultstore.Settings{Connection: connection}
	if v.transit {
		settings.Transit = "transit/sallyport"
	}
	store, err := vaultstore.New(settings)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// all does something for each user, for atOnce of them at the same time.
func (c *crowd) all(do func(i int), atOnce int) {
	turns := make(chan struct{}, atOnce)
	var group sync.WaitGroup
	for i := range c.authenticators {
		turns <- struct{}{}
		group.Go(func() {
			defer func() { <-turns }()
			do(i)
		})
	}
	group.Wait()
}

// TestVault_Crowd: on Monday morning five hundred users have typed their passwords and give their codes at the same
// moment. All get in. No other of these tests runs at the same time.
func TestVault_Crowd(t *testing.T) { //nolint:paralleltest // for its sake
	const size = 500
	c := newCrowd(t, size, true)
	browsers := make([]*site.Client, size)
	codes := make([]string, size)
	c.all(func(i int) { browsers[i] = c.l.challenged(t, crowdName(i), crowdPassword) }, 8)
	for i := range codes {
		codes[i] = c.authenticators[i].Code(t)
	}
	c.v.ResetRequests()
	began := time.Now()
	counts := statuses(atOnce(t, size, func(i int) (site.Answer, error) { return tryCode(browsers[i], "/challenge", codes[i]) }))
	took := time.Since(began)
	if counts[http.StatusNoContent] != size {
		t.Errorf("of %d people: %v", size, counts)
	}
	r := c.v.Requests()
	if r.Of("GET", "/v1/secret/data/") != size || r.Of("PUT", "/v1/secret/data/") != size || r.Of("PUT", "/v1/transit/decrypt/") != size {
		t.Errorf("calls: %+v", r)
	}
	t.Logf("%d verifications at once in %v: %.0f a second, %d calls to Vault", size, took, size/took.Seconds(), r.Total())
}

// BenchmarkVault_Verification measures a verification against a real Vault, through the whole gateway, one after the
// other, and counts its calls to Vault: `go -C test/e2e test -run XXX -bench Vault .`.
func BenchmarkVault_Verification(b *testing.B) {
	for _, transit := range []bool{false, true} {
		b.Run(fmt.Sprintf("transit=%v", transit), func(b *testing.B) {
			const size = 20
			c := newCrowd(b, size, transit)
			calls, verifications := 0, 0
			for b.Loop() {
				b.StopTimer()
				browsers, codes := make([]*site.Client, size), make([]string, size)
				for i := range browsers {
					browsers[i] = c.l.challenged(b, crowdName(i), crowdPassword)
					codes[i] = c.authenticators[i].Code(b)
				}
				c.v.ResetRequests()
				b.StartTimer()
				for i := range browsers {
					answer, err := tryCode(browsers[i], "/challenge", codes[i])
					if err != nil || answer.StatusCode != http.StatusNoContent {
						b.Fatalf("%v %v", answer.StatusCode, err)
					}
				}
				b.StopTimer()
				calls, verifications = calls+c.v.Requests().Total(), verifications+size
				b.StartTimer()
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(verifications), "µs/verification")
			b.ReportMetric(float64(calls)/float64(verifications), "calls/verification")
		})
	}
}

// BenchmarkVault_Request measures a request of a signed-in user, which makes no call to Vault.
func BenchmarkVault_Request(b *testing.B) {
	v := newVault(b, true, vault.Options{})
	l := newLedger(b, demo.Knobs{}, "", site.Options{Secrets: v.line()})
	c, _ := l.verified(b, "alice", demo.AlicePassword)
	v.ResetRequests()
	for b.Loop() {
		c.Get("/files").Wants(b, http.StatusOK, "")
	}
	b.ReportMetric(float64(v.Requests().Total())/float64(b.N), "calls/op")
}
