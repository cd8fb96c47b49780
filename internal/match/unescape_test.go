package match

import "testing"

// TestP3_HalfEscapedNames: PHP decodes what it can of a name and leaves the rest; a reader that gives up at the first
// broken escape would not see that two names are one.
func TestP3_HalfEscapedNames(t *testing.T) {
	for name, want := range map[string]string{
		"%73id%00%": "sid", "%2573id": "sid", "s%69d": "sid", "%zz": "%zz", "sid%": "sid%", "%": "%", "%7": "%7",
	} {
		if got := FoldName(name); got != want {
			t.Errorf("FoldName(%q) = %q, want %q", name, got, want)
		}
	}
	if got := LoosePath("/%6cogin/%zz"); got != "/login/%zz" {
		t.Errorf("LoosePath gives up: %q", got)
	}
}
