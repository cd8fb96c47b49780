package login

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"sallyport.example/sallyport/internal/match"
)

// TestWhen: what `when` does with every kind of body.
func TestWhen(t *testing.T) {
	form := validated(t, &Set{Blocks: []Block{{Paths: match.NewGlobs("/api"), When: []Condition{{Form, "op", "login"}}, Username: Source{Form, "user"}}}})
	json := validated(t, &Set{Blocks: []Block{{Paths: match.NewGlobs("/api"), When: []Condition{{JSON, "/op", "login"}}, Username: Source{JSON, "/user"}}}})
	deep := validated(t, &Set{Blocks: []Block{{Paths: match.NewGlobs("/api"), When: []Condition{{JSON, "/a/op", "login"}}, Username: Source{JSON, "/user"}}}})
	query := validated(t, &Set{Blocks: []Block{{Paths: match.NewGlobs("/api"), When: []Condition{{Query, "op", "login"}}, Username: Source{Form, "user"}}}})
	big, huge := strings.Repeat("x", BodyLimit), strings.Repeat("x", ExamineLimit)
	const kind = "multipart/form-data; boundary=B"
	for _, test := range []struct {
		set                       *Set
		target, contentType, body string
		want                      string
	}{
		{form, "/api", mediaForm, "op=login&user=bob", "login bob"},
		{form, "/api", mediaForm, "op=logout&user=bob", "no login"},
		{form, "/api", mediaForm, "user=bob", "no login"},
		{form, "/api", "", "", "no login"},
		{form, "/api?op=login", mediaForm, "op=login&user=bob", "login bob"},
		{form, "/api?op=other", mediaForm, "op=login&user=bob", "refused 400"},
		{form, "/api", mediaForm, "op=login&op=login&user=bob", "refused 400"},
		{form, "/api", mediaForm, "op=show&op=login&user=bob", "refused 400"},
		{form, "/api", mediaForm, "op=show&OP=login&user=bob", "refused 400"},
		{form, "/api", mediaForm, "op[]=login&user=bob", "refused 400"},
		{form, "/api", mediaForm, "op=+Login&user=bob", "refused 400"},
		{form, "/api", mediaForm, "op=login%00x&user=bob", "refused 400"},
		{form, "/api", mediaForm, "op=login%0a&user=bob", "refused 400"},
		{form, "/api", mediaForm, "op=show&op=list", "no login"},
		{form, "/api?op=login", mediaForm, "user=bob", "refused 400"},
		{form, "/api?op=login", "", "", "refused 400"},
		{form, "/api?x;op=login", "", "", "refused 400"},
		{form, "/api", mediaForm, "a;op=login&user=bob", "refused 400"},
		{form, "/api", mediaForm, "a=%zz&op=login&user=bob", "refused 400"},
		{form, "/api", mediaForm, "a=%zz", "unexamined 400"},
		{form, "/api", mediaForm, "op=login&user=bob&a=" + big, "refused 413"},
		{form, "/api", mediaForm, "a=" + big + "&op=login&user=bob", "refused 413"},
		{form, "/api", mediaForm, "a=" + big + "&op=show", "no login"},
		{form, "/api", mediaForm, "a=" + huge + "&op=login&user=bob", "refused 413"},
		{form, "/api", mediaForm, "a=" + huge + "&op=show", "refused 413"},
		{form, "/api", mediaForm + "; charset=utf-16", "a=" + huge, "refused 413"},
		{form, "/api", "Application/X-WWW-form-urlencoded x", "a=" + huge, "refused 413"},
		{form, "/api", mediaForm, strings.Repeat("a&", BodyLimit), "refused 413"},
		{form, "/api", "application/octet-stream", "op=login&user=bob", "unexamined 400"},
		{form, "/api", "", "op=login&user=bob", "refused 400"},
		{form, "/api", mediaForm + "; charset=utf-16", "op=login", "refused 400"},
		{form, "/api", mediaForm + "; charset=utf-16", "op=show", "unexamined 400"},
		{form, "/api", mediaForm + ", text/plain", "op=login&user=bob", "refused 400"},
		{form, "/api", mediaForm + ", text/plain", "op=show", "unexamined 400"},
		{form, "/api", "application/json", `{"op":"login","user":"bob"}`, "refused 400"},
		{form, "/api", "application/json", `{"op":"show"}`, "no login"},
		{form, "/api", "application/json", `{"data":{"op":"login"}}`, "no login"},
		{form, "/api", "application/json", `{"op":"show"`, "unexamined 400"},
		{form, "/api", "application/json", `{"op":"login"`, "refused 400"},
		{form, "/api", kind, part("B", "op", "login") + part("B", "user", "bob") + "--B--\r\n", "login bob"},
		{form, "/api", kind, part("B", "op", "show") + "--B--\r\n", "no login"},
		{form, "/api", kind, "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"op=login\"\r\n\r\n\xff\x00\r\n--B--\r\n", "no login"},
		{form, "/api", kind, "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x\"\r\n\r\n" + big + "\r\n--B--\r\n", "no login"},
		{form, "/api", kind, "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x\"\r\n\r\n" + huge + "\r\n--B--\r\n", "unexamined 413"},
		{form, "/api", kind, part("B", "op", "login") + "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x\"\r\n\r\n" + big + "\r\n--B--\r\n", "refused 413"},
		{form, "/api", kind, "--B\nContent-Disposition: form-data; name=\"op\"\n\nlogin\n--B--\n", "refused 400"},
		{form, "/api", kind, "--B\nContent-Disposition: form-data; NAME=op\n\nlogin\n--B--\n", "refused 400"},
		{form, "/api", kind, "--B\r\nContent-Disposition: form-data; name=\"a\"\nContent-Disposition: form-data; name*0=\"op\"\n\nlogin\n--B--\n", "refused 400"},
		{form, "/api", "multipart/form-data", part("B", "op", "login"), "refused 400"},
		{form, "/api", kind, "x", "unexamined 400"},
		{form, "//api", mediaForm, "op=login&user=bob", "refused 400"},
		{form, "//api", mediaForm, "op=show", "no login"},

		{json, "/api", "application/json", `{"op":"login","user":"bob"}`, "login bob"},
		{json, "/api", "application/json", `{"op":"show","user":"bob"}`, "no login"},
		{json, "/api", "application/json", `{"op":"Login","user":"bob"}`, "refused 400"},
		{json, "/api", "application/json", `{"Op":"login","user":"bob"}`, "refused 400"},
		{json, "/api", "application/json", `{"op":"show","op":"login"}`, "refused 400"},
		{json, "/api", "application/json", `[{"op":"login","user":"bob"}]`, "refused 400"},
		{json, "/api", "application/json", `[{"op":"show"}]`, "no login"},
		{json, "/api", "application/json", `{"op":"login","user":"bob"`, "refused 400"},
		{json, "/api", "application/json", `{"a":"` + big + `","op":"login"}`, "refused 413"},
		{json, "/api", "application/json", `{"a":"` + huge + `","op":"login"}`, "unexamined 413"},
		{json, "/api", "application/json", `{"a":[0` + strings.Repeat(",0", BodyLimit/2) + `],"op":"login"}`, "refused 400"},
		{json, "/api", "application/json", `{"op":"login","a":"` + big + `"}`, "refused 413"},
		{json, "/api", mediaForm, "op=login&user=bob", "refused 400"},
		{json, "/api", mediaForm, "op=show", "no login"},
		{json, "/api?op=login", "", "", "refused 400"},
		{json, "/api", "text/plain", `{"op":"login"}`, "unexamined 400"},

		{deep, "/api", "application/json", `{"a":{"op":"login"},"user":"bob"}`, "login bob"},
		{deep, "/api", "application/json", `{"a":"login","user":"bob"}`, "refused 400"},
		{deep, "/api", "application/json", `{"a.op":"login","user":"bob"}`, "refused 400"},
		{deep, "/api", "application/json", `{"a":null,"user":"bob"}`, "no login"},
		{deep, "/api", mediaForm, "a[op]=login", "refused 400"},
		{form, "/api", kind + ", text/plain", part("B", "op", "login") + "--B--\r\n", "refused 400"},
		{form, "/api", "application/json, text/plain", `{"op":"login"}`, "refused 400"},

		{query, "/api?op=login", mediaForm, "user=bob", "login bob"},
		{query, "/api?op=show", "application/octet-stream", big + big, "no login"},
		{query, "/api", mediaForm, "user=bob", "no login"},
		{query, "/api?op=login&op=show", mediaForm, "user=bob", "refused 400"},
		{query, "/api?op=login&Op=show", mediaForm, "user=bob", "refused 400"},
		{query, "/api?op[]=login", mediaForm, "user=bob", "refused 400"},
		{query, "/api?a;op=login", mediaForm, "user=bob", "refused 400"},
		{query, "/api?a;op=show", mediaForm, "user=bob", "no login"},
		{query, "/api?op=login", mediaForm, "user=bob&a=" + big, "refused 413"},
		{query, "/api?op=login", "text/plain", "user=bob", "refused 400"},
		{query, "/api?op=login&a=" + big, mediaForm, "user=bob", "refused 413"},
	} {
		r := request(t, "POST", test.target, test.contentType, test.body)
		if got := outcome(recognise(t, test.set, r, test.body)); got != test.want {
			shown := test.body[:min(len(test.body), 100)]
			t.Errorf("when %s: %.80s %s %q: %s, want %s", test.set.Blocks[0].When[0].Kind, test.target, test.contentType, shown, got, test.want)
		}
	}
}

