// Package factor is the pure domain of second factors: the record in which a user's factors are kept, the throttle that
// limits guessing, trusted browsers, the activity, and the Store that keeps records. What a factor is, a Kind defines.
// Each kind has a package of its own (factor/totp, factor/recovery), which this package never imports; the maker of a
// Service passes the kinds in.
//
// It knows nothing of HTTP, Caddy or Vault. A Service is safe for concurrent use, also by several processes over one
// store: every decision is made by a compare-and-set of the user's record (promise P7), and nothing but a certain
// ErrNotFound from the store ever means "not enrolled" (promise P6).
package factor

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"time"
	"unicode/utf8"

	"sallyport.example/sallyport/internal/sendlimit"
)

// Service judges and changes the factors of the users of one app. No decision depends on state of its own, so any
// number of Services, in any number of processes, may share a store. Safe for concurrent use.
//
// Besides the errors named at each method, every method can return ErrInvalid (bad settings, no user), and
// ErrUnavailable or ErrCorrupt from the store. None of these means "not enrolled", and none says whether a code was
// right.
type Service struct {
	store   Store
	config  Config
	invalid error
	queue   queue
}

// NewService makes a Service. If Config.Validate refuses the settings, every operation fails with its error.
func NewService(store Store, config Config) *Service {
	return &Service{store: store, config: config.withDefaults(), invalid: config.Validate()}
}

// Status is what may be shown of a user's factors. For a user who is not enrolled all fields are zero except Grace and
// those about operators.
type Status struct {
	// Enrolled reports whether a second factor is owed.
	Enrolled bool
	// Methods are those that would be judged, in the order of Config.Kinds.
	Methods []Method
	// Factors are the user's factors, in the order in which they were set up, without recovery codes.
	Factors []FactorStatus
	// Created is when the oldest of them was enrolled, Used when one was last accepted.
	Created, Used time.Time
	// RecoveryLeft of RecoveryTotal recovery codes have not been used.
	RecoveryLeft, RecoveryTotal int
	// RecoveryUnsaved: the user has not confirmed having saved the recovery codes.
	RecoveryUnsaved bool
	// BlockedUntil is when the next code will be judged; zero: at once, or never while Stopped.
	BlockedUntil time.Time
	// Stopped means that nothing is judged until an operator acts.
	Stopped bool
	// Devices are the trusted browsers, the most recently used first.
	Devices []DeviceStatus
	// Activity are the latest events, newest first.
	Activity []Event
	// Grace is when the grace period for a required factor began; zero if it did not. It is set only for users who are
	// not enrolled.
	Grace time.Time
	// Known: there is a record.
	Known bool
	// Reset: an operator has taken all factors away, so that a password alone opens nothing until the next set-up.
	Reset bool
	// OwesCode: the user has no factor, and the set-up of the first one needs a code that an operator made (OwesCode).
	OwesCode bool
	// CodeUntil is when an operator's code that has not been used ends; zero if there is none.
	CodeUntil time.Time
	// Contact is how the user can be reached; empty if nobody knows.
	Contact Contact
	// Unproved are sign-ins with the right password whose factor was not proved in time, the latest first, until the
	// user has said whose they were.
	Unproved []Unproved
}

// Bare reports whether the user has no factor and owes none, because no operator has taken it away.
func (s *Status) Bare() bool { return !s.Enrolled && !s.Reset }

// Blocked reports whether nothing is judged at the moment, because there were too many wrong codes.
func (s *Status) Blocked() bool { return s.Stopped || !s.BlockedUntil.IsZero() }

// FactorStatus is what may be shown of a factor.
type FactorStatus struct {
	// ID identifies it, Kind is its kind, Name is the owner's name for it.
	ID   string
	Kind Method
	Name string
	// Created is when it was enrolled, Used when it was last accepted.
	Created, Used time.Time
	// Synced: copies of it are kept elsewhere, by whoever keeps the user's passkeys.
	Synced bool
	// To is where a code would be sent now, masked; empty for kinds that send none, and if there is no address.
	To string
}

