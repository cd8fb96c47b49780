package age

import (
	"math"
	"testing"
	"time"
)

// TestWithin: only what has happened, and not longer ago than it may, is fresh. A comparison of now.Sub(at) alone
// takes everything that lies in the future for fresh.
func TestWithin(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name string
		at   time.Time
		d    time.Duration
		want bool
	}{
		{"now", now, time.Minute, true},
		{"now, in another zone", now.In(time.FixedZone("", 3600)), time.Minute, true},
		{"a moment ago", now.Add(-time.Nanosecond), time.Minute, true},
		{"almost too old", now.Add(time.Nanosecond - time.Minute), time.Minute, true},
		{"too old", now.Add(-time.Minute), time.Minute, false},
		{"a moment ahead", now.Add(time.Nanosecond), time.Minute, false},
		{"a second ahead", now.Add(time.Second), time.Minute, false},
		{"far ahead", now.AddDate(900, 0, 0), time.Minute, false},
		{"never", time.Time{}, math.MaxInt64, false},
		{"no time at all", now, 0, false},
		{"less than none", now.Add(-time.Second), -time.Minute, false},
		{"less than none, ahead", now.Add(time.Hour), -time.Minute, false},
		{"longer ago than can be counted", now.AddDate(-1000, 0, 0), math.MaxInt64, false},
		{"for ever", now.AddDate(-200, 0, 0), math.MaxInt64, true},
	} {
		if got := Within(now, test.at, test.d); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}
