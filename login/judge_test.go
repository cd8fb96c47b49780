package login

import (
	"net/http"
	"strings"
	"testing"

	"sallyport.example/sallyport/internal/match"
)

var loginPath = match.Path{Text: "/login", Canonical: true}

// TestP4_JudgeByRedirect: if a redirect to the login is failure, so is every spelling of it that browsers or apps know.
// Without a word about success no redirect is one, wherever it leads, because some apps answer a wrong password in the
// same way.
func TestP4_JudgeByRedirect(t *testing.T) {
	set := validated(t, &Set{Blocks: []Block{{
		Paths: match.NewGlobs("/login"), Username: Source{Form, "u"},
		Success: rules(t, "status|302|303", "location|*"), Failure: rules(t, "location|/login*|/api/*/login|/signin"),
	}}})
	asked := validated(t, &Set{Blocks: []Block{{Paths: match.NewGlobs("/login"), Username: Source{Form, "u"}}}})
	unvalidated := &Set{Blocks: asked.Blocks}
	for _, test := range []struct {
		status    int
		locations []string
		want      Outcome
	}{
		{302, []string{"/"}, Succeeded},
		{303, []string{"/home"}, Succeeded},
		{302, []string{"home"}, Succeeded},
		{302, []string{"http://app.example/home"}, Succeeded},
		{302, []string{"https://other.example"}, Succeeded},
		{302, []string{"//other.example/x"}, Succeeded},
		{301, []string{"/"}, Failed},
		{307, []string{"/"}, Failed},
		{308, []string{"/"}, Failed},
		{200, nil, Failed},
		{200, []string{"/"}, Failed},
		{302, nil, Failed},
		{302, []string{""}, Failed},
		{302, []string{"/", "/login"}, Failed},
		{302, []string{"/login"}, Failed},
		{302, []string{"/login?error"}, Failed},
		{302, []string{"?error"}, Failed},
		{302, []string{"#x"}, Failed},
		{302, []string{"login"}, Failed},
		{302, []string{"./login"}, Failed},
		{302, []string{"/x/../login"}, Failed},
		{302, []string{"/Login/"}, Failed},
		{302, []string{"/login;jsessionid=1"}, Failed},
		{302, []string{"/%6cogin"}, Failed},
		{302, []string{`\login`}, Failed},
		{302, []string{"//app.example/login"}, Failed},
		{302, []string{`/\app.example/login`}, Failed},
		{302, []string{"/lo\tgin"}, Failed},
		{302, []string{"http://127.0.0.1:8080/login"}, Failed},
		{302, []string{"/signin"}, Failed},
		{302, []string{"/api/v1/login"}, Failed},
		{302, []string{"/%zz"}, Failed},
		{302, []string{"javascript:alert(1)"}, Failed},
		{302, []string{"http:x"}, Failed},
		{500, []string{"/"}, Failed},
		{0, nil, Failed},
		{101, nil, Failed},
	} {
		answer := Answer{Status: test.status, Header: http.Header{"Location": test.locations}}
		if got := set.Judge(&set.Blocks[0], answer, loginPath); got != test.want {
			t.Errorf("%d %q: %v", test.status, test.locations, got)
		}
		want := Failed
		if 200 <= test.status && test.status < 400 {
			want = AskIdentity
		}
		if got := asked.Judge(&asked.Blocks[0], answer, loginPath); got != want {
			t.Errorf("%d %q, nothing configured: %v, want %v", test.status, test.locations, got, want)
		}
		if got := unvalidated.Judge(&asked.Blocks[0], answer, loginPath); got != Failed {
			t.Errorf("%d %q, nobody to ask: %v", test.status, test.locations, got)
		}
	}
}

