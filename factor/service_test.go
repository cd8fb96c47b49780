package factor_test

import (
	"context"
	"encoding/base32"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/recovery"
	"sallyport.example/sallyport/factor/totp"
	"sallyport.example/sallyport/internal/testclock"
)

func newClock() *testclock.Clock { return testclock.New(time.Date(2026, 11, 3, 12, 0, 5, 0, time.UTC)) }

// bench is a service over a memory store, with a user's authenticator.
type bench struct {
	*factor.Service
	store  *factor.MemoryStore
	clock  *testclock.Clock
	config factor.Config
	codes  []string // recovery codes
	seed   factor.Ceremony
}

const alice = "alice"

// kinds are the two that every service of these tests knows, cheap to compute.
func kinds(parameters totp.Parameters) []factor.Kind {
	return []factor.Kind{totp.New("Example Wiki", parameters), recovery.New(1000)}
}

// typed is the answer for a typed one-time code, and typedCode for a typed recovery code.
func typed(code string) factor.Answer { return factor.Answer{Kind: factor.MethodTOTP, Text: code} }

func typedCode(code string) factor.Answer {
	return factor.Answer{Kind: factor.MethodRecovery, Text: code}
}

// verifyTOTP, verifyRecovery and verify are the three ways in which people type codes.
func verifyTOTP(ctx context.Context, s *factor.Service, user, code string) error {
	_, err := s.SignIn(ctx, user, typed(code))
	return err
}

func verifyRecovery(ctx context.Context, s *factor.Service, user, code string) (left int, err error) {
	return s.SignIn(ctx, user, typedCode(code))
}

func verify(ctx context.Context, s *factor.Service, user, code string) (factor.Method, error) {
	return s.Verify(ctx, user, factor.Answer{Text: code})
}

func newBench(t testing.TB, change ...func(*factor.Config)) *bench {
	t.Helper()
	b := &bench{store: factor.NewMemoryStore(), clock: newClock()}
	b.config = factor.Config{App: "wiki", Kinds: kinds(totp.Parameters{}), Now: b.clock.Now}
	for _, c := range change {
		c(&b.config)
	}
	b.Service = factor.NewService(b.store, b.config)
	return b
}

// enrolled is a bench on which alice is enrolled, and a period has passed since.
func enrolled(t testing.TB, change ...func(*factor.Config)) *bench {
	t.Helper()
	b := newBench(t, change...)
	proposal, err := b.Begin(t.Context(), alice, factor.MethodTOTP)
	if err != nil {
		t.Fatal(err)
	}
	codes, err := b.Confirm(t.Context(), alice, proposal, typed(b.code(t, proposal, 0)))
	if err != nil {
		t.Fatal(err)
	}
	b.seed, b.codes = proposal, codes
	b.clock.Advance(time.Minute)
	return b
}

// code computes the code that the authenticator shows, so many steps away from now.
func (b *bench) code(t testing.TB, proposal factor.Ceremony, steps int) string {
	t.Helper()
	offer, err := b.Show(proposal)
	if err != nil {
		t.Fatal(err)
	}
	return codeOf(t, proposal.Secret, offer, b.clock.Now().Unix()/int64(offer.Period/time.Second)+int64(steps))
}

