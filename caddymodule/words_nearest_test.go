package caddymodule

import "testing"

// TestNearest: a misspelt word finds the one that was meant, and an unrelated word finds none.
func TestNearest(t *testing.T) {
	known := []string{"login", "login_page", "logout", "idle", "pass", "pass_header", "remember", "base", "totp"}
	for word, want := range map[string]string{
		"lgoin": "login", "logins": "login", "LOGIN": "login", "loginpage": "login_page", "log_out": "logout", "idel": "idle",
		"past": "pass", "pass_headers": "pass_header", "passheader": "pass_header", "rember": "remember", "bas": "base",
		"banana": "", "i": "", "": "", "ttl": "", "username": "", "idiot": "",
	} {
		if got := nearest(word, known); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}

// TestDistance counts the misspelt letters.
func TestDistance(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"a", "", 1}, {"", "ab", 2}, {"abc", "abc", 0}, {"abc", "acb", 1}, {"abc", "abd", 1}, {"abc", "xabc", 1}, {"kitten", "sitting", 3},
	} {
		if got := distance(test.a, test.b); got != test.want || distance(test.b, test.a) != test.want {
			t.Errorf("%q and %q: %d, want %d", test.a, test.b, got, test.want)
		}
	}
}

// TestChoice: the list of words in an error.
func TestChoice(t *testing.T) {
	for want, words := range map[string][]string{"": nil, "a": {"a"}, "a or b": {"a", "b"}, "a, b or c": {"a", "b", "c"}} {
		if got := choice(words); got != want {
			t.Errorf("%q: %q", words, got)
		}
	}
}
