package demo

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestEcho(t *testing.T) {
	b := open(t, Options{})
	b.asAlice()
	session := SessionCookie + "=" + b.cookie(SessionCookie)
	b = b.another()
	raw := session + `; a="b,c"; ;=x; S[ID]=1`
	got := b.send("PATCH", "/echo?x=%2F&x=a;b", "hello", "Cookie", raw, "Cookie", "second=1", "X_Odd", "1", "X-Twice", "a", "X-Twice", "b")
	var echo Echo
	if err := json.Unmarshal([]byte(got.body), &echo); err != nil {
		t.Fatalf("%s: %v", got.body, err)
	}
	if echo.Login != "alice" || echo.Method != "PATCH" || echo.URI != "/echo?x=%2F&x=a;b" || echo.Proto != "HTTP/1.1" || "http://"+echo.Host != b.base {
		t.Errorf("%+v", echo)
	}
	if !slices.Equal(echo.Cookie, []string{raw, "second=1"}) || !slices.Equal(echo.Header["X-Twice"], []string{"a", "b"}) {
		t.Errorf("%q %v", echo.Cookie, echo.Header)
	}
	if len(echo.Header["X_odd"]) != 1 {
		t.Errorf("the underscore is lost: %v", echo.Header)
	}
	if echo.ContentLength != 5 || echo.BodyLength != 5 || echo.BodySHA256 != "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824" {
		t.Errorf("%+v", echo)
	}
}

func TestSinkAndSource(t *testing.T) {
	b := open(t, Options{})
	b.asAlice()
	got := b.get("/source?bytes=100000")
	if len(got.body) != 100000 || got.ContentLength != 100000 || !strings.HasPrefix(got.body, "abcdefghijklmnopabc") {
		t.Errorf("%d bytes, %d announced", len(got.body), got.ContentLength)
	}
	sunk := b.send(http.MethodPost, "/sink", got.body)
	var answer struct {
		Bytes  int64
		SHA256 string
	}
	if err := json.Unmarshal([]byte(sunk.body), &answer); err != nil || answer.Bytes != 100000 || len(answer.SHA256) != 64 {
		t.Errorf("%s (%v)", sunk.body, err)
	}
	for _, bytes := range []string{"", "x", "-1", fmt.Sprint(int64(sourceLimit) + 1)} {
		if got := b.get("/source?bytes=" + bytes); got.StatusCode != http.StatusBadRequest {
			t.Errorf("%q: %d", bytes, got.StatusCode)
		}
	}
	if got := b.get("/source?bytes=0"); got.StatusCode != http.StatusOK || got.body != "" {
		t.Errorf("nothing: %d %q", got.StatusCode, got.body)
	}
}
