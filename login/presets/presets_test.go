package presets

import (
	"slices"
	"strings"
	"testing"
)

// TestPresets: each preset says what it is for, what it was tried on, and what it shuts and does not shut.
func TestPresets(t *testing.T) {
	names := Names()
	if len(names) == 0 || !slices.IsSorted(names) {
		t.Errorf("names: %v", names)
	}
	for _, name := range names {
		text, err := Text(name)
		if err != nil || !strings.Contains(About(name), "tried on ") || !strings.HasSuffix(About(name), ".") {
			t.Errorf("%s: %v, about %q", name, err, About(name))
		}
		for _, want := range []string{"\n# Shut: ", "\n# Not shut: ", "\nlogin "} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no line begins with %q", name, strings.TrimSpace(want))
			}
		}
	}
	if got := Marks("dokuwiki"); !slices.Equal(got, [][2]string{{"path", "/doku.php"}, {"cookie", "DokuWiki"}}) {
		t.Errorf("DokuWiki is known by %q", got)
	}
	for _, name := range names {
		for _, mark := range Marks(name) {
			if !slices.Contains([]string{"path", "cookie", "header", "page"}, mark[0]) || mark[1] == "" {
				t.Errorf("%s is known by %q", name, mark)
			}
		}
	}
	for _, name := range []string{"", "none", "../presets/dokuwiki", "dokuwiki.caddyfile", "presets_test.go"} {
		if text, err := Text(name); err == nil || text != "" {
			t.Errorf("%q is a preset", name)
		}
	}
}
