package login

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sallyport.example/sallyport/internal/match"
)

// allMethods are methods by which apps are known to run a login, other spellings of them, and unknown methods.
var allMethods = []string{
	"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "REPORT", "QUERY", "TRACE", "CONNECT", "get", "Get", "head", "post", "Post",
	"put", "X-ANYTHING",
}

// carried is what a request carries besides its method.
type carried struct {
	contentType, body string
	chunked, upgrade  bool
	query             string
}

// all makes every combination of a body, how the body comes, an upgrade and a query.
func all(bodies [][2]string, queries []string) (list []carried) {
	for _, body := range append([][2]string{{}}, bodies...) {
		for _, chunked := range []bool{false, true} {
			if chunked && body[1] == "" {
				continue
			}
			for _, upgrade := range []bool{false, true} {
				for _, query := range append([]string{""}, queries...) {
					list = append(list, carried{body[0], body[1], chunked, upgrade, query})
				}
			}
		}
	}
	return list
}

// wrapped is a body as Caddy passes it on: never nil, and never http.NoBody.
type wrapped struct{ io.ReadCloser }

// ask makes a set read a request, once as net/http makes it and once with its body wrapped, which must make no
// difference.
func ask(t *testing.T, set *Set, method, path string, c carried) string {
	t.Helper()
	raw := fmt.Sprintf("%s %s%s HTTP/1.1\r\nHost: app.example\r\n", method, path, c.query)
	if c.contentType != "" {
		raw += "Content-Type: " + c.contentType + "\r\n"
	}
	if c.upgrade {
		raw += "Connection: Upgrade\r\nUpgrade: websocket\r\n"
	}
	switch {
	case c.chunked:
		raw += fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(c.body), c.body)
	case c.body != "":
		raw += fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(c.body), c.body)
	default:
		raw += "\r\n"
	}
	results := make([]string, 2)
	for i := range results {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
		if err != nil {
			t.Fatalf("%s %s %+v: %v", method, path, c, err)
		}
		if i == 1 {
			r.Body = wrapped{r.Body}
		}
		results[i] = outcome(recognise(t, set, r, c.body))
	}
	if results[0] != results[1] {
		t.Errorf("%s %s %+v: %s, and %s where a server has wrapped the body", method, path, c, results[0], results[1])
	}
	return results[1]
}

const (
	formLogin = "username=alice&password=x"
	jsonLogin = `{"username":"alice","password":"x"}`
)