// TestJudgeLines: all success lines must hold, by any word of each. One failure line wins.
func TestJudgeLines(t *testing.T) {
	json := func(body string) Answer { return Answer{Status: 200, Body: []byte(body)} }
	to := func(location string) Answer {
		return Answer{Status: 302, Header: http.Header{"Location": {location}}}
	}
	header := Answer{Status: 200, Header: http.Header{"X-Result": {"ok then"}}}
	for _, test := range []struct {
		what             string
		success, failure []string
		answer           Answer
		want             Outcome
	}{
		{"any word", []string{"status|302|200"}, nil, json("{}"), Succeeded},
		{"class", []string{"status|2xx"}, nil, json("{}"), Succeeded},
		{"other class", []string{"status|3xx"}, nil, json("{}"), Failed},
		{"all lines", []string{"status|200", "json|/ok"}, nil, json(`{"ok":true}`), Succeeded},
		{"not all lines", []string{"status|200", "json|/ok"}, nil, json(`{"ok":false}`), Failed},
		{"failure wins", []string{"status|200"}, []string{"json|/error"}, json(`{"error":"no"}`), Failed},
		{"no failure", []string{"status|200"}, []string{"json|/error"}, json(`{"error":null}`), Succeeded},
		{"second failure line", []string{"status|200"}, []string{"status|403", "body|error"}, json(`{"error":"no"}`), Failed},
		{"status not named", []string{"body|welcome"}, nil, Answer{Status: 403, Body: []byte("welcome")}, Failed},
		{"status named", []string{"status|403", "body|welcome"}, nil, Answer{Status: 403, Body: []byte("welcome")}, Succeeded},
		{"status in another word of the line", []string{"status|403|200"}, nil, Answer{Status: 403}, Succeeded},

		{"json value", []string{"json|/a/0/b|PASS"}, nil, json(`{"a":[{"b":"PASS"}]}`), Succeeded},
		{"json other value", []string{"json|/a/0/b|PASS"}, nil, json(`{"a":[{"b":"FAIL"}]}`), Failed},
		{"json number", []string{"json|/code|200"}, nil, json(`{"code":200}`), Succeeded},
		{"json glob", []string{"json|/t|ey*"}, nil, json(`{"t":"ey.x"}`), Succeeded},
		{"json empty value asked for", []string{"json|/error|"}, nil, json(`{"error":""}`), Succeeded},
		{"json object has no value", []string{"json|/a|*"}, nil, json(`{"a":{}}`), Failed},
		{"json zero", []string{"json|/id"}, nil, json(`{"id":0}`), Failed},
		{"json long zero", []string{"json|/id"}, nil, json(`{"id":-0.00e9}`), Failed},
		{"json ten", []string{"json|/id"}, nil, json(`{"id":10}`), Succeeded},
		{"json empty list", []string{"json|/a"}, nil, json(`{"a":[]}`), Failed},
		{"json object", []string{"json|/a"}, nil, json(`{"a":{"b":1}}`), Succeeded},
		{"json twice", []string{"json|/ok"}, nil, json(`{"ok":true,"ok":true}`), Failed},
		{"json broken", []string{"json|/ok"}, nil, json(`{"ok":true`), Failed},
		{"json whole", []string{"json||yes"}, nil, json(`"yes"`), Succeeded},
		{"json escaped pointer", []string{"json|/a~1b~0"}, nil, json(`{"a/b~":1}`), Succeeded},
		{"json index", []string{"json|/01"}, nil, json(`[1,2]`), Failed},

		{"header", []string{"header|x-result"}, nil, header, Succeeded},
		{"header value", []string{"header|X-Result|ok*"}, nil, header, Succeeded},
		{"header other value", []string{"header|X-Result|OK*"}, nil, header, Failed},
		{"header missing", []string{"header|X-Other"}, nil, header, Failed},

		{"location", []string{"location|/app*"}, nil, to("/apps"), Succeeded},
		{"location, relative", []string{"location|/apps"}, nil, to("apps"), Succeeded},
		{"location, absolute", []string{"location|/apps"}, nil, to("http://app.example/apps"), Succeeded},
		{"location in a query", []string{"location|*/apps"}, nil, to("/login?next=/apps"), Failed},
		{"location with query", []string{"location|/?cookie_check=*"}, nil, to("/?cookie_check=true"), Succeeded},
		{"location without the query", []string{"location|/?cookie_check=*"}, nil, to("/"), Failed},
		{"location, odd spelling is no success", []string{"location|/apps"}, nil, to("/%61pps"), Failed},
		{"location with query, odd spelling is no success", []string{"location|/apps?x=*"}, nil, to("/%61pps?x=1"), Failed},
		{"switching protocols", []string{"header|X-Result"}, nil, Answer{Status: 101, Header: http.Header{"X-Result": {"x"}}}, Failed},
		{"location, odd spelling is failure", []string{"status|302"}, []string{"location|/login*"}, to("/%4cogin?x"), Failed},
		{"location, failure by query", []string{"status|302"}, []string{"location|/login?error*"}, to("/login?error=1"), Failed},
		{"location, no failure", []string{"status|302"}, []string{"location|/login?error*"}, to("/login?ok"), Succeeded},
		{"location that cannot be read", []string{"status|302"}, []string{"location|/login*"}, to("/login%zz"), Failed},

		{"body unknown is no success", []string{"body|ok"}, nil, Answer{Status: 200, Body: []byte("ok"), BodyUnknown: true}, Failed},
		{"body unknown is failure", []string{"status|200"}, []string{"json|/error"}, Answer{Status: 200, BodyUnknown: true}, Failed},
		{"body unknown is no matter", []string{"status|200"}, nil, Answer{Status: 200, BodyUnknown: true}, Succeeded},

		{"cookie", []string{"cookie|sid*"}, nil, Answer{Status: 200, SetCookies: []string{"sid1=a; Path=/"}}, Succeeded},
		{"cookie in the header", []string{"cookie|sid"}, nil, Answer{Status: 200, Header: http.Header{"Set-Cookie": {"sid=a"}}}, Succeeded},
		{"cookie, other case", []string{"cookie|sid"}, nil, Answer{Status: 200, SetCookies: []string{"SID=a"}}, Failed},
		{"cookie, empty", []string{"cookie|sid"}, nil, Answer{Status: 200, SetCookies: []string{`sid=""; Path=/`}}, Failed},
		{"cookie, deleted by its value", []string{"cookie|sid"}, nil, Answer{Status: 200, SetCookies: []string{`sid=deleted; Path=/`}}, Failed},
		{"cookie, expired", []string{"cookie|sid"}, nil, Answer{Status: 200, Header: http.Header{"Date": {"Mon, 23 Nov 2026 10:00:00 GMT"}}, SetCookies: []string{"sid=x; Expires=Mon, 23 Nov 2026 09:59:59 GMT"}}, Failed},
		{"cookie, not expired", []string{"cookie|sid"}, nil, Answer{Status: 200, Header: http.Header{"Date": {"Mon, 23 Nov 2026 10:00:00 GMT"}}, SetCookies: []string{"sid=x; Expires=Mon, 23-Nov-2026 10:00:01 GMT"}}, Succeeded},
		{"cookie, Max-Age over Expires", []string{"cookie|sid"}, nil, Answer{Status: 200, SetCookies: []string{"sid=x; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=60"}}, Succeeded},
		{"cookie, Max-Age 0", []string{"cookie|sid"}, nil, Answer{Status: 200, SetCookies: []string{"sid=x; max-age = 0"}}, Failed},
		{"cookie, deleted on another path", []string{"cookie|sid"}, nil, Answer{Status: 200, SetCookies: []string{"sid=x; path=/", "sid=; path=/old"}}, Succeeded},

		{"only failure lines: a redirect is no success", nil, []string{"status|401"}, to("/"), AskIdentity},
		{"only failure lines: nor is a page", nil, []string{"status|401"}, json("{}"), AskIdentity},
		{"only failure lines: one holds", nil, []string{"status|200"}, json("{}"), Failed},

		{"json behind a byte order mark", []string{"json|/ok"}, nil, json("\ufeff" + `{"ok":true}`), Succeeded},
		{"failure behind a byte order mark", []string{"status|200"}, []string{"json|/error"}, json("\ufeff" + `{"error":"no"}`), Failed},
		{"failure behind what keeps scripts off", []string{"status|200"}, []string{"json|/error"}, json(")]}',\n" + `{"error":"no"}`), Failed},
	} {
		set := validated(t, &Set{Blocks: []Block{{Paths: match.NewGlobs("/login"), Username: Source{Form, "u"}, Success: rules(t, test.success...), Failure: rules(t, test.failure...)}}})
		if got := set.Judge(&set.Blocks[0], test.answer, loginPath); got != test.want {
			t.Errorf("%s: %v, want %v", test.what, got, test.want)
		}
	}
}

