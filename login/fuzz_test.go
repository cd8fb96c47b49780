package login

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"sallyport.example/sallyport/internal/match"
)

// post makes a request without a parser in between, so that the fuzzer may write any bytes.
func post(query, contentType, body string) *http.Request {
	return &http.Request{
		Method: "POST", URL: &url.URL{Path: "/login", RawQuery: query}, Header: http.Header{"Content-Type": {contentType}},
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}

// check asks a set and checks that the body is unchanged.
func check(t *testing.T, set *Set, query, contentType, body string) (*Attempt, error) {
	t.Helper()
	r := post(query, contentType, body)
	reading, err := set.Recognise(r, match.Path{Text: "/login", Canonical: true})
	if forwarded, readErr := io.ReadAll(r.Body); readErr != nil || string(forwarded) != body {
		t.Fatalf("forwarded %q, %v", forwarded, readErr)
	}
	return reading.Attempt, err
}

// agree fails the test unless the reader saw exactly the one name.
func agree(t *testing.T, reader string, attempt *Attempt, values []string) {
	t.Helper()
	if len(values) != 1 {
		t.Fatalf("%s reads %q where %q was accepted", reader, values, attempt.Name)
	}
	if name, err := (Names{}).Normalise(values[0]); err != nil || name != attempt.Name {
		t.Fatalf("%s reads %q (%v) where %q was accepted", reader, values[0], err, attempt.Name)
	}
}

// unseenBy fails the test if a reader sees a login in what was accepted as none.
func unseenBy(t *testing.T, reader string, values []string) {
	t.Helper()
	for _, value := range values {
		if value == "login" {
			t.Fatalf("%s reads a login where there was none", reader)
		}
	}
}

func whenSet(t testing.TB, kind Kind, name string, source Source) *Set {
	return validated(t, &Set{Blocks: []Block{{Paths: match.NewGlobs("/login"), When: []Condition{{kind, name, "login"}}, Username: source}}})
}

// FuzzRecogniseForm: every server reads an accepted name, from the body alone. What is not a login here is one to none
// of them.
func FuzzRecogniseForm(f *testing.F) {
	for _, seed := range [][2]string{
		{"", "username=alice&op=login"},
		{"username=bob", "username=alice"},
		{"op=login", "a=b"},
		{"a;op=login", "username=alice&username[]=bob"},
		{"", "username=alice;username=bob"},
		{"", "%75sername=alice&+username=b"},
		{"", "user.name=a&username%00x=b&USERNAME=c&a=%zz"},
		{"", "op%5b%5d=login&%u006fp=login&op=+login"},
	} {
		f.Add(seed[0], seed[1])
	}
	plain, when := formSet(f), whenSet(f, Form, "op", Source{Form, "username"})
	f.Fuzz(func(t *testing.T, query, body string) {
		if attempt, err := check(t, plain, query, mediaForm, body); err == nil {
			if attempt == nil {
				t.Fatal("a login that is none")
			}
			for name, read := range formReaders {
				agree(t, name, attempt, read(body, "username"))
				if name != "first only" && len(read(query, "username")) > 0 {
					t.Fatalf("%s reads a name in the query as well", name)
				}
			}
		}
		if attempt, err := check(t, when, query, mediaForm, body); err == nil && attempt == nil {
			for name, read := range formReaders {
				unseenBy(t, name, read(body, "op"))
				unseenBy(t, name, read(query, "op"))
			}
		}
	})
}

// FuzzRecogniseMultipart is FuzzRecogniseForm with the header that names the boundary.
func FuzzRecogniseMultipart(f *testing.F) {
	const kind = "multipart/form-data; boundary=B"
	for _, seed := range [][2]string{
		{kind, part("B", "username", "alice") + part("B", "op", "login") + "--B--\r\n"},
		{kind, part("B", "username", "alice") + part("B", "username", "bob") + "--B--\r\n"},
		{kind, "--B\nContent-Disposition: form-data; name=\"op\"\n\nlogin\n--B--\n"},
		{kind, "--B\r\nContent-Disposition: form-data; name=op; filename=\"x\"\r\nContent-Type: text/plain\r\n\r\nlogin\r\n--B--\r\n"},
		{kind, part("B", "a", "x\n--B\nContent-Disposition: form-data; name=op\n\nlogin") + "--B--\r\n"},
		{"multipart/form-data; xboundary=B; boundary=C", part("B", "username", "alice") + "--B--\r\n"},
		{"multipart/form-data; boundary=\"B\"", part("B", "op", "show") + "--B--"},
	} {
		f.Add(seed[0], seed[1])
	}
	plain, when := formSet(f), whenSet(f, Form, "op", Source{Form, "username"})
	f.Fuzz(func(t *testing.T, contentType, body string) {
		if !strings.HasPrefix(contentType, "multipart/form-data") {
			contentType = kind
		}
		if attempt, err := check(t, plain, "", contentType, body); err == nil {
			for name, read := range multipartReaders {
				agree(t, name, attempt, read(body, contentType, "username"))
			}
		}
		attempt, err := check(t, when, "", contentType, body)
		if err == nil && attempt == nil {
			for name, read := range multipartReaders {
				unseenBy(t, name, read(body, contentType, "op"))
			}
		}
	})
}

// FuzzRecogniseJSON is FuzzRecogniseForm in JSON.
func FuzzRecogniseJSON(f *testing.F) {
	for _, seed := range []string{
		`{"username":"alice","op":"login"}`, `{"username":"alice","USERNAME":"bob"}`, `{"username":"alice","uſername":"bob"}`,
		`{"username":"a","x":{"a":[1,2.5e3,true,null]}}`, `{"username":"\u0061\ud83d\ude00"}`, `[{"op":"login"}]`, `{"op":"login"`, `{"op":"x"}{"op":"login"}`,
		`{"op":" Login "}`, `{"Op":"login"}`, "\ufeff{}",
	} {
		f.Add(seed)
	}
	plain, when := jsonSet(f), whenSet(f, JSON, "/op", Source{JSON, "/username"})
	f.Fuzz(func(t *testing.T, body string) {
		if attempt, err := check(t, plain, "", "application/json", body); err == nil {
			for name, read := range jsonReaders {
				agree(t, name, attempt, read(body, "username"))
			}
		}
		if attempt, err := check(t, when, "", "application/json", body); err == nil && attempt == nil {
			unseenBy(t, "go map", mapJSON(body, "op"))
			unseenBy(t, "first member", tokenJSON(body, "op"))
		}
	})
}

// FuzzRecogniseAddress: at a login's address, what passes for its page has no body, no upgrade, and no field of a login
// in its query, as the laxest server reads it. What is neither page nor login goes nowhere.
func FuzzRecogniseAddress(f *testing.F) {
	for _, method := range []string{"GET", "HEAD", "POST", "get", "PUT"} {
		f.Add(method, "/login", "", "", "", int64(0), false)
		f.Add(method, "/login", "username=alice", mediaForm, "username=alice", int64(14), true)
		f.Add(method, "/login/", "a;op=login&U%73ername[]=x&%u006fp=1", "application/json", `{"username":"alice"}`, int64(-1), false)
	}
	f.Add("GET", "/login", "next=%2F&x=+user.name", "", "", int64(0), false)
	set := validated(f, &Set{Blocks: []Block{
		{Paths: match.NewGlobs("/login"), Username: Source{Form, "username"}},
		{Paths: match.NewGlobs("/other"), When: []Condition{{JSON, "/op", "login"}}, Username: Source{JSON, "/user"}},
		{Paths: match.NewGlobs("/shared"), Username: Source{Kind: None}, Fields: []string{"pin"}},
	}})
	f.Fuzz(func(t *testing.T, method, path, query, contentType, body string, length int64, upgrade bool) {
		r := post(query, contentType, body)
		r.Method, r.URL.Path, r.ContentLength, r.Body = method, path, length, wrapped{r.Body}
		if length == 0 {
			r.Body, body = wrapped{http.NoBody}, "" // as servers do
		}
		if length < 0 {
			r.TransferEncoding = []string{"chunked"}
		}
		if upgrade {
			r.Header["Upgrade"] = []string{"websocket"}
		}
		reading, err := set.Recognise(r, match.ParsePath(r.URL))
		if forwarded, readErr := io.ReadAll(r.Body); readErr != nil || string(forwarded) != body {
			t.Fatalf("forwarded %q, %v", forwarded, readErr)
		}
		switch {
		case err != nil:
			if reading.Attempt != nil || reading.Entry {
				t.Fatalf("%+v beside %v", reading, err)
			}
		case reading.Attempt != nil:
			if method != "POST" || path != "/login" || length == 0 {
				t.Fatalf("%s %s of %d bytes is a login", method, path, length)
			}
		case reading.Entry:
			if method != "GET" && method != "HEAD" || path != "/login" || length != 0 || upgrade || !Plain(r) {
				t.Fatalf("%s %s of %d bytes, upgrade %t, is a page", method, path, length, upgrade)
			}
			for _, name := range []string{"username", "op", "user", "pin"} {
				for reader, read := range formReaders {
					if found := read(query, name); len(found) > 0 {
						t.Fatalf("%s reads %s=%q in the query of what is a page", reader, name, found)
					}
				}
			}
			if set.NamesInQuery(r) {
				t.Fatal("a page with the fields of a login")
			}
		case path == "/login":
			t.Fatalf("%s of %d bytes, upgrade %t: neither page nor login, and not refused", method, length, upgrade)
		}
	})
}

// FuzzUndescribed: a login whose typed name counts has only the described fields, each once, as net/http and
// encoding/json read it.
func FuzzUndescribed(f *testing.F) {
	const multi = "multipart/form-data; boundary=B"
	for _, seed := range [][3]string{
		{"", mediaForm, "username=alice&password=x"},
		{"next=/", mediaForm, "username=alice&password=x&email=bob"},
		{"", mediaForm, "username=alice&password=x&=y&password"},
		{"lang=de", multi, part("B", "username", "alice") + part("B", "password", "x") + "--B--\r\n"},
		{"", multi, part("B", "username", "alice") + "--B\r\nContent-Disposition: form-data; name=password; filename=x\r\n\r\nx\r\n--B--\r\n"},
		{"", "application/json", `{"username":"alice","password":"x","more":[{"a":{}}],"deep":{"pin":1}}`},
		{"", "application/json", `{"username":"alice","password":["x"],"":1,"deep":[]}`},
		{"", "text/plain", "username=alice"},
		{"do=login", mediaForm, "username=alice&do=login"},
		{"id=a;do=login", mediaForm, "username=alice&do=log%69n"},
		{"", "application/json", `{"username":"alice","do":"log\u0069n"}`},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	success := rules(f, "cookie|sid")
	form := validated(f, &Set{Typed: true, Blocks: []Block{{
		Paths: match.NewGlobs("/login"), Username: Source{Form, "username"}, Fields: []string{"password", "lang"}, Success: success,
	}}})
	inJSON := validated(f, &Set{Typed: true, Blocks: []Block{{
		Paths: match.NewGlobs("/login"), Username: Source{JSON, "/username"}, Fields: []string{"/password", "/deep/pin", "lang"}, Success: success,
	}}})
	none := validated(f, &Set{Typed: true, Blocks: []Block{{
		Paths: match.NewGlobs("/login"), Username: Source{Kind: None}, Fields: []string{"password", "/password", "lang"}, Success: success,
	}}})
	// Here one field has a fixed value, and must be present.
	formDo := validated(f, &Set{Typed: true, Blocks: []Block{{
		Paths: match.NewGlobs("/login"), Username: Source{Form, "username"}, Fields: []string{"id", "do=login"}, Success: success,
	}}})
	jsonDo := validated(f, &Set{Typed: true, Blocks: []Block{{
		Paths: match.NewGlobs("/login"), Username: Source{JSON, "/username"}, Fields: []string{"/do=login", "id"}, Success: success,
	}}})
	f.Fuzz(func(t *testing.T, query, contentType, body string) {
		for _, test := range []struct {
			set              *Set
			fields, pointers []string
			do               bool
		}{
			{form, []string{"username", "password", "lang"}, nil, false},
			{inJSON, []string{"lang"}, []string{"/username", "/password", "/deep/pin"}, false},
			{none, []string{"password", "lang"}, []string{"/password"}, false},
			{formDo, []string{"username", "id", "do"}, nil, true},
			{jsonDo, []string{"id"}, []string{"/username", "/do"}, true},
		} {
			attempt, err := check(t, test.set, query, contentType, body)
			if err != nil {
				continue
			}
			if attempt == nil {
				t.Fatal("neither login nor refused")
			}
			r := post(query, contentType, body)
			media, _, mediaErr := mime.ParseMediaType(contentType)
			if err := r.ParseMultipartForm(1 << 20); err != nil && !errors.Is(err, http.ErrNotMultipart) {
				t.Fatalf("accepted, and net/http says %v", err)
			}
			if r.MultipartForm != nil && len(r.MultipartForm.File) > 0 {
				t.Fatalf("files %v", r.MultipartForm.File)
			}
			for name, values := range r.Form {
				// The same value may be in the query as well.
				if !slices.Contains(test.fields, name) || len(slices.Compact(values)) != 1 {
					t.Fatalf("net/http reads %q=%q", name, values)
				}
			}
			if test.do && test.pointers == nil && r.FormValue("do") != "login" {
				t.Fatalf("net/http reads do=%q", r.FormValue("do"))
			}
			switch {
			case body == "":
			case mediaErr != nil:
				t.Fatalf("a body of type %q was accepted", contentType)
			case media == mediaForm || media == mediaMultipart:
			default:
				var document any
				if err := json.Unmarshal([]byte(body), &document); err != nil {
					t.Fatalf("%q is not JSON: %v", body, err)
				}
				onlyDescribed(t, document, "", test.pointers)
				if members, _ := document.(map[string]any); test.do && test.pointers != nil && members["do"] != "login" {
					t.Fatalf("encoding/json reads do=%v", members["do"])
				}
			}
		}
	})
}

func onlyDescribed(t *testing.T, value any, pointer string, pointers []string) {
	t.Helper()
	before := func(name string) string { return pointer + "/" + escapePointer(name) }
	children := 0
	switch value := value.(type) {
	case map[string]any:
		for name, child := range value {
			onlyDescribed(t, child, before(name), pointers)
		}
		children = len(value)
	case []any:
		for i, child := range value {
			onlyDescribed(t, child, before(strconv.Itoa(i)), pointers)
		}
		children = len(value)
	default:
		if slices.Contains(pointers, pointer) {
			return
		}
	}
	if children == 0 && pointer != "" {
		t.Fatalf("%q holds %v", pointer, value)
	}
}

// FuzzParseJSON: what is accepted is JSON and means what encoding/json reads. What encoding/json accepts is refused
// only for a known reason.
func FuzzParseJSON(f *testing.F) {
	for _, seed := range []string{`{"a":[1,-0.5e+3,"\n\u00e9\ud83d\ude00",true,false,null,{}]}`, `{"a":1,"a":2}`, `"\ud800"`, `01`, `1 2`, `[[[[]]]]`, `[1,]`, ` "x" `} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data string) {
		parser := jsonParser{data: data, build: true}
		root, err := parser.document()
		if _, pickErr := pickJSON(data, []string{"a"}); (pickErr == nil) != (err == nil) {
			t.Fatalf("%v and %v", err, pickErr)
		}
		if err != nil {
			known := errors.Is(err, errJSONNames) || errors.Is(err, errJSONDepth) || !utf8.ValidString(data) || strings.Contains(data, `\u`)
			if json.Valid([]byte(data)) && !known {
				t.Fatalf("%v for valid JSON", err)
			}
			return
		}
		decoder := json.NewDecoder(strings.NewReader(data))
		decoder.UseNumber()
		var want any
		if err := decoder.Decode(&want); err != nil || !json.Valid([]byte(data)) {
			t.Fatalf("accepted what is no JSON: %v", err)
		}
		if got := plainValue(&root); !reflect.DeepEqual(got, want) {
			t.Fatalf("read %#v, want %#v", got, want)
		}
		if len(data) < 200 {
			allPointers(t, data, &root, "")
		}
	})
}

