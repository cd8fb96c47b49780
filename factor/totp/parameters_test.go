package totp

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"sallyport.example/sallyport/factor"
)

// rfcSecrets are the seeds of RFC 6238, appendix B: "12345678901234567890" repeated to the hash's length (erratum
// 2866).
var rfcSecrets = map[Algorithm]string{
	SHA1:   "12345678901234567890",
	SHA256: "12345678901234567890123456789012",
	SHA512: "1234567890123456789012345678901234567890123456789012345678901234",
}

// TestRFC6238 is the table of RFC 6238, appendix B.
func TestRFC6238(t *testing.T) {
	tests := []struct {
		unix      int64
		algorithm Algorithm
		code      string
	}{
		{59, SHA1, "94287082"},
		{59, SHA256, "46119246"},
		{59, SHA512, "90693936"},
		{1111111109, SHA1, "07081804"},
		{1111111109, SHA256, "68084774"},
		{1111111109, SHA512, "25091201"},
		{1111111111, SHA1, "14050471"},
		{1111111111, SHA256, "67062674"},
		{1111111111, SHA512, "99943326"},
		{1234567890, SHA1, "89005924"},
		{1234567890, SHA256, "91819424"},
		{1234567890, SHA512, "93441116"},
		{2000000000, SHA1, "69279037"},
		{2000000000, SHA256, "90698825"},
		{2000000000, SHA512, "38618901"},
		{20000000000, SHA1, "65353130"},
		{20000000000, SHA256, "77737706"},
		{20000000000, SHA512, "47863826"},
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("%d %s", test.unix, test.algorithm), func(t *testing.T) {
			parameters := Parameters{Algorithm: test.algorithm, Digits: 8, Period: 30 * time.Second}
			step, err := parameters.match([]byte(rfcSecrets[test.algorithm]), test.code, time.Unix(test.unix, 0))
			if err != nil || step != test.unix/30 {
				t.Errorf("step %d, %v; want %d", step, err, test.unix/30)
			}
			// The last six digits are the six-digit code.
			parameters.Digits = 6
			step, err = parameters.match([]byte(rfcSecrets[test.algorithm]), test.code[2:], time.Unix(test.unix, 0))
			if err != nil || step != test.unix/30 {
				t.Errorf("six digits: step %d, %v; want %d", step, err, test.unix/30)
			}
		})
	}
}

