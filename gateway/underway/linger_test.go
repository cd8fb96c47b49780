package underway

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestLinger: a request counts until its end, and for a while longer if nobody saw the end.
func TestLinger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d Raising
		if d.Any("a") {
			t.Error("open at first")
		}
		first, second := d.Join("a", true, false), d.Join("a", true, false)
		if !d.Any("a") || d.Any("b") {
			t.Error("it is not open, or another one is")
		}
		first.Leave()
		if !d.Any("a") {
			t.Error("closed by one of two")
		}
		d.Linger("a")
		second.Leave()
		time.Sleep(MayTake - time.Second)
		if !d.Any("a") {
			t.Error("closed while the app may be at it")
		}
		time.Sleep(2 * time.Second)
		if d.Any("a") || len(d.sessions) != 0 {
			t.Error("open for ever")
		}
	})
}
