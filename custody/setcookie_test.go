package custody

import (
	"testing"
	"time"
)

func TestParseSetCookie(t *testing.T) {
	for _, test := range []struct {
		line, name, value string
	}{
		{"sid=1", "sid", "1"},
		{" sid = 1 ; Path=/", "sid", "1"},
		{"sid=", "sid", ""},
		{"sid=a=b=", "sid", "a=b="},
		{`sid="a b"`, "sid", `"a b"`},
		{"sid=caf\u00e9", "sid", "caf\u00e9"}, // net/http drops this line, and the next three
		{"S[ID]=1", "S[ID]", "1"},
		{"user:sid=1", "user:sid", "1"},
		{`sid=a\b"c`, "sid", `a\b"c`},
		{"sid=\ta\t", "sid", "a"},
		{"\u00a0sid=1", "\u00a0sid", "1"},
		{"sid=1,other=2", "sid", "1,other=2"},
	} {
		change, ok := ParseSetCookie(test.line)
		if !ok || change.Name() != test.name || change.value != test.value {
			t.Errorf("%q: got %q=%q, %v", test.line, change.name, change.value, ok)
		}
	}
}

func TestParseSetCookieRefuses(t *testing.T) {
	for _, line := range []string{"", "sid", "=1", " =1", ";", "; sid=1", "=; HttpOnly", "sid=1\r\nX: y", "sid=\x00", "si\x7fd=1", "\x01=1"} {
		if change, ok := ParseSetCookie(line); ok {
			t.Errorf("%q: got %v", line, change)
		}
	}
}

// TestP2_HttpOnlyInEverySpelling: a browser, or an app's author, took each of these for HttpOnly.
func TestP2_HttpOnlyInEverySpelling(t *testing.T) {
	for _, attributes := range []string{
		"; HttpOnly", ";HttpOnly", ";httponly", "; HTTPONLY", ";\tHttpOnly\t", ";  HttpOnly  ;", "; HttpOnly=", "; HttpOnly=false",
		"; HttpOnly = 1", "; Path=/; HttpOnly", "; Path=/;;HttpOnly", "; Path=/; Http-Only", "; Http Only", `; "HttpOnly"`,
		"; Path=/ HttpOnly", "; Path=/, HttpOnly", "; Path=/,HttpOnly", "; Secure, HttpOnly", "; Max-Age=0; HttpOnly", ";HttpOnly;x=y",
		"; \u00a0HttpOnly",
	} {
		if change, ok := ParseSetCookie("sid=1" + attributes); !ok || !change.HTTPOnly() {
			t.Errorf("%q is not taken for HttpOnly", attributes)
		}
	}
	for _, line := range []string{"sid=HttpOnly", "HttpOnly=1", "sid=1; Path=/httponly/x", "sid=1; HttpOnlyx", "sid=1; xHttpOnly", "sid=1"} {
		if change, ok := ParseSetCookie(line); !ok || change.HTTPOnly() {
			t.Errorf("%q is taken for HttpOnly", line)
		}
	}
}

func TestExpiry(t *testing.T) {
	for _, test := range []struct {
		attributes string
		expires    time.Time
		deleted    bool
	}{
		{"", time.Time{}, false},
		{"; Max-Age=60", noon.Add(time.Minute), false},
		{"; Max-Age=0", time.Time{}, true},
		{"; Max-Age=-1", time.Time{}, true},
		{"; Max-Age=-0", time.Time{}, true},
		{"; Max-Age=", time.Time{}, false},
		{"; Max-Age=-", time.Time{}, false},
		{"; Max-Age=+60", time.Time{}, false},
		{"; Max-Age=6 0", time.Time{}, false},
		{`; Max-Age="60"`, time.Time{}, false},
		{"; Max-Age=1; Max-Age=60", noon.Add(time.Minute), false},
		{"; Max-Age=60; Max-Age=x", noon.Add(time.Minute), false},
		{"; Max-Age=99999999999999999999999999", noon.Add(400 * 24 * time.Hour), false},
		{"; max-age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", noon.Add(time.Minute), false},
		{"; Max-Age=0; Expires=Fri, 31 Dec 2027 23:59:59 GMT", time.Time{}, true},
		{"; Expires=Thu, 01 Jan 1970 00:00:01 GMT", time.Unix(1, 0).UTC(), true},
		{"; Expires=Tue, 24 Nov 2026 12:00:00 GMT", noon, true},
		{"; Expires=Tue, 24 Nov 2026 12:00:01 GMT", noon.Add(time.Second), false},
		{"; Expires=soon", time.Time{}, false},
		{"; Expires=Tue, 24 Nov 2020 12:00:01 GMT; Expires=soon", noon.Add(time.Second).AddDate(-6, 0, 0), true},
	} {
		change, _ := ParseSetCookie("sid=1" + test.attributes)
		expires, deleted := change.expiry(noon)
		if !expires.Equal(test.expires) || deleted != test.deleted {
			t.Errorf("%q: got %v, %v", test.attributes, expires, deleted)
		}
	}
}
