package login

import (
	"strings"
	"testing"

	"sallyport/match"
)

// TestValidate: what cannot work, or would open a door, is said at the start.
func TestValidate(t *testing.T) {
	form := Source{Form, "user"}
	for _, test := range []struct {
		what  string
		set   Set
		error string
	}{
		{"nobody says who is signed in", Set{Blocks: []Block{{Paths: match.NewGlobs("/login"), Username: form}}}, "identity: name the address"},
		{"none at all", Set{}, "identity: name the address"},
		{"none at all, and the app is asked", Set{Identities: who}, ""},
		{"plain", Set{Blocks: []Block{{Paths: match.NewGlobs("/login"), Username: form}}, Identities: who}, ""},
		{"globs", Set{Blocks: []Block{{Paths: match.NewGlobs("/api/*/login", "/login*", "*/signin", "/admin/login/"), Username: form}}, Identities: who}, ""},
		{"spaces and accents", Set{Blocks: []Block{{Paths: match.NewGlobs("/mon compte/été"), Username: form}}, Identities: who}, ""},
		{"no path", Set{Blocks: []Block{{Username: form}}}, "a path is missing"},
		{"empty path", Set{Blocks: []Block{{Paths: match.NewGlobs(""), Username: form}}}, "empty path"},
		{"relative path", Set{Blocks: []Block{{Paths: match.NewGlobs("login"), Username: form}}}, "must start"},
		{"query in the path", Set{Blocks: []Block{{Paths: match.NewGlobs("/doku.php?do=login"), Username: form}}}, "use 'when query"},
		{"path that is never canonical", Set{Blocks: []Block{{Paths: match.NewGlobs("/a//b"), Username: form}}}, "canonical"},
		{"path with a dot segment", Set{Blocks: []Block{{Paths: match.NewGlobs("/a/../b"), Username: form}}}, "canonical"},
		{"encoded path", Set{Blocks: []Block{{Paths: match.NewGlobs("/%6cogin"), Username: form}}}, "canonical"},
		{"path with parameters", Set{Blocks: []Block{{Paths: match.NewGlobs("/login;x"), Username: form}}}, "canonical"},
		{"everything is a login", Set{Blocks: []Block{{Paths: match.NewGlobs("*"), Username: form, Success: rules(t, "status|302")}}}, "narrow it"},
		{"everything is a login, again", Set{Blocks: []Block{{Paths: match.NewGlobs("/*"), Username: form, Success: rules(t, "status|302")}}}, "narrow it"},
		{"nowhere is away", Set{Blocks: []Block{{Paths: match.NewGlobs("/*"), When: []Condition{{Form, "u", "*"}}, Username: form, Fields: []string{"p"}}}, Typed: true}, "add a 'success' line"},
		{"the app is asked", Set{Blocks: []Block{{Paths: match.NewGlobs("/*"), When: []Condition{{Form, "u", "*"}}, Username: form}}, Identities: []Identity{{Path: "/me", Kind: Header, Header: "X-User"}}}, ""},
		{"the root alone", Set{Blocks: []Block{{Paths: match.NewGlobs("/"), Username: form}}, Identities: who}, ""},
		{"lower-case method", Set{Blocks: []Block{{Paths: match.NewGlobs("/login"), Methods: []string{"post"}, Username: form}}}, "capitals"},
		{"no username", Set{Blocks: []Block{{Paths: match.NewGlobs("/login")}}}, "username"},
		{"unknown source", Set{Blocks: []Block{{Paths: match.NewGlobs("/login"), Username: Source{"cookie", "x"}}}}, "username"},
		{"source without name", Set{Blocks: []Block{{Paths: match.NewGlobs("/login"), Username: Source{Form, " "}}}}, "name of a field"},
		{"bad pointer", Set{Blocks: []Block{{Paths: match.NewGlobs("/login"), Username: Source{JSON, "user"}}}}, "must start with '/'"},
		{"bad pointer escape", Set{Blocks: []Block{{Paths: match.NewGlobs("/login"), Username: Source{JSON, "/a~2"}}}}, "'~'"},
		{"pointer to the whole", Set{Blocks: []Block{{Paths: match.NewGlobs("/login"), Username: Source{JSON, ""}}}}, "pointer is missing"},
		{"none with a name", Set{Blocks: []Block{{Paths: match.NewGlobs("/login"), Username: Source{None, "x"}}}}, "nothing more"},
		{"unknown condition", Set{Blocks: []Block{{Paths: match.NewGlobs("/login"), When: []Condition{{Header, "x", "y"}}, Username: form}}}, "when"},
		{"condition without pointer", Set{Blocks: []Block{{Paths: match.NewGlobs("/login"), When: []Condition{{JSON, "", "y"}}, Username: Source{JSON, "/a"}}}}, "pointer is missing"},
		{"a body of two kinds", Set{Blocks: []Block{{Paths: match.NewGlobs("/login"), When: []Condition{{JSON, "/op", "login"}}, Username: form}}}, "one body"},
		{"bad rule", Set{Blocks: []Block{{Paths: match.NewGlobs("/login"), Username: form, Success: [][]Rule{{{Kind: Status, Value: "9xx"}}}}}}, "status"},
		{"line without rules", Set{Blocks: []Block{{Paths: match.NewGlobs("/login"), Username: form, Failure: [][]Rule{{}}}}}, "empty line"},
		{"identity without path", Set{Identities: []Identity{{Kind: JSON}}}, "canonical path"},
		{"identity elsewhere", Set{Identities: []Identity{{Path: "http://x/", Kind: JSON}}}, "canonical path"},
		{"identity on another host", Set{Identities: []Identity{{Path: "//x/me", Kind: JSON}}}, "canonical path"},
		{"identity with a query", Set{Identities: []Identity{{Path: "/api.php?a=b&c=d", Kind: JSON, Pointer: "/a"}}}, ""},
		{"identity without kind", Set{Identities: []Identity{{Path: "/me"}}}, "none of json"},
		{"identity with a bad header", Set{Identities: []Identity{{Path: "/me", Kind: Header, Header: "X User"}}}, "name of a header"},
		{"identity without group", Set{Identities: []Identity{{Path: "/me", Kind: Body, Pattern: mustPattern("x")}}}, "one group"},
		{"identity with two groups", Set{Identities: []Identity{{Path: "/me", Kind: Body, Pattern: mustPattern("(x)(y)")}}}, "one group"},
		{"a GET with a body", Set{Identities: []Identity{{Path: "/me", Kind: JSON, Body: "{}"}}}, "takes no body"},
		{"a POST with a body", Set{Identities: []Identity{{Path: "/me", Method: "POST", ContentType: "application/json", Kind: JSON, Body: "{}"}}}, ""},
		{"identity with an odd method", Set{Identities: []Identity{{Path: "/me", Method: "get", Kind: JSON}}}, "capitals"},
		{"identity with an odd content type", Set{Identities: []Identity{{Path: "/me", Method: "POST", ContentType: "a\nb", Kind: JSON}}}, "control character"},
	} {
		err := test.set.Validate()
		if (err == nil) != (test.error == "") || err != nil && !strings.Contains(err.Error(), test.error) {
			t.Errorf("%s: %v, want %q", test.what, err, test.error)
		}
	}
}

