package factor_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/factor"
)

// newCeremony is the set-up of an authenticator, which schema 1 can hold.
func newCeremony() factor.Ceremony {
	return factor.Ceremony{
		Kind: factor.MethodTOTP, App: "wiki", User: "alice", Secret: []byte("12345678901234567890"),
		State:    json.RawMessage(`{"algorithm":"SHA1","digits":6,"period":30,"skew":1}`),
		Replaces: "abc", Created: time.Date(2026, 11, 3, 10, 0, 0, 5, time.UTC),
	}
}

func TestCeremonyRoundTrip(t *testing.T) {
	question := newCeremony()
	question.Kind, question.State, question.Secret, question.Replaces = "unheard_of", json.RawMessage(`{"challenge":"x"}`), nil, ""
	for _, ceremony := range []factor.Ceremony{newCeremony(), question} {
		decoded, err := factor.DecodeCeremony(ceremony.Encode())
		if err != nil || !reflect.DeepEqual(decoded, ceremony) {
			t.Fatalf("%v; the same: %v", err, reflect.DeepEqual(decoded, ceremony))
		}
	}
	for name, spoil := range map[string]func(*factor.Ceremony){
		"empty seed":   func(c *factor.Ceremony) { c.Secret = nil },
		"short seed":   func(c *factor.Ceremony) { c.Secret = c.Secret[:15] },
		"long seed":    func(c *factor.Ceremony) { c.Secret = make([]byte, 200) },
		"no user":      func(c *factor.Ceremony) { c.User = "" },
		"bad user":     func(c *factor.Ceremony) { c.User = "\xff" },
		"no kind":      func(c *factor.Ceremony) { c.Kind = "" },
		"no state":     func(c *factor.Ceremony) { c.State = json.RawMessage("{") },
		"algorithm":    func(c *factor.Ceremony) { c.State = json.RawMessage(`{"algorithm":"MD5","digits":6,"period":30}`) },
		"no algorithm": func(c *factor.Ceremony) { c.State = json.RawMessage(`{"digits":6,"period":30}`) },
		"digits":       func(c *factor.Ceremony) { c.State = json.RawMessage(`{"algorithm":"SHA1","digits":9,"period":30}`) },
		"period":       func(c *factor.Ceremony) { c.State = json.RawMessage(`{"algorithm":"SHA1","digits":6,"period":0}`) },
		"skew": func(c *factor.Ceremony) {
			c.State = json.RawMessage(`{"algorithm":"SHA1","digits":6,"period":30,"skew":99}`)
		},
		"too long": func(c *factor.Ceremony) { c.State = json.RawMessage(`{"x":"` + strings.Repeat("x", 9000) + `"}`) },
		"nothing":  func(c *factor.Ceremony) { *c = factor.Ceremony{} },
	} {
		bad := newCeremony()
		spoil(&bad)
		if name != "too long" {
			if err := bad.Validate(); !errors.Is(err, factor.ErrInvalid) {
				t.Errorf("%s: %v, want ErrInvalid", name, err)
			}
		}
		if encoded := bad.Encode(); encoded != nil {
			t.Errorf("%s: was encoded", name)
		}
	}
	for _, encoded := range []string{
		"", "null", "{}", "[]", `{"schema":1}`, `{"schema":2}`, `{"schema":3}`, string(newCeremony().Encode()) + "x",
		strings.Repeat(" ", 9000), strings.Replace(string(newCeremony().Encode()), `"schema":1`, `"schema":2`, 1),
	} {
		if _, err := factor.DecodeCeremony([]byte(encoded)); !errors.Is(err, factor.ErrInvalid) {
			t.Errorf("%.20q: %v, want ErrInvalid", encoded, err)
		}
	}
}

func FuzzDecodeCeremony(f *testing.F) {
	f.Add(newCeremony().Encode())
	f.Add([]byte("null"))
	f.Add([]byte(`{"schema":1,"secret":"","period":9223372036854775807}`))
	f.Add([]byte(`{"schema":2,"kind":"totp","user":"x","state":null,"created":"2026-01-01T00:00:00Z"}`))
	f.Fuzz(func(t *testing.T, encoded []byte) {
		ceremony, err := factor.DecodeCeremony(encoded)
		if err != nil {
			if !errors.Is(err, factor.ErrInvalid) {
				t.Fatalf("%v is not ErrInvalid", err)
			}
			return
		}
		if ceremony.User == "" || ceremony.Kind == "" {
			t.Fatal("a ceremony without a user was accepted")
		}
		first := ceremony.Encode()
		if first == nil {
			return // longer in another spelling
		}
		again, err := factor.DecodeCeremony(first)
		if err != nil || !bytes.Equal(again.Encode(), first) {
			t.Fatalf("the round trip changes the ceremony: %v", err)
		}
	})
}