// TestJudgeAsksTheApp: if the app can be asked and there is no success line, the app's word decides, except for plain
// refusals.
func TestJudgeAsksTheApp(t *testing.T) {
	set := validated(t, &Set{
		Blocks: []Block{
			{Paths: match.NewGlobs("/login"), Username: Source{Form, "u"}, Failure: rules(t, "location|/login*")},
			{Paths: match.NewGlobs("/login2"), Username: Source{Form, "u"}, Success: rules(t, "status|302")},
		},
		Identities: []Identity{{Path: "/me", Kind: JSON, Pointer: "/name"}},
	})
	to := func(status int, location string) Answer {
		return Answer{Status: status, Header: http.Header{"Location": {location}}}
	}
	for _, test := range []struct {
		block  int
		answer Answer
		want   Outcome
	}{
		{0, to(302, "/"), AskIdentity},
		{0, Answer{Status: 200}, AskIdentity},
		{0, to(302, "/login"), Failed},
		{0, Answer{Status: 401}, Failed},
		{0, Answer{Status: 500}, Failed},
		{0, Answer{Status: 101}, Failed},
		{0, Answer{}, Failed},
		{1, to(302, "/login"), Succeeded},
		{1, Answer{Status: 200}, Failed},
	} {
		if got := set.Judge(&set.Blocks[test.block], test.answer, loginPath); got != test.want {
			t.Errorf("%d %+v: %v, want %v", test.block, test.answer, got, test.want)
		}
	}
}

