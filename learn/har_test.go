package learn

import (
	"errors"
	"strings"
	"testing"
)

// har is an archive as browsers write them: out of order, with another site, HTTP/2's own names, a body in base64,
// and a form as parameters.
const har = `{"log":{"entries":[
{"startedDateTime":"2026-01-01T00:00:03Z","request":{"method":"post","url":"https://app.example/login","headers":[{"name":":path","value":"/login"},{"name":"cookie","value":"a=1; b=2"}],
 "postData":{"mimeType":"application/x-www-form-urlencoded","params":[{"name":"user","value":"alice%40example.com"},{"name":"password","value":"right word"}]}},
 "response":{"status":302,"headers":[{"name":"set-cookie","value":"sid=1; HttpOnly\nlang=de"},{"name":"location","value":"/"}],"content":{"text":""}}},
{"startedDateTime":"2026-01-01T00:00:01Z","request":{"method":"GET","url":"https://cdn.example/x.js","headers":[]},"response":{"status":200,"headers":[],"content":{"text":"x"}}},
{"startedDateTime":"2026-01-01T00:00:02Z","request":{"method":"GET","url":"https://app.example/login","headers":[]},
 "response":{"status":200,"headers":[],"content":{"mimeType":"text/html","encoding":"base64","text":"PHA+aGVsbG8="}}},
{"startedDateTime":"2026-01-01T00:00:04Z","request":{"method":"GET","url":"https://app.example/gone","headers":[]},"response":{"status":0,"headers":[],"content":{}}},
{"startedDateTime":"2026-01-01T00:00:05Z","request":{"method":"GET","url":"wss://app.example/ws","headers":[]},"response":{"status":101,"headers":[],"content":{}}}
]}}`

// TestReadHAR: the app's exchanges, in their order, with decoded bodies and each cookie on a line of its own.
func TestReadHAR(t *testing.T) {
	exchanges, origin, withheld, err := ReadHAR(strings.NewReader("\ufeff" + har))
	if err != nil || origin != "https://app.example" || withheld || len(exchanges) != 2 {
		t.Fatalf("%d exchanges of %q, %t, %v", len(exchanges), origin, withheld, err)
	}
	page, login := exchanges[0], exchanges[1]
	if !page.isPage() || string(page.Content) != "<p>hello" {
		t.Errorf("the page: %q, %v", page.Content, page.Answer)
	}
	if login.Method != "POST" || login.fields().Get("user") != "alice@example.com" || login.fields().Get("password") != "right word" || login.sent()["b"] != "2" || len(login.set()) != 2 {
		t.Errorf("the login: %+v", login)
	}
	bare := strings.NewReplacer(`{"name":"cookie","value":"a=1; b=2"}`, `{"name":"accept","value":"*/*"}`, "set-cookie", "x-removed").Replace(har)
	if _, _, withheld, err := ReadHAR(strings.NewReader(bare)); err != nil || !withheld {
		t.Errorf("an archive without cookies: %t, %v", withheld, err)
	}
	for text, want := range map[string]error{
		"": ErrHAR, "[]": ErrHAR, `{"log":{}}`: ErrHAR, `{"log":{"entries":[]}}`: ErrNothing, strings.ReplaceAll(har, "password", "colour"): ErrNothing,
	} {
		if _, _, _, err := ReadHAR(strings.NewReader(text)); !errors.Is(err, want) {
			t.Errorf("%.40q: %v, want %v", text, err, want)
		}
	}
}