// TestP1_LoginAddressIsLoginOrPage: an attacker who has only the password sends it to the login's address in another
// way than the form does: by PUT, by OPTIONS, in a GET's body or query, in chunks, inside a WebSocket. Apps are known
// to accept each of these. Whatever is neither the described login nor the mere page goes nowhere, in every state of
// the session.
func TestP1_LoginAddressIsLoginOrPage(t *testing.T) {
	bodies := [][2]string{{mediaForm, formLogin}, {"application/json", jsonLogin}, {"text/plain", formLogin}, {"", formLogin}, {mediaForm, "a=b"}}
	queries := []string{"?username=alice&password=x", "?USERNAME[]=alice", "?next=/", "?a;username=alice", "?%u0075sername=alice"}
	for _, test := range []struct {
		name string
		set  *Set
		good map[string]bool // methods by which the described body is the login
		body string
	}{
		{"form", formSet(t), map[string]bool{"POST": true}, formLogin},
		{"JSON", jsonSet(t), map[string]bool{"POST": true}, jsonLogin},
		{"form by PUT", validated(t, &Set{Blocks: []Block{{
			Paths: match.NewGlobs("/login"), Methods: []string{"PUT"}, Username: Source{Form, "username"},
		}}}), map[string]bool{"PUT": true}, formLogin},
		{"typed", validated(t, &Set{Typed: true, Blocks: []Block{{
			Paths: match.NewGlobs("/login"), Username: Source{Form, "username"}, Fields: []string{"password", "next"}, Success: rules(t, "cookie|sid"),
		}}}), map[string]bool{"POST": true}, formLogin},
		{"two paths", validated(t, &Set{Blocks: []Block{
			{Paths: match.NewGlobs("/signin"), Username: Source{JSON, "/username"}}, {Paths: match.NewGlobs("/lo*"), Username: Source{Form, "username"}},
		}}), map[string]bool{"POST": true}, formLogin},
	} {
		logins, pages := 0, 0
		for _, method := range allMethods {
			for _, c := range all(bodies, queries) {
				got := ask(t, test.set, method, "/login", c)
				named := c.query != "" && c.query != "?next=/"
				described := c.body == test.body && (c.contentType == mediaForm || c.contentType == "application/json")
				switch {
				case test.good[method] && described && !named:
					logins++
					if got != "login alice" {
						t.Errorf("%s: %s %+v: %s, and is the login", test.name, method, c, got)
					}
				case (method == "GET" || method == "HEAD") && c.body == "" && !c.upgrade && !named:
					pages++
					if got != "page" {
						t.Errorf("%s: %s %+v: %s, and is the page", test.name, method, c, got)
					}
				case !strings.HasPrefix(got, "refused 40"):
					t.Errorf("%s: %s %+v: %s", test.name, method, c, got)
				}
				for _, loose := range []string{"/login/", "//login", "/Login", "/%6cogin"} {
					if test.name == "two paths" && loose == "/login/" {
						continue // the block's pattern takes this
					}
					if got := ask(t, test.set, method, loose, c); got == "page" || strings.HasPrefix(got, "login") ||
						got == "no login" && (method != "GET" && method != "HEAD" || c.body != "" || c.upgrade || named) {
						t.Errorf("%s: %s %s %+v: %s", test.name, method, loose, c, got)
					}
				}
			}
		}
		if logins == 0 || pages == 0 {
			t.Errorf("%s: %d logins, %d pages", test.name, logins, pages)
		}
	}
}

// TestP1_LoginAddressAnswers: the refusal is 405 if the method is wrong, and 400 if something else is.
func TestP1_LoginAddressAnswers(t *testing.T) {
	for _, test := range []struct {
		method string
		c      carried
		want   string
	}{
		{"POST", carried{contentType: mediaForm, body: formLogin}, "login alice"},
		{"POST", carried{contentType: mediaForm, body: formLogin, chunked: true}, "login alice"},
		{"GET", carried{}, "page"},
		{"HEAD", carried{query: "?next=%2F"}, "page"},
		{"GET", carried{contentType: mediaForm, body: formLogin}, "refused 405"},
		{"GET", carried{contentType: mediaForm, body: formLogin, chunked: true}, "refused 405"},
		{"GET", carried{contentType: mediaForm, body: "a"}, "refused 405"},
		{"HEAD", carried{contentType: mediaForm, body: formLogin}, "refused 405"},
		{"GET", carried{upgrade: true}, "refused 405"},
		{"PUT", carried{contentType: mediaForm, body: formLogin}, "refused 405"},
		{"PATCH", carried{contentType: "application/json", body: jsonLogin}, "refused 405"},
		{"OPTIONS", carried{}, "refused 405"},
		{"DELETE", carried{}, "refused 405"},
		{"get", carried{}, "refused 405"},
		{"head", carried{}, "refused 405"},
		{"post", carried{contentType: mediaForm, body: formLogin}, "refused 400"},
		{"GET", carried{query: "?username=alice"}, "refused 400"},
		{"HEAD", carried{query: "?username=alice"}, "refused 400"},
		{"GET", carried{query: "?" + strings.Repeat("a", BodyLimit+1)}, "refused 413"},
		{"POST", carried{}, "refused 400"},
	} {
		if got := ask(t, formSet(t), test.method, "/login", test.c); got != test.want {
			t.Errorf("%s %.80q %+v: %s, want %s", test.method, test.c.query, test.c.body, got, test.want)
		}
	}
}

