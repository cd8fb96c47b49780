package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/site"
)

// The parts of a site block that the attacks combine in their own ways.
const (
	commonLines = `
		app    ledger
		logout /logout
		pass   theme
		totp {
			skew 10
		}
`
	formLogin = `
		login /login {
			username form username
		}
`
	jsonLogin = `
		login /api/login {
			username json /user/name
		}
`
	// typedLogins are the same logins for an app that is not asked who is signed in. They are for apps with
	// demo.Knobs.TellsByCookie.
	typedLogins = typedForm + typedJSON
	typedForm   = `
		identity typed
		login /login {
			username form username
			fields   password csrf next
			success  cookie ` + demo.LastCookie + `
		}
`
	typedJSON = `
		login /api/login {
			username json /user/name
			fields   /user/password
			success  json /login
		}
`
	askIdentity  = "\n\t\tidentity /api/me json /login\n"
	staticPublic = "\n\t\tpublic /static/* /favicon.ico\n"
	resetPublic  = "\n\t\tpublic /static/* /favicon.ico /reset?*\n\t\tpublic POST /register\n"
)

// typedKnobs makes the app set a cookie that shows that somebody has signed in, if nobody asks it.
func typedKnobs(block string, knobs demo.Knobs) demo.Knobs {
	knobs.TellsByCookie = knobs.TellsByCookie || strings.Contains(block, demo.LastCookie)
	return knobs
}

// newWrapped is newLedger with a test's own handler around the app, for answers that no knob makes.
func newWrapped(t testing.TB, knobs demo.Knobs, block string, wrap func(app *demo.App) http.Handler) *ledger {
	t.Helper()
	if knobs.Record == 0 {
		knobs.Record = 500
	}
	app := demo.New(demo.Options{Knobs: typedKnobs(block, knobs)})
	t.Cleanup(app.Close)
	return &ledger{Site: site.Start(t, site.Serve(t, wrap(app)), block, site.Options{}), app: app}
}

// enrolled gives an account a second factor and leaves no session behind.
func (l *ledger) enrolled(t testing.TB, name, password string) *site.Authenticator {
	t.Helper()
	c, authenticator := l.verified(t, name, password)
	c.SignOut()
	return authenticator
}

// with makes a browser that has somebody's session token and nothing else.
func (l *ledger) with(t testing.TB, token string) *site.Client {
	t.Helper()
	c := l.Client(t)
	if token != "" {
		c.SetCookie("sallyport", token)
	}
	return c
}

// credentials makes the body of the app's login for scripts.
func credentials(name, password string) string {
	body, err := json.Marshal(map[string]any{"user": map[string]string{"name": name, "password": password}})
	if err != nil {
		panic(err)
	}
	return string(body)
}

// jsonHeader returns the headers that a script sends.
func jsonHeader() http.Header {
	return http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}, "Sec-Fetch-Mode": {"cors"}}
}

// signInScript types a password as a script does.
func signInScript(c *site.Client, name, password string) site.Answer {
	return c.PostJSON("/api/login", credentials(name, password))
}

// verifiedByScript is verified for apps that sign in at /api/login only, and without an earlier session.
func (l *ledger) verifiedByScript(t testing.TB, name, password string) (*site.Client, *site.Authenticator) {
	t.Helper()
	c := l.Client(t)
	signInScript(c, name, password).Wants(t, http.StatusOK, "")
	authenticator, _ := c.Enrol(skew)
	return c, authenticator
}

func (l *ledger) enrolledByScript(t testing.TB, name, password string) *site.Authenticator {
	t.Helper()
	c, authenticator := l.verifiedByScript(t, name, password)
	c.SignOut()
	return authenticator
}

// shows reports whether an answer contains anything of an account's own: the app marks each of its answers.
func shows(a site.Answer, name string) bool {
	return a.Header.Get("X-Ledger-User") == name || strings.Contains(a.Text, "Opening balance of "+name) ||
		strings.Contains(a.Text, `id="whoami">`+name) || strings.Contains(a.Text, `"login":"`+name+`"`)
}

// wantsState fails the test unless the gateway says this of the client's session.
func wantsState(t testing.TB, c *site.Client, state, user string) {
	t.Helper()
	var status struct{ State, User string }
	if text := c.Status(); json.Unmarshal([]byte(text), &status) != nil || status.State != state || status.User != user {
		t.Fatalf("the session is %s, want %s of %q", strings.TrimSpace(text), state, user)
	}
}