// Status reads the user's record. Only with a nil error does a Status without Enrolled mean "not enrolled".
func (s *Service) Status(ctx context.Context, user string) (Status, error) {
	record, exists, err := s.read(ctx, user)
	if err != nil {
		return Status{}, err
	}
	now := s.config.Now()
	status := Status{Known: exists || record.Waiting != nil, Reset: record.reset(), CodeUntil: record.Code.until(now)}
	status.OwesCode = OwesCode(exists, status.Reset, s.config.EnrolmentCode)
	if throttled := s.throttled(record, now); throttled != nil {
		status.BlockedUntil, status.Stopped = throttled.Until, throttled.Stopped
	}
	status.Unproved = record.asked()
	if record.Contact != nil {
		status.Contact = *record.Contact
	}
	status.Activity = slices.Clone(record.Activity)
	slices.Reverse(status.Activity)
	if !exists {
		if record.Waiting != nil {
			status.Grace = record.Waiting.Grace
		}
		return status, nil
	}
	s.factorsOf(ctx, record, &status)
	status.RecoveryUnsaved = status.RecoveryLeft > 0 && record.unsaved() >= 0
	for _, device := range s.trusted(record, now) {
		status.Devices = append(status.Devices, DeviceStatus{
			ID: device.ID, Browser: device.Browser, Key: slices.Clone(device.Key), Created: device.Created, Used: device.Used,
			Until: device.Created.Add(s.config.Remember),
		})
	}
	slices.SortStableFunc(status.Devices, func(a, b DeviceStatus) int { return b.Used.Compare(a.Used) })
	return status, nil
}

// factorsOf sets the part of a status that is about the factors.
func (s *Service) factorsOf(ctx context.Context, record Record, status *Status) {
	status.Enrolled = true
	for _, f := range record.Factors {
		if !f.Kind.standsAlone() {
			continue
		}
		kind, _ := s.config.kind(f.Kind)
		describer, describes := kind.(Describer)
		status.Factors = append(status.Factors, FactorStatus{
			ID: f.ID, Kind: f.Kind, Name: f.Name, Created: f.Created, Used: f.Used, Synced: describes && describer.Synced(f),
			To: to(kind, envOf(ctx, s, record.User, f.Kind), f),
		})
		if status.Created.IsZero() || f.Created.Before(status.Created) {
			status.Created = f.Created
		}
		if f.Used.After(status.Used) {
			status.Used = f.Used
		}
	}
	for _, kind := range s.config.Kinds {
		of := record.of(kind.Name())
		left, total := s.left(of...)
		if kind.Name() == MethodRecovery {
			status.RecoveryLeft, status.RecoveryTotal = left, total
		}
		if len(of) > 0 && (total == 0 || left > 0) {
			status.Methods = append(status.Methods, kind.Name())
		}
	}
}

// left returns how many answers are left in factors of one kind, and how many there were; zero if the kind's answers
// are not used up.
func (s *Service) left(factors ...Factor) (left, total int) {
	for _, f := range factors {
		kind, _ := s.config.kind(f.Kind)
		if counter, counts := kind.(Counter); counts {
			l, t := counter.Left(f)
			left, total = left+l, total+t
		}
	}
	return left, total
}

// Disable deletes the user's record: factors, recovery codes and throttle. Only the limits on what is sent outlast it,
// so that setting up anew brings no new ones. It requires no code: the caller has done
// that. ErrNotEnrolled if there is none.
func (s *Service) Disable(ctx context.Context, user string) error {
	return s.change(ctx, user, func(record Record, exists bool) (verdict, error) {
		if !exists {
			return verdict{}, ErrNotEnrolled
		}
		return emptied(s, record), nil
	})
}

// throttled returns nil if a code may be judged now.
func (s *Service) throttled(record Record, now time.Time) *ThrottledError {
	if record.Throttle.Failures >= s.config.Throttle.Stop {
		return &ThrottledError{Stopped: true}
	}
	if now.Before(record.Throttle.BlockedUntil) {
		return &ThrottledError{Until: record.Throttle.BlockedUntil}
	}
	return nil
}

// Remember returns how long a browser may be trusted; 0 if none is.
func (s *Service) Remember() time.Duration { return s.config.Remember }

// env returns what a kind gets.
func (s *Service) env(ctx context.Context, user string) Env { return envOf(ctx, s, user, "") }

// envOf is env for a kind that has addresses.
func envOf(ctx context.Context, s *Service, user string, name Method) Env {
	origin := originOf(ctx)
	return Env{
		App: s.config.App, User: user, Now: s.config.Now(), Random: s.config.Random, Site: origin.Site, Browser: origin.Browser,
		Address: origin.Addresses[name], Typed: origin.Typed,
	}
}

