package login

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestReadTokens(t *testing.T) {
	long := strings.Repeat("x", TokenLimit)
	for _, test := range []struct {
		source TokenSource
		header http.Header
		body   string
		want   string // the token read; "!" for an error
	}{
		{TokenSource{JSON, "/token"}, nil, `{"token":"abcdefgh"}`, "abcdefgh"},
		{TokenSource{JSON, "/data/0/token"}, nil, `{"data":[{"token":"abcdefgh"}]}`, "abcdefgh"},
		{TokenSource{JSON, ""}, nil, `"abcdefgh"`, "abcdefgh"},
		{TokenSource{JSON, "/token"}, nil, `{"token":null}`, ""},
		{TokenSource{JSON, "/token"}, nil, `{"error":1}`, ""},
		{TokenSource{JSON, "/token"}, nil, `<html>`, ""},
		{TokenSource{JSON, "/token"}, nil, ``, ""},
		{TokenSource{JSON, "/token"}, nil, `{"token":"abcdefgh","token":"ijklmnop"}`, ""},
		{TokenSource{JSON, "/token"}, http.Header{"Content-Type": {"application/json"}}, `{"token":"abcdefgh","token":"ijklmnop"}`, "!"},
		{TokenSource{JSON, "/token"}, http.Header{"Content-Type": {"application/json"}}, `ken":"abcdefgh"}`, "!"},
		{TokenSource{JSON, "/token"}, http.Header{"Content-Type": {"text/html"}}, `ken":"abcdefgh"}`, ""},
		{TokenSource{JSON, "/token"}, nil, `{"token":12345678}`, "!"},
		{TokenSource{JSON, "/token"}, nil, `{"token":["abcdefgh"]}`, "!"},
		{TokenSource{JSON, "/token"}, nil, `{"token":"short"}`, "!"},
		{TokenSource{JSON, "/token"}, nil, `{"token":"abcd efgh"}`, "!"},
		{TokenSource{JSON, "/token"}, nil, `{"token":"abcdefg\u00e9"}`, "!"},
		{TokenSource{JSON, "/token"}, nil, `{"token":"abcdefg\n"}`, "!"},
		{TokenSource{JSON, "/token"}, nil, `{"token":"` + long + `"}`, long},
		{TokenSource{JSON, "/token"}, nil, `{"token":"` + long + `x"}`, "!"},
		{TokenSource{Header, "x-token"}, http.Header{"X-Token": {"abcdefgh"}}, "", "abcdefgh"},
		{TokenSource{Header, "authorization"}, http.Header{"Authorization": {"Bearer abcdefgh"}}, "", "abcdefgh"},
		{TokenSource{Header, "x-token"}, http.Header{"X-Token": {"abcdefgh", "ijklmnop"}}, "", "!"},
		{TokenSource{Header, "x-token"}, http.Header{}, "", ""},
		{TokenSource{Body, ""}, nil, "abcdefgh\n", "abcdefgh"},
		{TokenSource{Body, ""}, nil, "Wrong password, sorry", "!"},
		{TokenSource{Body, ""}, nil, "", ""},
	} {
		tokens, err := ReadTokens([]TokenSource{test.source}, Answer{Status: 200, Header: test.header, Body: []byte(test.body)})
		got := ""
		if err != nil {
			got = "!"
			if !errors.Is(err, ErrToken) || strings.Contains(err.Error(), "abcd") {
				t.Errorf("%v", err)
			}
		} else if len(tokens) == 1 {
			got = tokens[0].Text
		}
		if got != test.want {
			t.Errorf("%v in %v %.40q: %.40q, want %.40q", test.source, test.header, test.body, got, test.want)
		}
	}
	if _, err := ReadTokens([]TokenSource{{JSON, "/a"}}, Answer{BodyUnknown: true}); !errors.Is(err, ErrToken) {
		t.Errorf("a body that is not known: %v", err)
	}
	both, err := ReadTokens([]TokenSource{{JSON, "/a"}, {JSON, "/none"}, {JSON, "/b"}}, Answer{Body: []byte(`{"b":"refreshing","a":"accessing"}`)})
	if err != nil || len(both) != 2 || both[0].Text != "accessing" || both[1].Text != "refreshing" {
		t.Errorf("two: %v %v", both, err)
	}
}

func TestParseToken(t *testing.T) {
	for _, words := range [][]string{{"json", "/a"}, {"json", ""}, {"header", "X-Token"}, {"body"}} {
		source, err := ParseToken(words)
		if err != nil || fmt.Sprint(source.Kind) != words[0] {
			t.Errorf("%q: %v", words, err)
		}
	}
	for _, words := range [][]string{nil, {"json"}, {"json", "a"}, {"json", "/a", "b"}, {"header"}, {"header", "a b"}, {"body", "x"}, {"form", "x"}, {"cookie", "x"}} {
		if _, err := ParseToken(words); err == nil {
			t.Errorf("%q is accepted", words)
		}
	}
}
