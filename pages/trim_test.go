package pages

import "testing"

func TestTrimmed(t *testing.T) {
	for text, want := range map[string]string{
		"a {\n\tb: c;\n\n}\n":                       "a {\nb: c;\n}\n",
		"// words\nx = \"//no comment\";\n":         "x = \"//no comment\";\n",
		"/* words */\n.a { } /* more */\n\t/* b */": ".a { } /* more */\n",
		"": "",
	} {
		if got := trimmed(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
