package custody

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// TestP3_LearnedNames: once a login has put a cookie's name into custody, it is held in every browser. Otherwise a
// client that never saw the app's own cookie could send one of that name that she has from elsewhere.
func TestP3_LearnedNames(t *testing.T) {
	learned := new(Names)
	policy := &Policy{Learned: learned}
	send := func() string {
		return policy.CookieHeader([]string{"SID=stolen; lang=de"}, nil, []string{"SID", "lang"}, "app.example", "/", time.Now())
	}
	if got := send(); got != "SID=stolen; lang=de" {
		t.Fatalf("before, the cookie is like any other: %q", got)
	}
	if added := learned.Add("sid", "SID", "s.id"); !slices.Equal(added, []string{"sid", "s_id"}) {
		t.Fatalf("learned %q", added)
	}
	if got := send(); got != "lang=de" {
		t.Fatalf("a held name came from the browser: %q", got)
	}
	if sorted := policy.Sort([]string{"sid=1"}, nil, false); len(sorted.Held) != 1 || len(sorted.Browser) != 0 {
		t.Fatalf("a held name went to the browser: %+v", sorted)
	}
	if added := learned.Add("Sid"); added != nil {
		t.Fatalf("learned twice: %q", added)
	}
	for i := range 2 * MaxNames {
		learned.Add(fmt.Sprint("name", i))
	}
	if got := len(learned.All()); got != MaxNames {
		t.Fatalf("%d names", got)
	}
	if (*Names)(nil).Has("sid") {
		t.Fatal("no set has a name")
	}
}
