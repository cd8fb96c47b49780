package factor_test

import (
	"slices"
	"testing"
	"time"

	"sallyport.example/sallyport/factor"
)

// TestTheLeastUsedBrowserGoes: where one more browser is trusted than there may be, the one goes that was used
// longest ago, and not the one that was trusted first.
func TestTheLeastUsedBrowserGoes(t *testing.T) {
	b, first := trusting(t)
	var others []string
	for len(others) < factor.MaxDevices-1 {
		credential, err := b.SignInAndTrust(firefox(t), alice, typed(b.code(t, b.seed, 0)), factor.Trust{})
		if err != nil {
			t.Fatal(err)
		}
		others = append(others, credential)
		b.clock.Advance(time.Minute)
	}
	first = b.wantTrust(firefox(t), t, first)
	b.clock.Advance(time.Minute)
	last, err := b.SignInAndTrust(firefox(t), alice, typed(b.code(t, b.seed, 0)), factor.Trust{})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, device := range b.status(t).Devices {
		ids = append(ids, device.ID)
	}
	if slices.Contains(ids, factor.DeviceID(others[0])) || len(ids) != factor.MaxDevices {
		t.Errorf("%v", ids)
	}
	for _, kept := range append(others[1:], first, last) {
		if !slices.Contains(ids, factor.DeviceID(kept)) {
			t.Errorf("%s has gone", factor.DeviceID(kept))
		}
	}
}

// TestForgettingIsNoted: a browser that is trusted no longer stands in what the user sees of her account; one that
// never was does not.
func TestForgettingIsNoted(t *testing.T) {
	b, credential := trusting(t)
	for _, id := range []string{"nobody's", factor.DeviceID(credential)} {
		want := id != "nobody's"
		forgotten, err := b.ForgetDevice(firefox(t), alice, id)
		if err != nil || forgotten != want {
			t.Errorf("%s: %v, %v", id, forgotten, err)
		}
		noted := slices.ContainsFunc(b.status(t).Activity, func(e factor.Event) bool { return e.Kind == factor.EventForgotten })
		if noted && !want {
			t.Errorf("%s: it is noted", id)
		}
		if want && !noted {
			t.Error("it is not noted")
		}
	}
}
