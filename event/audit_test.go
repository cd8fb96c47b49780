package event_test

import (
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/event"
)

// TestCommonFields: every line begins with the same fields in the same order, even if they are empty.
func TestCommonFields(t *testing.T) {
	full := event.Event{
		Name: event.ChallengeFailed, App: "wiki", User: "alice", Actor: event.ByUser, Method: "totp", Outcome: event.Refused, Reason: event.ReasonThrottled,
		Client: "192.0.2.1", Session: "mark", Request: "id",
	}
	if got, want := strings.Join(written(full), "\n"), `level=INFO msg="code refused" event=challenge_failed app=wiki user=alice actor=user method=totp outcome=refused `+
		`reason=throttled client=192.0.2.1 session=mark request=id throttled=true`; got != want {
		t.Errorf("%s\nwant: %s", got, want)
	}
	for _, name := range names {
		line := strings.Join(written(event.Event{Name: name}), "\n")
		at := 0
		for _, field := range common {
			next := strings.Index(line[at:], " "+field+"=")
			if next < 0 {
				t.Errorf("%s: %s is missing or misplaced: %s", name, field, line)
				break
			}
			at += next
		}
	}
}

// TestP9_NoTypedName: neither the log nor what is passed on has the name that was typed at a failed login, because it
// may be a password in the wrong field. The control: an accepted login has the user's name.
func TestP9_NoTypedName(t *testing.T) {
	for name, told := range map[event.Name]bool{event.LoginFailed: false, event.LoginRefused: false, event.LoginAccepted: true} {
		e := event.Event{Name: name, App: "wiki", User: "hunter2"}
		line := strings.Join(written(e), "\n")
		if strings.Contains(line, "hunter2") != told || (e.Fields()["user"] == "hunter2") != told {
			t.Errorf("%s: %s, %v", name, line, e.Fields())
		}
	}
}

// TestStoresReason: the error of a store that is not available is the event's reason.
func TestStoresReason(t *testing.T) {
	e := event.Event{Name: event.StoreUnavailable, Setting: "secrets", Detail: "vault is sealed"}
	if got := e.Fields()["reason"]; got != "vault is sealed" {
		t.Errorf("reason %q", got)
	}
}

// TestFields: the fields that are passed on are those of the line.
func TestFields(t *testing.T) {
	left := 9
	for _, test := range []struct {
		event event.Event
		field string
		want  any
	}{
		{event.Event{Name: event.RecoveryCodeUsed, Left: &left}, "left", int64(9)},
		{event.Event{Name: event.RecoveryCodeUsed}, "left", nil},
		{event.Event{Name: event.FactorReset}, "change", "reset"},
		{event.Event{Name: event.FactorReset}, "event", "factor_reset"},
		{event.Event{Name: event.SignedOut}, "change", nil},
		{event.Event{Name: event.Throttled, Until: time.Date(2026, 11, 3, 13, 0, 30, 0, time.FixedZone("", 3600))}, "until", "2026-11-03T12:00:30Z"},
	} {
		if got := test.event.Fields()[test.field]; got != test.want {
			t.Errorf("%s: %s is %v, want %v", test.event.Name, test.field, got, test.want)
		}
	}
}
