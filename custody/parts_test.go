package custody

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// TestP5_Parts: if requests to some path carry only a part of the jar, the app is asked about that part, and about no
// other. In a session with a cookie for a part of the site, the remaining cookies may be another user's.
func TestP5_Parts(t *testing.T) {
	for what, test := range map[string]struct {
		lines []string
		want  [][]string
	}{
		"one path":                 {[]string{"sid=1; Path=/", "remember=2; Path=/"}, nil},
		"a folder and the site":    {[]string{"sid=1; Path=/app", "remember=2; Path=/"}, [][]string{{"remember"}}},
		"two folders":              {[]string{"a=1; Path=/a", "b=2; Path=/b"}, [][]string{{"a"}, {"b"}}},
		"folders in folders":       {[]string{"a=1; Path=/a", "b=2; Path=/a/b", "c=3; Path=/"}, [][]string{{"c"}, {"a", "c"}}},
		"no folder":                {[]string{"a=1; Path=/a", "b=2; Path=/ab"}, [][]string{{"a"}, {"b"}}},
		"the same value elsewhere": {[]string{"a=1; Path=/a", "a=1; Path=/"}, nil},
		"one that ran out":         {[]string{"a=1; Path=/a; Max-Age=1", "b=2; Path=/"}, nil},
		"an empty jar":             {nil, nil},
	} {
		jar := jarOf(t, test.lines...)
		parts, ok := jar.Parts(noon.Add(time.Minute))
		var got [][]string
		for _, part := range parts {
			got = append(got, slices.Sorted(slices.Values(part.Names())))
		}
		if !ok || !slices.EqualFunc(got, test.want, slices.Equal) {
			t.Errorf("%s: %q, %t, want %q", what, got, ok, test.want)
		}
	}
	for count, want := range map[int]bool{maxParts: true, maxParts + 1: false} {
		var lines []string
		for i := range count {
			lines = append(lines, fmt.Sprintf("c%d=%d; Path=/%d", i, i, i))
		}
		if _, ok := jarOf(t, lines...).Parts(noon); ok != want {
			t.Errorf("%d parts: %t", count, ok)
		}
	}
}

// TestP5_RanOut: a cookie that expires by itself uncovers the one below it, at that very second and once, without any
// answer of the app.
func TestP5_RanOut(t *testing.T) {
	jar := jarOf(t, "sid=1; Max-Age=60", "remember=2")
	end := noon.Add(time.Minute)
	for _, test := range []struct {
		since, now time.Time
		want       bool
	}{
		{noon, noon, false},
		{noon, end.Add(-time.Nanosecond), false},
		{noon, end, true},
		{end.Add(-time.Nanosecond), end.Add(time.Hour), true},
		{end, end.Add(time.Hour), false},
		{time.Time{}, end, true},
	} {
		if got := jar.RanOut(test.since, test.now); got != test.want {
			t.Errorf("between %v and %v: %t", test.since, test.now, got)
		}
	}
	if jarOf(t, "sid=1").RanOut(time.Time{}, noon.AddDate(9, 0, 0)) {
		t.Error("one that ends with the session ran out")
	}
}
