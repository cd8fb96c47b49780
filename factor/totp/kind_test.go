package totp

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"testing/iotest"
	"time"

	"sallyport.example/sallyport/factor"
)

var (
	noon  = time.Date(2026, 11, 3, 12, 0, 5, 0, time.UTC)
	alice = factor.Env{App: "wiki", User: "alice", Now: noon, Random: bytes.NewReader(make([]byte, 1<<10))}
)

// codeOf computes the code of a ceremony's or factor's seed, steps away from noon.
func codeOf(t *testing.T, secret []byte, parameters Parameters, steps int64) factor.Answer {
	t.Helper()
	return factor.Answer{Kind: factor.MethodTOTP, Text: codeAt(t, secret, parameters, parameters.step(noon)+steps)}
}

// TestKind goes from the proposal to a code at a sign-in, for each way to compute codes.
func TestKind(t *testing.T) {
	for _, parameters := range []Parameters{
		DefaultParameters(), {Algorithm: SHA256, Digits: 8, Period: time.Minute, Skew: 2}, {Algorithm: SHA512, Digits: 7, Period: 10 * time.Second},
	} {
		kind := New("Wiki", parameters)
		if err := kind.Validate(); err != nil {
			t.Fatal(err)
		}
		ceremony, err := kind.Begin(alice)
		if err != nil || len(ceremony.Secret) != parameters.Algorithm.secretSize() {
			t.Fatalf("a seed of %d bytes, %v", len(ceremony.Secret), err)
		}
		offer, err := kind.Show(alice, ceremony)
		if err != nil || offer.Key != typedKey(ceremony.Secret) || offer.URI != address("Wiki", "alice", offer.Key, parameters) ||
			offer.Digits != parameters.Digits || offer.Period != parameters.Period || offer.Algorithm != string(parameters.Algorithm) {
			t.Fatalf("shown wrongly (%v)", err)
		}
		far := int64(parameters.Skew) + 1
		if _, right, err := kind.Finish(alice, ceremony, codeOf(t, ceremony.Secret, parameters, far)); right || err != nil {
			t.Errorf("a code out of the window: %v, %v", right, err)
		}
		f, right, err := kind.Finish(alice, ceremony, codeOf(t, ceremony.Secret, parameters, 0))
		if err != nil || !right || kind.Check(f) != nil || !bytes.Equal(f.Secret, ceremony.Secret) {
			t.Fatalf("confirming: %v, %v", right, err)
		}
		if _, right, _ := kind.Judge(codeOf(t, f.Secret, parameters, 0))(f, noon); right {
			t.Error("the confirming code was accepted again")
		}
		later := noon.Add(parameters.Period)
		answer := codeOf(t, f.Secret, parameters, 1)
		next, right, err := kind.Judge(answer)(f, later)
		if err != nil || !right || !next.Used.Equal(later) {
			t.Fatalf("the next code: %v, %v", right, err)
		}
		if _, right, _ := kind.Judge(answer)(next, later); right {
			t.Error("a code was accepted twice")
		}
		if _, right, _ := kind.Judge(answer)(f, later); !right {
			t.Error("judging changed the factor that was read")
		}
	}
	if offer, _ := New("", Parameters{}).Show(alice, must(New("", Parameters{}).Begin(alice))); !bytes.Contains([]byte(offer.URI), []byte("issuer=wiki")) {
		t.Error("without an issuer the app's name is shown")
	}
}

func must(c factor.Ceremony, err error) factor.Ceremony {
	if err != nil {
		panic(err)
	}
	return c
}

// TestBeginWithoutRandom: without random bytes there is no seed.
func TestBeginWithoutRandom(t *testing.T) {
	env := alice
	env.Random = iotest.ErrReader(errors.New("no entropy"))
	if c, err := New("", Parameters{}).Begin(env); err == nil || c.Secret != nil {
		t.Errorf("a seed without random bytes: %v", err)
	}
}

