package factor_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/factor"
)

func TestActivity(t *testing.T) {
	b, credential := trusting(t)
	for range 3 {
		if err := verifyTOTP(chrome(t), b.Service, alice, "000000"); !errors.Is(err, factor.ErrWrongCode) {
			t.Fatal(err)
		}
		b.clock.Advance(time.Minute)
	}
	if err := verifyTOTP(firefox(t), b.Service, alice, "000000"); !errors.Is(err, factor.ErrWrongCode) {
		t.Fatal(err)
	}
	if _, err := verifyRecovery(firefox(t), b.Service, alice, b.codes[0]); err != nil {
		t.Fatal(err)
	}
	b.wantTrust(firefox(t), t, credential)
	if _, err := b.NewRecoveryCodes(firefox(t), alice); err != nil {
		t.Fatal(err)
	}
	proposal, err := b.Begin(firefox(t), alice, factor.MethodTOTP)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Confirm(firefox(t), alice, proposal, typed(b.code(t, proposal, 0))); err != nil {
		t.Fatal(err)
	}
	want := []factor.Event{
		{Kind: factor.EventReset, Address: "192.0.2.1"},
		{Kind: factor.EventCodes, Address: "192.0.2.1"},
		{Kind: factor.EventTrusted, Address: "192.0.2.1"},
		{Kind: factor.EventRecovery, Address: "192.0.2.1"},
		{Kind: factor.EventFailure, Address: "192.0.2.1"},
		{Kind: factor.EventFailure, Address: "192.0.2.2", Count: 3},
		{Kind: factor.EventTOTP, Address: "192.0.2.1"},
		{Kind: factor.EventEnabled},
	}
	got := b.status(t).Activity
	if len(got) != len(want) {
		t.Fatalf("activity: %+v", got)
	}
	for i := range want {
		if got[i].Kind != want[i].Kind || got[i].Address != want[i].Address || got[i].Count != want[i].Count || got[i].At.IsZero() {
			t.Errorf("event %d: %+v, want %+v", i, got[i], want[i])
		}
	}
}

// TestActivityIsBounded: an attacker who has the password tries to push the events of his attempts out of the activity.
func TestActivityIsBounded(t *testing.T) {
	b := enrolled(t, func(c *factor.Config) { c.Throttle = factor.Throttle{Free: 100, Stop: 100} })
	for range 99 {
		if err := verifyTOTP(firefox(t), b.Service, alice, "000000"); !errors.Is(err, factor.ErrWrongCode) {
			t.Fatal(err)
		}
	}
	if got := b.status(t).Activity; len(got) != 2 || got[0].Count != 99 || got[1].Kind != factor.EventEnabled {
		t.Errorf("99 failures in a row: %+v", got)
	}
	for range 30 {
		b.clock.Advance(time.Minute)
		if err := verifyTOTP(firefox(t), b.Service, alice, b.code(t, b.seed, 0)); err != nil {
			t.Fatal(err)
		}
	}
	if got := b.status(t).Activity; len(got) != factor.MaxActivity || got[0].Kind != factor.EventTOTP {
		t.Errorf("%d events", len(got))
	}
}

// TestOriginIsCut: a text that the client chooses neither breaks a list nor fills a record.
func TestOriginIsCut(t *testing.T) {
	b := enrolled(t)
	ctx := factor.WithOrigin(t.Context(), factor.Origin{Address: "192.0.2.1\n\x00", Browser: strings.Repeat("ü\u202e\xff", 500)})
	if err := verifyTOTP(ctx, b.Service, alice, b.code(t, b.seed, 0)); err != nil {
		t.Fatal(err)
	}
	if got := b.status(t).Activity[0]; got.Address != "192.0.2.1" || got.Browser != strings.Repeat("ü", 40) {
		t.Errorf("noted: %q, %q", got.Address, got.Browser)
	}
}
