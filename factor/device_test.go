package factor_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sallyport.example/sallyport/factor"
)

const fortnight = 14 * 24 * time.Hour

// firefox and chrome are requests from two kinds of browsers.
func firefox(t testing.TB) context.Context {
	return factor.WithOrigin(t.Context(), factor.Origin{Address: "192.0.2.1", Browser: "Firefox, Linux"})
}

func chrome(t testing.TB) context.Context {
	return factor.WithOrigin(t.Context(), factor.Origin{Address: "192.0.2.2", Browser: "Chrome, Windows"})
}

// trusting is a bench on which alice trusts her Firefox; credential is what it keeps.
func trusting(t testing.TB, change ...func(*factor.Config)) (b *bench, credential string) {
	t.Helper()
	b = enrolled(t, append(change, func(c *factor.Config) { c.Remember = fortnight })...)
	credential, err := b.SignInAndTrust(firefox(t), alice, typed(b.code(t, b.seed, 0)), factor.Trust{})
	if err != nil || credential == "" {
		t.Fatalf("trust: %q, %v", credential, err)
	}
	b.clock.Advance(time.Hour)
	return b, credential
}

func (b *bench) status(t testing.TB) factor.Status {
	t.Helper()
	status, err := b.Status(t.Context(), alice)
	if err != nil {
		t.Fatal(err)
	}
	return status
}

func (b *bench) wantTrust(ctx context.Context, t testing.TB, credential string) (next string) {
	t.Helper()
	next, err := b.UseDevice(ctx, alice, credential, factor.Proof{})
	if err != nil || next == credential || next == "" {
		t.Fatalf("use of a trusted browser: %q, %v", next, err)
	}
	return next
}

func (b *bench) wantNoTrust(ctx context.Context, t testing.TB, credential string) {
	t.Helper()
	if next, err := b.UseDevice(ctx, alice, credential, factor.Proof{}); !errors.Is(err, factor.ErrNotTrusted) || next != "" {
		t.Errorf("use: %q, %v; want ErrNotTrusted", next, err)
	}
}

func TestTrustedBrowser(t *testing.T) {
	b, credential := trusting(t)
	for range 3 {
		credential = b.wantTrust(firefox(t), t, credential)
		b.clock.Advance(24 * time.Hour)
	}
	devices := b.status(t).Devices
	if len(devices) != 1 || devices[0].Browser != "Firefox, Linux" || devices[0].Until.Sub(devices[0].Created) != fortnight ||
		devices[0].Used.Sub(devices[0].Created) != 49*time.Hour {
		t.Errorf("devices: %+v", devices)
	}
	// A use does not extend the trust, which counts from the code.
	b.clock.Advance(fortnight - 73*time.Hour - time.Second)
	credential = b.wantTrust(firefox(t), t, credential)
	b.clock.Advance(time.Second)
	b.wantNoTrust(firefox(t), t, credential)
	if devices := b.status(t).Devices; len(devices) != 0 {
		t.Errorf("devices at the end of the trust: %+v", devices)
	}
}

// TestP5_CopiedTrust: a thief has the password and a copy of the browser's cookie. In another kind of browser the copy
// is worth nothing. In the same kind it works at most once, and the second use of it, by the thief or the owner, ends
// the trust.
func TestP5_CopiedTrust(t *testing.T) {
	t.Run("another kind of browser", func(t *testing.T) {
		b, credential := trusting(t)
		b.wantNoTrust(chrome(t), t, credential)
		b.wantNoTrust(firefox(t), t, credential) // and it has ended
		if devices := b.status(t).Devices; len(devices) != 0 {
			t.Errorf("devices: %+v", devices)
		}
	})
	t.Run("used by the thief after the owner", func(t *testing.T) {
		b, credential := trusting(t)
		next := b.wantTrust(firefox(t), t, credential)
		b.clock.Advance(time.Minute)
		b.wantNoTrust(firefox(t), t, credential)
		b.wantNoTrust(firefox(t), t, next)
		if kind := b.status(t).Activity[0].Kind; kind != factor.EventMisused {
			t.Errorf("last event %s, want the misuse", kind)
		}
	})
	t.Run("two windows at once", func(t *testing.T) {
		b, credential := trusting(t)
		next := b.wantTrust(firefox(t), t, credential)
		b.clock.Advance(time.Minute - time.Second)
		b.wantNoTrust(firefox(t), t, credential) // opens nothing, but ends nothing either
		b.wantTrust(firefox(t), t, next)
	})
	t.Run("another's", func(t *testing.T) {
		b, credential := trusting(t)
		proposal, err := b.Begin(t.Context(), "bob", factor.MethodTOTP)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Confirm(t.Context(), "bob", proposal, typed(b.code(t, proposal, 0))); err != nil {
			t.Fatal(err)
		}
		if _, err := b.UseDevice(firefox(t), "bob", credential, factor.Proof{}); !errors.Is(err, factor.ErrNotTrusted) {
			t.Errorf("bob with alice's browser: %v", err)
		}
		b.wantTrust(firefox(t), t, credential)
	})
}

// TestP7_TrustWinsOnce: of fifty sign-ins with one copied secret, one gets in.
func TestP7_TrustWinsOnce(t *testing.T) {
	b, credential := trusting(t)
	var in atomic.Int32
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			switch _, err := b.UseDevice(firefox(t), alice, credential, factor.Proof{}); {
			case err == nil:
				in.Add(1)
			case !errors.Is(err, factor.ErrNotTrusted):
				t.Error(err)
			}
		})
	}
	group.Wait()
	if in.Load() != 1 {
		t.Errorf("%d got in", in.Load())
	}
}

