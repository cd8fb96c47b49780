package underway

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// TestTogether: who comes first leads; the others get the first one's token until ten seconds are over, or nothing if
// it ended with none.
func TestTogether(t *testing.T) {
	var all Together
	now := time.Now()
	first, leads := all.Join(now, "a", "b")
	if !leads {
		t.Fatal("the first does not lead")
	}
	second, leads := all.Join(now.Add(9*time.Second), "a", "b")
	if leads || second != first {
		t.Error("the second leads")
	}
	if _, leads := all.Join(now, "ab", ""); !leads {
		t.Error("other parts with the same letters are taken for the same")
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if token := second.Token(gone); token != "" {
		t.Errorf("before the end there is a token: %q", token)
	}
	first.End("token")
	if token := second.Token(t.Context()); token != "token" {
		t.Errorf("the token is %q", token)
	}
	if _, leads := all.Join(now.Add(10*time.Second), "a", "b"); !leads {
		t.Error("somebody joins after ten seconds")
	}
	if _, leads := all.Join(now.Add(-time.Second), "a", "b"); !leads {
		t.Error("somebody joins from before")
	}

	failed, _ := all.Join(now, "c")
	late, _ := all.Join(now, "c")
	failed.End("")
	if token := late.Token(t.Context()); token != "" {
		t.Errorf("a sign-in that failed has the token %q", token)
	}
	if _, leads := all.Join(now, "c"); !leads {
		t.Error("somebody joins a sign-in that has failed")
	}
}

// TestTogetherIsBounded: beyond the bound everybody is alone, until the older ones are over.
func TestTogetherIsBounded(t *testing.T) {
	var all Together
	now := time.Now()
	for i := range mostTogether {
		all.Join(now, fmt.Sprint(i))
	}
	if first, leads := all.Join(now, "more"); first != nil || leads {
		t.Error("there is no bound")
	}
	if _, leads := all.Join(now.Add(togetherLasts), "more"); !leads || len(all.of) != 1 {
		t.Errorf("%d are kept", len(all.of))
	}
}