// TestLongFormsCostNoMore: a form of half a million fields is not examined, so that nobody can make the gateway build a
// list of them.
func TestLongFormsCostNoMore(t *testing.T) {
	fields, flaw := readPairs(strings.Repeat("a&", ExamineLimit/2))
	if len(fields) > pairLimit+1 || flaw == "" {
		t.Errorf("%d fields, %q", len(fields), flaw)
	}
	document, err := parseJSON("[0" + strings.Repeat(",0", ExamineLimit/2-1) + "]")
	if !errors.Is(err, errJSONCount) || len(document.items) > jsonCount+1 {
		t.Errorf("%d values, %v", len(document.items), err)
	}
	// A length that a client announces reserves no memory.
	set := wideSet(t)
	r := request(t, "POST", "/any", mediaForm, "")
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader("a=b")), ExamineLimit
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, _ = set.Recognise(r, match.ParsePath(r.URL))
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 4*BodyLimit {
		t.Errorf("a form of three bytes that says to be a megabyte took %d bytes", used)
	}
}

// TestBodyOfAnyLength: the same bytes are forwarded that came, however they came, and however little of them was read.
func TestBodyOfAnyLength(t *testing.T) {
	for _, length := range []int{0, 1, 100, BodyLimit - 10, BodyLimit - 1, BodyLimit, BodyLimit + 1, BodyLimit + 2, 3 * BodyLimit} {
		body := "username=alice&p="
		body += strings.Repeat("x", max(0, length-len(body)))
		want := "login alice"
		if len(body) > BodyLimit {
			want = "refused 413"
		}
		plain := request(t, "POST", "/login", mediaForm, body)
		if got := outcome(recognise(t, formSet(t), plain, body)); got != want {
			t.Errorf("%d bytes: %s", len(body), got)
		}
		chunked, err := http.ReadRequest(bufio.NewReader(strings.NewReader("POST /login HTTP/1.1\r\nHost: a\r\nContent-Type: " + mediaForm +
			"\r\nTransfer-Encoding: chunked\r\n\r\n" + fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body))))
		if err != nil {
			t.Fatal(err)
		}
		if got := outcome(recognise(t, formSet(t), chunked, body)); got != want {
			t.Errorf("%d bytes, chunked: %s", len(body), got)
		}
	}
}