// codeAt computes the code of a step, for tests.
func codeAt(t testing.TB, secret []byte, parameters Parameters, step int64) string {
	t.Helper()
	algorithm, _ := parameters.Algorithm.hash()
	code, err := hotp.GenerateCodeCustom(typedKey(secret), uint64(step), hotp.ValidateOpts{
		Digits: otp.Digits(parameters.Digits), Algorithm: algorithm,
	})
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func TestMatchWindow(t *testing.T) {
	secret := []byte(rfcSecrets[SHA1])
	now := time.Unix(59_999_999*30+17, 0)
	for _, skew := range []int{0, 1, 2} {
		parameters := Parameters{Algorithm: SHA1, Digits: 8, Period: 30 * time.Second, Skew: skew}
		at := parameters.step(now)
		if at != 59_999_999 {
			t.Fatalf("step %d", at)
		}
		for offset := int64(-4); offset <= 4; offset++ {
			want := noStep
			if max(offset, -offset) <= int64(skew) {
				want = at + offset
			}
			got, err := parameters.match(secret, codeAt(t, secret, parameters, at+offset), now)
			if err != nil || got != want {
				t.Errorf("skew %d, offset %d: step %d, %v; want %d", skew, offset, got, err, want)
			}
		}
	}
}

// TestMatchTakesTheLaterOfTwoEqualCodes looks for two steps of one window that have the same code. If the earlier step
// were recorded, the code would be accepted again.
func TestMatchTakesTheLaterOfTwoEqualCodes(t *testing.T) {
	parameters := Parameters{Algorithm: SHA1, Digits: 6, Period: 30 * time.Second, Skew: MaxSkew}
	secret := []byte(rfcSecrets[SHA1])
	seen := map[string]int64{}
	for step := int64(0); step < 1_000_000; step++ {
		code := codeAt(t, secret, parameters, step)
		earlier, ok := seen[code]
		if ok && step-earlier <= MaxSkew {
			got, err := parameters.match(secret, code, time.Unix(earlier*30, 0))
			if err != nil || got != step {
				t.Fatalf("step %d, %v; want the later, %d, not %d", got, err, step, earlier)
			}
			return
		}
		seen[code] = step
	}
	t.Fatal("no two equal codes found near each other")
}

func TestMatchRefuses(t *testing.T) {
	now := time.Unix(59, 0)
	good := Parameters{Algorithm: SHA1, Digits: 8, Period: 30 * time.Second, Skew: 1}
	tests := []struct {
		name   string
		secret string
		change func(*Parameters)
	}{
		// The library computes codes of an empty key, and so can anybody.
		{"empty seed", "", func(*Parameters) {}},
		{"short seed", "123456789012345", func(*Parameters) {}},
		{"no digits", rfcSecrets[SHA1], func(p *Parameters) { p.Digits = 0 }},
		{"no period", rfcSecrets[SHA1], func(p *Parameters) { p.Period = 0 }},
		{"MD5", rfcSecrets[SHA1], func(p *Parameters) { p.Algorithm = "MD5" }},
	}
	for _, test := range tests {
		parameters := good
		test.change(&parameters)
		for _, code := range []string{"94287082", "", "000000", codeAt(t, []byte(test.secret), good, 1)} {
			if step, err := parameters.match([]byte(test.secret), code, now); step != noStep || !errors.Is(err, factor.ErrCorrupt) {
				t.Errorf("%s: %d, %v; want ErrCorrupt", test.name, step, err)
			}
		}
	}
	// Before 1970 a step would wrap around to a far future one.
	good.Skew = 2
	for step := int64(-2); step < 0; step++ {
		code := codeAt(t, []byte(rfcSecrets[SHA1]), good, step)
		if got, err := good.match([]byte(rfcSecrets[SHA1]), code, time.Unix(0, 0)); got != noStep || err != nil {
			t.Errorf("step %d before the beginning: %d, %v", step, got, err)
		}
	}
}

func TestNormaliseDigits(t *testing.T) {
	tests := []struct {
		typed string
		want  string
	}{
		{"123456", "123456"},
		{" 123 456 ", "123456"},
		{"123-456", "123456"},
		{"1-2-3-4-5-6\n", "123456"},
		{"123\u00a0456", "123456"},
		{"123\u202f456", "123456"},
		{"\u200b123456\ufeff", "123456"},
		{"\u200e123\u2212456", "123456"},
		{"\t123\u2013456\r\n", "123456"},
		{"", ""},
		{"12345", ""},
		{"1234567", ""},
		{"12345a", ""},
		{"+12345", ""},
		{"-12345", ""},
		{"12345.", ""},
		{"0x1234", ""},
		{"１２３４５６", "123456"}, // full width
		{"١٢٣٤٥٦", "123456"}, // Arabic
		{"۱۲۳٤٥٦", "123456"}, // two scripts
		{"Ⅻ23456", ""},       // a number that is no digit
		{"¹23456", ""},
		{"12345\uff16", "123456"},
		{"123456\x00", ""},
		{"12345\xff", ""},
		{"123,456", ""},
		{"123456" + strings.Repeat(" ", factor.MaxTyped), ""},
	}
	for _, test := range tests {
		got, ok := normaliseDigits(test.typed, 6)
		if got != test.want || ok != (test.want != "") {
			t.Errorf("%q: %q, %v; want %q", test.typed, got, ok, test.want)
		}
	}
}

func FuzzNormaliseDigits(f *testing.F) {
	for _, seed := range []string{"", "123456", "12 34 56", "１２３４５６", "١٢٣٤٥٦", "१२३४५६", "𝟙𝟚𝟛𝟜𝟝𝟞", "123\u00a0456", "-----", "abcd-efgh", "123456\x00", "\xff\xfe"} {
		f.Add(seed, 6)
		f.Add(seed, 8)
	}
	f.Fuzz(func(t *testing.T, typed string, count int) {
		if count < 6 || count > 8 {
			return
		}
		code, ok := normaliseDigits(typed, count)
		if !ok {
			if code != "" {
				t.Fatalf("refused, yet %q came back", code)
			}
			return
		}
		if len(code) != count || strings.Trim(code, "0123456789") != "" {
			t.Fatalf("%q is not %d digits", code, count)
		}
		// The digits of the code are those that were typed, in the same order.
		var digits strings.Builder
		for _, r := range typed {
			if unicode.Is(unicode.Nd, r) {
				zero := r
				for unicode.Is(unicode.Nd, zero-1) {
					zero--
				}
				digits.WriteRune('0' + (r-zero)%10)
			}
		}
		if digits.String() != code {
			t.Fatalf("%q was read as %q", typed, code)
		}
		if again, ok := normaliseDigits(code, count); !ok || again != code {
			t.Fatalf("normalising again gives %q", again)
		}
	})
}

func TestParametersValidate(t *testing.T) {
	for _, good := range []Parameters{
		{}, DefaultParameters(), {Digits: 8}, {Algorithm: SHA512, Digits: 7, Period: time.Minute, Skew: 10}, {Period: time.Second},
	} {
		if err := good.Validate(); err != nil {
			t.Errorf("%+v: %v", good, err)
		}
	}
	for _, bad := range []Parameters{
		{Algorithm: "MD5"},
		{Algorithm: "sha1"},
		{Digits: 5},
		{Digits: 9},
		{Digits: -6},
		{Period: time.Millisecond},
		{Period: 1500 * time.Millisecond},
		{Period: -30 * time.Second},
		{Period: 2 * time.Hour},
		{Skew: -1},
		{Skew: 11},
	} {
		if err := bad.Validate(); !errors.Is(err, factor.ErrInvalid) {
			t.Errorf("%+v: %v, want ErrInvalid", bad, err)
		}
	}
	if got := (Parameters{}).withDefaults(); got != DefaultParameters() {
		t.Errorf("defaults: %+v", got)
	}
	for algorithm, size := range map[Algorithm]int{SHA1: 20, SHA256: 32, SHA512: 64} {
		if got := algorithm.secretSize(); got != size {
			t.Errorf("%s: %d bytes, want %d", algorithm, got, size)
		}
	}
}
