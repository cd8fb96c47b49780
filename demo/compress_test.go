package demo

import (
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestGzip(t *testing.T) {
	b := open(t, Options{Knobs: Knobs{Gzip: true}})
	b.asAlice()
	b.upload([3]string{"csrf", "", b.token("/files")}, [3]string{"file", "a.txt", strings.Repeat("abc", 100)})
	for _, test := range []struct {
		path, part string
		status     int
	}{
		{"/", "Opening balance", 200},
		{"/api/me", `{"login":"alice"}`, 200},
		{"/static/style.css", "--accent", 200},
		{"/files/a.txt", "abcabc", 200},
		{"/source?bytes=50000", "abcdefghijklmnop", 200},
		{"/logout", "", 303},
	} {
		got := b.get(test.path, "Accept-Encoding", "br, gzip")
		if got.StatusCode != test.status || got.Header.Get("Content-Encoding") != "gzip" || got.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s: %d %v", test.path, got.StatusCode, got.Header)
			continue
		}
		zip, err := gzip.NewReader(strings.NewReader(got.body))
		if err != nil {
			t.Errorf("%s: %v", test.path, err)
			continue
		}
		if plain, err := io.ReadAll(zip); err != nil || !strings.Contains(string(plain), test.part) {
			t.Errorf("%s: %q, %v", test.path, plain, err)
		}
	}
}

func TestGzipLeavesAlone(t *testing.T) {
	b := open(t, Options{Knobs: Knobs{Gzip: true, EarlyHints: true}})
	b.asAlice()
	b.upload([3]string{"csrf", "", b.token("/files")}, [3]string{"file", "a.txt", "abcdef"})
	if got := b.get("/api/me"); got.Header.Get("Content-Encoding") != "" || got.body != "{\"login\":\"alice\"}\n" {
		t.Errorf("unasked: %v", got.Header)
	}
	if got := b.get("/files/a.txt", "Accept-Encoding", "gzip", "Range", "bytes=0-1"); got.Header.Get("Content-Encoding") != "" || got.body != "ab" {
		t.Errorf("a range: %v %q", got.Header, got.body)
	}
	if got := b.send(http.MethodHead, "/", "", "Accept-Encoding", "gzip"); got.StatusCode != http.StatusOK || got.body != "" {
		t.Errorf("HEAD: %d", got.StatusCode)
	}
}
