package learn

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// recorder makes recordings in a few words.
type recorder struct {
	t    *testing.T
	list []Exchange
}

// add adds an exchange. head has lines of the request's header, and of the answer's behind an empty line.
func (r *recorder) add(method, target, body string, status int, head, content string) {
	r.t.Helper()
	address, err := url.Parse("http://app.example" + target)
	if err != nil {
		r.t.Fatal(err)
	}
	sent, got, _ := strings.Cut(head, "\n\n")
	e := Exchange{Method: method, URL: address, Header: headerOf(sent), Body: []byte(body), Status: status, Answer: headerOf(got), Content: []byte(content)}
	if body != "" && e.Header.Get("Content-Type") == "" {
		e.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if strings.HasPrefix(body, "{") {
			e.Header.Set("Content-Type", "application/json")
		}
	}
	if content != "" && e.Answer.Get("Content-Type") == "" {
		e.Answer.Set("Content-Type", "text/html; charset=utf-8")
		if strings.HasPrefix(content, "{") {
			e.Answer.Set("Content-Type", "application/json")
		}
	}
	r.list = append(r.list, e)
}

func headerOf(lines string) http.Header {
	header := make(http.Header)
	for line := range strings.SplitSeq(lines, "\n") {
		if name, value, found := strings.Cut(line, ": "); found {
			header.Add(name, value)
		}
	}
	return header
}

// block returns what is proposed, and what is missing, each on a line.
func (r *recorder) block(options Options) (block, missing string) {
	r.t.Helper()
	proposal, err := New(r.list).Propose(options)
	if err != nil {
		r.t.Fatal(err)
	}
	var text strings.Builder
	if err := proposal.Write(&text, nil); err != nil {
		r.t.Fatal(err)
	}
	return text.String(), strings.Join(proposal.Missing, "\n")
}

const loginForm = `<form action="/login" method="post"><input type="hidden" name="tok" value="hidden-token-1"><input name="user"><input type="password" name="pw"></form>`

// byForm is a recording of an app with a form, whose page behind it is given.
func byForm(t *testing.T, inner string) *recorder {
	t.Helper()
	r := &recorder{t: t}
	r.add("GET", "/", "", 302, "\n\nLocation: /login?next=/", "")
	r.add("GET", "/login?next=/", "", 200, "\n\nSet-Cookie: sid=anonymous-1; HttpOnly", loginForm+`<script src="/app.js"></script>`)
	r.add("POST", "/login", "user=alice&pw=wrong-password&tok=hidden-token-1", 200, "Cookie: sid=anonymous-1", loginForm)
	r.add("POST", "/login", "user=alice&pw=right-password&tok=hidden-token-1", 302, "Cookie: sid=anonymous-1\n\nSet-Cookie: sid=secret-session-2; HttpOnly\nLocation: /", "")
	r.add("GET", "/", "", 200, "Cookie: sid=secret-session-2", inner)
	r.add("GET", "/logout", "", 302, "Cookie: sid=secret-session-2\n\nSet-Cookie: sid=; Max-Age=0\nLocation: /login", "")
	return r
}

// TestForm: from a form, the login, who is signed in, what the login page needs, and the sign-out.
func TestForm(t *testing.T) {
	r := byForm(t, `<p>Hello <b id="who">alice</b></p>`)
	block, _ := r.block(Options{})
	for _, want := range []string{
		"\tlogin /login {\n\t\tusername form user\n\t}\n", "\tidentity / body `<b[^>]*\\bid=\"who\"[^>]*>\\s*([^<\\s][^<]*?)\\s*<`\n",
		"\tpublic /app.js\n", "\tlogout /logout\n", "The right password was answered by 302 (elsewhere) and the cookies sid,", "a wrong one by 200 and no cookie.",
	} {
		if !strings.Contains(block, want) {
			t.Errorf("no %q in\n%s", want, block)
		}
	}
	if strings.Contains(block, "identity typed") || strings.Contains(block, "fields") {
		t.Error(block)
	}
}

