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
	"errors"
	"time"
)

// Errors of a Store. A Service returns them wrapped.
var (
	// ErrNotFound says that there certainly is no record. It is the only answer that means "not enrolled".
	ErrNotFound = errors.New("factor: no such record")
	// ErrConflict says that the record is not at the expected version; nothing was changed.
	ErrConflict = errors.New("factor: the record was changed by someone else")
	// ErrUnavailable says that the store cannot answer now; whether a write was made is not known. Try again later.
	ErrUnavailable = errors.New("factor: the store is not available")
	// ErrCorrupt says that something is stored but cannot be used: another key, damage, an empty seed, an unknown
	// schema. An operator has to look at it.
	ErrCorrupt = errors.New("factor: the stored record cannot be used")
)

// Errors of a Service.
var (
	// ErrNotEnrolled says that the user has no second factor.
	ErrNotEnrolled = errors.New("factor: not enrolled")
	// ErrWrongCode says that the code is wrong, or was right once and is used up.
	ErrWrongCode = errors.New("factor: wrong code")
	// ErrThrottled matches every *ThrottledError.
	ErrThrottled = errors.New("factor: too many wrong codes")
	// ErrAlreadyEnrolled says that another enrolment was confirmed first.
	ErrAlreadyEnrolled = errors.New("factor: already enrolled")
	// ErrProposalStale says that the enrolment for which the proposal was made is gone, or that the proposal was made
	// for another user. A new proposal is needed.
	ErrProposalStale = errors.New("factor: the proposal is out of date")
	// ErrTooMany says that the user has as many factors of the kind as there may be.
	ErrTooMany = errors.New("factor: too many factors of the kind")
	// ErrNoSuchFactor says that the user has no factor with this ID.
	ErrNoSuchFactor = errors.New("factor: no such factor")
	// ErrLastFactor says that the factor is the only one, and has to stay.
	ErrLastFactor = errors.New("factor: the only factor has to stay")
	// ErrCopied says that the answer shows that there is a copy of the factor: its count of uses went back.
	ErrCopied = errors.New("factor: there is a copy of the factor")
	// ErrCodeOwed says that an operator has reset the account: its next set-up needs an enrolment code.
	ErrCodeOwed = errors.New("factor: an enrolment code is owed")
	// ErrInvalid says that a setting, a name or a proposal is not acceptable; nothing was read or written.
	ErrInvalid = errors.New("factor: invalid")
)

// WrongCodeError is an ErrWrongCode after which nothing is judged for a while, or until an operator acts. The wait has
// already been stored.
type WrongCodeError struct {
	// Until is when the next code will be judged; zero if Stopped.
	Until time.Time
	// Stopped means that an operator has to act.
	Stopped bool
}

// Error returns the text of ErrWrongCode: the next attempt reports the wait.
func (e *WrongCodeError) Error() string { return ErrWrongCode.Error() }

// Is makes errors.Is(err, ErrWrongCode) hold.
func (e *WrongCodeError) Is(target error) bool { return target == ErrWrongCode }

// UsedCodeError is an ErrWrongCode for exactly the code that was accepted last. That code is used up, so saying so
// reveals nothing. It counts like any other wrong code.
type UsedCodeError struct {
	// Until is when the next code begins.
	Until time.Time
}

// Error returns the text of ErrWrongCode.
func (e *UsedCodeError) Error() string { return ErrWrongCode.Error() }

// Is makes errors.Is(err, ErrWrongCode) hold.
func (e *UsedCodeError) Is(target error) bool { return target == ErrWrongCode }

// ThrottledError says that nothing is judged now, not even a right code. Use errors.As to get it; errors.Is matches it
// with ErrThrottled.
type ThrottledError struct {
	// Until is when the next code will be judged; zero if Stopped.
	Until time.Time
	// Stopped means that waiting does not help: an operator has to act (Help.Unblock or Service.Disable).
	Stopped bool
}

// Error says which of the two it is, without the user or the code.
func (e *ThrottledError) Error() string {
	if e.Stopped {
		return "factor: too many wrong codes, stopped until an operator acts"
	}
	return "factor: too many wrong codes, blocked until " + e.Until.UTC().Format(time.RFC3339)
}

// Is makes errors.Is(err, ErrThrottled) hold.
func (e *ThrottledError) Is(target error) bool { return target == ErrThrottled }
