package gate

import (
	"time"

	"sallyport.example/sallyport/internal/age"
)

// Lives says how long sessions live.
type Lives struct {
	// Anonymous is the life of a stranger's session.
	Anonymous time.Duration
	// Pending is how long a challenge, or a required set-up, stays open.
	Pending time.Duration
	// Idle is how long a verified session lives without being used. Lifetime is how long it lives at most.
	Idle, Lifetime time.Duration
}

// Moments are the times of a session that decide when it ends.
type Moments struct {
	// Created is when the session began, Since when it came into its present state, and Seen when its use was last
	// recorded.
	Created, Since, Seen time.Time
}

// End returns when a session ends unless it changes before. Use prolongs verified sessions only: neither strangers nor
// users who owe a factor prolong theirs by asking for pages.
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
	// Since is later than Created if the session went back to anonymous.
	began := at.Created
	if at.Since.After(began) {
		began = at.Since
	}
	return began.Add(l.Anonymous)
}

// touchEvery is how often the use of a session is recorded at most.
const touchEvery = time.Minute

// TouchDue reports whether the use of a session has to be recorded: the session is verified, and its use was not
// recorded within the last minute, or within a quarter of a shorter idle time. A time in the future, left by a clock
// that has been set back since, is corrected, because otherwise the idle time would count from it.
func (l Lives) TouchDue(state State, now, seen time.Time) bool {
	return state == Verified && !age.Within(now, seen, min(touchEvery, l.Idle/4))
}