// idSize is the length of the random ID of an enrolment or a trusted browser, in bytes.
const idSize = 16

// random returns size random bytes, as text.
func (s *Service) random(size int) (string, error) {
	raw := make([]byte, size)
	if _, err := io.ReadFull(s.config.Random, raw); err != nil {
		return "", fmt.Errorf("factor: reading random bytes: %w", err)
	}
	return hex.EncodeToString(raw), nil
}

// DefaultTimeout is how long one operation of a Service may take, including all its reads, writes and retries. A store
// has shorter limits for its single calls; this one allows for many simultaneous operations, each of which has to wait
// for the store.
const DefaultTimeout = 30 * time.Second

// Config is a Service's configuration for its site. App and Kinds are required; all other zero values have defaults.
type Config struct {
	// App is the app that the users belong to.
	App string
	// Kinds are the kinds of factors that are judged here, in the order in which users see them. The first one is the
	// default for answers that name none. A factor of another kind is kept and proves nothing, but the user still owes
	// a factor.
	Kinds []Kind
	// Offered are the names of the kinds that users can set up, in the order in which they are offered. What users have
	// of another kind goes on to work. Default: all kinds that can be set up.
	Offered []Method
	// Throttle limits guessing.
	Throttle Throttle
	// Sending limits what is sent to a user, over all kinds.
	Sending sendlimit.Limits
	// EnrolmentCode makes everybody's first factor need a code that an operator made. Default: it does where an
	// operator has reset the account.
	EnrolmentCode bool
	// Fallback says which other ways serve a sign-in beside the strongest that a user has. Default: FallbackSame for
	// somebody with two passkeys or more, else FallbackAny.
	Fallback Fallback
	// Remember is how long a browser may be trusted; default 0: none is. RememberKey trusts only browsers that hold a
	// key.
	Remember    time.Duration
	RememberKey bool
	// Now is the clock; default time.Now.
	Now func() time.Time
	// Random is the source of seeds and codes; default crypto/rand.
	Random io.Reader
	// Timeout bounds every operation; default DefaultTimeout.
	Timeout time.Duration
}

// withDefaults sets the defaults of zero fields.
func (c Config) withDefaults() Config {
	c.Throttle = c.Throttle.withDefaults()
	c.Sending = c.Sending.WithDefaults()
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Random == nil {
		c.Random = rand.Reader
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	return c
}

// Validate checks the settings (ErrInvalid). Zero fields take their defaults first.
func (c Config) Validate() error {
	c = c.withDefaults()
	if c.App == "" || !utf8.ValidString(c.App) {
		return fmt.Errorf("%w: the app has no name", ErrInvalid)
	}
	if err := c.validateKinds(); err != nil {
		return err
	}
	if err := c.Throttle.Validate(); err != nil {
		return err
	}
	if err := c.Sending.Validate(); err != nil {
		return fmt.Errorf("%w: sending: %w", ErrInvalid, err)
	}
	if !c.Fallback.valid() {
		return fmt.Errorf("%w: fallback must be any, same or none", ErrInvalid)
	}
	if c.RememberKey && c.Remember <= 0 {
		return fmt.Errorf("%w: remember: a key needs a time", ErrInvalid)
	}
	if c.Remember < 0 {
		return fmt.Errorf("%w: remember must be positive", ErrInvalid)
	}
	if c.Timeout < 0 {
		return fmt.Errorf("%w: timeout must be positive", ErrInvalid)
	}
	return nil
}

func (c Config) validateKinds() error {
	stands := false
	for i, kind := range c.Kinds {
		name := kind.Name()
		if _, twice := (Config{Kinds: c.Kinds[:i]}).kind(name); twice || !name.wellFormed() {
			return fmt.Errorf("%w: two kinds of factors have the same name, or one has none", ErrInvalid)
		}
		if err := kind.Validate(); err != nil {
			return err
		}
		stands = stands || name.standsAlone()
	}
	for _, name := range c.Offered {
		if kind, _ := c.kind(name); !enrols(kind) {
			return fmt.Errorf("%w: a kind is offered that is not there, or that nobody sets up", ErrInvalid)
		}
	}
	if !stands {
		return fmt.Errorf("%w: there is no kind of factor", ErrInvalid)
	}
	return nil
}
