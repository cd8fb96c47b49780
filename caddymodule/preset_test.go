package caddymodule

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"sallyport.example/sallyport/login/presets"
)

func parsed(t *testing.T, block string) (*Handler, error) {
	t.Helper()
	h := new(Handler)
	return h, h.UnmarshalCaddyfile(caddyfile.NewTestDispenser("second_factor {\n" + block + "\n}"))
}

// TestPresetsAreWords: every preset consists of words that a site may have, and describes at least one login.
func TestPresetsAreWords(t *testing.T) {
	for _, name := range presets.Names() {
		h, err := parsed(t, "app "+name+"\npreset "+name)
		if err != nil || len(h.Logins) == 0 {
			t.Errorf("%s: %d logins, %v", name, len(h.Logins), err)
		}
	}
}

// TestPresetsAreWhatIsTested: the examples of complete Caddyfiles, which the end-to-end tests use with the real apps,
// have the same settings as the presets of their names.
func TestPresetsAreWhatIsTested(t *testing.T) {
	for _, name := range []string{"dokuwiki", "django-admin", "transmission"} {
		example, err := os.ReadFile(filepath.Join("..", "examples", name+".Caddyfile"))
		if err != nil {
			t.Fatal(err)
		}
		_, block, found := strings.Cut(string(example), "\n\tsecond_factor {\n\t\tapp ")
		if !found {
			t.Fatalf("%s: no second_factor", name)
		}
		block, _, _ = strings.Cut("app "+block, "\n\t}\n")
		want, err := parsed(t, block)
		if err != nil {
			t.Fatalf("%s: the example: %v", name, err)
		}
		got, err := parsed(t, "app "+want.App+"\npreset "+name)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		gotJSON, err1 := json.Marshal(got)
		wantJSON, err2 := json.Marshal(want)
		if err1 != nil || err2 != nil || !bytes.Equal(gotJSON, wantJSON) {
			t.Errorf("%s:\n%s\n%s", name, gotJSON, wantJSON)
		}
	}
}

// TestPresetBesideWords: words of the site add to a preset's, or override them.
func TestPresetBesideWords(t *testing.T) {
	h, err := parsed(t, `
		app ledger
		public /assets/*
		rotates theme
		usernames [a-z]+
		login /admin/login/ {
			username form user
			fields   password
			success  cookie sessionid
		}
		preset django-admin
		logout /bye
	`)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(h.Public, []string{"/static/*", "/assets/*"}) || !reflect.DeepEqual(h.Rotates, []string{"messages", "theme"}) ||
		!reflect.DeepEqual(h.Logout, []string{"/admin/logout/", "/bye"}) || h.Usernames != "[a-z]+" || h.App != "ledger" {
		t.Errorf("%+v", h)
	}
	if len(h.Logins) != 2 || h.Logins[0].Username[1] != "user" || h.Logins[1].Username[1] != "username" {
		t.Errorf("the logins: %+v", h.Logins)
	}
	content, err := json.Marshal(h)
	if err != nil || bytes.Contains(content, []byte("preset")) {
		t.Errorf("%s %v", content, err)
	}
}

// TestBadPresets: errors name the preset and the line in it.
func TestBadPresets(t *testing.T) {
	for text, want := range map[string]string{
		"login /x {\n\tusername form a\n}\nnonsense\n": "preset x:4",
		"protect /a\nprotect /b\n":                     "preset x:2",
		"preset dokuwiki\n":                            "unknown word 'preset'",
		"login /x {\n":                                 "preset x:",
	} {
		if _, err := parsePreset("x", text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
	for block, want := range map[string]string{
		"preset":                           "wrong argument count",
		"preset none":                      "unknown preset 'none'; there are: ",
		"preset dokuwiki django-admin":     "wrong argument count",
		"preset dokuwiki\npreset dokuwiki": "stands on line",
		"preset dokuwiki {\napp x\n}":      "unexpected",
	} {
		if _, err := parsed(t, block); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", block, err)
		}
	}
}
