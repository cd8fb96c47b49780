package login

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"sallyport.example/sallyport/internal/match"
)

// TestP4_OneUsername: a login with two names could be checked under one and signed in under the other. To PHP, Java,
// ASP.NET, Node's qs, Rack or Go, each of these has two names, or another name than ours.
func TestP4_OneUsername(t *testing.T) {
	set := formSet(t)
	for _, test := range []struct{ target, contentType, body, want string }{
		{"/login", mediaForm, "username=alice&password=x", "login alice"},
		{"/login?next=/a", mediaForm, "password=x&username=alice", "login alice"},
		{"/login", mediaForm, "user=bob&username_hint=bob&username=alice&newusername=bob", "login alice"},
		{"/login", mediaForm, "%75sername=alice", "login alice"},
		{"/login", mediaForm + "; charset=utf-8", "username=alice", "login alice"},
		{"/login", mediaForm + ";charset=UTF-8", "username=alice", "login alice"},

		{"/login", mediaForm, "username=alice&username=bob", "refused 400"},
		{"/login", mediaForm, "username=alice&username=alice", "refused 400"},
		{"/login", mediaForm, "username=alice&%75sername=bob", "refused 400"},
		{"/login?username=bob", mediaForm, "username=alice", "refused 400"},
		{"/login?user%6eame=bob", mediaForm, "username=alice", "refused 400"},
		{"/login?a;username=bob", mediaForm, "username=alice", "refused 400"},
		{"/login?username[]=bob", mediaForm, "username=alice", "refused 400"},
		{"/login?username=bob", mediaForm, "password=x", "refused 400"},
		{"/login", mediaForm, "username=alice&username[]=bob", "refused 400"},
		{"/login", mediaForm, "username=alice&username[0]=bob", "refused 400"},
		{"/login", mediaForm, "username=alice&USERNAME=bob", "refused 400"},
		{"/login", mediaForm, "username=alice&u%C5%BFername=bob", "refused 400"},
		{"/login", mediaForm, "username=alice&+username=bob", "refused 400"},
		{"/login", mediaForm, "username=alice&username%00x=bob", "refused 400"},
		{"/login", mediaForm, "username=alice&username%2500x=bob", "refused 400"},
		{"/login", mediaForm, "username=alice&user%256eame=bob", "refused 400"},
		{"/login", mediaForm, "username=alice&username%5B=bob", "refused 400"},
		{"/login", mediaForm, "username=alice&%EF%BB%BFusername=bob", "refused 400"},
		{"/login", mediaForm, "username=alice&%C2%A0username=bob", "refused 400"},
		{"/login", mediaForm, "username=alice&pass%00word=x", "refused 400"},
		{"/login", mediaForm, "username=alice&%EF%BB%BFpassword=x", "refused 400"},
		{"/login", mediaForm, "username[]=alice", "refused 400"},
		{"/login", mediaForm, "Username=alice", "refused 400"},
		{"/login", mediaForm, "username", "refused 400"},
		{"/login", mediaForm, "username=", "refused 400"},
		{"/login", mediaForm, "username=%20%20", "refused 400"},
		{"/login", mediaForm, "password=x", "refused 400"},
		{"/login", mediaForm, "", "refused 400"},

		{"/login", mediaForm, "username=alice;username=bob", "refused 400"},
		{"/login", mediaForm, "username=alice&a=b;c=d", "refused 400"},
		{"/login", mediaForm, "username=alice&a=%zz", "refused 400"},
		{"/login", mediaForm, "username=alice&a=%", "refused 400"},
		{"/login", mediaForm, "username=alice&%u0075sername=bob", "refused 400"},
		{"/login?%u0075sername=bob", mediaForm, "username=alice", "refused 400"},
		{"/login", mediaForm, "username=alice%00", "refused 400"},
		{"/login", mediaForm, "username=alice%0d%0abob", "refused 400"},
		{"/login", mediaForm, "username=alice%E2%80%AE", "refused 400"},
		{"/login", mediaForm, "username=alice&" + strings.Repeat("a&", 1000), "refused 400"},

		{"/login", mediaForm, "username=alice&_method=POST", "login alice"},
		{"/login", mediaForm, "username=alice&_method=PUT", "refused 400"},
		{"/login", mediaForm, `username=alice&@jsonPayload={"username":"bob"}`, "refused 400"},
	} {
		r := request(t, "POST", test.target, test.contentType, test.body)
		if got := outcome(recognise(t, set, r, test.body)); got != test.want {
			t.Errorf("%s %q: %s, want %s", test.target, test.body, got, test.want)
		}
	}
}

