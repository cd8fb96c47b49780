package custody

import (
	"strings"
	"testing"

	"sallyport.example/sallyport/internal/match"
)

func TestSameFold(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"sid", "sid", true},
		{"sid", "SID", true},
		{"session_id", "Session.Id", true},
		{"session_id", "session+id", true},
		{"session_id", "session[id", true},
		{"session_id", "session_id[x]", true},
		{"session_id", "session-id", false},
		{"sid", "%73id", true},
		{"sid", "%2573id", true},
		{"sid", "sid%00csrf", true},
		{"sid", "%73id%", false},
		// PHP before 7.4.11 decodes what it can of a name and stops at the NUL.
		{"sid", "%73id%00%", true},
		{"sid", "sid%00csrf%zz", true},
		{"sid", "%73id[%zz]", true},
		{"sid", "sidx", false},
		{"", "", true},
	} {
		if got := sameFold(test.a, test.b); got != test.want {
			t.Errorf("sameFold(%q, %q) = %v", test.a, test.b, got)
		}
		if got := sameFold(test.b, test.a); got != test.want {
			t.Errorf("sameFold(%q, %q) = %v", test.b, test.a, got)
		}
		jar := Jar{cookies: []Cookie{{Name: "other"}, {Name: test.b}}}
		if got := jar.Holds(test.a); got != test.want {
			t.Errorf("%q: Holds(%q) = %v", test.b, test.a, got)
		}
	}
}

// FuzzFold: the fast comparisons of folds agree with the slow one, and names that match.FoldName takes for the same are
// the same here.
func FuzzFold(f *testing.F) {
	f.Add("session.id", "SESSION_ID", "sess*")
	f.Add("%73id%00%", "sid", "s*i*d")
	f.Add("PHP[SESSID", "php_sessid", "PHP*")
	f.Add("K\u212a", "kk", "*")
	f.Fuzz(func(t *testing.T, a, b, pattern string) {
		want := match.FoldName(a) == match.FoldName(b)
		if sameFold(a, b) != want || (Jar{cookies: []Cookie{{Name: b}}}).Holds(a) != want {
			t.Fatalf("%q, %q: folds %q, %q, sameFold %v", a, b, match.FoldName(a), match.FoldName(b), sameFold(a, b))
		}
		if !strings.Contains(a+b, "%") && (match.FoldName(a) == match.FoldName(b)) != want {
			t.Fatalf("%q, %q: match.FoldName says %q, %q", a, b, match.FoldName(a), match.FoldName(b))
		}
		if strings.Count(pattern, "*") < 5 && match.Glob(match.FoldName(pattern)).Match(match.FoldName(a)) && !globsFold(match.Globs{match.Glob(pattern)}, a) {
			t.Fatalf("%q fits %q, but not quickly", a, pattern)
		}
		if globFold(pattern, a) && !match.Glob(strings.Map(foldASCII, pattern)).Match(strings.Map(foldASCII, a)) && !strings.ContainsRune(pattern+a, '\ufffd') {
			if asciiOnly(pattern + a) {
				t.Fatalf("globFold lets %q fit %q", a, pattern)
			}
		}
	})
}

func foldASCII(r rune) rune {
	if r < 0x80 {
		return rune(foldByte(byte(r)))
	}
	return r
}

func asciiOnly(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r >= 0x80 }) < 0
}

func TestReturnableValue(t *testing.T) {
	for value, want := range map[string]bool{
		"": true, "x": true, "a=b==": true, "!#$%&'()*+-./:<=>?@[]^_`{|}~": true, `"x"`: true, `""`: true, "a,b": true, `"a,b"`: true,
		"a=1,b": true, "a,b=1": false, `"a,b=1"`: false, `"`: false, `a"b`: false, `"a"b"`: false, `"a`: false, `a"`: false, `""a`: false,
		"a b": false, "a;b": false, `"a;b"`: false, `a\`: false, `"\"`: false, "a\tb": false, "a\x00": false, "a\x7f": false, "caf\u00e9": false,
		"\u00a0": false,
	} {
		if got := returnableValue(value); got != want {
			t.Errorf("returnableValue(%q) = %v", value, got)
		}
	}
}

func TestStrayQuote(t *testing.T) {
	for text, want := range map[string]bool{
		"": false, "x": false, `"x"`: false, `""`: false, `x\y`: false,
		`"`: true, `"x`: true, `x"`: true, `"a"b"`: true, `"x\"`: true, `x\`: true, `"x\\"`: true, `"x"\`: true, `"a\"b"`: true, `{"a":1}`: true,
		// These are open for servers where a backslash counts only inside quotes, or where a quote counts only after an
		// equals sign.
		`&\"\"`: true, `x"="`: true,
	} {
		if got := strayQuote(text); got != want {
			t.Errorf("strayQuote(%q) = %v", text, got)
		}
	}
}

func TestForScripts(t *testing.T) {
	for name, want := range map[string]bool{
		"csrftoken": true, "XSRF-TOKEN": true, "_cSrF": true, "x-csrf": true, "csr": false, "": false, "csrg": false, "sid": false,
	} {
		if got := forScripts(name); got != want {
			t.Errorf("forScripts(%q) = %v", name, got)
		}
	}
}
