package login

import (
	"strings"
	"testing"

	"sallyport.example/sallyport/internal/match"
)

// TestP4_UndescribedFields: if the typed name counts, the app may read another name from an undescribed field: `email`
// beside `username`, `login_as`, a member deep in JSON, a second value, a file. A login with any such field goes
// nowhere.
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

		// If the app is asked, its word counts and any field may come.
		{open, "?next=/", mediaForm, "username=alice&password=x&email=bob&email=carol", "login alice"},
	} {
		r := request(t, "POST", "/login"+test.query, test.contentType, test.body)
		if got := outcome(recognise(t, test.set, r, test.body)); got != test.want {
			t.Errorf("username %s: %s %s %q: %s, want %s", test.set.Blocks[0].Username.Kind, test.query, test.contentType, test.body, got, test.want)
		}
	}
}

// TestP9_UndescribedIsQuiet: the name of the additional field may be somebody's password, and appears in no error.
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

// TestP1_FieldsChooseNoErrand: in some apps one address does everything, and a field says what. A stranger sends a
// login that fails and makes the app do something else (`u=x&p=x&do=export_raw`): the wiki answered with a page that
// nobody had opened to strangers. So `fields` says which value such a field must have. A missing field counts as empty,
// since the app does something else without it too. The control is the same block without values, which lets everything
// through.
func TestP1_FieldsChooseNoErrand(t *testing.T) {
	one := func(b Block) *Set {
		b.Paths = match.NewGlobs("/login")
		return validated(t, &Set{Blocks: []Block{b}, Identities: []Identity{{Path: "/", Kind: Header, Header: "X-User"}}})
	}
	valued := func(kind Kind, name string, fields ...string) (strict, lax *Set) {
		plain := make([]string, len(fields))
		for i, word := range fields {
			plain[i], _, _ = strings.Cut(word, "=")
		}
		b := Block{Username: Source{kind, name}, Fields: fields}
		control := b
		control.Fields = plain
		return one(b), one(control)
	}
	form, formLax := valued(Form, "u", "p", "id", "do=login", "mode=", "mode=a*", "next=/*")
	json, jsonLax := valued(JSON, "/u", "/p", "/mode=session", "/keep=", "/keep=true", "export=")
	query, queryLax := valued(Query, "u", "p", "do=login", "/x=1", "/x=")
	const js = "application/json"
	for _, test := range []struct {
		set, lax                 *Set
		query, contentType, body string
		want                     string
	}{
		{form, formLax, "", mediaForm, "u=alice&p=x&do=login&next=/", "login alice"},
		{form, formLax, "?do=login&next=/", mediaForm, "u=alice&p=x", "login alice"},
		{form, formLax, "?do=login&next=/", mediaForm, "u=alice&p=x&do=login", "login alice"},
		{form, formLax, "", mediaForm, "u=alice&p=x&do=login&next=/&mode=", "login alice"},
		{form, formLax, "", mediaForm, "u=alice&p=x&do=login&next=/&mode=abc", "login alice"},
		{form, formLax, "", mediaForm, "u=alice&p=x&do=login&next=/&mode=bc", "refused 400"},
		{form, formLax, "", mediaForm, "u=alice&p=x&do=save&next=/", "refused 400"},
		{form, formLax, "", mediaForm, "u=alice&p=x&do=Login&next=/", "refused 400"},
		{form, formLax, "", mediaForm, "u=alice&p=x&do=login+&next=/", "refused 400"},
		{form, formLax, "", mediaForm, "u=alice&p=x&do=login%00&next=/", "refused 400"},
		{form, formLax, "", mediaForm, "u=alice&p=x&do=&next=/", "refused 400"},
		{form, formLax, "", mediaForm, "u=alice&p=x&next=/", "refused 400"},
		{form, formLax, "", mediaForm, "u=alice&p=x&do=login", "refused 400"},
		{form, formLax, "?do=save", mediaForm, "u=alice&p=x&next=/", "refused 400"},
		{form, formLax, "?id=x;do=login", mediaForm, "u=alice&p=x&next=/", "refused 400"},
		{form, formLax, "?id=%zz", mediaForm, "u=alice&p=x&do=login&next=/", "refused 400"},
		{form, formLax, "", mediaForm, "u=alice&p=x&do=login&next=https://elsewhere.example/", "refused 400"},
		{json, jsonLax, "", js, `{"u":"alice","p":"x","mode":"session"}`, "login alice"},
		{json, jsonLax, "?export=", js, `{"u":"alice","p":"x","mode":"session","keep":true}`, "login alice"},
		{json, jsonLax, "", js, `{"u":"alice","p":"x","mode":"session","keep":1}`, "refused 400"},
		{json, jsonLax, "", js, `{"u":"alice","p":"x","mode":"json"}`, "refused 400"},
		{json, jsonLax, "", js, `{"u":"alice","p":"x"}`, "refused 400"},
		{json, jsonLax, "?export=csv", js, `{"u":"alice","p":"x","mode":"session"}`, "refused 400"},
		{json, jsonLax, "?mode=session", js, `{"u":"alice","p":"x"}`, "refused 400"},
		{query, queryLax, "?u=alice&do=login", "", "", "login alice"},
		{query, queryLax, "?u=alice&do=login", js, `{"x":1}`, "login alice"},
		{query, queryLax, "?u=alice&do=login", js, `{"x":2}`, "refused 400"},
		{query, queryLax, "?u=alice", "", "", "refused 400"},
	} {
		r := request(t, "POST", "/login"+test.query, test.contentType, test.body)
		if got := outcome(recognise(t, test.set, r, test.body)); got != test.want {
			t.Errorf("%s %s: %s, want %s", test.query, test.body, got, test.want)
		}
		malformed := strings.ContainsAny(test.query, ";%") || strings.HasPrefix(test.query, "?mode")
		r = request(t, "POST", "/login"+test.query, test.contentType, test.body)
		if got := outcome(recognise(t, test.lax, r, test.body)); got != "login alice" && !malformed {
			t.Errorf("control: %s %s without values: %s", test.query, test.body, got)
		}
	}
}

