package inject

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
)

const day = "Mon, 02 Jan 2006 15:04:05 GMT"

// TestTags: what an app says of its page comes back to it from whoever has the very page that we made of that, and from
// nobody else.
func TestTags(t *testing.T) {
	t.Parallel()
	mark := Mark("link", "guard")
	for _, test := range []struct{ tag, date string }{
		{`"v1"`, ""},
		{`W/"v1"`, ""},
		{"", day},
		{`"a,b"`, day},
		{`""`, ""},
	} {
		answer := http.Header{}
		if test.tag != "" {
			answer.Set("Etag", test.tag)
		}
		if test.date != "" {
			answer.Set("Last-Modified", test.date)
		}
		tag(answer, mark)
		given := answer.Get("Etag")
		if given == "" || len(answer) != 1 || !strings.HasPrefix(given, `W/"`) || strings.Contains(given, "v1") {
			t.Errorf("%v becomes %v", test, answer)
		}
		request := http.Header{"If-None-Match": {`"other", ` + given}, "If-Modified-Since": {"x"}}
		if !Condition(request, mark) || request.Get("If-None-Match") != test.tag || request.Get("If-Modified-Since") != test.date {
			t.Errorf("%v comes back as %v", test, request)
		}
		request = http.Header{"If-None-Match": {given}}
		if Condition(request, Mark("link", "")) || len(request) != 0 {
			t.Errorf("%v, with something else put in: %v", test, request)
		}
		unchanged := http.Header{}
		if test.tag != "" {
			unchanged.Set("Etag", test.tag)
		}
		if test.date != "" {
			unchanged.Set("Last-Modified", test.date)
		}
		if Unchanged(304, unchanged, mark); unchanged.Get("Etag") != given || len(unchanged) != 1 {
			t.Errorf("%v: 304 says %v", test, unchanged)
		}
	}
	for _, h := range []http.Header{
		{},
		{"Etag": {"malformed"}},
		{"Etag": {`"a"`, `"b"`}},
		{"Etag": {`"` + strings.Repeat("a", longestValidator) + `"`}},
		{"Last-Modified": {"yesterday"}},
	} {
		if tag(h, mark); len(h) != 0 {
			t.Errorf("what is no validator: %v", h)
		}
	}
}

// TestTagsOfStrangers: a client that makes a tag by itself gets nothing into a header but a tag and a date.
func TestTagsOfStrangers(t *testing.T) {
	t.Parallel()
	mark, encode := Mark("x"), base64.RawURLEncoding.EncodeToString
	tagOf := func(tag, date string) string {
		return tagBegin + mark + "." + encode([]byte(tag)) + "." + encode([]byte(date)) + `"`
	}
	if h := (http.Header{"If-None-Match": {tagOf(`"v1"`, day)}}); !Condition(h, mark) || h.Get("If-None-Match") != `"v1"` {
		t.Fatalf("the control: %v", h)
	}
	for _, given := range []string{
		"*", `"v1"`, `W/"v1"`, "", tagOf("\"v1\"\r\nCookie: sid=1", ""), tagOf("\"v1\nx\"", ""), tagOf(`"v1"`, day+"\r\nX: 1"), tagOf("v1", ""), tagOf("*", ""),
		tagOf(`"a", "b"`, ""), tagOf("", ""), tagOf(`"v1"`, "x"), strings.TrimSuffix(tagOf(`"v1"`, ""), `"`), tagBegin + mark + `."`, tagBegin + mark + `.=.="`,
		tagOf(`"`+strings.Repeat("a", 1000)+`"`, ""), tagOf("\"\x80\"", ""),
	} {
		h := http.Header{"If-None-Match": {given}, "If-Modified-Since": {day}}
		if Condition(h, mark) || len(h) != 0 {
			t.Errorf("%q: %v", given, h)
		}
	}
}
