package gate

import (
	"testing"
	"time"
)

var lives = Lives{Anonymous: 30 * time.Minute, Pending: 10 * time.Minute, Idle: time.Hour, Lifetime: 24 * time.Hour}

// TestP1_SessionsEnd: use prolongs only a verified session, and not beyond its lifetime. A challenge does not stay open
// for a client that goes on asking.
func TestP1_SessionsEnd(t *testing.T) {
	at := func(created, since, seen time.Duration) Moments {
		return Moments{Created: ago(created), Since: ago(since), Seen: ago(seen)}
	}
	for _, test := range []struct {
		name  string
		state State
		at    Moments
		want  time.Time
	}{
		{"a stranger", Anonymous, at(time.Hour, time.Hour, 0), ago(time.Hour).Add(lives.Anonymous)},
		{"a stranger again, after a sign-in", Anonymous, at(time.Hour, time.Minute, 0), ago(time.Minute).Add(lives.Anonymous)},
		{"a challenge", Pending, at(0, 9*time.Minute, 0), noon.Add(time.Minute)},
		{"a challenge of an old session", Pending, at(48*time.Hour, 0, 48*time.Hour), noon.Add(lives.Pending)},
		{"a set-up", Enrolling, at(0, 9*time.Minute, 0), noon.Add(time.Minute)},
		{"in use", Verified, at(48*time.Hour, 2*time.Hour, 0), noon.Add(lives.Idle)},
		{"not in use", Verified, at(0, 2*time.Hour, 90*time.Minute), ago(30 * time.Minute)},
		{"in use to the end", Verified, at(0, 24*time.Hour-time.Minute, 0), noon.Add(time.Minute)},
		{"in use beyond the end", Verified, at(0, 25*time.Hour, 0), ago(time.Hour)},
		{"a state that there is not", Verified + 1, at(time.Hour, time.Hour, 0), ago(time.Hour).Add(lives.Anonymous)},
	} {
		if got := lives.End(test.state, test.at); !got.Equal(test.want) {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

// TestTouchDue: the use of a verified session is recorded often enough for its idle time, but not with each request.
func TestTouchDue(t *testing.T) {
	short := Lives{Idle: 20 * time.Second}
	for _, test := range []struct {
		lives Lives
		state State
		since time.Duration
		want  bool
	}{
		{lives, Verified, 0, false},
		{lives, Verified, time.Minute - 1, false},
		{lives, Verified, time.Minute, true},
		{lives, Verified, -1, true},
		{short, Verified, 5*time.Second - 1, false},
		{short, Verified, 5 * time.Second, true},
		{lives, Pending, time.Hour, false},
		{lives, Enrolling, time.Hour, false},
		{lives, Anonymous, time.Hour, false},
	} {
		if got := test.lives.TouchDue(test.state, noon, ago(test.since)); got != test.want {
			t.Errorf("idle %v, %s, seen %v ago: %t", test.lives.Idle, test.state, test.since, got)
		}
	}
	if !lives.TouchDue(Verified, noon, time.Time{}) {
		t.Error("a session whose use was never written down")
	}
}