// TestP4_RefusedLogins: DokuWiki takes `u` and `p` at each of its addresses. Somebody with a verified session of her
// own sends the owner's password to an address that acts at once (`/lib/exe/xmlrpc.php?u=alice&p=...`): the app is
// asked afterwards who she was, and by then the deed is done. What a block with `refuse` describes goes nowhere, by the
// body or by the query, however long the form is.
func TestP4_RefusedLogins(t *testing.T) {
	set := validated(t, &Set{
		Blocks: []Block{
			{Paths: match.NewGlobs("/doku.php"), When: []Condition{{Form, "u", "*"}}, Username: Source{Form, "u"}, Fields: []string{"p"}},
			{Paths: match.NewGlobs("*"), When: []Condition{{Form, "u", "*"}}, Refuse: true},
		},
		Identities: []Identity{{Path: "/", Kind: Header, Header: "X-User"}},
	})
	padding := strings.Repeat("x", BodyLimit)
	for _, test := range []struct{ method, target, contentType, body, want string }{
		{"POST", "/doku.php", mediaForm, "u=alice&p=x", "login alice"},
		{"POST", "/lib/exe/xmlrpc.php", mediaForm, "u=alice&p=x", "refused 400"},
		{"POST", "/lib/exe/xmlrpc.php?u=alice&p=x", "text/xml", "<x/>", "refused 400"},
		{"GET", "/lib/exe/xmlrpc.php?u=alice&p=x", "", "", "refused 400"},
		{"GET", "/doku.php?u=alice&p=x", "", "", "refused 400"},
		{"POST", "/doku.php/intern:x", mediaForm, "u=alice&p=x", "refused 400"},
		{"POST", "/Doku.php", mediaForm, "u=alice&p=x", "refused 400"},
		{"PUT", "/lib/exe/ajax.php", mediaForm, "u[]=alice&p=x", "refused 400"},
		{"POST", "/lib/exe/ajax.php", mediaForm, "x=" + padding + "&u=alice&p=x", "refused 400"},
		{"POST", "/doku.php", mediaForm, "x=" + padding + "&u=alice&p=x", "refused 413"},
		{"POST", "/doku.php", "multipart/form-data; boundary=B", part("B", "x", padding) + part("B", "u", "alice") + "--B--\r\n", "refused 413"},
		{"POST", "/lib/exe/ajax.php", mediaForm, "call=index", "no login"},
		{"POST", "/lib/exe/ajax.php", "multipart/form-data; boundary=B", strings.Replace(part("B", "u", "alice"), `"u"`, `"u`, 1) + "--B--\r\n", "refused 400"},
		{"POST", "/lib/exe/ajax.php", "multipart/form-data; boundary=B", strings.Replace(part("B", "u", "alice"), `"u"`, `u x`, 1) + "--B--\r\n", "refused 400"},
		{"GET", "/lib/exe/css.php?t=dokuwiki", "", "", "no login"},
		{"POST", "/lib/exe/xmlrpc.php", "text/xml", "<x/>", "unexamined 400"},
	} {
		r := request(t, test.method, test.target, test.contentType, test.body)
		if got := outcome(recognise(t, set, r, test.body)); got != test.want {
			t.Errorf("%s %s %.40q: %s, want %s", test.method, test.target, test.body, got, test.want)
		}
	}
	when := []Condition{{Form, "u", "*"}}
	for _, b := range []Block{
		{Refuse: true},
		{Refuse: true, When: when, Username: Source{Form, "u"}},
		{Refuse: true, When: when, Fields: []string{"p"}},
		{Refuse: true, When: when, Methods: []string{"POST"}},
		{When: when},
	} {
		b.Paths = match.NewGlobs("/x")
		if err := (&Set{Blocks: []Block{b}, Identities: who}).Validate(); err == nil {
			t.Errorf("%+v is accepted", b)
		}
	}
	typed := &Set{Typed: true, Blocks: []Block{
		{Paths: match.NewGlobs("/login"), Username: Source{Form, "u"}, Fields: []string{"p"}, Success: rules(t, "cookie|sid")},
		{Paths: match.NewGlobs("*"), When: when, Refuse: true},
	}}
	if err := typed.Validate(); err != nil {
		t.Error(err)
	}
}

