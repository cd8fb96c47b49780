package factor

import (
	"context"
	"slices"
	"time"
	"unicode/utf8"
)

const (
	// maxUnproved is how many sign-ins without a factor a record keeps. Whoever has the password can make any number of
	// them; further ones are not noted.
	maxUnproved = 16
	// exposedFor is the time in which the user is told once of sign-ins from the same place.
	exposedFor = 24 * time.Hour
)

// Unproved is a sign-in with the right password, from a browser in which the user was never seen, for which no factor
// has been proved so far.
type Unproved struct {
	// Session is the session's ID in events.
	Session string `json:"session"`
	// At is when the password was right.
	At time.Time `json:"at"`
	// Block is the part of the client's address that counts as one place, Address is all of it, and Browser is the kind
	// of browser.
	Block   string `json:"block"`
	Address string `json:"address,omitempty"`
	Browser string `json:"browser,omitempty"`
	// State says whether it still waits for the factor.
	State UnprovedState `json:"state,omitempty"`
}

// UnprovedState is the state of an Unproved.
type UnprovedState string

// The states of an Unproved.
const (
	// Open: the factor may still be proved.
	Open UnprovedState = ""
	// Told: the factor was not proved in time. The user is told, and asked whose sign-in it was.
	Told UnprovedState = "told"
	// Answered: the user has said whose it was. It is kept so that the user is not told of the same place twice in a
	// day.
	Answered UnprovedState = "answered"
)

func (u *Unproved) valid() bool {
	for _, text := range []string{u.Session, u.Block, u.Address, u.Browser} {
		if len(text) > maxOrigin || !utf8.ValidString(text) {
			return false
		}
	}
	return u.Session != "" && storable(u.At) && slices.Contains([]UnprovedState{Open, Told, Answered}, u.State)
}

// Watch is what a proved factor means for the sign-ins that wait for one. It goes with the Origin of a request, so that
// the write that the proof makes anyway settles them.
type Watch struct {
	// Session is the one in which the factor is proved.
	Session string
	// Over is the time up to which a sign-in is too old for its factor to be proved.
	Over time.Time
	// Told is set to those that are too old and of which the user has not been told, because the gateway that watched
	// them was stopped.
	Told []Unproved
	// Asks is set if the user has not yet said of all of them whose they were.
	Asks bool
}

// settle updates the sign-ins without a factor when a factor is proved in one of their sessions, and fills the watch
// in.
func (r *Record) settle(watch *Watch, now time.Time) {
	if watch == nil {
		return
	}
	watch.Told, watch.Asks = nil, false
	kept := slices.DeleteFunc(slices.Clone(r.Unproved), func(u Unproved) bool {
		return u.State == Open && u.Session == watch.Session || u.State == Answered && !now.Before(u.At.Add(exposedFor))
	})
	r.Unproved = nil
	for _, u := range kept {
		if u.State == Open && !u.At.After(watch.Over) {
			if r.toldOf(u.Block, u.At) {
				continue
			}
			u.State = Told
			watch.Told = append(watch.Told, u)
		}
		watch.Asks = watch.Asks || u.State == Told
		r.Unproved = append(r.Unproved, u)
	}
}

// toldOf reports whether the user was told of a sign-in from this place within a day of that time.
func (r *Record) toldOf(block string, at time.Time) bool {
	return slices.ContainsFunc(r.Unproved, func(u Unproved) bool {
		return u.State != Open && u.Block == block && at.Sub(u.At).Abs() < exposedFor
	})
}

// NoteUnproved notes a sign-in with a right password from a browser in which the user was never seen. It reports
// whether the sign-in now waits for its factor. It does not if the user has no factor, was told of that place already,
// or has too many that wait.
func NoteUnproved(ctx context.Context, s *Service, user string, one Unproved) (waits bool, err error) {
	one.At, one.State = one.At.UTC(), Open
	one.Address, one.Browser = short(one.Address), short(one.Browser)
	if !one.valid() {
		return false, nil
	}
	err = s.change(ctx, user, func(record Record, exists bool) (verdict, error) {
		waits = false
		if !exists || record.toldOf(one.Block, one.At) {
			return verdict{keep: true}, nil
		}
		others := slices.DeleteFunc(slices.Clone(record.Unproved), func(u Unproved) bool {
			return u.State == Open && u.Session == one.Session || u.State == Answered && !one.At.Before(u.At.Add(exposedFor))
		})
		if len(others) >= maxUnproved {
			return verdict{keep: true}, nil
		}
		waits = true
		record.Unproved = append(others, one)
		return verdict{next: record}, nil
	})
	return waits && err == nil, err
}

// ExposeUnproved ends the wait of a sign-in that was made at the time by or earlier, because its factor was not proved.
// It reports whether the user must be told (news): only one of several simultaneous calls, on all gateways, gets true,
// and each place gives true once a day.
func ExposeUnproved(ctx context.Context, s *Service, user, session string, by time.Time) (one Unproved, news bool, err error) {
	err = s.change(ctx, user, func(record Record, _ bool) (verdict, error) {
		news = false
		at := slices.IndexFunc(record.Unproved, func(u Unproved) bool {
			return u.State == Open && u.Session == session && !u.At.After(by)
		})
		if at < 0 {
			return verdict{keep: true}, nil
		}
		one = record.Unproved[at]
		record.Unproved = slices.Delete(slices.Clone(record.Unproved), at, at+1)
		if news = !record.toldOf(one.Block, one.At); news {
			one.State = Told
			record.Unproved = append(record.Unproved, one)
		}
		return verdict{next: record}, nil
	})
	return one, news && err == nil, err
}

// AnswerUnproved notes that the user has said whose the sign-ins in the state Told were.
func AnswerUnproved(ctx context.Context, s *Service, user string) error {
	return s.change(ctx, user, func(record Record, _ bool) (verdict, error) {
		unproved := slices.Clone(record.Unproved)
		changed := false
		for i := range unproved {
			if unproved[i].State == Told {
				unproved[i].State, changed = Answered, true
			}
		}
		record.Unproved = unproved
		return verdict{next: record, keep: !changed}, nil
	})
}

// asked returns the sign-ins in the state Told, the latest first: the user has not said yet whose they were.
func (r *Record) asked() (told []Unproved) {
	for _, u := range slices.Backward(r.Unproved) {
		if u.State == Told {
			told = append(told, u)
		}
	}
	return told
}