// TestTyped: where nothing names the account the typed name counts, with the fields of the form, and with what a wrong
// password does not bring.
func TestTyped(t *testing.T) {
	block, missing := byForm(t, `<p>Hello friend</p>`).block(Options{})
	for _, want := range []string{"\tidentity typed\n", "\t\tfields pw tok\n", "\t\tsuccess cookie sid\n"} {
		if !strings.Contains(block, want) {
			t.Errorf("no %q in\n%s", want, block)
		}
	}
	if !strings.Contains(missing, "identity typed") {
		t.Errorf("it is not said: %s", missing)
	}
}

// TestNamedToAnybody: a page that names the account before the login, as a form does that shows again what was typed,
// is not asked who is signed in.
func TestNamedToAnybody(t *testing.T) {
	r := byForm(t, `<b id="who">alice</b>`)
	r.list = append(r.list[:2:2], append([]Exchange{r.list[4]}, r.list[2:]...)...)
	if block, _ := r.block(Options{}); !strings.Contains(block, "identity typed") {
		t.Errorf("a page that strangers get names the account:\n%s", block)
	}
}

// TestToken: a token in the answer that the requests behind it carry.
func TestToken(t *testing.T) {
	r := &recorder{t: t}
	r.add("GET", "/app", "", 200, "", `<div id="root"></div><script src="/app.js"></script>`)
	r.add("GET", "/api/settings", "", 200, "Sec-Fetch-Mode: cors", `{"title":"x"}`)
	r.add("POST", "/api/login", `{"user":{"email":"alice@example.com","password":"wrong-password"}}`, 400, "", `{"ok":false}`)
	r.add("POST", "/api/login", `{"user":{"email":"alice@example.com","password":"right-password"}}`, 200, "", `{"data":{"access_token":"secret-token-1","refresh_token":"secret-token-2"}}`)
	r.add("GET", "/api/users/me", "", 200, "Authorization: JWT secret-token-1", `{"data":{"email":"alice@example.com","id":7}}`)
	r.add("POST", "/api/refresh", `{"refresh_token":"secret-token-2"}`, 200, "Authorization: JWT secret-token-1", `{"data":{"access_token":"secret-token-3"}}`)
	r.add("POST", "/api/auth", `{"action":"logout"}`, 200, "Authorization: JWT secret-token-1", `{}`)
	block, _ := r.block(Options{})
	for _, want := range []string{
		"login /api/login {", "username json /user/email", "token json /data/access_token", "token json /data/refresh_token", "failure status 400",
		"token_header Authorization JWT", "refresh /api/refresh", "identity /api/users/me json /data/email", "login_page /app",
		"public /api/settings", "public /app.js", "logout /api/auth json /action logout", "guard",
	} {
		if !strings.Contains(block, want) {
			t.Errorf("no %q in\n%s", want, block)
		}
	}
}

// TestNothing: without a password there is nothing to learn from.
func TestNothing(t *testing.T) {
	r := &recorder{t: t}
	r.add("GET", "/", "", 200, "", "<p>hello")
	r.add("POST", "/search", "q=password", 200, "", "<p>found")
	if _, err := New(r.list).Propose(Options{}); err == nil || !strings.Contains(err.Error(), ErrNothing.Error()) {
		t.Errorf("got %v", err)
	}
}