// TestP4_OneCharset: in another charset the bytes of one name are another name. UTF-7 and UTF-16 hide it completely.
func TestP4_OneCharset(t *testing.T) {
	for _, test := range []struct {
		contentType, body string
		headers           []string
		want              string
	}{
		{mediaForm + "; charset=iso-8859-1", "username=alice", nil, "refused 400"},
		{mediaForm + "; charset=utf-16", "username=alice", nil, "refused 400"},
		{mediaForm + "; charset=ibm037", "username=alice", nil, "refused 400"},
		{mediaForm + "; charset=utf-8; charset=utf-16", "username=alice", nil, "refused 400"},
		{mediaForm + "; charset*=utf-8''utf-16", "username=alice", nil, "refused 400"},
		{mediaForm + "; charset=utf-8, application/json", "username=alice", nil, "refused 400"},
		// Servers that look for `charset=` anywhere read "alice" here.
		{mediaForm + `; a="; charset=utf-7; "`, "username=%2BAGE-lice", nil, "refused 400"},
		{mediaForm + `; charset="utf-8;charset=utf-7"`, "username=%2BAGE-lice", nil, "refused 400"},
		{mediaForm + `; a="\" charset=utf-7"`, "username=%2BAGE-lice", nil, "refused 400"},
		{mediaForm + "; xcharset=utf-7", "username=%2BAGE-lice", nil, "refused 400"},
		{mediaForm + "; version=1", "username=alice", nil, "refused 400"},
		{mediaForm, "username=%e4lice", nil, "refused 400"},
		{mediaForm, "username=alice&password=%e4", nil, "refused 400"},
		{mediaForm, "username=alice&_charset_=utf-8", nil, "login alice"},
		{mediaForm, "username=alice&_charset_=iso-8859-1", nil, "refused 400"},
		{mediaForm, "username=alice", []string{"Content-Type: " + mediaForm}, "refused 400"},
		{mediaForm, "username=alice", []string{"Content_Type: application/json"}, "refused 400"},
		{mediaForm, "username=alice", []string{"Content_Type: " + mediaForm}, "refused 400"},
		{mediaForm, "username=alice", []string{"Content-Encoding: gzip"}, "refused 400"},
		{mediaForm, "username=alice", []string{"Content_Encoding: identity"}, "refused 400"},
		{mediaForm, "username=alice", []string{"Content-Encoding: identity"}, "login alice"},
		{"", "username=alice", nil, "refused 400"},
		{"text/plain", "username=alice", nil, "refused 400"},
		{"application/json", `{"username":"alice"}`, nil, "refused 400"},
	} {
		r := request(t, "POST", "/login", test.contentType, test.body, test.headers...)
		if got := outcome(recognise(t, formSet(t), r, test.body)); got != test.want {
			t.Errorf("%s %v %q: %s, want %s", test.contentType, test.headers, test.body, got, test.want)
		}
	}
}