// TestCheck: a factor that could not be used is damaged, and no code is judged with it. With an empty seed anybody
// could compute the codes.
func TestCheck(t *testing.T) {
	kind := New("", Parameters{})
	good, err := NewFactor([]byte(rfcSecrets[SHA1]), DefaultParameters(), 0)
	if err != nil || kind.Check(good) != nil {
		t.Fatal(err, kind.Check(good))
	}
	for name, spoil := range map[string]func(*factor.Factor, *state){
		"no seed":       func(f *factor.Factor, _ *state) { f.Secret = nil },
		"short seed":    func(f *factor.Factor, _ *state) { f.Secret = f.Secret[:15] },
		"long seed":     func(f *factor.Factor, _ *state) { f.Secret = make([]byte, MaxSecret+1) },
		"no algorithm":  func(_ *factor.Factor, s *state) { s.Algorithm = "" },
		"MD5":           func(_ *factor.Factor, s *state) { s.Algorithm = "MD5" },
		"few digits":    func(_ *factor.Factor, s *state) { s.Digits = 5 },
		"many digits":   func(_ *factor.Factor, s *state) { s.Digits = 9 },
		"no period":     func(_ *factor.Factor, s *state) { s.Period = 0 },
		"long period":   func(_ *factor.Factor, s *state) { s.Period = 3601 },
		"negative step": func(_ *factor.Factor, s *state) { s.Step = -1 },
	} {
		f, s := good, state{Algorithm: SHA1, Digits: 6, Period: 30}
		spoil(&f, &s)
		if f.State, err = json.Marshal(s); err != nil {
			t.Fatal(err)
		}
		wantCorrupt(t, name, f)
	}
	for _, content := range []string{"", "null", "{}", "[]", `{"digits":"6"}`, string(good.State[:len(good.State)-1]) + `,"x":1}`} {
		f := good
		f.State = []byte(content)
		wantCorrupt(t, content, f)
	}
}

func wantCorrupt(t *testing.T, what string, f factor.Factor) {
	t.Helper()
	kind := New("", Parameters{})
	if err := kind.Check(f); !errors.Is(err, factor.ErrCorrupt) {
		t.Errorf("%s: %v, want ErrCorrupt", what, err)
	}
	for _, code := range []string{"", "000000", codeAt(t, f.Secret, DefaultParameters(), DefaultParameters().step(noon))} {
		if _, right, err := kind.Judge(factor.Answer{Text: code})(f, noon); right || !errors.Is(err, factor.ErrCorrupt) {
			t.Errorf("%s: judged %v, %v", what, right, err)
		}
	}
}

// TestProposals: a damaged proposal is neither shown nor confirmed.
func TestProposals(t *testing.T) {
	kind := New("", Parameters{})
	for name, spoil := range map[string]func(*factor.Ceremony, *proposal){
		"empty seed":   func(c *factor.Ceremony, _ *proposal) { c.Secret = nil },
		"short seed":   func(c *factor.Ceremony, _ *proposal) { c.Secret = c.Secret[:15] },
		"long seed":    func(c *factor.Ceremony, _ *proposal) { c.Secret = make([]byte, 200) },
		"algorithm":    func(_ *factor.Ceremony, p *proposal) { p.Algorithm = "MD5" },
		"no algorithm": func(_ *factor.Ceremony, p *proposal) { p.Algorithm = "" },
		"digits":       func(_ *factor.Ceremony, p *proposal) { p.Digits = 9 },
		"no digits":    func(_ *factor.Ceremony, p *proposal) { p.Digits = 0 },
		"period":       func(_ *factor.Ceremony, p *proposal) { p.Period = 0 },
		"huge period":  func(_ *factor.Ceremony, p *proposal) { p.Period = 1 << 62 },
	} {
		c, p := factor.Ceremony{Secret: []byte(rfcSecrets[SHA1])}, proposal{Algorithm: SHA1, Digits: 6, Period: 30, Skew: 1}
		spoil(&c, &p)
		var err error
		if c.State, err = json.Marshal(p); err != nil {
			t.Fatal(err)
		}
		if offer, err := kind.Show(alice, c); !errors.Is(err, factor.ErrInvalid) || offer != (factor.Offer{}) {
			t.Errorf("%s: shown: %v", name, err)
		}
		if _, right, err := kind.Finish(alice, c, codeOf(t, c.Secret, DefaultParameters(), 0)); !errors.Is(err, factor.ErrInvalid) || right {
			t.Errorf("%s: confirmed: %v, %v", name, right, err)
		}
	}
	if _, err := kind.Show(alice, factor.Ceremony{Secret: []byte(rfcSecrets[SHA1])}); !errors.Is(err, factor.ErrInvalid) {
		t.Errorf("no state: %v", err)
	}
}
