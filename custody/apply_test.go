package custody

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestApplyHostsAndPaths(t *testing.T) {
	for _, test := range []struct {
		line, host, path string
		want             string // domain and path, with a dot in front where hosts below get it too; "" if ignored
	}{
		{"a=1", "App.Example:8443", "/x/y", "app.example/x"},
		{"a=1", "app.example.", "/x/", "app.example/x"},
		{"a=1", "app.example", "/x", "app.example/"},
		{"a=1", "app.example", "", "app.example/"},
		{"a=1", "app.example", "*", "app.example/"},
		{"a=1", "app.example", "x/y", "app.example/"},
		{"a=1; Path=/p", "app.example", "/x/y", "app.example/p"},
		{"a=1; Path=p", "app.example", "/x/y", "app.example/x"},
		{"a=1; Path=", "app.example", "/x/y", "app.example/x"},
		{"a=1; Path=/p; Path=", "app.example", "/x/y", "app.example/x"},
		{"a=1; Domain=app.example", "app.example", "/", ".app.example/"},
		{"a=1; Domain=.APP.example", "app.example", "/", ".app.example/"},
		{"a=1; Domain=apps.example", "www.apps.example", "/", ".apps.example/"},
		{"a=1; Domain=apps.example; Domain=", "www.apps.example", "/", ".apps.example/"},
		{"a=1; Domain=", "app.example", "/", "app.example/"},
		{"a=1; Domain=.", "app.example", "/", "app.example/"},
		{"a=1; Domain=evil.example", "app.example", "/", ""},
		{"a=1; Domain=evil.example", "www.apps.example", "/", ""}, // as long as the domain that would match
		{"a=1; Domain=www.app.example", "app.example", "/", ""},
		{"a=1; Domain=pp.example", "app.example", "/", ""},
		{"a=1; Domain=..app.example", "app.example", "/", ""},
		{"a=1; Domain=app.example.", "app.example", "/", ""},
		{"a=1; Domain=example", "app.example", "/", ""}, // a whole top-level domain
		{"a=1; Domain=com", "app.com", "/", ""},
		{"a=1; Domain=localhost", "localhost:80", "/", "localhost/"},
		{"a=1; Domain=127.0.0.1", "127.0.0.1:80", "/", "127.0.0.1/"},
		{"a=1; Domain=0.0.1", "127.0.0.1:80", "/", ""},
		{"a=1", "[::1]:80", "/", "::1/"},
		{"a=1", "::1", "/", "::1/"},
	} {
		jar, effect, err := Jar{}.Apply(changesOf(t, test.line), test.host, test.path, noon)
		got := ""
		for _, c := range jar.cookies {
			if !c.HostOnly {
				got = "."
			}
			got += c.Domain + c.Path
		}
		if err != nil || got != test.want || len(effect.Changed) != jar.Len() {
			t.Errorf("%q from %q%q: got %q, %v, %v", test.line, test.host, test.path, got, effect, err)
		}
	}
}

func TestApplyEffect(t *testing.T) {
	past := "; Expires=Thu, 01 Jan 1970 00:00:01 GMT"
	for _, test := range []struct {
		name          string
		before, lines []string
		effect        Effect
		after         string
	}{
		{"new", nil, []string{"a=1"}, Effect{Changed: []string{"a"}}, "a=1"},
		{"another value", []string{"a=1"}, []string{"a=2"}, Effect{Changed: []string{"a"}}, "a=2"},
		{"set again", []string{"a=1"}, []string{"a=1; Max-Age=60"}, Effect{Refreshed: []string{"a"}}, "a=1"},
		{"deleted", []string{"a=1", "b=2"}, []string{"a=" + past}, Effect{Deleted: []string{"a"}}, "b=2"},
		{"deleted, not there", []string{"b=2"}, []string{"a=; Max-Age=0"}, Effect{}, "b=2"},
		{"deleted at another path", []string{"a=1"}, []string{"a=; Max-Age=0; Path=/x"}, Effect{}, "a=1"},
		{"deleted, then set", []string{"a=1", "b=2"}, []string{"a=" + past, "a=3"}, Effect{Changed: []string{"a"}}, "b=2 a=3"},
		{"deleted, then set to the same", []string{"a=1"}, []string{"a=" + past, "a=1"}, Effect{Refreshed: []string{"a"}}, "a=1"},
		{"set, then deleted", []string{"a=1"}, []string{"a=3", "a=" + past}, Effect{Deleted: []string{"a"}}, ""},
		{"new, then deleted", nil, []string{"a=3", "a=" + past}, Effect{}, ""},
		{"twice", nil, []string{"a=1", "a=2"}, Effect{Changed: []string{"a"}}, "a=2"},
		{"there and back", []string{"a=1"}, []string{"a=2", "a=1"}, Effect{Refreshed: []string{"a"}}, "a=1"},
		{"two paths", nil, []string{"a=1; Path=/x", "a=2; Path=/y"}, Effect{Changed: []string{"a"}}, "a=2"},
		{"two paths, one value", nil, []string{"a=1; Path=/x", "a=1; Path=/y"}, Effect{Changed: []string{"a"}}, "a=1 a=1"},
		{"moved", []string{"a=1; Path=/x"}, []string{"a=; Max-Age=0; Path=/x", "a=1"}, Effect{Changed: []string{"a"}, Deleted: []string{"a"}}, "a=1"},
		{"replacing keeps the age", []string{"a=1", "b=2"}, []string{"a=3"}, Effect{Changed: []string{"a"}}, "a=3 b=2"},
		{"case differs", []string{"a=1"}, []string{"A=2"}, Effect{Changed: []string{"A"}}, "A=2"},
		{"to the empty value", []string{"a=1"}, []string{"a="}, Effect{Changed: []string{"a"}}, "a="},
	} {
		jar, effect, err := jarOf(t, test.before...).Apply(changesOf(t, test.lines...), "app.example", "/", noon)
		if err != nil || fmt.Sprint(effect) != fmt.Sprint(test.effect) || texts(jar) != test.after {
			t.Errorf("%s: got %v, %q, %v", test.name, effect, texts(jar), err)
		}
	}
}

