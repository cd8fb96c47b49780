package custody

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"
)

// noon is the time of the tests.
var noon = time.Date(2026, time.November, 24, 12, 0, 0, 0, time.UTC)

// changesOf reads Set-Cookie lines, which must be valid.
func changesOf(t testing.TB, lines ...string) []Change {
	t.Helper()
	var changes []Change
	for _, line := range lines {
		change, ok := ParseSetCookie(line)
		if !ok {
			t.Fatalf("%q is no cookie", line)
		}
		changes = append(changes, change)
	}
	return changes
}

// jarOf returns the jar after an answer of app.example to a request for "/".
func jarOf(t testing.TB, lines ...string) Jar {
	t.Helper()
	jar, _, err := Jar{}.Apply(changesOf(t, lines...), "app.example", "/", noon)
	if err != nil {
		t.Fatal(err)
	}
	return jar
}

func TestJarZeroValue(t *testing.T) {
	var jar Jar
	if jar.Len() != 0 || jar.Size() != 0 || jar.Names() != nil || jar.Holds("sid") || jar.Clone().Len() != 0 {
		t.Errorf("the zero value is not an empty jar: %v", jar)
	}
}

func TestJarCloneSharesNothing(t *testing.T) {
	jar := jarOf(t, "a=1", "b=2")
	copied := jar.Clone()
	copied.cookies[0].Value = "changed"
	if jar.cookies[0].Value != "1" {
		t.Error("a change of the copy changed the jar")
	}
}

func TestApplyLeavesTheJarAlone(t *testing.T) {
	jar := jarOf(t, "a=1", "b=2", "c=3; Max-Age=1")
	before := jar.Clone()
	for range 2 { // twice, because the second could write to spare capacity of the first result
		next, _, err := jar.Apply(changesOf(t, "a=new", "b=; Max-Age=0", "d=4"), "app.example", "/", noon.Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		next.cookies[0].Value = "changed"
	}
	if !slices.Equal(jar.cookies, before.cookies) {
		t.Errorf("the jar was changed: %#v", jar.cookies)
	}
}

func TestJarNames(t *testing.T) {
	jar := jarOf(t, "b=3; Path=/x", "a=2", "b=3")
	if got, want := jar.Names(), []string{"b", "a"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestJarHolds(t *testing.T) {
	jar := jarOf(t, "PHPSESSID=1", "connect.sid=2", "user[id]=3", "caf\u00e9=4", "odd%5fname=5")
	for name, want := range map[string]bool{
		"PHPSESSID": true, "phpsessid": true, "PHPSESSI%44": true, "PHPSESSID%00x": true, "PHPSESSID%00%": true, "PHPSESSID2": false,
		"connect_sid": true, "Connect+Sid": true, "connect[sid": true, "connect": false, "user": true, "user[name]": true,
		"caf\u00e9": true, "cafe": false, "odd_name": true, "odd.name": true, "": false,
	} {
		if got := jar.Holds(name); got != want {
			t.Errorf("Holds(%q) = %v, want %v", name, got, want)
		}
	}
}

// TestP9_ValuesAreNotPrinted: no verb, logger or encoder shows what is in custody.
func TestP9_ValuesAreNotPrinted(t *testing.T) {
	const secret = "s3cr3t"
	jar := jarOf(t, "sid="+secret+"; HttpOnly")
	change := changesOf(t, "sid="+secret)[0]
	var log strings.Builder
	logger := slog.New(slog.NewTextHandler(&log, nil))
	for _, value := range []any{jar, &jar, change, &change, jar.cookies[0], &jar.cookies[0], jar.cookies, Sorted{Held: []Change{change}}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			fmt.Fprintf(&log, verb, value)
		}
		encoded, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		log.Write(encoded)
		logger.Info("x", "value", value)
	}
	if strings.Contains(log.String(), secret) || strings.Contains(log.String(), fmt.Sprintf("%x", secret)) {
		t.Errorf("the value was printed: %s", log.String())
	}
	damaged := string(jar.Encode(nil))
	if _, _, err := DecodeJar(damaged[:len(damaged)-1]); err == nil || strings.Contains(err.Error(), secret) {
		t.Errorf("got %v", err)
	}
}
