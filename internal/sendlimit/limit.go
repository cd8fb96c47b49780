// Package sendlimit decides when the next message may be sent to a user, by what was sent before. It is pure: the log
// of what was sent is kept, and changed at once with the decision, by package factor.
package sendlimit

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"sallyport.example/sallyport/internal/age"
)

const (
	// day and hour are the windows of the limits.
	day  = 24 * time.Hour
	hour = time.Hour
	// most is the highest limit, which bounds what a record keeps.
	most = 100
	// triesFor is how many messages may be tried in an hour for each that may be sent in one: what fails to be sent
	// costs the user nothing, and whoever has a password must not have a sender called without end.
	triesFor = 10
)

// Limits say how many messages a user may have sent. Zero fields take the defaults.
type Limits struct {
	// Delay is the wait after the first message; it doubles with every further one within an hour. Default: 30s.
	Delay time.Duration
	// Hour and Day are the most messages within an hour and within a day. Default: 5 and 20.
	Hour, Day int
}

// WithDefaults sets the defaults of zero fields.
func (l Limits) WithDefaults() Limits {
	if l.Delay == 0 {
		l.Delay = 30 * time.Second
	}
	if l.Hour == 0 {
		l.Hour = 5
		if l.Day > 0 {
			l.Hour = min(l.Hour, l.Day)
		}
	}
	if l.Day == 0 {
		l.Day = max(20, l.Hour)
	}
	return l
}

// Validate checks the limits. Zero fields take their defaults first.
func (l Limits) Validate() error {
	l = l.WithDefaults()
	switch {
	case l.Delay < 0 || l.Delay > hour:
		return errors.New("delay must be positive, and at most 1h")
	case l.Hour < 1 || l.Day < 1 || l.Hour > most || l.Day > most:
		return fmt.Errorf("hour and day must be from 1 to %d", most)
	case l.Day < l.Hour:
		return errors.New("day must not be less than hour")
	}
	return nil
}

// Log is what was sent to a user lately.
type Log struct {
	// Sent are the messages of the last day, the oldest first.
	Sent []Sent `json:"sent,omitempty"`
	// Tries is how many messages there were, sent or not, in the hour that began at Since.
	Tries int       `json:"tries,omitempty"`
	Since time.Time `json:"since,omitzero"`
}

// Sent is one message.
type Sent struct {
	// At is when it was sent.
	At time.Time `json:"at"`
	// Unsure: nobody knows whether it was. It counts in the hour and the day, since it may have cost something, and the
	// user need not wait for the next one, since there may be none to type in.
	Unsure bool `json:"unsure,omitempty"`
}

// Valid reports whether a log can be kept.
func (l *Log) Valid() bool {
	return len(l.Sent) <= most && l.Tries >= 0 && storable(l.Since) &&
		!slices.ContainsFunc(l.Sent, func(s Sent) bool { return s.At.IsZero() || !storable(s.At) })
}

// storable reports whether JSON can hold the time.
func storable(t time.Time) bool { return t.Year() >= 0 && t.Year() <= 9999 }

// Recent reports whether there is something in the log that still counts.
func (l *Log) Recent(now time.Time) bool {
	return l != nil && (age.Within(now, l.Since, hour) || slices.ContainsFunc(l.Sent, func(s Sent) bool { return age.Within(now, s.At, day) }))
}

// Next is when the next message may be sent; now or earlier: at once. What lies in the future, because a clock was set
// back, does not count, as everywhere.
func (l *Log) Next(limits Limits, now time.Time) (at time.Time) {
	if l == nil {
		return time.Time{}
	}
	limits = limits.WithDefaults()
	later := func(other time.Time) {
		if other.After(at) {
			at = other
		}
	}
	within := func(d time.Duration) (found []Sent) {
		for _, s := range l.Sent {
			if age.Within(now, s.At, d) {
				found = append(found, s)
			}
		}
		return found
	}
	if today := within(day); len(today) >= limits.Day {
		later(today[len(today)-limits.Day].At.Add(day))
	}
	lately := within(hour)
	if len(lately) >= limits.Hour {
		later(lately[len(lately)-limits.Hour].At.Add(hour))
	}
	if lately = slices.DeleteFunc(lately, func(s Sent) bool { return s.Unsure }); len(lately) > 0 {
		wait := limits.Delay
		for range lately[1:] {
			wait = min(2*wait, hour)
		}
		later(lately[len(lately)-1].At.Add(wait))
	}
	if age.Within(now, l.Since, hour) && l.Tries >= triesFor*limits.Hour {
		later(l.Since.Add(hour))
	}
	return at
}

// Add returns the log with one more message.
func (l *Log) Add(now time.Time) *Log {
	next := &Log{Tries: 1, Since: now}
	if l != nil {
		for _, s := range l.Sent {
			if age.Within(now, s.At, day) {
				next.Sent = append(next.Sent, s)
			}
		}
		if age.Within(now, l.Since, hour) {
			next.Tries, next.Since = l.Tries+1, l.Since
		}
	}
	next.Sent = append(next.Sent, Sent{At: now})
	return next
}

// GiveBack returns the log without the message of that time, which was not sent; or with it, if nobody knows.
func (l *Log) GiveBack(at time.Time, unsure bool) *Log {
	if l == nil {
		return nil
	}
	next := *l
	next.Sent = slices.Clone(l.Sent)
	for i, s := range slices.Backward(next.Sent) {
		switch {
		case !s.At.Equal(at) || s.Unsure:
			continue
		case unsure:
			next.Sent[i].Unsure = true
		default:
			next.Sent = slices.Delete(next.Sent, i, i+1)
		}
		break
	}
	return &next
}
