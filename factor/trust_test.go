package factor_test

import (
	"errors"
	"testing"
	"time"

	"sallyport.example/sallyport/factor"
)

// TestTrustAfterTheCode: the question whether to trust the browser, asked after a code, is valid only for the factors
// of that moment. Each change of the factors ends all trust, and so also makes the question invalid, whichever comes
// first.
func TestTrustAfterTheCode(t *testing.T) {
	for name, change := range map[string]struct {
		made func(b *bench) error
		want error
	}{
		"nothing": {func(*bench) error { return nil }, nil},
		"another sign-in": {func(b *bench) error {
			_, err := b.SignIn(firefox(t), alice, typed(b.code(t, b.seed, 0)))
			return err
		}, nil},
		"new recovery codes": {func(b *bench) error {
			_, err := b.NewRecoveryCodes(firefox(t), alice)
			return err
		}, factor.ErrNotTrusted},
		"disabled": {func(b *bench) error { return b.Disable(t.Context(), alice) }, factor.ErrNotTrusted},
	} {
		t.Run(name, func(t *testing.T) {
			b := enrolled(t, func(c *factor.Config) { c.Remember = fortnight })
			mark, err := b.SignInAndAsk(firefox(t), alice, typed(b.code(t, b.seed, 0)))
			if err != nil || mark == "" {
				t.Fatalf("%q %v", mark, err)
			}
			b.clock.Advance(time.Minute)
			if err := change.made(b); err != nil {
				t.Fatal(err)
			}
			credential, err := b.Trust(firefox(t), alice, mark, factor.Trust{})
			if !errors.Is(err, change.want) || (credential == "") != (change.want != nil) {
				t.Fatalf("%q %v, want %v", credential, err, change.want)
			}
			if change.want == nil {
				b.wantTrust(firefox(t), t, credential)
			}
			if _, err := b.Trust(firefox(t), alice, "", factor.Trust{}); !errors.Is(err, factor.ErrNotTrusted) {
				t.Errorf("without a mark: %v", err)
			}
		})
	}
}
