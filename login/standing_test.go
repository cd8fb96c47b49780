package login

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"sallyport.example/sallyport/internal/match"
)

func basicOf(text string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(text)) }

// TestP3_BasicReadsOneWay: a line that servers could read in two ways is refused.
func TestP3_BasicReadsOneWay(t *testing.T) {
	set := &Set{}
	for _, test := range []struct{ line, name string }{
		{basicOf("alice:secret"), "alice"},
		{basicOf("Alice:pass:word"), "alice"},
		{basicOf("zoë:é"), "zoë"},
		{"BASIC " + base64.StdEncoding.EncodeToString([]byte("alice:")), "alice"},
		{basicOf("alice"), ""},
		{basicOf(":secret"), ""},
		{basicOf("alice\x00bob:x"), ""},
		{basicOf("alice:x\n"), ""},
		{basicOf("alice:\u0085"), ""},
		{basicOf("al\xffice:x"), ""},
		{basicOf("alice:\xff"), ""},
		{basicOf("ali\u200dce:x"), ""},
		{"Basic", ""},
		{"Basic ", ""},
		{"Basic  YTpi", ""},
		{"Basic\tYTpi", ""},
		{"Basic YTpi ", ""},
		{"Basic YTp", ""},      // no padding
		{"Basic YTpiYw", ""},   // no padding
		{"Basic YTpiYx==", ""}, // bits beyond the end
		{"Basic YTpi, YTpi", ""},
		{"Basic YTpi YTpi", ""},
		{"Basic YT-_", ""},
		{"Basic =", ""},
		{basicOf("alice:" + strings.Repeat("x", basicLimit)), ""},
	} {
		name, refused := set.ReadBasic(test.line)
		if name != test.name || (refused == nil) != (test.name != "") {
			t.Errorf("%.60q: %q, %v", test.line, name, refused)
		}
		if refused != nil && refused.Status != http.StatusBadRequest {
			t.Errorf("%.60q: %d", test.line, refused.Status)
		}
	}
}

// TestP3_BasicLine: other schemes do not count here, and two lines are one too many.
func TestP3_BasicLine(t *testing.T) {
	const line = "Basic YTpi"
	for _, test := range []struct {
		lines   []string
		want    string
		refused bool
	}{
		{nil, "", false},
		{[]string{line}, line, false},
		{[]string{"basic YTpi"}, "basic YTpi", false},
		{[]string{"Basic\tYTpi"}, "Basic\tYTpi", false}, // ReadBasic refuses it
		{[]string{"Bearer YTpi"}, "", false},
		{[]string{"Basics YTpi"}, "", false},
		{[]string{"YTpi"}, "", false},
		{[]string{""}, "", false},
		{[]string{line, line}, "", true},
		{[]string{"Bearer x", line}, "", true},
		{[]string{line, ""}, "", true},
		{[]string{"Bearer x", "Bearer y"}, "", false},
	} {
		got, refused := BasicLine(http.Header{"Authorization": test.lines})
		if got != test.want || (refused != nil) != test.refused {
			t.Errorf("%q: %q, %v", test.lines, got, refused)
		}
	}
}

// FuzzBasic: a name that is read is the name that the most common readers read.
func FuzzBasic(f *testing.F) {
	for _, line := range []string{basicOf("alice:secret"), "Basic YTpi", "basic YTpi", "Basic  YTpi", "Bearer x", "Basic YTpiYx=="} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		h := http.Header{"Authorization": {line}}
		taken, refused := BasicLine(h)
		user, _, ok := (&http.Request{Header: h}).BasicAuth()
		if refused != nil {
			t.Fatal("one line is refused as two")
		}
		if ok && taken == "" {
			t.Fatalf("net/http reads a password in %q, which was taken for another scheme", line)
		}
		if taken == "" {
			return
		}
		name, refused := (&Set{}).ReadBasic(taken)
		if refused != nil {
			return
		}
		if !ok {
			t.Fatalf("%q was read, and net/http does not read it", line)
		}
		if want, err := (Names{}).Normalise(user); err != nil || name != want {
			t.Fatalf("%q: %q, net/http reads %q", line, name, user)
		}
		if !utf8.ValidString(user) || strings.ContainsFunc(user, unicode.IsControl) {
			t.Fatalf("%q is a name", user)
		}
	})
}

// TestStandingTakesNoRequest: a login that every request carries takes no request, and opens no page to strangers.
func TestStandingTakesNoRequest(t *testing.T) {
	for _, block := range []Block{
		{Paths: match.NewGlobs("*"), Username: Source{Kind: Basic}},
		{Paths: match.NewGlobs("/app/*"), Username: Source{Kind: Basic}},
		{Paths: match.NewGlobs("*"), Username: Source{Kind: Placeholder, Name: "{http.auth.user.id}"}},
	} {
		set := &Set{Blocks: []Block{block}}
		validated(t, set)
		for _, method := range []string{"GET", "POST", "HEAD"} {
			r := request(t, method, "/app/", "", "", "Authorization: Basic YTpi")
			if reading, err := set.Recognise(r, match.ParsePath(r.URL)); reading != (Reading{}) || err != nil {
				t.Errorf("%s: %+v, %v", method, reading, err)
			}
		}
	}
}

func TestBasicAddress(t *testing.T) {
	for path, want := range map[string]string{"*": "/", "/*": "/", "/": "/", "/app/*": "/app/", "/app": "/app", "/a*b": "/a"} {
		if got := (&Block{Paths: match.NewGlobs(path)}).Address(); got != want {
			t.Errorf("%s: %s", path, got)
		}
	}
}

// TestBasicJudged: any answer below 400 is a success unless a rule says otherwise.
func TestBasicJudged(t *testing.T) {
	set := &Set{Blocks: []Block{{Paths: match.NewGlobs("/"), Username: Source{Kind: Basic}}}}
	for status, want := range map[int]Outcome{200: Succeeded, 204: Succeeded, 301: Succeeded, 302: Succeeded, 401: Failed, 403: Failed, 409: Failed, 500: Failed, 0: Failed, 101: Failed} {
		if got := set.Judge(&set.Blocks[0], Answer{Status: status, Header: http.Header{}}, match.Path{Text: "/", Canonical: true}); got != want {
			t.Errorf("%d: %v", status, got)
		}
	}
	set.Blocks[0].Success = [][]Rule{{{Kind: Status, Value: "409"}}}
	for status, want := range map[int]Outcome{200: Failed, 401: Failed, 409: Succeeded} {
		if got := set.Judge(&set.Blocks[0], Answer{Status: status, Header: http.Header{}}, match.Path{Text: "/", Canonical: true}); got != want {
			t.Errorf("%d: %v", status, got)
		}
	}
}
