package match

import "testing"

func TestIsToken(t *testing.T) {
	for text, want := range map[string]bool{
		"GET": true, "x-csrf-token": true, "!#$%&'*+-.^_`|~09azAZ": true,
		"": false, " ": false, "a b": false, "a:": false, "a\t": false, "a\x00": false, "a\x7f": false, "é": false, "a=b": false,
		"a/b": false, "(": false, `a"`: false, `a\b`: false, "a,b": false, "{}": false, "[]": false,
	} {
		if IsToken(text) != want {
			t.Errorf("%q: %t", text, !want)
		}
	}
}

func TestWithoutScheme(t *testing.T) {
	for value, want := range map[string]string{
		"Bearer abc": "abc", "JWT a b": "a b", "abc": "abc", "": "", "Bea:rer abc": "Bea:rer abc", " abc": " abc",
	} {
		if got := WithoutScheme(value); got != want {
			t.Errorf("%q: %q", value, got)
		}
	}
}
