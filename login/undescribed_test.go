package login

import (
	"strings"
	"testing"

	"sallyport/match"
)

// TestP4_UndescribedFields: where the typed name counts, the app may read another name by a field that nobody has described: `email`
// beside `username`, `login_as`, a member deep in JSON, a second value, a file. A login with any such field goes nowhere.
func TestP4_UndescribedFields(t *testing.T) {
	typed := func(b Block) *Set {
		b.Paths, b.Success = match.NewGlobs("/login"), rules(t, "cookie|sid")
		return validated(t, &Set{Blocks: []Block{b}, Typed: true})
	}
	form := typed(Block{Username: Source{Form, "username"}, Fields: []string{"password", "remember", "a[b]"}})
	when := typed(Block{When: []Condition{{Query, "do", "login"}, {Form, "op", "login"}}, Username: Source{Form, "username"}, Fields: []string{"password"}})
	json := typed(Block{Username: Source{JSON, "/user/name"}, Fields: []string{"/user/password", "/flags/0", "/a~1b", "lang"}})
	query := typed(Block{Username: Source{Query, "username"}, Fields: []string{"password", "/password"}})
	none := typed(Block{Username: Source{Kind: None}, Fields: []string{"password", "/password"}})
	open := validated(t, &Set{Blocks: []Block{{Paths: match.NewGlobs("/login"), Username: Source{Form, "username"}}}})

	const multi = "multipart/form-data; boundary=B"
	parts := func(list ...string) string { return strings.Join(list, "") + "--B--\r\n" }
	name, password := part("B", "username", "alice"), part("B", "password", "x")
	const js = "application/json"
	for _, test := range []struct {
		set                      *Set
		query, contentType, body string
		want                     string
	}{
		{form, "", mediaForm, "username=alice&password=x", "login alice"},
		{form, "", mediaForm, "username=alice&password=x&remember=1&a%5Bb%5D=2", "login alice"},
		{form, "", mediaForm, "username=alice&&password=x&", "login alice"},
		{form, "?remember=1", mediaForm, "username=alice&password=x", "login alice"},
		{form, "", mediaForm, "username=alice&password=x&email=bob", "refused 400"},
		{form, "", mediaForm, "email=bob&username=alice&password=x", "refused 400"},
		{form, "?email=bob", mediaForm, "username=alice&password=x", "refused 400"},
		{form, "?next=/", mediaForm, "username=alice&password=x", "refused 400"},
		{form, "", mediaForm, "username=alice&password=x&email", "refused 400"},
		{form, "", mediaForm, "username=alice&password=x&=bob", "refused 400"},
		{form, "", mediaForm, "username=alice&password=x&Password=y", "refused 400"},
		{form, "", mediaForm, "username=alice&password=x&+remember=y", "refused 400"},
		{form, "", mediaForm, "username=alice&password=x&remember[]=y", "refused 400"},
		{form, "", mediaForm, "username=alice&password=x&a%5Bc%5D=y", "refused 400"},
		{form, "", mediaForm, "username=alice&password=x&remember%00=y", "refused 400"},
		{form, "", mediaForm, "username=alice&password=x&password=y", "refused 400"},
		{form, "?password=y", mediaForm, "username=alice&password=x", "refused 400"},
		{form, "?remember=1&remember=2", mediaForm, "username=alice&password=x", "refused 400"},
		{form, "", mediaForm, "username=alice&password=x&_method=POST", "refused 400"},
		{form, "", mediaForm, "username=alice&password=x&_charset_=utf-8", "refused 400"},
		{form, "", multi, parts(name, password), "login alice"},
		{form, "", multi, parts(name, password, part("B", "email", "bob")), "refused 400"},
		{form, "", multi, parts(name, password, password), "refused 400"},
		{form, "", multi, parts(name, strings.Replace(password, `"password"`, `"password"; filename="x"`, 1)), "refused 400"},
		{form, "", multi, parts(name, strings.Replace(password, "\r\n\r\n", "\r\nContent-Type: application/json\r\n\r\n", 1)), "refused 400"},
		{form, "", js, `{"username":"alice","password":"x"}`, "refused 400"},
		{form, "", "text/plain", "username=alice&password=x", "refused 400"},

		{when, "?do=login", mediaForm, "op=login&username=alice&password=x", "login alice"},
		{when, "?do=login&x=y", mediaForm, "op=login&username=alice&password=x", "refused 400"},
		{when, "?do=login", mediaForm, "op=login&username=alice&password=x&do=login", "login alice"},
		{when, "?do=login", mediaForm, "op=login&username=alice&password=x&password=x", "refused 400"},
		{when, "?do=login&password=y", mediaForm, "op=login&username=alice&password=x", "refused 400"},
		{when, "?do=login&op=login", mediaForm, "op=login&username=alice&password=x", "login alice"},

		{json, "", js, `{"user":{"name":"alice","password":"x"}}`, "login alice"},
		{json, "?lang=de", js, `{"user":{"name":"alice","password":"x"},"flags":[true],"a/b":null}`, "login alice"},
		{json, "", js, `{"user":{"name":"alice","password":"x","email":"bob"}}`, "refused 400"},
		{json, "", js, `{"user":{"name":"alice","password":"x"},"email":"bob"}`, "refused 400"},
		{json, "", js, `{"email":{"a":[["bob"]]},"user":{"name":"alice","password":"x"}}`, "refused 400"},
		{json, "", js, `{"user":{"name":"alice","password":"x"},"email":null}`, "refused 400"},
		{json, "", js, `{"user":{"name":"alice","password":"x"},"admin":[]}`, "refused 400"},
		{json, "", js, `{"user":{"name":"alice","password":"x","admin":{}}}`, "refused 400"},
		{json, "", js, `{"user":{"name":"alice","password":"x"},"flags":[]}`, "refused 400"},
		{json, "", js, `{"user":{"name":"alice","password":"x"},"flags":[true,"bob"]}`, "refused 400"},
		{json, "", js, `{"user":{"name":"alice","password":"x"},"flags":["a","b"]}`, "refused 400"},
		{json, "", js, `{"user":{"name":"alice","password":{"x":"y"}}}`, "refused 400"},
		{json, "", js, `{"user":{"name":"alice","password":["x"]}}`, "refused 400"},
		{json, "", js, `{"user":{"name":"alice","Password":"x"}}`, "refused 400"},
		{json, "", js, `{"user":{"name":"alice","password":"x","password":"y"}}`, "refused 400"},
		{json, "", js, `{"user":{"name":"alice"},"user/password":"x"}`, "refused 400"},
		{json, "?email=bob", js, `{"user":{"name":"alice","password":"x"}}`, "refused 400"},
		{json, "?/user/password=y", js, `{"user":{"name":"alice","password":"x"}}`, "refused 400"},
		{json, "?lang=de&lang=en", js, `{"user":{"name":"alice","password":"x"}}`, "refused 400"},

		{query, "?username=alice&password=x", "", "", "login alice"},
		{query, "?username=alice", mediaForm, "password=x", "login alice"},
		{query, "?username=alice", js, `{"password":"x"}`, "login alice"},
		{query, "?username=alice", js, `{}`, "login alice"},
		{query, "?username=alice&password=x&email=bob", "", "", "refused 400"},
		{query, "?username=alice", mediaForm, "password=x&email=bob", "refused 400"},
		{query, "?username=alice", js, `{"password":"x","email":"bob"}`, "refused 400"},
		{query, "?username=alice", js, `[]`, "login alice"},
		{query, "?username=alice", js, `"bob"`, "refused 400"},

		{none, "", mediaForm, "password=x", "login -"},
		{none, "", js, `{"password":"x"}`, "login -"},
		{none, "", mediaForm, "password=x&username=bob", "refused 400"},
		{none, "", mediaForm, "password=x&=bob", "refused 400"},
		{none, "", js, `{"password":"x","username":"bob"}`, "refused 400"},
		{none, "", js, `"bob"`, "refused 400"},
		{none, "", "text/plain", "password=x&username=bob", "refused 400"},
		{none, "", "", "password=x", "refused 400"},
		{none, "?username=bob", mediaForm, "password=x", "refused 400"},

		// Where the app is asked, its word counts and any field may come.
		{open, "?next=/", mediaForm, "username=alice&password=x&email=bob&email=carol", "login alice"},
	} {
		r := request(t, "POST", "/login"+test.query, test.contentType, test.body)
		if got := outcome(recognise(t, test.set, r, test.body)); got != test.want {
			t.Errorf("username %s: %s %s %q: %s, want %s", test.set.Blocks[0].Username.Kind, test.query, test.contentType, test.body, got, test.want)
		}
	}
}

// TestP9_UndescribedIsQuiet: the name of the field that is too much may be anybody's password, and stands in no error.
func TestP9_UndescribedIsQuiet(t *testing.T) {
	set := validated(t, &Set{Typed: true, Blocks: []Block{{
		Paths: match.NewGlobs("/login"), Username: Source{Form, "username"}, Fields: []string{"password"}, Success: rules(t, "cookie|sid"),
	}}})
	for _, body := range []string{"username=alice&s3cret", "username=alice&password=s3cret&password=s3cret", "username=s3cret&x=s3cret"} {
		r := request(t, "POST", "/login", mediaForm, body)
		_, err := recognise(t, set, r, body)
		refused, ok := err.(*RefusedError) //nolint:errorlint // what it is, not what it holds
		if !ok || refused.Reason != reasonForm || strings.Contains(err.Error()+refused.Log+refused.Reason, "s3cret") {
			t.Errorf("%s: %v", body, err)
		}
	}
}
