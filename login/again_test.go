package login

import "testing"

// TestAsksAgain: only a page with the login's own form counts.
func TestAsksAgain(t *testing.T) {
	byName := &Block{Username: Source{Kind: Form, Name: "user"}}
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
		{byName, `<p>Hello alice`, false},
		{byName, `<p>Hello alice, <input type=password name=new> is a field of hers`, false},
		{byName, `<p>Hello alice, <input name=user> finds others`, false},
		{byName, `<!-- ` + form + ` -->`, false},
		{byName, `<script>'` + form + `'</script>`, false},
		{byName, `<textarea>` + form + `</textarea>`, false},
		{byName, `<input name=USER><input type=password>`, false},
		{byName, ``, false},
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
		if got := set.AsksAgain(test.block, []byte(test.page)); got != test.want {
			t.Errorf("%+v, %s: %t", test.block.Username, test.page, got)
		}
	}
}

// TestAsksAgainOfTheFirstStep: the answer to a right password may be the form of the second step.
func TestAsksAgainOfTheFirstStep(t *testing.T) {
	first := Block{Username: Source{Kind: Form, Name: "user"}}
	second := Block{Username: Source{Kind: None}, Continues: true, Fields: []string{"otp"}}
	const page = `<form><input name=otp>`
	if (&Set{Blocks: []Block{first}}).AsksAgain(&first, []byte(page)) {
		t.Error("the control: there is no second step, and the page counts")
	}
	if !(&Set{Blocks: []Block{first, second}}).AsksAgain(&first, []byte(page)) {
		t.Error("the form of the second step does not count")
	}
}

// FuzzAsksAgain: no page makes it fail, and none without a field for a password counts.
func FuzzAsksAgain(f *testing.F) {
	f.Add([]byte(`<input name=user><input type=password>`))
	f.Add([]byte("<input name=\x00user type=\"pass"))
	block := &Block{Username: Source{Kind: Form, Name: "user"}}
	f.Fuzz(func(t *testing.T, page []byte) {
		if (&Set{}).AsksAgain(block, page) && len(page) < len("<input name=user type=password>") {
			t.Errorf("%q", page)
		}
	})
}
