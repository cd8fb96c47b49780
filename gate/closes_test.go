package gate

import (
	"testing"

	"sallyport.example/sallyport/internal/match"
)

// TestP1_Closes: a closed path is closed in every spelling.
func TestP1_Closes(t *testing.T) {
	policy, err := NewPolicy(Rules{
		Base: "/second-factor", Public: Open("/static/*"), Protect: match.NewGlobs("/static/private/*"), Shut: match.NewGlobs("/xmlrpc.php"),
	})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{
		"/static/private/x": true, "/STATIC//private/x": true, "/xmlrpc.php": true, "/xmlrpc.php;x": true, "/": false, "/static/x": false,
	} {
		if got := policy.Closes(match.Path{Text: path}); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
	if empty, err := NewPolicy(Rules{Base: "/second-factor"}); err != nil || empty.Closes(match.Path{Text: "/"}) {
		t.Errorf("nothing is closed: %v", err)
	}
}