// TestExaminedBodyOfAnyLength is the same for a login that is known by its body, of which more is read.
func TestExaminedBodyOfAnyLength(t *testing.T) {
	for _, length := range []int{BodyLimit + 1, ExamineLimit - 1, ExamineLimit, ExamineLimit + 1, ExamineLimit + 2, 3 * ExamineLimit} {
		body := "a=" + strings.Repeat("x", length-2)
		want := "no login"
		if length > ExamineLimit {
			want = "refused 413"
		}
		r := request(t, "POST", "/any", mediaForm, body)
		if got := outcome(recognise(t, wideSet(t), r, body)); got != want {
			t.Errorf("%d bytes: %s", length, got)
		}
		r = request(t, "POST", "/any", mediaForm, "")
		r.Body, r.ContentLength = io.NopCloser(iotest.HalfReader(strings.NewReader(body))), -1
		r.TransferEncoding = []string{"chunked"}
		if got := outcome(recognise(t, wideSet(t), r, body)); got != want {
			t.Errorf("%d bytes, chunked: %s", length, got)
		}
	}
}

// TestBrokenBody: a body that breaks off, or that an outer limit cuts, is no login, and breaks off for the app as well.
func TestBrokenBody(t *testing.T) {
	broken := errors.New("broken")
	for err, want := range map[error]string{broken: "refused 400", &http.MaxBytesError{Limit: 1}: "refused 413"} {
		r := request(t, "POST", "/login", mediaForm, "")
		r.ContentLength = 100
		r.Body = io.NopCloser(io.MultiReader(strings.NewReader("username=alice"), iotest.ErrReader(err)))
		if got := outcome(formSet(t).Recognise(r, match.ParsePath(r.URL))); got != want {
			t.Errorf("%v: %s", err, got)
		}
		read, readErr := io.ReadAll(r.Body)
		if string(read) != "username=alice" || !errors.Is(readErr, err) {
			t.Errorf("forwarded %q, %v", read, readErr)
		}
	}
}