func texts(jar Jar) string {
	var all []string
	for _, c := range jar.cookies {
		all = append(all, c.Name+"="+c.Value)
	}
	return strings.Join(all, " ")
}

func TestApplyForgetsTheExpired(t *testing.T) {
	jar := jarOf(t, "a=1; Max-Age=60", "b=2; Max-Age=61", "c=3")
	next, effect, err := jar.Apply(nil, "app.example", "/", noon.Add(time.Minute))
	if err != nil || texts(next) != "b=2 c=3" || len(effect.Deleted) != 0 {
		t.Errorf("got %q, %v, %v", texts(next), effect, err)
	}
	_, effect, err = jar.Apply(changesOf(t, "a=1"), "app.example", "/", noon.Add(time.Minute))
	if err != nil || !slices.Equal(effect.Changed, []string{"a"}) {
		t.Errorf("the same value after the end is a new cookie: %v, %v", effect, err)
	}
}

func TestApplyFull(t *testing.T) {
	big := func(name string, length int) string { return name + "=" + strings.Repeat("x", length) }
	jar := jarOf(t, big("a", 20000), "b=1")
	next, effect, err := jar.Apply(changesOf(t, big("c", 20000), "b=2", "d=3"), "app.example", "/", noon)
	if !errors.Is(err, ErrFull) || !slices.Equal(effect.Changed, []string{"b", "d"}) || !slices.Equal(next.Names(), []string{"a", "b", "d"}) {
		t.Errorf("got %v, %v, %q", err, effect, next.Names())
	}
	next, effect, err = jar.Apply(changesOf(t, big("b", 20000)), "app.example", "/", noon)
	if !errors.Is(err, ErrFull) || len(effect.Changed) != 0 || next.cookies[1].Value != "1" {
		t.Errorf("a value that is too long was not left out: %v, %v", err, effect)
	}
	next, _, err = jar.Apply(changesOf(t, "a=; Max-Age=0", big("c", 20000)), "app.example", "/", noon)
	if err != nil || next.Len() != 2 {
		t.Errorf("no room after a deletion: %v, %v", err, next)
	}
	if _, _, err = jar.Apply(changesOf(t, big("a", 20001)), "app.example", "/", noon); err != nil {
		t.Errorf("a replacement counts twice: %v", err)
	}
}

// TestApplyBoundsTheNumber: a jar of thousands of tiny cookies would slow down each later request.
func TestApplyBoundsTheNumber(t *testing.T) {
	var changes []Change
	for i := range 5000 {
		changes = append(changes, Change{name: fmt.Sprint("c", i)})
	}
	next, _, err := Jar{}.Apply(changes, "a", "/", noon)
	if !errors.Is(err, ErrFull) || next.Len() > 512 || next.Size() > MaxSize {
		t.Errorf("got %v, %v", next, err)
	}
}

func TestPathMatch(t *testing.T) {
	for _, test := range []struct {
		request, cookie string
		want            bool
	}{
		{"/", "/", true},
		{"/x", "/", true},
		{"/x", "/x", true},
		{"/x/", "/x", true},
		{"/x/y", "/x", true},
		{"/x/y", "/x/", true},
		{"/x", "/x/", false},
		{"/xy", "/x", false},
		{"/X", "/x", false},
		{"/", "/x", false},
		{"*", "/", false},
	} {
		if got := pathMatch(test.request, test.cookie); got != test.want {
			t.Errorf("pathMatch(%q, %q) = %v", test.request, test.cookie, got)
		}
	}
}