func plainValue(n *node) any {
	switch n.kind {
	case boolean:
		return n.text == "true"
	case number:
		return json.Number(n.text)
	case text:
		return n.text
	case array:
		list := []any{}
		for i := range n.items {
			list = append(list, plainValue(&n.items[i]))
		}
		return list
	case object:
		members := map[string]any{}
		for i := range n.members {
			members[n.members[i].name] = plainValue(&n.members[i].value)
		}
		return members
	}
	return nil
}

// allPointers checks that the pointer to each value of a document leads to it.
func allPointers(t *testing.T, data string, n *node, pointer string) {
	tokens, err := parsePointer(pointer)
	if err != nil {
		t.Fatal(err)
	}
	found, err := pickJSON(data, tokens)
	if err != nil || found == nil || found.kind != n.kind || found.text != n.text || found.empty() != n.empty() {
		t.Fatalf("%q leads to %+v, %v; want %+v", pointer, found, err, n)
	}
	for i := range n.members {
		allPointers(t, data, &n.members[i].value, pointer+"/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(n.members[i].name))
	}
	for i := range n.items {
		allPointers(t, data, &n.items[i], pointer+"/"+strconv.Itoa(i))
	}
}

// FuzzDecodeBody: nothing decodes to more than the limit. What was encoded comes back, or is too large.
func FuzzDecodeBody(f *testing.F) {
	for i, seed := range []string{"", "hello", strings.Repeat("a", 5000)} {
		f.Add([]byte(seed), uint16(1<<i), uint16(1000))
	}
	f.Fuzz(func(t *testing.T, data []byte, codings, limit uint16) {
		for _, coding := range []string{"gzip", "deflate", "br", "zstd"} {
			if decoded, err := DecodeBody(http.Header{"Content-Encoding": {coding}}, data, int(limit)); len(decoded) > int(limit) || err != nil && decoded != nil {
				t.Fatalf("%s: %d bytes, %v", coding, len(decoded), err)
			}
		}
		encoded, header, widest := data, http.Header{}, len(data)
		for range codings % 4 {
			coding := [...]string{"gzip", "deflate", "raw", "br", "zstd"}[codings/4%5]
			codings /= 5
			encoded = encode(t, coding, encoded)
			widest = max(widest, len(encoded))
			header.Add("Content-Encoding", strings.Replace(coding, "raw", "deflate", 1))
		}
		decoded, err := DecodeBody(header, encoded, int(limit))
		switch {
		case len(encoded) == 0:
		case widest <= int(limit) && (err != nil || !bytes.Equal(decoded, data)):
			t.Fatalf("%v: %v", header, err)
		case widest > int(limit) && !errors.Is(err, ErrTooLarge):
			t.Fatalf("%v: %d bytes over a limit of %d: %v", header, widest, limit, err)
		}
	})
}

func encode(t testing.TB, coding string, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	var w io.WriteCloser
	var err error
	switch coding {
	case "gzip":
		w = gzip.NewWriter(&out)
	case "deflate":
		w = zlib.NewWriter(&out)
	case "raw":
		w, err = flate.NewWriter(&out, flate.BestSpeed)
	case "br":
		w = brotli.NewWriter(&out)
	case "zstd":
		w, err = zstd.NewWriter(&out, zstd.WithEncoderConcurrency(1))
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// FuzzNormalise: a normalised name is its own normal form, and another case or additional spaces do not make another
// name of it.
func FuzzNormalise(f *testing.F) {
	for _, seed := range []string{"Alice", " alice\u00a0", "ＡＬＩＣＥ", "ΝΊΚΟΣ", "νίκος", "ſ", "\u212a", "ﬁ", "İstanbul", "ı", "a\u0301", "\u0345", "İ\u0330\u0330", "i\u0307"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		name, err := Names{}.Normalise(typed)
		if err != nil {
			if !errors.Is(err, ErrName) || name != "" {
				t.Fatalf("%q, %v", name, err)
			}
			return
		}
		if name == "" || len(name) > NameLimit || !utf8.ValidString(name) || strings.ContainsFunc(name, controls) || strings.TrimSpace(name) != name {
			t.Fatalf("%q", name)
		}
		for what, variant := range map[string]string{"itself": name, "upper": strings.ToUpper(typed), "lower": strings.ToLower(typed), "spaced": "  " + typed + "\u3000"} {
			if again, err := (Names{}).Normalise(variant); err == nil && again != name {
				t.Fatalf("%s: %q and %q of %q", what, again, name, typed)
			}
		}
	})
}

// FuzzRoute: the cheap comparison agrees with the thorough one.
func FuzzRoute(f *testing.F) {
	for _, seed := range [][2]string{{"/login", "/LOGIN/"}, {"/a/*/b*", "/a/x/B/c.d"}, {"*", "/"}, {"/*", "/A.b/.c/"}, {"/a*a", "/a"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, path string) {
		if !foldable(path) {
			return
		}
		loose := match.LoosePath(path)
		trimmed := path
		if len(path) > 1 {
			trimmed = strings.TrimSuffix(path, "/")
		}
		if strings.ToLower(trimmed) != loose {
			t.Fatalf("loose form of %q is %q", path, loose)
		}
		lowered := strings.ToLower(pattern)
		if got, want := matchFolded(lowered, trimmed), match.Glob(lowered).Match(loose); got != want {
			t.Fatalf("%q on %q: %v, want %v", lowered, trimmed, got, want)
		}
	})
}

// FuzzJudge: if a redirect to the login is failure, no redirect that a browser would follow there is a success. If
// nothing is said about success, no redirect is one.
func FuzzJudge(f *testing.F) {
	for _, seed := range []string{"/", "/login", "//x/login", `/\x/login`, "login?x", "?x", "./login", "/x/../login", "/%6cogin", "https:login", "/login;x", "http://h:1/LOGIN/", "//logi ", `\:x`} {
		f.Add(seed)
	}
	set := validated(f, &Set{Blocks: []Block{{
		Paths: match.NewGlobs("/login"), Username: Source{Form, "username"}, Success: rules(f, "status|302"), Failure: rules(f, "location|/login"),
	}}})
	silent := formSet(f)
	f.Fuzz(func(t *testing.T, target string) {
		header := http.Header{"Location": {target}}
		if got := silent.Judge(&silent.Blocks[0], Answer{Status: 302, Header: header}, loginPath); got != AskIdentity {
			t.Fatalf("%q: %v", target, got)
		}
		if set.Judge(&set.Blocks[0], Answer{Status: 302, Header: header}, match.Path{Text: "/login", Canonical: true}) != Succeeded {
			return
		}
		r, _ := http.NewRequest("GET", "http://app.example/login", nil)
		// As it arrives over a connection, and as browsers read it.
		header.Set("Location", strings.ReplaceAll(strings.TrimSpace(target), `\`, "/"))
		followed, err := (&http.Response{Header: header, Request: r}).Location()
		if err != nil {
			t.Fatalf("success by a Location that cannot be followed: %v", err)
		}
		path, _, _ := strings.Cut(header.Get("Location"), "#")
		path, _, _ = strings.Cut(path, "?")
		if strings.HasPrefix(path, "//") {
			path = "" // a host of that name
		}
		if match.LoosePath(followed.Path) == "/login" || match.LoosePath(path) == "/login" {
			t.Fatalf("%q leads to the login", target)
		}
	})
}