// TestBodyEndsWithItsLastBytes: a reader may report the end together with the last bytes. The limit holds all the same.
func TestBodyEndsWithItsLastBytes(t *testing.T) {
	for length, want := range map[int]string{BodyLimit: "login alice", BodyLimit + 1: "refused 413"} {
		body := "username=alice&p="
		body += strings.Repeat("x", length-len(body))
		r := request(t, "POST", "/login", mediaForm, "")
		r.Body, r.ContentLength = io.NopCloser(iotest.DataErrReader(strings.NewReader(body))), -1
		if got := outcome(recognise(t, formSet(t), r, body)); got != want {
			t.Errorf("%d bytes: %s", length, got)
		}
	}
}

// TestNothingAfterTheEnd: what a body yields after its end was not examined, and must not be forwarded.
func TestNothingAfterTheEnd(t *testing.T) {
	r := request(t, "POST", "/login", mediaForm, "")
	ends := &twice{first: strings.NewReader("username=alice"), second: strings.NewReader("&username=bob")}
	r.Body, r.ContentLength = io.NopCloser(ends), -1
	if got := outcome(recognise(t, formSet(t), r, "username=alice")); got != "login alice" {
		t.Error(got)
	}
}

// twice is a body that goes on after its end.
type twice struct{ first, second io.Reader }

func (d *twice) Read(p []byte) (int, error) {
	n, err := d.first.Read(p)
	if err != nil {
		d.first = d.second
	}
	return n, err
}

// closer counts.
type closer struct {
	io.Reader
	closed int
}

func (c *closer) Close() error { c.closed++; return nil }

// TestBodyIsClosed: closing the replacement body closes the client's.
func TestBodyIsClosed(t *testing.T) {
	r := request(t, "POST", "/login", mediaForm, "")
	body := &closer{Reader: iotest.OneByteReader(strings.NewReader("username=alice"))}
	r.Body, r.ContentLength = body, -1
	if got := outcome(formSet(t).Recognise(r, match.ParsePath(r.URL))); got != "login alice" {
		t.Fatal(got)
	}
	if err := r.Body.Close(); err != nil || body.closed != 1 {
		t.Error("not closed once")
	}
}

// TestOtherBodiesAreNotRead: the gateway must not wait for an upload or for one half of a conversation.
func TestOtherBodiesAreNotRead(t *testing.T) {
	set := validated(t, &Set{
		Blocks:     []Block{{Paths: match.NewGlobs("*"), When: []Condition{{Form, "u", "*"}}, Username: Source{Form, "u"}}},
		Identities: []Identity{{Path: "/", Kind: Header, Header: "X-User"}},
	})
	r := request(t, "POST", "/upload", "application/grpc", "")
	r.Body, r.ContentLength = io.NopCloser(iotest.ErrReader(errors.New("read"))), -1
	body := r.Body
	if got := outcome(set.Recognise(r, match.ParsePath(r.URL))); got != "unexamined 400" || r.Body != body {
		t.Error(got)
	}
	r = request(t, "POST", "/login", mediaForm, "")
	r.Body, r.ContentLength = io.NopCloser(iotest.ErrReader(errors.New("read"))), BodyLimit+1
	if got := outcome(formSet(t).Recognise(r, match.ParsePath(r.URL))); got != "refused 413" {
		t.Error(got)
	}
}

