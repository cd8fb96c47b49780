package caddymodule

import (
	"encoding/json"
	"reflect"
	"testing"

	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/internal/match"
)

// TestPassHeaderJSON: the JSON has a list of names, as in earlier versions, and may have objects with paths.
func TestPassHeaderJSON(t *testing.T) {
	const text = `["X-Api-Key",{"name":"X-Hub-Signature","for":["/hook","/hooks/*"]},{"name":"X-Own"}]`
	var h Handler
	if err := json.Unmarshal([]byte(`{"pass_header":`+text+`}`), &h); err != nil {
		t.Fatal(err)
	}
	want := []custody.PassHeader{
		{Name: "X-Api-Key"},
		{Name: "X-Hub-Signature", Paths: match.NewGlobs("/hook", "/hooks/*")},
		{Name: "X-Own"},
	}
	if got := h.passHeaders(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	again, err := json.Marshal(h.PassHeader)
	if err != nil || string(again) != `["X-Api-Key",{"name":"X-Hub-Signature","for":["/hook","/hooks/*"]},"X-Own"]` {
		t.Errorf("%s, %v", again, err)
	}
	for _, bad := range []string{`[1]`, `[{"name":"X","fro":["/a"]}]`, `[{"name":"X","for":[]}]`, `[["X"]]`, `"X"`} {
		if err := json.Unmarshal([]byte(`{"pass_header":`+bad+`}`), new(Handler)); err == nil {
			t.Errorf("%s is accepted", bad)
		}
	}
}

// TestLogoutFields: a site's sign-outs come after its preset's, both those with an address and those without.
func TestLogoutFields(t *testing.T) {
	preset, err := parsePreset("x", "logout /out /bye\nlogout /rpc json /method session.logout\n")
	if err != nil {
		t.Fatal(err)
	}
	h := &Handler{Logout: []string{"/own"}, LogoutFields: []LogoutField{{"/x", "form", "do", "logout"}}}
	siteWords().adopt(h, preset)
	if want := []LogoutField{{"/rpc", "json", "/method", "session.logout"}, {"/x", "form", "do", "logout"}}; !reflect.DeepEqual(h.LogoutFields, want) {
		t.Errorf("got %+v", h.LogoutFields)
	}
	if want := []string{"/out", "/bye", "/own"}; !reflect.DeepEqual(h.Logout, want) {
		t.Errorf("got %q", h.Logout)
	}
}

// TestPassHeaderOfPreset: a site's own lines add to its preset's, also for the same name.
func TestPassHeaderOfPreset(t *testing.T) {
	preset, err := parsePreset("x", "pass_header X-A for /a\npass_header X-B\n")
	if err != nil {
		t.Fatal(err)
	}
	h := &Handler{PassHeader: []PassHeader{{Name: "X-A"}}}
	siteWords().adopt(h, preset)
	want := []PassHeader{{Name: "X-A", For: []string{"/a"}}, {Name: "X-B"}, {Name: "X-A"}}
	if !reflect.DeepEqual(h.PassHeader, want) {
		t.Errorf("got %+v", h.PassHeader)
	}
}