// TestLearntWords: what else the block says, by what was seen.
func TestLearntWords(t *testing.T) {
	const named = `<b id="who">alice</b>`
	for name, test := range map[string]struct {
		change    func(*recorder)
		options   Options
		want, not string
	}{
		"one address": {change: func(r *recorder) {
			r.add("GET", "/login?do=export", "", 200, "Cookie: sid=secret-session-2", "text")
			moveBeforeLast(r)
		}, want: "when form user *"},
		"at other addresses, too": {change: func(*recorder) {}, options: Options{Anywhere: true}, want: "only_here"},
		"a cookie that a script wrote": {change: func(r *recorder) {
			r.list[4].Header.Set("Cookie", "sid=secret-session-2; theme=dark")
		}, want: "\tpass theme\n"},
		"a cookie that was there": {change: func(r *recorder) {
			for i := range r.list {
				r.list[i].Header.Add("Cookie", "old=an-earlier-session")
			}
		}, not: "pass"},
		"a session that scripts can read and no login sets": {change: func(r *recorder) {
			r.list[1].Answer.Set("Set-Cookie", "sid=anonymous-1")
			r.list[3].Answer.Del("Set-Cookie")
		}, want: "\thold sid\n"},
		"another way to sign in": {change: func(r *recorder) {
			r.add("POST", "/api/v1/session", `{"login":"alice","password":"wrong-password"}`, 401, "", `{}`)
			r.list = append([]Exchange{r.list[len(r.list)-1]}, r.list[:len(r.list)-1]...)
		}, want: "login /api/v1/session {\n\t\tusername json /login\n"},
		"hashed names": {change: func(r *recorder) {
			r.list[1].Content = []byte(loginForm + `<script src="/assets/index-4f3a9b1c.js"></script><link rel="stylesheet" href="/assets/a.css">`)
		}, want: "/assets/*.js"},
		"a sign-out by a field of the query": {change: func(r *recorder) {
			r.list[5].URL.Path, r.list[5].URL.RawQuery = "/index.php", "route=/logout&nonce=hidden-token-9"
		}, want: "\tlogout /index.php?route=/logout\n"},
		"a preset":                     {change: func(*recorder) {}, options: Options{Presets: []Preset{{Name: "x", Marks: []Mark{{"path", "/login"}, {"cookie", "si*"}, {"page", "hidden"}}}}}, want: "\tpreset x\n", not: "login"},
		"a preset that is another's":   {change: func(*recorder) {}, options: Options{Presets: []Preset{{Name: "x", Marks: []Mark{{"path", "/login"}, {"cookie", "other"}}}}}, not: "preset"},
		"a preset without marks":       {change: func(*recorder) {}, options: Options{Presets: []Preset{{Name: "x"}}}, not: "preset"},
		"an answer that is a redirect": {change: func(r *recorder) { r.list[2].Status = 302; r.list[2].Content = nil }, want: "username form user"},
	} {
		t.Run(name, func(t *testing.T) {
			r := byForm(t, named)
			test.change(r)
			block, missing := r.block(test.options)
			if !strings.Contains(block, test.want) || test.not != "" && strings.Contains(withoutComments(block), "\t"+test.not) {
				t.Errorf("want %q and not %q:\n%s\n%s", test.want, test.not, block, missing)
			}
		})
	}
}

func moveBeforeLast(r *recorder) {
	last := len(r.list) - 1
	r.list[last-1], r.list[last] = r.list[last], r.list[last-1]
}

func withoutComments(block string) string {
	var kept []string
	for line := range strings.Lines(block) {
		if !strings.HasPrefix(strings.TrimSpace(line), "#") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

// TestBasic: HTTP Basic, with the address that asks for the password.
func TestBasic(t *testing.T) {
	r := &recorder{t: t}
	r.add("GET", "/x/", "", 401, "\n\nWWW-Authenticate: Basic", "")
	r.add("GET", "/x/", "", 401, "Authorization: Basic YWxpY2U6d3Jvbmc=\n\nWWW-Authenticate: Basic", "")
	r.add("GET", "/x/", "", 200, "Authorization: Basic YWxpY2U6cmlnaHQ=", "<p>inside")
	r.add("GET", "/x/list", "", 200, "Authorization: Basic YWxpY2U6cmlnaHQ=", "<p>inside")
	block, _ := r.block(Options{})
	if !strings.Contains(block, "login /x/ {\n\t\tusername basic\n\t}\n") || !strings.Contains(block, "identity typed") {
		t.Error(block)
	}
	proposal, err := New(r.list).Propose(Options{})
	if err != nil || proposal.Wrong == nil || !slices.Equal(proposal.Closed, []string{"/x/", "/x/list"}) {
		t.Errorf("%v, %+v", err, proposal)
	}
}
