package factor_test

import (
	"context"
	"encoding/base32"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"sallyport/factor"
)

// clock is a clock that stands still until a test moves it.
type clock struct {
	mutex sync.Mutex
	now   time.Time
}

func newClock() *clock {
	return &clock{now: time.Date(2026, 11, 3, 12, 0, 5, 0, time.UTC)}
}

func (c *clock) Now() time.Time {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.now
}

func (c *clock) Advance(by time.Duration) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.now = c.now.Add(by)
}

// bench is a service over a memory store, with a user's authenticator.
type bench struct {
	*factor.Service
	store  *factor.MemoryStore
	clock  *clock
	config factor.Config
	codes  []string // recovery codes
	seed   factor.Proposal
}

const alice = "alice"

func newBench(t testing.TB, change ...func(*factor.Config)) *bench {
	t.Helper()
	b := &bench{store: factor.NewMemoryStore(), clock: newClock()}
	b.config = factor.Config{App: "wiki", Issuer: "Example Wiki", RecoveryIterations: 1000, Now: b.clock.Now}
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
	proposal, err := b.Propose(t.Context(), alice)
	if err != nil {
		t.Fatal(err)
	}
	codes, err := b.Confirm(t.Context(), alice, proposal, b.code(t, proposal, 0))
	if err != nil {
		t.Fatal(err)
	}
	b.seed, b.codes = proposal, codes
	b.clock.Advance(time.Minute)
	return b
}

// code computes what the authenticator shows, so many steps away from now.
func (b *bench) code(t testing.TB, proposal factor.Proposal, steps int) string {
	t.Helper()
	algorithm := map[factor.Algorithm]otp.Algorithm{
		factor.SHA1: otp.AlgorithmSHA1, factor.SHA256: otp.AlgorithmSHA256, factor.SHA512: otp.AlgorithmSHA512,
	}[proposal.Parameters.Algorithm]
	step := b.clock.Now().Unix()/int64(proposal.Parameters.Period/time.Second) + int64(steps)
	code, err := hotp.GenerateCodeCustom(base32.StdEncoding.EncodeToString(proposal.Secret), uint64(step),
		hotp.ValidateOpts{Digits: otp.Digits(proposal.Parameters.Digits), Algorithm: algorithm})
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
		if !slices.Contains(near, code[:b.seed.Parameters.Digits]) {
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
		!status.BlockedUntil.IsZero() || status.Stopped {
		t.Errorf("%+v", status)
	}
	wantError(t, "verify", b.VerifyTOTP(t.Context(), alice, b.code(t, b.seed, 0)), nil)
	for i, code := range b.codes {
		left, err := b.VerifyRecovery(t.Context(), alice, code)
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
		wantError(t, "wrong", b.VerifyTOTP(t.Context(), alice, b.wrong(t)), factor.ErrWrongCode)
	}
	status, err = b.Status(t.Context(), alice)
	if err != nil || !status.BlockedUntil.Equal(b.clock.Now().Add(30*time.Second)) {
		t.Errorf("blocked until %v, %v", status.BlockedUntil, err)
	}
	b.clock.Advance(30 * time.Second)
	status, err = b.Status(t.Context(), alice)
	if err != nil || !status.BlockedUntil.IsZero() || !status.Enrolled {
		t.Errorf("a block that is over still shows: %+v, %v", status, err)
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
	wantError(t, "code", b.VerifyTOTP(t.Context(), alice, b.code(t, b.seed, 0)), factor.ErrNotEnrolled)
	_, err := b.VerifyRecovery(t.Context(), alice, b.codes[0])
	wantError(t, "recovery code", err, factor.ErrNotEnrolled)
	_, err = b.Verify(t.Context(), alice, b.codes[0])
	wantError(t, "either", err, factor.ErrNotEnrolled)
	_, err = b.NewRecoveryCodes(t.Context(), alice)
	wantError(t, "new recovery codes", err, factor.ErrNotEnrolled)
	wantError(t, "unblock", b.Unblock(t.Context(), alice), factor.ErrNotEnrolled)
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
	wantError(t, "code", git.VerifyTOTP(t.Context(), alice, b.code(t, b.seed, 0)), factor.ErrNotEnrolled)
	_, err := git.Confirm(t.Context(), alice, b.seed, b.code(t, b.seed, 0))
	wantError(t, "a proposal of the other app", err, factor.ErrProposalStale)
}

func TestConfigValidate(t *testing.T) {
	if err := (factor.Config{App: "wiki"}).Validate(); err != nil {
		t.Fatal(err)
	}
	for name, config := range map[string]factor.Config{
		"no app":     {},
		"bad app":    {App: "\xff"},
		"parameters": {App: "wiki", Parameters: factor.Parameters{Digits: 4}},
		"throttle":   {App: "wiki", Throttle: factor.Throttle{Stop: 1000}},
		"iterations": {App: "wiki", RecoveryIterations: 1},
		"timeout":    {App: "wiki", Timeout: -1},
	} {
		wantError(t, name, config.Validate(), factor.ErrInvalid)
		// A service with bad settings must not work with something else instead.
		service := factor.NewService(factor.NewMemoryStore(), config)
		_, err := service.Status(t.Context(), alice)
		wantError(t, name+": status", err, factor.ErrInvalid)
		_, err = service.Propose(t.Context(), alice)
		wantError(t, name+": propose", err, factor.ErrInvalid)
		_, err = service.NewRecoveryCodes(t.Context(), alice)
		wantError(t, name+": recovery codes", err, factor.ErrInvalid)
		wantError(t, name+": verify", service.VerifyTOTP(t.Context(), alice, "123456"), factor.ErrInvalid)
	}
}

// TestP4_NoUser: what cannot be established is refused.
func TestP4_NoUser(t *testing.T) {
	b := enrolled(t)
	for _, user := range []string{"", "ali\xffce"} {
		_, err := b.Status(t.Context(), user)
		wantError(t, "status", err, factor.ErrInvalid)
		_, err = b.Propose(t.Context(), user)
		wantError(t, "propose", err, factor.ErrInvalid)
		_, err = b.Confirm(t.Context(), user, b.seed, b.code(t, b.seed, 0))
		wantError(t, "confirm", err, factor.ErrInvalid)
		_, err = b.Verify(t.Context(), user, "123456")
		wantError(t, "verify", err, factor.ErrInvalid)
		_, err = b.NewRecoveryCodes(t.Context(), user)
		wantError(t, "recovery codes", err, factor.ErrInvalid)
		wantError(t, "disable", b.Disable(t.Context(), user), factor.ErrInvalid)
		wantError(t, "unblock", b.Unblock(t.Context(), user), factor.ErrInvalid)
	}
}
