package underway

import (
	"math"
	"testing"
)

// TestTrialsAreBounded: the number of trials that one client has under way is bounded, and each client has its own
// bound.
func TestTrialsAreBounded(t *testing.T) {
	var underWay AtOnce
	var leave []func()
	for range MaxTrials {
		done, ok := underWay.enter("192.0.2.1", MaxTrials, math.MaxInt)
		if !ok {
			t.Fatal("too few")
		}
		leave = append(leave, done)
	}
	if _, ok := underWay.enter("192.0.2.1", MaxTrials, math.MaxInt); ok {
		t.Error("too many")
	}
	if done, ok := underWay.enter("192.0.2.2", MaxTrials, math.MaxInt); !ok {
		t.Error("another client is refused")
	} else {
		done()
	}
	for _, done := range leave {
		done()
	}
	if len(underWay.of) != 0 {
		t.Errorf("%d clients are remembered", len(underWay.of))
	}
}
