package factor

import (
	"strings"
	"testing"
	"unicode"
)

// TestDigitsOfAllScripts: Unicode has ten decimal digits in a row for each script, which asDigit relies on.
func TestDigitsOfAllScripts(t *testing.T) {
	ranges := 0
	count := func(low, high, stride uint32) {
		ranges++
		if stride != 1 || (high-low+1)%10 != 0 {
			t.Errorf("%x to %x by %d", low, high, stride)
		}
	}
	for _, part := range unicode.Nd.R16 {
		count(uint32(part.Lo), uint32(part.Hi), uint32(part.Stride))
	}
	for _, part := range unicode.Nd.R32 {
		count(part.Lo, part.Hi, part.Stride)
	}
	if ranges < 40 {
		t.Fatalf("looked at %d ranges", ranges)
	}
	for _, digits := range []string{"0123456789", "٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹", "०१२३४५६७८९", "๐๑๒๓๔๕๖๗๘๙", "０１２３４５６７８９", "𝟘𝟙𝟚𝟛𝟜𝟝𝟞𝟟𝟠𝟡"} {
		if got := PlainCode(digits); got != "0123456789" {
			t.Errorf("%s is read as %s", digits, got)
		}
	}
	for _, other := range []string{"Ⅻ", "½", "①", "x", "五"} {
		if got := PlainCode(other); got != other {
			t.Errorf("%s is read as %s", other, got)
		}
	}
}

// FuzzPlainCode: for any input the result does not change when it is made plain again, has no digits but 0 to 9, and
// has as many digits as were typed.
func FuzzPlainCode(f *testing.F) {
	for _, seed := range []string{"", "123 456", "１２３４５６", "٣٤٥-٦٧٨", "k7mq-2xdf", "\u200e1\u2212２", "\xff\xfe", "𝟘९", strings.Repeat("٣", 200)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		plain := PlainCode(typed)
		if again := PlainCode(plain); again != plain {
			t.Fatalf("%q, and again %q", plain, again)
		}
		digits, kept := 0, 0
		for _, r := range typed {
			if unicode.Is(unicode.Nd, r) {
				digits++
			}
		}
		for _, r := range plain {
			switch {
			case r >= '0' && r <= '9':
				kept++
			case unicode.Is(unicode.Nd, r), unicode.IsSpace(r):
				t.Fatalf("%q holds %q", plain, r)
			}
		}
		if len(typed) <= MaxTyped && kept != digits {
			t.Fatalf("%d digits of %d", kept, digits)
		}
	})
}
