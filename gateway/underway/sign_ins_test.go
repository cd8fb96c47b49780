package underway

import "testing"

// TestP1_SignInsBesideEachOther: a failed login knows of every other login that may have ended its session at the app.
func TestP1_SignInsBesideEachOther(t *testing.T) {
	var all SignIns
	alone := all.Begin()
	if alone.Failed() {
		t.Error("there is none besides")
	}
	alone.End()
	after := all.Begin()
	if after.Failed() {
		t.Error("one that failed before is besides")
	}
	during := all.Begin()
	if !after.Failed() {
		t.Error("one that is at the app is not besides")
	}
	during.End()
	if !after.Failed() {
		t.Error("one that was at the app meanwhile is not besides")
	}
	failed := all.Begin()
	failed.Failed()
	failed.End()
	after.End()
	last := all.Begin()
	defer last.End()
	wrong := all.Begin()
	wrong.Failed()
	wrong.End()
	if last.Failed() {
		t.Error("one that failed is besides")
	}
}
