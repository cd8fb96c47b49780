package portal

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"sallyport.example/sallyport/gate"
)

// TestSettings: the page shows the user's name and whether there is a factor, and shows a message once.
func TestSettings(t *testing.T) {
	h := newHouse(t, nil)
	v := h.visitor(gate.Verified)
	without := v.get("/").Body.String()
	h.enrol()
	with := v.get("/").Body.String()
	for _, test := range []struct {
		page, part string
		want       bool
	}{
		{without, "alice", true},
		{without, `action="/second-factor/setup"`, true},
		{without, `/second-factor/disable`, false},
		{with, "alice", true},
		{with, `action="/second-factor/setup"`, false},
		{with, `/second-factor/disable`, true},
	} {
		if got := strings.Contains(test.page, test.part); got != test.want {
			t.Errorf("%s: %t\n%.3000s", test.part, got, test.page)
		}
	}
}

// TestStatus: a script learns the state of its session. A stranger learns nothing about anybody.
func TestStatus(t *testing.T) {
	h := newHouse(t, nil)
	h.enrol()
	for state, want := range map[gate.State]map[string]any{
		gate.Anonymous: {"state": "anonymous", "user": "", "enrolled": false, "methods": []any{}},
		gate.Pending:   {"state": "pending", "user": "alice", "enrolled": true, "methods": []any{"totp", "recovery"}},
		gate.Verified:  {"state": "verified", "user": "alice", "enrolled": true, "methods": []any{"totp", "recovery"}},
	} {
		var got map[string]any
		if err := json.Unmarshal(h.visitor(state).get("/status").Body.Bytes(), &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, %v", state, got, err)
		}
	}
}