// TestP4_OneUsernameInJSON: encoding/json takes the last of two members and ignores case, with ſ for s and the Kelvin
// sign for k. Others take the first one, or the exact name.
func TestP4_OneUsernameInJSON(t *testing.T) {
	set := jsonSet(t)
	const good = "application/json"
	for _, test := range []struct{ target, contentType, body, want string }{
		{"/login", good, `{"username":"alice","password":"x"}`, "login alice"},
		{"/login", good + "; charset=utf-8", ` {"username" : "\u0061lice" } `, "login alice"},
		{"/login", "application/vnd.api+json", `{"username":"alice"}`, "login alice"},
		{"/login", good, `{"username":"alice","profile":{"username":"bob"}}`, "login alice"},
		{"/login", good, `{"username":"alice","tags":["username","bob"]}`, "login alice"},

		{"/login", good, `{"username":"alice","username":"bob"}`, "refused 400"},
		{"/login", good, `{"username":"alice","\u0075sername":"bob"}`, "refused 400"},
		{"/login", good, `{"username":"alice","USERNAME":"bob"}`, "refused 400"},
		{"/login", good, `{"username":"alice","uſername":"bob"}`, "refused 400"},
		{"/login", good, `{"username":"alice","u\u017fername":"bob"}`, "refused 400"},
		{"/login", good, `{"username":"alice","key":1,"\u212aey":2}`, "refused 400"},
		{"/login", good, `{"username":"alice","a":{"b":1,"B":2}}`, "refused 400"},
		{"/login", good, `{"username":"alice","a":[{"b":1,"b":2}]}`, "refused 400"},
		{"/login", good, `{"username":"alice","username\u0000":"bob"}`, "refused 400"},
		{"/login", good, `{"username":"alice","username[]":"bob"}`, "refused 400"},
		{"/login", good, `{"uſername":"alice"}`, "refused 400"},
		{"/login", good, `{"Username":"alice"}`, "refused 400"},
		{"/login", good, `{"username":["alice","bob"]}`, "refused 400"},
		{"/login", good, `{"username":{"username":"alice"}}`, "refused 400"},
		{"/login", good, `{"username":123}`, "refused 400"},
		{"/login", good, `{"username":null}`, "refused 400"},
		{"/login", good, `{"username":true}`, "refused 400"},
		{"/login", good, `[{"username":"alice"}]`, "refused 400"},
		{"/login", good, `[{"username":"alice"},{"username":"bob"}]`, "refused 400"},
		{"/login", good, `{"username":"alice"}{"username":"bob"}`, "refused 400"},
		{"/login", good, `{"username":"alice"} x`, "refused 400"},
		{"/login", good, `{"username":"alice",}`, "refused 400"},
		{"/login", good, `{"username":"alice"/*,"username":"bob"*/}`, "refused 400"},
		{"/login", good + `; a="; charset=utf-7"`, `{"username":"+AGE-lice"}`, "refused 400"},
		{"/login", good + "; a-charset=utf-7", `{"username":"+AGE-lice"}`, "refused 400"},
		{"/login", good + "; odata.metadata=none", `{"username":"alice"}`, "login alice"},
		{"/login", good, `{'username':'alice'}`, "refused 400"},
		{"/login", good, "\ufeff" + `{"username":"alice"}`, "refused 400"},
		{"/login", good, `{"username":"alice\u0000"}`, "refused 400"},
		{"/login", good, `{"username":"alice\ud800"}`, "refused 400"},
		{"/login", good, "{\"username\":\"alice\xff\"}", "refused 400"},
		{"/login", good, "{\"username\":\"alice\x01\"}", "refused 400"},
		{"/login", good, `{"username":"alice","a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, "refused 400"},
		{"/login", good, "{\"username\":\"alice\",\"password\":\"\xff\"}", "refused 400"},
		{"/login", good, "{\"username\":\"alice\",\"password\":\"\\n\xff\"}", "refused 400"},
		{"/login", good, ``, "refused 400"},
		{"/login", good, `null`, "refused 400"},
		{"/login?username=bob", good, `{"username":"alice"}`, "refused 400"},
		{"/login?Username=bob", good, `{"username":"alice"}`, "refused 400"},

		{"/login", good + "; charset=utf-16", `{"username":"alice"}`, "refused 400"},
		{"/login", mediaForm, "username=alice", "refused 400"},
		{"/login", "text/plain", `{"username":"alice"}`, "refused 400"},
		{"/login", "", `{"username":"alice"}`, "refused 400"},
	} {
		r := request(t, "POST", test.target, test.contentType, test.body)
		if got := outcome(recognise(t, set, r, test.body)); got != test.want {
			t.Errorf("%s %s: %s, want %s", test.target, test.body, got, test.want)
		}
	}
}

// TestP4_OneUsernameInMultipart: parsers differ in boundaries, line ends, headers and files.
func TestP4_OneUsernameInMultipart(t *testing.T) {
	set := formSet(t)
	const kind = "multipart/form-data; boundary=B"
	head := "--B\r\nContent-Disposition: form-data; name=\"username\""
	good := part("B", "username", "alice")
	for _, test := range []struct{ contentType, body, want string }{
		{kind, good + part("B", "password", "x") + "--B--\r\n", "login alice"},
		{kind, good + "--B--", "login alice"},
		{"multipart/form-data; boundary=\"B\"", good + "--B--\r\n", "login alice"},
		{kind, "--B\r\nContent-Disposition: form-data; name=username\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nalice\r\n--B--\r\n", "login alice"},
		{kind, head + "\r\nContent-Length: 5\r\n\r\nalice\r\n--B--\r\n", "login alice"},
		{kind, good + "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x.png\"\r\nContent-Type: image/png\r\n\r\n\xff\r\n--B--\r\n", "login alice"},

		{"multipart/form-data; boundary=----geckoformboundary1", part("----geckoformboundary1", "username", "alice") + "------geckoformboundary1--\r\n", "login alice"},

		{kind, good + part("B", "username", "bob") + "--B--\r\n", "refused 400"},
		{kind, good + part("B", "password", "\xff") + "--B--\r\n", "refused 400"},
		{kind, good + part("B", "\ufeffpassword", "x") + "--B--\r\n", "refused 400"},
		{kind, "--B\r\nContent-Disposition: form-data; name=\"x\"\r\nContent-Disposition: form-data; name=\"username\"\r\n\r\nalice\r\n--B--\r\n", "refused 400"},
		{kind, head + "\r\nContent-Type: text/plain\r\nContent-Type: text/plain\r\n\r\nalice\r\n--B--\r\n", "refused 400"},
		{kind, good + "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"C:\\x.png\"\r\n\r\nx\r\n--B--\r\n", "refused 400"},
		{kind, good + "--B\r\nContent-Disposition: form-data; name='password'\r\n\r\nx\r\n--B--\r\n", "refused 400"},
		{kind, good + "--B\r\nContent-Disposition: form-data; name=\"p\"\r\nContent-Type: multipart/mixed; boundary=C\r\n\r\nx\r\n--B--\r\n", "refused 400"},
		{"multipart/form-data; boundary=\"B C\"", part("B C", "username", "alice") + "--B C--\r\n", "refused 400"},
		{kind, good + part("B", "USERNAME", "bob") + "--B--\r\n", "refused 400"},
		{kind, good + part("B", "username[]", "bob") + "--B--\r\n", "refused 400"},
		{kind, good + part("B", "user%6Eame", "bob") + "--B--\r\n", "refused 400"},
		{kind, head + "; filename=\"x\"\r\n\r\nalice\r\n--B--\r\n", "refused 400"},
		{kind, head + "; filename*=utf-8''x\r\n\r\nalice\r\n--B--\r\n", "refused 400"},
		{kind, head + "; name=\"other\"\r\n\r\nalice\r\n--B--\r\n", "refused 400"},
		{kind, "--B\r\nContent-Disposition: form-data; name=\"other\"; name=\"username\"\r\n\r\nalice\r\n--B--\r\n", "refused 400"},
		{kind, "--B\r\nContent-Disposition: form-data; name*=utf-8''username\r\n\r\nalice\r\n--B--\r\n", "refused 400"},
		{kind, "--B\r\nContent-Disposition: form-data; name=\"user\\name\"\r\n\r\nalice\r\n--B--\r\n", "refused 400"},
		{kind, "--B\r\nContent-Disposition: form-data; name=\"a\\\"; name=\\\"username\"\r\n\r\nbob\r\n" + good + "--B--\r\n", "refused 400"},
		{kind, "--B\r\nContent-Disposition: attachment; name=\"username\"\r\n\r\nalice\r\n--B--\r\n", "refused 400"},
		{kind, head + "\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\nalice\r\n--B--\r\n", "refused 400"},
		{kind, head + "\r\nContent-Transfer-Encoding: base64\r\n\r\nYWxpY2U=\r\n--B--\r\n", "refused 400"},
		{kind, head + "\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=61lice\r\n--B--\r\n", "refused 400"},
		{kind, head + "\r\nContent-Type: text/plain; charset=utf-16\r\n\r\nalice\r\n--B--\r\n", "refused 400"},
		{kind, head + "\r\nContent-Type: multipart/mixed; boundary=C\r\n\r\nalice\r\n--B--\r\n", "refused 400"},
		{kind, head + "\r\nContent-Type: application/json\r\n\r\nalice\r\n--B--\r\n", "refused 400"},
		{kind, head + "\r\nContent-Length: 2\r\n\r\nalice\r\n--B--\r\n", "refused 400"},
		{kind, head + "\r\n ; filename=\"x\"\r\n\r\nalice\r\n--B--\r\n", "refused 400"},
		{kind, "--B\nContent-Disposition: form-data; name=\"username\"\n\nalice\n--B--\n", "refused 400"},
		{kind, part("B", "password", "x\n--B\nContent-Disposition: form-data; name=\"username\"\n\nbob") + good + "--B--\r\n", "refused 400"},
		{kind, part("B", "password", "x\r\n--Bx") + good + "--B--\r\n", "refused 400"},
		{kind, "preamble\r\n" + good + "--B--\r\n", "refused 400"},
		{kind, "\r\n" + good + "--B--\r\n", "refused 400"},
		{kind, good + "--B--\r\n" + part("B", "username", "bob") + "--B--\r\n", "refused 400"},
		{kind, good + "--B-- \r\n", "refused 400"},
		{kind, good, "refused 400"},
		{kind, good + "--B \r\n", "refused 400"},
		{kind, head + "\r\n\r\n\xff\r\n--B--\r\n", "refused 400"},
		{kind, head + "\r\n\r\nali\x00ce\r\n--B--\r\n", "refused 400"},
		{kind + "; boundary=C", good + "--B--\r\n", "refused 400"},
		{"multipart/form-data; xboundary=C; boundary=B", good + "--B--\r\n", "refused 400"},
		{"multipart/form-data; boundary*=utf-8''B", good + "--B--\r\n", "refused 400"},
		{"multipart/form-data; boundary*0=B", good + "--B--\r\n", "refused 400"},
		{"multipart/form-data; boundary=B; a=b", good + "--B--\r\n", "refused 400"},
		{"multipart/form-data; boundary=\"B,C\"", good + "--B--\r\n", "refused 400"},
		{"multipart/form-data", good + "--B--\r\n", "refused 400"},
		{"multipart/mixed; boundary=B", good + "--B--\r\n", "refused 400"},
	} {
		r := request(t, "POST", "/login", test.contentType, test.body)
		if got := outcome(recognise(t, set, r, test.body)); got != test.want {
			t.Errorf("%s\n%s\n%s, want %s", test.contentType, test.body, got, test.want)
		}
	}
}

// TestP1_OtherSpellingsOfTheLogin: to many servers each of these is the login, so it must not pass for something else.
func TestP1_OtherSpellingsOfTheLogin(t *testing.T) {
	set := formSet(t)
	const body = "username=alice&password=x"
	for _, target := range []string{
		"//login", "/login/", "/login;x", "/login;x=y", "/LOGIN", "/%6cogin", "/login%00", "/login%20", "/login.", "/./login", "/x/../login",
		"/login%2f", "/%2flogin", "/%256cogin", "/login%5c", "/Login/", "/login%c2%a0", "///login//", "/login/.",
	} {
		r := request(t, "POST", target, mediaForm, body)
		if got := outcome(recognise(t, set, r, body)); got != "refused 400" {
			t.Errorf("POST %s: %s", target, got)
		}
		if r := request(t, "GET", target, "", ""); outcome(recognise(t, set, r, "")) != "no login" {
			t.Errorf("GET %s is no login", target)
		}
	}
	for _, method := range []string{"post", "Post", "pOST"} {
		r := request(t, method, "/login", mediaForm, body)
		if got := outcome(recognise(t, set, r, body)); got != "refused 400" {
			t.Errorf("%s: %s", method, got)
		}
	}
	for _, target := range []string{"/loginx", "/log", "/login/x", "/", "/a/login"} {
		r := request(t, "POST", target, mediaForm, body)
		if got := outcome(recognise(t, set, r, body)); got != "no login" {
			t.Errorf("POST %s: %s", target, got)
		}
	}
}

// TestSpellingNamedByAnotherBlock: if both spellings are configured, neither counts as a wrong spelling of the other.
func TestSpellingNamedByAnotherBlock(t *testing.T) {
	set := validated(t, &Set{Blocks: []Block{
		{Paths: match.NewGlobs("/login"), Username: Source{Form, "a"}},
		{Paths: match.NewGlobs("/login/"), Username: Source{Form, "b"}},
	}})
	r := request(t, "POST", "/login/", mediaForm, "b=bob")
	if got := outcome(recognise(t, set, r, "b=bob")); got != "login bob" {
		t.Error(got)
	}
}

// TestLooseSpellingOfSpaces: loose forms have no spaces, so the patterns must have none either.
func TestLooseSpellingOfSpaces(t *testing.T) {
	set := validated(t, &Set{Blocks: []Block{{Paths: match.NewGlobs("/my account/Log in"), Username: Source{Form, "u"}}}})
	for target, want := range map[string]string{
		"/my%20account/Log%20in": "login bob", "/my%20account/log%20in/": "refused 400", "/my%20%20account/Log%20in%20": "refused 400", "/myaccount": "no login",
	} {
		if got := outcome(recognise(t, set, request(t, "POST", target, mediaForm, "u=bob"), "u=bob")); got != want {
			t.Errorf("%s: %s, want %s", target, got, want)
		}
	}
}

// TestHeadIsGet: apps run the code for GET for HEAD too.
func TestHeadIsGet(t *testing.T) {
	set := validated(t, &Set{Blocks: []Block{{Paths: match.NewGlobs("/login"), Methods: []string{"GET"}, Username: Source{Query, "u"}}}})
	for method, want := range map[string]string{"GET": "login bob", "HEAD": "refused 400", "get": "refused 400", "POST": "refused 405"} {
		if got := outcome(recognise(t, set, request(t, method, "/login?u=bob", "", ""), "")); got != want {
			t.Errorf("%s: %s, want %s", method, got, want)
		}
	}
}

// TestQuerySource: a name in the query must occur there once, and nowhere in the body.
func TestQuerySource(t *testing.T) {
	set := validated(t, &Set{Blocks: []Block{{Paths: match.NewGlobs("/login"), Username: Source{Query, "u"}}}})
	for _, test := range []struct{ target, contentType, body, want string }{
		{"/login?u=bob", "", "", "login bob"},
		{"/login?u=bob", mediaForm, "p=x", "login bob"},
		{"/login?u=bob", "application/json", `{"p":"x"}`, "login bob"},
		{"/login?u=bob&u=alice", "", "", "refused 400"},
		{"/login?u=bob&x;y", "", "", "refused 400"},
		{"/login?u=bob&x=%zz", "", "", "refused 400"},
		{"/login?u=bob", mediaForm, "u=alice", "refused 400"},
		{"/login?u=bob", "application/json", `{"U":"alice"}`, "refused 400"},
		{"/login?u=bob", "text/plain", `u=alice`, "refused 400"},
		{"/login", mediaForm, "u=alice", "refused 400"},
		{"/login", "", "", "refused 400"},
	} {
		r := request(t, "POST", test.target, test.contentType, test.body)
		if got := outcome(recognise(t, set, r, test.body)); got != test.want {
			t.Errorf("%s %q: %s, want %s", test.target, test.body, got, test.want)
		}
	}
}

// TestBlocksByContentType: an app that takes JSON and forms at one address needs two blocks.
func TestBlocksByContentType(t *testing.T) {
	set := validated(t, &Set{Blocks: []Block{
		{Paths: match.NewGlobs("/login"), Username: Source{JSON, "/user/name"}},
		{Paths: match.NewGlobs("/login"), Username: Source{Form, "name"}},
	}})
	for _, test := range []struct{ contentType, body, want string }{
		{"application/json", `{"user":{"name":"bob"}}`, "login bob"},
		{mediaForm, "name=bob", "login bob"},
		{"application/json", `{"user":{"name":"bob"},"user.name":"alice"}`, "refused 400"},
		{"application/json", `{"user":{"name":"bob"},"user_name":"alice"}`, "refused 400"},
		{"application/json", `{"user":"bob"}`, "refused 400"},
		{"text/plain", "name=bob", "refused 400"},
	} {
		r := request(t, "POST", "/login", test.contentType, test.body)
		if got := outcome(recognise(t, set, r, test.body)); got != test.want {
			t.Errorf("%q: %s, want %s", test.body, got, test.want)
		}
	}
}

// TestP9_ErrorsAreQuiet: no error contains anything that the client sent.
func TestP9_ErrorsAreQuiet(t *testing.T) {
	for _, body := range []string{"username=s3cret&username=s3cret", "username=s3cret%00", "password=s3cret", "username=a&s3cret=%zz", "a=s3cret;"} {
		_, err := formSet(t).Recognise(request(t, "POST", "/login", mediaForm, body), match.Path{Text: "/login", Canonical: true})
		var refused *RefusedError
		if !errors.As(err, &refused) || refused.Status != http.StatusBadRequest || refused.Reason == "" || strings.Contains(err.Error()+refused.Reason+refused.Log, "s3cret") {
			t.Errorf("%q: %v", body, err)
		}
	}
}
