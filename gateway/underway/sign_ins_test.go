package underway

import "testing"

// TestP1_SignInsBesideEachOther: a failed login knows of every other request that may have ended its session at the
// app: one that is there now, and one that was there meanwhile. One that was over before is none.
func TestP1_SignInsBesideEachOther(t *testing.T) {
	var all SignIns
	alone := all.Begin()
	if alone.Beside() {
		t.Error("there is none beside it")
	}
	alone.End()
	after := all.Begin()
	if after.Beside() {
		t.Error("one that was over before is beside it")
	}
	during := all.Begin()
	if !after.Beside() || !during.Beside() {
		t.Error("one that is at the app is not beside it")
	}
	during.End()
	if !after.Beside() {
		t.Error("one that was at the app meanwhile is not beside it")
	}
	after.End()
}
