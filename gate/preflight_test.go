package gate

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sallyport.example/sallyport/internal/match"
)

func TestIsPreflight(t *testing.T) {
	const allowed = "https://portal.example.com"
	for name, test := range map[string]struct {
		change func(*http.Request)
		want   bool
	}{
		"a browser's":                   {func(*http.Request) {}, true},
		"with headers":                  {func(r *http.Request) { r.Header.Set("Access-Control-Request-Headers", "x-a") }, true},
		"in capitals":                   {func(r *http.Request) { r.Header.Set("Origin", "HTTPS://Portal.example.com") }, true},
		"another origin":                {func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, false},
		"another scheme":                {func(r *http.Request) { r.Header.Set("Origin", "http://portal.example.com") }, false},
		"another port":                  {func(r *http.Request) { r.Header.Set("Origin", allowed+":8443") }, false},
		"no origin":                     {func(r *http.Request) { r.Header.Del("Origin") }, false},
		"two origins":                   {func(r *http.Request) { r.Header.Add("Origin", allowed) }, false},
		"null":                          {func(r *http.Request) { r.Header.Set("Origin", "null") }, false},
		"another method":                {func(r *http.Request) { r.Method = http.MethodGet }, false},
		"for no method":                 {func(r *http.Request) { r.Header.Del("Access-Control-Request-Method") }, false},
		"for two methods":               {func(r *http.Request) { r.Header.Add("Access-Control-Request-Method", "PUT") }, false},
		"for what is no method":         {func(r *http.Request) { r.Header.Set("Access-Control-Request-Method", "A B") }, false},
		"with a cookie":                 {func(r *http.Request) { r.Header.Set("Cookie", "a=b") }, false},
		"with a password":               {func(r *http.Request) { r.Header.Set("Authorization", "Basic x") }, false},
		"with a body":                   {func(r *http.Request) { r.ContentLength = 5 }, false},
		"with a body of unknown size":   {func(r *http.Request) { r.ContentLength = -1; r.TransferEncoding = []string{"chunked"} }, false},
		"with the wish for a WebSocket": {func(r *http.Request) { r.Header.Set("Upgrade", "websocket") }, false},
	} {
		r := httptest.NewRequest(http.MethodOptions, "/api/x", nil)
		r.Header = http.Header{"Origin": {allowed}, "Access-Control-Request-Method": {"POST"}}
		test.change(r)
		if got := IsPreflight(r, []string{allowed}); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
		if IsPreflight(r, nil) {
			t.Errorf("%s: nobody may ask", name)
		}
	}
}

func TestAnswers(t *testing.T) {
	odd := httptest.NewRequest(http.MethodGet, "/a//b", nil)
	canonical := match.ParsePath(httptest.NewRequest(http.MethodGet, "/a", nil).URL)
	for place := range Shut + 1 {
		want := place != Own && place != Shut
		if got := Answers(place, canonical); got != want {
			t.Errorf("%v: %t", place, got)
		}
		if Answers(place, match.ParsePath(odd.URL)) {
			t.Errorf("%v: in an odd spelling", place)
		}
	}
	if got := Decide(Request{Place: Preflight, Method: http.MethodOptions}); got != ForwardPreflight {
		t.Error(got)
	}
	if got := Decide(Request{Place: Preflight, Method: http.MethodOptions, Unwanted: true}); got != RefuseMethod {
		t.Error(got)
	}
	if !strings.Contains(Preflight.String(), "preflight") || !strings.Contains(ForwardPreflight.String(), "preflight") {
		t.Error("no word for it")
	}
}
