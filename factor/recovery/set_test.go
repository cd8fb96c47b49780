package recovery

import (
	"bytes"
	"crypto/rand"
	"errors"
	"regexp"
	"testing"
	"testing/iotest"
	"time"

	"sallyport.example/sallyport/factor"
)

func TestNewSet(t *testing.T) {
	set, codes, err := newSet(rand.Reader, minIterations)
	if err != nil {
		t.Fatal(err)
	}
	if len(codes) != Codes || len(set.Hashes) != Codes || set.Total != Codes {
		t.Fatalf("%d codes, %d hashes, total %d", len(codes), len(set.Hashes), set.Total)
	}
	if f, err := set.into(factor.Factor{}); err != nil || New(0).Check(f) != nil {
		t.Fatal("a new set is not usable")
	}
	form := regexp.MustCompile(`^[0-9a-hjkmnp-tv-z]{4}(-[0-9a-hjkmnp-tv-z]{4}){3}$`)
	seen := map[string]bool{}
	for i, code := range codes {
		if !form.MatchString(code) {
			t.Errorf("code %d has another form", i)
		}
		if seen[code] {
			t.Error("a code occurs twice")
		}
		seen[code] = true
		parsed, ok := parse(code)
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

func TestNewSetWithoutRandom(t *testing.T) {
	for limit := 0; limit < minSalt+Codes*codeBytes; limit += 13 {
		random := iotest.DataErrReader(bytes.NewReader(make([]byte, limit)))
		set, codes, err := newSet(random, minIterations)
		if err == nil || set.Hashes != nil || codes != nil {
			t.Errorf("%d random bytes were enough", limit)
		}
	}
}

// TestIterationsAreThoseOfTheSet: a set that was made with another work factor stays usable.
func TestIterationsAreThoseOfTheSet(t *testing.T) {
	made, codes, err := New(minIterations + 1).Make(factor.Env{Random: rand.Reader, Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	kind := New(minIterations)
	next, right, err := kind.Judge(factor.Answer{Text: codes[3]})(made, time.Now())
	if err != nil || !right {
		t.Fatalf("%v, %v", right, err)
	}
	if left, total := kind.Left(next); left != Codes-1 || total != Codes {
		t.Errorf("%d of %d left", left, total)
	}
	if left, _ := kind.Left(made); left != Codes || !next.Used.IsZero() || next.Secret != nil || next.ID != made.ID {
		t.Errorf("%d in the set that was read; schema 1 must hold what is written", left)
	}
	if _, right, err := kind.Judge(factor.Answer{Text: codes[3]})(next, time.Now()); err != nil || right {
		t.Errorf("again: %v, %v", right, err)
	}
	s, err := read(made)
	if err != nil {
		t.Fatal(err)
	}
	s.Iterations = minIterations
	other, err := s.into(made)
	if err != nil {
		t.Fatal(err)
	}
	if _, right, err := kind.Judge(factor.Answer{Text: codes[4]})(other, time.Now()); err != nil || right {
		t.Errorf("the iterations were ignored: %v, %v", right, err)
	}
	// One judgement for several readings: it must not use the hash that it keeps for a set with another salt.
	judge := kind.Judge(factor.Answer{Text: codes[5]})
	for _, reading := range []struct {
		f     factor.Factor
		right bool
	}{{made, true}, {other, false}, {next, true}} {
		if _, right, err := judge(reading.f, time.Now()); err != nil || right != reading.right {
			t.Errorf("%v, %v; want %v", right, err, reading.right)
		}
	}
}

// TestCheck: a set that could not be used is damaged, and no code is judged with it.
func TestCheck(t *testing.T) {
	made, codes, err := New(minIterations).Make(factor.Env{Random: rand.Reader, Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*set){
		"short hash":    func(s *set) { s.Hashes[0] = s.Hashes[0][:31] },
		"empty hash":    func(s *set) { s.Hashes[0] = nil },
		"short salt":    func(s *set) { s.Salt = s.Salt[:1] },
		"no work":       func(s *set) { s.Iterations = 1 },
		"endless work":  func(s *set) { s.Iterations = 1 << 30 },
		"more than all": func(s *set) { s.Total = 1 },
	} {
		s, err := read(made)
		if err != nil {
			t.Fatal(err)
		}
		spoil(&s)
		f, err := s.into(made)
		if err != nil {
			t.Fatal(err)
		}
		wantCorrupt(t, name, f, codes[0])
	}
	for _, state := range []string{"", "null", "{}", "[]", `{"salt":1}`, `{"extra":1}`} {
		f := made
		f.State = []byte(state)
		wantCorrupt(t, state, f, codes[0])
	}
}

func wantCorrupt(t *testing.T, what string, f factor.Factor, code string) {
	t.Helper()
	if err := New(0).Check(f); !errors.Is(err, factor.ErrCorrupt) {
		t.Errorf("%s: %v, want ErrCorrupt", what, err)
	}
	if _, right, err := New(0).Judge(factor.Answer{Text: code})(f, time.Now()); right || !errors.Is(err, factor.ErrCorrupt) {
		t.Errorf("%s: judged %v, %v", what, right, err)
	}
}
