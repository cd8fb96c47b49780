package passkey_test

import (
	"errors"
	"testing"
	"time"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/passkey"
	"sallyport.example/sallyport/factor/passkey/passkeytest"
)

// add sets another passkey of alice's up.
func (b *bench) add(device *passkeytest.Authenticator) (factor.Confirmed, error) {
	b.t.Helper()
	begun, err := b.Each().BeginAdd(at(site), alice, factor.MethodPasskey)
	if err != nil {
		return factor.Confirmed{}, err
	}
	b.clock.Advance(time.Second)
	return b.confirm(alice, begun, device)
}

// TestSeveralPasskeys: a second one stands beside the first with the same handle, each works, and one that was removed
// does not, also if it was asked for before.
func TestSeveralPasskeys(t *testing.T) {
	b, device := enrolled(t, passkey.Options{})
	second := passkeytest.New(t, site)
	made, err := b.add(second)
	if err != nil || len(made.Codes) != 0 || made.ID == "" {
		t.Fatalf("%+v, %v", made, err)
	}
	if string(second.Handle) != string(device.Handle) {
		t.Error("the second has another handle")
	}
	for _, each := range []*passkeytest.Authenticator{device, second, device} {
		if err := b.signIn(alice, each); err != nil {
			t.Fatal(err)
		}
	}
	answer := b.answer(alice, second)
	removed, last, err := b.Each().Remove(t.Context(), alice, made.ID, true)
	if err != nil || last || removed.ID != made.ID || removed.Kind != factor.MethodPasskey {
		t.Fatalf("%+v, %v, %v", removed, last, err)
	}
	if _, err := b.SignIn(at(site), alice, answer); !errors.Is(err, factor.ErrWrongCode) {
		t.Errorf("the removed one: %v", err)
	}
	if err := b.signIn(alice, device); err != nil {
		t.Errorf("the other one: %v", err)
	}
	if activity := b.record().Activity; activity[len(activity)-2].Kind != factor.EventRemoved {
		t.Errorf("%+v", activity)
	}
}

