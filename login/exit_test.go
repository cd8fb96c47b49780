package login

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"sallyport.example/sallyport/internal/match"
)

// TestSignsOut: a method of JSON-RPC and a field of a form sign out. They are read generously, since they open nothing,
// and the app gets every byte.
func TestSignsOut(t *testing.T) {
	set := &Set{Exits: []Exit{
		{"/jsonrpc", Condition{JSON, "/method", "session.logout"}},
		{"/index.php", Condition{Form, "action", "logout*"}},
	}}
	for _, test := range []struct {
		path, kind, body string
		want             bool
	}{
		{"/jsonrpc", "application/json", `{"method":"session.logout","id":1}`, true},
		{"/jsonrpc", "application/json; charset=utf-8", "\xef\xbb\xbf{\"method\":\"session.logout\"}", true},
		{"/jsonrpc", "application/json", `{"method":"session.get"}`, false},
		{"/jsonrpc", "application/json", `{"params":{"method":"session.logout"}}`, false},
		{"/jsonrpc", "application/json", ``, false},
		{"/jsonrpc", "application/x-www-form-urlencoded", `method=session.logout`, true},
		{"/other", "application/json", `{"method":"session.logout"}`, false},
		{"/jsonrpc/x", "application/json", `{"method":"session.logout"}`, false},
		{"/index.php", "application/x-www-form-urlencoded", "a=b&action=logout&token=x", true},
		{"/index.php", "application/x-www-form-urlencoded", "action=logout_all", true},
		{"/index.php", "application/x-www-form-urlencoded", "action=login", false},
		{"/index.php", "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"action\"\r\n\r\nlogout\r\n--x--\r\n", true},
		{"/index.php", "text/plain", "action=logout", false},
		{"/index.php", "application/octet-stream", strings.Repeat("x", BodyLimit+9), false},
		{"/index.php", "application/x-www-form-urlencoded", "x=" + strings.Repeat("x", 2*BodyLimit) + "&action=logout", false},
	} {
		r := request(t, "POST", test.path, test.kind, test.body)
		if got := set.SignsOut(r, match.ParsePath(r.URL)); got != test.want {
			t.Errorf("%s %s %.60q: %t", test.path, test.kind, test.body, got)
		}
		if rest, err := io.ReadAll(r.Body); err != nil || string(rest) != test.body {
			t.Errorf("%s %.60q: the app gets %d bytes of %d: %v", test.path, test.body, len(rest), len(test.body), err)
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), "GET", "http://app.example/jsonrpc", nil)
	if err != nil || set.SignsOut(r, match.ParsePath(r.URL)) {
		t.Error("without a body")
	}
	for _, exit := range []Exit{
		{"jsonrpc", Condition{JSON, "/m", "x"}},
		{"/a?b", Condition{JSON, "/m", "x"}},
		{"/a", Condition{Query, "m", "x"}},
		{"/a", Condition{JSON, "m", "x"}},
		{"/a", Condition{Form, "", "x"}},
		{"/a", Condition{Form, "m", ""}},
	} {
		if exit.Validate() == nil {
			t.Errorf("%v is right", exit)
		}
	}
}

func TestKnownBy(t *testing.T) {
	named := &Set{Blocks: []Block{{Success: [][]Rule{{{Kind: Cookie, Name: "sid*"}}}}}}
	other := &Set{Blocks: []Block{{Success: [][]Rule{{{Kind: Body, Value: "x"}}}}}}
	for _, test := range []struct {
		set     *Set
		cookies string
		want    bool
	}{
		{named, "", false},
		{named, "sid1", true},
		{named, "flash", false},
		{named, "flash sid", true},
		{other, "flash", true},
		{other, "tick", false},
		{other, "", false},
	} {
		if got := test.set.KnownBy(strings.Fields(test.cookies), match.NewGlobs("tick")); got != test.want {
			t.Errorf("%v %q: %t", test.set.Blocks, test.cookies, got)
		}
	}
}