// wantsEntries is the positive control: the app serves this account's ledger in this session.
func wantsEntries(t testing.TB, c *site.Client, name string) {
	t.Helper()
	if got := c.Get("/api/entries"); got.StatusCode != http.StatusOK || !shows(got, name) {
		t.Fatalf("the ledger of %s is not served: %d %s", name, got.StatusCode, got.Text)
	}
}

// wantsShut fails the test unless every address of the app is closed to this session, by every method.
func wantsShut(t testing.TB, c *site.Client) {
	t.Helper()
	for _, path := range []string{"/", "/files", "/api/entries", "/echo", "/api/me"} {
		got := c.Get(path)
		if got.StatusCode != http.StatusSeeOther || shows(got, "alice") || shows(got, "bob") {
			t.Fatalf("%s is open: %d\n%.500s", path, got.StatusCode, got.Text)
		}
	}
	if got := c.PostJSON("/api/entries", `{"text":"stolen","amount":"1"}`); got.StatusCode != http.StatusUnauthorized {
		t.Fatalf("POST is open: %d", got.StatusCode)
	}
}

// wantsNothingOf fails the test if the answer carries a valid cookie of the app's.
func wantsNothingOf(t testing.TB, a site.Answer) {
	t.Helper()
	for _, line := range a.Header["Set-Cookie"] {
		if strings.HasPrefix(line, demo.SessionCookie+"=") {
			t.Fatalf("the app's session reached the browser: %s", line)
		}
	}
}

// held is a request of which the gateway has the head and waits for the body.
type held struct {
	t    testing.TB
	conn net.Conn
	in   *bufio.Reader
	body string
}

// hold sends the head of a request and returns when the gateway has begun to read the body, and so has already looked
// at the session: only then does the server say 100 Continue.
func (l *ledger) hold(t testing.TB, token, method, path, contentType, body string) *held {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(context.Background(), "tcp", l.Address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	h := &held{t: t, conn: conn, in: bufio.NewReader(conn), body: body}
	if err := conn.SetDeadline(time.Now().Add(60 * time.Second)); err != nil {
		t.Fatal(err)
	}
	_, err = fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: %s\r\nCookie: sallyport=%s\r\nAccept: text/html\r\nContent-Type: %s\r\n"+
		"Content-Length: %d\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n", method, path, l.Address, token, contentType, len(body))
	if err != nil {
		t.Fatal(err)
	}
	line, err := h.in.ReadString('\n')
	if err != nil || !strings.Contains(line, "100") {
		t.Fatalf("no 100 Continue: %q %v", line, err)
	}
	if _, err := h.in.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	return h
}

// finish sends the body and returns the answer.
func (h *held) finish() site.Answer {
	h.t.Helper()
	if _, err := io.WriteString(h.conn, h.body); err != nil {
		h.t.Fatal(err)
	}
	response, err := http.ReadResponse(h.in, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return site.Answer{Response: response, Text: string(text)}
}

// tokenOf returns the session token that an answer hands out; "" if it hands out none.
func tokenOf(a site.Answer) string {
	for _, cookie := range a.Cookies() {
		if cookie.Name == "sallyport" {
			return cookie.Value
		}
	}
	return ""
}

// codeForm is the form of the challenge.
func codeForm(csrf, code string) string {
	return url.Values{"csrf_token": {csrf}, "code": {code}}.Encode()
}

// doors block some paths of the app until the test opens them. They must be made before the app is served.
type doors struct {
	next http.Handler
	// arrived gets the path of each request that waits; open lets one of them go on.
	arrived chan string
	open    chan struct{}
	// shut reports whether a request has to wait.
	shut func(r *http.Request) bool
}

func newDoors(t testing.TB, next http.Handler, shut func(r *http.Request) bool) *doors {
	d := &doors{next: next, arrived: make(chan string, 100), open: make(chan struct{}, 100), shut: shut}
	t.Cleanup(func() { close(d.open) })
	return d
}

func (d *doors) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if d.shut(r) {
		// The app works on the request and then waits, so its answer is on its way.
		d.arrived <- r.URL.Path
		<-d.open
	}
	d.next.ServeHTTP(w, r)
}

// wait returns when a request waits at a door.
func (d *doors) wait(t testing.TB) {
	t.Helper()
	select {
	case <-d.arrived:
	case <-time.After(30 * time.Second):
		t.Fatal("no request came to the door")
	}
}
