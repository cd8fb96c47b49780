package login

import (
	"testing"

	"sallyport.example/sallyport/internal/match"
)

// at is where the login is.
var at = match.Path{Text: "/wiki/login", Canonical: true}

// TestAsksAgain: only a page with the login's own form counts.
func TestAsksAgain(t *testing.T) {
	byName := &Block{Paths: match.NewGlobs("/sign-in"), Username: Source{Kind: Form, Name: "user"}}
	listed := &Block{Username: Source{Kind: Form, Name: "user"}, Fields: []string{"pw", "otp", "empty="}}
	nameless := &Block{Username: Source{Kind: None}}
	second := &Block{Username: Source{Kind: None}, Continues: true, Fields: []string{"otp", "csrf=*", "u="}}
	conditional := &Block{Username: Source{Kind: None}, Continues: true, When: []Condition{{Kind: Form, Name: "step", Value: "2"}}}
	const form = `<!doctype html><p>Wrong.<form><input name=user><input type="Password" name=p></form>`
	for _, test := range []struct {
		block *Block
		page  string
		want  bool
	}{
		{byName, form, true},
		{byName, `<INPUT NAME='user' value=x><input type=password />`, true},
		{byName, `<form action=""><input name=user><input type=password>`, true},
		{byName, `<form action="login?next=/x"><input name=user><input type=password>`, true},
		{byName, `<form action="/wiki/login"><input name=user><input type=password>`, true},
		{byName, `<form action="https://wiki.example/wiki/login"><input name=user><input type=password>`, true},
		{byName, `<form action="/sign-in"><input name=user><input type=password>`, true},
		{byName, `<form action="/change-password"><input name=user><input type=password>`, false},
		{byName, `<form action="javascript:x"><input name=user><input type=password>`, false},
		{byName, `<form action="?do=x"><input name=user></form><form action=/other><input type=password>`, false},
		{byName, `<p>Hello alice`, false},
		{byName, `<p>Hello alice, <input type=password name=new> is a field of hers`, false},
		{byName, `<p>Hello alice, <input name=user> finds others`, false},
		{byName, `<!-- ` + form + ` -->`, false},
		{byName, `<script>'` + form + `'</script>`, false},
		{byName, `<textarea>` + form + `</textarea>`, false},
		{byName, `<input name=USER><input type=password>`, false},
		{byName, ``, false},
		{listed, `<input type=hidden name=user><input name=otp>`, true},
		{listed, `<input type=hidden name=user><input name=empty>`, false},
		{listed, `<input name=otp>`, false},
		{nameless, `<input type=password>`, true},
		{nameless, `<input type=text>`, false},
		{second, `<input name=otp>`, true},
		{second, `<input name=csrf type=hidden>`, true},
		{second, `<input name=q>`, false},
		{second, `<input name=u>`, false},
		{conditional, `<input type=hidden name=step value=2>`, true},
		{conditional, `<input name=q>`, false},
	} {
		set := &Set{Blocks: []Block{*test.block}}
		if got := set.AsksAgain(test.block, at, []byte(test.page)); got != test.want {
			t.Errorf("%+v, %s: %t", test.block.Username, test.page, got)
		}
	}
}

// TestAsksAgainOfTheFirstStep: the answer to a right password may be the form of the second step.
func TestAsksAgainOfTheFirstStep(t *testing.T) {
	first := Block{Username: Source{Kind: Form, Name: "user"}}
	second := Block{Username: Source{Kind: None}, Continues: true, Fields: []string{"otp"}}
	const page = `<form><input name=otp>`
	if (&Set{Blocks: []Block{first}}).AsksAgain(&first, at, []byte(page)) {
		t.Error("the control: there is no second step, and the page counts")
	}
	if !(&Set{Blocks: []Block{first, second}}).AsksAgain(&first, at, []byte(page)) {
		t.Error("the form of the second step does not count")
	}
}

// FuzzAsksAgain: no page makes it fail, and none without a field for a password counts.
func FuzzAsksAgain(f *testing.F) {
	f.Add([]byte(`<input name=user><input type=password>`))
	f.Add([]byte("<input name=\x00user type=\"pass"))
	block := &Block{Username: Source{Kind: Form, Name: "user"}}
	f.Fuzz(func(t *testing.T, page []byte) {
		if (&Set{}).AsksAgain(block, at, page) && len(page) < len("<input name=user type=password>") {
			t.Errorf("%q", page)
		}
	})
}
