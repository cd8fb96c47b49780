package login

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// TestP4_IdentityRead: only an answer of 200 with one name names somebody. An unusable answer says nothing (P6).
func TestP4_IdentityRead(t *testing.T) {
	byJSON := &Identity{Kind: JSON, Pointer: "/user/name"}
	byHeader := &Identity{Kind: Header, Header: "x-user"}
	byPart := &Identity{Kind: Header, Header: "x-user", Pattern: regexp.MustCompile(`^export_(.+)_\d{4}\.xml$`)}
	byBody := &Identity{Kind: Body, Pattern: mustPattern(`user=(\S*)`)}
	quoted := &Identity{Kind: Body, Pattern: mustPattern(`"user":"((?:[^"\\]|\\.)+)"`), Quoted: true}
	greedy := &Identity{Kind: Body, Pattern: mustPattern(`"user":(.+);`), Quoted: true}
	json := func(body string) Answer { return Answer{Status: 200, Body: []byte(body)} }
	header := func(values ...string) Answer {
		return Answer{Status: 200, Header: http.Header{"X-User": values}}
	}
	for _, test := range []struct {
		what     string
		identity *Identity
		answer   Answer
		name     string
		verdict  Verdict
	}{
		{"name", byJSON, json(`{"user":{"name":"Alice"}}`), "Alice", Known},
		{"exactly", byJSON, json(`{"user":{"name":"Alice  B"}}`), "Alice  B", Known},
		{"space behind it", byJSON, json(`{"user":{"name":"Alice "}}`), "", Unclear},
		{"space before it", byJSON, json(`{"user":{"name":"\u00a0Alice"}}`), "", Unclear},
		{"number", byJSON, json(`{"user":{"name":17}}`), "17", Known},
		{"zero", byJSON, json(`{"user":{"name":0}}`), "", NotSignedIn},
		{"null", byJSON, json(`{"user":{"name":null}}`), "", NotSignedIn},
		{"false", byJSON, json(`{"user":{"name":false}}`), "", NotSignedIn},
		{"empty", byJSON, json(`{"user":{"name":""}}`), "", NotSignedIn},
		{"blank", byJSON, json(`{"user":{"name":"  "}}`), "", NotSignedIn},
		{"no member", byJSON, json(`{"user":null}`), "", NotSignedIn},
		{"other case", byJSON, json(`{"User":{"Name":"Alice"}}`), "", NotSignedIn},
		{"object", byJSON, json(`{"user":{"name":{}}}`), "", NotSignedIn},
		{"twice", byJSON, json(`{"user":{"name":"Alice","name":"Bob"}}`), "", Unclear},
		{"differing in case elsewhere", byJSON, json(`{"user":{"name":"Alice"},"t":{"Yes":1,"yes":2}}`), "Alice", Known},
		{"control character", byJSON, json(`{"user":{"name":"Ali\u0000ce"}}`), "", Unclear},
		{"C1 control character", byJSON, json(`{"user":{"name":"Ali\u0085ce"}}`), "", Unclear},
		{"too long", byJSON, json(`{"user":{"name":"` + strings.Repeat("a", NameLimit+1) + `"}}`), "", Unclear},
		{"byte order mark", byJSON, json("\ufeff" + `{"user":{"name":"Alice"}}`), "Alice", Known},
		{"against scripts, as Angular", byJSON, json(")]}',\n" + `{"user":{"name":"Alice"}}`), "Alice", Known},
		{"against scripts, as Gerrit", byJSON, json(")]}'\n" + `{"user":{"name":"Alice"}}`), "Alice", Known},
		{"both", byJSON, json("\ufeff)]}'\r\n" + `{"user":{"name":"Alice"}}`), "Alice", Known},
		{"against scripts, a stranger", byJSON, json(")]}'\n" + `{"user":null}`), "", NotSignedIn},
		{"against scripts, and nothing", byJSON, json(")]}'\n"), "", Unclear},
		{"half a prefix", byJSON, json(")]}" + `{"user":{"name":"Alice"}}`), "", Unclear},
		{"the prefix twice", byJSON, json(")]}')]}'" + `{"user":{"name":"Alice"}}`), "", Unclear},
		{"two byte order marks", byJSON, json("\ufeff\ufeff" + `{"user":{"name":"Alice"}}`), "", Unclear},
		{"broken", byJSON, json(`{"user":{"name":"Alice"}`), "", Unclear},
		{"empty body", byJSON, json(``), "", Unclear},
		{"a page instead", byJSON, Answer{Status: 200, Header: http.Header{"Content-Type": {"text/html; charset=utf-8"}}, Body: []byte("<html>")}, "", NotSignedIn},
		{"broken, and said to be JSON", byJSON, Answer{Status: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte("<html>")}, "", Unclear},
		{"JSON, said to be a page", byJSON, Answer{Status: 200, Header: http.Header{"Content-Type": {"text/html"}}, Body: []byte(`{"user":{"name":"Alice"}}`)}, "Alice", Known},
		{"unknown body", byJSON, Answer{Status: 200, Body: []byte(`{"user":{"name":"Alice"}}`), BodyUnknown: true}, "", Unclear},
		{"header", byHeader, header("Alice"), "Alice", Known},
		{"part of a header", byPart, header("export_Al_ice_2026.xml"), "Al_ice", Known},
		{"part of two headers", byPart, header("export_Alice_2026.xml", "export_Bob_2026.xml"), "", Unclear},
		{"another value", byPart, header("error.xml"), "", NotSignedIn},
		{"header, body unknown", byHeader, Answer{Status: 200, Header: http.Header{"X-User": {"Alice"}}, BodyUnknown: true}, "Alice", Known},
		{"header twice", byHeader, header("Alice", "Alice"), "Alice", Known},
		{"two headers", byHeader, header("Alice", "Bob"), "", Unclear},
		{"no header", byHeader, header(), "", NotSignedIn},
		{"empty header", byHeader, header(""), "", NotSignedIn},
		{"Latin-1", byHeader, header("Andr\xe9"), "", Unclear},
		{"body", byBody, json("x user=Alice\nuser=Alice"), "Alice", Known},
		{"body, what others wrote", byBody, json("x user=Alice user=Bob"), "", Unclear},
		{"body, nothing", byBody, json("x"), "", NotSignedIn},
		{"body, empty group", byBody, json("user= x"), "", NotSignedIn},
		{"body unknown", byBody, Answer{Status: 200, BodyUnknown: true}, "", Unclear},
		{"in a string", quoted, json(`x={"user":"Alice"}`), "Alice", Known},
		{"in a string, escaped", quoted, json(`x={"user":"Tom \u0026 \"J\\\u00e9r\"\/y"}`), `Tom & "J\ér"/y`, Known},
		{"in a string, two spellings", quoted, json(`{"user":"Tom \u0026 J"} {"user":"Tom & J"}`), "Tom & J", Known},
		{"in a string, an escape that is escaped", quoted, json(`{"user":"Tom \\u0026 J"}`), `Tom \u0026 J`, Known},
		{"in a string, two names", quoted, json(`{"user":"Tom \\u0026 J"} {"user":"Tom \u0026 J"}`), "", Unclear},
		{"in a string, a pair", quoted, json(`{"user":"\ud83d\ude00"}`), "😀", Known},
		{"in a string, half of a pair", quoted, json(`{"user":"A\ud83d"}`), "", Unclear},
		{"in a string, no escape", quoted, json(`{"user":"A\x26"}`), "", Unclear},
		{"in a string, half an escape", quoted, json(`{"user":"A\u26"}`), "", Unclear},
		{"in a string, Latin-1", quoted, json("{\"user\":\"Andr\xe9\"}"), "", Unclear},
		{"in a string, a control character", quoted, json(`{"user":"A\u0000"}`), "", Unclear},
		{"in a string, a space at its end", quoted, json(`{"user":"A\u0020"}`), "", Unclear},
		{"in a string, nothing", quoted, json(`{"user":null}`), "", NotSignedIn},
		{"more than a string", greedy, json(`"user":x","y;`), "", Unclear},
		{"no pattern", &Identity{Kind: Body}, json("x"), "", Unclear},
		{"no kind", &Identity{}, json("x"), "", Unclear},
	} {
		name, verdict := test.identity.Read(test.answer)
		if name != test.name || verdict != test.verdict {
			t.Errorf("%s: %q, %v; want %q, %v", test.what, name, verdict, test.name, test.verdict)
		}
	}
	for status, want := range map[int]Verdict{
		0: Unclear, 101: Unclear, 201: NotSignedIn, 204: NotSignedIn, 206: NotSignedIn, 301: NotSignedIn, 302: NotSignedIn, 304: NotSignedIn, 401: NotSignedIn,
		403: NotSignedIn, 404: NotSignedIn, 408: Unclear, 419: NotSignedIn, 425: Unclear, 429: Unclear, 500: Unclear, 502: Unclear, 503: Unclear, 504: Unclear,
	} {
		answer := json(`{"user":{"name":"Alice"}}`)
		answer.Status = status
		if name, verdict := byJSON.Read(answer); name != "" || verdict != want {
			t.Errorf("%d: %q, %v; want %v", status, name, verdict, want)
		}
	}
}

