package custody

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestEncodeRoundTrip(t *testing.T) {
	for _, lines := range [][]string{
		nil,
		{"sid=1; HttpOnly"},
		{"sid=1; Path=/app; Max-Age=60", "b=; Path=/app; Domain=example", "c=caf\xe9 \"x"},
		{"a=1; Expires=Fri, 31 Dec 9999 23:59:59 GMT", "S[ID]=x", "a=1; Path=/x", "a=1; Path=/x/y"},
		{"big=" + strings.Repeat("x", 20000)},
	} {
		jar := jarOf(t, lines...)
		encoded := jar.Encode([]byte("before"))
		if len(encoded)-len("before") > jar.Size()+4 {
			t.Errorf("%d bytes for a jar of size %d", len(encoded), jar.Size())
		}
		got, rest, err := DecodeJar(string(encoded[len("before"):]) + "after")
		if err != nil || rest != "after" || !slices.Equal(got.cookies, jar.cookies) {
			t.Errorf("%q: got %#v, %q, %v", lines, got.cookies, rest, err)
		}
	}
}

func TestEncodeIsCompact(t *testing.T) {
	jar := jarOf(t, "sessionid=0123456789abcdef; HttpOnly", "csrf=0123456789abcdef; HttpOnly")
	texts := len("sessionid") + len("csrf") + 2*16 + len("app.example")
	if got := len(jar.Encode(nil)); got > texts+12 {
		t.Errorf("%d bytes for %d bytes of texts", got, texts)
	}
}

func TestDecodeJarAllocates(t *testing.T) {
	encoded := string(jarOf(t, "a=1; Max-Age=9", "b=2", "c=3; Path=/c").Encode(nil))
	if got := testing.AllocsPerRun(100, func() { _, _, _ = DecodeJar(encoded) }); got > 1 {
		t.Errorf("%v allocations, want 1", got)
	}
}

// TestDecodeJarRefusesWhatCannotBeACookie: an attacker who can write to the session store must not be able to add
// headers, or cookies under names that the jar does not know.
func TestDecodeJarRefusesWhatCannotBeACookie(t *testing.T) {
	good := Cookie{Name: "a", Value: "1", Domain: "app.example", Path: "/", HostOnly: true}
	for name, change := range map[string]func(*Cookie){
		"no name":          func(c *Cookie) { c.Name = "" },
		"= in name":        func(c *Cookie) { c.Name = "a=b" },
		"; in name":        func(c *Cookie) { c.Name = "a; b" },
		"; in value":       func(c *Cookie) { c.Value = "1; sid=2" },
		"line feed":        func(c *Cookie) { c.Value = "1\r\nX-Second-Factor: totp" },
		"NUL":              func(c *Cookie) { c.Name = "a\x00" },
		"no path":          func(c *Cookie) { c.Path = "" },
		"path of elsewhat": func(c *Cookie) { c.Path = "x" },
		"year 10000":       func(c *Cookie) { c.Expires = time.Unix(1<<40, 0) },
		"far too large":    func(c *Cookie) { c.Value = strings.Repeat("x", MaxSize) },
	} {
		cookie := good
		change(&cookie)
		jar := Jar{cookies: []Cookie{good, cookie}}
		got, rest, err := DecodeJar(string(jar.Encode(nil)))
		if !errors.Is(err, ErrCorrupt) || got.Len() != 0 || rest == "" {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
}

func TestDecodeJarRefusesDamage(t *testing.T) {
	encoded := string(jarOf(t, "sid=1; Path=/x; Max-Age=60", "b=2").Encode(nil))
	for end := range len(encoded) {
		if _, _, err := DecodeJar(encoded[:end]); !errors.Is(err, ErrCorrupt) {
			t.Errorf("cut off after %d bytes: %v", end, err)
		}
	}
	for _, damaged := range []string{
		"\x00" + encoded[1:], "\x02" + encoded[1:], // version
		"\x01\xff\xff\xff\xff\x0f",                                   // more cookies than there can be
		"\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",               // a number beyond 64 bits
		"\x01\x81\x80\x80\x80\x80\x80\x80\x80\x80\x02\x0c\x01a\x01b", // 1 plus 2^64
		"\x01\x80\x00",                     // a number spelled longer than needed
		"\x01\x01\x10\x01a\x01b\x01c\x01/", // a flag that nobody knows
		"\x01\x01\x0c\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01a\x01b", // a length of 2^64-1
	} {
		if _, _, err := DecodeJar(damaged); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%q: %v", damaged, err)
		}
	}
}

// FuzzJarRoundTrip: what an app sets is read back unchanged, with any data after it.
func FuzzJarRoundTrip(f *testing.F) {
	f.Add("sid=1; HttpOnly\nb=2; Path=/x; Max-Age=9", "app.example:8080", "/a/b", "rest")
	f.Add("a=1; Domain=example\nS[ID]=caf\xe9; Expires=Fri, 31 Dec 9999 23:59:59 GMT", "x.example", "", "")
	f.Add("a=1; Expires=Mon, 01 Jan 1601 00:00:00 GMT\na=2; Path=//", "[::1]:80", "*", "\x01\x00")
	f.Fuzz(func(t *testing.T, lines, host, path, after string) {
		sorted := (&Policy{Now: func() time.Time { return noon }}).Sort(strings.Split(lines, "\n"), nil, true)
		jar, _, err := Jar{}.Apply(sorted.Held, host, path, noon)
		if err != nil && !errors.Is(err, ErrFull) {
			t.Fatal(err)
		}
		if jar.Size() > MaxSize {
			t.Fatalf("size %d", jar.Size())
		}
		encoded := jar.Encode(nil)
		if len(encoded) > jar.Size()+4 {
			t.Fatalf("%d bytes for a jar of size %d", len(encoded), jar.Size())
		}
		got, rest, err := DecodeJar(string(encoded) + after)
		if err != nil || rest != after || !slices.Equal(got.cookies, jar.cookies) {
			t.Fatalf("wrote %#v, read %#v, %q, %v", jar.cookies, got.cookies, rest, err)
		}
	})
}

// FuzzDecodeJar: nothing in a store makes DecodeJar panic or take much memory, and what it accepts is a normal jar.
func FuzzDecodeJar(f *testing.F) {
	f.Add(string(Jar{}.Encode(nil)))
	f.Add(string(jarOf(f, "sid=1; Path=/x; Max-Age=60", "b=2; Domain=example").Encode(nil)) + "rest")
	f.Add("\x01\xff\x03")
	f.Fuzz(func(t *testing.T, stored string) {
		jar, rest, err := DecodeJar(stored)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) || rest != stored || jar.Len() != 0 {
				t.Fatalf("got %v, %q, %v", jar, rest, err)
			}
			return
		}
		if !strings.HasSuffix(stored, rest) || jar.Size() > MaxSize {
			t.Fatalf("rest %q of %q, size %d", rest, stored, jar.Size())
		}
		again, rest, err := DecodeJar(string(jar.Encode(nil)))
		if err != nil || rest != "" || !slices.Equal(again.cookies, jar.cookies) {
			t.Fatalf("read %#v, then %#v, %v", jar.cookies, again.cookies, err)
		}
		(&Policy{}).CookieHeader([]string{"csrf=1"}, &jar, nil, "app.example", "/x", noon)
	})
}
