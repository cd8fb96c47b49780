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
	for _, name := range []string{"", "none", "../presets/dokuwiki", "dokuwiki.caddyfile", "presets_test.go"} {
		if text, err := Text(name); err == nil || text != "" {
			t.Errorf("%q is a preset", name)
		}
	}
}
