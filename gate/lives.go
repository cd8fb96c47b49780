package gate

import (
	"time"

	"sallyport.example/sallyport/internal/age"
)

// Lives are how long sessions live.
type Lives struct {
	// Anonymous is the life of a stranger's session.
	Anonymous time.Duration
	// Pending is how long a challenge, or a required set-up, stays open.
	Pending time.Duration
	// Idle is how long a verified session lives without being used, and Lifetime how long at most.
	Idle, Lifetime time.Duration
}

// Moments are the times of a session that decide when it ends.
type Moments struct {
	// Created is when it began, Since when it came into its present state, Seen when its use was last written down.
	Created, Since, Seen time.Time
}

// End is when a session ends unless it changes before. Use prolongs a verified session only: neither strangers nor
// people who owe a factor keep theirs by asking for pages.
func (l Lives) End(state State, at Moments) time.Time {
	switch state {
	case Verified:
		end, idle := at.Since.Add(l.Lifetime), at.Seen.Add(l.Idle)
		if idle.Before(end) {
			return idle
		}
		return end
	case Pending, Enrolling:
		return at.Since.Add(l.Pending)
	}
	// Since is later than Created where a session went back to anonymous.
	began := at.Created
	if at.Since.After(began) {
		began = at.Since
	}
	return began.Add(l.Anonymous)
}

// touchEvery is how often at most the use of a session is written down.
const touchEvery = time.Minute

// TouchDue reports whether the use of a session has to be written down: it is verified, and that was not done within
// the last minute, or within a quarter of a shorter idle time. A time in the future, left by a clock that was set back
// since, is put right: the idle time would count from there.
func (l Lives) TouchDue(state State, now, seen time.Time) bool {
	return state == Verified && !age.Within(now, seen, min(touchEvery, l.Idle/4))
}