func TestParseRules(t *testing.T) {
	for line, ok := range map[string]bool{
		"status 302": true, "status 302 3xx": true, "status 6xx": false, "status 30": false, "status +30": false, "status 3+0": false, "status": false,
		"location /a* *": true, "location a": false, "cookie sid*": true, "cookie a b": false, "cookie a;b": false, "header X-A": true, "header X-A v": true,
		"header X:A": false, "header a b c": false, "json /a": true, "json /a v": true, "json a": false, "json /a v w": false, "body Ok.": true,
		"body Login failed": false, "text x": false,
	} {
		words := strings.Fields(line)
		parsed, err := ParseRules(words[0], words[1:])
		if (err == nil) != ok || ok && len(parsed) == 0 {
			t.Errorf("%s: %v, %v", line, parsed, err)
		}
	}
	if _, err := ParseRules("body", []string{""}); err == nil {
		t.Error("an empty text is in every body")
	}
}

func TestWords(t *testing.T) {
	for value, want := range map[string]string{
		Failed.String(): "failed", Succeeded.String(): "succeeded", AskIdentity.String(): "ask identity", Outcome(9).String(): "unknown",
		Unclear.String(): "unclear", NotSignedIn.String(): "not signed in", Known.String(): "known", Verdict(9).String(): "unknown",
	} {
		if value != want {
			t.Errorf("%q, want %q", value, want)
		}
	}
}

func TestReadsBody(t *testing.T) {
	for line, want := range map[string]bool{"status|200": false, "cookie|a": false, "json|/a": true, "body|a": true} {
		if got := (&Block{Success: rules(t, line)}).ReadsBody(); got != want {
			t.Errorf("success %s: %v", line, got)
		}
		if got := (&Block{Failure: rules(t, line)}).ReadsBody(); got != want {
			t.Errorf("failure %s: %v", line, got)
		}
	}
}
