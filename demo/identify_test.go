package demo

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
)

func basic(name, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password))
}

func TestSideDoors(t *testing.T) {
	b := open(t, Options{})
	for _, test := range []struct {
		name   string
		header []string
		want   string
	}{
		{"basic", []string{"Authorization", basic(" ALICE ", AlicePassword)}, "alice"},
		{"wrong basic", []string{"Authorization", basic("alice", "wrong")}, unauthorized},
		{"key", []string{"X-Api-Key", BobAPIKey}, "bob"},
		{"wrong key", []string{"X-Api-Key", "wrong"}, unauthorized},
		{"key over basic", []string{"X-Api-Key", BobAPIKey, "Authorization", basic("alice", AlicePassword)}, "bob"},
		{"bearer", []string{"Authorization", "Bearer x"}, unauthorized},
		{"trusted header", []string{"Remote-User", "alice"}, unauthorized},
		{"unknown session", []string{"Cookie", SessionCookie + "=x"}, unauthorized},
	} {
		if got := b.me(test.header...); got != test.want {
			t.Errorf("%s: %s", test.name, got)
		}
	}
	for _, path := range []string{"/echo", "/events", "/ws"} {
		if got := b.get(path, "X-Api-Key", BobAPIKey, "Authorization", basic("alice", AlicePassword)); got.StatusCode != http.StatusUnauthorized {
			t.Errorf("the side doors open %s: %d", path, got.StatusCode)
		}
	}
}

// A valid key overrides the session, so that tests notice a gateway that lets it through.
func TestSideDoorBesideASession(t *testing.T) {
	b := open(t, Options{})
	b.asAlice()
	if got := b.me("X-Api-Key", BobAPIKey); got != "bob" {
		t.Errorf("a good key: %s", got)
	}
	if got := b.me("Authorization", basic("bob", "wrong")); got != "alice" {
		t.Errorf("a bad password: %s", got)
	}
}

func TestBearerTokens(t *testing.T) {
	b := open(t, Options{Knobs: Knobs{BearerTokens: true}})
	got := b.postJSON("/api/login", `{"user":{"name":"alice","password":"`+AlicePassword+`"}}`)
	_, rest, ok := strings.Cut(got.body, `"token":"`)
	if !ok || len(got.Header["Set-Cookie"]) != 0 {
		t.Fatalf("%s %v", got.body, got.Header)
	}
	token, _, _ := strings.Cut(rest, `"`)
	if got := b.me("Authorization", "Bearer "+token); got != "alice" {
		t.Errorf("the token is %s", got)
	}
	if got := b.me("Authorization", token); got != unauthorized {
		t.Errorf("the token without its scheme is %s", got)
	}
	if b.app.EndSessions("alice") != 1 || b.me("Authorization", "Bearer "+token) != unauthorized {
		t.Error("the token outlives its session")
	}
}

func TestBasicAnywhere(t *testing.T) {
	b := open(t, Options{Knobs: Knobs{BasicAnywhere: true}})
	if got := b.get("/", "Authorization", basic("alice", "wrong")); got.StatusCode != http.StatusSeeOther {
		t.Errorf("a wrong password: %d", got.StatusCode)
	}
	if got := b.get("/", "Authorization", basic("alice", AlicePassword)); got.StatusCode != http.StatusOK || b.cookie(SessionCookie) == "" {
		t.Errorf("a right password: %d", got.StatusCode)
	}
	if got := b.me(); got != "alice" {
		t.Errorf("afterwards: %s", got)
	}
}
