package factor

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"sallyport.example/sallyport/internal/age"
)

// SignIn judges an answer at a sign-in. The error is ErrNotEnrolled, ErrWrongCode (also if the user has no factor of
// the kind, or none that serves a sign-in, see Config.Fallback; a *UsedCodeError for the code that was used last, a
// *WrongCodeError if a wait follows), or a *ThrottledError. Nil means that the answer was right and is now used up.
// left is how many answers remain, for a kind whose answers are used up (Counter).
func (s *Service) SignIn(ctx context.Context, user string, answer Answer) (left int, err error) {
	return s.signIn(ctx, user, answer, func(*Record, time.Time) {})
}

// signIn is SignIn with a further change of the record in the same write, if the answer is right.
func (s *Service) signIn(ctx context.Context, user string, answer Answer, also func(*Record, time.Time)) (left int, err error) {
	use, err := s.judging(user, answer)
	if err != nil {
		return 0, err
	}
	err = s.attempt(ctx, user, attempt{event: signInWith(answer.Kind), free: free(s, answer.Kind)}, func(record *Record, now time.Time) (bool, error) {
		if !s.config.Fallback.Serves(answer.Kind, record.kinds()) {
			return false, nil // as if the user had none of the kind
		}
		used, right, err := use(record, now)
		if right {
			left, _ = s.left(used...)
			also(record, now)
		}
		return right, err
	})
	if err != nil {
		return 0, err
	}
	return left, nil
}

// Verify judges an answer before a change of factors. A code whose form shows its kind (Recogniser) is judged as that
// kind, any other one as the named kind, by default the first of Config.Kinds. It returns which kind it was, or an
// empty method with an error. Errors are like those of SignIn, and ErrTooWeak, without a look at the code, for a sent
// code of somebody who has something stronger (Proves).
func (s *Service) Verify(ctx context.Context, user string, answer Answer) (Method, error) {
	if answer.Kind == "" && len(s.config.Kinds) > 0 {
		answer.Kind = s.config.Kinds[0].Name()
	}
	for _, kind := range s.config.Kinds {
		if recogniser, ok := kind.(Recogniser); ok && recogniser.Recognises(answer.Text) {
			answer.Kind = kind.Name()
		}
	}
	use, err := s.judging(user, answer)
	if err != nil {
		return "", err
	}
	err = s.attempt(ctx, user, attempt{free: free(s, answer.Kind)}, func(record *Record, now time.Time) (bool, error) {
		if !Proves(answer.Kind, record.kinds()) {
			return false, ErrTooWeak
		}
		_, right, err := use(record, now)
		return right, err
	})
	if err != nil {
		return "", err
	}
	return answer.Kind, nil
}

// attempt says how an answer is judged.
type attempt struct {
	// event is what a right answer is recorded as; empty: it is not.
	event EventKind
	// free: the answer is of a kind that nobody guesses (Unguessable).
	free bool
	// keeps: a right answer changes nothing in the record.
	keeps bool
}

// free reports whether the throttle's wait is not about this kind.
func free(s *Service, name Method) bool {
	kind, _ := s.config.kind(name)
	_, free := kind.(Unguessable)
	return free
}

// attempt is the frame around every judgement: nothing is judged while the user is blocked, not even a right code; a
// wrong code is counted; a right one resets the count, and is recorded as the event, if one is given. use removes what
// it used from the record that it gets. What nobody guesses is judged while codes are not, and leaves the count as it
// is.
func (s *Service) attempt(ctx context.Context, user string, as attempt, use func(*Record, time.Time) (bool, error)) error {
	return s.change(ctx, user, func(record Record, exists bool) (verdict, error) {
		if !exists {
			return verdict{}, ErrNotEnrolled
		}
		return judged(ctx, s, record, as, use)
	})
}

// judged is what attempt does with one reading of a record.
func judged(ctx context.Context, s *Service, record Record, as attempt, use func(*Record, time.Time) (bool, error)) (verdict, error) {
	now := s.config.Now()
	if throttled := s.throttled(record, now); throttled != nil && (throttled.Stopped || !as.free) {
		return verdict{}, throttled
	}
	right, err := use(&record, now)
	var used *UsedCodeError
	switch {
	case errors.Is(err, ErrCopied):
		record.happened(ctx, EventCopied, now.UTC())
		return verdict{next: record, outcome: ErrCopied}, nil
	case err != nil && !errors.As(err, &used):
		return verdict{}, err
	}
	if right && as.keeps {
		return verdict{keep: true}, nil
	}
	if right {
		if !as.free {
			record.Throttle = ThrottleState{}
		}
		if as.event != "" {
			record.happened(ctx, as.event, now.UTC())
		}
		return verdict{next: record}, nil
	}
	if as.free {
		return verdict{keep: true, outcome: ErrWrongCode}, nil
	}
	// Codes that could not possibly be right are counted as well: one rule, and one cost, for all of them.
	record.Throttle.Failures++
	record.Throttle.LastFailure = now.UTC()
	blockedUntil, stopped := s.config.Throttle.After(record.Throttle.Failures, now.UTC())
	record.Throttle.BlockedUntil = blockedUntil
	record.happened(ctx, EventFailure, now.UTC())
	if stopped || !blockedUntil.IsZero() {
		return verdict{next: record, outcome: &WrongCodeError{Until: blockedUntil, Stopped: stopped}}, nil
	}
	if used != nil {
		return verdict{next: record, outcome: used}, nil //nolint:nilerr // the error is the outcome
	}
	return verdict{next: record, outcome: ErrWrongCode}, nil
}

