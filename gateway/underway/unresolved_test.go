package underway

import (
	"testing"
	"time"
)

// TestUnresolved: a note is kept until the app was asked, or for longer than sessions live.
func TestUnresolved(t *testing.T) {
	var u Unresolved
	now := time.Now()
	if u.Has("a") {
		t.Error("the empty one has it")
	}
	u.Forget("a")
	u.Note("a", now)
	u.Note("b", now.Add(time.Hour))
	if !u.Has("a") || !u.Has("b") || u.Has("c") {
		t.Error("it does not have what was noted")
	}
	u.Note("c", now.Add(rememberUnresolved+time.Minute))
	if u.Has("a") || !u.Has("b") || !u.Has("c") {
		t.Error("the oldest is kept for ever, or others are not kept")
	}
	u.Forget("b")
	u.Forget("c")
	if u.Any() || u.Has("b") {
		t.Error("it is not forgotten")
	}
}