// TestP1_LoginAddressOverTheWire: a server wraps each body, so that only length and transfer coding say whether there
// is one. A length of 0 means that there is none, and so does no length. The app would read the form in each of these
// bodies, as the control shows.
func TestP1_LoginAddressOverTheWire(t *testing.T) {
	set := formSet(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = wrapped{r.Body}
		result := outcome(set.Recognise(r, match.ParsePath(r.URL)))
		body, err := io.ReadAll(r.Body)
		w.Header().Set("Result", result)
		w.Header().Set("App-Reads", fmt.Sprintf("%s %v %t", body, err, Plain(r)))
	}))
	defer server.Close()
	for _, test := range []struct{ request, want, reads string }{
		{"GET /login HTTP/1.1\r\nHost: a\r\n\r\n", "page", " <nil> true"},
		{"GET /login HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "page", " <nil> true"},
		{"GET /login HTTP/1.0\r\n\r\n", "page", " <nil> true"},
		{"HEAD /login HTTP/1.1\r\nHost: a\r\n\r\n", "page", " <nil> true"},
		{"GET /login HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nusername=a", "refused 405", "username=a <nil> false"},
		{"GET /login HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\na\r\nusername=a\r\n0\r\n\r\n", "refused 405", "username=a <nil> false"},
		{"GET /login HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "refused 405", " <nil> false"},
		{"HEAD /login HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nusername=a", "refused 405", "username=a <nil> false"},
		{
			"POST /login HTTP/1.1\r\nHost: a\r\nContent-Type: " + mediaForm + "\r\nTransfer-Encoding: chunked\r\n\r\na\r\nusername=a\r\n0\r\n\r\n",
			"login a", "username=a <nil> false",
		},
	} {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		method, _, _ := strings.Cut(test.request, " ")
		if _, err := io.WriteString(conn, test.request); err != nil {
			t.Fatal(err)
		}
		answer, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
		if err != nil {
			t.Fatal(err)
		}
		if got := answer.Header.Get("Result"); got != test.want {
			t.Errorf("%q: %s, want %s", test.request, got, test.want)
		}
		if got := answer.Header.Get("App-Reads"); strings.TrimSpace(got) != strings.TrimSpace(test.reads) {
			t.Errorf("%q: the app reads %q, want %q", test.request, got, test.reads)
		}
		_ = answer.Body.Close()
		_ = conn.Close()
	}
}

// TestP1_LoginKnownByItsBody: if a login is known by its body, at any address, the method does not protect the app. A
// request with such a body by another method than the login's is refused, and no other request is.
func TestP1_LoginKnownByItsBody(t *testing.T) {
	set := validated(t, &Set{Blocks: []Block{{Paths: match.NewGlobs("*"), When: []Condition{{Form, "op", "login"}}, Username: Source{Form, "username"}}}})
	multi := "multipart/form-data; boundary=B"
	for _, test := range []struct {
		what string
		c    carried
		want string // by another method than POST
	}{
		{"nothing", carried{}, "no login"},
		{"query", carried{query: "?a=b"}, "no login"},
		{"query too long", carried{query: "?" + strings.Repeat("a", BodyLimit+1)}, "refused 413"},
		{"upgrade", carried{upgrade: true}, "no login"},
		{"another form", carried{contentType: mediaForm, body: "op=show"}, "no login"},
		{"another form, in chunks", carried{contentType: mediaForm, body: "op=show", chunked: true}, "no login"},
		{"other JSON", carried{contentType: "application/json", body: `{"op":"show"}`}, "no login"},
		{"the login", carried{contentType: mediaForm, body: "op=login&username=alice"}, "refused 405"},
		{"the login, in chunks", carried{contentType: mediaForm, body: "op=login&username=alice", chunked: true}, "refused 405"},
		{"the login with an upgrade", carried{contentType: mediaForm, body: "op=login&username=alice", upgrade: true}, "refused 405"},
		{"the login in parts", carried{contentType: multi, body: part("B", "op", "login") + part("B", "username", "alice") + "--B--\r\n"}, "refused 405"},
		{"the login twice", carried{contentType: mediaForm, body: "op=login&op=login&username=alice"}, "refused 400"},
		{"the login in JSON", carried{contentType: "application/json", body: `{"op":"login","username":"alice"}`}, "refused 400"},
		{"the login in the query", carried{query: "?op=login&username=alice"}, "refused 400"},
		{"the login in the query, some spelling", carried{query: "?OP[]=login&username=alice"}, "refused 400"},
		{"another body", carried{contentType: "application/octet-stream", body: "op=login"}, "unexamined 400"},
		{"a body of no type", carried{body: "op=login"}, "refused 400"}, // PHP behind FastCGI takes it for a form
		{"another body of no type", carried{body: "op=show"}, "unexamined 400"},
		{"a broken body", carried{contentType: mediaForm, body: "a=%zz"}, "unexamined 400"},
		{"a large form", carried{contentType: mediaForm, body: "a=" + strings.Repeat("x", BodyLimit)}, "no login"},
		{"a form too large", carried{contentType: mediaForm, body: "a=" + strings.Repeat("x", ExamineLimit)}, "refused 413"},
		{"other JSON, too large", carried{contentType: "application/json", body: `{"a":"` + strings.Repeat("x", ExamineLimit) + `"}`}, "unexamined 413"},
	} {
		for _, method := range allMethods {
			want := test.want
			switch {
			case want != "refused 405":
			case method == "POST":
				want = "login alice"
			case strings.EqualFold(method, "POST"):
				want = "refused 400"
			}
			for _, path := range []string{"/", "/any/where"} {
				if got := ask(t, set, method, path, test.c); got != want {
					t.Errorf("%s %s, %s: %s, want %s", method, path, test.what, got, want)
				}
			}
		}
	}
}

// TestP1_LoginAddressOfTwo: two logins at one address, distinguished by method, by kind of body or by query, do not
// share their methods.
func TestP1_LoginAddressOfTwo(t *testing.T) {
	byMethod := validated(t, &Set{Blocks: []Block{
		{Paths: match.NewGlobs("/login"), Username: Source{Form, "username"}},
		{Paths: match.NewGlobs("/login"), Methods: []string{"PUT"}, Username: Source{JSON, "/username"}},
	}})
	byKind := validated(t, &Set{Blocks: []Block{
		{Paths: match.NewGlobs("/login"), Username: Source{JSON, "/username"}},
		{Paths: match.NewGlobs("/login"), Methods: []string{"POST", "PATCH"}, Username: Source{Form, "username"}},
	}})
	byQuery := validated(t, &Set{Blocks: []Block{
		{Paths: match.NewGlobs("/login"), Username: Source{Form, "username"}},
		{Paths: match.NewGlobs("/login"), Methods: []string{"GET"}, When: []Condition{{Query, "sso", "1"}}, Username: Source{Query, "u"}},
	}})
	form, json := carried{contentType: mediaForm, body: formLogin}, carried{contentType: "application/json", body: jsonLogin}
	query := func(text string) carried { return carried{query: text} }
	for _, test := range []struct {
		name   string
		set    *Set
		method string
		c      carried
		want   string
	}{
		{"method", byMethod, "POST", form, "login alice"},
		{"method", byMethod, "PUT", json, "login alice"},
		{"method", byMethod, "POST", json, "refused 400"},
		{"method", byMethod, "PUT", form, "refused 400"},
		{"method", byMethod, "PATCH", form, "refused 405"},
		{"method", byMethod, "PATCH", json, "refused 405"},
		{"method", byMethod, "put", json, "refused 400"},
		{"method", byMethod, "GET", json, "refused 405"},
		{"method", byMethod, "GET", carried{}, "page"},
		{"method", byMethod, "GET", query("?username=alice"), "refused 400"},

		{"kind", byKind, "POST", form, "login alice"},
		{"kind", byKind, "POST", json, "login alice"},
		{"kind", byKind, "PATCH", form, "login alice"},
		{"kind", byKind, "PATCH", json, "refused 400"},
		{"kind", byKind, "PUT", json, "refused 405"},
		{"kind", byKind, "HEAD", carried{}, "page"},

		{"query", byQuery, "POST", form, "login alice"},
		{"query", byQuery, "GET", query("?sso=1&u=alice"), "login alice"},
		{"query", byQuery, "HEAD", query("?sso=1&u=alice"), "refused 400"},
		{"query", byQuery, "get", query("?sso=1&u=alice"), "refused 400"},
		{"query", byQuery, "PUT", query("?sso=1&u=alice"), "refused 405"},
		{"query", byQuery, "GET", query("?sso=1"), "refused 400"},
		{"query", byQuery, "GET", query("?sso=2&u=alice"), "refused 400"},
		{"query", byQuery, "GET", query("?sso=2"), "page"},
		{"query", byQuery, "GET", query("?u=alice"), "refused 400"},
		{"query", byQuery, "GET", query("?sso=1&sso=2&u=alice"), "refused 400"},
		{"query", byQuery, "GET", carried{}, "page"},
	} {
		if got := ask(t, test.set, test.method, "/login", test.c); got != test.want {
			t.Errorf("by %s: %s %+v: %s, want %s", test.name, test.method, test.c, got, test.want)
		}
	}
}

// TestP1_NamesInQuery: a stranger's page load carries the fields of a login in its query, in a spelling that some app
// reads. It does not count as a mere page load, whatever the page.
func TestP1_NamesInQuery(t *testing.T) {
	set := validated(t, &Set{Blocks: []Block{
		{Paths: match.NewGlobs("/login"), Username: Source{Form, "user.name"}},
		{Paths: match.NewGlobs("/api"), When: []Condition{{JSON, "/op", "login"}, {Query, "v", "2"}}, Username: Source{JSON, "/auth/user"}},
		{Paths: match.NewGlobs("/token"), Methods: []string{"GET"}, Username: Source{Query, "key"}},
		{Paths: match.NewGlobs("/"), Username: Source{Kind: None}, Fields: []string{"pin", "/secret"}},
		{Paths: match.NewGlobs("/x"), Username: Source{Form, "user.name"}, Fields: []string{"password"}},
		{Paths: match.NewGlobs("/app/*"), Username: Source{Kind: Basic}},
	}})
	for query, want := range map[string]bool{
		"": false, "v=2": false, "a=b&c": false, "q=user.name": false, "password=x": false, "username2=x": false,
		"user.name=a": true, "user_name=a": true, "USER.NAME=a": true, "user%2ename=a": true, "user.name[]=a": true, "a;user.name=b": true,
		"+user.name=a": true, "user[name]=a": true, "user.name": true, "op=show": true, "auth.user=a": true, "auth[user]=a": true, "key=x": true,
		"a=%zz&key": true, "pin=1": true, "PIN[]=1": true, "secret=1": true, strings.Repeat("a", BodyLimit+1): true,
	} {
		r := &http.Request{Method: "GET", URL: request(t, "GET", "/", "", "").URL}
		r.URL.RawQuery = query
		if got := set.NamesInQuery(r); got != want {
			t.Errorf("?%.40s: %t", query, got)
		}
	}
	if basic := (&Set{Blocks: set.Blocks[5:]}); basic.NamesInQuery(request(t, "GET", "/?a=b", "", "")) {
		t.Error("HTTP Basic has no field")
	}
}

func TestPlain(t *testing.T) {
	for _, method := range allMethods {
		for _, c := range all([][2]string{{mediaForm, "a"}}, nil) {
			raw := method + " / HTTP/1.1\r\nHost: a\r\n"
			if c.upgrade {
				raw += "Upgrade: h2c\r\n"
			}
			switch {
			case c.chunked:
				raw += "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"
			case c.body != "":
				raw += "Content-Length: 1\r\n\r\na"
			default:
				raw += "\r\n"
			}
			if method == "CONNECT" {
				raw = strings.Replace(raw, " / ", " a:1 ", 1)
			}
			r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
			if err != nil {
				t.Fatal(err)
			}
			want := (method == "GET" || method == "HEAD") && c.body == "" && !c.upgrade
			if got := Plain(r); got != want || match.HasBody(r) != (c.body != "") {
				t.Errorf("%s %+v: plain %t, body %t", method, c, got, match.HasBody(r))
			}
		}
	}
	// HTTP/2 says no length if a body follows in frames.
	if r := (&http.Request{Method: "GET", ContentLength: -1}); Plain(r) || !match.HasBody(r) {
		t.Error("a body of unknown length is none")
	}
}