// judging prepares the judgement of one answer by all factors of its kind. used are the factors that accepted it, as
// they were put into the record. An answer that two factors accept, as may happen with codes of six digits, is used up
// in both.
func (s *Service) judging(user string, answer Answer) (func(*Record, time.Time) (used []Factor, right bool, err error), error) {
	if err := s.check(user); err != nil {
		return nil, err
	}
	kind, known := s.config.kind(answer.Kind)
	if !known {
		return nil, fmt.Errorf("%w: there is no such kind of factor", ErrInvalid)
	}
	if asked := answer.Asked; asked != nil && (asked.Kind != answer.Kind || !asked.of(Env{App: s.config.App, User: user}) ||
		!age.Within(s.config.Now(), asked.Created, lifetime(kind))) {
		return nil, ErrProposalStale
	}
	judge := kind.Judge(answer)
	return func(record *Record, now time.Time) (used []Factor, right bool, err error) {
		factors := slices.Clone(record.Factors)
		var spent *UsedCodeError
		for i, f := range factors {
			if f.Kind != answer.Kind {
				continue
			}
			next, right, err := judge(f, now)
			switch {
			case errors.As(err, &spent):
				continue
			case err != nil:
				return nil, false, err
			}
			if right {
				factors[i] = next
				used = append(used, next)
			}
		}
		switch {
		case len(used) == 0 && spent != nil:
			return nil, false, spent
		case len(used) == 0:
			return nil, false, nil
		}
		record.Factors = factors
		return used, true, nil
	}, nil
}

// QuestionLifetime is how long a question can be answered (Service.Ask).
const QuestionLifetime = 5 * time.Minute

// Ask makes the question that the user's answer of this kind belongs to; nothing is stored. The returned ceremony is
// kept in the session, and prompt is shown or sent. ErrNotEnrolled if the user has no factor of the kind.
func (s *Service) Ask(ctx context.Context, user string, name Method) (ceremony Ceremony, prompt string, err error) {
	if err := s.check(user); err != nil {
		return Ceremony{}, "", err
	}
	kind, _ := s.config.kind(name)
	asker, ok := kind.(Asker)
	if !ok {
		return Ceremony{}, "", fmt.Errorf("%w: there is no such kind of factor, or it asks nothing", ErrInvalid)
	}
	record, _, err := s.read(ctx, user)
	if err != nil {
		return Ceremony{}, "", err
	}
	factors := record.of(name)
	if len(factors) == 0 {
		return Ceremony{}, "", ErrNotEnrolled
	}
	env := s.env(ctx, user)
	if ceremony, prompt, err = asker.Ask(env, factors); err != nil {
		return Ceremony{}, "", err
	}
	ceremony.Kind, ceremony.App, ceremony.User, ceremony.Created = name, env.App, env.User, env.Now.UTC()
	return ceremony, prompt, nil
}

// MaxStop is the most failed attempts that a Throttle may allow: "no more than 100" (NIST SP 800-63B-4, 3.2.2).
const MaxStop = 100

// Throttle limits guessing. It counts wrong codes of every kind in the user's record, over all sessions and nodes; a
// right code resets the count.
type Throttle struct {
	// Free is how many wrong codes may follow each other without waiting; default 5.
	Free int
	// Delay is the wait after wrong code number Free; it doubles with every further one. Default 30s.
	Delay time.Duration
	// MaxDelay is the longest wait; default 1h.
	MaxDelay time.Duration
	// Stop is the number of wrong codes after which nothing is judged until an operator acts; default and most 100.
	Stop int
}

// DefaultThrottle is 5 free attempts, then 30 seconds doubling to an hour, and a stop after 100.
func DefaultThrottle() Throttle {
	return Throttle{Free: 5, Delay: 30 * time.Second, MaxDelay: time.Hour, Stop: MaxStop}
}

