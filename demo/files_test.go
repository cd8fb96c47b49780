package demo

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// upload sends a form with these parts; a part with a file name is a file.
func (b *browser) upload(parts ...[3]string) answer {
	b.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for _, part := range parts {
		var into io.Writer
		var err error
		if part[1] != "" {
			into, err = form.CreateFormFile(part[0], part[1])
		} else {
			into, err = form.CreateFormField(part[0])
		}
		if err == nil {
			_, err = io.WriteString(into, part[2])
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := form.Close(); err != nil {
		b.Fatal(err)
	}
	return b.send(http.MethodPost, "/files", body.String(), "Content-Type", form.FormDataContentType())
}

func TestUploadAndDownload(t *testing.T) {
	b := open(t, Options{})
	b.asAlice()
	token := b.token("/files")
	names := []string{"plain.txt", "two words.pdf", "Überweisung.html", `quo"te;x=y.txt`, "<b>.svg", "100%.txt"}
	for _, name := range names {
		if got := b.upload([3]string{"csrf", "", token}, [3]string{"file", name, "<script>" + name}); got.StatusCode != http.StatusSeeOther {
			t.Fatalf("%q: %d %s", name, got.StatusCode, got.body)
		}
		got := b.get("/files/" + url.PathEscape(name))
		if got.StatusCode != http.StatusOK || got.body != "<script>"+name {
			t.Errorf("%q: %d %q", name, got.StatusCode, got.body)
		}
		kind, parameters, err := mime.ParseMediaType(got.Header.Get("Content-Disposition"))
		if err != nil || kind != "attachment" || len(parameters) != 1 || parameters["filename"] != name {
			t.Errorf("%q: %q", name, got.Header.Get("Content-Disposition"))
		}
		if got.Header.Get("Content-Type") != "application/octet-stream" || got.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%q: a browser may take it for a page: %v", name, got.Header)
		}
	}
	page := b.get("/files")
	for _, part := range []string{"&lt;b&gt;.svg", "two%20words.pdf", "17 bytes"} {
		if !strings.Contains(page.body, part) {
			t.Errorf("the page lacks %s", part)
		}
	}
	if got := b.get("/files/plain.txt", "Range", "bytes=1-3"); got.StatusCode != http.StatusPartialContent || got.body != "scr" {
		t.Errorf("a range: %d %q", got.StatusCode, got.body)
	}
	c := b.another()
	c.signIn("bob", BobPassword, "")
	if got := c.get("/files/plain.txt"); got.StatusCode != http.StatusNotFound {
		t.Errorf("bob reads alice's file: %d", got.StatusCode)
	}
}

func TestUploadRefusals(t *testing.T) {
	b := open(t, Options{FileLimit: 10, StoreLimit: 15})
	b.asAlice()
	token := [3]string{"csrf", "", b.token("/files")}
	for _, test := range []struct {
		name   string
		parts  [][3]string
		status int
	}{
		{"no token", [][3]string{{"file", "a", "x"}}, 403},
		{"wrong token", [][3]string{{"csrf", "", "x"}, {"file", "a", "x"}}, 403},
		{"token too late", [][3]string{{"file", "a", "x"}, token}, 403},
		{"no file", [][3]string{token}, 400},
		{"too large", [][3]string{token, {"file", "a", "12345678901"}}, 413},
		{"no name", [][3]string{token, {"file", "..", "x"}}, 422},
		{"just fits", [][3]string{token, {"file", "a", "1234567890"}}, 303},
		{"in its own place", [][3]string{token, {"file", "a", "1234567890"}}, 303},
		{"no room", [][3]string{token, {"file", "b", "123456"}}, 507},
	} {
		got := b.upload(test.parts...)
		if got.StatusCode != test.status || strings.Contains(got.body, `role="alert"`) != (test.status != 303) {
			t.Errorf("%s: %d", test.name, got.StatusCode)
		}
	}
	if n := len(b.app.files.list("alice")); n != 1 {
		t.Errorf("%d files", n)
	}
	if got := b.post("/files", url.Values{"csrf": {"x"}}); got.StatusCode != http.StatusBadRequest {
		t.Errorf("another kind of form: %d", got.StatusCode)
	}
	for _, half := range []string{"", "--x", "--x\r\n", "--x\r\nContent-Disposition: form-data; name=other\r\n\r\nhalf"} {
		if got := b.send(http.MethodPost, "/files", half, "Content-Type", "multipart/form-data; boundary=x"); got.StatusCode != http.StatusBadRequest {
			t.Errorf("half a form, %q: %d", half, got.StatusCode)
		}
	}
	script := b.send(http.MethodPost, "/files", "--x\r\nContent-Disposition: form-data; name=file; filename=c\r\n\r\n123\r\n--x--\r\n",
		"Content-Type", "multipart/form-data; boundary=x", "X-Csrf-Token", token[2])
	if script.StatusCode != http.StatusSeeOther {
		t.Errorf("the token in a header: %d", script.StatusCode)
	}
}

// A broken upload must not leave half a file.
func TestBrokenUploadIsNotStored(t *testing.T) {
	fs := newFiles(100, 100, time.Now)
	broken := errors.New("broken")
	err := fs.put("alice", "a", io.MultiReader(strings.NewReader("half"), iotest.ErrReader(broken)))
	if !errors.Is(err, broken) || len(fs.list("alice")) != 0 {
		t.Errorf("%v, %v", err, fs.list("alice"))
	}
	if status, words := uploadFailure(err); status != http.StatusBadRequest || strings.Contains(words, "broken") {
		t.Errorf("%d %s", status, words)
	}
}

func TestFileName(t *testing.T) {
	for name, want := range map[string]string{
		"a.txt": "a.txt", "../../etc/passwd": "passwd", `C:\x\y.doc`: "y.doc", "..": "", ".": "", "": "", "a/": "", ".htaccess": "htaccess",
		"a\r\nb\x00.txt": "ab.txt", "\u202egpj.exe": "gpj.exe", " a ": "a", "\xff": "", strings.Repeat("ä", 150): strings.Repeat("ä", 100),
	} {
		if got := fileName(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func FuzzFileName(f *testing.F) {
	for _, seed := range []string{"a.txt", "../x", `..\x`, "a\r\nSet-Cookie: x", "\u202e", ". . ", "\xff\xfe", strings.Repeat(".", 300)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		got := fileName(name)
		if strings.ContainsAny(got, "/\\\r\n\x00") || got == "." || got == ".." || len([]rune(got)) > 100 {
			t.Errorf("%q becomes %q", name, got)
		}
		if again := fileName(got); again != got {
			t.Errorf("%q becomes %q, then %q", name, got, again)
		}
		line := mime.FormatMediaType("attachment", map[string]string{"filename": got})
		if _, parameters, err := mime.ParseMediaType(line); got != "" && (err != nil || parameters["filename"] != got) {
			t.Errorf("%q is sent as %q (%v)", got, line, err)
		}
	})
}

func TestFormatSize(t *testing.T) {
	for size, want := range map[int64]string{0: "0 bytes", 1023: "1023 bytes", 1536: "1.5 KiB", 16 << 20: "16.0 MiB"} {
		if got := formatSize(size); got != want {
			t.Errorf("%d: %s", size, got)
		}
	}
}