// codeOf computes the code of a step.
func codeOf(t testing.TB, secret []byte, offer factor.Offer, step int64) string {
	t.Helper()
	algorithm := map[string]otp.Algorithm{
		"SHA1": otp.AlgorithmSHA1, "SHA256": otp.AlgorithmSHA256, "SHA512": otp.AlgorithmSHA512,
	}[offer.Algorithm]
	code, err := hotp.GenerateCodeCustom(base32.StdEncoding.EncodeToString(secret), uint64(step),
		hotp.ValidateOpts{Digits: otp.Digits(offer.Digits), Algorithm: algorithm})
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// wrong is a code of the right form that is none of the codes near now.
func (b *bench) wrong(t testing.TB) string {
	t.Helper()
	var near []string
	for steps := -12; steps <= 12; steps++ {
		near = append(near, b.code(t, b.seed, steps))
	}
	for _, code := range []string{"000000", "111111", "222222", "333333"} {
		if !slices.Contains(near, code) {
			return code
		}
	}
	t.Fatal("no wrong code found")
	return ""
}

// record reads what is stored about alice.
func (b *bench) record(t testing.TB) factor.Record {
	t.Helper()
	record, _, err := b.store.Get(context.Background(), factor.Key{App: b.config.App, User: alice})
	if err != nil {
		t.Fatal(err)
	}
	return record
}

// codesLeft is how many recovery codes alice has left.
func (b *bench) codesLeft(t testing.TB) int {
	t.Helper()
	status, err := b.Status(t.Context(), alice)
	if err != nil {
		t.Fatal(err)
	}
	return status.RecoveryLeft
}

func wantError(t testing.TB, what string, err, want error) {
	t.Helper()
	if want == nil && err != nil || want != nil && !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

func TestStatus(t *testing.T) {
	b := newBench(t)
	status, err := b.Status(t.Context(), alice)
	if err != nil || status.Enrolled || status.Methods != nil || status.RecoveryTotal != 0 {
		t.Fatalf("%+v, %v; want nothing", status, err)
	}
	b = enrolled(t)
	created := b.clock.Now().Add(-time.Minute)
	status, err = b.Status(t.Context(), alice)
	if err != nil {
		t.Fatal(err)
	}
	if !status.Enrolled || !slices.Equal(status.Methods, []factor.Method{factor.MethodTOTP, factor.MethodRecovery}) ||
		!status.Created.Equal(created) || !status.Used.Equal(created) || status.RecoveryLeft != 10 || status.RecoveryTotal != 10 ||
		!status.BlockedUntil.IsZero() || status.Stopped || len(status.Factors) != 1 || status.Factors[0].Kind != factor.MethodTOTP ||
		status.Factors[0].ID != b.record(t).Factors[0].ID || !status.Factors[0].Created.Equal(created) {
		t.Errorf("%+v", status)
	}
	wantError(t, "verify", verifyTOTP(t.Context(), b.Service, alice, b.code(t, b.seed, 0)), nil)
	for i, code := range b.codes {
		left, err := verifyRecovery(t.Context(), b.Service, alice, code)
		if err != nil || left != 9-i {
			t.Fatalf("recovery code %d: %d left, %v", i, left, err)
		}
	}
	status, err = b.Status(t.Context(), alice)
	if err != nil || !slices.Equal(status.Methods, []factor.Method{factor.MethodTOTP}) || status.RecoveryLeft != 0 ||
		status.RecoveryTotal != 10 || !status.Used.Equal(b.clock.Now()) {
		t.Errorf("%+v, %v", status, err)
	}
	for range 5 {
		wantError(t, "wrong", verifyTOTP(t.Context(), b.Service, alice, b.wrong(t)), factor.ErrWrongCode)
	}
	status, err = b.Status(t.Context(), alice)
	if err != nil || !status.BlockedUntil.Equal(b.clock.Now().Add(30*time.Second)) {
		t.Errorf("blocked until %v, %v", status.BlockedUntil, err)
	}
	b.clock.Advance(30 * time.Second)
	status, err = b.Status(t.Context(), alice)
	if err != nil || !status.BlockedUntil.IsZero() || !status.Enrolled {
		t.Errorf("a wait that is over is still shown: %+v, %v", status, err)
	}
}

func TestDisable(t *testing.T) {
	b := enrolled(t)
	wantError(t, "somebody else", b.Disable(t.Context(), "bob"), factor.ErrNotEnrolled)
	wantError(t, "disable", b.Disable(t.Context(), alice), nil)
	if status, err := b.Status(t.Context(), alice); err != nil || status.Enrolled {
		t.Errorf("%+v, %v", status, err)
	}
	wantError(t, "again", b.Disable(t.Context(), alice), factor.ErrNotEnrolled)
	wantError(t, "code", verifyTOTP(t.Context(), b.Service, alice, b.code(t, b.seed, 0)), factor.ErrNotEnrolled)
	_, err := verifyRecovery(t.Context(), b.Service, alice, b.codes[0])
	wantError(t, "recovery code", err, factor.ErrNotEnrolled)
	_, err = verify(t.Context(), b.Service, alice, b.codes[0])
	wantError(t, "either", err, factor.ErrNotEnrolled)
	_, err = b.NewRecoveryCodes(t.Context(), alice)
	wantError(t, "new recovery codes", err, factor.ErrNotEnrolled)
	wantError(t, "unblock", b.Help().Unblock(t.Context(), alice), factor.ErrNotEnrolled)
}

// TestAppsAreApart: the same name in another app is another user.
func TestAppsAreApart(t *testing.T) {
	b := enrolled(t)
	other := b.config
	other.App = "git"
	git := factor.NewService(b.store, other)
	if status, err := git.Status(t.Context(), alice); err != nil || status.Enrolled {
		t.Errorf("%+v, %v", status, err)
	}
	wantError(t, "code", verifyTOTP(t.Context(), git, alice, b.code(t, b.seed, 0)), factor.ErrNotEnrolled)
	_, err := git.Confirm(t.Context(), alice, b.seed, typed(b.code(t, b.seed, 0)))
	wantError(t, "a proposal of the other app", err, factor.ErrProposalStale)
}

func TestConfigValidate(t *testing.T) {
	good := kinds(totp.Parameters{})
	if err := (factor.Config{App: "wiki", Kinds: good}).Validate(); err != nil {
		t.Fatal(err)
	}
	for name, config := range map[string]factor.Config{
		"no app":     {Kinds: good},
		"bad app":    {App: "\xff", Kinds: good},
		"no kind":    {App: "wiki"},
		"codes only": {App: "wiki", Kinds: []factor.Kind{recovery.New(0)}},
		"one twice":  {App: "wiki", Kinds: append(good, totp.New("", totp.Parameters{}))},
		"parameters": {App: "wiki", Kinds: kinds(totp.Parameters{Digits: 4})},
		"throttle":   {App: "wiki", Kinds: good, Throttle: factor.Throttle{Stop: 1000}},
		"iterations": {App: "wiki", Kinds: []factor.Kind{totp.New("", totp.Parameters{}), recovery.New(1)}},
		"timeout":    {App: "wiki", Kinds: good, Timeout: -1},
	} {
		wantError(t, name, config.Validate(), factor.ErrInvalid)
		// A service with bad settings must not fall back to others.
		service := factor.NewService(factor.NewMemoryStore(), config)
		_, err := service.Status(t.Context(), alice)
		wantError(t, name+": status", err, factor.ErrInvalid)
		_, err = service.Begin(t.Context(), alice, factor.MethodTOTP)
		wantError(t, name+": propose", err, factor.ErrInvalid)
		_, err = service.NewRecoveryCodes(t.Context(), alice)
		wantError(t, name+": recovery codes", err, factor.ErrInvalid)
		wantError(t, name+": verify", verifyTOTP(t.Context(), service, alice, "123456"), factor.ErrInvalid)
	}
}

// TestP4_NoUser: an identity that could not be established is refused.
func TestP4_NoUser(t *testing.T) {
	b := enrolled(t)
	for _, user := range []string{"", "ali\xffce"} {
		_, err := b.Status(t.Context(), user)
		wantError(t, "status", err, factor.ErrInvalid)
		_, err = b.Begin(t.Context(), user, factor.MethodTOTP)
		wantError(t, "propose", err, factor.ErrInvalid)
		_, err = b.Confirm(t.Context(), user, b.seed, typed(b.code(t, b.seed, 0)))
		wantError(t, "confirm", err, factor.ErrInvalid)
		_, err = verify(t.Context(), b.Service, user, "123456")
		wantError(t, "verify", err, factor.ErrInvalid)
		_, err = b.NewRecoveryCodes(t.Context(), user)
		wantError(t, "recovery codes", err, factor.ErrInvalid)
		wantError(t, "disable", b.Disable(t.Context(), user), factor.ErrInvalid)
		wantError(t, "unblock", b.Help().Unblock(t.Context(), user), factor.ErrInvalid)
	}
}