func TestParseWords(t *testing.T) {
	for words, want := range map[string]Source{
		"form user": {Form, "user"}, "json /user/name": {JSON, "/user/name"}, "query u": {Query, "u"}, "none": {None, ""},
		"": {}, "form": {}, "form a b": {}, "none x": {}, "json user": {}, "cookie x": {},
	} {
		source, err := ParseSource(strings.Fields(words))
		if (err == nil) != (want != Source{}) || err == nil && source != want {
			t.Errorf("username %s: %v, %v", words, source, err)
		}
	}
	for words, ok := range map[string]bool{
		"form op login": true, "query op *": true, "json /op login": true, "json op login": false, "form op": false, "form op a b": false, "header a b": false,
	} {
		if condition, err := ParseCondition(strings.Fields(words)); (err == nil) != ok || ok && condition.Name == "" {
			t.Errorf("when %s: %v, %v", words, condition, err)
		}
	}
}

// TestUnvalidatedSetWorks: forgetting Validate must not open the gate.
func TestUnvalidatedSetWorks(t *testing.T) {
	set := &Set{Blocks: []Block{{Paths: match.NewGlobs("/login"), Username: Source{Form, "username"}}}}
	r := request(t, "POST", "/Login", mediaForm, "username=bob")
	if got := outcome(recognise(t, set, r, "username=bob")); got != "refused 400" {
		t.Error(got)
	}
}