// TestP4_Guests: the app gives strangers a name too. A user of that name is not signed in; a user of a similar name is.
func TestP4_Guests(t *testing.T) {
	i := &Identity{Path: "/me", Kind: JSON, Pointer: "/name", Guests: []string{"anonymous", "Guest User"}}
	for name, want := range map[string]bool{
		"anonymous": true, "Guest User": true, "Anonymous": false, "anonymous ": false, "guest user": false, "anonymous2": false, "": false,
	} {
		if i.IsGuest(name) != want {
			t.Errorf("%q: %t", name, !want)
		}
	}
	if (&Identity{}).IsGuest("") {
		t.Error("nobody has declared a guest")
	}
}

func TestWhere(t *testing.T) {
	for want, i := range map[string]Identity{
		"/me json /name":    {Path: "/me", Kind: JSON, Pointer: "/name"},
		"/me header X-User": {Path: "/me", Kind: Header, Header: "X-User"},
		"/me?a=b body":      {Path: "/me?a=b", Kind: Body},
	} {
		if got := i.Where(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestLargeAnswerIsCheap: an answer may be as large as its authors like, but reading one name from it must be cheap.
func TestLargeAnswerIsCheap(t *testing.T) {
	body := `{"list":[` + strings.Repeat("0,", AnswerLimit/2-50) + `0],"name":"Alice"}`
	if n := testing.AllocsPerRun(1, func() {
		if n, err := pickJSON(body, []string{"name"}); err != nil || n == nil || n.text != "Alice" {
			t.Error(n, err)
		}
	}); n > 50 {
		t.Errorf("%v allocations", n)
	}
}
