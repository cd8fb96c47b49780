package passkey_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/passkey"
	"sallyport.example/sallyport/factor/passkey/passkeytest"
	"sallyport.example/sallyport/factor/recovery"
	"sallyport.example/sallyport/factor/totp"
	"sallyport.example/sallyport/internal/testclock"
)

const (
	alice  = "alice"
	domain = "example.com"
	site   = "https://wiki.example.com"
)

// bench is a service at which users set up passkeys.
type bench struct {
	*factor.Service
	t     *testing.T
	store *factor.MemoryStore
	clock *testclock.Clock
	codes []string
}

func newBench(t *testing.T, app string, options passkey.Options, store *factor.MemoryStore) *bench {
	t.Helper()
	b := &bench{t: t, store: store, clock: testclock.New(time.Date(2026, 11, 3, 12, 0, 5, 0, time.UTC))}
	b.Service = factor.NewService(store, factor.Config{
		App: app, Now: b.clock.Now,
		Kinds: []factor.Kind{totp.New("", totp.Parameters{}), passkey.New(options), recovery.New(1000)},
	})
	return b
}

// enrolled is a bench at which alice has a passkey, and its device.
func enrolled(t *testing.T, options passkey.Options) (*bench, *passkeytest.Authenticator) {
	t.Helper()
	if options.RPID == "" {
		options.RPID = domain
	}
	b := newBench(t, "wiki", options, factor.NewMemoryStore())
	device := passkeytest.New(t, site)
	b.enrol(alice, device)
	return b, device
}

// at is a request from a page.
func at(site string) context.Context {
	return factor.WithOrigin(context.Background(), factor.Origin{Site: site, Browser: "Firefox, Linux"})
}

// enrol sets a user's first passkey up.
func (b *bench) enrol(user string, device *passkeytest.Authenticator) {
	b.t.Helper()
	begun, err := b.Begin(at(site), user, factor.MethodPasskey)
	if err != nil {
		b.t.Fatal(err)
	}
	confirmed, err := b.confirm(user, begun, device)
	if err != nil {
		b.t.Fatal(err)
	}
	b.codes = confirmed.Codes
	b.clock.Advance(time.Second)
}

// confirm has a device make the passkey of a set-up.
func (b *bench) confirm(user string, begun factor.Ceremony, device *passkeytest.Authenticator) (factor.Confirmed, error) {
	b.t.Helper()
	begun, offer, err := b.Each().Renew(at(site), user, kept(b.t, begun))
	if err != nil {
		b.t.Fatal(err)
	}
	return b.Confirm(at(site), user, kept(b.t, begun), factor.Answer{Kind: factor.MethodPasskey, Text: device.Create(b.t, offer.Options)})
}

// kept is a ceremony that has been in a session.
func kept(t *testing.T, c factor.Ceremony) factor.Ceremony {
	t.Helper()
	back, err := factor.DecodeCeremony(c.Encode())
	if err != nil {
		t.Fatal(err)
	}
	return back
}

// ask asks a user.
func (b *bench) ask(user string) (asked factor.Ceremony, request string) {
	b.t.Helper()
	asked, request, err := b.Ask(at(site), user, factor.MethodPasskey)
	if err != nil {
		b.t.Fatal(err)
	}
	return kept(b.t, asked), request
}

// answer asks a user and has a device answer.
func (b *bench) answer(user string, device *passkeytest.Authenticator) factor.Answer {
	b.t.Helper()
	asked, request := b.ask(user)
	return factor.Answer{Kind: factor.MethodPasskey, Text: device.Get(b.t, request), Asked: &asked}
}

// signIn has a device answer at a sign-in.
func (b *bench) signIn(user string, device *passkeytest.Authenticator) error {
	b.t.Helper()
	_, err := b.SignIn(at(site), user, b.answer(user, device))
	return err
}

// record is alice's record.
func (b *bench) record() factor.Record {
	b.t.Helper()
	record, _, err := b.store.Get(b.t.Context(), factor.Key{App: "wiki", User: alice})
	if err != nil {
		b.t.Fatal(err)
	}
	return record
}

// state is the state of alice's first factor.
func (b *bench) state() (s struct {
	RPID, Name       string
	Handle           []byte
	Count            uint32
	Eligible, Backed bool
	Transports       []string
},
) {
	b.t.Helper()
	if err := json.Unmarshal(b.record().Factors[0].State, &s); err != nil {
		b.t.Fatal(err)
	}
	return s
}
