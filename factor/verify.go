package factor

import (
	"context"
	"time"
)

// VerifyTOTP judges a one-time code at a sign-in. ErrNotEnrolled, ErrWrongCode (also for a code that was used before), or a
// *ThrottledError; nil means that the code was right and is now used up.
func (s *Service) VerifyTOTP(ctx context.Context, user, code string) error {
	return s.attempt(ctx, user, EventTOTP, func(record *Record, now time.Time) (bool, error) {
		return s.useTOTP(record, code, now)
	})
}

// VerifyRecovery judges a recovery code at a sign-in and uses it up; left is how many remain. Errors as for VerifyTOTP.
func (s *Service) VerifyRecovery(ctx context.Context, user, code string) (left int, err error) {
	use := recoveryUser(code)
	err = s.attempt(ctx, user, EventRecovery, func(record *Record, _ time.Time) (bool, error) {
		right, err := use(record)
		if right {
			left = len(record.Recovery.Hashes)
		}
		return right, err
	})
	if err != nil {
		return 0, err
	}
	return left, nil
}

// Verify judges a code of either kind before a change of factors: what has as many digits as the user's one-time codes is one, anything else is
// taken for a recovery code. It tells which it was; on an error the method is empty. Errors as for VerifyTOTP.
func (s *Service) Verify(ctx context.Context, user, code string) (Method, error) {
	use := recoveryUser(code)
	var method Method
	err := s.attempt(ctx, user, "", func(record *Record, now time.Time) (bool, error) {
		if _, digits := normaliseDigits(code, record.TOTP.Digits); digits {
			method = MethodTOTP
			return s.useTOTP(record, code, now)
		}
		method = MethodRecovery
		return use(record)
	})
	if err != nil {
		return "", err
	}
	return method, nil
}

// attempt is the frame around every judgement: nothing is judged while the user is blocked, not even a right code; a
// wrong one is counted; a right one sets the count back, and is noted as the event, if it is one. use takes what it used out of
// the record that it is given.
func (s *Service) attempt(ctx context.Context, user string, event EventKind, use func(*Record, time.Time) (bool, error)) error {
	return s.change(ctx, user, func(record Record, exists bool) (verdict, error) {
		if !exists {
			return verdict{}, ErrNotEnrolled
		}
		now := s.config.Now()
		if throttled := s.throttled(record, now); throttled != nil {
			return verdict{}, throttled
		}
		right, err := use(&record, now)
		if err != nil {
			return verdict{}, err
		}
		if right {
			record.Throttle = ThrottleState{}
			if event != "" {
				record.happened(ctx, event, now.UTC())
			}
			return verdict{next: record}, nil
		}
		// Codes that could not possibly be right are counted as well: one rule, and one cost, for all of them.
		record.Throttle.Failures++
		record.Throttle.LastFailure = now.UTC()
		blockedUntil, _ := s.config.Throttle.After(record.Throttle.Failures, now.UTC())
		record.Throttle.BlockedUntil = blockedUntil
		record.happened(ctx, EventFailure, now.UTC())
		return verdict{next: record, outcome: ErrWrongCode}, nil
	})
}

// useTOTP tells whether the code belongs to a step later than the last one used, and remembers that step. The step is
// remembered and not the text: the same code can be typed in many spellings.
func (s *Service) useTOTP(record *Record, code string, now time.Time) (bool, error) {
	parameters := record.TOTP.Parameters()
	parameters.Skew = s.config.Parameters.Skew
	step, err := parameters.match(record.TOTP.Secret, code, now)
	if err != nil {
		return false, err
	}
	if step == noStep || step <= record.TOTP.Step {
		return false, nil
	}
	record.TOTP.Step, record.TOTP.Used = step, now.UTC()
	return true, nil
}

// recoveryUser makes a function that takes the typed recovery code out of a record's set. It remembers the slow hash,
// so that judging anew after a conflict costs no second one.
func recoveryUser(typed string) func(*Record) (bool, error) {
	code, ok := parseRecovery(typed)
	var salt string
	var iterations int
	var sum []byte
	return func(record *Record) (bool, error) {
		set := record.Recovery
		if !ok || set == nil || len(set.Hashes) == 0 {
			return false, nil
		}
		if sum == nil || salt != string(set.Salt) || iterations != set.Iterations {
			computed, err := set.hash(code)
			if err != nil {
				return false, err
			}
			salt, iterations, sum = string(set.Salt), set.Iterations, computed
		}
		at := set.find(sum)
		if at < 0 {
			return false, nil
		}
		left := make([][]byte, 0, len(set.Hashes)-1)
		left = append(left, set.Hashes[:at]...)
		left = append(left, set.Hashes[at+1:]...)
		next := *set
		next.Hashes = left
		record.Recovery = &next
		return true, nil
	}
}
