package match

import "testing"

func TestGlob(t *testing.T) {
	for _, test := range []struct {
		pattern, name string
		want          bool
	}{
		{"/login", "/login", true},
		{"/login", "/login/", false},
		{"/login", "/LOGIN", false},
		{"/static/*", "/static/", true},
		{"/static/*", "/static/a/b", true},
		{"/static/*", "/static", false},
		{"*", "", true},
		{"*", "/a", true},
		{"*.css", "/a.css", true},
		{"*.css", "/a.css/x", false},
		{"/a*b*c", "/aXbYc", true},
		{"/a*b*c", "/abc", true},
		{"/a*b*c", "/acb", false},
		{"a*a", "a", false},
		{"wordpress_*", "wordpress_logged_in_x", true},
		{"", "", true},
		{"", "x", false},
	} {
		if got := Glob(test.pattern).Match(test.name); got != test.want {
			t.Errorf("Glob(%q).Match(%q) = %v, want %v", test.pattern, test.name, got, test.want)
		}
	}
}

func TestGlobs(t *testing.T) {
	globs := NewGlobs("a*", "b")
	for name, want := range map[string]bool{"abc": true, "b": true, "bc": false, "": false} {
		if got := globs.Match(name); got != want {
			t.Errorf("Match(%q) = %v, want %v", name, got, want)
		}
	}
	if Globs(nil).Match("") {
		t.Error("an empty list fits nothing")
	}
}
