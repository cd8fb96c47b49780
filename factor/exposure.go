package factor

import (
	"context"
	"slices"
	"time"
	"unicode/utf8"
)

const (
	// maxUnproved is how many sign-ins without a factor a record remembers. Whoever has the password can make any
	// number; what comes after these brings no news.
	maxUnproved = 16
	// exposedFor is for how long one place is told of once.
	exposedFor = 24 * time.Hour
)

// Unproved is a sign-in with the right password, from a browser in which the user was never seen, for which no factor
// was proved, or not yet.
type Unproved struct {
	// Session is what events call the session.
	Session string `json:"session"`
	// At is when the password was right.
	At time.Time `json:"at"`
	// Block is the part of the client's address that counts as one place, Address is all of it, and Browser is the kind
	// of browser.
	Block   string `json:"block"`
	Address string `json:"address,omitempty"`
	Browser string `json:"browser,omitempty"`
	// State is where it stands.
	State UnprovedState `json:"state,omitempty"`
}

// UnprovedState is where a sign-in without a factor stands.
type UnprovedState string

// The states of an Unproved.
const (
	// Open: the factor may still be proved.
	Open UnprovedState = ""
	// Told: it was not, and the user is told and asked.
	Told UnprovedState = "told"
	// Answered: the user has said whose it was. It is kept so that the same place is not told of again the same day.
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
	// Over is the time before which whoever has signed in can prove nothing any more.
	Over time.Time
	// Told is set to those of which nobody had been told that they came to nothing: the gateway that had an eye on them
	// was stopped.
	Told []Unproved
	// Asks is set if there are some about which the user has not said whose they were.
	Asks bool
}

// settle settles what waits, at a proof.
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

// toldOf reports whether the user was told of a place within a day of that time.
func (r *Record) toldOf(block string, at time.Time) bool {
	return slices.ContainsFunc(r.Unproved, func(u Unproved) bool {
		return u.State != Open && u.Block == block && at.Sub(u.At).Abs() < exposedFor
	})
}

// NoteUnproved notes a sign-in with a right password from a browser in which the user was never seen. It reports
// whether it waits now: not if the user has no factor, was told of that place already, or too many wait.
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

// ExposeUnproved has a sign-in come to nothing, if it waits and was made by that time. It reports whether that is news:
// of several that ask at the same moment, on all gateways, one is told so, and each place is news once a day.
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

// AnswerUnproved notes that the user has said whose the sign-ins were that came to nothing.
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

// asked are the sign-ins that came to nothing and of which the user has not said whose they were, the latest first.
func (r *Record) asked() (told []Unproved) {
	for _, u := range slices.Backward(r.Unproved) {
		if u.State == Told {
			told = append(told, u)
		}
	}
	return told
}
