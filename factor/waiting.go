package factor

import (
	"context"
	"time"
)

// Waiting is the record of somebody who has no factor yet and of whom something must be remembered all the same. A
// record holds either this or a factor, never both, so that what has lost its factor by damage cannot be taken for it.
type Waiting struct {
	// Grace is when the time began in which a factor that is required may still be missing; zero: it did not begin.
	Grace time.Time `json:"grace,omitzero"`
	// Offered is when a factor was offered; zero: never.
	Offered time.Time `json:"offered,omitzero"`
}

func (r Record) validateWaiting() error {
	switch {
	case r.Factors != nil || r.Throttle != (ThrottleState{}) || r.Devices != nil || r.Activity != nil:
		return corrupt("somebody who has a factor waits for one")
	case r.Waiting.Grace.IsZero() && r.Waiting.Offered.IsZero():
		return corrupt("nothing is waited for")
	case !storable(r.Waiting.Grace) || !storable(r.Waiting.Offered):
		return corrupt("impossible time")
	}
	return nil
}

// BeginGrace tells when the user's time of grace began, which is now where it had not. ErrAlreadyEnrolled when there is
// nothing to wait for.
func (s *Service) BeginGrace(ctx context.Context, user string) (began time.Time, err error) {
	err = s.wait(ctx, user, func(waiting *Waiting, now time.Time) (changed bool) {
		if changed = waiting.Grace.IsZero(); changed {
			waiting.Grace = now
		}
		began = waiting.Grace
		return changed
	})
	return began, err
}

// Offer reports whether the user should be offered a factor: once, and never again. ErrAlreadyEnrolled when there is
// one.
func (s *Service) Offer(ctx context.Context, user string) (first bool, err error) {
	err = s.wait(ctx, user, func(waiting *Waiting, now time.Time) bool {
		if first = waiting.Offered.IsZero(); first {
			waiting.Offered = now
		}
		return first
	})
	return first && err == nil, err
}

// wait changes what is remembered of somebody without a factor. It costs no write where note changes nothing.
func (s *Service) wait(ctx context.Context, user string, note func(*Waiting, time.Time) (changed bool)) error {
	return s.change(ctx, user, func(record Record, exists bool) (verdict, error) {
		if exists {
			return verdict{}, ErrAlreadyEnrolled
		}
		var waiting Waiting
		if record.Waiting != nil {
			waiting = *record.Waiting
		}
		if !note(&waiting, s.config.Now().UTC()) {
			return verdict{keep: true}, nil
		}
		return verdict{next: Record{User: user, Waiting: &waiting}}, nil
	})
}