// TestFieldsSayWhatMayBe: a word in `fields` that cannot mean anything is an error.
func TestFieldsSayWhatMayBe(t *testing.T) {
	for word, want := range map[string]string{
		"p": "", "do=login": "", "do=": "", "do=a=b": "", "=x": "no name of a field", "u=alice": "usernames", "op=login": "when",
		"/p=x": "",
	} {
		err := (&Set{Identities: who, Blocks: []Block{{
			Paths: match.NewGlobs("/login"), When: []Condition{{Form, "op", "login"}}, Username: Source{Form, "u"}, Fields: []string{word},
		}}}).Validate()
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", word, err, want)
		}
	}
	pointer := &Set{Identities: who, Blocks: []Block{{Paths: match.NewGlobs("/login"), Username: Source{JSON, "/u"}, Fields: []string{"/u=x"}}}}
	if err := pointer.Validate(); err == nil || !strings.Contains(err.Error(), "usernames") {
		t.Error(err)
	}
	// A fixed value is no password, so a page may have it in its query.
	none := validated(t, &Set{Identities: who, Blocks: []Block{{Paths: match.NewGlobs("/login"), Username: Source{Kind: None}, Fields: []string{"pin", "do=login"}}}})
	for query, want := range map[string]string{"?do=login": "page", "?pin=1": "refused 400"} {
		if got := outcome(recognise(t, none, request(t, "GET", "/login"+query, "", ""), "")); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
}

// TestP4_JSONInAnotherEncoding: some servers read JSON after a byte order mark, in UTF-16, with NaN and the like, or
// under other types. To the gateway that was not JSON, so fields that `only_here` keeps to one address were accepted at
// another.
func TestP4_JSONInAnotherEncoding(t *testing.T) {
	when := []Condition{{JSON, "/u", "*"}}
	set := validated(t, &Set{
		Blocks: []Block{
			{Paths: match.NewGlobs("/login"), When: when, Username: Source{JSON, "/u"}, Fields: []string{"/p"}},
			{Paths: match.NewGlobs("*"), When: when, Refuse: true},
		},
		Identities: []Identity{{Path: "/", Kind: Header, Header: "X-User"}},
	})
	const js = "application/json"
	wide := func(text string) string { return strings.Join(strings.Split(text, ""), "\x00") + "\x00" }
	for _, test := range []struct{ contentType, body, want string }{
		{js, `{"u":"alice"}`, "refused 400"},
		{js, "\ufeff" + `{"u":"alice"}`, "refused 400"},
		{js + "; charset=utf-16", wide(`{"u":"alice"}`), "refused 400"},
		{js + "; charset=utf-16", "\xff\xfe" + wide(`{"u":"alice"}`), "refused 400"},
		{js, "\ufeff" + `{"a":"alice"}`, "unexamined 400"},
		{js, `{"u":"alice","x":-Infinity}`, "refused 400"},
		{js, `{'u':'alice'}`, "refused 400"},
		{js, `{"x":1}` + "\n" + `{"u":"alice"}`, "refused 400"},
		{js, `{"x":1}` + "\n" + `{"a":"alice"}`, "unexamined 400"},
		{"text/json", `{"u":"alice"}`, "refused 400"},
		{"application/x-json", `{"u":"alice"}`, "refused 400"},
		{js, `{"a":"alice"}`, "no login"},
	} {
		r := request(t, "POST", "/other", test.contentType, test.body)
		if got := outcome(recognise(t, set, r, test.body)); got != test.want {
			t.Errorf("%s %q: %s, want %s", test.contentType, test.body, got, test.want)
		}
	}
}
