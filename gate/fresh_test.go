package gate

import (
	"testing"
	"time"
)

// noon is the present in the tables of ages.
var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// ago is a time before noon.
func ago(d time.Duration) time.Time { return noon.Add(-d) }

// TestP5_CheckDue: a session is used only with a recent answer of the app, and not at all after something that may have
// put another user's cookies into it. A check in the future comes from another clock and does not count.
func TestP5_CheckDue(t *testing.T) {
	for _, test := range []struct {
		name     string
		checked  time.Time
		doubtful bool
		want     Check
	}{
		{"just now", noon, false, NoCheck},
		{"lately", ago(time.Minute - 1), false, NoCheck},
		{"too long ago", ago(time.Minute), false, CheckOnce},
		{"in the future", ago(-1), false, CheckOnce},
		{"far in the future", ago(-time.Hour), false, CheckOnce},
		{"a check that failed", time.Time{}, false, CheckEach},
		{"lately, but doubtful", noon, true, CheckEach},
		{"too long ago and doubtful", ago(time.Hour), true, CheckEach},
		{"in the future and doubtful", ago(-time.Hour), true, CheckEach},
		{"a check that failed, and doubtful", time.Time{}, true, CheckEach},
	} {
		if got := CheckDue(noon, test.checked, time.Minute, test.doubtful); got != test.want {
			t.Errorf("%s: %d, want %d", test.name, got, test.want)
		}
	}
	if got := CheckDue(noon, noon, 0, false); got != CheckOnce {
		t.Errorf("an answer that counts for no time at all: %d", got)
	}
	if zero := *new(Check); zero != CheckEach {
		t.Errorf("the zero value is %d", zero)
	}
}

// TestNeedsProof: somebody who finds a signed-in browser cannot change its user's factor without proving one.
func TestNeedsProof(t *testing.T) {
	for _, test := range []struct {
		name   string
		proved time.Time
		within time.Duration
		want   bool
	}{
		{"just now", noon, time.Minute, false},
		{"lately", ago(time.Minute - 1), time.Minute, false},
		{"too long ago", ago(time.Minute), time.Minute, true},
		{"never", time.Time{}, time.Minute, true},
		{"never, with all the time there is", time.Time{}, 1<<63 - 1, true},
		{"in the future", ago(-1), time.Minute, true},
		{"just now, where each change asks", noon, 0, true},
	} {
		if got := NeedsProof(noon, test.proved, test.within); got != test.want {
			t.Errorf("%s: %t", test.name, got)
		}
	}
}

// TestMayPostpone: a required factor can be postponed for the grace period and no longer.
func TestMayPostpone(t *testing.T) {
	for _, test := range []struct {
		name  string
		began time.Time
		grace time.Duration
		want  bool
	}{
		{"it begins now", noon, time.Hour, true},
		{"not over", ago(time.Hour - 1), time.Hour, true},
		{"over", ago(time.Hour), time.Hour, false},
		{"it began in the future", ago(-1), time.Hour, false},
		{"it never began", time.Time{}, time.Hour, false},
		{"there is none", noon, 0, false},
	} {
		if got := MayPostpone(noon, test.began, test.grace); got != test.want {
			t.Errorf("%s: %t", test.name, got)
		}
	}
}

// TestP5_MayGoOn: nothing goes on that was begun for somebody else, or before a factor was owed.
func TestP5_MayGoOn(t *testing.T) {
	for _, state := range []State{Anonymous, Pending, Enrolling, Verified, Verified + 1} {
		for _, user := range []string{"alice", "bob", ""} {
			want := state == Verified && user == "alice"
			if got := MayGoOn(state, user, "alice"); got != want {
				t.Errorf("%s, %q: %t", state, user, got)
			}
		}
	}
}

// TestP6_KeepsOpen: a stream is cut as soon as the store says that its session is over. If the store does not answer,
// the stream is cut a moment after the last answer.
func TestP6_KeepsOpen(t *testing.T) {
	for _, test := range []struct {
		name          string
		answered, may bool
		confirmed     time.Time
		want          bool
	}{
		{"alive", true, true, ago(time.Hour), true},
		{"over", true, false, noon, false},
		{"no answer, a moment after the last", false, false, ago(3*time.Second - 1), true},
		{"no answer for too long", false, false, ago(3 * time.Second), false},
		{"no answer, and what is left of one that was not given", false, true, ago(time.Hour), false},
		{"no answer since a time in the future", false, false, ago(-1), false},
		{"no answer ever", false, false, time.Time{}, false},
	} {
		if got := KeepsOpen(test.answered, test.may, noon, test.confirmed, 3*time.Second); got != test.want {
			t.Errorf("%s: %t", test.name, got)
		}
	}
}
