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

func TestIsAway(t *testing.T) {
	for target, want := range map[string]bool{
		"https://other.example": true, "http://127.0.0.1:8080/a?b#c": true, "https://[::1]/": true,
		"": false, "/": false, "//other.example": false, "https:other.example": false, "https:///a": false, "javascript:alert(1)": false,
		"data:text/html,x": false, "https://a@other.example/": false, "https://other.example/ ": false, "https://other.example/\n": false,
		`https://other.example\@x/`: false, "ftp://other.example/": false,
	} {
		if IsAway(target) != want {
			t.Errorf("%q: %t", target, !want)
		}
	}
}