// withDefaults sets the defaults of zero fields.
func (t Throttle) withDefaults() Throttle {
	standard := DefaultThrottle()
	if t.Free == 0 {
		t.Free = standard.Free
		if t.Stop > 0 && t.Stop < t.Free {
			t.Free = t.Stop
		}
	}
	if t.Delay == 0 {
		t.Delay = standard.Delay
	}
	if t.MaxDelay == 0 {
		t.MaxDelay = max(standard.MaxDelay, t.Delay)
	}
	if t.Stop == 0 {
		t.Stop = standard.Stop
	}
	return t
}

// Validate checks the settings (ErrInvalid). Zero fields take their defaults first.
func (t Throttle) Validate() error {
	t = t.withDefaults()
	switch {
	case t.Free < 1:
		return fmt.Errorf("%w: throttle: free must be at least 1", ErrInvalid)
	case t.Delay < 0:
		return fmt.Errorf("%w: throttle: delay must be positive", ErrInvalid)
	case t.MaxDelay < t.Delay:
		return fmt.Errorf("%w: throttle: max_delay must not be shorter than delay", ErrInvalid)
	case t.Stop < t.Free:
		return fmt.Errorf("%w: throttle: stop must not be less than free", ErrInvalid)
	case t.Stop > MaxStop:
		return fmt.Errorf("%w: throttle: stop must not be more than %d (NIST SP 800-63B-4, 3.2.2)", ErrInvalid, MaxStop)
	}
	return nil
}

// After returns what follows when the count of wrong codes has become failures at the time now: until when nothing is
// judged (zero: no wait), and whether everything stops until an operator acts. It is a pure function.
func (t Throttle) After(failures int, now time.Time) (blockedUntil time.Time, stopped bool) {
	t = t.withDefaults()
	if failures >= t.Stop {
		return time.Time{}, true
	}
	if failures < t.Free {
		return time.Time{}, false
	}
	wait := t.Delay
	// Doubling step by step, with the comparison on the halved limit, cannot overflow.
	for range failures - t.Free {
		if wait > t.MaxDelay/2 {
			wait = t.MaxDelay
			break
		}
		wait *= 2
	}
	return now.Add(min(wait, t.MaxDelay)), false
}

// SignInAndAsk is SignIn for a user who is asked next whether to trust the browser (Trust). mark identifies the factors
// that the user has now; it is not secret, and empty if Config.Remember is zero.
func (s *Service) SignInAndAsk(ctx context.Context, user string, answer Answer) (mark string, err error) {
	_, err = s.signIn(ctx, user, answer, func(record *Record, _ time.Time) {
		if s.config.Remember > 0 {
			mark = record.mark()
		}
	})
	if err != nil {
		return "", err
	}
	return mark, nil
}

// Trust trusts a browser in which, as the caller knows, a factor was proved just now. mark is the mark of the factors
// at that time. If they have changed since, which ended all trust, the error is ErrNotTrusted, and nothing is trusted.
// credential is the secret for the browser to keep.
func (s *Service) Trust(ctx context.Context, user, mark string, trust Trust) (credential string, err error) {
	if s.config.Remember <= 0 || mark == "" || !MayTrust(s, trust.Key) {
		return "", ErrNotTrusted
	}
	credential, add, err := trusting(ctx, s, user, trust)
	if err != nil {
		return "", err
	}
	err = s.change(ctx, user, func(record Record, exists bool) (verdict, error) {
		if !exists || record.mark() != mark {
			return verdict{}, ErrNotTrusted
		}
		add(&record, s.config.Now())
		return verdict{next: record}, nil
	})
	if err != nil {
		return "", err
	}
	return credential, nil
}

// trusting returns a new trusted browser's credential, and a function that adds the browser to a record.
func trusting(ctx context.Context, s *Service, user string, trust Trust) (string, func(*Record, time.Time), error) {
	id, err := s.random(idSize)
	if err != nil {
		return "", nil, err
	}
	secret, err := s.random(deviceSecretSize)
	if err != nil {
		return "", nil, err
	}
	browser := originOf(ctx).Browser
	return id + "." + secret, func(record *Record, now time.Time) {
		devices := slices.DeleteFunc(s.trusted(*record, now), trust.replaces)
		record.Devices = withDevice(devices, Device{
			ID: id, Hash: deviceHash(secret, user, browser), Key: trust.Key, Browser: browser, Created: now.UTC(), Used: now.UTC(),
		})
	}, nil
}

// mark identifies the factors of a record: another set-up, a reset and new recovery codes change it, and using the
// factors does not.
func (r Record) mark() string {
	hash := sha256.New()
	for _, f := range r.Factors {
		fmt.Fprintf(hash, "%d:%s %d:%s %d\n", len(f.Kind), f.Kind, len(f.ID), f.ID, f.Created.UnixNano())
	}
	return hex.EncodeToString(hash.Sum(nil)[:16])
}
