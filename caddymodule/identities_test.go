package caddymodule

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// TestIdentitiesInJSON: a single question has no list around it, as in earlier versions, and several are a list. An
// unknown member in either is an error.
func TestIdentitiesInJSON(t *testing.T) {
	for text, want := range map[string]int{
		`{}`:                               0,
		`{"identity":{"path":"/me"}}`:      1,
		`{"identity": [{"path":"/me"}]}`:   1,
		`{"identity":[{"path":"/me"},{}]}`: 2,
	} {
		var h Handler
		if err := caddy.StrictUnmarshalJSON([]byte(text), &h); err != nil || len(h.Identities) != want {
			t.Errorf("%s: %d %v", text, len(h.Identities), err)
		}
		content, err := json.Marshal(h)
		if err != nil {
			t.Fatal(err)
		}
		var again Handler
		if err := caddy.StrictUnmarshalJSON(content, &again); err != nil || !reflect.DeepEqual(again.Identities, h.Identities) {
			t.Errorf("%s is %s: %v", text, content, err)
		}
	}
	for _, text := range []string{`{"identity":{"paht":"/me"}}`, `{"identity":[{"paht":"/me"}]}`, `{"identity":"typed"}`, `{"identity":[null,{"x":1}]}`} {
		if err := caddy.StrictUnmarshalJSON([]byte(text), new(Handler)); err == nil {
			t.Errorf("%s is accepted", text)
		}
	}
}

// TestPublicMethods: several lines may have methods and paths, and each line counts by itself.
func TestPublicMethods(t *testing.T) {
	h, err := parsed(t, "app x\nlogin /login {\nusername form u\n}\nidentity /me json /n\npublic /a /b\npublic POST PUT /c\npublic /d\npublic GET *")
	if err != nil {
		t.Fatal(err)
	}
	opened := h.openings()
	if len(opened) != 3 || len(opened[0].Methods) != 0 || len(opened[0].Paths) != 3 ||
		!reflect.DeepEqual(opened[1].Methods, []string{"POST", "PUT"}) || len(opened[1].Paths) != 1 || string(opened[2].Paths[0]) != "*" {
		t.Errorf("%+v", opened)
	}
}

// TestPresetIdentity: a site's own `identity` replaces the preset's.
func TestPresetIdentity(t *testing.T) {
	own, err := parsed(t, "app x\npreset dokuwiki\nidentity /me json /n")
	if err != nil || len(own.Identities) != 1 || own.Identities[0].Path != "/me" {
		t.Errorf("%+v %v", own.Identities, err)
	}
	preset, err := parsed(t, "app x\npreset dokuwiki")
	if err != nil || len(preset.Identities) != 1 || preset.IdentityTyped {
		t.Errorf("%+v %v", preset.Identities, err)
	}
}
