package factor_test

import (
	"slices"
	"testing"
	"time"

	"sallyport.example/sallyport/factor"
)

// TestTheLeastUsedBrowserGoes: if one browser too many is trusted, the least recently used one loses its trust, and not
// the one that was trusted first.
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

// TestForgettingIsNoted: the activity shows that a browser is no longer trusted; it shows nothing if the browser never
// was.
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
