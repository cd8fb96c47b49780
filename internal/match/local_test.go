package match

import "testing"

func TestIsLocal(t *testing.T) {
	for target, want := range map[string]bool{
		"/": true, "/files?a=b&c=//d": true, "/a//b": true, "/é": true,
		"": false, "//evil.example": false, `/\evil.example`: false, "https://evil.example": false, "javascript:alert(1)": false,
		"/\t/evil.example": false, "/\n/evil.example": false, "/a b": false, "/\u00a0/evil": false, "\\": false, " /": false,
	} {
		if IsLocal(target) != want {
			t.Errorf("%q: %t", target, !want)
		}
	}
}
