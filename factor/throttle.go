package factor

import (
	"fmt"
	"time"
)

// MaxStop is the most failed attempts that a Throttle may allow: "no more than 100" (NIST SP 800-63B-4, 3.2.2).
const MaxStop = 100

// Throttle limits guessing. It counts wrong codes of every kind in the user's record, over all sessions and nodes; a
// right code sets the count back.
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

// withDefaults fills in what is left at zero.
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

// Validate tells what is wrong with the settings (ErrInvalid). Fields left at zero take their defaults first.
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

// After tells what follows when the count of wrong codes has become failures at the time now: until when nothing is
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
