package recovery

import (
	"strings"
	"testing"

	"sallyport.example/sallyport/factor"
)

func TestParse(t *testing.T) {
	const want = "0a1b2c3d4e5f6g7h"
	for _, typed := range []string{
		"0a1b-2c3d-4e5f-6g7h", "0A1B-2C3D-4E5F-6G7H", " 0a1b 2c3d 4e5f 6g7h\r\n", want, "oAlB-2c3d-4e5f-6g7h",
		"Oaib2c3d4e5f6g7h", "0aIb\u00a02c3d\u20134e5f\u22126g7h", "\u200b0aLb2c3d4e5f6g7h", "0-a-1-b-2-c-3-d-4-e-5-f-6-g-7-h",
		"\uff10a1b2c\u0663d4e5f6g7h", // digits of other scripts
	} {
		if got, ok := parse(typed); !ok || got != want {
			t.Errorf("%q: %q, %v", typed, got, ok)
		}
	}
	for _, typed := range []string{
		"", "-", "0a1b-2c3d-4e5f-6g7", "0a1b-2c3d-4e5f-6g7hh", "ua1b-2c3d-4e5f-6g7h", "0a1b_2c3d_4e5f_6g7h",
		"0a1b2c3d4e5f6g7\u212a", "0a1b2c3d4e5f6g\xff\xff", "0a1b2c3d4e5f6g7\x00",
		"0a1b2c3d4e5f6g7h" + strings.Repeat("-", factor.MaxTyped),
	} {
		if got, ok := parse(typed); ok || got != "" {
			t.Errorf("%q was read as %q", typed, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"", "0a1b-2c3d-4e5f-6g7h", "0A1B 2C3D 4E5F 6G7H", "oil0oil0oil0oil0", "uuuu-uuuu-uuuu-uuuu", "123456", "\xff", "ſſſſſſſſſſſſſſſſ",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		code, ok := parse(typed)
		if !ok {
			if code != "" {
				t.Fatalf("refused, yet %q came back", code)
			}
			return
		}
		if raw, err := encoding.DecodeString(code); err != nil || len(raw) != codeBytes {
			t.Fatalf("%q is not 80 bits: %v", code, err)
		}
		for _, same := range []string{code, format(code), strings.ToUpper(code), " " + format(code) + "\n"} {
			if again, ok := parse(same); !ok || again != code {
				t.Fatalf("%q was read as %q, but %q as %q", typed, code, same, again)
			}
		}
		if digits := factor.PlainCode(typed); len(digits) <= 8 {
			t.Fatalf("%q may be a one-time code as well", typed)
		}
	})
}
