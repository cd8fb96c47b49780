package underway

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestDoors: a request counts until its end, and for a while longer where nobody saw that.
func TestDoors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d Doors
		if d.Open("a") {
			t.Error("open at first")
		}
		first, second := d.Enter("a"), d.Enter("a")
		if !d.Open("a") || d.Open("b") {
			t.Error("it is not open, or another one is")
		}
		first(true)
		if !d.Open("a") {
			t.Error("closed by one of two")
		}
		second(false)
		time.Sleep(MayTake - time.Second)
		if !d.Open("a") {
			t.Error("closed while the app may be at it")
		}
		time.Sleep(2 * time.Second)
		if d.Open("a") || len(d.open) != 0 {
			t.Error("open for ever")
		}
	})
}
