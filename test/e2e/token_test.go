package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"

	"sallyport.example/sallyport/test/site"
)

// tokenApp stands in for apps that sign in by script and know users by bearer tokens. It is as lax as possible: it
// finds a token anywhere in a request.
type tokenApp struct {
	mutex  sync.Mutex
	count  int
	tokens map[string]string // token to name
	seen   []string          // each request as it came, except the questions who is signed in
}

func (a *tokenApp) issue(name string) string {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.count++
	token := fmt.Sprintf("tok3n.%s.%d", name, a.count)
	if a.tokens == nil {
		a.tokens = make(map[string]string)
	}
	a.tokens[token] = name
	return token
}

func (a *tokenApp) owner(text string) string {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	for token, owner := range a.tokens {
		if strings.Contains(text, token) {
			return owner
		}
	}
	return ""
}

func (a *tokenApp) sent() string {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	return strings.Join(a.seen, "\n")
}

func (a *tokenApp) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	all := fmt.Sprint(r.Method, " ", r.URL, " ", r.Header)
	who := a.owner(all)
	if r.URL.Path != "/me" {
		a.mutex.Lock()
		a.seen = append(a.seen, all)
		a.mutex.Unlock()
	}
	var body struct{ Username, Password, Token string }
	switch r.URL.Path {
	case "/auth/login":
		_ = json.NewDecoder(r.Body).Decode(&body)
		if body.Password != "pw-"+body.Username {
			http.Error(w, `{"error":"wrong"}`, http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"token":%q}`, a.issue(body.Username))
	case "/auth/refresh":
		_ = json.NewDecoder(r.Body).Decode(&body)
		if owner := a.owner(body.Token); owner != "" {
			who = owner
		}
		if who != "" {
			fmt.Fprintf(w, `{"token":%q}`, a.issue(who))
			return
		}
		w.WriteHeader(http.StatusUnauthorized)
	case "/me":
		fmt.Fprintf(w, `{"name":%q}`, who)
	case "/ws":
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		// A password inside is worth as much as a token inside.
		if _, name, err := conn.Read(r.Context()); err == nil {
			_ = conn.Write(r.Context(), websocket.MessageText, []byte(a.issue(string(name))))
		}
		_ = conn.Close(websocket.StatusNormalClosure, "")
	default:
		if who == "" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, "secrets of ", who)
	}
}

const tokenLines = `app tokens
login /auth/login {
	username json /username
	token json /token
}
login_page /static/app
identity /me json /name
public /static/*
refresh /auth/refresh
totp {
	skew 10
}`

var scripted = http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}, "Sec-Fetch-Mode": {"cors"}}

func signInByToken(c *site.Client, name string) site.Answer {
	return c.Do("POST", "/auth/login", scripted, fmt.Sprintf(`{"username":%q,"password":"pw-%s"}`, name, name))
}

// passByScript answers the challenge as the guard does, and returns the token of the withheld answer.
func passByScript(t testing.TB, c *site.Client, factor *site.Authenticator) string {
	t.Helper()
	c.Do("POST", "/second-factor/challenge", scripted, fmt.Sprintf(`{"code":%q}`, factor.Code(t))).Wants(t, http.StatusNoContent, "")
	return issuedToken(t, c.Do("GET", "/second-factor/resume", scripted, ""))
}

func issuedToken(t testing.TB, got site.Answer) string {
	t.Helper()
	var answer struct{ Token string }
	if err := json.Unmarshal([]byte(got.Text), &answer); err != nil || answer.Token == "" || got.StatusCode != http.StatusOK {
		t.Fatalf("no token: %d %s", got.StatusCode, got.Text)
	}
	return answer.Token
}

func asBearer(token string) http.Header {
	return http.Header{"Authorization": {"Bearer " + token}, "Accept": {"*/*"}, "Sec-Fetch-Mode": {"cors"}}
}

// TestP2_TokenBeforeTheFactor: an attacker has alice's password. Whatever he tries, nothing that comes back contains
// her token, and a token that he got hold of elsewhere opens nothing.
func TestP2_TokenBeforeTheFactor(t *testing.T) {
	t.Parallel()
	app := new(tokenApp)
	s := site.Start(t, site.Serve(t, app), tokenLines, site.Options{})
	owner := s.Client(t)
	token := issuedToken(t, signInByToken(owner, "alice"))
	owner.Do("GET", "/x", asBearer(token), "").Wants(t, http.StatusOK, "")
	factor, _ := owner.Enrol(10)

	thief := s.Client(t)
	for _, header := range []http.Header{
		{}, {"Expect": {"100-continue"}}, {"Accept-Encoding": {"gzip"}}, {"If-None-Match": {"*"}}, {"Range": {"bytes=0-10"}}, {"Te": {"trailers"}}, {"Accept": {"text/html"}, "Sec-Fetch-Mode": {"navigate"}},
	} {
		all := scripted.Clone()
		for name, values := range header {
			all[name] = values
		}
		got := thief.Do("POST", "/auth/login", all, `{"username":"alice","password":"pw-alice"}`)
		if got.StatusCode != http.StatusUnauthorized && got.StatusCode != http.StatusSeeOther || strings.Contains(fmt.Sprint(got.Header, got.Text), "tok3n") {
			t.Errorf("%v: %d %v %s", header, got.StatusCode, got.Header, got.Text)
		}
		wantsState(t, thief, "pending", "alice")
		for _, path := range []string{"/second-factor/resume", "/second-factor/status", "/x", "/auth/refresh", "/static/x", "/me"} {
			for _, method := range []string{"GET", "POST"} {
				got := thief.Do(method, path, asBearer(token), bodyFor(method, "{}"))
				if strings.Contains(got.Text, "tok3n") || strings.Contains(got.Text, "secrets") {
					t.Errorf("%s %s: %d %s", method, path, got.StatusCode, got.Text)
				}
			}
		}
	}
	signInByToken(thief, "alice").Wants(t, http.StatusUnauthorized, "")
	before := app.sent()
	passed := passByScript(t, thief, factor)
	thief.Do("GET", "/x", asBearer(passed), "").Wants(t, http.StatusOK, "")
	if log := s.Log(); strings.Contains(log, passed) || strings.Contains(log, "tok3n") {
		t.Error("a token is in the log")
	}
	if strings.Contains(before[strings.LastIndex(before, "/auth/login"):], "tok3n") {
		t.Error("a pending session's token reached the app")
	}
}

// TestP3_TokenOfAnother: bob, with a factor of his own, has got hold of alice's token. In no form does it reach the app
// in his session. The bytes go over the wire as he wrote them.
func TestP3_TokenOfAnother(t *testing.T) {
	t.Parallel()
	app := new(tokenApp)
	s := site.Start(t, site.Serve(t, app), tokenLines, site.Options{Global: "servers {\n\t\texpected_underscore_headers x_auth_token\n\t}"})
	alice, bob := s.Client(t), s.Client(t)
	hers, his := issuedToken(t, signInByToken(alice, "alice")), issuedToken(t, signInByToken(bob, "bob"))
	cookie := "Cookie: sallyport=" + bob.Token()
	for _, lines := range [][]string{
		{"Authorization: Bearer " + hers},
		{"authorization: " + hers},
		{"Authorization: Bearer " + his, "Authorization: Bearer " + hers},
		{"AUTHORIZATION: JWT " + hers},
		{"Authorization: Bearer " + his, "Connection: Authorization", "authorization: Bearer " + hers},
		{"X-Auth-Token: " + hers},
		{"X_Auth_Token: " + hers},
		{"X-Auth: " + hers},
		{"Token: " + hers},
		{"X-Api-Key: " + hers},
		{"Proxy-Authorization: Bearer " + hers},
		{"Authorization: Bearer " + his + ", Bearer " + hers},
		{"Authorization: Basic " + hers},
		{"Cookie: token=" + hers},
		{"X-Access-Token: " + hers, "X-Access-Token: " + his},
		{"Sec-Fetch-Mode: cors", "X-Jwt-Token: " + hers},
	} {
		answer := s.Raw(t, s.RawRequest("GET", "/x", append(lines, cookie)...))
		if strings.Contains(answer, "secrets of alice") {
			t.Errorf("%q: %s", lines, answer)
		}
	}
	for _, query := range []string{"token=", "access_token=", "auth=", "a=1&Access_Token=", "%74oken=", "a;token=", "token[]=", "a=1&&jwt="} {
		answer := s.Raw(t, s.RawRequest("GET", "/x?"+query+hers, cookie))
		if strings.Contains(answer, "secrets of alice") {
			t.Errorf("%q: %s", query, answer)
		}
	}
	for _, target := range []string{"http://" + hers + ":x@" + s.Address + "/x", "http://alice:" + hers + "@" + s.Address + "/x"} {
		if answer := s.Raw(t, s.RawRequest("GET", target, cookie)); strings.Contains(answer, "secrets of alice") {
			t.Errorf("%s: %s", target, answer)
		}
	}
	if strings.Contains(app.sent(), hers) {
		t.Error("her token reached the app")
	}
	bob.Do("GET", "/x?access_token="+his, scripted, "").Wants(t, http.StatusOK, "")
	bob.Do("GET", "/x", asBearer(his), "").Wants(t, http.StatusOK, "")
	direct := httptest.NewRequest("GET", "/x?token="+hers, nil)
	shown := httptest.NewRecorder()
	app.ServeHTTP(shown, direct)
	if shown.Body.String() != "secrets of alice" {
		t.Error("the app takes no token in the query: the test shows nothing")
	}
}

// TestP5_TokenFromAWebSocket: signing in inside a WebSocket gains nothing, because the token that it gives is bound to
// no session.
func TestP5_TokenFromAWebSocket(t *testing.T) {
	t.Parallel()
	app := new(tokenApp)
	s := site.Start(t, site.Serve(t, app), tokenLines, site.Options{})
	bob := s.Client(t)
	his := issuedToken(t, signInByToken(bob, "bob"))
	conn, answer, err := websocket.Dial(context.Background(), "ws://"+s.Address+"/ws", &websocket.DialOptions{HTTPHeader: http.Header{
		"Cookie": {"sallyport=" + bob.Token()}, "Authorization": {"Bearer " + his},
	}})
	if err != nil {
		t.Fatalf("%v %v", err, answer)
	}
	defer func() { _ = conn.CloseNow() }()
	if err := conn.Write(context.Background(), websocket.MessageText, []byte("alice")); err != nil {
		t.Fatal(err)
	}
	_, got, err := conn.Read(context.Background())
	if err != nil || app.owner(string(got)) != "alice" {
		t.Fatalf("%q %v: the test shows nothing", got, err)
	}
	for _, c := range []*site.Client{bob, s.Client(t)} {
		if answer := c.Do("GET", "/x", asBearer(string(got)), ""); answer.StatusCode != http.StatusUnauthorized {
			t.Errorf("a token from a WebSocket: %d %s", answer.StatusCode, answer.Text)
		}
	}
	bob.Do("GET", "/x", asBearer(his), "").Wants(t, http.StatusOK, "")
	if _, refused, err := websocket.Dial(context.Background(), "ws://"+s.Address+"/ws?access_token="+his, nil); err == nil || refused == nil || refused.StatusCode != http.StatusUnauthorized {
		t.Errorf("a WebSocket by token alone: %v %v", err, refused)
	}
}

// TestP5_TokenRefreshed: a session's new token works, and so does the old one, across a reload of the gateway. Another
// user's token at the refresh path is a sign-in of that user.
func TestP5_TokenRefreshed(t *testing.T) {
	t.Parallel()
	app := new(tokenApp)
	s := site.Start(t, site.Serve(t, app), tokenLines, site.Options{})
	alice, bob := s.Client(t), s.Client(t)
	issuedToken(t, signInByToken(alice, "alice"))
	factor, _ := alice.Enrol(10)
	signInByToken(alice, "alice").Wants(t, http.StatusUnauthorized, "")
	hers := passByScript(t, alice, factor)
	his := issuedToken(t, signInByToken(bob, "bob"))
	second := issuedToken(t, bob.Do("POST", "/auth/refresh", asBearer(his), "{}"))
	if err := s.Reload(); err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{his, second} {
		if got := bob.Do("GET", "/x", asBearer(token), "").Wants(t, http.StatusOK, ""); got.Text != "secrets of bob" {
			t.Errorf("%s: %s", token, got.Text)
		}
	}
	got := bob.Do("POST", "/auth/refresh", asBearer(second), fmt.Sprintf(`{"token":%q}`, hers))
	if got.StatusCode != http.StatusUnauthorized || strings.Contains(got.Text, "tok3n") || !strings.Contains(got.Text, "second-factor-required") {
		t.Errorf("alice's token at refresh: %d %s", got.StatusCode, got.Text)
	}
	wantsState(t, bob, "pending", "alice")
	bob.Do("GET", "/x", asBearer(second), "").Wants(t, http.StatusUnauthorized, "")
	alice.Do("GET", "/x", asBearer(hers), "").Wants(t, http.StatusOK, "")
}
