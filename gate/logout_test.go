package gate

import (
	"net/http/httptest"
	"testing"

	"sallyport.example/sallyport/internal/match"
)

// TestExits: an app with one address for everything signs out by its query.
func TestExits(t *testing.T) {
	policy, err := NewPolicy(Rules{
		Base: "/second-factor", LoginPage: "/login", Logout: match.NewGlobs("/logout", "/index.php?route=/logout", "/*/admin.php?do=leave&now=1"),
	})
	if err != nil {
		t.Fatal(err)
	}
	for target, want := range map[string]Place{
		"/logout":                           Logout,
		"/logout?really=1":                  Logout,
		"/index.php?route=/logout":          Logout,
		"/index.php?x=1&route=%2Flogout":    Logout,
		"/index.php?route=/a&route=/logout": Logout,
		"/index.php":                        Protected,
		"/index.php?route=/":                Protected,
		"/index.php?route=/logout2":         Protected,
		"/index.php?next=/logout":           Protected,
		"/x/admin.php?do=leave&now=1":       Logout,
		"/x/admin.php?do=leave":             Protected,
		"/other?route=/logout":              Protected,
		"/index.php/?route=/logout":         Protected,
	} {
		r := httptest.NewRequest("GET", target, nil)
		if got := policy.Place(r, match.ParsePath(r.URL), false, false); got != want {
			t.Errorf("%s: %v, want %v", target, got, want)
		}
	}
	if _, err := NewPolicy(Rules{Base: "/second-factor", LoginPage: "/login", Logout: match.NewGlobs("/x?a=%zz")}); err == nil {
		t.Error("a malformed query is taken")
	}
}
