package factor

import (
	"bytes"
	"crypto/rand"
	"errors"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

func TestNewRecoverySet(t *testing.T) {
	now := time.Now().UTC()
	set, codes, err := newRecoverySet(rand.Reader, minIterations, now)
	if err != nil {
		t.Fatal(err)
	}
	if len(codes) != RecoveryCodes || len(set.Hashes) != RecoveryCodes || set.Total != RecoveryCodes || !set.Created.Equal(now) {
		t.Fatalf("%d codes, %d hashes, total %d", len(codes), len(set.Hashes), set.Total)
	}
	if err := set.validate(); err != nil {
		t.Fatal(err)
	}
	form := regexp.MustCompile(`^[0-9a-hjkmnp-tv-z]{4}(-[0-9a-hjkmnp-tv-z]{4}){3}$`)
	seen := map[string]bool{}
	for i, code := range codes {
		if !form.MatchString(code) {
			t.Errorf("code %d has another form", i)
		}
		if seen[code] {
			t.Error("a code stands twice")
		}
		seen[code] = true
		parsed, ok := parseRecovery(code)
		if !ok {
			t.Fatalf("code %d cannot be read back", i)
		}
		sum, err := set.hash(parsed)
		if err != nil || set.find(sum) != i {
			t.Errorf("code %d is found at %d, %v", i, set.find(sum), err)
		}
	}
	if set.find(make([]byte, 32)) != -1 || set.find(nil) != -1 {
		t.Error("something else is found")
	}
}

func TestNewRecoverySetWithoutRandom(t *testing.T) {
	for limit := 0; limit < minSalt+RecoveryCodes*recoveryBytes; limit += 13 {
		random := iotest.DataErrReader(bytes.NewReader(make([]byte, limit)))
		set, codes, err := newRecoverySet(random, minIterations, time.Now())
		if err == nil || set != nil || codes != nil {
			t.Errorf("%d random bytes were enough", limit)
		}
	}
}

func TestParseRecovery(t *testing.T) {
	const want = "0a1b2c3d4e5f6g7h"
	for _, typed := range []string{
		"0a1b-2c3d-4e5f-6g7h", "0A1B-2C3D-4E5F-6G7H", " 0a1b 2c3d 4e5f 6g7h\r\n", want, "oAlB-2c3d-4e5f-6g7h",
		"Oaib2c3d4e5f6g7h", "0aIb\u00a02c3d\u20134e5f\u22126g7h", "\u200b0aLb2c3d4e5f6g7h", "0-a-1-b-2-c-3-d-4-e-5-f-6-g-7-h",
	} {
		if got, ok := parseRecovery(typed); !ok || got != want {
			t.Errorf("%q: %q, %v", typed, got, ok)
		}
	}
	for _, typed := range []string{
		"", "-", "0a1b-2c3d-4e5f-6g7", "0a1b-2c3d-4e5f-6g7hh", "ua1b-2c3d-4e5f-6g7h", "0a1b_2c3d_4e5f_6g7h",
		"\uff10a1b2c3d4e5f6g7h", "0a1b2c3d4e5f6g7\u212a", "0a1b2c3d4e5f6g\xff\xff", "0a1b2c3d4e5f6g7\x00",
		"0a1b2c3d4e5f6g7h" + strings.Repeat("-", maxTyped),
	} {
		if got, ok := parseRecovery(typed); ok || got != "" {
			t.Errorf("%q was read as %q", typed, got)
		}
	}
}

func FuzzParseRecovery(f *testing.F) {
	for _, seed := range []string{
		"", "0a1b-2c3d-4e5f-6g7h", "0A1B 2C3D 4E5F 6G7H", "oil0oil0oil0oil0", "uuuu-uuuu-uuuu-uuuu", "123456", "\xff", "ſſſſſſſſſſſſſſſſ",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		code, ok := parseRecovery(typed)
		if !ok {
			if code != "" {
				t.Fatalf("refused, yet %q came back", code)
			}
			return
		}
		if raw, err := recoveryEncoding.DecodeString(code); err != nil || len(raw) != recoveryBytes {
			t.Fatalf("%q is not 80 bits: %v", code, err)
		}
		for _, same := range []string{code, formatRecovery(code), strings.ToUpper(code), " " + formatRecovery(code) + "\n"} {
			if again, ok := parseRecovery(same); !ok || again != code {
				t.Fatalf("%q was read as %q, but %q as %q", typed, code, same, again)
			}
		}
		if _, ok := normaliseDigits(typed, 8); ok {
			t.Fatalf("%q is a one-time code as well", typed)
		}
	})
}

// TestRecoveryIterationsAreThoseOfTheSet: a set made with another work factor must stay usable.
func TestRecoveryIterationsAreThoseOfTheSet(t *testing.T) {
	set, codes, err := newRecoverySet(rand.Reader, minIterations+1, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	record := Record{Recovery: set}
	if right, err := recoveryUser(codes[3])(&record); err != nil || !right {
		t.Fatalf("%v, %v", right, err)
	}
	if len(record.Recovery.Hashes) != RecoveryCodes-1 || len(set.Hashes) != RecoveryCodes {
		t.Errorf("%d left, %d in the set that was read", len(record.Recovery.Hashes), len(set.Hashes))
	}
	if right, err := recoveryUser(codes[3])(&record); err != nil || right {
		t.Errorf("again: %v, %v", right, err)
	}
	set.Iterations = minIterations
	if right, err := recoveryUser(codes[4])(&Record{Recovery: set}); err != nil || right {
		t.Errorf("the iterations were ignored: %v, %v", right, err)
	}
	if _, err := (&RecoverySet{}).hash("x"); err != nil && !errors.Is(err, ErrCorrupt) {
		t.Error(err)
	}
}
