// Package age has the one comparison that every age goes through: a code just given, an answer of the app's, a time of
// grace, the trust in a browser, the last use of a session.
//
// It is a room of its own since factor, session and gateway all need it, and none of them may know another one for
// that.
package age

import "time"

// Within reports whether what happened at a time is younger than d now. What lies in the future is never fresh:
// clocks are set back, and those of two machines differ. Nor is the zero time, or anything where d is not positive.
func Within(now, at time.Time, d time.Duration) bool {
	return !at.IsZero() && !at.After(now) && now.Sub(at) < d
}