func TestTrustEnds(t *testing.T) {
	for name, end := range map[string]func(*testing.T, *bench) error{
		"reset": func(t *testing.T, b *bench) error {
			proposal, err := b.Begin(t.Context(), alice, factor.MethodTOTP)
			if err != nil {
				return err
			}
			_, err = b.Confirm(t.Context(), alice, proposal, typed(b.code(t, proposal, 0)))
			return err
		},
		"disabled and set up again": func(t *testing.T, b *bench) error {
			if err := b.Disable(t.Context(), alice); err != nil {
				return err
			}
			proposal, err := b.Begin(t.Context(), alice, factor.MethodTOTP)
			if err != nil {
				return err
			}
			_, err = b.Confirm(t.Context(), alice, proposal, typed(b.code(t, proposal, 0)))
			return err
		},
		"new recovery codes": func(t *testing.T, b *bench) error {
			_, err := b.NewRecoveryCodes(t.Context(), alice)
			return err
		},
		"removed": func(t *testing.T, b *bench) error {
			_, err := b.ForgetDevice(t.Context(), alice, b.status(t).Devices[0].ID)
			return err
		},
		"all removed": func(t *testing.T, b *bench) error {
			_, err := b.ForgetDevices(t.Context(), alice)
			return err
		},
		"a shorter remember": func(_ *testing.T, b *bench) error {
			b.config.Remember = time.Hour
			b.Service = factor.NewService(b.store, b.config)
			return nil
		},
		"no remember": func(_ *testing.T, b *bench) error {
			b.config.Remember = 0
			b.Service = factor.NewService(b.store, b.config)
			return nil
		},
		"throttled": func(t *testing.T, b *bench) error {
			for range 5 {
				if err := verifyTOTP(t.Context(), b.Service, alice, "000000"); !errors.Is(err, factor.ErrWrongCode) {
					return err
				}
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			b, credential := trusting(t)
			if err := end(t, b); err != nil {
				t.Fatal(err)
			}
			b.wantNoTrust(firefox(t), t, credential)
		})
	}
}

// TestForgetOne: the trust in the other browsers stays, and to forget an unknown browser is no error.
func TestForgetOne(t *testing.T) {
	b, first := trusting(t)
	second, err := b.SignInAndTrust(chrome(t), alice, typed(b.code(t, b.seed, 0)), factor.Trust{})
	if err != nil {
		t.Fatal(err)
	}
	devices := b.status(t).Devices
	if len(devices) != 2 || devices[0].Browser != "Chrome, Windows" {
		t.Fatalf("devices: %+v, want the one used last first", devices)
	}
	for _, there := range []bool{true, false} {
		if forgotten, err := b.ForgetDevice(t.Context(), alice, devices[0].ID); err != nil || forgotten != there {
			t.Fatal(forgotten, err)
		}
	}
	b.wantNoTrust(chrome(t), t, second)
	b.wantTrust(firefox(t), t, first)
	if _, err := b.ForgetDevice(t.Context(), "bob", devices[1].ID); !errors.Is(err, factor.ErrNotEnrolled) {
		t.Errorf("bob, who is not enrolled: %v", err)
	}
}

func TestTooManyTrustedBrowsers(t *testing.T) {
	b, first := trusting(t)
	for range factor.MaxDevices {
		b.clock.Advance(time.Minute)
		if _, err := b.SignInAndTrust(chrome(t), alice, typed(b.code(t, b.seed, 0)), factor.Trust{}); err != nil {
			t.Fatal(err)
		}
	}
	if devices := b.status(t).Devices; len(devices) != factor.MaxDevices {
		t.Errorf("%d devices", len(devices))
	}
	b.wantNoTrust(firefox(t), t, first)
}

// TestNoTrustForAWrongCode: a browser is trusted only if the code was right.
func TestNoTrustForAWrongCode(t *testing.T) {
	b, _ := trusting(t)
	if credential, err := b.SignInAndTrust(chrome(t), alice, typed("000000"), factor.Trust{}); !errors.Is(err, factor.ErrWrongCode) || credential != "" {
		t.Errorf("wrong code: %q, %v", credential, err)
	}
	if devices := b.status(t).Devices; len(devices) != 1 {
		t.Errorf("devices: %+v", devices)
	}
}

func TestStrangeCredentials(t *testing.T) {
	b, credential := trusting(t)
	id, secret, _ := strings.Cut(credential, ".")
	for _, strange := range []string{
		"", ".", id, secret, "." + secret, "x." + secret, credential[1:], secret + "." + id, strings.Repeat("x", 1000) + credential,
		credential + strings.Repeat("0", 100),
	} {
		b.wantNoTrust(firefox(t), t, strange)
	}
	b.wantTrust(firefox(t), t, credential)
	if _, err := b.UseDevice(firefox(t), "bob", credential, factor.Proof{}); !errors.Is(err, factor.ErrNotTrusted) {
		t.Errorf("somebody who is not enrolled: %v", err)
	}
}

// TestP9_TrustIsHashed: whoever reads the record cannot sign in with what it says of a trusted browser.
func TestP9_TrustIsHashed(t *testing.T) {
	b, credential := trusting(t)
	record, _, err := b.store.Get(t.Context(), factor.Key{App: "wiki", User: alice})
	if err != nil {
		t.Fatal(err)
	}
	document, err := factor.EncodeRecord(record)
	if err != nil {
		t.Fatal(err)
	}
	_, secret, _ := strings.Cut(credential, ".")
	if strings.Contains(string(document), secret) {
		t.Error("the secret is in the record")
	}
	if text := fmt.Sprintf("%v %+v %#v %d %s", record.Devices, record.Devices[0], record.Devices, record.Devices, record.Devices[0].LogValue()); strings.Contains(text, fmt.Sprint(record.Devices[0].Hash[:3])[1:6]) {
		t.Errorf("printed: %s", text)
	}
}
