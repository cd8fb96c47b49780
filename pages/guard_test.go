package pages

import (
	"strings"
	"testing"
)

// TestGuardSize: the guard comes with every page of the app's; it is small in every language, and is one script.
func TestGuardSize(t *testing.T) {
	r := New(Options{})
	for _, language := range Languages() {
		script, err := r.Guard(language, "/second-factor", 8)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d bytes", language, len(script))
		if len(script) > MaxGuard {
			t.Errorf("%s: %d bytes", language, len(script))
		}
		if strings.Contains(string(script), "CONFIG") || strings.Contains(string(script), "</") {
			t.Errorf("%s: %s", language, script)
		}
	}
	script, err := r.Guard("en", `/a"</script><script>alert(1)//`, 6)
	if err != nil || strings.Contains(string(script), "</script>") {
		t.Errorf("an odd base: %v %s", err, script)
	}
}