// TestOrdinaryRequestsCostNothing: a request that is no login costs no allocation.
func TestOrdinaryRequestsCostNothing(t *testing.T) {
	narrow := validated(t, &Set{Blocks: []Block{
		{Paths: match.NewGlobs("/login", "/admin/*/login"), Username: Source{Form, "username"}},
		{Paths: match.NewGlobs("/api/*"), When: []Condition{{Query, "op", "login"}}, Username: Source{Form, "u"}},
	}})
	wide := wideSet(t)
	for _, test := range []struct {
		set  *Set
		r    *http.Request
		most float64
	}{
		{narrow, request(t, "GET", "/", "", ""), 0},
		{narrow, request(t, "GET", "/Static/app.js?v=1", "", ""), 0},
		{narrow, request(t, "POST", "/Comments/12/", mediaForm, "a=b"), 0},
		{narrow, request(t, "GET", "/login", "", ""), 0},
		{narrow, request(t, "GET", "/api/x", "", ""), 0},
		{wide, request(t, "GET", "/", "", ""), 0},
		{wide, request(t, "DELETE", "/Comments/12", "", ""), 0},
		{wide, request(t, "GET", "/login", "", ""), 0},
		// The fields of the query, which may contain those of the login.
		{wide, request(t, "GET", "/Static/app.js?v=1&w=2&x=3", "", ""), 1},
	} {
		test.r.Body = wrapped{test.r.Body}
		path := match.ParsePath(test.r.URL)
		if n := testing.AllocsPerRun(100, func() {
			if reading, err := test.set.Recognise(test.r, path); reading.Attempt != nil || err != nil {
				t.Fatal("login")
			}
		}); n > test.most {
			t.Errorf("%s %s: %v allocations", test.r.Method, test.r.URL, n)
		}
	}
}

// wideSet makes a set with a login that is known by its body, at any address.
func wideSet(t testing.TB) *Set {
	return validated(t, &Set{Blocks: []Block{
		{Paths: match.NewGlobs("/login"), Username: Source{Form, "username"}},
		{Paths: match.NewGlobs("*"), When: []Condition{{Form, "u", "*"}}, Username: Source{Form, "u"}},
	}})
}

// BenchmarkRecogniseRequest measures what each request of a verified session pays.
func BenchmarkRecogniseRequest(b *testing.B) {
	for _, bench := range []struct {
		name   string
		set    *Set
		target string
	}{
		{"no block", formSet(b), "/Comments/12/"},
		{"any path", wideSet(b), "/Comments/12/"},
		{"any path, query", wideSet(b), "/Comments/12/?id=start&do=show&page=2"},
	} {
		b.Run(bench.name, func(b *testing.B) {
			r := request(b, "GET", bench.target, "", "")
			r.Body = wrapped{r.Body}
			path := match.ParsePath(r.URL)
			b.ReportAllocs()
			for b.Loop() {
				if reading, err := bench.set.Recognise(r, path); reading != (Reading{}) || err != nil {
					b.Fatal(reading, err)
				}
			}
		})
	}
}

func BenchmarkRecogniseOrdinary(b *testing.B) {
	set := formSet(b)
	r := request(b, "POST", "/Comments/12/", mediaForm, "a=b")
	path := match.ParsePath(r.URL)
	b.ReportAllocs()
	for b.Loop() {
		if reading, err := set.Recognise(r, path); reading != (Reading{}) || err != nil {
			b.Fatal("login")
		}
	}
}

func BenchmarkRecogniseLogin(b *testing.B) {
	set := formSet(b)
	r := request(b, "POST", "/login", mediaForm, "")
	path := match.ParsePath(r.URL)
	b.ReportAllocs()
	for b.Loop() {
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(formLogin)), int64(len(formLogin))
		if reading, _ := set.Recognise(r, path); reading.Attempt == nil {
			b.Fatal("no login")
		}
	}
}
