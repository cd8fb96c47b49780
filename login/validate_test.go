package login

import (
	"errors"
	"strings"
	"testing"

	"sallyport.example/sallyport/internal/match"
)

// TestValidate: what cannot work, or would open a hole, is an error at the start.
func TestValidate(t *testing.T) {
	form := Source{Form, "user"}
	step := func(fields ...string) Block {
		return Block{Paths: match.NewGlobs("/login"), When: []Condition{{Form, "skip", "*"}}, Username: Source{Kind: None}, Fields: fields, Continues: true}
	}
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
		{"a second step", Set{Blocks: []Block{step("p", "user="), {Paths: match.NewGlobs("/login"), Username: form}}, Identities: who}, ""},
		{"a second step with a name", Set{Blocks: []Block{step("p", "user"), {Paths: match.NewGlobs("/login"), Username: form}}, Identities: who}, "write user="},
		{"a second step with some names", Set{Blocks: []Block{{Paths: match.NewGlobs("/login"), Username: form}, step("user=b*")}, Identities: who}, "login block 2: continues"},
		{"a second step that a name tells", Set{Blocks: []Block{step("p"), {Paths: match.NewGlobs("/login"), Username: Source{Form, "skip"}}}, Identities: who}, "write skip="},
		{"a second step of a typed login", Set{Blocks: []Block{step("p")}, Typed: true}, "no login continues"},
		{"a second step of its own", Set{Blocks: []Block{{Paths: match.NewGlobs("/login"), Username: form, Continues: true}}, Identities: who}, "'username none'"},
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

// TestP4_TypedIsNarrow: without the app's word, a login must say which fields it has, and which sign of a right
// password a client cannot bring about. Status and Location depend on too much that the client chooses.
func TestP4_TypedIsNarrow(t *testing.T) {
	block := func(success ...string) Block {
		return Block{Paths: match.NewGlobs("/login"), Username: Source{Form, "u"}, Fields: []string{"p"}, Success: rules(t, success...)}
	}
	open := block("cookie|sid")
	open.Fields = nil
	wide := block("status|302")
	wide.Paths, wide.When = match.NewGlobs("*"), []Condition{{Form, "u", "*"}}
	failing := block()
	failing.Failure = rules(t, "body|wrong", "cookie|sid")
	from, pointer := block("cookie|sid"), block("cookie|sid")
	from.From = []string{"https://portal.example.com", "http://127.0.0.1:8080"}
	pointer.Username, pointer.Fields = Source{JSON, "/u"}, []string{"/p", "/a~2"}
	blank := block("cookie|sid")
	blank.Fields = []string{"p", " "}
	basic := Block{Paths: match.NewGlobs("*"), Username: Source{Kind: Basic}}
	basicFields, basicFrom := basic, basic
	basicFields.Fields, basicFrom.From = []string{"p"}, []string{"https://a.example"}
	front := Block{Paths: match.NewGlobs("*"), Username: Source{Placeholder, "{http.auth.user.id}"}}
	one := func(b Block) Set { return Set{Typed: true, Blocks: []Block{b}} }
	for _, test := range []struct {
		what  string
		set   Set
		error string
	}{
		{"no success", one(block()), "add a 'success' line"},
		{"no success, and failure", one(failing), "add a 'success' line"},
		{"status", one(block("status|302")), "add a 'success' line"},
		{"location", one(block("location|/home")), "add a 'success' line"},
		{"status and location", one(block("status|302", "location|/home")), "add a 'success' line"},
		{"everywhere, by status", one(wide), "add a 'success' line"},
		{"cookie", one(block("cookie|sid")), ""},
		{"header", one(block("header|X-User")), ""},
		{"body", one(block("body|Ok.")), ""},
		{"JSON", one(block("json|/token")), ""},
		{"status and cookie", one(block("status|302", "cookie|sid")), ""},
		{"status or cookie", one(Block{
			Paths: match.NewGlobs("/login"), Username: Source{Form, "u"}, Fields: []string{"p"}, Success: [][]Rule{{{Kind: Status, Value: "302"}, {Kind: Cookie, Name: "sid"}}},
		}), "add a 'success' line"},
		{"no fields", one(open), "name all fields"},
		{"a field without a name", one(blank), "no name of a field"},
		{"a field with a bad pointer", one(pointer), "'~'"},
		{"the second login", Set{Typed: true, Blocks: []Block{block("cookie|sid"), block("status|302")}}, "login block 2"},
		{"asked and typed", Set{Typed: true, Identities: who, Blocks: []Block{block("cookie|sid")}}, "either asked"},
		{"asked: anything goes", Set{Identities: who, Blocks: []Block{open, block("status|302"), block()}}, ""},
		{"the second identity", Set{Identities: []Identity{who[0], {Path: "/x"}}}, "none of json"},
		{"HTTP Basic", one(basic), ""},
		{"HTTP Basic, nobody says", Set{Blocks: []Block{basic}}, "identity: name the address"},
		{"HTTP Basic with fields", one(basicFields), "'fields'"},
		{"HTTP Basic from elsewhere", one(basicFrom), "'from'"},
		{"placeholder", Set{Blocks: []Block{front}}, ""},
		{"placeholder, typed", one(front), "placeholder"},
		{"placeholder, asked", Set{Identities: who, Blocks: []Block{front}}, "placeholder"},
		{"from", one(from), ""},
	} {
		err := test.set.Validate()
		if (err == nil) != (test.error == "") || err != nil && !strings.Contains(err.Error(), test.error) {
			t.Errorf("%s: %v, want %q", test.what, err, test.error)
		}
	}
	if err := (&Set{}).Validate(); !errors.Is(err, ErrNoIdentity) {
		t.Errorf("%v", err)
	}
	for _, origin := range []string{
		"", "portal.example.com", "https://", "https://portal.example.com/", "https://Portal.example.com", "https://a.example?x", "ftp://a.example", "null",
		"https://a@b.example", "https://a.example#", "HTTPS://a.example", "*",
	} {
		from.From = []string{origin}
		set := one(from)
		if err := set.Validate(); err == nil || !strings.Contains(err.Error(), "no origin") {
			t.Errorf("from %q: %v", origin, err)
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
