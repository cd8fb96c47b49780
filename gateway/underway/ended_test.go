package underway

import (
	"fmt"
	"testing"
)

// TestEndedIsBounded: a bounded number of ended sessions is remembered, the latest ones.
func TestEndedIsBounded(t *testing.T) {
	var e Ended
	for i := range 3 * maxEnded {
		if token := fmt.Sprint(i); !e.First(token) || e.First(token) {
			t.Fatalf("session %d", i)
		}
	}
	if len(e.tokens) != maxEnded || len(e.order) != maxEnded || !e.First("0") {
		t.Errorf("%d tokens, %d in order", len(e.tokens), len(e.order))
	}
}