// TestP7_AddingAndRemovingMeetOthers: a further factor is set up beside those that there were when it was begun, and
// beside no others; nor is one set up twice, nor more than there may be.
func TestP7_AddingAndRemovingMeetOthers(t *testing.T) {
	b, device := enrolled(t, passkey.Options{})
	one, err := b.Each().BeginAdd(at(site), alice, factor.MethodPasskey)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.add(passkeytest.New(t, site)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.confirm(alice, one, passkeytest.New(t, site)); !errors.Is(err, factor.ErrProposalStale) {
		t.Errorf("beside others: %v", err)
	}
	if _, err := b.add(device.Copy()); !errors.Is(err, factor.ErrInvalid) {
		t.Errorf("the same again: %v", err)
	}
	for range passkey.Most - 2 {
		if _, err := b.add(passkeytest.New(t, site)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.add(passkeytest.New(t, site)); !errors.Is(err, factor.ErrTooMany) {
		t.Errorf("one too many: %v", err)
	}
	if _, err := factor.EncodeRecord(b.record()); err != nil {
		t.Errorf("a full record: %v", err)
	}
	if _, err := b.Each().BeginAdd(at(site), "bob", factor.MethodPasskey); !errors.Is(err, factor.ErrNotEnrolled) {
		t.Errorf("a further one for somebody without: %v", err)
	}
	disabled, err := b.Each().BeginAdd(at(site), alice, factor.MethodTOTP)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Disable(t.Context(), alice); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Confirm(at(site), alice, disabled, factor.Answer{Text: "123456"}); err == nil {
		t.Error("a further factor of somebody who has none any more")
	}
}

// TestLastFactor: with the last factor the record goes, or, where one is required, neither.
func TestLastFactor(t *testing.T) {
	b, device := enrolled(t, passkey.Options{})
	id := b.record().Factors[0].ID
	for wrong, want := range map[string]error{"": factor.ErrNoSuchFactor, "recovery": factor.ErrNoSuchFactor, id: factor.ErrLastFactor} {
		if _, _, err := b.Each().Remove(t.Context(), alice, wrong, true); !errors.Is(err, want) {
			t.Errorf("remove %q: %v", wrong, err)
		}
	}
	if err := b.Each().Rename(t.Context(), alice, "recovery", "x"); !errors.Is(err, factor.ErrNoSuchFactor) {
		t.Errorf("renaming recovery codes: %v", err)
	}
	if err := b.Each().Rename(t.Context(), alice, id, "My \u0000key"); err != nil || b.record().Factors[0].Name != "My key" {
		t.Errorf("renamed: %q, %v", b.record().Factors[0].Name, err)
	}
	if err := b.signIn(alice, device); err != nil {
		t.Fatal(err)
	}
	if _, last, err := b.Each().Remove(t.Context(), alice, id, false); err != nil || !last {
		t.Errorf("the last: %v, %v", last, err)
	}
	if status, err := b.Status(t.Context(), alice); err != nil || status.Known {
		t.Errorf("%+v, %v", status, err)
	}
	if _, _, err := b.Each().Remove(t.Context(), alice, id, false); !errors.Is(err, factor.ErrNotEnrolled) {
		t.Errorf("again: %v", err)
	}
}

// TestThrottleAndPasskeys: while wrong codes have the user wait, a passkey passes, and the count stays as it is; where
// an operator has to act, it passes no more.
func TestThrottleAndPasskeys(t *testing.T) {
	b, device := enrolled(t, passkey.Options{})
	guess := func() error {
		_, err := b.SignIn(at(site), alice, factor.Answer{Kind: factor.MethodRecovery, Text: "0000-0000-0000-0000"})
		return err
	}
	for range 5 {
		_ = guess() // counted
	}
	if err := guess(); !errors.Is(err, factor.ErrThrottled) {
		t.Fatalf("the control: %v", err)
	}
	before := b.record().Throttle
	if err := b.signIn(alice, device); err != nil || b.record().Throttle != before {
		t.Errorf("a passkey: %v, %+v", err, b.record().Throttle)
	}
	for b.record().Throttle.Failures < factor.MaxStop {
		b.clock.Advance(2 * time.Hour)
		_ = guess() // counted
	}
	var throttled *factor.ThrottledError
	if err := b.signIn(alice, device); !errors.As(err, &throttled) || !throttled.Stopped {
		t.Errorf("after a stop: %v", err)
	}
	if err := b.Help().Unblock(t.Context(), alice); err != nil {
		t.Fatal(err)
	}
	if err := b.signIn(alice, device); err != nil {
		t.Errorf("unlocked: %v", err)
	}
}

// TestWherePasskeysAre: they are set up and asked for where a browser would use them, and nowhere else.
func TestWherePasskeysAre(t *testing.T) {
	for _, one := range []struct {
		id, site string
		want     bool
	}{
		{domain, "https://example.com", true},
		{domain, "https://wiki.example.com:8443", true},
		{domain, "https://WIKI.example.com", true},
		{domain, "https://evilexample.com", false},
		{domain, "https://example.com.evil.org", false},
		{domain, "http://wiki.example.com", false},
		{domain, "https://wiki.internal", false},
		{domain, "", false},
		{domain, "example.com", false},
		{"wiki.example.com", "https://example.com", false},
		{"localhost", "http://localhost:8080", true},
		{"localhost", "http://wiki.localhost", true},
		{"localhost", "http://127.0.0.1:8080", false},
		{"", "https://example.com", false},
		{"com", "https://example.com", false},
		{"co.uk", "https://wiki.co.uk", false},
	} {
		b := newBench(t, "wiki", passkey.Options{RPID: one.id}, factor.NewMemoryStore())
		_, err := b.Begin(at(one.site), alice, factor.MethodPasskey)
		if b.Each().Offers(factor.MethodPasskey, one.site) != one.want || (err == nil) != one.want || err != nil && !errors.Is(err, factor.ErrInvalid) {
			t.Errorf("%q at %q: %v", one.id, one.site, err)
		}
	}
	b, _ := enrolled(t, passkey.Options{})
	if _, _, err := b.Ask(at("https://wiki.internal"), alice, factor.MethodPasskey); !errors.Is(err, factor.ErrNotEnrolled) {
		t.Errorf("asked elsewhere: %v", err)
	}
	// A passkey is bound to its RP ID, whatever the settings say later.
	moved := newBench(t, "wiki", passkey.Options{RPID: "wiki.example.com"}, b.store)
	if _, _, err := moved.Ask(at(site), alice, factor.MethodPasskey); !errors.Is(err, factor.ErrNotEnrolled) {
		t.Errorf("asked for another RP ID: %v", err)
	}
	for _, id := range []string{"127.0.0.1", "Example.com", "https://example.com", "*.example.com", "example.com:443", "::1"} {
		if err := passkey.New(passkey.Options{RPID: id}).Validate(); !errors.Is(err, factor.ErrInvalid) {
			t.Errorf("RP ID %q: %v", id, err)
		}
	}
	if err := passkey.New(passkey.Options{Verification: "always"}).Validate(); !errors.Is(err, factor.ErrInvalid) {
		t.Errorf("verification always: %v", err)
	}
}

// TestP6_DamagedPasskeys: a stored passkey that cannot be used is damage, and never "not enrolled".
func TestP6_DamagedPasskeys(t *testing.T) {
	b, _ := enrolled(t, passkey.Options{})
	kind, whole := passkey.New(passkey.Options{RPID: domain}), b.record().Factors[0]
	if err := kind.Check(whole); err != nil {
		t.Fatal(err)
	}
	for _, state := range []string{`{}`, `[]`, ``, `{"rp_id":"example.com"}`, string(whole.State[:len(whole.State)-1]) + `,"more":1}`} {
		damaged := whole
		damaged.State = []byte(state)
		if err := kind.Check(damaged); !errors.Is(err, factor.ErrCorrupt) {
			t.Errorf("%.20q: %v", state, err)
		}
	}
	for _, text := range []string{"", "{}", "null", "[]", `{"id":"AA","rawId":"AA","type":"public-key","response":{}}`} {
		asked, _ := b.ask(alice)
		if _, err := b.SignIn(at(site), alice, factor.Answer{Kind: factor.MethodPasskey, Text: text, Asked: &asked}); !errors.Is(err, factor.ErrWrongCode) {
			t.Errorf("answer %q: %v", text, err)
		}
	}
}
